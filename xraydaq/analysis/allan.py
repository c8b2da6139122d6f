"""Overlapping Allan and Hadamard deviation of readings on a regular grid, taken as frequency data.

W. J. Riley, Handbook of Frequency Stability Analysis, NIST SP 1065 (2008): overlapping Allan variance equation (10),
Hadamard 5.2.10 (overlapping form), degrees of freedom 5.4.1 (simple formulas), chi-square interval equation (45).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri

from xraydaq.analysis.noise import NoisePsd
from xraydaq.analysis.trace import moving_mean
from xraydaq.analysis.values import Floats, Value

ONE_SIGMA = 0.6826894921370859


@dataclass(frozen=True)
class AllanPoint:
    """Deviation in A at one averaging time, its one-sigma interval, the noise assumed for its degrees of freedom."""

    tau_s: float
    deviation: Value
    low_a: float
    high_a: float
    noise: str


def overlapping_allan(current_a: Floats, rows: int) -> float:
    """Return the overlapping Allan deviation in A for averages over `rows` neighbouring readings."""
    means = moving_mean(current_a, rows)
    change = means[rows:] - means[:-rows]
    return float(np.sqrt(np.mean(change**2) / 2))


def overlapping_hadamard(current_a: Floats, rows: int) -> float:
    """Return the overlapping Hadamard deviation in A: like Allan, but immune to a linear drift."""
    means = moving_mean(current_a, rows)
    change = means[2 * rows :] - 2 * means[rows:-rows] + means[: -2 * rows]
    return float(np.sqrt(np.mean(change**2) / 6))


def degrees_of_freedom(noise: str, phases: int, m: int) -> float:
    """Return those of the overlapping Allan variance; `phases` = readings + 1, averages over m readings."""
    n = phases
    if noise == "white":
        return float((3 * (n - 1) / (2 * m) - 2 * (n - 2) / n) * 4 * m**2 / (4 * m**2 + 5))
    if noise == "1/f":
        return float(2 * (n - 2) ** 2 / (2.3 * n - 4.9)) if m == 1 else float(5 * n**2 / (4 * m * (n + 3 * m)))
    return float((n - 2) / m * ((n - 1) ** 2 - 3 * m * (n - 1) + 4 * m**2) / (n - 3) ** 2)


def allan_point(current_a: Floats, tau_s: float, psd: NoisePsd) -> AllanPoint | None:
    """Return the overlapping Allan deviation nearest to `tau_s`; None if fewer than three averages fit the trace."""
    rows = max(1, round(tau_s / psd.period_s))
    if abs(rows * psd.period_s - tau_s) > 0.5 * tau_s or 3 * rows > len(current_a):
        return None
    deviation_a = overlapping_allan(current_a, rows)
    noise = _noise_at(rows * psd.period_s, psd)
    edf = max(degrees_of_freedom(noise, len(current_a) + 1, rows), 1.0)
    low_a, high_a = (
        deviation_a * float(np.sqrt(edf / chdtri(edf, tail))) for tail in ((1 - ONE_SIGMA) / 2, (1 + ONE_SIGMA) / 2)
    )
    u_a = deviation_a / float(np.sqrt(2 * edf))
    return AllanPoint(rows * psd.period_s, Value(deviation_a, u_a, "A", edf), low_a, high_a, noise)


def allan_curve(current_a: Floats, psd: NoisePsd) -> list[AllanPoint]:
    """Return the overlapping Allan deviation at octaves of the reading period."""
    octaves = range(int(np.log2(max(len(current_a) // 3, 1))) + 1)
    points = [allan_point(current_a, psd.period_s * 2**octave, psd) for octave in octaves]
    return [point for point in points if point is not None]


def _noise_at(tau_s: float, psd: NoisePsd) -> str:
    f_hz = 1 / (2 * tau_s)
    if psd.w_a2_hz > psd.h_a2_hz * f_hz**-psd.gamma:
        return "white"
    return "1/f" if psd.gamma < 1.5 else "1/f^2"
