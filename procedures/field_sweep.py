"""Photocurrent of the crystal at several biases in one beam, up and down: how the sensitivity saturates.

While a bias settles the beam goes on being switched, so that the tube is as warm at every bias. Not verified on
hardware.
"""

import math
from collections.abc import Iterator
from itertools import pairwise

from procedures.base import Phase, Plan
from procedures.chopped_plan import (
    conditioning_cycles,
    dose_rate_gy_s,
    gy_text,
    of_the_dose,
    of_the_photocurrents,
    of_the_warm_up,
)
from procedures.chopping import SETTLING_PERIOD_S, ChoppedBeamProcedure, Setting, chopped_points
from procedures.parameters import described_by
from procedures.source import LONGEST_WAY_TO_ZERO_S, compliance_text, reading_text
from procedures.wanted import parameters_as
from xraydaq.config import RunConfig
from xraydaq.config.recipes.field_sweep import FieldSweepParameters

LEAST_BIAS_SETTLE_S = 300.0


@described_by(FieldSweepParameters)
class FieldSweep(ChoppedBeamProcedure):
    """Measure the sensitivity against the field at one dose rate."""

    AXES = ("voltage",)

    @classmethod
    def plan(cls, config: RunConfig) -> Plan:
        """Compute visits, beam time and dose; opens nothing."""
        return plan_of(config)

    def measure_all(self) -> None:
        """Condition the tube, then visit every bias; what an earlier segment has visited is left out."""
        wanted = wanted_of(self.context.config)
        visits = [
            (number, bias_v) for number, bias_v in enumerate(wanted.visits_v()) if not self.is_done(_key(number))
        ]
        if not visits:
            return
        self.beam.mount(wanted.foil_m)
        self.beam.warm_up(wanted.tube_voltage_v, wanted.tube_current_a, 0.0)
        self.stage.hold()
        self.source.switch_on()
        self.source.ramp_to(visits[0][1])
        self._rest("settling", wanted.settle_duration_s, in_the_beam=False)
        self._rest("conditioning", 2 * conditioning_cycles(wanted) * wanted.half_period_s, in_the_beam=True)
        for number, bias_v in visits:
            self.source.ramp_to(bias_v)
            self._rest("settling", wanted.bias_settle_duration_s, in_the_beam=wanted.beam_at_rest == "chopped")
            self.phase(_key(number), f"{bias_v:g} V")
            setting = Setting(wanted.tube_voltage_v, wanted.tube_current_a)
            self.chop(number, setting, wanted.cycles, wanted.half_period_s)
            self.checkpoint(_key(number))

    def _rest(self, name: str, duration_s: float, *, in_the_beam: bool) -> None:
        """Read once a second; in the beam it is switched as a visit does, and off at the end."""
        if not duration_s > 0:
            return
        wanted = wanted_of(self.context.config)
        self.phase(name, f"{duration_s:g} s at {self.source.smu.bias_v:g} V")
        left_s, on = duration_s, in_the_beam
        while left_s > 1e-6:
            part_s = min(left_s, wanted.half_period_s) if in_the_beam else left_s
            if on:
                self.light(wanted.tube_voltage_v, wanted.tube_current_a)
            elif self.beam.is_on:
                self.beam.chop_off()
            end_s = self.context.clock.now() + part_s
            self.read_for(part_s, SETTLING_PERIOD_S)
            self.wait_until(end_s)
            left_s, on = left_s - part_s, in_the_beam and not on
        if self.beam.is_on:
            self.beam.off()


def _key(number: int) -> str:
    return f"bias {number}"


wanted_of = parameters_as(FieldSweepParameters)


def plan_of(config: RunConfig) -> Plan:
    """Compute visits, beam time and dose; opens nothing."""
    wanted, visits_v = wanted_of(config), wanted_of(config).visits_v()
    each_s = (2 * wanted.cycles + 1) * wanted.half_period_s
    conditioning_s = 2 * conditioning_cycles(wanted) * wanted.half_period_s
    rest_s = len(visits_v) * wanted.bias_settle_duration_s
    beam_s = len(visits_v) * wanted.cycles * wanted.half_period_s + conditioning_s / 2
    if wanted.beam_at_rest == "chopped":
        beam_s += len(visits_v) * _lit_s(wanted.bias_settle_duration_s, wanted.half_period_s)
    readings = chopped_points(wanted.cycles, wanted.half_period_s, wanted.period_s)
    change_v = abs(visits_v[0]) + sum(abs(b - a) for a, b in pairwise(visits_v))
    back_s = min(abs(visits_v[-1]) / wanted.ramp_rate_v_per_s, LONGEST_WAY_TO_ZERO_S)
    phases = (
        Phase("settling", visits_v[0], wanted.settle_duration_s, math.floor(wanted.settle_duration_s)),
        Phase("conditioning", visits_v[0], conditioning_s, math.floor(conditioning_s), "beam on and off"),
        Phase("rest after each bias step", 0.0, rest_s, math.floor(rest_s), f"beam {wanted.beam_at_rest}"),
        Phase("sweep", 0.0, len(visits_v) * each_s, len(visits_v) * readings, f"{len(visits_v)} visits of a bias"),
    )
    rate_gy_s = dose_rate_gy_s(config, wanted.foil_m, wanted.tube_current_a)
    return Plan(
        tuple(phase for phase in phases if phase.duration_s > 0),
        ramp_s=change_v / wanted.ramp_rate_v_per_s + back_s,
        details=_details(config, rate_gy_s),
        beam_s=beam_s,
        dose_gy=beam_s * rate_gy_s,
        warnings=tuple(_warnings(config, rate_gy_s)),
    )


def _lit_s(rest_s: float, half_period_s: float) -> float:
    """Get how much of a rest that begins with the beam on and switches it every half period is lit."""
    whole, left_s = divmod(rest_s, half_period_s)
    return math.ceil(whole / 2) * half_period_s + (left_s if whole % 2 == 0 else 0.0)


def _details(config: RunConfig, rate_gy_s: float) -> tuple[tuple[str, str], ...]:
    wanted, gap_m = wanted_of(config), config.sample.gap_m
    sizes = sorted(abs(bias_v) for bias_v in wanted.biases_v)
    return (
        ("each reading", reading_text(wanted.period_s, wanted)),
        ("compliance", compliance_text(wanted)),
        ("nominal fields", f"{sizes[0] / gap_m / 1e3:.4g} to {sizes[-1] / gap_m / 1e3:.4g} V/mm, {wanted.direction}"),
        ("dose rate", f"{gy_text(rate_gy_s)} behind {config.bench.total_al_m(wanted.foil_m) * 1e3:g} mm of aluminium"),
        ("each visit", f"{wanted.cycles} cycles of {2 * wanted.half_period_s:g} s"),
    )


def _warnings(config: RunConfig, rate_gy_s: float) -> Iterator[str]:
    wanted = wanted_of(config)
    yield from of_the_dose(config, (wanted.tube_current_a,))
    sizes = sorted(abs(bias_v) for bias_v in wanted.biases_v)
    lowest = (rate_gy_s * sizes[0] / sizes[-1], f"at {sizes[0]:g} V")
    yield from of_the_photocurrents(config, wanted.expected_sensitivity_c_gy_m2, lowest, rate_gy_s)
    yield from of_the_warm_up(wanted.warm_up_duration_s)
    if wanted.bias_settle_duration_s < LEAST_BIAS_SETTLE_S:
        yield "rest below 5 min after a bias step: the dark current still bends"
    if wanted.direction != "up and down":
        yield "one way only: a drift of the sensitivity will look like a dependence on the field"
