"""Noise spectrum of blank runs: their periodograms, averaged, with 1/f noise and a white level fitted.

Averaged periodograms: P. D. Welch, IEEE Trans. Audio Electroacoust. 15 (1967) 70. A reading is a mean over its
integration time, which takes power off high frequencies, and readings shorter than their spacing fold noise from above
half the reading rate down (R. N. Bracewell, The Fourier Transform and Its Applications, chapter 10): both follow from
h and gamma, and are put into the model as known power, by iteration. h is that of the device; w holds what is folded.
"""

from collections.abc import Sequence

import numpy as np

from xraydaq.analysis.noise import HIGHEST_LINE, LEAST_FITTED_ROWS, NoisePsd, whittle
from xraydaq.analysis.spectrum_fit import LEAST_EXPONENT, KnownPower, SpectrumFit, fit_spectrum
from xraydaq.analysis.values import Floats, NotEnoughData

FIRST_LINE = 6  # the baseline polynomial that is taken off flattens the lines below
BASELINE_ORDER = 3
ROUNDS = 5  # of fit and folding: the folded power is a small part
IMAGES = 12


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
    averages = np.full(len(f_hz), float(len(long)))
    few = max(len(f_hz) // 4, 1)  # the slow lines, where little is folded; started without it, the fit calls it white
    h_a2_hz, gamma = float(np.mean((power[lines] * f_hz)[:few])), 1.0
    try:
        for _ in range(ROUNDS):
            known = folded_power(h_a2_hz, gamma, f_hz, period_s=period_s, reading_time_s=reading_time_s)
            known = known - h_a2_hz * f_hz**-gamma * (1 - np.sinc(f_hz * reading_time_s) ** 2)  # the mean of a reading
            fit = fit_spectrum(f_hz, power[lines], averages, _known(known))
            h_a2_hz, gamma = fit.h_a2_hz, fit.gamma
    except NotEnoughData:
        return None
    except np.linalg.LinAlgError:
        return _mostly_white(f_hz, power[lines], averages, period_s)
    if fit.gamma < LEAST_EXPONENT:
        return _mostly_white(f_hz, power[lines], averages, period_s)
    slowest = f_hz[:1]
    folded = folded_power(fit.h_a2_hz, fit.gamma, slowest, period_s=period_s, reading_time_s=reading_time_s)
    return _psd(fit, float(folded[0]), period_s)


def folded_power(h_a2_hz: float, gamma: float, f_hz: Floats, *, period_s: float, reading_time_s: float) -> Floats:
    """Return what noise h/f^gamma above half the reading rate adds to the spectrum of the readings, in A^2/Hz."""
    rate_hz = np.arange(1, IMAGES + 1)[:, None] / period_s
    images_hz = np.concatenate((rate_hz - f_hz, rate_hz + f_hz))
    return np.asarray(np.sum(h_a2_hz * images_hz**-gamma * np.sinc(images_hz * reading_time_s) ** 2, axis=0))


def _mostly_white(f_hz: Floats, power: Floats, averages: Floats, period_s: float) -> NoisePsd:
    """Return the spectrum where white noise of the readings hides most of the 1/f noise.

    One flat power law through both would leave out the slow noise, so gamma gets its weak prior; what is folded is
    small beside the white level and counts in it.
    """
    scale_a2_hz = float(np.median(power))
    log_h, gamma, log_w, covariance = whittle(f_hz, power / scale_a2_hz, averages)
    h_a2_hz, w_a2_hz = float(np.exp(log_h)) * scale_a2_hz, float(np.exp(log_w)) * scale_a2_hz
    return NoisePsd(h_a2_hz, gamma, w_a2_hz, period_s, True, covariance)


def _known(power: Floats) -> KnownPower:
    return KnownPower(power, np.zeros((2, len(power))), np.zeros((2, 2)))


def _periodogram(time_s: Floats, current_a: Floats, rows: int, period_s: float) -> Floats:
    """Return the one-sided Hann periodogram in A^2/Hz of `rows` readings without their baseline."""
    grid_a = np.interp(time_s[0] + period_s * np.arange(rows), time_s, current_a)
    x = np.linspace(-1, 1, rows)
    left_a = grid_a - np.polynomial.legendre.legval(x, np.polynomial.legendre.legfit(x, grid_a, BASELINE_ORDER))
    window = np.hanning(rows)
    return np.asarray(2 * period_s * np.abs(np.fft.rfft(left_a * window)) ** 2 / np.sum(window**2))


def _psd(fit: SpectrumFit, folded_a2_hz: float, period_s: float) -> NoisePsd:
    """Return the fit with the covariance of (ln h, gamma, ln w); w is what is white in the row sequence."""
    w_a2_hz = max(fit.w_a2_hz, 0.0) + folded_a2_hz
    to_log = np.diag([1.0, 1.0, 1 / w_a2_hz if w_a2_hz > 0 else 0.0])
    return NoisePsd(fit.h_a2_hz, fit.gamma, w_a2_hz, period_s, True, to_log @ fit.covariance @ to_log)
