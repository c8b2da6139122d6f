"""State and actions of the instrument; which command calls which action is in the `commands` modules."""

import math
from collections import deque
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace

from instruments.sim import scpi
from instruments.sim.agilent35670a.channel import Channel
from instruments.sim.agilent35670a.errors import INIT_IGNORED, STALE
from instruments.sim.agilent35670a.formats import numbers
from instruments.sim.agilent35670a.run import Run
from instruments.sim.agilent35670a.settings import LARGEST_ZOOM, Settings, Trace
from instruments.sim.agilent35670a.spectrum import Average
from instruments.sim.agilent35670a.status import (
    AUTOCALIBRATION_OFF,
    CALIBRATING,
    CALIBRATION_FAILED,
    OPERATION_COMPLETE,
    Registers,
)
from instruments.sim.scpi import ScpiError

RESET_S = 4.0
OVERLAPPED_S = 0.1
CALIBRATION_S = 20.0
WARM_UP_CALIBRATION_S, CALIBRATION_PERIOD_S = 1800.0, 140 * 60.0


@dataclass(frozen=True)
class Unit:
    """What this one is."""

    serial: str = "MY42504567"
    firmware: str = "A.01.11"
    options: str = ""
    has_1600_lines: bool = False

    @property
    def identity(self) -> str:
        """Get the reply to ``*IDN?``."""
        return f"Agilent Technologies,35670A,{self.serial},{self.firmware}"


