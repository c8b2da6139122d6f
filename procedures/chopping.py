"""Current of the crystal while the beam is switched on and off: windows of equal length, dark first and dark last."""

import math
from dataclasses import dataclass
from typing import ClassVar

from procedures import beam as beam_columns
from procedures import source as source_columns
from procedures.base import BenchProcedure
from procedures.beam import Beam
from procedures.chopped_plan import conditioning_cycles
from procedures.source import Source, SourceRow
from procedures.stage import Stage
from xraydaq.config.recipes.parts import ChoppedBeamParameters
from xraydaq.safety import WayBack
from xraydaq.storage import Column

SETTLING_PERIOD_S = 1.0
"""From one reading to the next while nothing is measured yet."""

LOOK_AT_SOURCE_S = 1.0
"""How often the source-measure unit is asked anything while the beam is on and nothing is read."""

COLUMNS = (
    *source_columns.COLUMNS,
    *beam_columns.COLUMNS,
    Column("point", "", "number of the point of the plan, from 0; -1 outside of all", dtype="i4"),
    Column("cycle", "", "number of the on-off cycle within the point, from 0; -1 outside of all", dtype="i4"),
)


@dataclass(frozen=True, slots=True)
class Setting:
    """A beam: tube voltage and current."""

    voltage_v: float
    current_a: float


class ChoppedBeamProcedure(BenchProcedure):
    """Base of procedures that read the crystal while the beam is chopped; subclasses add `plan` and `measure_all`."""

    COLUMNS: ClassVar[tuple[Column, ...]] = COLUMNS

    @property
    def wanted(self) -> ChoppedBeamParameters:
        """Get the parameters of the recipe."""
        wanted = self.context.config.recipe.parameters
        assert isinstance(wanted, ChoppedBeamParameters)
        return wanted

    def prepare(self, way_back: WayBack) -> None:
        """Register X-rays off, bias, output and heater in this order, and prepare beam, source and stage."""
        wanted = self.wanted
        largest_v = max(abs(bias_v) for _, bias_v in wanted.biases())
        self.beam = Beam(self)
        self.source = Source(self, wanted, largest_bias_v=largest_v)
        self.stage = Stage(self, wanted.stage_temperature_k)
        self.beam.prepare(way_back)
        self.source.prepare(way_back)
        self.stage.prepare(way_back)
        self.point = self.cycle = -1
        self._silent = False

    def record(self, duration_s: float, first_s: float | None = None) -> None:
        """Read the current for a time, at the period of the recipe; the time begins now, or has begun at `first_s`."""
        points = max(1, math.floor(duration_s / self.wanted.period_s + 1e-9))
        for _ in self.schedule(points, self.wanted.period_s, first_s):
            self.take_row()

    def read_for(self, duration_s: float, period_s: float) -> None:
        """Read the current for a time from now on, at a period of its own."""
        for _ in self.schedule(math.floor(duration_s / period_s + 1e-9), period_s):
            self.take_row()

    def take_row(self) -> None:
        """Take one reading, with everything that is known of the moment."""
        self.judge(
            self.source.take(
                temperature=self.stage.temperature_k(), point=self.point, cycle=self.cycle, **self.beam.values()
            )
        )

    def judge(self, row: SourceRow) -> None:
        """Switch the beam off when the source-measure unit is silent: it will not see what the beam does."""
        self._silent = row.silent
        if row.silent and self.beam.is_on:
            self.beam.chop_off()
            self.context.note("beam_cut", "the source-measure unit is silent: X-rays off until it answers", "warning")

    def light(self, voltage_v: float, current_a: float) -> None:
        """Switch the beam on, unless the source-measure unit did not answer when it was asked last."""
        if self._silent:
            self.context.note("beam_left_off", "the source-measure unit is silent: X-rays stay off", "warning")
        else:
            self.beam.on(voltage_v, current_a)

    def condition(self, current_a: float) -> None:
        """Switch the beam as the windows will, without readings: how warm the tube is depends on its time on."""
        wanted, cycles = self.wanted, conditioning_cycles(self.wanted)
        if cycles:
            self.phase("conditioning", f"{cycles} cycles of beam on and off, without readings")
        for _ in range(cycles):
            self.light(wanted.tube_voltage_v, current_a)
            self._wait_in_sight(wanted.half_period_s)
            self.beam.off()
            self.wait(wanted.half_period_s)

    def _wait_in_sight(self, duration_s: float) -> None:
        """Wait in the beam without readings; a source-measure unit that is lost meanwhile ends the run.

        Raises:
            InstrumentError: it does not answer.
        """
        clock = self.context.clock
        end_s = clock.now() + duration_s
        while end_s - clock.now() > LOOK_AT_SOURCE_S:
            self.wait(LOOK_AT_SOURCE_S)
            self.source.smu.output_enabled  # noqa: B018  # the answer matters, not what it is
        self.wait_until(end_s)

    def chop(self, point: int, setting: Setting, cycles: int, half_period_s: float, *, blank: bool = False) -> None:
        """Record dark, then `cycles` times beam and dark, switching on a grid that readings do not shift.

        A blank run has the same timing and leaves the beam off.
        """
        self.point, edge_s = point, self.context.clock.now()
        try:
            for cycle, window in self._windows(cycles):
                self.wait_until(edge_s)
                self.cycle = cycle
                self._switch(setting if window == "on" and not blank else None)
                self.record(half_period_s, edge_s)
                edge_s += half_period_s
            self.wait_until(edge_s)
        finally:
            self.point = self.cycle = -1

    def _windows(self, cycles: int) -> list[tuple[int, str]]:
        return [(0, "off"), *((cycle, window) for cycle in range(cycles) for window in ("on", "off"))]

    def _switch(self, setting: Setting | None) -> None:
        if setting is not None:
            self.light(setting.voltage_v, setting.current_a)
        elif self.beam.is_on:
            self.beam.chop_off()


def chopped_points(cycles: int, half_period_s: float, period_s: float) -> int:
    """Get how many readings `ChoppedBeamProcedure.chop` takes."""
    return (2 * cycles + 1) * math.floor(half_period_s / period_s + 1e-9)
