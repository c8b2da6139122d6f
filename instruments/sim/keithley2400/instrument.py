"""State and actions of the instrument; which command calls which action is in the `commands` modules."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from statistics import fmean, stdev

from instruments.sim.keithley2400.formats import element, rows
from instruments.sim.keithley2400.meter import Calibration, Load, Meter, Sample
from instruments.sim.keithley2400.run import Reading, Run, check_sweep
from instruments.sim.keithley2400.settings import MAX_READINGS, Kept, Settings
from instruments.sim.keithley2400.status import (
    BUFFER_AVAILABLE,
    BUFFER_FULL,
    IN_COMPLIANCE,
    OPERATION_COMPLETE,
    READING,
    READING_OVERFLOW,
    Registers,
)
from instruments.sim.scpi import ScpiError

CLOCK_GAIN = 1 + 60e-6
"""The instrument's clock runs fast against the bench (assumed, of the usual size)."""

CLOCK_WRAP_S = 100_000.0
STALE, STORAGE_ACTIVE, BLOCKED, OUTPUT_OFF, ENDLESS = -230, 800, 802, 803, 830
RESET_S = 0.5
RELAY_S = 0.015


@dataclass(frozen=True)
class Unit:
    """What is printed on this one, and how far it is off."""

    serial: str = "1234567"
    firmware: str = "C33   Mar 31 2015 09:32:39/A02  /J/H"
    calibration: Calibration = field(default_factory=Calibration)

    @property
    def identity(self) -> str:
        """Get the reply to ``*IDN?``."""
        return f"KEITHLEY INSTRUMENTS INC.,MODEL 2400,{self.serial},{self.firmware}"


