"""What a noise spectrum says about windows of readings: covariance of their means, scatter inside one.

Mean over a window of length T: the noise is multiplied by sinc(fT) in the frequency domain; two means have the
covariance of the integral over S(f) sinc(f T_i) sinc(f T_j) cos(2 pi f (t_i - t_j)). Scatter inside a window of N
readings: A. van der Ziel, Noise in Measurements (1976), and D. W. Allan, "Statistics of atomic frequency standards",
Proc. IEEE 54 (1966) 221, equation (23): what the Dirichlet kernel of the window leaves.
"""

import numpy as np

from xraydaq.analysis.noise import NoisePsd, power_integral
from xraydaq.analysis.values import Floats

LINES_PER_SPAN = 8  # frequency step in units of 1/(span of the trace)
HIGHEST_LOBE = 12  # in units of 1/window; above it only 1/(2 pi^2 12) of the power of a window is left
SLOWEST = 1e-3  # in units of 1/span: slower noise is a constant, which every baseline takes out


def covariance_of_means(time_s: Floats, length_s: Floats, readings: Floats, psd: NoisePsd) -> Floats:
    """Return the covariance matrix in A^2 of means over windows: middles, lengths and readings of each, n entries.

    Noise slower than a thousandth of the inverse span is left out: it is common to all windows.
    """
    span_s = float(time_s[-1] - time_s[0] + length_s.max())
    step_hz = 1 / (LINES_PER_SPAN * span_s)
    lines_hz = step_hz * np.arange(1, int(HIGHEST_LOBE / (length_s.min() * step_hz)) + 2)
    slow_hz = np.geomspace(SLOWEST / span_s, step_hz / 2, 41)
    f_hz = np.concatenate((np.sqrt(slow_hz[1:] * slow_hz[:-1]), lines_hz))
    edges_hz = np.concatenate((slow_hz, lines_hz + step_hz / 2))
    # integrals: at gamma = 1.2, value times width would be 12 % low on the first line
    flicker = psd.h_a2_hz * np.diff(power_integral(edges_hz, psd.gamma))
    wave = np.sinc(np.outer(length_s, f_hz)) * np.exp(2j * np.pi * np.outer(time_s, f_hz))
    covariance = np.asarray(((wave * flicker) @ wave.conj().T).real, dtype=np.float64)
    white_a2 = psd.w_a2_hz / (2 * psd.period_s)  # variance of one reading
    return covariance + np.diag(white_a2 / readings)


def expected_scatter(psd: NoisePsd, *, readings: int, period_s: float, reading_time_s: float) -> float:
    """Return the standard deviation in A that `readings` readings of a window show, by the spectrum.

    E[s^2] = N/(N - 1) times the integral over S(f) sinc^2(f t_r) (1 - |D_N(f)|^2), plus the white part.
    """
    step_hz = 1 / (16 * readings * period_s)
    f_hz = step_hz * np.arange(0.5, 0.5 / (period_s * step_hz))
    angle = np.pi * f_hz * period_s
    kernel = np.sin(readings * angle) / (readings * np.sin(angle))
    power = psd.h_a2_hz * f_hz**-psd.gamma * np.sinc(f_hz * reading_time_s) ** 2
    flicker_a2 = float(np.sum(power * (1 - kernel**2)) * step_hz) * readings / (readings - 1)
    return float(np.sqrt(flicker_a2 + psd.w_a2_hz / (2 * psd.period_s)))
