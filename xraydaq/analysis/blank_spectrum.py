"""Noise spectrum of blank runs: their periodograms, averaged, with 1/f noise and a white level fitted.

Averaged periodograms: P. D. Welch, IEEE Trans. Audio Electroacoust. 15 (1967) 70. A reading is a mean over its
integration time, which takes power off high frequencies, and readings shorter than their spacing fold noise from above
half the reading rate down (R. N. Bracewell, The Fourier Transform and Its Applications, chapter 10): both follow from
h and gamma. h is that of the device; w holds what is folded.

Either kind of noise may hide the other, so a best fit would lie at an edge (no white noise, no 1/f noise) for some
runs and leave out what is hidden. The mean over the whole likelihood has no such edge, and needs no iteration that
could fail: that of P. Whittle, J. R. Stat. Soc. B 15 (1953) 125, with a weak prior of gamma and the one of a share of
H. Jeffreys, Proc. R. Soc. A 186 (1946) 453, on a grid (A. Gelman et al., Bayesian Data Analysis, 3rd ed., 10.3).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xraydaq.analysis.noise import (
    GAMMA_BOUNDS,
    GAMMA_EXPECTED,
    HANN_CORRELATION,
    HIGHEST_LINE,
    LEAST_FITTED_ROWS,
    NoisePsd,
)
from xraydaq.analysis.values import Floats

FIRST_LINE = 6  # the baseline polynomial that is taken off flattens the lines below
BASELINE_ORDER = 3
IMAGES = 12
GAMMAS, SHARES = 45, 61
LOGIT_BOUNDS = (-9.0, 9.0)  # of the share that white noise has in the power at the middle line: nothing to all of it
CLOSER = 6.0  # standard deviations that the finer grid spans either way


def blank_spectrum(runs: Sequence[tuple[Floats, Floats]], reading_time_s: float) -> NoisePsd | None:
    """Return the spectrum of runs of (time in s, current in A), None if they are too short or free of noise."""
    long = [(time_s, current_a) for time_s, current_a in runs if len(time_s) >= LEAST_FITTED_ROWS]
    if not long:
        return None
    period_s = float(np.median(np.concatenate([np.diff(time_s) for time_s, _ in long])))
    rows = min(round((time_s[-1] - time_s[0]) / period_s) + 1 for time_s, _ in long)
    power = np.mean([_periodogram(*run, rows, period_s) for run in long], axis=0)
    lines = slice(FIRST_LINE, int(HIGHEST_LINE * rows) + 1)
    f_hz = (np.arange(len(power)) / (rows * period_s))[lines]
    if not np.all(power[lines] > 0):
        return None
    return _Likelihood(f_hz, power[lines], len(long) / HANN_CORRELATION, period_s, reading_time_s).psd()


def folded_power(h_a2_hz: float, gamma: float, f_hz: Floats, *, period_s: float, reading_time_s: float) -> Floats:
    """Return what noise h/f^gamma above half the reading rate adds to the spectrum of the readings, in A^2/Hz."""
    rate_hz = np.arange(1, IMAGES + 1)[:, None] / period_s
    images_hz = np.concatenate((rate_hz - f_hz, rate_hz + f_hz))
    return np.asarray(np.sum(h_a2_hz * images_hz**-gamma * np.sinc(images_hz * reading_time_s) ** 2, axis=0))


@dataclass(frozen=True)
class _Grid:
    """Points of (gamma, logit of the white share), flat; weights add up to 1; ln h at 1 Hz and w in A^2/Hz of each."""

    gamma: Floats
    logit: Floats
    weight: Floats
    log_h: Floats
    white: Floats

    def mean(self, values: Floats) -> float:
        return float(self.weight @ values)

    def span(self, values: Floats, bounds: tuple[float, float]) -> tuple[float, float]:
        """Return where almost all of the weight is."""
        middle = self.mean(values)
        reach = CLOSER * float(np.sqrt(self.mean((values - middle) ** 2)))
        return max(middle - reach, bounds[0]), min(middle + reach, bounds[1])


class _Likelihood:
    """Whittle likelihood of lines of `count` independent averages each, scaled by their median."""

    def __init__(self, f_hz: Floats, power: Floats, count: float, period_s: float, reading_time_s: float) -> None:
        self.f_hz, self.count, self._period_s, self._reading_time_s = f_hz, count, period_s, reading_time_s
        self._scale = float(np.median(power))
        self._power = power / self._scale

    def psd(self) -> NoisePsd:
        """Return the mean of (ln h, gamma, w) over the likelihood with their covariance; w with what is folded."""
        grid = self._on(GAMMA_BOUNDS, LOGIT_BOUNDS)
        for _ in range(2):
            grid = self._on(grid.span(grid.gamma, GAMMA_BOUNDS), grid.span(grid.logit, LOGIT_BOUNDS))
        w_a2_hz = grid.mean(grid.white)
        columns = np.vstack((grid.log_h, grid.gamma, grid.white / w_a2_hz))
        means = columns @ grid.weight
        off = columns - means[:, None]
        level = np.array([1.0, 0.0, 1.0])  # which h and w have in common
        covariance = (off * grid.weight) @ off.T + np.outer(level, level) / (self.count * len(self.f_hz))
        return NoisePsd(float(np.exp(means[0])), float(means[1]), w_a2_hz, self._period_s, True, covariance)

    def _on(self, gammas: tuple[float, float], logits: tuple[float, float]) -> _Grid:
        logit = np.linspace(*logits, SHARES)
        white_share = 1 / (1 + np.exp(-logit))
        table = [self._of(gamma, white_share) for gamma in np.linspace(*gammas, GAMMAS)]
        log_weight, log_h, white = (np.concatenate(column) for column in zip(*table, strict=True))
        weight = np.exp(log_weight - log_weight.max())
        gamma = np.repeat(np.linspace(*gammas, GAMMAS), SHARES)
        return _Grid(gamma, np.tile(logit, GAMMAS), weight / weight.sum(), log_h, white)

    def _of(self, gamma: float, white_share: Floats) -> tuple[Floats, Floats, Floats]:
        """Return log weight, ln h and w for shares of white noise; the level is integrated (inverse gamma)."""
        seen = self.f_hz**-gamma * np.sinc(self.f_hz * self._reading_time_s) ** 2
        folded = folded_power(1.0, gamma, self.f_hz, period_s=self._period_s, reading_time_s=self._reading_time_s)
        middle = float(np.exp(np.mean(np.log(seen + folded))))
        shape = (1 - white_share[:, None]) * (seen + folded) / middle + white_share[:, None]
        level = np.mean(self._power / shape, axis=1)
        lines = self.count * len(self.f_hz)
        prior = (
            0.5 * np.log(white_share * (1 - white_share))
            - 0.5 * ((gamma - GAMMA_EXPECTED[0]) / GAMMA_EXPECTED[1]) ** 2
        )
        log_weight = prior - self.count * np.sum(np.log(shape), axis=1) - lines * np.log(level)
        h = level * self._scale * (1 - white_share) / middle
        return log_weight, np.log(h), level * self._scale * white_share + h * float(folded[0])


def _periodogram(time_s: Floats, current_a: Floats, rows: int, period_s: float) -> Floats:
    """Return the one-sided Hann periodogram in A^2/Hz of `rows` readings without their baseline."""
    grid_a = np.interp(time_s[0] + period_s * np.arange(rows), time_s, current_a)
    x = np.linspace(-1, 1, rows)
    left_a = grid_a - np.polynomial.legendre.legval(x, np.polynomial.legendre.legfit(x, grid_a, BASELINE_ORDER))
    window = np.hanning(rows)
    return np.asarray(2 * period_s * np.abs(np.fft.rfft(left_a * window)) ** 2 / np.sum(window**2))
