"""Counts rows in the measuring thread and answers the showing thread how far the run is."""

import math
from collections.abc import Mapping

from procedures.base import Plan
from xraydaq.clock import Clock
from xraydaq.runner.progress import Progress


class Tracker:
    """The last row and the count; `row` is called for every row and therefore does next to nothing."""

    def __init__(self, plan: Plan, wall: Clock) -> None:
        self._total = plan.points
        self._wall = wall
        self._start_s = wall.now()
        self._points = 0
        self._last: Mapping[str, float] = {"elapsed": 0.0, "voltage": math.nan, "current": math.nan}
        self._phase = "start"

    def row(self, row: Mapping[str, float]) -> None:
        """Note a stored row."""
        self._last = row
        self._points += 1

    def event(self, kind: str, message: str) -> None:
        """Note the phase a run is in."""
        if kind == "phase":
            self._phase = message.split(":", 1)[0]

    def snapshot(self) -> Progress:
        """Get how far the run is, with the rest extrapolated from the pace so far."""
        points, last = self._points, self._last
        spent_s = self._wall.now() - self._start_s
        remaining_s = spent_s * (self._total - points) / points if points else math.nan
        return Progress(
            points=points,
            total_points=self._total,
            elapsed_s=last["elapsed"],
            remaining_s=remaining_s,
            end_utc_s=self._wall.utc() + remaining_s,
            current_a=last.get("current", math.nan),
            voltage_v=last.get("voltage", math.nan),
            phase=self._phase,
        )
