"""Autocovariance of a trace by lag, near and far."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.fft import next_fast_len

from xraydaq.analysis.long_trace import LONG, cell_rows
from xraydaq.analysis.noise import NoisePsd
from xraydaq.analysis.values import Floats

NEAR = LONG // 4


@dataclass(frozen=True)
class Lags:
    """Autocovariance in A^2: `fine` at lags 0, 1, 2 ... readings, `coarse` that of means over `rows` readings.

    Up to 65 536 readings `rows` is 1 and both are the same array. Beyond, R changes little from cell to cell.
    """

    fine: Floats = field(repr=False)
    coarse: Floats = field(repr=False)
    rows: int

    def at(self, lag: NDArray[np.int64]) -> Floats:
        """Return the autocovariance in A^2 at lags in readings, of either sign."""
        lag = np.abs(lag)
        near = self.fine[np.minimum(lag, len(self.fine) - 1)]
        if self.rows == 1:
            return near
        far = np.interp(lag / self.rows, np.arange(len(self.coarse)), self.coarse)
        return np.where(lag < len(self.fine), near, far)


def lags_of(psd: NoisePsd, rows: int) -> Lags:
    """Return the autocovariance of a trace of `rows` readings on a grid."""
    step = cell_rows(rows)
    if step == 1:
        fine = psd.autocovariance(rows)
        return Lags(fine, fine, 1)
    cells = replace(psd, period_s=psd.period_s * step)
    lowest_hz = psd.lowest_hz(rows)
    coarse = cells.autocovariance(next_fast_len(rows // step + 1, real=True), lowest_hz)
    return Lags(psd.autocovariance(NEAR, lowest_hz), coarse, step)
