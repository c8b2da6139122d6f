"""What the knobs of an SR570 say, and what follows from them (data sheet, table of performance by sensitivity)."""

from dataclasses import dataclass

import numpy as np

LOW_NOISE, HIGH_BANDWIDTH, LOW_DRIFT = 0, 1, 2
HIGH_PASS_1, HIGH_PASS_2, BAND_PASS, LOW_PASS_1, LOW_PASS_2, NO_FILTER = range(6)
HIGHEST_SENSITIVITY_INDEX = 27

# From 1 pA/V to 1 mA/V, one column a decade.
BANDWIDTH_HZ = {
    HIGH_BANDWIDTH: (10, 20, 100, 200, 2e3, 20e3, 200e3, 800e3, 1e6, 1e6),
    LOW_NOISE: (10, 10, 10, 15, 200, 2e3, 20e3, 200e3, 500e3, 1e6),
}
NOISE_A_PER_RTHZ = {
    HIGH_BANDWIDTH: (5e-15, 10e-15, 10e-15, 60e-15, 100e-15, 600e-15, 2e-12, 60e-12, 100e-12, 150e-12),
    LOW_NOISE: (5e-15, 5e-15, 5e-15, 10e-15, 60e-15, 100e-15, 600e-15, 2e-12, 60e-12, 150e-12),
}

# Waiting times measured on beamline units, by index of sensitivity from 1 pA/V on; those above 500 pA/V need the last.
SETTLING_S = {
    HIGH_BANDWIDTH: (2.5, 2.0, 2.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.3),
    LOW_NOISE: (3.0, 2.5, 2.0, 2.0, 1.75, 1.5, 1.25, 0.5, 0.5, 0.3),
}


@dataclass(frozen=True)
class State:
    """All settings; integers as in the commands."""

    sensitivity: int = 18
    vernier_on: bool = False
    vernier_percent: int = 100
    offset_on: bool = False
    offset_level: int = 0
    offset_positive: bool = True
    offset_vernier_on: bool = False
    offset_vernier_permille: int = 1000
    bias_on: bool = False
    bias_mv: int = 0
    filter_type: int = NO_FILTER
    low_pass: int = 15
    high_pass: int = 0
    gain_mode: int = LOW_NOISE
    inverted: bool = False
    blanked: bool = False

    @property
    def sensitivity_a_per_v(self) -> float:
        """Get the calibrated sensitivity."""
        return one_two_five(self.sensitivity)

    @property
    def gain_share(self) -> float:
        """Get what the vernier leaves of the gain."""
        return self.vernier_percent / 100 if self.vernier_on else 1.0

    @property
    def offset_a(self) -> float:
        """Get the offset current, positive for the positive sign."""
        if not self.offset_on:
            return 0.0
        share = self.offset_vernier_permille / 1000 if self.offset_vernier_on else 1.0
        return one_two_five(self.offset_level) * share * (1 if self.offset_positive else -1)

    @property
    def bias_v(self) -> float:
        """Get the voltage at the bias output."""
        return self.bias_mv / 1000 if self.bias_on else 0.0

    @property
    def bandwidth_hz(self) -> float:
        """Get the -3 dB frequency of the gain stages; low drift has that of low noise."""
        return _by_decade(BANDWIDTH_HZ[HIGH_BANDWIDTH if self.gain_mode == HIGH_BANDWIDTH else LOW_NOISE], self)

    @property
    def noise_a_per_rthz(self) -> float:
        """Get the input noise at mid band; low drift has that of high bandwidth (assumed)."""
        return _by_decade(NOISE_A_PER_RTHZ[LOW_NOISE if self.gain_mode == LOW_NOISE else HIGH_BANDWIDTH], self)

    @property
    def settling_s(self) -> float:
        """Get how long to wait after a change of sensitivity, gain mode or filter."""
        table = SETTLING_S[HIGH_BANDWIDTH if self.gain_mode == HIGH_BANDWIDTH else LOW_NOISE]
        return table[min(self.sensitivity, len(table) - 1)]

    @property
    def filters_hz(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Get the corners of the high-pass poles and of the low-pass poles of the selected filter."""
        high, low = one_three(self.high_pass), one_three(self.low_pass)
        return {
            HIGH_PASS_1: ((high,), ()), HIGH_PASS_2: ((high, high), ()), BAND_PASS: ((high,), (low,)),
            LOW_PASS_1: ((), (low,)), LOW_PASS_2: ((), (low, low)), NO_FILTER: ((), ()),
        }[self.filter_type]  # fmt: skip


RESET = State()
"""After ``*RST``."""

LEFT_BY_SOMEBODY = State(
    sensitivity=23, gain_mode=HIGH_BANDWIDTH, filter_type=LOW_PASS_1, low_pass=6, offset_level=12, bias_mv=350,
    inverted=True,
)  # fmt: skip
"""What the battery-backed memory brings back unless told otherwise: nothing like the reset state."""


def one_two_five(index: int) -> float:
    """Get 1 p, 2 p, 5 p, 10 p and so on."""
    return float(f"{(1, 2, 5)[index % 3]}e{index // 3 - 12}")


def one_three(index: int) -> float:
    """Get 0.03 Hz, 0.1 Hz, 0.3 Hz and so on."""
    return float(f"{(3, 10)[index % 2]}e{index // 2 - 2}")


def _by_decade(table: tuple[float, ...], state: State) -> float:
    """Interpolate between decades on logarithmic axes."""
    decade = np.log10(state.sensitivity_a_per_v) + 12
    return float(10 ** np.interp(decade, np.arange(len(table)), np.log10(table)))