class Instrument:
    """One Keithley 2400. `now_s` is the moment of the action under way; the device sets it before each."""

    def __init__(self, load: Load, *, seed: int, unit: Unit, is_serial: bool) -> None:
        self.unit = unit
        self.is_serial = is_serial
        self.settings = Settings()
        self.kept = Kept()
        self.registers = Registers()
        self.meter = Meter(load, seed, unit.calibration)
        self.now_s = 0.0
        self.busy_until_s = -math.inf
        self.idle_since_s = -math.inf
        self.interlock_closed = True
        self.run: Run | None = None
        self.samples: list[Reading] = []
        self.trace: list[Reading] = []
        self._saved: dict[int, Settings] = {}
        self._clock_zero_s = 0.0
        self._complete_wanted = False

    # time ---------------------------------------------------------------------------------------------------------
    @property
    def is_idle(self) -> bool:
        """Tell whether the trigger model is idle."""
        return self.run is None

    def advance(self, now_s: float) -> None:
        """Let a run go on to `now_s`."""
        if self.run is not None:
            self.run.advance(now_s)
            if self.run.is_done:
                self.idle_since_s, self.run = self.run.next_s, None
        if self._complete_wanted and self.is_idle:
            self.registers.standard.bits |= OPERATION_COMPLETE
            self._complete_wanted = False

    def clock_s(self, now_s: float) -> float:
        """Get the instrument's time stamp clock."""
        return (now_s - self._clock_zero_s) * CLOCK_GAIN % CLOCK_WRAP_S

    def reset_clock(self) -> None:
        """``:SYSTem:TIME:RESet``."""
        self._clock_zero_s = self.now_s

    # output -------------------------------------------------------------------------------------------------------
    def set_output(self, on: bool) -> None:
        """``:OUTPut``; an open interlock that is in use keeps it off."""
        if on and self.settings.interlock_used and not self.interlock_closed:
            raise ScpiError(BLOCKED)
        if on and not self.settings.output and self.settings.off_mode == "HIMP":
            self.busy_until_s = self.now_s + RELAY_S
        self.settings.output = on
        self.apply()

    def open_interlock(self) -> None:
        """Somebody opens the interlock line; if it is in use the output drops and stays off."""
        self.interlock_closed = False
        if self.settings.interlock_used:
            self.settings.output = False
            self.apply()

    def apply(self) -> None:
        """Bring the terminals to what is set."""
        self.meter.apply(self.settings, self.now_s)

    # trigger model ------------------------------------------------------------------------------------------------
    def initiate(self) -> None:
        """``:INITiate``."""
        settings = self.settings
        if not settings.output and not settings.clear_auto:
            raise ScpiError(OUTPUT_OFF)
        if settings.arm.count * settings.trigger.count > MAX_READINGS:
            raise ScpiError(ENDLESS)
        check_sweep(settings)
        if settings.time_reset_auto:
            self.reset_clock()
        if settings.clear_auto:
            settings.output = True
        self.samples = []
        self.run = Run(settings, self.kept, self.meter, self.now_s, self._keep, self.clock_s)

    def abort(self) -> None:
        """``:ABORt``: back to idle; readings so far are kept."""
        self.run = None

    def _keep(self, reading: Reading, sample: Sample) -> bool:
        self.samples.append(reading)
        bits = READING | (READING_OVERFLOW if sample.overflow else 0)
        limited = sample.in_compliance or sample.in_range_compliance
        self.registers.measurement_condition = IN_COMPLIANCE if limited else 0
        bits |= self.registers.measurement_condition
        if self.kept.trace_control == "NEXT" and self.kept.trace_feed == "SENS":
            bits |= self._store(reading)
        self.registers.measurement.bits |= bits
        stops = {"NEV": False, "EARL": limited, "LATE": limited}
        return not (self.settings.source.mode == "SWE" and stops[self.settings.sweep_abort])

    def _store(self, reading: Reading) -> int:
        """Put a reading into the buffer, whose time starts at its first reading (ABS) or counts steps (DELT)."""
        self.trace.append(reading)
        bits = BUFFER_AVAILABLE if len(self.trace) >= 2 else 0
        if len(self.trace) >= self.kept.trace_points:
            self.kept.trace_control = "NEV"
            bits |= BUFFER_FULL
        return bits

    def in_limit(self) -> bool:
        """Tell whether the last reading was limited."""
        return bool(self.registers.measurement_condition)

    # data ---------------------------------------------------------------------------------------------------------
    def fetch(self) -> bytes:
        """``:FETCh?``: the latest set of readings."""
        if not self.samples:
            raise ScpiError(STALE)
        return rows(self.samples, self.settings)

    def last(self) -> bytes:
        """``:SENSe:DATA:LATest?``."""
        if not self.samples:
            raise ScpiError(STALE)
        return rows(self.samples[-1:], self.settings)

    def trace_data(self) -> bytes:
        """``:TRACe:DATA?``."""
        if not self.trace:
            raise ScpiError(STALE)
        return rows(self._stamped(), self.settings)

    def _stamped(self) -> list[Reading]:
        times = [reading[3] for reading in self.trace]
        origin = times[0] if self.kept.trace_stamp == "ABS" else None
        stamped, before = [], times[0]
        for reading, time_s in zip(self.trace, times, strict=True):
            shown = time_s - (before if origin is None else origin)
            before = time_s
            stamped.append((*reading[:3], shown % CLOCK_WRAP_S, reading[4]))
        return stamped

    def statistics(self) -> bytes:
        """``:CALCulate3:DATA?``: statistics of the buffer, volts and amperes (assumed: those that are measured)."""
        if not self.trace:
            raise ScpiError(STALE)
        columns = [[reading[index] for reading in self.trace] for index in (0, 1)]
        functions: dict[str, Callable[[list[float]], float]] = {
            "MEAN": fmean, "SDEV": lambda values: stdev(values) if len(values) > 1 else 0.0, "MAX": max, "MIN": min,
            "PKPK": lambda values: max(values) - min(values),
        }  # fmt: skip
        return ",".join(element(functions[self.settings.math_format](values)) for values in columns).encode()

    def clear_trace(self) -> None:
        """``:TRACe:CLEar``."""
        self.trace = []

    def need_no_storage(self) -> None:
        """Refuse what may not change while readings are stored."""
        if self.kept.trace_control == "NEXT" and not self.is_idle:
            raise ScpiError(STORAGE_ACTIVE)

    # memory -------------------------------------------------------------------------------------------------------
    def reset(self, *, preset: bool = False) -> None:
        """``*RST`` or ``:SYSTem:PRESet``: buffer, errors and status enables stay as they are."""
        self.run = None
        self.settings = Settings(byte_order="SWAP" if preset else "NORM")
        self.busy_until_s = self.now_s + RESET_S
        self.apply()

    def save(self, place: int) -> None:
        """``*SAV``."""
        self._saved[place] = _copy(self.settings)

    def recall(self, place: int) -> None:
        """``*RCL``; the output is off afterwards."""
        self.run = None
        self.settings = replace(_copy(self._saved.get(place, Settings())), output=False)
        self.busy_until_s = self.now_s + RESET_S
        self.apply()

    def note_completion(self) -> None:
        """``*OPC``: set the event bit as soon as the trigger model is idle."""
        self._complete_wanted = True


def _copy(settings: Settings) -> Settings:
    return replace(
        settings, volt=replace(settings.volt), curr=replace(settings.curr), sense_curr=replace(settings.sense_curr),
        sense_volt=replace(settings.sense_volt), arm=replace(settings.arm), trigger=replace(settings.trigger),
    )  # fmt: skip