class Instrument:
    """One 35670A. `now_s` is the moment of the action under way; the device sets it before each."""

    def __init__(self, channel: Channel, unit: Unit) -> None:
        self.unit = unit
        self.settings = _preset()
        self.registers = Registers()
        self.now_s = 0.0
        self.busy_until_s = -math.inf
        self.run: Run | None = None
        self.calibration_fails = False
        """Whether the next calibrations fail."""
        self._channel = channel
        self.average: Average | None = None
        """What was measured last, if anything."""
        self._may_continue = False
        self._shown = deepcopy(self.settings.traces)
        self._updates: deque[tuple[float, int, Trace]] = deque()
        self._calibrating_until_s: float | None = None
        self._next_calibration_s = math.inf
        self._resumes: Callable[[], None] | None = None
        self._complete_wanted = False

    def power_on(self, now_s: float) -> None:
        """Come up as after a preset, measuring."""
        self.now_s = now_s
        self._next_calibration_s = now_s + WARM_UP_CALIBRATION_S
        self._start()
        self.refresh()

    # time ---------------------------------------------------------------------------------------------------------
    @property
    def is_complete(self) -> bool:
        """Tell whether no operation is pending; a measurement without end is none."""
        measuring = self.run is not None and math.isfinite(self._wanted)
        waiting = self._resumes is not None and not self.settings.continuous
        return not (measuring or waiting or self._updates or self._calibrating_until_s is not None)

    def next_s(self) -> float:
        """Get when the next thing happens by itself."""
        moments = [self._next_calibration_s if self.settings.calibration_auto else math.inf]
        if self.run is not None:
            moments.append(self.run.next_s)
        if self._updates:
            moments.append(self._updates[0][0])
        if self._calibrating_until_s is not None:
            moments.append(self._calibrating_until_s)
        return min(moments)

    def advance(self, to_s: float, *, until_complete: bool = False) -> None:
        """Do everything that is due by `to_s`, or by when nothing is pending any more."""
        while not (until_complete and self.is_complete):
            next_s = self.next_s()
            if next_s > to_s:
                self.now_s = max(self.now_s, to_s)
                if self.run is not None:
                    self.run.progress(to_s)
                    self._keep()
                return
            self.now_s = max(self.now_s, next_s)
            self._happen(next_s)
            self.refresh()

    def _happen(self, moment_s: float) -> None:
        """Do one thing that is due at this moment."""
        if self._updates and self._updates[0][0] <= moment_s:
            _, index, trace = self._updates.popleft()
            self._shown[index] = trace
        elif self._calibrating_until_s is not None and self._calibrating_until_s <= moment_s:
            self._end_calibration()
        elif self.settings.calibration_auto and self._next_calibration_s <= moment_s:
            self.calibrate()
        elif self.run is not None:
            self.run.step()
            self._keep()

    def _keep(self) -> None:
        """Show what the run has, and let go of it when it is done."""
        if self.run is None:
            return
        if self.run.average.record is not None:
            self.average, self._may_continue = self.run.average, self.settings.average
        if self.run.is_done:
            self.run = None
            if self.settings.continuous and not self.settings.average:
                self._start()  # it had only ranged

    def refresh(self) -> None:
        """Bring the condition registers to what is going on."""
        registers = self.registers
        bits = 0 if self.run is None else self.run.condition
        registers.operation.become(CALIBRATING if self._calibrating_until_s is not None else bits)
        registers.device.put(AUTOCALIBRATION_OFF, not self.settings.calibration_auto)
        if self._complete_wanted and self.is_complete:
            registers.standard_event |= OPERATION_COMPLETE
            self._complete_wanted = False

    def sample_to(self, time_s: float) -> None:
        """Sample what is past before the world changes at `time_s`."""
        self.advance(time_s)
        if self.run is not None:
            self.run.sample_to(time_s)
            self._keep()
            self.refresh()

    # measurement --------------------------------------------------------------------------------------------------
    @property
    def _wanted(self) -> float:
        endless = self.settings.continuous and not self.settings.average
        return math.inf if endless else self.settings.wanted_records

    def initiate(self) -> None:
        """``INITiate``: nothing happens while the measurement is continuous."""
        if self.settings.continuous:
            return
        if not self.is_complete and (self.run is not None or self._resumes is not None):
            raise ScpiError(INIT_IGNORED)
        self._start()

    def abort(self) -> None:
        """``ABORt``; a continuous measurement begins anew."""
        self.run = self._resumes = None
        if self.settings.continuous:
            self._start()

    def set_continuous(self, on: bool) -> None:
        """``INITiate:CONTinuous``; on after a finished average adds to it."""
        endless = self.run is not None and not math.isfinite(self._wanted)
        self.settings.continuous = on
        if not on and endless:
            self.run = None
        elif on and self.run is None:
            self._start(self.average if self._may_continue else None)

    def changed(self) -> None:
        """A setting of the measurement is another one: what runs begins anew."""
        self._may_continue = False
        if self.run is not None or self.settings.continuous:
            self._start()

    def range_once(self) -> None:
        """``VOLTage:RANGe:AUTO ONCE``; not while an average is taken."""
        if self.run is not None and self.settings.average:
            raise ScpiError(scpi.CONFLICT)
        self.settings.range_auto = False
        self._may_continue = False
        self.run = self._new_run(Average(replace(self.settings)), only_range=True)

    def _start(self, average: Average | None = None) -> None:
        if self.settings.zoom > LARGEST_ZOOM:
            self.run = None
            raise ScpiError(scpi.CONFLICT)
        if self._calibrating_until_s is not None:
            self.run, self._resumes = None, self._start
            return
        self.run = self._new_run(average or Average(replace(self.settings)))

    def _new_run(self, average: Average, *, only_range: bool = False) -> Run:
        registers, start_s = self.registers, max(self.now_s, self.busy_until_s)

        def seen(overload: bool, half_range: bool) -> None:
            registers.see(overload=overload, half_range=half_range)

        wanted = 1 if only_range else self._wanted
        return Run(self.settings, self._channel, start_s, average, wanted, seen, only_range=only_range)

    # traces -------------------------------------------------------------------------------------------------------
    def update_trace(self, index: int) -> None:
        """Bring new coordinates to a trace; it takes a while, and the next command does not wait for it."""
        self._updates.append((self.now_s + OVERLAPPED_S, index, replace(self.settings.traces[index])))

    def data(self, index: int) -> bytes:
        """``CALCulate:DATA?``: what the trace shows now."""
        found = None if self.average is None else self.average.shown(self._shown[index])
        if found is None:
            raise ScpiError(STALE)
        return numbers(found, self.settings.data_format)

    def abscissa(self, index: int) -> bytes:
        """``CALCulate:X:DATA?``: longer than the data of a spectrum."""
        if self.average is None:
            raise ScpiError(STALE)
        return numbers(self.average.abscissa(self._shown[index]), self.settings.data_format)

    def points(self, index: int) -> int:
        """Get how many Y points a trace has."""
        found = None if self.average is None else self.average.shown(self._shown[index])
        return 0 if found is None else len(found)

    # calibration and reset ----------------------------------------------------------------------------------------
    def calibrate(self) -> None:
        """Calibrate; what is measured stops, and its average is lost."""
        if self.run is not None:
            self.run, self._resumes = None, self._start
        self._may_continue = False
        self._calibrating_until_s = self.now_s + CALIBRATION_S
        self._next_calibration_s = self.now_s + CALIBRATION_PERIOD_S

    def _end_calibration(self) -> None:
        self._calibrating_until_s = None
        self.registers.questionable.put(CALIBRATION_FAILED, self.calibration_fails)
        if self._resumes is not None:
            resume, self._resumes = self._resumes, None
            resume()

    def reset(self, *, preset: bool = False) -> None:
        """``*RST`` or ``SYSTem:PRESet``, which leaves the instrument measuring."""
        self.run = self.average = self._resumes = self._calibrating_until_s = None
        self._complete_wanted = False
        self._updates.clear()
        self.settings = _preset() if preset else Settings()
        self._shown = deepcopy(self.settings.traces)
        self.busy_until_s = self.now_s + RESET_S
        if preset:
            self._start()

    def preset_status(self) -> None:
        """``STATus:PRESet``."""
        registers = self.registers
        for register in (registers.operation, registers.questionable, registers.voltage, registers.device):
            register.preset()

    def note_completion(self) -> None:
        """``*OPC``: set the event bit as soon as nothing is pending."""
        self._complete_wanted = True


def _preset() -> Settings:
    return Settings(continuous=True, calibration_auto=True, span_link="STAR")
