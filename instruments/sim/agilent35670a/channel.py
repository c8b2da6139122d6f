"""Input channel 1: coupling, anti-alias filter, range, noise and converter.

The source is asked for means over windows `OVERSAMPLING` times as short as the samples of the record: what a mean over
a window takes from a tone at the end of the span is then below 0.04 dB.
"""

import math
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from instruments.sim.agilent35670a.settings import Settings
from instruments.sim.amplifier_noise import AmplifierNoise

Floats = NDArray[np.float64]

OVERSAMPLING = 8
NOISE_V_PER_RTHZ, CORNER_HZ = 30e-9, 10.0
CONVERTER_RANGE_DB = -31
"""The range at which amplifier and converter are equally noisy (assumed)."""
CONVERTER_BITS = 16
CONVERTER_HZ = 262144.0
AC_CORNER_HZ = 1.0
MAINS_HZ = 50.0
PICKUP_V = {"GRO": 20e-6, "FLO": 0.6e-6}
"""Peak of the mains pickup by low terminal; floating takes away 30 dB (assumed)."""
HARMONICS = {1: 1.0, 2: 0.2, 3: 0.5, 5: 0.2}


class VoltageSource(Protocol):
    """What is connected to the input. Times never go back."""

    def voltages_v(self, start_s: float, spacing_s: float, count: int) -> Floats:
        """Get the mean voltage of each of `count` windows from `start_s` on."""


class Channel:
    """The analog side and the converter."""

    def __init__(self, source: VoltageSource, *, seed: int, oversampling: int = OVERSAMPLING) -> None:
        self.oversampling = oversampling
        self._source = source
        self._noise = AmplifierNoise(np.random.default_rng([seed, 35670]), CORNER_HZ)
        self._blocked_v: float | None = None
        self._end_s = -math.inf

    def sense(self, start_s: float, spacing_s: float, count: int, settings: Settings) -> Floats:
        """Get the voltage behind the coupling, before range and converter."""
        volts = np.asarray(self._source.voltages_v(start_s, spacing_s, count), dtype=float)
        gap_s = start_s - self._end_s
        self._end_s = start_s + count * spacing_s
        return self._block(volts, spacing_s, gap_s) if settings.coupling == "AC" else volts

    def _block(self, volts: Floats, spacing_s: float, gap_s: float) -> Floats:
        """Take away what the coupling capacitor holds; it has followed the mean during a gap."""
        from scipy.signal import lfilter  # slow to import, and many tests never need it

        if self._blocked_v is None or gap_s > 1 / (2 * math.pi * AC_CORNER_HZ):
            self._blocked_v = float(volts.mean())
        kept = math.exp(-2 * math.pi * AC_CORNER_HZ * spacing_s)
        held, _ = lfilter([1 - kept], [1, -kept], volts, zi=[kept * self._blocked_v])
        within = (np.concatenate([[self._blocked_v], held[:-1]]) + held) / 2
        self._blocked_v = float(held[-1])
        return np.asarray(volts - within, dtype=float)

    def convert(self, volts: Floats, start_s: float, spacing_s: float, settings: Settings) -> Floats:
        """Add pickup and the noise of the range, and round to its steps; `volts` are filtered already."""
        volts = volts + _pickup(start_s, spacing_s, len(volts), PICKUP_V[settings.low_terminal])
        white = NOISE_V_PER_RTHZ * self._noise.means(start_s, spacing_s, len(volts))
        density = NOISE_V_PER_RTHZ * 10 ** ((settings.range_db - CONVERTER_RANGE_DB) / 20)
        # What the converter adds has no 1/f part.
        converter = density * math.sqrt(0.5 / spacing_s) * self._noise.white(len(volts))
        step = 2 * settings.full_scale_v / 2**CONVERTER_BITS
        # A slower record is the mean of many conversions: its steps are as much finer as their noise is smaller.
        step *= min(math.sqrt(1 / (spacing_s * CONVERTER_HZ)), 1.0)
        return np.asarray(np.round((volts + white + converter) / step) * step, dtype=float)


