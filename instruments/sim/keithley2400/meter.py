"""Source and meter on one pair of terminals: what reaches the device under test, and what a conversion reads.

Gain 100 ppm, offset a fifth of the specified one (unless the bench draws them), slow drift and mains pickup are
assumed.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from instruments.sim.keithley2400.ranges import (
    CURRENT,
    SOURCE_VOLTAGE_STEPS,
    VOLTAGE,
    Range,
    holding,
    quantum,
    white_noise,
)
from instruments.sim.keithley2400.settings import Settings

DRIFT_SHARE = 0.05
DRIFT_SHARE_WITHOUT_AUTOZERO = 0.04
DRIFT_TIME_S = 3600.0
PICKUP_SHARE = 2e-5
OVERFLOW_SHARE = 1.055
FEW = 1e-15
"""A conductance in siemens below which the terminals are as good as open."""

CLOSE_ENOUGH = 1e-6
"""Share to which the voltage is found at which a load that is no resistor takes a current."""


class Load(Protocol):
    """What hangs between the terminals."""

    @property
    def bias_v(self) -> float:
        """Get the voltage across it."""

    def set_bias(self, time_s: float, bias_v: float) -> None:
        """Change the voltage."""

    def mean_current_a(self, start_s: float, end_s: float) -> float:
        """Let time pass to `end_s` and get the mean current of the window."""

    def chord_s(self, bias_v: float) -> float:
        """Get current over voltage for an immediate change to a voltage."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far a unit is off; within its specification."""

    gain_error: float = 1e-4
    source_gain_error: float = 2e-5
    offset_share: float = 0.2
    """Of the specified offset of each range."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One conversion."""

    volts: float
    amps: float
    overflow: bool
    in_compliance: bool
    in_range_compliance: bool


