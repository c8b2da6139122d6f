"""The instrument as its line sees it: bytes in, bytes out, at moments of the bench clock."""

from collections import deque
from collections.abc import Callable

from instruments.sim.device import Reply
from instruments.sim.lakeshore335 import commands
from instruments.sim.lakeshore335.arguments import RefusalError, not_understood
from instruments.sim.lakeshore335.instrument import COMMAND_ERROR, Instrument
from instruments.sim.lakeshore335.models import MODELS
from instruments.sim.lakeshore335.plant import Plant

BAUD = 57600
BITS_PER_CHARACTER = 10
"""Start, seven data, odd parity, stop."""

REPLY_S = 0.010
"""From the end of a query to the begin of its reply."""

SPACING_S = 0.050
"""No new message for this long after the end of the last one."""

CLOSE_ENOUGH_S = 1e-6
KEPT = 1000
BUFFER_BYTES = 4096
MESSAGE_AVAILABLE = 16


class SimLakeShore335:
    """A Lake Shore 335 on its virtual serial port (`baud` 57600) or on a network port (`baud` None).

    `model` may be "331" or "336" for negative tests. `spacing_s` is the gap below which a message is lost, 0 loses
    none. `second` gives the true temperature at input B. `stumbles_after_idle_s`: the first message after so long a
    pause is a command error, as one user reported of a real instrument.
    """

    terminator = b"\r\n"
    keeps_unread = True

    def __init__(
        self, plant: Plant, *, seed: int = 0, baud: int | None = BAUD, model: str = "335", heater_ohm: float = 50.0,
        noise_k: float = 5e-3, drift_k: float = 2e-3, second: Callable[[float], float] | None = None,
        spacing_s: float = SPACING_S, stumbles_after_idle_s: float | None = None,
    ) -> None:  # fmt: skip
        if baud not in (BAUD, None):
            raise ValueError(f"baud {baud}: the instrument has {BAUD} only")
        self.baud = baud
        self.instrument = Instrument(
            MODELS[model], plant, second, seed=seed, noise_k=noise_k, drift_k=drift_k, heater_ohm=heater_ohm
        )
        self.refused: list[tuple[str, int]] = []
        """What was not understood (bit 5 of the event register) or not possible (bit 4)."""
        self.too_close: list[tuple[float, str]] = []
        """Messages that came too soon after the one before and were lost."""
        self._commands = commands.table(self.instrument)
        self._spacing_s = spacing_s
        self._stumbles_after_idle_s = stumbles_after_idle_s
        self._partial = b""
        self._began_s = 0.0
        self._inbox: deque[tuple[float, str]] = deque()
        self._outbox: deque[Reply] = deque()
        self._last_end_s: float | None = None

    # what a transport calls ---------------------------------------------------------------------------------------
    def receive(self, data: bytes, now_s: float) -> None:
        """Take bytes from the host: LF ends a message, a CR before it is ignored."""
        if not self.instrument.on:
            return
        sent_s = 0.0
        for chunk in data.splitlines(keepends=True) if b"\n" in data else [data]:
            if not self._partial:
                self._began_s = now_s + sent_s
            sent_s += 0.0 if self.baud is None else len(chunk) * BITS_PER_CHARACTER / self.baud
            self._partial += chunk
            if self._partial.endswith(b"\n"):
                line, self._partial = self._partial.decode("latin-1").strip("\r\n \0"), b""
                self._take_line(line, self._began_s, now_s + sent_s)
        self._partial = self._partial[-BUFFER_BYTES:]
        self.advance(now_s)

    def replies(self, now_s: float) -> list[Reply]:
        """Give all replies made by now, each with the moment its last byte is out."""
        self.advance(now_s)
        found = list(self._outbox)
        self._outbox.clear()
        return found

    def next_s(self) -> float | None:
        """Get when something will happen by itself that a host could see."""
        return self._inbox[0][0] if self._inbox else None

    def clear(self, now_s: float) -> None:
        """Device clear: what was sent and not yet done or read is forgotten."""
        self.advance(now_s)
        self._partial = b""
        self._inbox.clear()
        self._outbox.clear()

    def serial_poll(self, now_s: float) -> int:
        """Get the status byte."""
        self.advance(now_s)
        return self.instrument.status_byte() | (MESSAGE_AVAILABLE if self._outbox else 0)

    def unread(self, now_s: float) -> None:
        """Be told that a reply was lost; cannot happen on a serial line."""

    def unasked(self, now_s: float) -> None:
        """Be told that the host read in vain; nothing on a serial line knows."""

    # the world ----------------------------------------------------------------------------------------------------
    def advance(self, now_s: float) -> None:
        """Carry out what has arrived and let the control run, in the order of time."""
        while self._inbox and self._inbox[0][0] <= now_s:
            arrival_s, line = self._inbox.popleft()
            self.instrument.advance(arrival_s)
            self._do_line(line, arrival_s)
        self.instrument.advance(now_s)

    def power_off(self, time_s: float) -> None:
        """Take the power away: what is not stored is lost, the heater is off, nobody answers."""
        self.advance(time_s)
        self.instrument.switch(time_s, on=False)
        self.clear(time_s)

    def power_on(self, time_s: float) -> None:
        """Give the power back."""
        self.instrument.switch(time_s, on=True)
        self._last_end_s = None

    # messages -----------------------------------------------------------------------------------------------------
    def _take_line(self, line: str, start_s: float, end_s: float) -> None:
        """Take a message, unless it began too soon after the one before; an empty one is no message."""
        if not line:
            return
        last_s, self._last_end_s = self._last_end_s, end_s
        if last_s is not None and start_s < last_s + self._spacing_s - CLOSE_ENOUGH_S:
            self.too_close = [*self.too_close[-KEPT:], (start_s, line)]
            return
        patience_s = self._stumbles_after_idle_s
        if patience_s is not None and last_s is not None and start_s > last_s + patience_s:
            self._refuse(line, COMMAND_ERROR)
            return
        self._inbox.append((end_s, line))

    def _do_line(self, line: str, arrival_s: float) -> None:
        model = self.instrument.model
        if len(line) > model.longest_line:
            self._refuse(line[:80], COMMAND_ERROR)
            return
        replies: list[str] = []
        for unit in line.split(";"):
            try:
                reply = self._do(unit.strip(), may_ask=len(replies) < model.queries_per_line)
            except RefusalError as refusal:
                self._refuse(unit, refusal.bit)
                continue
            if reply is not None:
                replies.append(reply)
        if replies:
            data = ";".join(replies).encode() + self.terminator
            took_s = 0.0 if self.baud is None else len(data) * BITS_PER_CHARACTER / self.baud
            self._outbox.append(Reply(data, arrival_s + REPLY_S + took_s))

    def _do(self, unit: str, *, may_ask: bool) -> str | None:
        header, _, rest = unit.partition(" ")
        name = header.upper()
        given = [text.strip() for text in rest.split(",")] if rest.strip() else []
        command = self._commands.get(name.removesuffix("?"))
        if command is None:
            raise not_understood()
        if name.endswith("?"):
            if command.ask is None or not may_ask:
                raise not_understood()
            return command.ask(given)
        if command.act is None:
            raise not_understood()
        command.act(given)
        return None

    def _refuse(self, text: str, bit: int) -> None:
        self.instrument.event_bits |= bit
        if len(self.refused) < KEPT:
            self.refused.append((text, bit))
