"""The instrument as the GPIB sees it: bytes in, bytes out, at moments of the bench clock.

Everything happens lazily: the owner says what time it is with each call, and the device catches up. A line that waits
for pending operations holds up those behind it.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from instruments.sim import scpi
from instruments.sim.agilent35670a import frequency_commands, measure_commands, system_commands, trace_commands
from instruments.sim.agilent35670a.channel import OVERSAMPLING, Channel, VoltageSource
from instruments.sim.agilent35670a.command_kinds import UnitQuery, Waiting
from instruments.sim.agilent35670a.errors import (
    AFTER_INDEFINITE,
    DEADLOCKED,
    INTERRUPTED,
    INVALID_CHARACTER,
    UNTERMINATED,
)
from instruments.sim.agilent35670a.instrument import Instrument, Unit
from instruments.sim.device import Reply
from instruments.sim.scpi import ScpiError, Tree

REPLY_S, BYTE_S = 3e-3, 1e-5
INPUT_BUFFER_BYTES = 128
REFUSALS_KEPT = 1000


@dataclass
class _Line:
    """A line that has arrived: its units still to do and its reply so far; the output queue holds one."""

    arrival_s: float
    units: deque[scpi.Unit]
    reply: bytes | None = None
    is_indefinite: bool = False
    waits: bool = False
    after: Callable[[], bytes] | None = None


class SimAgilent35670a:
    """A 35670A on GPIB with a voltage source at input 1. It does nothing before the first byte reaches it."""

    terminator = b"\n"
    baud: int | None = None
    keeps_unread = False

    def __init__(
        self, source: VoltageSource, *, seed: int = 0, unit: Unit | None = None, oversampling: int = OVERSAMPLING
    ) -> None:
        self.instrument = Instrument(Channel(source, seed=seed, oversampling=oversampling), unit or Unit())
        self.refused: list[tuple[str, int]] = []
        """Message units that were not understood or refused, with their error."""
        self._is_on = False
        self._partial = b""
        self._inbox: deque[_Line] = deque()
        self._outbox: deque[Reply] = deque()
        self._tree = Tree(
            [
                *trace_commands.commands(self.instrument),
                *frequency_commands.commands(self.instrument),
                *measure_commands.commands(self.instrument),
                *system_commands.commands(self.instrument, lambda: bool(self._outbox)),
            ]
        )

    # what a transport calls ---------------------------------------------------------------------------------------
    def receive(self, data: bytes, now_s: float) -> None:
        """Take bytes from the host."""
        if not self._is_on:
            self._is_on = True
            self.instrument.power_on(now_s)
        self.advance(now_s)
        *lines, self._partial = (self._partial + data).split(self.terminator)
        for line in lines:
            self._take_line(line, now_s)
        if len(self._partial) > INPUT_BUFFER_BYTES:
            self._partial = self._partial[: INPUT_BUFFER_BYTES + 1]
        self.advance(now_s)

    def replies(self, now_s: float) -> list[Reply]:
        """Give all replies that were made by now, each with the moment its last byte is out."""
        self.advance(now_s)
        found = list(self._outbox)
        self._outbox.clear()
        return found

    def next_s(self) -> float | None:
        """Get when something will happen that the host can notice; None before it does something."""
        if not self._inbox:
            return None
        moment_s = max(self._inbox[0].arrival_s, self.instrument.busy_until_s)
        if self._inbox[0].waits:
            moment_s = self.instrument.next_s()
        return moment_s if math.isfinite(moment_s) else None

    def clear(self, now_s: float) -> None:
        """Device clear: buffers empty, nothing waits; the measurement and all settings stay."""
        self.advance(now_s)
        self._partial = b""
        self._inbox.clear()
        self._outbox.clear()

    def serial_poll(self, now_s: float) -> int:
        """Answer the bus hardware's poll, also while busy."""
        self.advance(now_s)
        return self.instrument.registers.serial_poll(bool(self._outbox))

    def unread(self, now_s: float) -> None:
        """The host sent a new message before it had read the reply to the last one."""
        self.instrument.registers.error(INTERRUPTED)
        self.advance(now_s)

    def unasked(self, now_s: float) -> None:
        """The host wants to read, and nothing was asked."""
        self.advance(now_s)
        if self._is_on and not self._inbox and not self._partial:
            self.instrument.registers.error(UNTERMINATED)

    def sample_to(self, time_s: float) -> None:
        """Sample the source up to `time_s`, because it is about to change."""
        if self._is_on:
            self.advance(time_s)
            self.instrument.sample_to(time_s)

    # catching up --------------------------------------------------------------------------------------------------
    def advance(self, now_s: float) -> None:
        """Do everything due by `now_s`, in the order of time."""
        if not self._is_on:
            return
        instrument = self.instrument
        while self._inbox:
            line = self._inbox[0]
            moment_s = max(line.arrival_s, instrument.busy_until_s, instrument.now_s)
            if moment_s > now_s:
                break
            instrument.advance(now_s if line.waits else moment_s, until_complete=line.waits)
            if line.waits and not instrument.is_complete:
                return
            line.waits = False
            self._step(line)
        instrument.advance(now_s)

    def _take_line(self, raw: bytes, arrival_s: float) -> None:
        if len(raw) + len(self.terminator) > INPUT_BUFFER_BYTES:
            self._refuse(repr(raw[:80]), DEADLOCKED)
            return
        try:
            text = raw.decode("ascii").strip()
        except UnicodeDecodeError:
            self._refuse(repr(raw[:80]), INVALID_CHARACTER)
            return
        units = self._tree.resolve(text)
        if units:
            self._inbox.append(_Line(arrival_s, deque(units)))

    def _step(self, line: _Line) -> None:
        """Go on with the oldest line until it waits or ends."""
        if line.after is not None:
            after, line.after = line.after, None
            self._reply(line, after())
        while line.units and not line.waits:
            self._do(line.units.popleft(), line)
            if self.instrument.busy_until_s > self.instrument.now_s:
                break
        self.instrument.refresh()
        if line.units or line.waits:
            return
        self._inbox.popleft()
        if line.reply is not None:
            data = line.reply + self.terminator
            self._outbox.append(Reply(data, self.instrument.now_s + REPLY_S + BYTE_S * len(data)))

    def _do(self, unit: scpi.Unit, line: _Line) -> None:
        try:
            if unit.error or unit.command is None:
                raise ScpiError(unit.error)
            if unit.is_query:
                self._ask(unit, line)
            elif unit.command.set is not None:
                unit.command.set(*(unit.command.parse or scpi.nothing)(unit.parameters))
                line.waits = isinstance(unit.command, Waiting)
        except ScpiError as refusal:
            self._refuse(unit.text, refusal.code)
            if -200 < refusal.code <= -100:
                line.units.clear()

    def _ask(self, unit: scpi.Unit, line: _Line) -> None:
        command = unit.command
        if isinstance(command, UnitQuery) and unit.parameters.upper() == "UNIT":
            self._reply(line, f'"{command.unit}"'.encode())
            return
        if unit.parameters or command is None or command.query is None:
            raise ScpiError(scpi.NOT_ALLOWED)
        if line.reply is not None and line.is_indefinite:
            raise ScpiError(AFTER_INDEFINITE)
        found = command.query()
        if callable(found):
            line.after, line.waits = found, True
        else:
            self._reply(line, found if isinstance(found, bytes) else found.encode())
            line.is_indefinite = command.pattern == "*IDN"

    def _reply(self, line: _Line, data: bytes) -> None:
        """Put a reply into the output queue; one that is there already is lost."""
        if line.reply is not None:
            self._refuse("two queries in a message", INTERRUPTED)
        line.reply = data

    def _refuse(self, text: str, code: int) -> None:
        self.instrument.registers.error(code)
        if len(self.refused) < REFUSALS_KEPT:
            self.refused.append((text, code))