class Drift:
    """A slow random walk that is pulled back to zero: stationary rms 1, correlation time `DRIFT_TIME_S`."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._value = float(rng.standard_normal())
        self._time_s: float | None = None

    def at(self, time_s: float) -> float:
        """Advance to `time_s`."""
        if self._time_s is not None and time_s > self._time_s:
            kept = math.exp((self._time_s - time_s) / DRIFT_TIME_S)
            self._value = kept * self._value + math.sqrt(1 - kept * kept) * float(self._rng.standard_normal())
        self._time_s = time_s if self._time_s is None else max(time_s, self._time_s)
        return self._value


class Meter:
    """The analog side. `settings` is replaced by ``*RST``; look it up through the owner each time."""

    def __init__(self, load: Load, seed: int, calibration: Calibration | None = None) -> None:
        self.calibration = calibration or Calibration()
        self._load = load
        self._rng = np.random.default_rng([seed, 2400])
        self._drift, self._zero_drift = Drift(self._rng), Drift(self._rng)
        self._zeroed_at = self._zero_drift.at(0.0)
        self._amps = 0.0
        self._excess = 1.0
        """Current over what the slope alone gives: more than 1 where slow processes have added to it."""

    def zero(self, time_s: float) -> None:
        """Measure the internal zero once (``:SYSTem:AZERo ONCE``)."""
        self._zeroed_at = self._zero_drift.at(time_s)

    def apply(self, settings: Settings, time_s: float, *, is_on: bool | None = None) -> None:
        """Bring the terminals to what the settings say; every off mode leaves the device at 0 V (HIMP: assumed)."""
        on = settings.output if is_on is None else is_on
        volts = self._wanted(settings) if on else 0.0
        if volts != self._load.bias_v:
            self._load.set_bias(time_s, volts)

    def _wanted(self, settings: Settings) -> float:
        """Get the terminal voltage that the source and its limit allow, from what the load would take of it."""
        if settings.source_function == "CURR":
            level_a = settings.curr.level
            return self._reaching(level_a, math.copysign(settings.curr.protection, level_a))
        step = SOURCE_VOLTAGE_STEPS[settings.volt.range.name]
        volts = round(settings.volt.level / step) * step * (1 + self.calibration.source_gain_error)
        return self._reaching(current_limit(settings), volts)

    def _reaching(self, current_a: float, highest_v: float) -> float:
        """Get the voltage at which the load takes so much current, but none beyond the highest."""
        low_v = abs(current_a) / self._slope_s(highest_v)
        if abs(highest_v) <= low_v:
            return highest_v
        high_v = abs(highest_v)
        while self._slope_s(low_v) < self._slope_s(high_v) and high_v - low_v > CLOSE_ENOUGH * high_v:
            middle_v = (low_v + high_v) / 2
            if middle_v * self._slope_s(middle_v) > abs(current_a):
                high_v = middle_v
            else:
                low_v = middle_v
        return math.copysign(low_v, highest_v)

    def _slope_s(self, bias_v: float) -> float:
        return max(self._load.chord_s(bias_v), FEW) * self._excess

    def convert(self, settings: Settings, start_s: float, window_s: float, *, averaged: int = 1) -> Sample:
        """Read the load over a window; the load is advanced to its end."""
        self._regulate(settings, start_s)
        amps = self._load.mean_current_a(start_s, start_s + window_s)
        limited = self._limited(settings, amps, start_s + window_s)
        self._amps = math.copysign(min(abs(amps), current_limit(settings)), amps) if limited else amps
        range_ = settings.sense_curr.range if settings.source_function == "VOLT" else settings.curr.range
        reading = self._read_current(settings, range_, start_s, window_s, averaged)
        at_range = limited and is_range_limit(settings)
        if at_range:
            reading = math.copysign(min(abs(reading), range_.full_scale), reading)
        overflow = abs(reading) > OVERFLOW_SHARE * range_.name and not at_range
        return Sample(self._read_voltage(settings), reading, overflow, limited and not at_range, at_range)

    def needed_range(self, settings: Settings) -> Range:
        """Get the range that auto-ranging would end at: the smallest for the current, within its limits."""
        upper = holding(CURRENT, settings.volt.protection)
        wanted = holding(
            CURRENT, max(abs(self._amps) * (1 + self.calibration.gain_error), settings.sense_curr.lower_limit / 1.05)
        )
        return wanted if wanted.name <= upper.name else upper

    def _regulate(self, settings: Settings, time_s: float) -> None:
        """Follow a load whose slope changes while the source is limited."""
        if settings.source_function == "CURR" or self._load.bias_v == 0:
            return
        volts = self._wanted(settings)
        if abs(volts - self._load.bias_v) > 1e-3 * abs(volts):
            self._load.set_bias(time_s, volts)

    def _limited(self, settings: Settings, amps: float, time_s: float) -> bool:
        if settings.source_function == "CURR":
            return abs(self._load.bias_v) >= settings.curr.protection * (1 - 1e-9)
        limit, volts = current_limit(settings), self._load.bias_v
        wanted = abs(settings.volt.level)
        limited = abs(amps) > limit or abs(volts) < wanted * (1 - 1e-3) - 1e-2
        ohmic = abs(volts) * max(self._load.chord_s(volts), FEW)
        self._excess = max(abs(amps) / ohmic, 1.0) if limited and ohmic > 0 else 1.0
        if abs(amps) > limit:
            self._load.set_bias(time_s, volts * limit / abs(amps))
        return limited

    def _read_current(
        self, settings: Settings, range_: Range, start_s: float, window_s: float, averaged: int
    ) -> float:
        noise = white_noise(range_, settings.nplc) / math.sqrt(averaged) * float(self._rng.standard_normal())
        drift = DRIFT_SHARE * self._drift.at(start_s + window_s)
        wander = self._zero_drift.at(start_s + window_s)
        if not settings.autozero:
            drift += DRIFT_SHARE_WITHOUT_AUTOZERO * (wander - self._zeroed_at)
        offset = (self.calibration.offset_share + drift) * range_.offset
        step = quantum(range_, settings.nplc)
        pickup = PICKUP_SHARE * range_.name * _pickup(start_s, window_s)
        value = self._amps * (1 + self.calibration.gain_error) + offset + noise + pickup
        return round(value / step) * step

    def _read_voltage(self, settings: Settings) -> float:
        range_ = settings.volt.range if settings.source_function == "VOLT" else settings.sense_volt.range
        range_ = next(each for each in VOLTAGE if each.name == range_.name)
        noise = white_noise(range_, settings.nplc) * float(self._rng.standard_normal())
        step = quantum(range_, settings.nplc)
        return round((self._load.bias_v + noise) / step) * step


def current_limit(settings: Settings) -> float:
    """Get the current at which the voltage source limits: compliance, or 105 % of a fixed range below it."""
    limit = abs(settings.volt.protection)
    if settings.sense_curr.range_auto:
        return limit
    return min(limit, settings.sense_curr.range.full_scale)


def is_range_limit(settings: Settings) -> bool:
    """Tell whether the fixed measure range limits before the compliance does."""
    fixed = not settings.sense_curr.range_auto
    return fixed and settings.sense_curr.range.full_scale < abs(settings.volt.protection)


def _pickup(start_s: float, window_s: float, mains_hz: float = 50.0) -> float:
    """Get the mean of a mains tone of amplitude 1 over the window: nothing is left after whole periods."""
    omega = 2 * math.pi * mains_hz
    return (math.cos(omega * start_s) - math.cos(omega * (start_s + window_s))) / (omega * window_s)
