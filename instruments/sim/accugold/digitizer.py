"""Digitizer and chamber behind the bridge: zeroing, windows, dose, air density and flags, brought to the time told."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from instruments.sim.twin.chamber import Chamber

BELOW_RANGE, OVER_RATE, OVER_DOSE, ZERO_REQUIRED, WARMING_UP = 0x0001, 0x0002, 0x0004, 0x0008, 0x0010
NO_ENVIRONMENT, SENSOR_CHANGED, CALIBRATION_OLD, LINK_LOST = 0x0020, 0x0040, 0x0080, 0x0100
ZERO_S = 30.0
ZERO_VALID_S = 3600.0
ZERO_VALID_K = 2.0
LARGEST_ZERO_GY_S = 1e-8
ENVIRONMENT_VALID_S = 3600.0
RATE_LAG_S = 0.5
TRIGGER_OVER_RATE_MIN = {"low": 1.0, "normal": 10.0}
CELSIUS_K = 273.15
REFERENCE_KPA = 101.325


@dataclass(frozen=True, slots=True)
class Setup:
    """What the backend is able to do. Whether the real instrument corrects for air density is not known."""

    corrected: bool = False
    reference_c: float = 20.0
    own_sensors: bool = False
    min_period_ms: int = 100
    warm_up_s: float = 0.0
    calibration_is_old: bool = False


@dataclass(frozen=True, slots=True)
class Environment:
    """Temperature and pressure in use."""

    temperature_c: float
    pressure_kpa: float
    since_s: float


@dataclass(frozen=True, slots=True)
class Reading:
    """The last finished window of a measurement."""

    number: int
    time_s: float
    dose_gy: float
    rate_gy_s: float
    flags: int


class Digitizer:
    """States: idle (never zeroed), zeroing, ready, running, fault (cable of digitizer or sensor out)."""

    def __init__(self, chamber: Chamber, setup: Setup | None = None) -> None:
        self.chamber = chamber
        self.setup = setup or Setup()
        self.mode, self.period_ms, self.threshold = "rate", 500, "normal"
        self.digitizer_connected = self.sensor_connected = True
        self.reading: Reading | None = None
        self.zero_gy_s = 0.0
        self.running = False
        self.zero_end_s: float | None = None
        self._sensor_changed = self._dose_incomplete = False
        self._zeroed_s: float | None = None
        self._zeroed_k = 0.0
        self._host_environment: Environment | None = None
        self._on_since_s: float | None = None
        self._window_s = 0.0
        self._number, self._time_s, self._dose_gy = 0, 0.0, 0.0
        self._shown_gy_s: float | None = None

    @property
    def state(self) -> str:
        """Get the state in a word."""
        if not (self.digitizer_connected and self.sensor_connected):
            return "fault"
        if self.zero_end_s is not None:
            return "zeroing"
        if self.running:
            return "running"
        return "idle" if self._zeroed_s is None else "ready"

    @property
    def next_s(self) -> float | None:
        """Get when the next window ends."""
        if self.zero_end_s is not None:
            return self.zero_end_s
        return self._window_s + self.period_ms / 1000 if self.running else None

    def advance(self, now_s: float) -> Iterator[tuple[float, str]]:
        """Finish every window due by `now_s`; tells when what ended: ``reading``, ``zero done``, ``zero failed``."""
        if self._on_since_s is None:
            self._on_since_s = now_s
        while (end_s := self.next_s) is not None and end_s <= now_s:
            if self.zero_end_s is not None:
                yield end_s, self._finish_zero(end_s)
            else:
                self._finish_window(end_s)
                yield end_s, "reading"

    # what a client asks for ---------------------------------------------------------------------------------------
    def start_zero(self, now_s: float) -> None:
        """Begin to measure what is there without a beam."""
        self.zero_end_s = now_s + ZERO_S

    def start(self, now_s: float) -> None:
        """Begin a new measurement."""
        self.running, self._window_s = True, now_s
        self.reset()

    def stop(self) -> None:
        """End the measurement; the window under way is dropped, the last reading stays."""
        self.running = False

    def reset(self) -> None:
        """Begin to count at zero again."""
        self.reading = self._shown_gy_s = None
        self._number, self._time_s, self._dose_gy = 0, 0.0, 0.0
        self._dose_incomplete = False

    def set_environment(self, now_s: float, temperature_c: float, pressure_kpa: float) -> None:
        """Be told temperature and pressure."""
        self._host_environment = Environment(temperature_c, pressure_kpa, now_s)

    def environment(self, now_s: float) -> Environment | None:
        """Get temperature and pressure in use: told by the host, or measured by the instrument if it can."""
        if self._host_environment is None and self.setup.own_sensors:
            room = self.chamber.room
            return Environment(room.temperature_k(now_s) - CELSIUS_K, room.pressure_pa(now_s) / 1000, now_s)
        return self._host_environment

    @property
    def environment_source(self) -> str:
        """Get whose values they are."""
        return "instrument" if self._host_environment is None and self.setup.own_sensors else "host"

    def k_tp(self, now_s: float) -> float:
        """Get the air-density factor in use, 1 without temperature and pressure."""
        air = self.environment(now_s)
        if air is None:
            return 1.0
        reference_k = CELSIUS_K + self.setup.reference_c
        return (CELSIUS_K + air.temperature_c) / reference_k * REFERENCE_KPA / air.pressure_kpa

    # what happens to it -------------------------------------------------------------------------------------------
    def set_cables(self, *, digitizer: bool | None = None, sensor: bool | None = None) -> None:
        """Pull or plug the cable of the digitizer or of the chamber; both end a zeroing, the second a measurement."""
        if digitizer is not None:
            self.digitizer_connected = digitizer
        if sensor is not None:
            self._sensor_changed |= sensor != self.sensor_connected
            self.sensor_connected = sensor
            self.running = self.running and sensor
        if self.state == "fault":
            self.zero_end_s = None

    def flags(self, now_s: float) -> int:
        """Get what is true apart from the reading itself."""
        bits = 0
        bits |= ZERO_REQUIRED if not self._zero_holds(now_s) else 0
        bits |= WARMING_UP if now_s - (self._on_since_s or 0.0) < self.setup.warm_up_s else 0
        air = self.environment(now_s)
        bits |= NO_ENVIRONMENT if air is None or now_s - air.since_s > ENVIRONMENT_VALID_S else 0
        bits |= SENSOR_CHANGED if self._sensor_changed or not self.sensor_connected else 0
        bits |= CALIBRATION_OLD if self.setup.calibration_is_old else 0
        return bits | (LINK_LOST if not self.digitizer_connected else 0)

    def _zero_holds(self, now_s: float) -> bool:
        """A zero is good for an hour and two kelvin."""
        if self._zeroed_s is None:
            return False
        warmth_k = self.chamber.room.temperature_k(now_s) - self._zeroed_k
        return now_s - self._zeroed_s <= ZERO_VALID_S and abs(warmth_k) <= ZERO_VALID_K

    def _finish_zero(self, end_s: float) -> str:
        """A zero that is far too large was taken in a beam and fails."""
        sample = self.chamber.measure(end_s - ZERO_S, end_s)
        self.zero_end_s = None
        if not abs(sample.rate_gy_s) <= LARGEST_ZERO_GY_S:
            return "zero failed"
        self.zero_gy_s, self._zeroed_s, self._sensor_changed = sample.rate_gy_s, end_s, False
        self._zeroed_k = self.chamber.room.temperature_k(end_s)
        return "zero done"

    def _finish_window(self, end_s: float) -> None:
        period_s = self.period_ms / 1000
        sample = self.chamber.measure(self._window_s, end_s)
        self._window_s = end_s
        if not self.digitizer_connected:
            self._dose_incomplete = True
            return
        rate_gy_s = sample.rate_gy_s - self.zero_gy_s
        rate_gy_s *= self.k_tp(end_s) if self.setup.corrected else 1.0
        self._number += 1
        self._time_s += period_s
        rate_min_gy_s = self.chamber.limits.rate_min_gy_s
        if self.mode != "auto" or rate_gy_s >= TRIGGER_OVER_RATE_MIN[self.threshold] * rate_min_gy_s:
            self._dose_gy += rate_gy_s * period_s
        self._dose_incomplete |= sample.over_rate
        before_gy_s = rate_gy_s if self._shown_gy_s is None else self._shown_gy_s
        self._shown_gy_s = rate_gy_s + (before_gy_s - rate_gy_s) * math.exp(-period_s / RATE_LAG_S)
        bits = self.flags(end_s)
        bits |= OVER_RATE if sample.over_rate else 0
        bits |= BELOW_RANGE if abs(self._shown_gy_s) < rate_min_gy_s else 0
        bits |= OVER_DOSE if self._dose_incomplete else 0
        self.reading = Reading(self._number, self._time_s, self._dose_gy, self._shown_gy_s, bits)
