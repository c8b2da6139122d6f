"""Uncertainty of means of correlated readings.

The noise is taken as `trend_i * x_i`, x stationary with the fitted PSD: low-frequency noise of a resistor grows with
its current (F. N. Hooge, "1/f noise is no surface effect", Phys. Lett. A 29 (1969) 139), and a slow transient changes
the current severalfold. Whether the noise of this trace does grow with the current is asked of the trace first.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.signal import correlate

from xraydaq.analysis.lags import Lags, lags_of
from xraydaq.analysis.long_trace import cell_rows, gridded, rescaled, subtract_trend, thinned
from xraydaq.analysis.noise import NoisePsd, fit_psd
from xraydaq.analysis.trace import reading_period_s, smooth_trend
from xraydaq.analysis.values import Floats

BLOCKS = 300
NOISE_BLOCKS = 20
LEAST_SCALE = 1e-3


@dataclass(frozen=True)
class Noise:
    """The PSD at the mean current, and at `time_s` the trend (A) and the local scale of the noise (about 1).

    `time_s` are the readings; of a trace of more than 65 536 of them the early readings, and means over cells after.
    `residual_a` is what the trend leaves, over the scale, on a regular grid.
    """

    psd: NoisePsd
    time_s: Floats = field(compare=False, repr=False)
    trend_a: Floats = field(compare=False, repr=False)
    scale: Floats = field(compare=False, repr=False)
    lags: Lags = field(compare=False, repr=False)
    residual_a: Floats = field(compare=False, repr=False)

    def trend_at(self, time_s: Floats) -> Floats:
        """Return the trend in A at other times."""
        return np.interp(time_s, self.time_s, self.trend_a)

    def covariance_of_means(self, first_s: Floats, second_s: Floats) -> float:
        """Return the covariance in A^2 of the means over readings at two sets of times: the mean R(t_i - t_j)."""
        (one, start), (other, other_start) = self._weights(first_s), self._weights(second_s)
        pairs = correlate(other, one)
        lag = np.arange(1 - len(one), len(other)) + other_start - start
        return float(pairs @ self.lags.at(lag))

    def u_of_difference(self, first_s: Floats, second_s: Floats) -> float:
        """Return the standard uncertainty in A of the difference of the means over readings at two sets of times."""
        cross = self.covariance_of_means(first_s, second_s)
        both = self.covariance_of_means(first_s, first_s) + self.covariance_of_means(second_s, second_s)
        return float(np.sqrt(max(both - 2 * cross, 0.0)))

    def _weights(self, time_s: Floats) -> tuple[Floats, int]:
        """Return the share of every grid position in a mean, from the first one on, and which one that is."""
        at = np.rint((time_s - self.time_s[0]) / self.psd.period_s).astype(np.int64)
        scale = np.interp(time_s, self.time_s, self.scale)
        return np.bincount(at - at.min(), weights=scale) / len(at), int(at.min())


@dataclass(frozen=True)
class Blocks:
    """Means over equal pieces of the trace (gaps bridged by a line) and their covariance in A^2."""

    time_s: Floats
    mean_a: Floats
    covariance_a2: Floats

    def u_of_mean(self) -> float:
        """Return the standard uncertainty in A of the mean over the trace."""
        return float(np.sqrt(max(self.covariance_a2.mean(), 0.0)))

    def u_of_contrast(self, weights: Floats) -> float:
        """Return the standard uncertainty in A of the weighted sum of the blocks."""
        return float(np.sqrt(max(float(weights @ self.covariance_a2 @ weights), 0.0)))


def noise_of_trace(time_s: Floats, current_a: Floats, reading_time_s: float, grid_a: Floats | None = None) -> Noise:
    """Separate the smooth trend and fit the PSD of what is left; rows in order of time.

    `grid_a`: the current on a regular grid of the usual spacing, where the caller has it already.
    """
    period_s = reading_period_s(time_s)
    support_s, support_a, readings = thinned(time_s, current_a)
    trend_a = smooth_trend(support_s, support_a, period_s=period_s, readings=readings)
    every = cell_rows(len(time_s))
    few_trend_a = np.interp(time_s[::every], support_s, trend_a)
    constant, level_a = _is_constant(current_a[::every] - few_trend_a, few_trend_a)
    scale = np.ones_like(trend_a) if constant else np.maximum(np.abs(trend_a) / level_a, LEAST_SCALE)
    left_a = gridded(time_s, current_a, period_s) if grid_a is None else grid_a.copy()
    subtract_trend(left_a, time_s[0], period_s, support_s, trend_a)
    left_a = rescaled(left_a, time_s[0], period_s, support_s, 1 / scale)
    present = min(1.0, len(time_s) / len(left_a))
    psd = fit_psd(left_a, period_s=period_s, reading_time_s=reading_time_s, present=present)
    return Noise(psd, support_s, trend_a, scale, lags_of(psd, len(left_a)), left_a)


def _is_constant(residual_a: Floats, trend_a: Floats) -> tuple[bool, float]:
    """Tell whether constant noise describes a trace better than noise that grows with the current, and its mean."""
    level_a = float(np.mean(np.abs(trend_a)))
    if not level_a > 0:
        return True, level_a
    relative = np.abs(trend_a) / level_a
    if relative.max() < 1.2 * relative.min():
        return True, level_a
    blocks = [b for b in np.array_split(np.arange(len(residual_a)), NOISE_BLOCKS) if residual_a[b].std() > 0]
    spread = np.log(np.array([residual_a[b].std() for b in blocks], dtype=np.float64))
    level = np.log(np.array([max(float(relative[b].mean()), LEAST_SCALE) for b in blocks]))
    return len(blocks) < 4 or bool(np.polyfit(level, spread, 1)[0] < 0.5), level_a


def blocks_of(noise: Noise, grid_a: Floats) -> Blocks:
    """Return means over about 300 equal pieces of a trace on its grid, with the covariance that the PSD gives them."""
    period_s, step = noise.psd.period_s, noise.lags.rows
    rows = max(1, len(grid_a) // BLOCKS)
    rows -= rows % step
    count = len(grid_a) // rows
    mean_a = grid_a[: rows * count].reshape(count, rows).mean(axis=1)
    middle_s = noise.time_s[0] + period_s * (rows * np.arange(count) + (rows - 1) / 2)
    scale = np.interp(middle_s, noise.time_s, noise.scale)
    distance = np.abs(np.subtract.outer(np.arange(count), np.arange(count)))
    covariance = _block_lags(noise.lags.coarse, rows // step, count)[distance] * np.outer(scale, scale)
    return Blocks(middle_s, mean_a, covariance)


def _block_lags(lags_a2: Floats, rows: int, count: int) -> Floats:
    """Covariance of the means of two blocks k blocks apart: sum over m of (rows - |m|)/rows^2 R(k rows + m)."""
    shift = np.arange(1 - rows, rows)
    weights = (rows - np.abs(shift)) / rows**2
    lag = np.abs(rows * np.arange(count)[:, None] + shift[None, :])
    return np.asarray(lags_a2[np.minimum(lag, len(lags_a2) - 1)] @ weights)
