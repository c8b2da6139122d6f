"""Noise of density 1/f^gamma, as it appears in the mean of any window after any gap.

The process is a sum of independent Ornstein-Uhlenbeck processes, started in their stationary state. What is drawn for
a reading is the exact joint Gaussian of all end states and of the mean over its window, so the statistics are right
for any pattern of sampling: D. T. Gillespie, Phys. Rev. E 54 (1996) 2084, for one process and its integral.
"""

import math
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from instruments.sim.twin.modes import Floats

SHORTEST_S = 1e-5
LONGEST_S = 3.2e5
"""The spectrum levels off below 5e-7 Hz, the lowest frequency at which 1/f noise of semiconductors was seen:
M. A. Caloyannides, J. Appl. Phys. 45 (1974) 307. For an exponent above 1 something must end the growth."""
PER_DECADE = 4
"""Four relaxation times a decade leave a ripple of 1e-7 of the density."""
REMEMBERED_STEPS = 256
SMALL = 0.03
BLOCK = 8192


@dataclass(frozen=True, slots=True)
class Step:
    """Factors of one gap and window: on the state before it, on one standard normal per mode, and on one more."""

    state_kept: Floats
    state_spread: Floats
    mean_of_state: Floats
    mean_of_spread: Floats
    mean_of_own: float


class FlickerNoise:
    """Seeded noise of one-sided density (1 Hz / f)^exponent per hertz, from 5e-7 Hz to some kilohertz."""

    def __init__(self, rng: np.random.Generator, exponent: float) -> None:
        if not 0 < exponent < 2:
            raise ValueError(f"noise exponent {exponent} is outside 0 to 2")
        self._rng = rng
        count = math.ceil(PER_DECADE * math.log10(LONGEST_S / SHORTEST_S)) + 1
        self._times_s = np.logspace(math.log10(SHORTEST_S), math.log10(LONGEST_S), count)
        step = math.log(self._times_s[1] / self._times_s[0])
        # One mode of variance v has the density 4 v t / (1 + (2 pi f t)^2); this scale makes their sum f^-exponent.
        scale = (2 * math.pi) ** (exponent - 1) * math.sin(math.pi * exponent / 2)
        self._variances = scale * step * self._times_s ** (exponent - 1)
        self._state = np.sqrt(self._variances) * rng.standard_normal(count)
        # All faster modes that the sum would go on with are white to any window; their densities, 4 v t each, add up.
        ratio = math.exp(-step * exponent)
        faster_per_hz = 4 * scale * step * SHORTEST_S**exponent * ratio / (1 - ratio)
        steps = partial(step_of, self._times_s, self._variances, white_per_hz=faster_per_hz)
        self._step = lru_cache(maxsize=REMEMBERED_STEPS)(steps)

    def mean(self, gap_ns: int, window_ns: int) -> float:
        """Let the gap and the window pass and get the mean over the window."""
        step = self._step(gap_ns, window_ns)
        drawn = self._rng.standard_normal(len(self._state) + 1)
        spread = drawn[:-1]
        mean = step.mean_of_state @ self._state + step.mean_of_spread @ spread + step.mean_of_own * drawn[-1]
        self._state = step.state_kept * self._state + step.state_spread * spread
        return float(mean)

    def means(self, window_ns: int, count: int) -> Floats:
        """Let adjoining windows pass and get the mean over each: the numbers that as many calls of `mean` draw."""
        from scipy.signal import lfilter  # slow to import, and only a fast recorder needs it

        step, found = self._step(0, window_ns), np.empty(count)
        for first in range(0, count, BLOCK):
            drawn = self._rng.standard_normal((min(BLOCK, count - first), len(self._state) + 1))
            total = drawn[:, :-1] @ step.mean_of_spread + step.mean_of_own * drawn[:, -1]
            spreads = np.ascontiguousarray(drawn.T)  # each mode's numbers side by side: it is gone through in time
            for mode, kept in enumerate(step.state_kept):
                start, weight = self._state[mode], step.mean_of_state[mode]
                ends = lfilter([step.state_spread[mode]], [1.0, -kept], spreads[mode], zi=[kept * start])[0]
                total[0] += weight * start
                total[1:] += weight * ends[:-1]
                self._state[mode] = ends[-1]
            found[first : first + len(drawn)] = total
        return found


def step_of(
    times_s: Floats, variances: Floats, gap_ns: int, window_ns: int, *, white_per_hz: float = 0.0
) -> Step:  # fmt: skip
    """Get the factors of a gap and a window after it, for modes of these relaxation times and variances.

    `white_per_hz`: one-sided density of white noise that comes on top.
    """
    gaps, windows = gap_ns * 1e-9 / times_s, window_ns * 1e-9 / times_s
    gap_kept, kept, averaged = np.exp(-gaps), np.exp(-windows), -np.expm1(-windows) / windows
    gap_variance = -np.expm1(-2 * gaps) * variances
    end_variance = -np.expm1(-2 * windows) * variances
    mean_variance = _variance_of_mean(windows) * variances
    covariance = averaged**2 * windows * variances
    spread_variance = kept**2 * gap_variance + end_variance
    # What the mean has of its own, given the end states; written so that nothing cancels for slow modes.
    own_variance = gap_variance * (
        averaged**2 * end_variance + kept**2 * mean_variance - 2 * averaged * kept * covariance
    ) + (mean_variance * end_variance - covariance**2)
    spread = np.sqrt(spread_variance)
    return Step(
        state_kept=gap_kept * kept,
        state_spread=spread,
        mean_of_state=gap_kept * averaged,
        mean_of_spread=(averaged * kept * gap_variance + covariance) / spread,
        mean_of_own=math.sqrt(float(np.sum(own_variance / spread_variance)) + white_per_hz / (2e-9 * window_ns)),
    )


def _variance_of_mean(windows: Floats) -> Floats:
    """Get the variance of the mean over windows in time constants, from a known start; stationary variance 1."""
    small = np.minimum(windows, SMALL)
    series = small * (2 / 3 + small * (-1 / 2 + small * (7 / 30 + small * (-1 / 12 + small * 31 / 1260))))
    gone = -np.expm1(-windows)
    return np.where(windows < SMALL, series, (2 * (windows - gone) - gone**2) / windows**2)
