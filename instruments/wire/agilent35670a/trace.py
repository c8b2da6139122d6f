"""Traces of the Agilent 35670A: rows of text and IEEE-488.2 definite blocks of doubles.

PROG is "GPIB Programming with the Agilent 35670A": ``FORM ASC`` separates by commas; ``FORM REAL,64`` sends
``#<d><n><data>``, big-endian, then a line feed. A line feed inside the data is data.
"""

import re

import numpy as np
from numpy.typing import NDArray

from instruments.wire.agilent35670a.text import (
    LARGEST,
    parse_real,
)
from instruments.wire.replies import bad_text
from xraydaq.errors import WireError

MOST_VALUES = 8192
"""More than any trace holds: 1.28 times 1600 lines, or 4096 samples of a time record."""

WIDTH = 8
_TERMINATOR = b"\n"
_START = re.compile(rb"(?:#[1-9]?)?")


def parse_rows(line: str) -> NDArray[np.float64]:
    """Get the values of an ASCII trace.

    Raises:
        WireError: anything but numbers between commas.
    """
    fields = line.split(",", MOST_VALUES)
    if len(fields) > MOST_VALUES:
        raise bad_text(f"more than {MOST_VALUES} values", line)
    try:
        return np.array([parse_real(field) for field in fields])
    except WireError as error:
        raise bad_text(f"{error.data[:30]!r} is not a value of a trace", line) from None


def parse_block(data: bytes) -> NDArray[np.float64]:
    """Get the values of one whole ``REAL,64`` reply with its terminator.

    Raises:
        WireError: anything else.
    """
    reader = BlockReader()
    values = reader.feed(data)
    if values is None:
        raise WireError("half a block", data)
    return values


class BlockReader:
    """Puts one ``REAL,64`` reply together from pieces of any size."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def missing(self) -> int:
        """Get how many bytes may be read now without reading past the end: header, length, then the rest."""
        return self._wanted() - len(self._buffer)

    def feed(self, data: bytes) -> NDArray[np.float64] | None:
        """Take what arrived and return the values once all are there.

        Raises:
            WireError: another header, bytes beyond the end, or no values.
        """
        self._buffer += data
        wanted = self._wanted()
        if len(self._buffer) < wanted:
            return None
        if len(self._buffer) > wanted or not self._buffer.endswith(_TERMINATOR):
            raise self._error("a block that does not end where it says")
        values = np.frombuffer(bytes(self._buffer[self._head() : -1]), dtype=">f8").astype(np.float64)
        if not np.all(np.abs(values) < LARGEST):
            raise self._error("a block with values that are no numbers")
        return values

    def _head(self) -> int:
        return 2 + self._buffer[1] - ord("0")

    def _wanted(self) -> int:
        """Get the length as far as it is known yet."""
        start = bytes(self._buffer[:2])
        if _START.fullmatch(start) is None:
            raise self._error("not a block of known length")
        if len(start) < 2:
            return 2
        digits = bytes(self._buffer[2 : self._head()])
        if digits and not digits.isdigit():
            raise self._error("not a block of known length")
        if len(digits) < self._head() - 2:
            return self._head()
        size = int(digits)
        if size % WIDTH or not 0 < size <= WIDTH * MOST_VALUES:
            raise self._error(f"a block of {size} bytes")
        return self._head() + size + len(_TERMINATOR)

    def _error(self, message: str) -> WireError:
        return WireError(message, bytes(self._buffer))
