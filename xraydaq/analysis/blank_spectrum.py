"""Noise spectrum of blank runs: their periodograms, averaged, with 1/f noise and a white level fitted.

Averaged periodograms: P. D. Welch, IEEE Trans. Audio Electroacoust. 15 (1967) 70. Readings shorter than their spacing
fold noise from above half the reading rate down; it arrives nearly white below 0.3 of the rate, and w holds it.
"""

from collections.abc import Sequence

import numpy as np

from xraydaq.analysis.noise import HIGHEST_LINE, LEAST_FITTED_ROWS, NoisePsd
from xraydaq.analysis.spectrum_fit import KnownPower, SpectrumFit, fit_spectrum
from xraydaq.analysis.values import Floats, NotEnoughData

FIRST_LINE = 6  # the baseline polynomial that is taken off flattens the lines below
BASELINE_ORDER = 3


def blank_spectrum(runs: Sequence[tuple[Floats, Floats]]) -> NoisePsd | None:
    """Return the spectrum of runs of (time in s, current in A), None if they are too short or free of noise."""
    long = [(time_s, current_a) for time_s, current_a in runs if len(time_s) >= LEAST_FITTED_ROWS]
    if not long:
        return None
    period_s = float(np.median(np.concatenate([np.diff(time_s) for time_s, _ in long])))
    rows = min(round((time_s[-1] - time_s[0]) / period_s) + 1 for time_s, _ in long)
    power = np.mean([_periodogram(*run, rows, period_s) for run in long], axis=0)
    lines = slice(FIRST_LINE, int(HIGHEST_LINE * rows) + 1)
    f_hz = (np.arange(len(power)) / (rows * period_s))[lines]
    nothing = KnownPower(np.zeros(len(f_hz)), np.zeros((2, len(f_hz))), np.zeros((2, 2)))
    try:
        fit = fit_spectrum(f_hz, power[lines], np.full(len(f_hz), float(len(long))), nothing)
    except NotEnoughData:
        return None
    return _psd(fit, period_s)


def _periodogram(time_s: Floats, current_a: Floats, rows: int, period_s: float) -> Floats:
    """Return the one-sided Hann periodogram in A^2/Hz of `rows` readings without their baseline."""
    grid_a = np.interp(time_s[0] + period_s * np.arange(rows), time_s, current_a)
    x = np.linspace(-1, 1, rows)
    left_a = grid_a - np.polynomial.legendre.legval(x, np.polynomial.legendre.legfit(x, grid_a, BASELINE_ORDER))
    window = np.hanning(rows)
    return np.asarray(2 * period_s * np.abs(np.fft.rfft(left_a * window)) ** 2 / np.sum(window**2))


def _psd(fit: SpectrumFit, period_s: float) -> NoisePsd:
    """Return the fit with the covariance of (ln h, gamma, ln w)."""
    w_a2_hz = max(fit.w_a2_hz, 0.0)
    to_log = np.diag([1.0, 1.0, 1 / w_a2_hz if w_a2_hz > 0 else 0.0])
    return NoisePsd(fit.h_a2_hz, fit.gamma, w_a2_hz, period_s, True, to_log @ fit.covariance @ to_log)
