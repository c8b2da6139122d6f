"""Bandwidth and noise of an SR570 by its data sheet, per decade of sensitivity. Nominal, not verified on hardware.

Between the decades the figures are interpolated on a logarithmic scale. Low drift has the bandwidth of low noise; its
noise is not stated, and taken as that of high bandwidth.
"""

import math

from instruments.wire.sr570 import GainMode

SLOWEST_DECADE = -12
BANDWIDTH_HZ = {  # from 1 pA/V on
    "high_bandwidth": (10.0, 20.0, 100.0, 200.0, 2e3, 20e3, 200e3, 800e3, 1e6, 1e6),
    "low_noise": (10.0, 10.0, 10.0, 15.0, 200.0, 2e3, 20e3, 200e3, 500e3, 1e6),
}
NOISE_A_RTHZ = {
    "high_bandwidth": (5e-15, 10e-15, 10e-15, 60e-15, 100e-15, 600e-15, 2e-12, 60e-12, 100e-12, 150e-12),
    "low_noise": (5e-15, 5e-15, 5e-15, 10e-15, 60e-15, 100e-15, 600e-15, 2e-12, 60e-12, 150e-12),
}
FULL_SCALE_V = 5.0
"""Of the output, either sign."""


def bandwidth_hz(sensitivity_a_v: float, gain_mode: GainMode) -> float:
    """Get the -3 dB frequency of the gain stages, filter aside."""
    return _between(BANDWIDTH_HZ["high_bandwidth" if gain_mode == "high_bandwidth" else "low_noise"], sensitivity_a_v)


def noise_a_rthz(sensitivity_a_v: float, gain_mode: GainMode) -> float:
    """Get the noise at the input in A/√Hz at mid band."""
    return _between(NOISE_A_RTHZ["low_noise" if gain_mode == "low_noise" else "high_bandwidth"], sensitivity_a_v)


def _between(table: tuple[float, ...], sensitivity_a_v: float) -> float:
    place = min(max(math.log10(sensitivity_a_v) - SLOWEST_DECADE, 0.0), len(table) - 1.0)
    low = min(int(place + 1e-9), len(table) - 2)
    share = max(place - low, 0.0)
    return float(table[low] ** (1 - share) * table[low + 1] ** share)
