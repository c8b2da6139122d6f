"""Dark current against time at a constant bias: baseline at 0 V, ramp, the long phase at bias, ramp, tail at 0 V."""

import logging
import math
from collections.abc import Callable
from typing import ClassVar

from pymeasure.experiment import FloatParameter, Parameter

from instruments.keithley2400 import Keithley2400, SourceVoltageSettings
from instruments.wire.keithley2400 import Reading
from procedures.base import BadReadings, BenchProcedure, Phase, Plan
from xraydaq.config import RunConfig
from xraydaq.config.recipes.bias_stability import BiasStabilityParameters
from xraydaq.errors import ConnectionFailed, InstrumentError, InstrumentTimeout, SafetyTrip, WireError
from xraydaq.safety import WayBack
from xraydaq.storage import STATUS_FLAGS, Column
from xraydaq.units import format_quantity

log = logging.getLogger(__name__)

RAMP_STEP_S = 0.1
LONGEST_WAY_TO_ZERO_S = 10.0


def plan(config: RunConfig) -> Plan:
    """Compute phases, readings and ramp time of a bias-stability run; opens nothing."""
    wanted = config.recipe.parameters
    phases = (
        _phase("baseline", 0.0, wanted.baseline_duration_s, wanted.period_s),
        _phase("bias", wanted.bias_v, wanted.duration_s, wanted.period_s),
        _phase("tail", 0.0, wanted.tail_duration_s, wanted.period_s),
    )
    up_s = abs(wanted.bias_v) / wanted.ramp_rate_v_per_s
    down_s = min(up_s, LONGEST_WAY_TO_ZERO_S)
    return Plan(tuple(phase for phase in phases if phase.points), up_s + down_s)


def _phase(name: str, bias_v: float, duration_s: float, period_s: float) -> Phase:
    points = math.floor(duration_s / period_s + 1e-9) + 1 if duration_s > 0 else 0
    return Phase(name, bias_v, duration_s, points)


