"""A journal whose rows are read piece by piece, as often as needed: memory does not grow with the rows of a run."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from xraydaq.errors import StorageError
from xraydaq.storage.arrays import FloatArray
from xraydaq.storage.contents import Contents, JournalSource

PIECE_BYTES = 64 * 1024


class JournalReader:
    """Reads a journal up to its first bad frame. `contents` has everything but the rows, of which it has the count."""

    def __init__(self, path: Path) -> None:
        try:
            self._source = JournalSource(path)
            self.contents = Contents()
            self.last_row: FloatArray | None = None
            for piece in self._pieces(self.contents):
                self.last_row = piece[-1:].copy()
        except OSError as error:
            raise StorageError(f"{path}: {error.strerror}") from error

    @property
    def unread_bytes(self) -> int:
        """Get how many bytes there are behind the last frame that could be read."""
        return self._source.unread_bytes

    def pieces(self) -> Iterator[FloatArray]:
        """Yield all rows as records, some thousand at a time."""
        self._source.rewind()
        contents = Contents()
        for piece in self._pieces(contents):
            yield piece
            contents.events.clear()
            contents.blocks.clear()

    def _pieces(self, contents: Contents) -> Iterator[FloatArray]:
        while self._source.read_into(contents, PIECE_BYTES):
            if contents.rows_data:
                piece = contents.records()
                contents.rows_data = bytearray()
                yield piece

    def close(self) -> None:
        """Close the journal; twice is harmless."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
