"""The source-measure unit in a run: the way back first, ramps, readings that become rows whatever happens."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from instruments.keithley2400 import Keithley2400, SourceVoltageSettings
from instruments.wire.keithley2400 import Reading
from procedures.base import BadReadings, BenchProcedure
from xraydaq.config.recipes.parts import SourceParameters
from xraydaq.errors import ConnectionFailed, InstrumentError, InstrumentTimeout, SafetyTrip, WireError
from xraydaq.safety import WayBack
from xraydaq.storage import STATUS_FLAGS, Column
from xraydaq.units import format_quantity

RAMP_STEP_S = 0.1
LONGEST_WAY_TO_ZERO_S = 10.0

COLUMNS = (
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
"""What a reading of the source-measure unit gives; the first columns of every procedure that reads one."""

NAMES = tuple(column.name for column in COLUMNS)


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One reading as the columns keep it; one that failed has nan and a flag. The temperature is another's to add."""

    elapsed: float
    epoch: float
    voltage: float
    current: float
    current_errors: float
    status: int
    smu_status: int
    smu_time: float
    temperature: float = math.nan

    @property
    def good(self) -> bool:
        """Get whether nothing is flagged."""
        return self.status == 0

    @property
    def silent(self) -> bool:
        """Get whether nobody answered; a reply that is spoilt comes from somebody."""
        return bool(self.status & (STATUS_FLAGS["timeout"] | STATUS_FLAGS["connection_failed"]))

    @property
    def over_range(self) -> bool:
        """Get whether the range and not the compliance has limited the current."""
        if not self.status & (STATUS_FLAGS["compliance"] | STATUS_FLAGS["overflow"]):
            return False
        reading = Reading(self.voltage, self.current, self.smu_time, self.smu_status, overflow=False)
        return reading.in_range_compliance or not reading.in_real_compliance

    def values(self) -> dict[str, float]:
        """Get the columns by name."""
        return {name: getattr(self, name) for name in NAMES}


