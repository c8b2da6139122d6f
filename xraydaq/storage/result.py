"""The result file: built in memory, checked, written, synced, renamed; never edited where it lies.

HDF5 works in memory here and plain file calls write the bytes: on a full disk a library that is in the middle of a
file ends its process badly, a `write` that fails does not.
"""

import contextlib
import gzip
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from xraydaq.errors import BusyError, StorageError
from xraydaq.storage.analyses import write_analysis
from xraydaq.storage.contents import Contents, journal_in, replay
from xraydaq.storage.disk import JOURNAL, JOURNAL_PACKED, LIVE, OwnerLock, owner_pid, replace_file, sync_path
from xraydaq.storage.hdf5 import h5py
from xraydaq.storage.model import StoredAnalysis
from xraydaq.storage.nexus import write_tree
from xraydaq.storage.reading import read_result

LIBVER = ("v110", "v110")
GROW_BYTES = 2**20
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
    contents = replay(journal)
    if contents.header is None:
        raise StorageError(f"{journal}: no header of a run could be read")
    with _building(path) as (file, temporary):
        write_tree(file, contents, contents.state or "interrupted", contents.reason if contents.state else NO_END)
        for analysis in analyses:
            write_analysis(file["entry"], analysis)
        _write_image(file, temporary)
        _check(temporary, contents)
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
        with _building(result_path) as (file, temporary):
            number = write_analysis(file["entry"], analysis)
            _write_image(file, temporary)
    return number


@contextlib.contextmanager
def right_to_build(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the process that holds it as the writer of an ended run needs no second one.

    Raises:
        BusyError: the run is being written, or somebody else builds.
    """
    try:
        lock = OwnerLock.take(folder)
    except BusyError:
        journal = journal_in(folder)
        if owner_pid(folder) != os.getpid() or journal is None or replay(journal).state is None:
            raise
        yield
    else:
        with lock:
            yield


@contextlib.contextmanager
def _building(path: Path) -> Iterator[tuple[Any, Path]]:
    """Open `path`, or a new file, in memory, and give what the caller wrote to the temporary file its name."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        image = path.read_bytes() if path.exists() else None
        with h5py.File.in_memory(image, libver=LIBVER, block_size=GROW_BYTES, rdcc_nbytes=GROW_BYTES) as file:
            yield file, temporary
        replace_file(temporary, path, read_only=True)
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _write_image(file: Any, temporary: Path) -> None:
    file.flush()
    with temporary.open("xb") as written:
        written.write(file.id.get_file_image())


def _check(temporary: Path, contents: Contents) -> None:
    """Read the new file and compare it with the journal, bit by bit."""
    stored = read_result(temporary)
    same = (
        stored.header.to_json() == contents.known_header().to_json()
        and all(
            np.array_equal(values.view("u1"), contents.column(name).view("u1"))
            for name, values in stored.columns.items()
        )
        and len(stored.events) == len(contents.events)
        and len(stored.blocks) == len(contents.blocks)
        and _sorted_json(stored.instruments) == _sorted_json(contents.instruments)
    )
    if not same:
        raise StorageError(f"{temporary}: does not read back as it was written; the journal is kept")


def _sorted_json(value: object) -> str:
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
            shutil.copyfileobj(plain, packer, GROW_BYTES)
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
    while data := file.read(GROW_BYTES):
        digest.update(data)
    return digest.digest()
