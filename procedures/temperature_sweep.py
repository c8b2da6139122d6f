"""Conductivity against temperature: at each temperature pulses of bias of both signs between rests at 0 V.

The bias of a pulse is set in one step, so that the time since it came on is known. Ranges follow the current; each
change happens at 0 V with the output off for a moment. Not verified on hardware.
"""

import math
from typing import ClassVar

from instruments.keithley2400.ranges import CURRENT_RANGES_A, current_range_a
from procedures.base import BenchProcedure, Plan
from procedures.parameters import described_by
from procedures.ranges import EMPTY, FULL, wider_range_a
from procedures.source import COLUMNS as SOURCE_COLUMNS
from procedures.source import Source, SourceRow
from procedures.stage import Stage
from procedures.temperature_plan import plan_of, rows_of_point, wanted_of
from xraydaq.config import RunConfig
from xraydaq.config.recipes.temperature_sweep import TemperatureSweepParameters
from xraydaq.errors import SafetyTrip
from xraydaq.safety import WayBack
from xraydaq.storage import STATUS_FLAGS, Column
from xraydaq.units import format_quantity

LIMITED = STATUS_FLAGS["compliance"] | STATUS_FLAGS["overflow"]
GROWTH_PER_KELVIN = 0.25
"""Relative change of the current with temperature that ranges are prepared for: 1.8 eV at 290 K."""


@described_by(TemperatureSweepParameters)
class TemperatureSweep(BenchProcedure):
    """Take a crystal through temperatures and read its current in pulses of both signs at each."""

    COLUMNS: ClassVar[tuple[Column, ...]] = (
        *SOURCE_COLUMNS,
        Column("set_temperature", "K", "temperature asked of the stage"),
        Column("current_range", "A", "measure range of the row"),
        Column("point", "", "number of the temperature, from 0", dtype="i4"),
        Column("pulse", "", "number of the pulse at this temperature, from 0; -1 at 0 V", dtype="i4"),
    )

    @classmethod
    def plan(cls, config: RunConfig) -> Plan:
        """Compute temperatures, readings and time; opens nothing."""
        return plan_of(config)

    @property
    def _wanted(self) -> TemperatureSweepParameters:
        return wanted_of(self.context.config)

    def prepare(self, way_back: WayBack) -> None:
        """Register ramp, output-off and heater-off, then configure source and stage."""
        wanted = self._wanted
        assert wanted.current_range_a is not None, "a loaded run has a current range"
        self._largest_a = current_range_a(wanted.current_range_a)
        self._range_a = min(CURRENT_RANGES_A[0], self._largest_a)
        self._seen_a, self._seen_k = 0.0, wanted.lowest_temperature_k
        # whether a limited current ends the run is decided here: on a range that is too small it must not
        source_says = wanted.model_copy(update={"on_compliance": "flag", "current_range_a": self._range_a})
        self._source = Source(self, source_says, largest_bias_v=abs(wanted.bias_v))
        self._stage = Stage(self, None)
        self._source.prepare(way_back)
        self._stage.prepare(way_back)

    def measure_all(self) -> None:
        """Every temperature that no earlier segment has completed, up and then down."""
        self._source.switch_on()
        for number, kelvin in enumerate(self._wanted.levels_k):
            key = f"point {number + 1}"
            if self.is_done(key):
                continue
            self.phase("temperature", f"{kelvin:g} K, point {number + 1} of {len(self._wanted.levels_k)}")
            self._stage.go_to(kelvin)
            self._use_range(self._range_for(kelvin))
            self._point(number, kelvin)
            self.checkpoint(key)

    def _point(self, number: int, kelvin: float) -> None:
        """Take all pulses; one that was over the range is taken again in the next wider one."""
        waiting, pulse = list(self._wanted.signs), 0
        largest_a = 0.0
        while waiting:
            rows = self._pulse(number, pulse, waiting[0] * self._wanted.bias_v, kelvin)
            pulse += 1
            if any(row.over_range for row in rows) and self._widen():
                continue
            waiting.pop(0)
            largest_a = max(largest_a, *(abs(row.current) for row in rows if row.good), 0.0)
        self._seen_a, self._seen_k = largest_a, kelvin

    def _pulse(self, point: int, pulse: int, bias_v: float, kelvin: float) -> list[SourceRow]:
        """Rest at 0 V, then the bias; what was read at bias. The pulse ends where its current is limited."""
        rest, at_bias = rows_of_point(self._wanted)
        where = {"point": point, "set_temperature": kelvin, "current_range": self._range_a}
        for _ in self.schedule(rest, self._wanted.period_s):
            self._source.take(temperature=self._stage.temperature_k(), pulse=-1, **where)
        self.wait(self._wanted.period_s)
        rows: list[SourceRow] = []
        self._source.step_to(bias_v)
        for _ in self.schedule(at_bias, self._wanted.period_s):
            rows.append(self._source.take(temperature=self._stage.temperature_k(), pulse=pulse, **where))
            if rows[-1].status & LIMITED:
                break
        self._source.step_to(0.0)
        self._judge(rows[-1], bias_v)
        return rows

    def _judge(self, row: SourceRow, bias_v: float) -> None:
        """End the run at a limited current that no wider range can mend, if the recipe says so."""
        mended = row.over_range and self._range_a < self._largest_a
        if row.status & LIMITED and not mended and self._wanted.on_compliance == "stop":
            compliance = format_quantity(self._wanted.compliance_a, "A")
            raise SafetyTrip(
                f"the current was limited at {bias_v:g} V, compliance {compliance}, range "
                f'{format_quantity(self._range_a, "A")}; policy "stop" (on_compliance = "flag" records on)'
            )

    def _range_for(self, kelvin: float) -> float:
        """Get the range for a temperature: the smallest with room for the current to be expected there."""
        growth = math.exp(GROWTH_PER_KELVIN * max(kelvin - self._seen_k, 0.0))
        expected_a = self._seen_a * growth
        if expected_a == 0 or EMPTY * self._range_a <= expected_a <= FULL * self._range_a:
            return self._range_a
        return min(max(current_range_a(expected_a / FULL), CURRENT_RANGES_A[0]), self._largest_a)

    def _widen(self) -> bool:
        larger_a = wider_range_a(self._range_a, highest_a=self._largest_a)
        if larger_a is not None:
            self._use_range(larger_a)
        return larger_a is not None

    def _use_range(self, range_a: float) -> None:
        """Change the measure range at 0 V, the output being off meanwhile."""
        if range_a == self._range_a:
            return
        self.context.note("range", f"{format_quantity(range_a, 'A')} from here", "info")
        self._source.step_to(0.0)
        self._source.smu.output_enabled = False
        self._source.configure(range_a)
        self._range_a = range_a
        self._source.switch_on()
