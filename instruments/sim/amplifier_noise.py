"""Noise of an amplifier as it appears in means over equal windows: white, and 1/f below a corner.

The 1/f part is a sum of first-order processes whose relaxation times are two a decade (ripple of the density 0.1 %),
from the spacing of the samples up to `LONGEST_S`; their values are kept from one call to the next.
"""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SHORTEST_S = 1e-7
LONGEST_S = 1e4
PER_DECADE = 2


class AmplifierNoise:
    """Seeded noise of one-sided density 1 per root hertz, and twice the power at the corner frequency."""

    def __init__(self, rng: np.random.Generator, corner_hz: float) -> None:
        self._rng = rng
        count = round(PER_DECADE * math.log10(LONGEST_S / SHORTEST_S)) + 1
        self._times_s = np.logspace(math.log10(SHORTEST_S), math.log10(LONGEST_S), count)
        # A process of variance v has the density 4 v t / (1 + (2 pi f t)^2); equal variances make the sum corner/f.
        self._rms = math.sqrt(corner_hz * math.log(10) / PER_DECADE)
        self._values = self._rms * rng.standard_normal(count)
        self._end_s: float | None = None

    def means(self, start_s: float, spacing_s: float, count: int) -> Floats:
        """Get the mean of each window of `spacing_s` from `start_s` on; gaps since the last call are let pass."""
        from scipy.signal import lfilter  # slow to import, and many tests never need it

        gap_s = 0.0 if self._end_s is None else max(start_s - self._end_s, 0.0)
        self._end_s = start_s + count * spacing_s
        total = math.sqrt(0.5 / spacing_s) * self._rng.standard_normal(count)
        if count == 0:
            return total
        self._relax(gap_s)
        for index in np.flatnonzero(self._times_s >= spacing_s / 2):
            kept = math.exp(-spacing_s / self._times_s[index])
            drive = self._rms * math.sqrt(1 - kept * kept) * self._rng.standard_normal(count)
            found, _ = lfilter([1.0], [1.0, -kept], drive, zi=[kept * self._values[index]])
            self._values[index] = found[-1]
            total += found
        return total

    def _relax(self, gap_s: float) -> None:
        kept = np.exp(-gap_s / self._times_s)
        self._values = kept * self._values + self._rms * np.sqrt(1 - kept**2) * self._rng.standard_normal(len(kept))

    def white(self, count: int) -> Floats:
        """Get standard normal numbers of the same seed."""
        return self._rng.standard_normal(count)
