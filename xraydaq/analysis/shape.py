"""Shape of a trace: peak to peak, steepest part, class and verdict, from 60 s means from 30 s after bias on."""

from dataclasses import dataclass

import numpy as np

from xraydaq.analysis.correlated import Noise
from xraydaq.analysis.current_density import Instrument
from xraydaq.analysis.drift import FIRST_S, WINDOW_S
from xraydaq.analysis.long_trace import LONG, cells
from xraydaq.analysis.trace import moving_mean
from xraydaq.analysis.values import Floats, Value

STABLE = 0.05
PEAK = 1.2
CELLS_PER_WINDOW = 16  # of a long trace: its windows move by so many parts of one


@dataclass(frozen=True)
class Shape:
    """Peak to peak over mean, largest |dI/dt| and when; kind flat, monotonic or peaked; time of a turning point."""

    peak_to_peak: Value
    steepest: Value
    steepest_s: float
    kind: str
    turns_s: float | None


def shape(time_s: Floats, current_a: Floats, noise: Noise, mean: Value, instrument: Instrument) -> Shape:
    """Describe the smoothed trace; a trace shorter than four windows is described by nan and class "not decided".

    u is that of the difference of two window means with the noise of the device: a second run would differ by it.
    """
    settled = slice(int(np.searchsorted(time_s, FIRST_S - WINDOW_S / 2)), None)
    rows = max(1, round(WINDOW_S / noise.psd.period_s))
    if len(time_s[settled]) < 4 * rows:
        return Shape(Value(np.nan, np.nan, "1"), Value(np.nan, np.nan, "A s^-1"), np.nan, "not decided", None)
    step = max(1, rows // CELLS_PER_WINDOW) if len(time_s) > LONG else 1
    rows //= step
    smooth_a, smooth_s = (moving_mean(cells(column[settled], step), rows) for column in (current_a, time_s))
    meter_u_a = float(np.hypot(instrument.drift_u_a(mean.value), instrument.resolution_u_a))
    low, high = int(np.argmin(smooth_a)), int(np.argmax(smooth_a))
    u_a = float(np.hypot(_u_between(time_s, smooth_s[low], smooth_s[high], noise), meter_u_a))
    peak_to_peak = _relative(Value(float(smooth_a[high] - smooth_a[low]), u_a, "A"), mean)
    steepest, steepest_s = _steepest(smooth_s, smooth_a, rows, time_s, noise)
    kind = _kind(smooth_a * np.sign(mean.value), peak_to_peak.value)
    return Shape(peak_to_peak, steepest, steepest_s, kind, _turn(smooth_s, smooth_a, abs(mean.value), rows))


def verdict(peak_to_peak: Value) -> str:
    """Return "stable" below 5 % and "drifting" above it, by more than 2 u; else, also for nan, "not decided"."""
    if peak_to_peak.value + 2 * peak_to_peak.u < STABLE:
        return "stable"
    return "drifting" if peak_to_peak.value - 2 * peak_to_peak.u > STABLE else "not decided"


def _window(time_s: Floats, at_s: float) -> Floats:
    """Return the times of the readings around `at_s`, at least the one before it."""
    first = int(np.searchsorted(time_s, at_s - WINDOW_S / 2))
    last = int(np.searchsorted(time_s, at_s + WINDOW_S / 2, side="right"))
    return time_s[min(first, len(time_s) - 1) : max(last, first + 1)]


def _u_between(time_s: Floats, one_s: float, other_s: float, noise: Noise) -> float:
    return noise.u_of_difference(_window(time_s, one_s), _window(time_s, other_s))


def _relative(change: Value, mean: Value) -> Value:
    if not abs(mean.value) > 3 * mean.u:
        return Value(np.nan, np.nan, "1")
    ratio = change.value / abs(mean.value)
    return Value(ratio, float(np.hypot(change.u, ratio * mean.u)) / abs(mean.value), "1")


def _steepest(smooth_s: Floats, smooth_a: Floats, rows: int, time_s: Floats, noise: Noise) -> tuple[Value, float]:
    """Largest change between neighbouring windows per time between their centres."""
    rate_a_s = np.abs(smooth_a[rows:] - smooth_a[:-rows]) / (smooth_s[rows:] - smooth_s[:-rows])
    at = int(np.argmax(rate_a_s))
    span_s = float(smooth_s[at + rows] - smooth_s[at])
    u_a = _u_between(time_s, smooth_s[at], smooth_s[at + rows], noise)
    return Value(float(rate_a_s[at]), u_a / span_s, "A s^-1"), float(smooth_s[at] + span_s / 2)


def _kind(smooth_a: Floats, peak_to_peak: float) -> str:
    if not np.isfinite(peak_to_peak):
        return "not decided"
    if peak_to_peak < STABLE:
        return "flat"
    return "peaked" if smooth_a.max() > PEAK * max(smooth_a[0], smooth_a[-1], 0.0) else "monotonic"


def _turn(smooth_s: Floats, smooth_a: Floats, level_a: float, rows: int) -> float | None:
    """Time of an extremum that exceeds both ends by more than 5 % of the mean; None if the ends are the extremes."""
    ends = (smooth_a[0], smooth_a[-1])
    inner = slice(rows, -rows)
    for at, excess in (
        (int(np.argmax(smooth_a[inner])), smooth_a[inner].max() - max(ends)),
        (int(np.argmin(smooth_a[inner])), min(ends) - smooth_a[inner].min()),
    ):
        if excess > STABLE * level_a:
            return float(smooth_s[inner][at])
    return None
