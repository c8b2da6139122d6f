"""Ranges that follow a sweep: the smallest source range for the bias, a measure range for the current to be expected.

A range of the source-measure unit changes with its output off only, so that a change interrupts the bias for a moment.
"""

import math
from dataclasses import dataclass

from instruments.keithley2400.ranges import CURRENT_RANGES_A, current_range_a, voltage_range_v

FULL, EMPTY = 0.8, 0.06
"""Shares of a range above which the next one is taken, and below which the one before it."""

STEEPEST, FLATTEST = 12.0, 1.0
"""Slopes d ln I / d ln V that are believed of the last two points."""


@dataclass(frozen=True, slots=True)
class Ranges:
    """Source range in V and measure range in A, by name."""

    source_v: float
    current_a: float


@dataclass(slots=True)
class Followed:
    """Bias and current of the last two points of a sweep, as sizes; what comes next is read from their slope."""

    before: tuple[float, float] | None = None
    last: tuple[float, float] | None = None

    def add(self, bias_v: float, current_a: float) -> None:
        """Add a point; one without a current is passed over."""
        if current_a > 0 and bias_v > 0:
            self.before, self.last = self.last, (bias_v, current_a)

    def expected_a(self, bias_v: float) -> float:
        """Get the current to expect at a bias; nan before the first point."""
        if self.last is None:
            return math.nan
        slope = FLATTEST
        if self.before is not None and self.before[0] != self.last[0]:
            steps = [math.log(last / before) for last, before in zip(self.last, self.before, strict=True)]
            slope = min(max(steps[1] / steps[0], FLATTEST), STEEPEST)
        return self.last[1] * float((bias_v / self.last[0]) ** slope)


def next_ranges(now: Ranges, bias_v: float, expected_a: float, *, lowest_a: float, highest_a: float) -> Ranges:
    """Choose the ranges for a point; `now` is kept where it serves, `lowest_a` and `highest_a` bound what is chosen.

    Without an expectation (nan) the measure range stays as it is.
    """
    source_v = voltage_range_v(bias_v)
    current_a = now.current_a
    if expected_a > FULL * now.current_a or expected_a < EMPTY * now.current_a:
        wanted_a = min(expected_a / FULL, highest_a)
        current_a = min(max(current_range_a(wanted_a), lowest_a), highest_a)
    return Ranges(source_v, current_a)


def wider(now: Ranges, *, highest_a: float) -> Ranges | None:
    """Return ranges with the next larger measure range; None at the highest."""
    larger_a = wider_range_a(now.current_a, highest_a=highest_a)
    return None if larger_a is None else Ranges(now.source_v, larger_a)


def wider_range_a(now_a: float, *, highest_a: float) -> float | None:
    """Return the next larger measure range; None at the highest."""
    return next((each for each in CURRENT_RANGES_A if now_a < each <= highest_a), None)
