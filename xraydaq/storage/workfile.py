"""The file that HDF5 writes a result into; a disk that fills in the middle of it fails the result, not the process."""

import io
import os
from pathlib import Path
from types import TracebackType
from typing import Self


class WorkFile:
    """A file for h5py that never fails under it.

    HDF5 that cannot write what it holds can neither go on nor close, and may end the process. So it goes on in memory
    from the first write that the disk did not take, ends in order, and `failure` says that nothing of it may be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: io.FileIO | io.BytesIO = io.FileIO(path, "r+" if path.exists() else "x+")
        self.failure: OSError | None = None

    def write(self, data: memoryview) -> int:
        """Write all of `data` at the present place."""
        start = self._file.tell()
        try:
            written = 0
            while written < len(data):
                written += self._file.write(data[written:])
        except OSError as error:
            self._go_on_in_memory(error)
            self._file.seek(start)
            self._file.write(data)
        return len(data)

    def truncate(self, size: int) -> int:
        """Give the file its size, larger or smaller."""
        try:
            return self._file.truncate(size)
        except OSError as error:
            self._go_on_in_memory(error)
            return self._file.truncate(size)

    def _go_on_in_memory(self, failure: OSError) -> None:
        self.failure = failure
        self._file.close()
        self._file = io.BytesIO(self._path.read_bytes())

    def readinto(self, buffer: memoryview) -> int:
        """Read from the present place."""
        return self._file.readinto(buffer)

    def read(self, size: int = -1) -> bytes:
        """Read from the present place; h5py takes nothing without this for a file and then calls `readinto`."""
        return self._file.read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place in the file."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Get the present place."""
        return self._file.tell()

    def flush(self) -> None:
        """Nothing is held back: whoever needs it safe syncs the file when HDF5 has closed it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
