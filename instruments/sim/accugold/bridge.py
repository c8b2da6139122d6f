"""The bridge program as its line sees it: requests in, replies and events out."""

from collections import deque

from instruments.sim.accugold.digitizer import Digitizer
from instruments.sim.accugold.lines import (
    LONGEST_BYTES,
    NOT_CONNECTED,
    SENSOR_MISSING,
    UNKNOWN_KEY,
    UNKNOWN_VERB,
    Request,
    RequestError,
    parse,
    with_checksum,
)
from instruments.sim.accugold.verbs import Verbs, period_ms
from instruments.sim.device import Reply

REPLY_S = 0.005
BITS_PER_CHARACTER = 10
KEPT = 1000


class SimAccuGoldBridge:
    """Serves `digitizer` on TCP (`baud` None) or on a serial line of 115200 baud, one client at a time.

    A ``HELLO?`` begins a new session: whether lines carry checksums is settled anew.
    """

    terminator = b"\n"
    keeps_unread = True

    def __init__(self, digitizer: Digitizer, *, baud: int | None = None) -> None:
        self.digitizer = digitizer
        self.baud = baud
        self.refused: list[tuple[str, int]] = []
        """Lines that were answered with an error, and its code."""
        self._verbs = Verbs(digitizer).table | {
            "STREAM": (("period_ms",), self._stream),
            "BYE": ((), self._bye),
        }
        self._partial = b""
        self._overlong = False
        self._outbox: deque[Reply] = deque()
        self._out_s = 0.0
        self._checks = self._in_session = False
        self._stream_ms = 0
        self._stream_next_s = 0.0

    # what a transport calls ---------------------------------------------------------------------------------------
    def receive(self, data: bytes, now_s: float) -> None:
        """Take bytes from the client."""
        self.advance(now_s)
        *lines, rest = data.split(b"\n")
        for line in lines:
            whole, self._partial = self._partial + line, b""
            too_long, self._overlong = self._overlong, False
            self._answer(b"\0" if too_long else whole, now_s)
        self._partial += rest
        if len(self._partial) > LONGEST_BYTES:  # nothing is kept of a line without end
            self._partial, self._overlong = b"", True

    def replies(self, now_s: float) -> list[Reply]:
        """Give all replies and events made by now."""
        self.advance(now_s)
        found = list(self._outbox)
        self._outbox.clear()
        return found

    def next_s(self) -> float | None:
        """Get when an event will come by itself."""
        is_seen = self.digitizer.zero_end_s is not None or self._stream_ms > 0
        return self.digitizer.next_s if is_seen and self._in_session else None

    def clear(self, now_s: float) -> None:
        """Forget what was said and not yet answered."""
        self.advance(now_s)
        self._partial, self._overlong = b"", False
        self._outbox.clear()

    def serial_poll(self, _now_s: float) -> int:
        """Get the status byte: there is none."""
        return 0

    def unread(self, now_s: float) -> None:
        """Be told that a reply was lost; cannot happen on a stream."""

    def unasked(self, now_s: float) -> None:
        """Be told that the client read in vain; nothing on a stream knows."""

    # the world ----------------------------------------------------------------------------------------------------
    def advance(self, now_s: float) -> None:
        """Bring the digitizer to `now_s` and tell the client what happened."""
        for moment_s, what in self.digitizer.advance(now_s):
            if what == "zero done":
                self._event(f"!ZERO state=done,offset_Gy_s={self.digitizer.zero_gy_s:.2E}", moment_s)
            elif what == "zero failed":
                self._event("!ZERO state=failed", moment_s)
            elif self._stream_ms and moment_s >= self._stream_next_s - 1e-9:
                self._stream_next_s = moment_s + self._stream_ms / 1000
                self._data(moment_s)

    def set_cables(self, time_s: float, *, digitizer: bool | None = None, sensor: bool | None = None) -> None:
        """Pull or plug a cable; the client hears of it."""
        self.advance(time_s)
        before, was_zeroing = self.digitizer.state, self.digitizer.zero_end_s is not None
        self.digitizer.set_cables(digitizer=digitizer, sensor=sensor)
        if was_zeroing and self.digitizer.zero_end_s is None:
            self._event("!ZERO state=failed", time_s)
        if digitizer is False or sensor is False:
            self._event(f"!FAULT code={NOT_CONNECTED if digitizer is False else SENSOR_MISSING}", time_s)
        if self.digitizer.state != before:
            self._event(f"!STATE state={self.digitizer.state}", time_s)

    # messages -----------------------------------------------------------------------------------------------------
    def _answer(self, line: bytes, now_s: float) -> None:
        if not line.removesuffix(b"\r"):
            return
        try:
            request = parse(line, must_check=self._checks and b" HELLO?" not in line)
            if request.verb == "HELLO?":
                self._checks = False
            self._checks |= request.was_checked
            self._in_session = True
            found = self._do(request, now_s)
        except RequestError as error:
            self._checks |= b"*" in line
            if len(self.refused) < KEPT:
                self.refused.append((line[:80].decode("ascii", "replace"), error.code))
            self._say(f"@{error.request_id} ERR {error.code},{error.text}", now_s)
            return
        self._say(f"@{request.id} OK {found}".rstrip(), now_s)
        if request.verb == "START":
            self._stream_next_s = now_s
        if request.verb == "BYE":
            self._checks = self._in_session = False

    def _do(self, request: Request, now_s: float) -> str:
        if request.verb not in self._verbs:
            raise RequestError(UNKNOWN_VERB, "unknown verb", request.id)
        keys, verb = self._verbs[request.verb]
        for key in request.values:
            if key not in keys:
                raise RequestError(UNKNOWN_KEY, f"unknown key {key}", request.id)
        try:
            return verb(request.values, now_s)
        except RequestError as error:
            raise RequestError(error.code, error.text, request.id) from None

    def _say(self, text: str, now_s: float) -> None:
        data = (with_checksum(text) if self._checks else text).encode() + self.terminator
        took_s = 0.0 if self.baud is None else len(data) * BITS_PER_CHARACTER / self.baud
        self._out_s = max(self._out_s, now_s + REPLY_S) + took_s
        self._outbox.append(Reply(data, self._out_s))

    def _event(self, text: str, now_s: float) -> None:
        """Without a client nobody is told."""
        if self._in_session:
            self._say(text, now_s)

    def _data(self, now_s: float) -> None:
        reading = self.digitizer.reading
        if reading is not None:
            flags = reading.flags | self.digitizer.flags(now_s)
            self._event(
                f"!DATA n={reading.number},time_s={reading.time_s:.3f},dose_Gy={reading.dose_gy:.5E},"
                f"rate_Gy_s={reading.rate_gy_s:.5E},flags={flags:04X}", now_s,
            )  # fmt: skip

    def _stream(self, values: dict[str, str], now_s: float) -> str:
        self._stream_ms = (
            0 if values.get("period_ms") == "0" else period_ms(values, self.digitizer.setup.min_period_ms)
        )
        self._stream_next_s = now_s
        return f"period_ms={self._stream_ms}"

    def _bye(self, _values: dict[str, str], _now_s: float) -> str:
        self._stream_ms = 0
        return ""
