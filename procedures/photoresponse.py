"""Current of the crystal while the beam is switched, read fast after every edge: rise, fall, lag and repeatability.

On a glass blank in the crystal's place the same run is the control for the ionisation of air. Not verified on
hardware.
"""

import math
from collections.abc import Iterator
from typing import ClassVar

from procedures import chopping
from procedures.base import Phase, Plan
from procedures.chopped_plan import (
    conditioning_cycles,
    dose_rate_gy_s,
    gy_text,
    of_the_dose,
    of_the_photocurrent,
    of_the_photocurrents,
    of_the_warm_up,
)
from procedures.chopping import SETTLING_PERIOD_S, ChoppedBeamProcedure
from procedures.parameters import described_by
from procedures.source import LONGEST_WAY_TO_ZERO_S, compliance_text, reading_text
from procedures.wanted import parameters_as
from xraydaq.config import RunConfig
from xraydaq.config.recipes.photoresponse import PhotoresponseParameters
from xraydaq.storage import Column
from xraydaq.units import format_quantity

LOOK_S = 0.1
"""So long before an edge the tube is looked at: the look would else be due after it, where the tube answers late."""

PRINTED_AIR_C_GY_M2 = 0.16
"""Air ionisation as published, 16 uC/(Gy cm^2): Y. Song et al., Research 2020, 5958243, supplement."""


@described_by(PhotoresponseParameters)
class Photoresponse(ChoppedBeamProcedure):
    """Measure how the photocurrent follows the beam at one dose rate or several."""

    COLUMNS: ClassVar[tuple[Column, ...]] = (
        *chopping.COLUMNS,
        Column("switched", "s", "moment of the last command to the tube, on the axis of elapsed (nan: none yet)"),
    )

    @classmethod
    def plan(cls, config: RunConfig) -> Plan:
        """Compute readings, beam time and dose; opens nothing."""
        return plan_of(config)

    def measure_all(self) -> None:
        """Settle in the dark, condition the tube, then switch at every dose rate that is left."""
        wanted = wanted_of(self.context.config)
        left = [each for each in enumerate(wanted.tube_currents_a) if not self.is_done(_key(each[0]))]
        if not left:
            return
        self._switched_s = math.nan
        self.beam.mount(wanted.foil_m)
        self.beam.warm_up(wanted.tube_voltage_v, wanted.tube_currents_a[0], 0.0)
        self.stage.hold()
        self.source.switch_on()
        self.source.ramp_to(wanted.bias_v)
        self.phase("settling", f"{wanted.settle_duration_s:g} s in the dark")
        self.read_for(wanted.settle_duration_s, SETTLING_PERIOD_S)
        self.condition(left[0][1])
        for number, current_a in left:
            self.phase(_key(number), f"{current_a * 1e6:g} uA")
            self._follow(number, current_a)
            self.checkpoint(_key(number))

    def _follow(self, number: int, current_a: float) -> None:
        """Record dark, then beam and dark by turns, densely after each edge."""
        wanted, clock = wanted_of(self.context.config), self.context.clock
        self.point, edge_s = number, clock.now()
        try:
            for count in range(2 * wanted.cycles + 1):
                self.cycle = max(count - 1, 0) // 2
                if count:
                    self._switched_s = self.elapsed_s
                    self._switch_to(current_a if count % 2 else 0.0)
                edge_s += wanted.half_period_s
                if count:
                    self.read_for(wanted.dense_duration_s, wanted.period_s)
                self.read_for(edge_s - LOOK_S - clock.now(), wanted.late_period_s)
                self.wait_until(edge_s - LOOK_S)
                self.look_now()
                self.wait_until(edge_s)
        finally:
            self.point = self.cycle = -1

    def _switch_to(self, current_a: float) -> None:
        if current_a > 0:
            self.light(wanted_of(self.context.config).tube_voltage_v, current_a)
        else:
            self.beam.chop_off()

    def take_row(self) -> None:
        """Take one reading, and say when the tube was commanded last."""
        self.judge(
            self.source.take(
                temperature=self.stage.temperature_k(),
                point=self.point,
                cycle=self.cycle,
                switched=self._switched_s,
                **self.beam.values(),
            )
        )


def _key(number: int) -> str:
    return f"dose rate {number}"


wanted_of = parameters_as(PhotoresponseParameters)


def plan_of(config: RunConfig) -> Plan:
    """Compute readings, beam time and dose; opens nothing."""
    wanted = wanted_of(config)
    each_s = (2 * wanted.cycles + 1) * wanted.half_period_s
    on_s = wanted.cycles * wanted.half_period_s
    conditioning_s = 2 * conditioning_cycles(wanted) * wanted.half_period_s
    dense = 2 * wanted.cycles * math.floor(wanted.dense_duration_s / wanted.period_s)
    late_s = each_s - 2 * wanted.cycles * wanted.dense_duration_s - (2 * wanted.cycles + 1) * LOOK_S
    readings = dense + math.floor(late_s / wanted.late_period_s)
    rates = [dose_rate_gy_s(config, wanted.foil_m, current_a) for current_a in wanted.tube_currents_a]
    up_s = abs(wanted.bias_v) / wanted.ramp_rate_v_per_s
    phases = (
        Phase("settling", wanted.bias_v, wanted.settle_duration_s, math.floor(wanted.settle_duration_s)),
        Phase("conditioning", wanted.bias_v, conditioning_s, 0, f"{wanted.bias_v:g} V, beam on and off"),
        *(Phase(_key(k), wanted.bias_v, each_s, readings, gy_text(rate)) for k, rate in enumerate(rates)),
    )
    return Plan(
        tuple(phase for phase in phases if phase.duration_s > 0),
        ramp_s=up_s + min(up_s, LONGEST_WAY_TO_ZERO_S),
        details=_details(config, rates),
        beam_s=len(rates) * on_s + conditioning_s / 2,
        dose_gy=sum(rates) * on_s + rates[0] * conditioning_s / 2,
        warnings=tuple(_warnings(config, rates)),
    )


def _details(config: RunConfig, rates: list[float]) -> tuple[tuple[str, str], ...]:
    wanted = wanted_of(config)
    late, al_mm = format_quantity(wanted.late_period_s, "s"), config.bench.total_al_m(wanted.foil_m) * 1e3
    return (
        ("each reading", reading_text(wanted.period_s, wanted)),
        ("later readings", f"every {late}, from {wanted.dense_duration_s:g} s after an edge on"),
        ("compliance", compliance_text(wanted)),
        ("nominal field", f"{abs(wanted.bias_v) / config.sample.gap_m / 1e3:.4g} V/mm"),
        (
            "dose rates",
            f"{', '.join(map(gy_text, rates))} behind {al_mm:g} mm Al",
        ),
        ("at each", f"{wanted.cycles} cycles of {2 * wanted.half_period_s:g} s"),
    )


def _warnings(config: RunConfig, rates: list[float]) -> Iterator[str]:
    wanted = wanted_of(config)
    yield from of_the_dose(config, wanted.tube_currents_a)
    where = f"at {gy_text(min(rates))}"
    if config.sample.treatment == "glass":
        lowest_a = PRINTED_AIR_C_GY_M2 * config.sample.area_m2 * min(rates)
        yield from of_the_photocurrent(wanted, lowest_a, f"of the air {where}")
    else:
        yield from of_the_photocurrents(config, wanted.expected_sensitivity_c_gy_m2, (min(rates), where), max(rates))
    yield from of_the_warm_up(wanted.warm_up_duration_s)
