"""The instrument as its interface sees it: bytes in, bytes out, at moments of the bench clock.

Everything happens lazily: the owner says what time it is with each call, and the device catches up. While the trigger
model runs only abort-class commands are executed at once; everything else waits in the input buffer.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from instruments.sim import scpi
from instruments.sim.device import Reply
from instruments.sim.keithley2400 import sense_commands, source_commands, system_commands
from instruments.sim.keithley2400.instrument import Instrument, Unit
from instruments.sim.keithley2400.meter import Load
from instruments.sim.scpi import Command, ScpiError, Tree

REPLY_S = 3e-3
"""From the end of a command to its reply on GPIB."""

BITS_PER_CHARACTER = 10
BAUD_RATES = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600)
SERIAL_BUFFER_BYTES = 1024
INVALID_CHARACTER, OVERRUN, INTERRUPTED, UNTERMINATED = -101, -363, -410, -420
CLEAR_CHARACTERS = b"\x03\x18"
REFUSALS_KEPT = 1000


@dataclass
class _Line:
    """A line that has arrived: its units still to do and the replies so far."""

    arrival_s: float
    units: deque[scpi.Unit]
    replies: list[bytes]
    after: Callable[[], bytes] | None = None
    """What the unit under way does when the trigger model is idle again."""


class SimKeithley2400:
    """A Keithley 2400 behind GPIB (`baud` None), where a message ends with LF, or RS-232, where it ends with CR."""

    def __init__(self, load: Load, *, seed: int = 0, baud: int | None = None, unit: Unit | None = None) -> None:
        if baud is not None and baud not in BAUD_RATES:
            raise ValueError(f"baud {baud}: the instrument has {', '.join(map(str, BAUD_RATES))}")
        self.instrument = Instrument(load, seed=seed, unit=unit or Unit(), is_serial=baud is not None)
        self.baud = baud
        self.keeps_unread = baud is not None
        self.terminator = b"\n" if baud is None else b"\r"
        self.refused: list[tuple[str, int]] = []
        """Message units that were not understood, with their error."""
        self._partial = b""
        self._inbox: deque[_Line] = deque()
        self._outbox: deque[Reply] = deque()
        reading = _reading_commands(self.instrument)
        self._tree = Tree(
            [
                *source_commands.commands(self.instrument),
                *sense_commands.commands(self.instrument),
                *system_commands.commands(self.instrument, lambda: bool(self._outbox)),
                *reading,
            ]
        )

    # what a transport calls ---------------------------------------------------------------------------------------
    def receive(self, data: bytes, now_s: float) -> None:
        """Take bytes from the host."""
        self.advance(now_s)
        arrival_s = now_s if self.baud is None else now_s + len(data) * BITS_PER_CHARACTER / self.baud
        for character in CLEAR_CHARACTERS if self.baud is not None else b"":
            if character in data:
                self.clear(now_s)
                data = data[data.rindex(bytes([character])) + 1 :]
        *lines, self._partial = (self._partial + data).split(self.terminator)
        for line in lines:
            self._take_line(line, arrival_s)
        if self.baud is not None and self._waiting_bytes() > SERIAL_BUFFER_BYTES:
            self._partial = b""
            self.instrument.registers.error(OVERRUN)
        self.advance(now_s)

    def replies(self, now_s: float) -> list[Reply]:
        """Give all replies that were made by now, each with the moment its last byte is out."""
        self.advance(now_s)
        found = list(self._outbox)
        self._outbox.clear()
        return found

    def next_s(self) -> float | None:
        """Get when something will happen by itself; None when nothing will before the host does something."""
        run = self.instrument.run
        moments = [] if run is None or run.next_s == float("inf") else [run.next_s]
        if self._inbox and self.instrument.is_idle:
            moments.append(max(self._inbox[0].arrival_s, self.instrument.busy_until_s))
        return min(moments) if moments else None

    def clear(self, now_s: float) -> None:
        """Device clear (DCL, SDC; Ctrl-C and Ctrl-X on a serial line): idle, buffers empty, settings kept."""
        self.advance(now_s)
        self.instrument.now_s = now_s
        self.instrument.abort()
        self._partial = b""
        self._inbox.clear()
        self._outbox.clear()

    def serial_poll(self, now_s: float) -> int:
        """Answer the bus hardware's poll, also while busy."""
        self.advance(now_s)
        return self.instrument.registers.serial_poll(self.instrument.kept, bool(self._outbox))

    def unread(self, now_s: float) -> None:
        """The host sent a new message before it had read the reply to the last one (GPIB)."""
        self.instrument.registers.error(INTERRUPTED)
        self.advance(now_s)

    def unasked(self, now_s: float) -> None:
        """The host wants to read, and nothing was asked (GPIB)."""
        self.advance(now_s)
        if not self._inbox and not self._partial:
            self.instrument.registers.error(UNTERMINATED)

    # catching up --------------------------------------------------------------------------------------------------
    def advance(self, now_s: float) -> None:
        """Do everything due by `now_s`, in the order of time."""
        instrument = self.instrument
        while True:
            instrument.advance(now_s)
            if not self._inbox or not instrument.is_idle:
                return
            line = self._inbox[0]
            moment_s = max(line.arrival_s, instrument.busy_until_s, instrument.idle_since_s)
            if moment_s > now_s:
                return
            instrument.now_s = max(instrument.now_s, moment_s)
            self._step(line)

    def _take_line(self, raw: bytes, arrival_s: float) -> None:
        try:
            text = raw.decode("ascii").strip()
        except UnicodeDecodeError:
            self.instrument.registers.error(INVALID_CHARACTER)
            self._refuse(repr(raw[:80]), INVALID_CHARACTER)
            return
        line = _Line(arrival_s, deque(self._tree.resolve(text)), [])
        while line.units and self._is_abort(line.units[0]) and (self._inbox or not self.instrument.is_idle):
            self.instrument.now_s = max(self.instrument.now_s, arrival_s)
            self._do(line.units.popleft(), line)
            self._drop_interrupted()
        if line.units or line.replies:
            self._inbox.append(line)

    def _is_abort(self, unit: scpi.Unit) -> bool:
        return unit.command is not None and unit.command.is_abort and not unit.is_query

    def _drop_interrupted(self) -> None:
        """A reading that was waited for will not come after an abort."""
        if self._inbox and self._inbox[0].after is not None:
            self._inbox.popleft()
            self.instrument.registers.error(INTERRUPTED)

    def _step(self, line: _Line) -> None:
        """Do one thing of the oldest line."""
        if line.after is not None:
            after, line.after = line.after, None
            self._answer(line, after)
        elif line.units:
            self._do(line.units.popleft(), line)
        if line.units or line.after is not None:
            return
        self._inbox.popleft()
        if line.replies:
            data = b";".join(line.replies) + self.terminator
            out_s = REPLY_S if self.baud is None else len(data) * BITS_PER_CHARACTER / self.baud
            self._outbox.append(Reply(data, self.instrument.now_s + out_s))

    def _do(self, unit: scpi.Unit, line: _Line) -> None:
        try:
            if unit.error or unit.command is None:
                raise ScpiError(unit.error)
            if unit.is_query:
                self._ask(unit, unit.command, line)
            elif unit.command.set is not None:
                unit.command.set(*(unit.command.parse or scpi.nothing)(unit.parameters))
        except ScpiError as refusal:
            self._fail(refusal.code, unit, line)

    def _ask(self, unit: scpi.Unit, command: Command, line: _Line) -> None:
        if unit.parameters or command.query is None:
            raise ScpiError(scpi.NOT_ALLOWED)
        found = command.query()
        if callable(found):
            line.after = found
        else:
            line.replies.append(found if isinstance(found, bytes) else found.encode())

    def _answer(self, line: _Line, after: Callable[[], bytes]) -> None:
        try:
            line.replies.append(after())
        except ScpiError as refusal:
            self.instrument.registers.error(refusal.code)

    def _fail(self, code: int, unit: scpi.Unit, line: _Line) -> None:
        """Queue the error; a command error also ends its line (assumed)."""
        self.instrument.registers.error(code)
        if -200 < code <= -100:
            self._refuse(unit.text, code)
            line.units.clear()

    def _refuse(self, text: str, code: int) -> None:
        if len(self.refused) < REFUSALS_KEPT:
            self.refused.append((text, code))

    def _waiting_bytes(self) -> int:
        return len(self._partial) + sum(len(unit.text) for line in self._inbox for unit in line.units)


def _reading_commands(instrument: Instrument) -> list[Command]:
    """Build the commands whose reply comes when the trigger model is idle again."""

    def read() -> Callable[[], bytes]:
        instrument.abort()
        instrument.initiate()
        return instrument.fetch

    def measure(function: str) -> Callable[[], Callable[[], bytes]]:
        def act() -> Callable[[], bytes]:
            system_commands.configure(instrument, function)
            return read()

        return act

    nodes = {"VOLTage[:DC]": "VOLT", "CURRent[:DC]": "CURR", "RESistance": "RES"}
    return [
        Command("READ", query=read),
        *(
            Command(f"CONFigure:{node}", set=lambda name=name: system_commands.configure(instrument, name))
            for node, name in nodes.items()
        ),
        *(Command(f"MEASure:{node}", query=measure(name)) for node, name in nodes.items()),
    ]
