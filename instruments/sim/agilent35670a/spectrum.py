"""From time records to the averaged power spectrum, and from there to what a trace shows."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from instruments.sim.agilent35670a.settings import Settings, Trace

Floats = NDArray[np.float64]

FLAT_TOP = (0.21557895, -0.41663158, 0.277263158, -0.083578947, 0.006947368)
"""ENBW 3.77 lines, scalloping 0.01 dB."""
COSINES = {"UNIF": (1.0,), "HANN": (0.5, -0.5), "FLAT": FLAT_TOP}
SILENCE = 1e-40
"""The least power in V^2 that a logarithm is taken of."""


@dataclass
class Average:
    """The power density, V^2/Hz, and the last record, under the settings they were taken with."""

    settings: Settings
    count: int = 0
    density: Floats | None = None
    record: Floats | None = None

    def add(self, records: Floats) -> None:
        """Add records to the average; without averaging the last one replaces it."""
        settings = self.settings
        self.record = records[-1].copy()
        if not settings.average:
            self.density, self.count = density(records[-1:], settings)[0], 1
            return
        found = density(records, settings)
        if settings.average_type == "MAX":
            top = found.max(axis=0)
            self.density = top if self.density is None else np.maximum(self.density, top)
        else:
            total = found.sum(axis=0) + (0.0 if self.density is None else self.density * self.count)
            self.density = total / (self.count + len(found))
        self.count += len(found)

    def shown(self, trace: Trace) -> Floats | None:
        """Get what a trace shows in its coordinates."""
        if trace.feed.startswith("XTIM"):
            return self.record
        if self.density is None:
            return None
        power = self.density[: self.settings.lines + 1] * self._unit_factor(trace)
        return _in_form(power, trace)

    def abscissa(self, trace: Trace) -> Floats:
        """Get the X values: of a spectrum also those lines that the anti-alias filter does not protect."""
        settings = self.settings
        if trace.feed.startswith("XTIM"):
            return np.arange(settings.samples, dtype=float) * settings.record_s / settings.samples
        lines = np.arange(round(1.28 * settings.lines) + 1, dtype=float)
        return settings.start_hz + settings.line_spacing_hz * lines

    def _unit_factor(self, trace: Trace) -> float:
        """Get the factor from V^2/Hz to the power that belongs to the unit."""
        settings = self.settings
        peak = 2.0 if trace.amplitude == "PEAK" else 1.0
        if trace.voltage_unit in ("V", "V2"):
            return peak * noise_bandwidth(settings.window, settings.samples) * settings.line_spacing_hz
        return peak * (settings.record_s if trace.voltage_unit == "V2S/HZ" else 1.0)


def _in_form(power: Floats, trace: Trace) -> Floats:
    if trace.form == "MLOG":
        return np.asarray(10 * np.log10(np.maximum(power, SILENCE)), dtype=float)
    if trace.form in ("IMAG", "PHAS"):
        return np.zeros(len(power))
    return np.sqrt(power) if trace.voltage_unit in ("V", "V/RTHZ") else power


def density(records: Floats, settings: Settings) -> Floats:
    """Get the one-sided power density of each record, from the start frequency on."""
    window = window_of(settings.window, settings.samples)
    lines = np.fft.rfft(records * window, axis=1)
    spacing_s = settings.record_s / settings.samples
    power = 2 * spacing_s / float(np.sum(window**2)) * (lines.real**2 + lines.imag**2)
    power[:, 0] /= 2
    first = round(settings.start_hz / settings.line_spacing_hz)
    return np.asarray(power[:, first:], dtype=float)


@lru_cache(maxsize=8)
def window_of(name: str, samples: int) -> Floats:
    """Get a window."""
    phase = 2 * math.pi * np.arange(samples) / samples
    return np.asarray(sum(a * np.cos(order * phase) for order, a in enumerate(COSINES[name])), dtype=float)


def noise_bandwidth(name: str, samples: int) -> float:
    """Get the equivalent noise bandwidth of a window in lines."""
    window = window_of(name, samples)
    return float(samples * np.sum(window**2) / np.sum(window) ** 2)
