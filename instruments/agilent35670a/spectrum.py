"""A noise spectrum as the 35670A gives it, with what it was taken with. Not verified on hardware."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from instruments.agilent35670a.settings import ENBW_BINS, NoiseSettings
from xraydaq.errors import InstrumentError

OVERLOAD = 1 << 0
HALF_RANGE = 1 << 8
"""Bits of the questionable voltage register for channel 1 ("GPIB Programming with the Agilent 35670A")."""

SPACING_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """One-sided density of the voltage at input 1; both arrays are read-only and of one length, 0 Hz first."""

    frequency_hz: NDArray[np.float64]
    density_v_per_rthz: NDArray[np.float64]
    settings: NoiseSettings
    overload: bool
    """The input was overloaded during the averages: discard."""

    half_range_reached: bool
    """False means that a more sensitive range would do."""

    duration_s: float

    @property
    def averages(self) -> int:
        """Get the number of averaged records; with overlap they are not independent."""
        return self.settings.averages

    @property
    def overlap_percent(self) -> int:
        """Get by how much consecutive records may overlap; less above the real-time limit."""
        return self.settings.overlap_percent

    @property
    def window(self) -> str:
        """Get the window."""
        return self.settings.window

    @property
    def enbw_hz(self) -> float:
        """Get the equivalent noise bandwidth of a line: a tone of 1 V shows as 1/sqrt(enbw_hz) V per root hertz."""
        return ENBW_BINS[self.settings.window] * self.settings.spacing_hz

    @property
    def spacing_hz(self) -> float:
        """Get the distance of two lines."""
        return self.settings.spacing_hz

    @property
    def range_dbvrms(self) -> int:
        """Get the input range."""
        return self.settings.range_dbvrms


def make_spectrum(
    name: str,
    settings: NoiseSettings,
    frequency_hz: NDArray[np.float64],
    density: NDArray[np.float64],
    *,
    voltage_events: int,
    duration_s: float,
) -> Spectrum:
    """Cut the frequencies to the alias-protected lines and make sure that the trace is the one that was asked for.

    Raises:
        InstrumentError: another number of lines, other frequencies, or values that are no density.
    """
    count = settings.lines + 1
    if len(density) != count:
        raise InstrumentError(f"{name}: {len(density)} values instead of {count}")
    if len(frequency_hz) < count:
        raise InstrumentError(f"{name}: {len(frequency_hz)} frequencies for {count} values")
    frequency_hz = frequency_hz[:count].copy()  # there may be more of them than values (PROG)
    expected_hz = settings.spacing_hz * np.arange(count)
    tolerance_hz = SPACING_TOLERANCE * settings.spacing_hz
    # each by the digits it is printed with, the spacing by its own
    wrong = np.abs(frequency_hz - expected_hz) > tolerance_hz + SPACING_TOLERANCE * expected_hz
    if np.any(wrong):
        raise InstrumentError(f"{name}: lines at {frequency_hz[wrong][0]} Hz; expected {expected_hz[wrong][0]} Hz")
    if np.any(density < 0):
        raise InstrumentError(f"{name}: a density of {density.min()} V per root hertz; is the trace in decibels?")
    density = density.copy()
    for array in (frequency_hz, density):
        array.flags.writeable = False
    return Spectrum(
        frequency_hz,
        density,
        settings,
        overload=bool(voltage_events & OVERLOAD),
        half_range_reached=bool(voltage_events & HALF_RANGE),
        duration_s=duration_s,
    )