class BiasStability(BenchProcedure):
    """Record the dark current of a crystal at constant bias.

    Parameters are SI; they are validated against the recipe model before an instance exists.
    """

    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("elapsed", "s", "time since the run started (monotonic)"),
        Column("epoch", "s", "UTC, seconds since 1970-01-01"),
        Column("voltage", "V", "bias reported by the source"),
        Column("current", "A", "current"),
        Column("current_errors", "A", "standard uncertainty of the current, from the accuracy specification"),
        Column("temperature", "K", "temperature (nan: the bench has no sensor)"),
        Column("status", "", "status of the row", dtype="u4", flags=STATUS_FLAGS),
        Column("smu_status", "", "status word of the source-measure unit", dtype="u4"),
        Column("smu_time", "s", "time stamp of the source-measure unit"),
    )
    DATA_COLUMNS: ClassVar[list[str]] = [column.name for column in COLUMNS]

    bias_v = FloatParameter("Bias", units="V", minimum=-210, maximum=210, default=5.0, decimals=17)
    duration_s = FloatParameter("Duration at bias", units="s", minimum=0, default=48000.0, decimals=17)
    period_s = FloatParameter("Time between readings", units="s", minimum=0, default=1.0, decimals=17)
    baseline_duration_s = FloatParameter("Baseline at 0 V before", units="s", minimum=0, default=60.0, decimals=17)
    tail_duration_s = FloatParameter("Tail at 0 V after", units="s", minimum=0, default=600.0, decimals=17)
    ramp_rate_v_per_s = FloatParameter("Bias ramp rate", units="V/s", minimum=0, default=1.0, decimals=17)
    current_range_a = FloatParameter("Current range", units="A", minimum=1e-6, maximum=1, default=1e-6, decimals=17)
    compliance_a = FloatParameter("Compliance", units="A", minimum=1e-9, maximum=1.05, default=5e-5, decimals=17)
    nplc = FloatParameter("Integration time", units="PLC", minimum=0.01, maximum=10, default=10.0, decimals=17)
    line_frequency_hz = FloatParameter("Line frequency", units="Hz", minimum=50, maximum=60, default=50.0, decimals=17)
    on_compliance = Parameter("On compliance", default="stop")
    on_bad_reading = Parameter("On a bad reading", default="nan")

    @classmethod
    def from_config(cls, config: RunConfig) -> "BiasStability":
        """Build the procedure of a checked configuration."""
        wanted: BiasStabilityParameters = config.recipe.parameters
        procedure = cls()
        procedure.set_parameters(wanted.model_dump())
        return procedure

    @property
    def smu(self) -> Keithley2400:
        """Get the source-measure unit."""
        return self.context.bench.smu

    def prepare(self, way_back: WayBack) -> None:
        """Register ramp and output-off, then configure the source-measure unit at 0 V with its output off."""
        self._bad = BadReadings()
        way_back.add("bias to 0 V", self._ramp_down)
        way_back.add("source-measure unit output off", self.smu.safe_off)
        self._leave_a_live_source()
        self.smu.configure(
            SourceVoltageSettings(
                source_range_v=abs(self.bias_v),
                current_range_a=self.current_range_a,
                compliance_a=self.compliance_a,
                nplc=self.nplc,
                line_frequency_hz=self.line_frequency_hz,
            )
        )

    def measure_all(self) -> None:
        """Baseline at 0 V, ramp up, the phase at bias, ramp down, tail at 0 V."""
        self.smu.bias_v = 0.0
        self.smu.output_enabled = True
        for phase in plan(self.context.config).phases:
            self._ramp_to(phase.bias_v)
            self.context.note("phase", f"{phase.name}: {phase.points} readings at {phase.bias_v:g} V", "info")
            for _ in self.schedule(phase.points, self.period_s):
                self._take_row()

    def _leave_a_live_source(self) -> None:
        if not self.smu.output_enabled:
            return
        level_v = self.smu.bias_v
        self.context.note("found_on", f"the output was already on at {level_v:g} V: ramped down, not cut", "warning")
        self._ramp_down()
        self.smu.output_enabled = False

    def _ramp_to(self, target_v: float) -> None:
        clock = self.context.clock
        for moment_s, level_v in self._levels(self.smu.bias_v, target_v, self.ramp_rate_v_per_s):
            self.wait_until(moment_s)
            self._set_level(level_v, self._set_bias)
        self.wait_until(clock.now() + RAMP_STEP_S)

    def _ramp_down(self) -> None:
        """Take the bias to zero at the recipe's rate, in at most 10 s; a stop does not interrupt this."""
        self.smu.resynchronise()
        if not self.smu.output_enabled:
            return
        level_v = self.smu.bias_v
        rate_v_per_s = max(self.ramp_rate_v_per_s, abs(level_v) / LONGEST_WAY_TO_ZERO_S)
        for moment_s, step_v in self._levels(level_v, 0.0, rate_v_per_s):
            self.context.clock.sleep_until(moment_s)
            self._set_level(step_v, self.smu.lower_bias)

    def _set_bias(self, level_v: float) -> None:
        self.smu.bias_v = level_v

    def _set_level(self, level_v: float, set_bias: Callable[[float], None]) -> None:
        """Set a level, once more if its confirmation was spoilt on the way: the same level twice is harmless."""
        try:
            set_bias(level_v)
        except (InstrumentTimeout, WireError) as error:
            self.context.note("retry", f"bias {level_v:g} V set again: {error}", "warning")
            set_bias(level_v)

    def _levels(self, from_v: float, to_v: float, rate_v_per_s: float) -> list[tuple[float, float]]:
        """Get (moment, level) of each step of a ramp that starts now; empty when there is nothing to do."""
        steps = math.ceil(abs(to_v - from_v) / (rate_v_per_s * RAMP_STEP_S) - 1e-9)
        start_s = self.context.clock.now()
        return [
            (start_s + index * RAMP_STEP_S, to_v if index == steps else from_v + (to_v - from_v) * index / steps)
            for index in range(1, steps + 1)
        ]

    def _take_row(self) -> None:
        elapsed_s = self.elapsed_s
        epoch_s = self.context.clock.utc()
        try:
            reading = self.smu.read()
        except InstrumentError as error:
            self._take_bad_row(elapsed_s, epoch_s, error)
            return
        self._bad.good()
        current_u_a = self.smu.current_uncertainty_a(reading.current_a)
        self._emit_row(
            elapsed_s, epoch_s, reading.voltage_v, reading.current_a, current_u_a, _flags(reading), reading.status,
            reading.time_s,
        )  # fmt: skip
        if reading.in_compliance and self.on_compliance == "stop":
            raise SafetyTrip(
                f"the current was limited by {self._what_limits(reading)} at {reading.voltage_v:g} V; "
                'policy "stop" (on_compliance = "flag" records on)'
            )

    def _what_limits(self, reading: Reading) -> str:
        if reading.in_real_compliance:
            return f"the compliance of {format_quantity(self.compliance_a, 'A')}"
        return f"the fixed current range of {format_quantity(self.current_range_a, 'A')}, not by the compliance,"

    def _take_bad_row(self, elapsed_s: float, epoch_s: float, error: InstrumentError) -> None:
        self._emit_row(elapsed_s, epoch_s, math.nan, math.nan, math.nan, _flag_of(error), 0, math.nan)
        self.context.note("bad_reading", str(error), "warning")
        if self.on_bad_reading == "fail":
            raise InstrumentError(f'a reading failed and the recipe says on_bad_reading = "fail": {error}') from error
        self._bad.bad(error)

    def _emit_row(
        self, elapsed_s: float, epoch_s: float, voltage_v: float, current_a: float, current_u_a: float, flags: int,
        smu_status: int, smu_time_s: float,
    ) -> None:  # fmt: skip
        values = (elapsed_s, epoch_s, voltage_v, current_a, current_u_a, math.nan, flags, smu_status, smu_time_s)
        self.emit("results", dict(zip(self.DATA_COLUMNS, values, strict=True)))


def _flag_of(error: InstrumentError) -> int:
    kinds = {InstrumentTimeout: "timeout", ConnectionFailed: "connection_failed"}
    return STATUS_FLAGS[next((name for kind, name in kinds.items() if isinstance(error, kind)), "bad_reply")]


def _flags(reading: Reading) -> int:
    flags = STATUS_FLAGS["overflow"] if reading.overflow else 0
    return flags | (STATUS_FLAGS["compliance"] if reading.in_compliance else 0)
