"""Uncertainty of means of correlated readings.

The noise is taken as `trend_i * x_i`, x stationary with the fitted PSD: low-frequency noise of a resistor grows with
its current (F. N. Hooge, "1/f noise is no surface effect", Phys. Lett. A 29 (1969) 139), and a slow transient changes
the current severalfold. Whether the noise of this trace does grow with the current is asked of the trace first.
"""

from dataclasses import dataclass, field

import numpy as np

from xraydaq.analysis.noise import NoisePsd, fit_psd
from xraydaq.analysis.trace import on_a_grid, reading_period_s, smooth_trend
from xraydaq.analysis.values import Booleans, Floats

BLOCKS = 300
NOISE_BLOCKS = 20


@dataclass(frozen=True)
class Noise:
    """The PSD at the mean current, the local scale of the noise (about 1), and the autocovariance by lag in A^2."""

    psd: NoisePsd
    time_s: Floats = field(compare=False, repr=False)
    trend_a: Floats = field(compare=False, repr=False)
    scale: Floats = field(compare=False, repr=False)
    lags_a2: Floats = field(compare=False, repr=False)

    def covariance_of_means(self, first: Booleans, second: Booleans) -> float:
        """Return the covariance in A^2 of the means over two sets of rows: the mean of R(t_i - t_j) over all pairs."""
        lag_s = np.abs(self.time_s[first][:, None] - self.time_s[second][None, :])
        lag = np.minimum(np.round(lag_s / self.psd.period_s).astype(np.int64), len(self.lags_a2) - 1)
        return float(self.scale[first] @ self.lags_a2[lag] @ self.scale[second]) / lag.size

    def u_of_difference(self, first: Booleans, second: Booleans) -> float:
        """Return the standard uncertainty in A of the difference of two means."""
        cross = self.covariance_of_means(first, second)
        both = self.covariance_of_means(first, first) + self.covariance_of_means(second, second)
        return float(np.sqrt(max(both - 2 * cross, 0.0)))


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


def noise_of_trace(time_s: Floats, current_a: Floats, reading_time_s: float) -> Noise:
    """Separate the smooth trend and fit the PSD of what is left; rows in order of time."""
    period_s = reading_period_s(time_s)
    trend_a = smooth_trend(time_s, current_a)
    residual_a = current_a - trend_a
    scale = _scale(residual_a, trend_a)
    grid_a = on_a_grid(time_s, residual_a / scale, period_s)
    psd = fit_psd(
        grid_a, period_s=period_s, reading_time_s=reading_time_s, present=min(1.0, len(time_s) / len(grid_a))
    )
    return Noise(psd, time_s, trend_a, scale, psd.autocovariance(len(grid_a)))


def _scale(residual_a: Floats, trend_a: Floats) -> Floats:
    """Noise relative to that at the mean current: as the current, or constant if that describes the trace better."""
    relative = np.abs(trend_a) / np.mean(np.abs(trend_a)) if trend_a.any() else np.ones_like(trend_a)
    if relative.max() < 1.2 * relative.min():
        return np.ones_like(relative)
    blocks = [b for b in np.array_split(np.arange(len(residual_a)), NOISE_BLOCKS) if residual_a[b].std() > 0]
    spread = np.log(np.array([residual_a[b].std() for b in blocks], dtype=np.float64))
    level = np.log(np.array([max(float(relative[b].mean()), 1e-3) for b in blocks]))
    if len(blocks) < 4 or np.polyfit(level, spread, 1)[0] < 0.5:
        return np.ones_like(relative)
    return np.maximum(relative, 1e-3)


def blocks_of(noise: Noise, current_a: Floats) -> Blocks:
    """Return means over about 300 equal pieces with the covariance that the PSD gives them."""
    period_s = noise.psd.period_s
    grid_a = on_a_grid(noise.time_s, current_a, period_s)
    rows = max(1, len(grid_a) // BLOCKS)
    count = len(grid_a) // rows
    mean_a = grid_a[: rows * count].reshape(count, rows).mean(axis=1)
    time_s = noise.time_s[0] + period_s * (rows * np.arange(count) + (rows - 1) / 2)
    scale = np.interp(time_s, noise.time_s, noise.scale)
    distance = np.abs(np.subtract.outer(np.arange(count), np.arange(count)))
    covariance = _block_lags(noise.lags_a2, rows, count)[distance] * np.outer(scale, scale)
    return Blocks(time_s, mean_a, covariance)


def _block_lags(lags_a2: Floats, rows: int, count: int) -> Floats:
    """Covariance of the means of two blocks k blocks apart: sum over m of (rows - |m|)/rows^2 R(k rows + m)."""
    shift = np.arange(1 - rows, rows)
    weights = (rows - np.abs(shift)) / rows**2
    lag = np.abs(rows * np.arange(count)[:, None] + shift[None, :])
    return np.asarray(lags_a2[np.minimum(lag, len(lags_a2) - 1)] @ weights)
