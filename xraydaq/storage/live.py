"""The live view: a disposable HDF5 file in SWMR mode. Written by the publisher only, watched by anybody."""

import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from xraydaq.errors import StorageError
from xraydaq.storage.arrays import FloatArray
from xraydaq.storage.disk import LIVE
from xraydaq.storage.hdf5 import h5py
from xraydaq.storage.model import Event, Header, iso_utc

LIBVER = ("v110", "v110")
CHUNK_ROWS = 1024
CHUNK_EVENTS = 64
CACHE_BYTES = 32 * 1024
"""Chunks that HDF5 keeps in memory per dataset. No chunk is written twice but the last one, and the 8 MiB of HDF5 2.0
for every column would make the publisher grow by all rows of the first million."""
EVENT_TYPE = np.dtype(
    [
        ("elapsed", "f8"), ("epoch", "f8"), ("row", "i8"), ("severity", "S16"),
        ("source", "S32"), ("kind", "S32"), ("message", "S256"),
    ]
)  # fmt: skip


class LiveFile:
    """The writing end. Create everything, `start`, then only rows, events and the state change.

    HDF5 2.0 would take new groups, attributes and variable-length texts after `start` and make the file unreadable
    by it; this class does not.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
        self._file = h5py.File(self._temporary, "x", libver=LIBVER, rdcc_nbytes=CACHE_BYTES)
        self._started = False
        self._columns: list[Any] = []
        self.rows = 0

    @classmethod
    def create(cls, folder: Path, header: Header) -> Self:
        """Build the file for a run and start it; one left by an earlier publisher is replaced."""
        live = cls(folder / LIVE)
        live.add_attributes("/", NX_class="NXroot", default="entry", creator="xraydaq")
        live.add_group("entry", "NXentry", default="data")
        live.add_text("entry/title", header.title)
        live.add_text("entry/definition", header.definition)
        live.add_text("entry/start_time", iso_utc(header.start_utc_s))
        axes = {f"{axis}_indices": np.array([0]) for axis in header.axes}
        live.add_group("entry/data", "NXdata", signal=header.signal, axes=list(header.axes), **axes)
        for column in header.columns:
            live.add_column(f"entry/data/{column.name}", column.dtype, units=column.unit, long_name=column.long_name)
        live.add_group("entry/daq", "NXcollection")
        live.add_fixed("entry/daq/state", np.array([b"running"], "S32"))
        live.add_fixed("entry/daq/committed", np.array([0], "i8"))
        live.add_table("entry/daq/events", EVENT_TYPE, CHUNK_EVENTS)
        live.start()
        return live

    def _creating(self, what: str) -> None:
        if self._started:
            raise StorageError(f"{self._path}: {what} cannot be created while others read: the file would break")

    def add_group(self, path: str, nx_class: str, **attributes: object) -> None:
        """Create a group.

        Raises:
            StorageError: after `start`; so do all the other ``add`` methods.
        """
        self._creating(f"group {path}")
        self._file.create_group(path)
        self.add_attributes(path, NX_class=nx_class, **attributes)

    def add_attributes(self, path: str, **attributes: object) -> None:
        """Create attributes of a group or dataset."""
        self._creating(f"attributes of {path}")
        self._file[path].attrs.update(attributes)

    def add_text(self, path: str, text: str) -> None:
        """Create a text of variable length."""
        self._creating(f"text {path}")
        self._file[path] = text.replace("\0", "\\0")

    def add_fixed(self, path: str, values: FloatArray) -> None:
        """Create a dataset that is overwritten in place; chunked, as everything that is read meanwhile must be."""
        self._creating(f"dataset {path}")
        self._file.create_dataset(path, data=values, chunks=values.shape)

    def add_table(self, path: str, dtype: Any, chunk: int) -> Any:
        """Create an empty dataset that grows."""
        self._creating(f"dataset {path}")
        fill = np.nan if np.dtype(dtype).kind == "f" else None
        return self._file.create_dataset(path, (0,), dtype, maxshape=(None,), chunks=(chunk,), fillvalue=fill)

    def add_column(self, path: str, dtype: str, **attributes: object) -> None:
        """Create a column; `append` fills the columns in the order they were created."""
        self._columns.append(self.add_table(path, dtype, CHUNK_ROWS))
        self.add_attributes(path, **attributes)

    def start(self) -> None:
        """Let readers in."""
        self._file.swmr_mode = True
        self._started = True
        self._file.flush()
        self._temporary.replace(self._path)

    def append(self, columns: Sequence[FloatArray]) -> None:
        """Write rows, one array per column; readers see them after `flush`."""
        count = len(columns[0])
        for dataset, values in zip(self._columns, columns, strict=True):
            dataset.resize((self.rows + count,))
            dataset[self.rows :] = values
        self.rows += count

    def append_events(self, events: Sequence[Event]) -> None:
        """Write events; texts that are too long for the live view are cut (the journal has them whole)."""
        dataset = self._file["entry/daq/events"]
        records = [
            (e.elapsed_s, e.epoch_s, e.row, *(text.encode(errors="replace") for text in _texts(e))) for e in events
        ]
        first = len(dataset)
        dataset.resize((first + len(records),))
        dataset[first:] = np.array(records, EVENT_TYPE)

    def flush(self, state: str | None = None) -> None:
        """Make what was appended visible: columns, then the count of rows, then the end of the file."""
        for dataset in self._columns:
            dataset.flush()
        self._file["entry/daq/committed"][0] = self.rows
        if state is not None:
            self._file["entry/daq/state"][0] = np.bytes_(state)
        self._file.flush()

    def close(self) -> None:
        """Close a file that has never failed. One that has must be left alone: see `abandon`."""
        self._file.close()

    def abandon(self) -> None:
        """Take the file away from readers without touching it through HDF5; the caller then ends its process."""
        for path in (self._path, self._temporary):
            with contextlib.suppress(OSError):
                path.unlink()


def _texts(event: Event) -> tuple[str, str, str, str]:
    return event.severity, event.source, event.kind, event.message


class LiveView:
    """The reading end, in any process. `poll` costs the same at any number of rows, and least when none is new."""

    def __init__(self, path: Path) -> None:
        self._path = path / LIVE if path.is_dir() else path
        self._file: Any = None
        self._inode = 0
        self._types: dict[str, Any] = {}
        self.rows = 0
        self.state = "running"

    def poll(self) -> Mapping[str, FloatArray]:
        """Get the rows that came since the last poll, as 1-D arrays by column; empty if there is no live file yet.

        Raises:
            StorageError: the file is there and cannot be read.
        """
        try:
            if not self._opened():
                return {}
            return self._new_rows()
        except (OSError, KeyError, RuntimeError) as error:
            self.close()
            raise StorageError(f"{self._path}: {error}") from error

    def _opened(self) -> bool:
        try:
            inode = self._path.stat().st_ino
        except FileNotFoundError:
            return self._file is not None  # removed after the result was built; what we hold stays readable
        if self._file is None or inode != self._inode:
            self.close()
            self._file = h5py.File(self._path, "r", libver=LIBVER, swmr=True, rdcc_nbytes=CACHE_BYTES)
            self._inode = inode
            self._types = {name: column.dtype for name, column in self._file["entry/data"].items()}
        return True

    def _new_rows(self) -> Mapping[str, FloatArray]:
        self.state = self._fresh("entry/daq/state")[0].decode()
        committed = int(self._fresh("entry/daq/committed")[0])
        if committed <= self.rows:
            return {name: np.empty(0, dtype) for name, dtype in self._types.items()}
        columns = {name: self._fresh(f"entry/data/{name}") for name in self._types}
        rows = min(committed, *(len(column) for column in columns.values()))
        first, self.rows = self.rows, max(self.rows, rows)
        return {name: column[first : self.rows] for name, column in columns.items()}

    def _fresh(self, path: str) -> Any:
        """Open a dataset as the file has it now. None is kept for the next poll: h5py remembers how long it was."""
        opened = h5py.h5d.open(self._file.id, path.encode())
        opened.refresh()
        return h5py.Dataset(opened)

    def close(self) -> None:
        """Close the file; twice is harmless."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
