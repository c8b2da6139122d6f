"""Replies of the Keithley 2400 put together from pieces of any size, with the same outcome however they were cut."""

from collections.abc import Sequence

from instruments.wire.keithley2400.reading import Reading
from instruments.wire.keithley2400.rows import BLOCK_HEADER, TERMINATOR, ByteOrder, block_size, parse_block
from xraydaq.errors import WireError

LONGEST_LINE = 2500 * 5 * 14 + 1
"""Characters of the longest reply: 2500 readings of five elements, 13 characters and a comma each."""


class LineReader:
    """Cuts a stream into lines that end with CR, LF, CRLF or LFCR; empty lines are no lines.

    `feed` takes bytes and never fails; what is wrong shows when `next_line` reaches it.
    """

    def __init__(self, longest: int = LONGEST_LINE) -> None:
        self._longest = longest
        self._buffer = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> None:
        """Take what arrived."""
        self._buffer += data

    @property
    def pending(self) -> bytes:
        """Get the half line that has no end yet, once `next_line` has returned None."""
        return bytes(self._buffer)

    def next_line(self) -> bytes | None:
        """Get the next whole line without its end, None when there is none yet.

        Raises:
            WireError: a line longer than any reply; reading on skips the rest of it.
        """
        while True:
            end = min((place for place in map(self._buffer.find, (b"\r", b"\n")) if place >= 0), default=-1)
            if end < 0:
                self._check_length()
                return None
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            if self._skipping:
                self._skipping = False
            elif len(line) > self._longest:
                raise self._too_long(line)
            elif line:
                return line

    def _check_length(self) -> None:
        if self._skipping:
            self._buffer.clear()
        elif len(self._buffer) > self._longest:
            start = bytes(self._buffer)
            self._buffer.clear()
            self._skipping = True
            raise self._too_long(start)

    def _too_long(self, line: bytes) -> WireError:
        return WireError(f"a line of more than {self._longest} bytes", line[: self._longest + 1])


class BlockReader:
    """Puts one ``REAL,32`` reply together: header, `count` readings, terminator."""

    def __init__(self, elements: Sequence[str], byte_order: ByteOrder, count: int) -> None:
        self._elements = tuple(elements)
        self._byte_order: ByteOrder = byte_order
        self._count = count
        self._size = block_size(self._elements, count)
        self._buffer = bytearray()

    @property
    def missing(self) -> int:
        """Get how many bytes are still to come."""
        return self._size - len(self._buffer)

    def feed(self, data: bytes) -> tuple[Reading, ...] | None:
        """Take what arrived and return the readings once all are there.

        Raises:
            WireError: another header, bytes beyond the end, or no readings.
        """
        self._buffer += data
        start = bytes(self._buffer[: len(BLOCK_HEADER)])
        if start != BLOCK_HEADER[: len(start)] or self.missing < 0:
            raise WireError(f"not a binary block of {self._count} readings", bytes(self._buffer))
        if self.missing:
            return None
        if not self._buffer.endswith(TERMINATOR):
            raise WireError("a binary block without its terminator", bytes(self._buffer))
        return parse_block(bytes(self._buffer), self._elements, self._byte_order, self._count)
