"""A journal while it is being written, for front ends: no HDF5, no lock on the writer, O(new rows) per poll."""

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from xraydaq.errors import StorageError
from xraydaq.storage.arrays import FloatArray
from xraydaq.storage.contents import Contents, JournalSource, journal_in
from xraydaq.storage.disk import is_owned
from xraydaq.storage.model import Block, Event, Header


@dataclass(frozen=True)
class TailUpdate:
    """What came since the last poll: rows as 1-D arrays of equal length by column, events, arrays."""

    rows: int
    columns: dict[str, FloatArray]
    events: tuple[Event, ...]
    blocks: tuple[Block, ...]


class JournalTail:
    """Follows one run. `rows` counts all rows polled so far."""

    def __init__(self, folder: Path, source: JournalSource) -> None:
        self.folder = folder
        self.rows = 0
        self._source = source
        self._contents = Contents()
        source.read_into(self._contents, max_bytes=1)
        self.header: Header = self._contents.known_header()

    def poll(self, max_bytes: int | None = None) -> TailUpdate:
        """Get what is new; with `max_bytes` at most about that much of the journal, the rest at the next call."""
        contents = self._contents
        self._source.read_into(contents, max_bytes)
        new_rows = contents.rows - self.rows
        update = TailUpdate(new_rows, contents.columns(), tuple(contents.events), tuple(contents.blocks))
        self.rows = contents.rows
        contents.rows_data = bytearray()
        contents.events.clear()
        contents.blocks.clear()
        return update

    @property
    def state(self) -> str:
        """Get ``running``, the state in the END frame, or ``interrupted`` if the writer is gone without one."""
        if self._contents.state is not None:
            return self._contents.state
        return "running" if is_owned(self.folder) else "interrupted"

    @property
    def ended(self) -> bool:
        """Get whether the END frame has been polled: nothing more will come."""
        return self._contents.state is not None

    @property
    def reason(self) -> str:
        """Get why the run ended."""
        return self._contents.reason

    @property
    def instruments(self) -> dict[str, dict[str, Any]]:
        """Get what the instruments said about themselves, by role."""
        return self._contents.instruments

    def close(self) -> None:
        """Close the journal; twice is harmless."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def tail_journal(folder: Path) -> JournalTail:
    """Follow the run in `folder`, from its first row on.

    Raises:
        StorageError: there is no journal, or it has no readable header.
    """
    path = journal_in(folder)
    if path is None:
        raise StorageError(f"{folder}: no journal")
    try:
        source = JournalSource(path)
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from error
    try:
        return JournalTail(folder, source)
    except StorageError as error:
        source.close()
        raise StorageError(f"{path}: {error}") from error
