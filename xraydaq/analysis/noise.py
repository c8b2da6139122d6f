"""Noise of a trace: power spectral density S(f) = h/f^gamma + w, fitted to the detrended readings.

Fit: P. Whittle, "The analysis of multiple stationary time series", J. R. Stat. Soc. B 15 (1953) 125. Neighbouring
lines of a Hann window are correlated; the Fisher information is divided by 1 + 2(4/9 + 1/36) = 1.944.
Readings shorter than their spacing fold noise from above half the reading rate down; it arrives nearly white, so w
holds it together with the noise of the readings, and h stays that of the device. The top 40 % are not fitted.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from xraydaq.analysis.long_trace import PIECE, cell_rows, cells
from xraydaq.analysis.values import Floats, Value

HANN_CORRELATION = 1 + 2 * (4 / 9 + 1 / 36)
FIRST_LINE = 10  # lines below 10/T may hold what is left of the drift, and are not fitted
LEAST_FITTED_ROWS = 200
BINS = 150
CELLS_FOLLOW = 0.1  # of the highest frequency of means over cells: below it they show the spectrum of the readings
CELLS_PER_PIECE = 256  # so that the first line used of a piece is the twelfth or higher
HIGHEST_LINE = 0.3  # in units of the reading rate; above it the folded noise is not white
GAMMA_BOUNDS = (0.3, 2.0)
GAMMA_EXPECTED = (1.0, 0.3)  # weak prior: decides only where there is no 1/f noise to be seen
ASSUMED_GAMMA_U = 0.15  # where there are too few rows to fit
LOWEST_HZ = 5e-7
SLOW_LAGS = 1025
SLOW_LINES = 8  # of the FFT: too wide for 1/f noise at one frequency each, their part is integrated
SLOW_BANDS = 128
LOG_LEVEL_U = 3.0  # of the same kind, for a white or 1/f level that is too small to be seen


@dataclass(frozen=True)
class NoisePsd:
    """One-sided PSD `h/(f/1 Hz)^gamma + w` in A^2/Hz of readings every `period_s`.

    `covariance`: 3 x 3, of (ln h, gamma, ln w). `fitted` is False if gamma = 1 was assumed for want of rows.
    """

    h_a2_hz: float
    gamma: float
    w_a2_hz: float
    period_s: float
    fitted: bool
    covariance: Floats = field(compare=False, repr=False)

    def density(self, f_hz: float) -> Value:
        """Return sqrt(h/f^gamma), the amplitude spectral density of the low-frequency noise, in A/sqrt(Hz)."""
        density = float(np.sqrt(self.h_a2_hz * f_hz**-self.gamma))
        slope = np.array([0.5, -0.5 * np.log(f_hz), 0.0])
        return Value(density, density * float(np.sqrt(slope @ self.covariance @ slope)), "A/√Hz")

    def gamma_value(self) -> Value:
        """Return the exponent of the low-frequency noise; not known where it was assumed."""
        return Value(self.gamma, float(np.sqrt(self.covariance[1, 1])) if self.fitted else np.nan, "1")

    def power(self, f_hz: NDArray[np.floating]) -> Floats:
        """Return the PSD of the row sequence in A^2/Hz, 0 < f <= 1/(2 period)."""
        return np.asarray(self.h_a2_hz * f_hz**-self.gamma + self.w_a2_hz, dtype=np.float64)

    def autocovariance(self, rows: int, lowest_hz: float | None = None) -> Floats:
        """Return the autocovariance in A^2 at lags 0 ... rows - 1 periods, expected over the uncertainty of the fit.

        The integral over the PSD starts at `lowest_hz`, by default 5e-7 Hz, or a decade below the run if that is
        lower: noise slower than the run shifts a mean without showing in the trace, and the fitted power law is
        extrapolated for it down to where 1/f noise of semiconductors was still seen (M. A. Caloyannides, "Microcycle
        spectral estimates of 1/f noise in semiconductors", J. Appl. Phys. 45 (1974) 307). The extrapolation hangs on
        gamma, so the mean over gamma is taken (Gauss-Hermite, 3 points; h follows by their covariance).
        """
        if lowest_hz is None:
            lowest_hz = self.lowest_hz(rows)
        return np.asarray(
            sum(weight * psd._lags(rows, lowest_hz) for weight, psd in self._plausible()), dtype=np.float64
        )

    def lowest_hz(self, rows: int) -> float:
        """Return the lowest frequency that counts for a run of so many periods."""
        return min(LOWEST_HZ, 0.1 / (rows * self.period_s))

    def _plausible(self) -> list[tuple[float, "NoisePsd"]]:
        step = float(np.sqrt(3 * self.covariance[1, 1]))
        if not step > 1e-6:
            return [(1.0, self)]
        shifts = np.outer((-1.0, 0.0, 1.0), self.covariance[:, 1] / self.covariance[1, 1] * step)
        return [
            (
                weight,
                replace(
                    self,
                    h_a2_hz=self.h_a2_hz * float(np.exp(shift[0])),
                    gamma=float(np.clip(self.gamma + shift[1], *GAMMA_BOUNDS)),
                    w_a2_hz=self.w_a2_hz * float(np.exp(shift[2])),
                ),
            )
            for weight, shift in zip((1 / 6, 2 / 3, 1 / 6), shifts, strict=True)
        ]

    def _lags(self, rows: int, lowest_hz: float) -> Floats:
        count = 8 * rows
        step_hz = 1 / (count * self.period_s)
        f_hz = step_hz * np.arange(1, count // 2 + 1)
        power = self.power(f_hz) * step_hz
        slow = min(SLOW_LINES, rows)
        few = min(64, len(f_hz))  # lines wide compared with f: replace value times width by the integral
        edges = step_hz * (np.arange(few + 1) + 0.5)
        power[:few] += self.h_a2_hz * (
            np.diff(power_integral(edges, self.gamma)) - f_hz[:few] ** -self.gamma * step_hz
        )
        power[:slow] = self.w_a2_hz * step_hz
        power[-1] /= 2
        lags = np.fft.irfft(np.concatenate(([0.0], power)), count)[:rows] * (count / 2)
        lags += power[-1] / 2 * np.cos(np.pi * np.arange(rows))  # irfft counts the last line once, the others twice
        lags += self.w_a2_hz * step_hz / 2  # white noise below the first line
        return np.asarray(lags + self._slow_part(rows, (slow + 0.5) * step_hz, lowest_hz), dtype=np.float64)

    def _slow_part(self, rows: int, to_hz: float, lowest_hz: float) -> Floats:
        edges = np.geomspace(min(lowest_hz, to_hz), to_hz, SLOW_BANDS + 1)
        power = self.h_a2_hz * np.diff(power_integral(edges, self.gamma))
        f_hz = np.sqrt(edges[1:] * edges[:-1])
        few = np.linspace(0, rows - 1, min(rows, SLOW_LAGS))  # about one cycle at most: a smooth curve
        slow = power @ np.cos(2 * np.pi * self.period_s * np.outer(f_hz, few))
        return np.interp(np.arange(rows), few, slow)


def fit_psd(residual_a: Floats, *, period_s: float, reading_time_s: float, present: float = 1.0) -> NoisePsd:
    """Fit the PSD to detrended readings on a regular grid; `present` is the share of the grid that holds readings.

    Fewer than 200 rows: h from the standard deviation with gamma = 1, E[s^2] = h (ln(T/t_r) + 0.2), and not `fitted`.
    """
    scale_a = float(np.std(residual_a[:: cell_rows(len(residual_a))]))
    if not scale_a > 0:
        return NoisePsd(0.0, 1.0, 0.0, period_s, False, np.zeros((3, 3)))
    if len(residual_a) < LEAST_FITTED_ROWS:
        h = scale_a**2 / (np.log(len(residual_a) * period_s / reading_time_s) + 0.2)
        return NoisePsd(h, 1.0, 0.0, period_s, False, np.diag([0.25, ASSUMED_GAMMA_U**2, 0.0]))
    f_hz, power, lines = _periodogram(residual_a, period_s)
    log_h, gamma, log_w, covariance = whittle(f_hz, power / present / scale_a**2, lines)
    h, w = float(np.exp(log_h)) * scale_a**2, float(np.exp(log_w)) * scale_a**2
    return NoisePsd(h, gamma, w, period_s, True, covariance)


def power_integral(f_hz: NDArray[np.floating], gamma: float) -> Floats:
    """Return the antiderivative of f^-gamma at f > 0; gamma may be 1."""
    exponent = 1 - gamma
    if abs(exponent) < 1e-6:
        return np.asarray(np.log(f_hz), dtype=np.float64)
    return np.asarray(f_hz**exponent / exponent, dtype=np.float64)


def _periodogram(residual_a: Floats, period_s: float) -> tuple[Floats, Floats, Floats]:
    """Hann periodogram in about 150 logarithmic bins: frequency (Hz), PSD (A^2/Hz), independent lines per bin.

    That of a long trace is put together: its slow part from means over cells, its fast part averaged over pieces.
    """
    rows = cell_rows(len(residual_a))
    if rows == 1:
        return _binned(*_lines(residual_a[None, :], period_s), FIRST_LINE, int(HIGHEST_LINE * len(residual_a)), 1)
    f_hz, power = _lines(cells(residual_a, rows)[None, :], rows * period_s)
    last = int(CELLS_FOLLOW * len(f_hz))
    power /= (np.sinc(f_hz * rows * period_s) / np.sinc(f_hz * period_s)) ** 2  # what the mean over a cell takes off
    slow = _binned(f_hz, power, FIRST_LINE, last, 1)
    piece = max(PIECE, CELLS_PER_PIECE * rows)
    count = len(residual_a) // piece
    f_piece_hz, power = _lines(residual_a[: count * piece].reshape(count, piece), period_s)
    first = int(np.searchsorted(f_piece_hz, f_hz[last])) + 1
    fast = _binned(f_piece_hz, power, first, int(HIGHEST_LINE * piece), count)
    return np.append(slow[0], fast[0]), np.append(slow[1], fast[1]), np.append(slow[2], fast[2])


def _lines(pieces_a: Floats, period_s: float) -> tuple[Floats, Floats]:
    """Hann periodograms of pieces (pieces x rows), averaged: frequency in Hz and PSD in A^2/Hz."""
    rows = pieces_a.shape[1]
    window = np.hanning(rows)
    power = np.zeros(rows // 2 + 1)
    for piece_a in pieces_a:
        power += np.abs(np.fft.rfft((piece_a - piece_a.mean()) * window)) ** 2
    return np.arange(len(power)) / (rows * period_s), 2 * period_s * power / np.sum(window**2) / len(pieces_a)


def _binned(f_hz: Floats, power: Floats, first: int, last: int, count: int) -> tuple[Floats, Floats, Floats]:
    """Average lines first ... last in logarithmic bins; each is the mean of `count` independent ones."""
    edges = np.unique(np.round(np.geomspace(first, last, BINS)).astype(np.int64))
    lines = np.diff(np.append(edges, last + 1)).astype(np.float64)
    mean_hz, mean_power = (np.add.reduceat(values[: last + 1], edges) / lines for values in (f_hz, power))
    return mean_hz, mean_power, lines * count


def whittle(f_hz: Floats, power: Floats, lines: Floats) -> tuple[float, float, float, Floats]:
    """Fit h/f^gamma + w to averages over `lines` lines, power near 1: ln h, gamma, ln w and their covariance."""
    middle_hz = float(np.exp(np.mean(np.log(f_hz))))  # h there and gamma are nearly independent, at 1 Hz they are not
    weights = lines / HANN_CORRELATION

    def parts(p: Floats) -> tuple[Floats, float]:
        return np.exp(p[0]) * (f_hz / middle_hz) ** -p[1], float(np.exp(p[2]))

    def cost(p: Floats) -> float:
        flicker, white = parts(p)
        prior = 0.5 * ((p[1] - GAMMA_EXPECTED[0]) / GAMMA_EXPECTED[1]) ** 2
        return float(np.sum(weights * (power / (flicker + white) + np.log(flicker + white))) + prior)

    floor, ceiling = np.log(power.min()) - 7, np.log(power.max()) + 3
    bounds = [(floor, ceiling), GAMMA_BOUNDS, (floor, ceiling)]
    quiet = float(np.log(np.median(power[-10:])))
    starts = [np.array([np.log(np.median(power)) + d, 1.0, quiet + e]) for d, e in ((0, -3), (-4, 0))]
    fits = [minimize(cost, start, method="L-BFGS-B", bounds=bounds) for start in starts]
    best: Floats = min(fits, key=lambda fit: float(fit.fun)).x
    flicker, white = parts(best)
    slopes = np.vstack((flicker, -flicker * np.log(f_hz / middle_hz), np.full_like(f_hz, white))) / (flicker + white)
    information = (slopes * weights) @ slopes.T + np.diag([LOG_LEVEL_U**-2, GAMMA_EXPECTED[1] ** -2, LOG_LEVEL_U**-2])
    to_one_hz = np.array([[1.0, np.log(middle_hz), 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    covariance = to_one_hz @ np.linalg.inv(information) @ to_one_hz.T
    return float(best[0] + best[1] * np.log(middle_hz)), float(best[1]), float(best[2]), covariance