class Stream:
    """Samples without a gap from `start_s` on, as the converter gives them, with the peak within each."""

    def __init__(self, channel: Channel, settings: Settings, start_s: float) -> None:
        self.start_s = start_s
        self.spacing_s = settings.record_s / settings.samples
        self.count = 0
        """Samples taken so far, those dropped included."""
        self.samples: Floats = np.empty(0)
        self.peaks: Floats = np.empty(0)
        self._first = 0
        self._channel = channel
        self._settings = settings
        self._taps = _anti_alias(channel.oversampling)
        self._fine: Floats = np.empty(0)

    @property
    def end_s(self) -> float:
        """Get up to when samples were taken."""
        return self.start_s + self.count * self.spacing_s

    def extend(self, count: int) -> None:
        """Take samples until there are `count` since the start."""
        new = count - self.count
        if new <= 0:
            return
        factor, lead = self._channel.oversampling, len(self._taps) - 1
        fine_s = self.spacing_s / factor
        at_s = self.end_s
        missing = lead - len(self._fine)
        fine = self._channel.sense(at_s - missing * fine_s, fine_s, new * factor + missing, self._settings)
        peaks = np.abs(fine[missing:]).reshape(new, factor).max(axis=1)
        limit_v = self._settings.full_scale_v
        fine = np.concatenate([self._fine, np.clip(fine, -limit_v, limit_v)])
        filtered = np.lib.stride_tricks.sliding_window_view(fine, lead + 1)[::factor] @ self._taps
        self._fine = fine[-lead:]
        converted = self._channel.convert(filtered, at_s, self.spacing_s, self._settings)
        self.samples, self.peaks = np.concatenate([self.samples, converted]), np.concatenate([self.peaks, peaks])
        self.count = count

    def extend_to(self, time_s: float) -> None:
        """Take the samples that are complete at `time_s`."""
        self.extend(math.floor((time_s - self.start_s) / self.spacing_s + 1e-6))

    def slip_to(self, time_s: float) -> float:
        """Leave out the rest of a sample that is not complete at `time_s`; gives by how much all later ones shift."""
        self.extend_to(time_s)
        slip_s = max(time_s - self.end_s, 0.0)
        self.start_s += slip_s
        return slip_s

    def records(self, first: int, count: int, hop: int, length: int) -> tuple[Floats, Floats]:
        """Get `count` records of `length` samples, `hop` apart, and the peak of each; forget what was before them."""
        self.extend(first + (count - 1) * hop + length)
        self.samples, self.peaks = self.samples[first - self._first :], self.peaks[first - self._first :]
        self._first = first
        view = np.lib.stride_tricks.sliding_window_view
        return view(self.samples, length)[::hop][:count], view(self.peaks, length)[::hop][:count].max(axis=1)


@lru_cache(maxsize=4)
def _anti_alias(factor: int) -> Floats:
    """Get a low pass that is flat to 0.39 and closed from 0.61 of the final sampling rate (Kaiser window, 80 dB)."""
    width = (0.61 - 0.39) / factor
    count = 2 * math.ceil((80 - 8) / (2.285 * 2 * math.pi * width) / 2) + 1
    at = np.arange(count) - (count - 1) / 2
    taps = np.sinc(at / factor) / factor * np.kaiser(count, 0.1102 * (80 - 8.7))
    return np.asarray(taps / taps.sum(), dtype=float)


def _pickup(start_s: float, spacing_s: float, count: int, peak_v: float) -> Floats:
    """Get the mains and its harmonics below the end of the span, 1/2.56 of the sampling rate."""
    times_s = start_s + spacing_s * (np.arange(count) + 0.5)
    volts = np.zeros(count)
    for order, share in HARMONICS.items():
        if order * MAINS_HZ <= 1 / (2.56 * spacing_s):
            volts += peak_v * share * np.sin(2 * math.pi * order * MAINS_HZ * times_s)
    return volts
