"""The rows that are not in the journal yet, packed as they will be written."""

import struct
from collections.abc import Sequence

from xraydaq.errors import StorageError
from xraydaq.storage.frames import CHECKSUM, HEADER, FrameType, seal
from xraydaq.storage.model import Column, Header

BUFFER_BYTES = 256 * 1024


class RowBuffer:
    """A buffer of fixed size with room for the frame around the rows."""

    def __init__(self, header: Header) -> None:
        self._columns = header.columns
        self._row = header.row
        self._row_size = self._row.size
        self._pack_into = self._row.pack_into
        self._end = HEADER.size + max(1, BUFFER_BYTES // self._row_size) * self._row_size
        self._bytes = bytearray(self._end + CHECKSUM.size)
        self._fill = HEADER.size

    def put(self, row: Sequence[float]) -> int:
        """Take one row; returns the number of bytes still free.

        Raises:
            StorageError: the row does not fit the columns; it was not taken.
        """
        try:
            self._pack_into(self._bytes, self._fill, *row)
        except struct.error:  # the rare way: 3.0 for an integer column, or a row that is wrong
            self._pack_into(self._bytes, self._fill, *_converted(row, self._columns, self._row))
        self._fill += self._row_size
        return self._end - self._fill

    def __len__(self) -> int:
        return (self._fill - HEADER.size) // self._row_size

    def take(self, sequence: int) -> bytes:
        """Get the rows as frame number `sequence`, and be empty."""
        size = seal(self._bytes, FrameType.ROWS, sequence, self._fill - HEADER.size)
        self._fill = HEADER.size
        return bytes(self._bytes[:size])


def _converted(row: Sequence[float], columns: tuple[Column, ...], layout: struct.Struct) -> list[float]:
    if len(row) != len(columns):
        raise StorageError(f"a row of {len(row)} values for {len(columns)} columns")
    try:
        values = [
            float(value) if column.dtype == "f8" else _whole(value) for value, column in zip(row, columns, strict=True)
        ]
        layout.pack(*values)
    except (ValueError, TypeError, OverflowError, struct.error) as error:
        raise StorageError(f"the row {tuple(row)} does not fit the columns: {error}") from error
    return values


def _whole(value: float) -> int:
    if int(value) != value:
        raise ValueError(f"{value} is not a whole number")
    return int(value)
