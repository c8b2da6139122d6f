"""The append-only file of frames. A frame is in it whole or not at all, even when the disk is full."""

import contextlib
import errno
import os
from pathlib import Path
from typing import Self

from xraydaq.errors import StorageError
from xraydaq.storage.disk import sync_data

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class WriteFailed(StorageError):
    """The disk did not take it."""

    def __init__(self, path: Path, error: OSError) -> None:
        self.is_full = error.errno in NO_ROOM
        super().__init__(f"{'disk full' if self.is_full else 'storage lost'}: {path}: {error.strerror or error}")


class JournalFile:
    """Appends frames that are sealed already, in the order it is given them. For one thread at a time."""

    def __init__(self, path: Path, descriptor: int, size: int = 0) -> None:
        self.path = path
        self._descriptor: int | None = descriptor
        self.size = size
        """Bytes in whole frames."""
        about = os.fstat(descriptor)
        self._place = (about.st_dev, about.st_ino)

    @classmethod
    def create(cls, path: Path) -> Self:
        """Create the file; one that exists is never touched.

        Raises:
            StorageError: it exists or cannot be created.
        """
        return cls._opened(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, None)

    @classmethod
    def go_on(cls, path: Path, size: int) -> Self:
        """Open a file to go on behind its first `size` bytes; what was there after them is gone.

        Raises:
            StorageError: it cannot be opened.
        """
        return cls._opened(path, os.O_WRONLY | os.O_APPEND, size)

    @classmethod
    def _opened(cls, path: Path, flags: int, size: int | None) -> Self:
        try:
            descriptor = os.open(path, flags, 0o644)
            if size is not None:
                os.ftruncate(descriptor, size)
            return cls(path, descriptor, size or 0)
        except OSError as error:
            raise WriteFailed(path, error) from error

    def write(self, frame: bytes) -> None:
        """Append a frame; it is safe after the next `sync`.

        Raises:
            StorageError: it could not be written; the file ends with the frame before.
        """
        descriptor, written = self._open_descriptor(), 0
        try:
            while written < len(frame):
                written += os.write(descriptor, frame[written:] if written else frame)
        except OSError as error:
            with contextlib.suppress(OSError):  # the torn frame then ends the journal: nothing before it is lost
                os.ftruncate(descriptor, self.size)
            raise WriteFailed(self.path, error) from error
        self.size += len(frame)

    def sync(self) -> None:
        """Return when every frame written before the call survives a power cut.

        Raises:
            StorageError: the disk did not take it, or the file is no longer where it was created.
        """
        descriptor = self._open_descriptor()
        try:
            sync_data(descriptor)
            about = self.path.stat()  # a file that was removed takes everything and keeps nothing
        except OSError as error:
            raise WriteFailed(self.path, error) from error
        if (about.st_dev, about.st_ino) != self._place:
            raise WriteFailed(self.path, OSError(errno.ESTALE, "another file is in the place of the journal"))

    def _open_descriptor(self) -> int:
        if self._descriptor is None:
            raise StorageError(f"{self.path}: closed")
        return self._descriptor

    def close(self) -> None:
        """Close the file; twice is harmless."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)
