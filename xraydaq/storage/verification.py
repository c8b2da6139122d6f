"""Is a stored run what it says? Reads everything, compares result and journal, and changes nothing."""

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from xraydaq.errors import StorageError
from xraydaq.storage.contents import Contents, journal_in
from xraydaq.storage.disk import JOURNAL_PACKED, LIVE, RESERVE, is_owned
from xraydaq.storage.hdf5 import h5py
from xraydaq.storage.model import EndState
from xraydaq.storage.reading import CACHE_BYTES, without_columns
from xraydaq.storage.rereading import JournalReader
from xraydaq.storage.result import same_rows, sorted_json
from xraydaq.storage.spill import spills_of

READ_BYTES = 2**20
UNREADABLE = (OSError, KeyError, ValueError, RuntimeError, AttributeError, TypeError, StorageError)


@dataclass(frozen=True)
class Verdict:
    """What was found of one run. `problems` are what a person must know, `notes` what is only worth saying."""

    folder: Path
    state: str
    rows: int
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def verify(folder: Path) -> Verdict:
    """Check the files of one run; whatever is wrong with them is in the verdict, nothing is raised."""
    folder = folder.resolve()
    if is_owned(folder):
        return Verdict(folder, "running", 0, notes=("is being written, not checked",))
    journal, result = journal_in(folder), folder / f"{folder.name}.h5"
    problems = [f"rows wait in {spill}: xraydaq recover {folder}" for spill in spills_of(folder)]
    notes = [f"left over: {path.name}" for path in _leftovers(folder)]
    if journal is None:
        notes.append("no journal: the rows of the result cannot be compared")
        state, rows, found = _result_alone(result)
        return Verdict(folder, state, rows, (*problems, *found), tuple(notes))
    try:
        with JournalReader(journal) as reader:
            contents = reader.contents
            problems += _journal_problems(journal, reader)
            problems += (
                _result_problems(result, reader) if result.exists() else [f"no result: xraydaq recover {folder}"]
            )
    except StorageError as error:
        return Verdict(folder, "unknown", 0, (*problems, f"the journal cannot be read: {error}"), tuple(notes))
    return Verdict(folder, contents.state or "interrupted", contents.rows, tuple(problems), tuple(notes))


def _leftovers(folder: Path) -> Iterator[Path]:
    yield from sorted(folder.glob("*.part"))
    yield from (folder / name for name in (LIVE, RESERVE) if (folder / name).exists())


def _journal_problems(journal: Path, reader: JournalReader) -> Iterator[str]:
    if reader.contents.header is None:
        yield f"{journal.name}: no header of a run can be read"
    if journal.name == JOURNAL_PACKED:
        try:
            with gzip.open(journal) as file:
                while file.read(READ_BYTES):
                    pass
        except (OSError, EOFError, zlib.error) as error:
            yield f"{journal.name}: damaged, {reader.contents.rows} rows can be read: {error}"
    if reader.contents.state is not None and reader.unread_bytes:
        yield f"{journal.name}: {reader.unread_bytes} bytes behind the END"


def _result_problems(path: Path, reader: JournalReader) -> Iterator[str]:
    contents = reader.contents
    try:
        with h5py.File(path, "r", rdcc_nbytes=CACHE_BYTES) as file:
            stored = without_columns(path, file["entry"])
            if contents.header is not None:
                yield from _differences(file["entry"], stored, reader)
            yield from _altered_texts(file["entry/acquisition"])
    except UNREADABLE as error:
        yield f"{path.name}: cannot be read: {error}"


def _differences(entry: Any, stored: Any, reader: JournalReader) -> Iterator[str]:
    contents: Contents = reader.contents
    honest = contents.state or "interrupted"
    if stored.state != honest:
        yield f"the result says {stored.state}, the journal {honest}"
    if contents.state is not None and contents.state not in get_args(EndState):
        yield f"{contents.state!r} is no state of a run"
    if stored.header.to_json() != contents.known_header().to_json():
        yield "the result has another header than the journal"
    rows = len(entry["data"][stored.header.columns[0].name])
    if rows != contents.rows:
        yield f"the result has {rows} rows, the journal {contents.rows}"
    elif not same_rows(entry["data"], reader):
        yield "the rows of the result are not those of the journal"
    if len(stored.events) != len(contents.events) or len(stored.blocks) != len(contents.blocks):
        yield "events or arrays of the journal are missing in the result"
    if sorted_json(stored.instruments) != sorted_json(contents.instruments):
        yield "what the instruments said is not the same in result and journal"


def _altered_texts(acquisition: Any) -> Iterator[str]:
    for name, note in acquisition.items():
        if not isinstance(note, h5py.Group) or "sha256" not in note:
            continue
        text = note["data"].asstr()[()]
        if hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest() != note["sha256"].asstr()[()]:
            yield f"{name}: its text does not have its checksum"


def _result_alone(path: Path) -> tuple[str, int, list[str]]:
    try:
        with h5py.File(path, "r", rdcc_nbytes=CACHE_BYTES) as file:
            stored = without_columns(path, file["entry"])
            columns = [len(file["entry/data"][column.name][()]) for column in stored.header.columns]
            problems = list(_altered_texts(file["entry/acquisition"]))
    except UNREADABLE as error:
        return "unknown", 0, [f"{path.name}: cannot be read: {error}"]
    if len(set(columns)) != 1:
        problems.append("the columns of the result are not of one length")
    return stored.state, columns[0], problems