class Source:
    """Biases the crystal for a procedure and reads its current."""

    def __init__(self, procedure: BenchProcedure, wanted: SourceParameters, *, largest_bias_v: float) -> None:
        self._run = procedure
        self._wanted = wanted
        self._source_range_v = largest_bias_v
        self._bad = BadReadings()
        self.current_range_a = wanted.current_range_a
        self.smu: Keithley2400 = procedure.context.bench.smu

    def prepare(self, way_back: WayBack) -> None:
        """Register ramp and output-off, then configure the source-measure unit at 0 V with its output off."""
        way_back.add("bias to 0 V", self._ramp_down)
        way_back.add("source-measure unit output off", self.smu.safe_off)
        self._leave_a_live_source()
        self.configure(self.current_range_a)

    def configure(self, current_range_a: float | None, source_range_v: float | None = None) -> None:
        """Set every setting of the instrument, the output being off; a source range of None stays as it is."""
        assert current_range_a is not None, "a loaded run has a current range"
        self.current_range_a = current_range_a
        if source_range_v is not None:
            self._source_range_v = source_range_v
        self.smu.configure(
            SourceVoltageSettings(
                source_range_v=self._source_range_v,
                current_range_a=current_range_a,
                compliance_a=self._wanted.compliance_a,
                nplc=self._wanted.nplc,
                line_frequency_hz=self._wanted.line_frequency_hz,
            )
        )

    def switch_on(self) -> None:
        """Switch the output on at 0 V."""
        self.smu.bias_v = 0.0
        self.smu.output_enabled = True

    def ramp_to(self, target_v: float) -> None:
        """Go to a bias at the recipe's rate; a stop ends it."""
        clock = self._run.context.clock
        for moment_s, level_v in self._levels(self.smu.bias_v, target_v, self._wanted.ramp_rate_v_per_s):
            self._run.wait_until(moment_s)
            self._set_level(level_v, self._set_bias)
        self._run.wait_until(clock.now() + RAMP_STEP_S)

    def step_to(self, bias_v: float) -> None:
        """Set a bias at once, for sweeps whose steps are small."""
        self._set_level(bias_v, self._set_bias)

    def take(self, **others: float) -> SourceRow:
        """Take a reading and store its row, together with the columns in `others`; then judge it.

        A reading that fails becomes a row without value.

        Raises:
            InstrumentError: it failed and the recipe says so.
            InstrumentLost: it was the third in a row that failed.
            SafetyTrip: the current was limited and the recipe says so.
        """
        run = self._run
        elapsed_s, epoch_s = run.elapsed_s, run.context.clock.utc()
        try:
            if self._bad.any:  # getting back into step takes seconds, which are before the reading and not in it
                self.smu.resynchronise()
                elapsed_s, epoch_s = run.elapsed_s, run.context.clock.utc()
            reading = self.smu.read()
        except InstrumentError as error:
            row = SourceRow(elapsed_s, epoch_s, math.nan, math.nan, math.nan, _flag_of(error), 0, math.nan)
            run.emit_row(**row.values() | others)
            self._judge_failure(error)
            return row
        self._bad.good()
        row = SourceRow(
            elapsed_s, epoch_s, reading.voltage_v, reading.current_a,
            self.smu.current_uncertainty_a(reading.current_a), _flags(reading), reading.status, reading.time_s,
        )  # fmt: skip
        run.emit_row(**row.values() | others)
        if reading.in_compliance and self._wanted.on_compliance == "stop":
            raise SafetyTrip(
                f"the current was limited by {self._what_limits(reading)} at {reading.voltage_v:g} V; "
                'policy "stop" (on_compliance = "flag" records on)'
            )
        return row

    def _judge_failure(self, error: InstrumentError) -> None:
        self._run.context.note("bad_reading", str(error), "warning")
        if self._wanted.on_bad_reading == "fail":
            raise InstrumentError(f'a reading failed and the recipe says on_bad_reading = "fail": {error}') from error
        self._bad.bad(error)

    def _leave_a_live_source(self) -> None:
        if not self.smu.output_enabled:
            return
        level_v = self.smu.bias_v
        message = f"the output was already on at {level_v:g} V: ramped down, not cut"
        self._run.context.note("found_on", message, "warning")
        self._ramp_down()
        self.smu.output_enabled = False

    def _ramp_down(self) -> None:
        """Take the bias to zero at the recipe's rate, in at most 10 s; a stop does not interrupt this."""
        self.smu.resynchronise()
        if not self.smu.output_enabled:
            return
        level_v = self.smu.bias_v
        rate_v_per_s = max(self._wanted.ramp_rate_v_per_s, abs(level_v) / LONGEST_WAY_TO_ZERO_S)
        for moment_s, step_v in self._levels(level_v, 0.0, rate_v_per_s):
            self._run.context.clock.sleep_until(moment_s)
            self._set_level(step_v, self.smu.lower_bias)

    def _set_bias(self, level_v: float) -> None:
        self.smu.bias_v = level_v

    def _set_level(self, level_v: float, set_bias: Callable[[float], None]) -> None:
        """Set a level, once more if its confirmation was spoilt on the way: the same level twice is harmless."""
        try:
            set_bias(level_v)
        except (InstrumentTimeout, WireError) as error:
            self._run.context.note("retry", f"bias {level_v:g} V set again: {error}", "warning")
            set_bias(level_v)

    def _levels(self, from_v: float, to_v: float, rate_v_per_s: float) -> list[tuple[float, float]]:
        """Get (moment, level) of each step of a ramp that starts now; empty when there is nothing to do."""
        steps = math.ceil(abs(to_v - from_v) / (rate_v_per_s * RAMP_STEP_S) - 1e-9)
        start_s = self._run.context.clock.now()
        return [
            (start_s + index * RAMP_STEP_S, to_v if index == steps else from_v + (to_v - from_v) * index / steps)
            for index in range(1, steps + 1)
        ]

    def _what_limits(self, reading: Reading) -> str:
        if reading.in_real_compliance:
            return f"the compliance of {format_quantity(self._wanted.compliance_a, 'A')}"
        range_a = self.current_range_a or math.nan
        return f"the fixed current range of {format_quantity(range_a, 'A')}, not by the compliance,"


def _flag_of(error: InstrumentError) -> int:
    kinds = {InstrumentTimeout: "timeout", ConnectionFailed: "connection_failed"}
    return STATUS_FLAGS[next((name for kind, name in kinds.items() if isinstance(error, kind)), "bad_reply")]


def _flags(reading: Reading) -> int:
    flags = STATUS_FLAGS["overflow"] if reading.overflow else 0
    return flags | (STATUS_FLAGS["compliance"] if reading.in_compliance else 0)


ON_COMPLIANCE = {"stop": "ends the run", "flag": "marks the row"}


def reading_text(period_s: float, wanted: SourceParameters) -> str:
    """Say in a plan how often and how a reading is taken."""
    range_a = math.nan if wanted.current_range_a is None else wanted.current_range_a
    return (
        f"every {format_quantity(period_s, 's')}, {wanted.nplc:g} PLC at {wanted.line_frequency_hz:g} Hz, "
        f"range {format_quantity(range_a, 'A')}"
    )


def compliance_text(wanted: SourceParameters) -> str:
    """Say in a plan what the compliance is and what reaching it does."""
    return f"{format_quantity(wanted.compliance_a, 'A')}, {ON_COMPLIANCE[wanted.on_compliance]}"
