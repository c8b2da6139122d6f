"""Dark current against time at a constant bias: baseline at 0 V, ramp, the long phase at bias, ramp, tail at 0 V."""

import math
from typing import ClassVar

from procedures.base import BenchProcedure, Phase, Plan
from procedures.meter_plan import accuracy_text, of_the_dark_current
from procedures.parameters import described_by
from procedures.source import (
    COLUMNS,
    LONGEST_WAY_TO_ZERO_S,
    RAMP_STEP_S,
    Source,
    compliance_text,
    reading_text,
)
from procedures.stage import Stage
from xraydaq.config import RunConfig
from xraydaq.config.recipes.bias_stability import BiasStabilityParameters
from xraydaq.safety import WayBack
from xraydaq.storage import Column
from xraydaq.units import format_quantity


@described_by(BiasStabilityParameters)
class BiasStability(BenchProcedure):
    """Record the dark current of a crystal at constant bias."""

    COLUMNS: ClassVar[tuple[Column, ...]] = COLUMNS

    @classmethod
    def plan(cls, config: RunConfig) -> Plan:
        """Compute phases, readings and ramp time; opens nothing."""
        wanted: BiasStabilityParameters = config.recipe.parameters
        phases = (
            _phase("baseline", 0.0, wanted.baseline_duration_s, wanted.period_s),
            _phase("bias", wanted.bias_v, wanted.duration_s, wanted.period_s),
            _phase("tail", 0.0, wanted.tail_duration_s, wanted.period_s),
        )
        up_s = abs(wanted.bias_v) / wanted.ramp_rate_v_per_s
        down_s = min(up_s, LONGEST_WAY_TO_ZERO_S)
        kept = tuple(phase for phase in phases if phase.points)
        return Plan(
            kept,
            up_s + down_s,
            details=_details(config, up_s + down_s),
            warnings=tuple(of_the_dark_current(wanted, config.sample.max_dark_current_a, f"at {wanted.bias_v:g} V")),
        )

    def prepare(self, way_back: WayBack) -> None:
        """Register ramp, output-off and heater-off, then configure source and stage."""
        wanted: BiasStabilityParameters = self.context.config.recipe.parameters
        self._source = Source(self, wanted, largest_bias_v=abs(wanted.bias_v))
        self._stage = Stage(self, wanted.stage_temperature_k)
        self._source.prepare(way_back)
        self._stage.prepare(way_back)

    def measure_all(self) -> None:
        """Baseline at 0 V, ramp up, the phase at bias, ramp down, tail at 0 V."""
        period_s = self.context.config.recipe.parameters.period_s
        self._stage.hold()
        self._source.switch_on()
        for phase in self.plan(self.context.config).phases:
            self._source.ramp_to(phase.bias_v)
            self.phase(phase.name, f"{phase.points} readings at {phase.bias_v:g} V")
            for _ in self.schedule(phase.points, period_s):
                self._source.take(temperature=self._stage.temperature_k())


def _phase(name: str, bias_v: float, duration_s: float, period_s: float) -> Phase:
    points = math.floor(duration_s / period_s + 1e-9) + 1 if duration_s > 0 else 0
    return Phase(name, bias_v, duration_s, points)


def _details(config: RunConfig, ramp_s: float) -> tuple[tuple[str, str], ...]:
    wanted: BiasStabilityParameters = config.recipe.parameters
    steps = math.ceil(abs(wanted.bias_v) / (wanted.ramp_rate_v_per_s * RAMP_STEP_S) - 1e-9)
    step, rate = format_quantity(abs(wanted.bias_v) / steps, "V"), format_quantity(wanted.ramp_rate_v_per_s, "V/s")
    return (
        ("each reading", reading_text(wanted.period_s, wanted)),
        ("accuracy", accuracy_text(wanted)),
        ("compliance", compliance_text(wanted)),
        ("nominal field", f"{abs(wanted.bias_v) / config.sample.gap_m / 1e3:.4g} V/mm"),
        ("bias steps", f"{steps} of {step} up, {rate}; {ramp_s:.1f} s for up and down"),
    )
