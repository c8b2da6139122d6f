"""Current against bias of a gap that injects carriers, up and down, for the density of its traps.

Ranges follow the sweep; each change interrupts the bias for a moment, because the output is off meanwhile.
Not verified on hardware.
"""

import math
from typing import ClassVar

from instruments.keithley2400.ranges import current_range_a, voltage_range_v
from instruments.keithley2400.source_accuracy import bias_uncertainty_v
from procedures.base import BenchProcedure, Plan
from procedures.parameters import described_by
from procedures.ranges import Followed, Ranges, next_ranges, wider
from procedures.sclc_plan import plan_of, sweeps_of, wanted_of
from procedures.source import COLUMNS as SOURCE_COLUMNS
from procedures.source import Source, SourceRow
from procedures.stage import Stage
from xraydaq.config import RunConfig
from xraydaq.config.recipes.sclc_sweep import SclcSweepParameters
from xraydaq.errors import SafetyTrip
from xraydaq.safety import WayBack
from xraydaq.storage import STATUS_FLAGS, Column
from xraydaq.units import format_quantity

LIMITED = STATUS_FLAGS["compliance"]
ENDS_KEY = "ends below point "
"""Checkpoint of a sweep that the compliance has ended: a resumed run goes no further either."""


@described_by(SclcSweepParameters)
class SclcSweep(BenchProcedure):
    """Sweep the bias up and down in equal steps of its logarithm and read the current at each."""

    COLUMNS: ClassVar[tuple[Column, ...]] = (
        *SOURCE_COLUMNS,
        Column("voltage_errors", "V", "standard uncertainty of the bias, from the accuracy specification"),
        Column("current_range", "A", "measure range of the row"),
        Column("point", "", "number of the bias in an upward sweep, from 0; -1 outside of all", dtype="i4"),
        Column("direction", "", "1 in a sweep upwards, -1 downwards, 0 outside", dtype="i4"),
        Column("repeat", "", "number of the repeat, from 0; -1 outside of all", dtype="i4"),
    )
    AXES: ClassVar[tuple[str, ...]] = ("voltage",)

    @classmethod
    def plan(cls, config: RunConfig) -> Plan:
        """Compute sweeps, readings and time; opens nothing."""
        return plan_of(config)

    @property
    def _wanted(self) -> SclcSweepParameters:
        return wanted_of(self.context.config)

    def prepare(self, way_back: WayBack) -> None:
        """Register ramp, output-off and heater-off, then configure source and stage."""
        wanted = self._wanted
        # whether a limited current ends the run is decided here: on a range that is too small it must not
        source_says = wanted.model_copy(update={"on_compliance": "flag"})
        self._source = Source(self, source_says, largest_bias_v=abs(wanted.lowest_bias_v))
        self._stage = Stage(self, wanted.stage_temperature_k)
        assert wanted.current_range_a is not None, "a loaded run has a current range"
        lowest_a = current_range_a(wanted.current_range_a)
        self._bounds = {"lowest_a": lowest_a, "highest_a": max(current_range_a(wanted.compliance_a), lowest_a)}
        self._ranges = Ranges(voltage_range_v(abs(wanted.lowest_bias_v)), lowest_a)
        self._points = self._earlier_points(len(wanted.levels_v))
        self._source.prepare(way_back)
        self._stage.prepare(way_back)

    def _earlier_points(self, points: int) -> int:
        """Get how many points a sweep has, by what earlier segments of this run have met."""
        found = (key.removeprefix(ENDS_KEY) for key in self.context.done if key.startswith(ENDS_KEY))
        return min((max(int(text), 1) for text in found), default=points)

    def measure_all(self) -> None:
        """Baseline at 0 V, then every sweep that no earlier segment has completed."""
        self._stage.hold()
        self._source.switch_on()
        self._baseline()
        for number, (repeat, direction) in enumerate(sweeps_of(self._wanted)):
            key = f"sweep {number + 1}"
            if self.is_done(key):
                continue
            if direction == sweeps_of(self._wanted)[0][1] and repeat > 0:
                self._rest()
            self._sweep(repeat, direction)
            self.checkpoint(key)
        self._source.ramp_to(0.0)

    def _baseline(self) -> None:
        duration_s, period_s = self._wanted.baseline_duration_s, self._wanted.period_s
        self.phase("baseline", f"{duration_s:g} s at 0 V")
        for _ in self.schedule(int(duration_s / period_s + 1e-9), period_s):
            self._take(point=-1, direction=0, repeat=-1)

    def _rest(self) -> None:
        self.phase("rest", f"{self._wanted.rest_duration_s:g} s at 0 V")
        self._source.ramp_to(0.0)
        self.wait(self._wanted.rest_duration_s)

    def _sweep(self, repeat: int, direction: int) -> None:
        """Read the current at every bias; a sweep upwards ends where the compliance limits the current."""
        self.phase("sweep", f"{'up' if direction > 0 else 'down'}, repeat {repeat + 1}")
        levels_v = self._wanted.levels_v[: self._points]
        self._followed = Followed()
        self._go_near(levels_v[0 if direction > 0 else -1])
        for point in range(len(levels_v))[::direction]:
            row = self._point(levels_v[point], {"point": point, "direction": direction, "repeat": repeat})
            if row.status & LIMITED and direction > 0:
                self.context.note("compliance", f"sweeps end below {levels_v[point]:g} V from here on", "warning")
                self._points = max(point, 1)
                self.checkpoint(f"{ENDS_KEY}{point}")
                break

    def _go_near(self, bias_v: float) -> None:
        """Ramp to where a sweep begins: it may be far from where the last one has ended."""
        self._change(next_ranges(self._ranges, abs(bias_v), math.nan, **self._bounds))
        if not self._wanted.pulse_rest_duration_s > 0:
            self._source.ramp_to(bias_v)

    def _point(self, bias_v: float, where: dict[str, int]) -> SourceRow:
        """Take a reading at a bias; once more in a wider range where the range was too small."""
        expected_a = self._followed.expected_a(abs(bias_v))
        self._change(next_ranges(self._ranges, abs(bias_v), expected_a, **self._bounds))
        row = self._read_at(bias_v, where)
        while row.over_range and (larger := wider(self._ranges, highest_a=self._bounds["highest_a"])) is not None:
            self._change(larger)
            row = self._read_at(bias_v, where)
        if row.status & LIMITED and self._wanted.on_compliance == "stop":
            raise SafetyTrip(
                f"the current was limited by the compliance of {format_quantity(self._wanted.compliance_a, 'A')} at "
                f'{bias_v:g} V; policy "stop" (on_compliance = "flag" turns round there)'
            )
        if row.good:
            self._followed.add(abs(row.voltage), abs(row.current))
        return row

    def _read_at(self, bias_v: float, where: dict[str, int]) -> SourceRow:
        wanted = self._wanted
        if wanted.pulse_rest_duration_s > 0:
            self._source.step_to(0.0)
            self.wait(wanted.pulse_rest_duration_s)
        begin_s = self.context.clock.now()
        self._source.step_to(bias_v)
        self.wait_until(begin_s + max(wanted.period_s - wanted.reading_time_s, 0.0))
        return self._take(**where)

    def _take(self, **where: int) -> SourceRow:
        bias_v = 0.0 if where["point"] < 0 else self._wanted.levels_v[where["point"]]
        return self._source.take(
            temperature=self._stage.temperature_k(),
            voltage_errors=bias_uncertainty_v(bias_v, self._ranges.source_v),
            current_range=self._ranges.current_a,
            **where,
        )

    def _change(self, ranges: Ranges) -> None:
        """Change ranges where they are not as wanted: to 0 V, output off, new ranges, output on at 0 V, back."""
        if ranges == self._ranges:
            return
        source = self._source
        bias_v = source.smu.bias_v
        source.ramp_to(0.0)
        source.smu.output_enabled = False
        source.configure(ranges.current_a, ranges.source_v)
        self._ranges = ranges
        source.switch_on()
        if abs(bias_v) <= voltage_range_v(ranges.source_v):
            source.ramp_to(bias_v)
