"""One averaged measurement, from its start to its end, in steps that never block. Not verified on hardware.

The end is the fall of the averaging bit, latched in the event register: looking at the bit itself could be too early
(it has not risen yet) or too late (it rose and fell between two looks). Overload is latched when it begins, so one
that lasts from before the start to after the end shows in the condition register only; both are looked at.
"""

from instruments.agilent35670a.link import Link
from instruments.agilent35670a.settings import (
    AVERAGING,
    CALIBRATING,
    MEASURING,
    SETTLING_RECORDS,
    NoiseSettings,
)
from instruments.wire.agilent35670a import parse_whole
from xraydaq.clock import Clock
from xraydaq.errors import InstrumentError, InstrumentTimeout

OPERATION = "STAT:OPER?"
OPERATION_NOW = "STAT:OPER:COND?"
VOLTAGE = "STAT:QUES:VOLT?"
VOLTAGE_NOW = "STAT:QUES:VOLT:COND?"
EARLY = 0.99


class Run:
    """A measurement under way; construction starts it."""

    def __init__(self, link: Link, clock: Clock, settings: NoiseSettings) -> None:
        self._link = link
        self._clock = clock
        self._settings = settings
        link.send("ABOR")
        # what the abort and the time before it left behind
        for register in (OPERATION, VOLTAGE):
            link.ask(register, parse_whole)
        self._start_s = clock.now()
        self._fallen = self._spoilt = False
        self.voltage_events = 0
        self.duration_s: float | None = None
        link.set_checked("ABOR;:INIT")

    @property
    def elapsed_s(self) -> float:
        """Get the seconds since the start."""
        return self._clock.now() - self._start_s

    def finished(self) -> bool:
        """Look whether the averages are complete.

        Raises:
            InstrumentTimeout: they should have been long ago.
            InstrumentError: a calibration came between, they are complete before they can be, or an earlier look
                failed: a register is cleared by reading it, and an overload may have been lost with the reply.
        """
        if self.duration_s is not None:
            return True
        if self._spoilt:
            raise InstrumentError(f"{self._link.name}: events were lost; start again")
        try:
            return self._look()
        except BaseException:
            self._spoilt = True
            raise

    def _look(self) -> bool:
        events = self._link.ask(OPERATION, parse_whole)
        condition = self._link.ask(OPERATION_NOW, parse_whole)
        settled_s = (1 + SETTLING_RECORDS) * self._settings.record_s
        if self.elapsed_s >= settled_s:  # before, it may be what the record before the start left behind
            self.voltage_events |= self._link.ask(VOLTAGE_NOW, parse_whole)
        if (events | condition) & CALIBRATING:
            raise InstrumentError(f"{self._link.name}: a calibration came into the averages and cleared them")
        self._fallen = self._fallen or bool(events & AVERAGING)
        elapsed_s = self.elapsed_s
        if self._fallen and not condition & (MEASURING | AVERAGING):
            self._check_not_early(elapsed_s)
            for register in (VOLTAGE, VOLTAGE_NOW):
                self.voltage_events |= self._link.ask(register, parse_whole)
            self.duration_s = elapsed_s
            return True
        if not elapsed_s <= self._settings.longest_s:
            raise InstrumentTimeout(
                f"{self._link.name}: {self._settings.averages} averages not complete after {elapsed_s:.0f} s"
            )
        return False

    def _check_not_early(self, elapsed_s: float) -> None:
        if elapsed_s < EARLY * self._settings.shortest_s:
            raise InstrumentError(
                f"{self._link.name}: {self._settings.averages} averages complete after {elapsed_s:.3g} s; they take "
                f"{self._settings.shortest_s:.3g} s at least"
            )
