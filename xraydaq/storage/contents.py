"""What the frames of a journal add up to, and where they are read from."""

import contextlib
import io
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from xraydaq.errors import StorageError
from xraydaq.storage.arrays import FloatArray
from xraydaq.storage.disk import JOURNAL, JOURNAL_PACKED
from xraydaq.storage.frames import HEADER, Frame, FrameType, frame_size, is_broken, scan, split_block
from xraydaq.storage.model import Block, Event, Header

CHUNK_BYTES = 264 * 1024
"""Holds the largest frame of rows that is usually written (see `rows`); a larger one is read as what it is."""
UNPACK_BYTES = 64 * 1024


@dataclass
class Contents:
    """Everything replayed so far. `rows_data` are whole rows as in the journal; `head` is the HEAD payload."""

    header: Header | None = None
    head: bytes = b""
    rows_data: bytearray = field(default_factory=bytearray)
    rows: int = 0
    events: list[Event] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    instruments: dict[str, dict[str, Any]] = field(default_factory=dict)
    end_truth: dict[str, Any] | None = None
    state: str | None = None
    """None: no END was seen."""
    reason: str = ""

    @property
    def twin_truth(self) -> dict[str, Any] | None:
        """Get what is true of the simulated world: at the end, else at the start, None for a real one."""
        return self.known_header().twin_truth if self.end_truth is None else self.end_truth

    def known_header(self) -> Header:
        """Get the header.

        Raises:
            StorageError: there is none.
        """
        if self.header is None:
            raise StorageError("no header of a run could be read")
        return self.header

    def take(self, frame: Frame) -> None:
        """Add a frame.

        Raises:
            StorageError: it cannot be at this place; reading must stop before it.
        """
        if self.state is not None or (self.header is None) != (frame.type is FrameType.HEAD):
            raise StorageError(f"frame {frame.sequence}: no {frame.type.name} can be here")
        if frame.type is FrameType.HEAD:
            self.head = bytes(frame.payload)
            self.header = Header.from_json(self.head)
        elif frame.type is FrameType.ROWS:
            self._take_rows(frame)
        elif frame.type is FrameType.BLOCK:
            self.blocks.append(_block(frame))
        else:
            self._take_json(frame)

    def _take_rows(self, frame: Frame) -> None:
        row_size = self.known_header().row.size
        if len(frame.payload) % row_size:
            raise StorageError(f"frame {frame.sequence}: not whole rows")
        self.rows_data += frame.payload
        self.rows += len(frame.payload) // row_size

    def _take_json(self, frame: Frame) -> None:
        value = frame.json()
        try:
            if frame.type is FrameType.END:
                if value["rows"] != self.rows:
                    raise StorageError(f"the run ended with {value['rows']} rows; {self.rows} were found")
                self.state, self.reason = str(value["state"]), str(value["reason"])
            elif "twin_truth" in value:
                self.end_truth = dict(value["twin_truth"])
            elif "instrument" in value:
                self.instruments.setdefault(value["instrument"], {}).update(value["facts"])
            else:
                self.events.append(Event(**value["event"]))
        except (KeyError, TypeError, ValueError) as error:
            raise StorageError(f"frame {frame.sequence}: {frame.type.name} without {error}") from error

    def columns(self) -> dict[str, FloatArray]:
        """Get the rows in `rows_data` as one contiguous array per column."""
        return {column.name: self.column(column.name) for column in self.known_header().columns}

    def column(self, name: str) -> FloatArray:
        """Get one column of the rows in `rows_data`, as a copy: a view would keep `rows_data` from growing."""
        values: FloatArray = self.records()[name].copy()
        return values

    def records(self) -> FloatArray:
        """Get a view of `rows_data` as records; as long as it lives `rows_data` cannot grow."""
        layout = [(column.name, "<" + column.dtype) for column in self.known_header().columns]
        return np.frombuffer(self.rows_data, dtype=layout)


class JournalSource:
    """Reads a journal, packed or not, from where it stopped the last time; one that is being written grows."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = io.BytesIO(unpacked(path)) if path.suffix == ".gz" else path.open("rb", buffering=0)
        self._offset = 0
        self._sequence = 0
        self.refused = ""
        """Why nothing more can be read, for good."""

    def read_into(self, contents: Contents, max_bytes: int | None = None) -> int:
        """Add the frames that came since the last call, about `max_bytes` at most; returns how many bytes."""
        start, size = self._offset, CHUNK_BYTES
        while not self.refused and (max_bytes is None or self._offset - start < max_bytes):
            self._file.seek(self._offset)
            data = self._file.read(size)
            if self._take_frames(data, contents):
                continue
            if len(data) < size or is_broken(data[: HEADER.size], self._sequence) or frame_size(data) <= size:
                break  # the rest of the frame is not there, or the whole of it is and its checksum is wrong
            size = frame_size(data)  # a frame larger than a chunk
        return self._offset - start

    def _take_frames(self, data: bytes, contents: Contents) -> bool:
        base, found = self._offset, False
        for frame in scan(data, self._sequence):
            try:
                contents.take(frame)
            except StorageError as error:
                self.refused = str(error)
                break
            self._offset, self._sequence, found = base + frame.end, frame.sequence + 1, True
        return found

    @property
    def unread_bytes(self) -> int:
        """Get how many bytes there are behind the last frame that could be read."""
        return self._file.seek(0, io.SEEK_END) - self._offset

    def rewind(self) -> None:
        """Start again at the first frame."""
        self._offset, self._sequence, self.refused = 0, 0, ""

    def close(self) -> None:
        """Close the file; twice is harmless."""
        self._file.close()


def journal_in(folder: Path) -> Path | None:
    """Find the journal of a run, plain or packed."""
    return next((path for name in (JOURNAL, JOURNAL_PACKED) if (path := folder / name).exists()), None)


def replay(path: Path) -> Contents:
    """Read a journal up to its first bad frame; whatever is behind that does not exist.

    Raises:
        StorageError: the file cannot be read at all.
    """
    contents = Contents()
    try:
        source = JournalSource(path)
        try:
            source.read_into(contents)
        finally:
            source.close()
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from error
    return contents


def _block(frame: Frame) -> Block:
    try:
        about, data = split_block(frame)
        values = np.frombuffer(bytes(data), dtype=np.dtype(about["dtype"])).reshape(about["shape"])
        return Block(about["name"], about["header"], values)
    except (KeyError, TypeError, ValueError) as error:
        raise StorageError(f"frame {frame.sequence}: not a block: {error}") from error


def unpacked(path: Path) -> bytes:
    """Unpack a journal up to its end or to the first damage."""
    inflater = zlib.decompressobj(wbits=31)  # 31: a gzip header is expected
    plain = bytearray()
    with path.open("rb") as file:
        while data := file.read(UNPACK_BYTES):
            before = inflater.copy()
            try:
                plain += inflater.decompress(data)
            except zlib.error:
                plain += _up_to_the_damage(before, data)
                break  # what was unpacked before the damage is checked frame by frame
    return bytes(plain)


def _up_to_the_damage(inflater: "zlib._Decompress", data: bytes) -> bytes:
    """Unpack byte by byte: a larger piece gives nothing at all if its last byte is wrong."""
    plain = bytearray()
    with contextlib.suppress(zlib.error):
        for index in range(len(data)):
            plain += inflater.decompress(data[index : index + 1])
    return bytes(plain)
