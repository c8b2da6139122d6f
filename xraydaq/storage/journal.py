"""The append-only file of frames. A frame is in it whole or not at all, even when the disk is full."""

import contextlib
import os
from pathlib import Path
from typing import Self

from xraydaq.errors import StorageError
from xraydaq.storage.disk import sync_data
from xraydaq.storage.frames import HEADER, OVERHEAD, FrameType, seal


class JournalFile:
    """Writes frames with rising sequence numbers. Not thread-safe, except `sync` beside `write`."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor: int | None = descriptor
        self.size = 0
        """Bytes in whole frames."""
        self._sequence = 0

    @classmethod
    def create(cls, path: Path) -> Self:
        """Create the file; one that exists is never touched.

        Raises:
            StorageError: it exists or cannot be created.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        try:
            return cls(path, os.open(path, flags, 0o644))
        except OSError as error:
            raise StorageError(f"{path}: {error.strerror}") from error

    def write(self, frame_type: FrameType, payload: bytes) -> None:
        """Append a frame; it is safe after the next `sync`.

        Raises:
            StorageError: it could not be written; the file ends with the frame before.
        """
        buffer = bytearray(OVERHEAD + len(payload))
        buffer[HEADER.size : HEADER.size + len(payload)] = payload
        self.write_prepared(buffer, frame_type, len(payload))

    def write_prepared(self, buffer: bytearray, frame_type: FrameType, payload_size: int) -> None:
        """Append a frame whose payload lies in `buffer` at `HEADER.size`, without copying it.

        Raises:
            StorageError: as `write`.
        """
        size = seal(buffer, frame_type, self._sequence, payload_size)
        with memoryview(buffer)[:size] as frame:
            self._write_all(frame)
        self.size += size
        self._sequence += 1

    def _write_all(self, frame: memoryview) -> None:
        if self._descriptor is None:
            raise StorageError(f"{self._path}: closed")
        written = 0
        try:
            while written < len(frame):
                with frame[written:] as rest:
                    written += os.write(self._descriptor, rest)
        except OSError as error:
            with contextlib.suppress(OSError):  # the torn frame then ends the journal: nothing before it is lost
                os.ftruncate(self._descriptor, self.size)
            raise StorageError(f"{self._path}: {error.strerror}: the row was not stored") from error

    def sync(self) -> None:
        """Return when every frame written before the call survives a power cut.

        Raises:
            StorageError: the disk did not take it.
        """
        if self._descriptor is None:
            raise StorageError(f"{self._path}: closed")
        try:
            sync_data(self._descriptor)
        except OSError as error:
            raise StorageError(f"{self._path}: {error.strerror}: the last rows may not be stored") from error

    def close(self) -> None:
        """Close the file; twice is harmless."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
