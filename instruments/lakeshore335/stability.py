"""When a temperature counts as stable: everything at once, over a whole window, and the crystal given time to follow.

Tolerance alone passes on the way through, slope alone passes far away. Nothing waits here: readings come with their
time, and the answer is of that time.
"""

import math
from collections import deque
from dataclasses import dataclass

from xraydaq.errors import LimitError

LEAST_READINGS = 10
LONGEST_GAP = 0.2
"""Of the window. A longer silence proves nothing about what happened meanwhile."""


@dataclass(frozen=True, slots=True)
class StabilityCriterion:
    """All must hold over the window. The defaults are the usual middle course between fast and strict."""

    band_k: float = 0.05
    """Largest distance of any reading from the target."""

    window_s: float = 120.0
    spread_k: float = 0.01
    """Largest standard deviation."""

    slope_k_per_min: float = 0.01
    dwell_s: float = 300.0
    """Soak after the window passed for the first time, and passed ever since."""

    crystal_lag_s: float = 25.0
    """Time constant with which the crystal follows the sensor; measure it once on the crystal's own signal."""

    lags: float = 5.0
    """Time constants the crystal is given since the sensor entered the band for good."""

    def __post_init__(self) -> None:
        for name in ("band_k", "window_s", "spread_k", "slope_k_per_min"):
            if not 0 < getattr(self, name) < math.inf:
                raise LimitError(f"stability: {name} {getattr(self, name)}; allowed: above 0")
        for name in ("dwell_s", "crystal_lag_s", "lags"):
            if not 0 <= getattr(self, name) < math.inf:
                raise LimitError(f"stability: {name} {getattr(self, name)}; allowed: 0 or more")


FAST = StabilityCriterion(0.2, 30.0, 0.05, 0.1, 30.0)
NORMAL = StabilityCriterion()
STRICT = StabilityCriterion(0.02, 300.0, 0.005, 0.003, 900.0)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer at one reading; `missing` says in words what is not fulfilled."""

    stable: bool
    missing: tuple[str, ...]
    deviation_k: float
    """Largest in the window; nan as long as a reading in it is no temperature."""

    spread_k: float
    slope_k_per_min: float


@dataclass(frozen=True, slots=True)
class _Point:
    time_s: float
    temperature_k: float
    usable: bool


class StabilityWatch:
    """Judges readings against one target, in the order of their times."""

    def __init__(self, criterion: StabilityCriterion, target_k: float) -> None:
        if not 0 < target_k < math.inf:
            raise LimitError(f"stability: target {target_k} K; allowed: above 0 K")
        self.criterion = criterion
        self.target_k = target_k
        self._points: deque[_Point] = deque()
        self._in_band_since_s: float | None = None
        self._passing_since_s: float | None = None

    def feed(self, time_s: float, temperature_k: float, *, good: bool, ramping: bool) -> Verdict:
        """Take a reading, whether its status was good, and whether the setpoint was still moving.

        Raises:
            ValueError: the time is not later than the last.
        """
        if not time_s < math.inf or (self._points and not time_s > self._points[-1].time_s):
            raise ValueError(
                f"a reading at {time_s} s after one at {self._points[-1].time_s if self._points else '-'} s"
            )
        usable = good and not ramping and math.isfinite(temperature_k)
        self._follow_band(time_s, temperature_k, usable)
        self._points.append(_Point(time_s, temperature_k, usable))
        # the one before the window's start stays, so that the window is known to be covered
        while len(self._points) > 1 and self._points[1].time_s <= time_s - self.criterion.window_s:
            self._points.popleft()
        return self._verdict(time_s)

    def _follow_band(self, time_s: float, temperature_k: float, usable: bool) -> None:
        gap = bool(self._points) and time_s - self._points[-1].time_s > LONGEST_GAP * self.criterion.window_s
        if not usable or not abs(temperature_k - self.target_k) <= self.criterion.band_k:
            self._in_band_since_s = None
        elif self._in_band_since_s is None or gap:
            self._in_band_since_s = time_s

    def _verdict(self, time_s: float) -> Verdict:
        deviation_k, spread_k, slope_k_per_min = self._figures()
        missing = self._window_faults(time_s, deviation_k, spread_k, slope_k_per_min)
        if missing:
            self._passing_since_s = None
        elif self._passing_since_s is None:
            self._passing_since_s = time_s
        missing += self._still_to_wait(time_s)
        return Verdict(not missing, tuple(missing), deviation_k, spread_k, slope_k_per_min)

    def _window_faults(self, time_s: float, deviation_k: float, spread_k: float, slope_k_per_min: float) -> list[str]:
        limit, points = self.criterion, self._points
        pairs = zip(points, list(points)[1:], strict=False)
        longest_gap_s = max((later.time_s - earlier.time_s for earlier, later in pairs), default=math.inf)
        checks = {
            "the window is not full": time_s - points[0].time_s >= limit.window_s and len(points) >= LEAST_READINGS,
            "a gap between readings": longest_gap_s <= LONGEST_GAP * limit.window_s,
            "the ramp was not done, or a sensor status not good, in the window": all(each.usable for each in points),
            f"off target by more than {limit.band_k:g} K": deviation_k <= limit.band_k,
            f"spread above {limit.spread_k:g} K": spread_k <= limit.spread_k,
            f"slope above {limit.slope_k_per_min:g} K/min": abs(slope_k_per_min) <= limit.slope_k_per_min,
        }
        return [text for text, fulfilled in checks.items() if not fulfilled]

    def _still_to_wait(self, time_s: float) -> list[str]:
        limit = self.criterion
        waits = (
            ("dwell", self._passing_since_s, limit.dwell_s),
            ("crystal lag", self._in_band_since_s, limit.lags * limit.crystal_lag_s),
        )
        return [
            f"{name}: {duration_s:g} s not over"
            for name, since_s, duration_s in waits
            if since_s is None or not time_s - since_s >= duration_s
        ]

    def _figures(self) -> tuple[float, float, float]:
        """Get largest deviation, standard deviation and slope of a straight line; nan spreads to all three."""
        count = len(self._points)
        temperatures_k = [each.temperature_k if each.usable else math.nan for each in self._points]
        if count < 2 or not all(map(math.isfinite, temperatures_k)):
            return math.nan, math.nan, math.nan
        middle_s = sum(each.time_s for each in self._points) / count
        mean_k = sum(temperatures_k) / count
        times_s = [each.time_s - middle_s for each in self._points]
        offsets_k = [each - mean_k for each in temperatures_k]
        spread_k = math.sqrt(sum(each * each for each in offsets_k) / (count - 1))
        slope = sum(t * x for t, x in zip(times_s, offsets_k, strict=True)) / sum(t * t for t in times_s)
        return max(abs(each - self.target_k) for each in temperatures_k), spread_k, 60 * slope
