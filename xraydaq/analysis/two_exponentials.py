"""A step response of two exponentials, or of one: what is missing after a time, and its transition time."""

import math
from collections.abc import Sequence

import numpy as np
from scipy.optimize import brentq

from xraydaq.analysis.values import Floats


def remaining(time_s: Floats, taus_s: Sequence[float], slow_share: float) -> Floats:
    """Return the part of a step still missing after `time_s`, of one or two exponentials."""
    late = (1 - slow_share) * np.exp(-time_s / taus_s[0]) + slow_share * np.exp(-time_s / taus_s[-1])
    return np.asarray(late, dtype=np.float64)


def transition(taus_s: Sequence[float], slow_share: float) -> float:
    """Return the time in s from 10 to 90 % of a step of two exponentials; nan where the response does not get there.

    IEEE Std 181-2011, transition duration, with 0 and 100 % at the levels before the edge and long after it.
    """

    def above(time_s: float, level: float) -> float:
        return float(remaining(np.array([time_s]), taus_s, slow_share)[0]) - level

    last_s = 40 * max(taus_s)
    if not above(last_s, 0.1) < 0 < above(0.0, 0.9):
        return math.nan
    late_s, early_s = (float(brentq(above, 0.0, last_s, args=(level,))) for level in (0.1, 0.9))
    return late_s - early_s
