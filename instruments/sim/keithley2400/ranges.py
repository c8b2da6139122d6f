"""What each range is worth (SPEC-2400 Rev H, one year): resolution, offset part of the accuracy; noise (assumed)."""

import math
from dataclasses import dataclass

OVERRANGE = 1.05


@dataclass(frozen=True)
class Range:
    """A measure range: nominal full scale, one count of the display, offset part of its accuracy."""

    name: float
    resolution: float
    offset: float

    @property
    def full_scale(self) -> float:
        """Get 105 % of the name: the largest value on this range."""
        return OVERRANGE * self.name


CURRENT = (
    Range(1e-6, 10e-12, 300e-12), Range(10e-6, 100e-12, 700e-12), Range(100e-6, 1e-9, 6e-9),
    Range(1e-3, 10e-9, 60e-9), Range(10e-3, 100e-9, 600e-9), Range(100e-3, 1e-6, 6e-6), Range(1.0, 10e-6, 570e-6),
)  # fmt: skip
VOLTAGE = (Range(0.2, 1e-6, 300e-6), Range(2.0, 10e-6, 300e-6), Range(20.0, 100e-6, 1.5e-3), Range(200.0, 1e-3, 10e-3))
SOURCE_VOLTAGE_STEPS = {0.2: 5e-6, 2.0: 50e-6, 20.0: 500e-6, 200.0: 5e-3}


def holding(ranges: tuple[Range, ...], value: float) -> Range:
    """Get the smallest range that holds `value`; the largest for what none holds."""
    return next((each for each in ranges if abs(value) <= each.full_scale * (1 + 1e-9)), ranges[-1])


def white_noise(range_: Range, nplc: float) -> float:
    """Get the rms noise of one conversion: 5 ppm of range from 1 PLC, 25 at 0.1, 250 at 0.01 (assumed)."""
    log = math.log10(min(max(nplc, 0.01), 1.0))
    share = 25e-6 * 5 ** -(log + 1) if log > -1 else 25e-6 * 10 ** -(log + 1)
    return share * range_.name


def quantum(range_: Range, nplc: float) -> float:
    """Get the step of a reading: one count, ten below 1 PLC, a hundred below 0.1 PLC (5.5 and 4.5 digits)."""
    return range_.resolution * (1 if nplc >= 1 else 10 if nplc >= 0.1 else 100)
