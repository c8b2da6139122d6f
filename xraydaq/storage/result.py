"""The result file: built under another name, checked, synced, renamed; never edited where it lies.

Rows go through in pieces, so that building takes the same memory for any number of them.
"""

import contextlib
import gzip
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from xraydaq.errors import BusyError, StorageError
from xraydaq.storage.analyses import write_analysis
from xraydaq.storage.contents import journal_in
from xraydaq.storage.disk import JOURNAL, JOURNAL_PACKED, LIVE, OwnerLock, owner_pid, replace_file, sync_path
from xraydaq.storage.hdf5 import h5py
from xraydaq.storage.model import StoredAnalysis
from xraydaq.storage.nexus import write_tree
from xraydaq.storage.reading import without_columns
from xraydaq.storage.rereading import JournalReader
from xraydaq.storage.spill import bring_home
from xraydaq.storage.workfile import WorkFile

LIBVER = ("v110", "v110")
COPY_BYTES = 256 * 1024
CACHE_BYTES = 128 * 1024
"""Chunks kept in memory per dataset: the one that is being filled or read, and room for one more."""
JOURNAL_GZIP_LEVEL = 4
NO_END = "no END was written: the process was killed or the computer stopped"


def build_result(folder: Path, analyses: Sequence[StoredAnalysis] = ()) -> Path:
    """Build ``<id>.h5`` from the journal in `folder`; then remove the live view and pack the journal.

    Raises:
        BusyError: the run is still being written.
        StorageError: there is a result already, no header can be read, or the disk is full. The journal is then as
            it was.
    """
    folder = folder.resolve()
    with right_to_build(folder):
        return build_owned(folder, analyses)


def build_owned(folder: Path, analyses: Sequence[StoredAnalysis] = ()) -> Path:
    """Do what `build_result` does for a caller that has the right to."""
    journal, path = journal_in(folder), folder / f"{folder.name}.h5"
    if journal is None:
        raise StorageError(f"{folder}: no journal")
    if path.exists():
        raise StorageError(f"{path}: exists; a result is never overwritten")
    with JournalReader(journal) as reader:
        if reader.contents.header is None:
            raise StorageError(f"{journal}: no header of a run could be read")
        _write_new(path, lambda file: _fill(file, reader, analyses), lambda written: _check(written, reader))
    (folder / LIVE).unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # a journal that stays unpacked is as good, only larger
        pack_journal(folder)
    return path


def add_analysis(result_path: Path, analysis: StoredAnalysis) -> int:
    """Add an analysis to a result by building a new file and renaming it; returns the number of the analysis.

    Raises:
        BusyError: somebody else is working in the folder.
        StorageError: the file is no result, or the disk is full. It is then as it was.
    """
    result_path = result_path.resolve()
    with right_to_build(result_path.parent):
        if not result_path.exists():
            raise StorageError(f"{result_path}: no such result")
        numbers: list[int] = []
        _write_new(result_path, lambda file: numbers.append(write_analysis(file["entry"], analysis)))
    return numbers[0]


@contextlib.contextmanager
def right_to_build(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, with the rows of the spill in their place.

    The process that holds the lock as the writer of an ended run needs no second one.

    Raises:
        BusyError: the run is being written, or somebody else builds.
        StorageError: rows of this run wait in the spill and cannot be put into its journal.
    """
    try:
        lock = OwnerLock.take(folder)
    except BusyError:
        journal = journal_in(folder)
        if owner_pid(folder) != os.getpid() or journal is None or not _has_end(journal):
            raise
        yield
    else:
        with lock:
            bring_home(folder)
            yield


def _has_end(journal: Path) -> bool:
    with JournalReader(journal) as reader:
        return reader.contents.state is not None


def _write_new(path: Path, fill: Callable[[Any], None], check: Callable[[Path], None] = lambda _: None) -> None:
    """Fill a new file, or a copy of the one that is there, and give it the name when it has passed the check."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        if path.exists():
            shutil.copyfile(path, temporary)
        _work_on(temporary, fill)
        check(temporary)
        replace_file(temporary, path, read_only=True)
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _work_on(temporary: Path, fill: Callable[[Any], None]) -> None:
    mode = "r+" if temporary.exists() else "w"
    with WorkFile(temporary) as work:
        with h5py.File(work, mode, libver=LIBVER, rdcc_nbytes=CACHE_BYTES) as file:
            fill(file)
        if work.failure is not None:
            raise work.failure


def _fill(file: Any, reader: JournalReader, analyses: Sequence[StoredAnalysis]) -> None:
    contents = reader.contents
    write_tree(file, reader, contents.state or "interrupted", contents.reason if contents.state else NO_END)
    for analysis in analyses:
        write_analysis(file["entry"], analysis)


def _check(temporary: Path, reader: JournalReader) -> None:
    """Read the new file and compare it with the journal, bit by bit."""
    contents = reader.contents
    try:
        with h5py.File(temporary, "r", rdcc_nbytes=CACHE_BYTES) as file:
            stored = without_columns(temporary, file["entry"])
            same = (
                stored.header.to_json() == contents.known_header().to_json()
                and same_rows(file["entry/data"], reader)
                and len(stored.events) == len(contents.events)
                and len(stored.blocks) == len(contents.blocks)
                and sorted_json(stored.instruments) == sorted_json(contents.instruments)
                and sorted_json(stored.twin_truth) == sorted_json(contents.twin_truth)
            )
    except (OSError, KeyError, ValueError, RuntimeError, AttributeError, TypeError) as error:
        raise StorageError(f"{temporary}: not a readable result: {error}") from error
    if not same:
        raise StorageError(f"{temporary}: does not read back as it was written; the journal is kept")


def same_rows(data: Any, reader: JournalReader) -> bool:
    """Compare the columns of a result with the rows of a journal, bit by bit."""
    datasets = {column.name: data[column.name] for column in reader.contents.known_header().columns}
    first = 0
    for piece in reader.pieces():
        end = first + len(piece)
        if any(dataset[first:end].tobytes() != piece[name].tobytes() for name, dataset in datasets.items()):
            return False
        first = end
    return all(len(dataset) == first for dataset in datasets.values())


def sorted_json(value: object) -> str:
    """Write a value so that it can be compared."""
    return json.dumps(value, sort_keys=True)  # as text: no reading may be nan, and nan is not equal to itself


def pack_journal(folder: Path) -> None:
    """Replace ``run.wal`` by ``run.wal.gz`` after checking that the same bytes come out of it."""
    journal, packed = folder / JOURNAL, folder / JOURNAL_PACKED
    if not journal.exists():
        return
    temporary = packed.with_name(f"{packed.name}.{os.getpid()}.part")
    try:
        with (
            journal.open("rb") as plain,
            temporary.open("xb") as raw,
            gzip.GzipFile("", "wb", JOURNAL_GZIP_LEVEL, raw, mtime=0) as packer,
        ):
            shutil.copyfileobj(plain, packer, COPY_BYTES)
        with journal.open("rb") as plain, gzip.open(temporary) as unpacked:
            if _digest(plain) != _digest(unpacked):
                return
        replace_file(temporary, packed, read_only=True)
    finally:
        temporary.unlink(missing_ok=True)
    journal.unlink()
    sync_path(folder)


def _digest(file: IO[bytes] | gzip.GzipFile) -> bytes:
    digest = hashlib.sha256()
    while data := file.read(COPY_BYTES):
        digest.update(data)
    return digest.digest()
