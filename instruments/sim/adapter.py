"""An instrument in this process as pymeasure sees one on a bus: what VISA would do, without a VISA.

A message ends with END, so a half reply is half a message; a timeout is VISA's; time passes on the bench clock.
"""

from typing import Any

from pymeasure.adapters.adapter import Adapter
from pyvisa.constants import StatusCode
from pyvisa.errors import VisaIOError

from instruments.sim.link import Link
from xraydaq.clock import Clock

DEFAULT_TIMEOUT_MS = 2000


class SimConnection:
    """The part of a VISA resource that drivers use."""

    def __init__(self, link: Link, clock: Clock) -> None:
        self.timeout: float = DEFAULT_TIMEOUT_MS
        """In milliseconds, as in VISA."""
        self._link = link
        self._clock = clock
        self._message = b""
        self._open = True

    def write(self, data: bytes) -> None:
        """Send a message."""
        self._check_open()
        self._message = b""
        self._link.interrupt(self._clock.now())
        self._link.send(data, self._clock.now())

    def read(self, count: int | None = None) -> bytes:
        """Read up to the end of the message, or at most `count` bytes of it."""
        self._check_open()
        message = self._message or self._wait_for_message()
        if count is None:
            count = len(message)
        self._message = message[count:]
        return message[:count]

    def _wait_for_message(self) -> bytes:
        deadline_s = self._clock.now() + self.timeout / 1000
        while True:
            now_s = self._clock.now()
            message = self._link.receive(now_s)
            if message is not None:
                return message
            next_s = self._link.next_s(now_s)
            if next_s is None or next_s > deadline_s:
                if next_s is None:
                    self._link.nothing_asked(now_s)
                self._clock.sleep_until(deadline_s)
                raise VisaIOError(StatusCode.error_timeout)
            self._clock.sleep_until(next_s)

    def clear(self) -> None:
        """Device clear."""
        self._check_open()
        self._message = b""
        self._link.clear(self._clock.now())

    def read_stb(self) -> int:
        """Serial poll."""
        self._check_open()
        return self._link.poll(self._clock.now())

    def discard(self) -> None:
        """Throw away what has come and was not read."""
        self._message = b""
        while self._link.receive(self._clock.now()) is not None:
            pass

    def close(self) -> None:
        """Give the resource back; twice is harmless."""
        self._open = False

    def _check_open(self) -> None:
        if not self._open:
            raise VisaIOError(StatusCode.error_invalid_object)


class SimAdapter(Adapter):
    """A pymeasure adapter to a device in this process."""

    connection: SimConnection

    def __init__(self, link: Link, clock: Clock) -> None:
        super().__init__()
        self.connection = SimConnection(link, clock)
        self._terminator = link.device.terminator

    def _write(self, command: str, **_: Any) -> None:
        self.connection.write(command.encode() + self._terminator)

    def _write_bytes(self, content: bytes, **_: Any) -> None:
        self.connection.write(content)

    def _read(self, **_: Any) -> str:
        return self.connection.read().removesuffix(self._terminator).decode("ascii")

    def _read_bytes(self, count: int, break_on_termchar: bool = False, **_: Any) -> bytes:
        if count < 0 or break_on_termchar:
            return self.connection.read()
        data = b""
        while len(data) < count:
            data += self.connection.read(count - len(data))
        return data

    def flush_read_buffer(self) -> None:
        """Discard replies that have come."""
        self.connection.discard()

    def __repr__(self) -> str:
        return "<SimAdapter>"
