"""Settling time: when the current stays within a band around its end value (terms of IEEE Std 181-2011)."""

from dataclasses import dataclass

import numpy as np

from xraydaq.analysis.correlated import Blocks, Noise
from xraydaq.analysis.values import Floats, Value

BAND = 0.05
END_SHARE = 0.1
LOCAL_SHARE = 0.1


@dataclass(frozen=True)
class Settling:
    """Settling time since bias on, the end level in A, and whether the current stands still within 5 % at the end."""

    time: Value
    end_a: float
    settled: bool


def settling_time(time_s: Floats, current_a: Floats, noise: Noise, blocks: Blocks) -> Settling:
    """Return the first time after which |I - I_end| stays within 5 % of I_end, the median of the last 10 %.

    Read off the smooth trend, since a noisy trace leaves the band later the noisier it is; nan if it leaves it within
    the last 10 %. u: the reading period, and the uncertainty of I - I_end divided by the slope at that time.
    """
    from_s = time_s[-1] - END_SHARE * (time_s[-1] - time_s[0])
    end_a = float(np.median(current_a[np.searchsorted(time_s, from_s) :]))
    time_s, end = noise.time_s, noise.time_s >= from_s
    outside = np.flatnonzero(~(np.abs(noise.trend_a - end_a) <= BAND * abs(end_a)))
    stands = bool(np.ptp(noise.trend_a[end]) <= BAND * abs(end_a))
    step_u_s = noise.psd.period_s / float(np.sqrt(12))
    if not len(outside):
        return Settling(Value(float(time_s[0]), step_u_s, "s"), end_a, stands)
    last = int(outside[-1])
    if end[last]:
        return Settling(Value(np.nan, np.nan, "s"), end_a, False)
    crossed_s = _crossing(time_s, np.abs(noise.trend_a - end_a) - BAND * abs(end_a), last)
    u_s = _u_of_level(crossed_s, blocks) / max(
        abs(_slope(time_s, noise.trend_a, crossed_s, noise.psd.period_s)), 1e-30
    )
    return Settling(Value(crossed_s, float(np.hypot(step_u_s, u_s)), "s"), end_a, stands)


def _crossing(time_s: Floats, excess_a: Floats, last: int) -> float:
    share = excess_a[last] / (excess_a[last] - excess_a[last + 1])
    return float(time_s[last] + share * (time_s[last + 1] - time_s[last]))


def _slope(time_s: Floats, trend_a: Floats, at_s: float, period_s: float) -> float:
    half_s = max(LOCAL_SHARE * at_s / 2, period_s)
    span_s = np.clip([at_s - half_s, at_s + half_s], time_s[0], time_s[-1])
    ends_a = np.interp(span_s, time_s, trend_a)
    return float((ends_a[1] - ends_a[0]) / (span_s[1] - span_s[0]))


def _u_of_level(at_s: float, blocks: Blocks) -> float:
    """Noise of the difference between the level around `at_s` and the end level."""
    near = np.abs(blocks.time_s - at_s) <= LOCAL_SHARE * at_s / 2
    near[int(np.argmin(np.abs(blocks.time_s - at_s)))] = True
    end = blocks.time_s >= blocks.time_s[-1] - END_SHARE * np.ptp(blocks.time_s)
    return blocks.u_of_contrast(near / near.sum() - (1 + BAND) * end / end.sum())
