"""Reads a run back from whatever there is of it: the result, else the journal. Never writes, never needs an END."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from xraydaq.errors import StorageError
from xraydaq.storage.analyses import read_analyses
from xraydaq.storage.contents import Contents, journal_in, replay
from xraydaq.storage.disk import JOURNAL, JOURNAL_PACKED, is_owned
from xraydaq.storage.hdf5 import h5py
from xraydaq.storage.model import Block, Header, RunSummary, StoredRun
from xraydaq.storage.nodes import events_from
from xraydaq.storage.spill import spills_of

CACHE_BYTES = 2**20
"""Per dataset: every chunk is read once, so that the 8 MiB of HDF5 2.0 would be filled for nothing."""


def read_run(path: Path) -> StoredRun:
    """Read a run from its folder, its result or its journal (``run.wal``, ``run.wal.gz``).

    A run that is being written, or that was cut off, gives the rows up to the last whole frame and says so in `state`.

    Raises:
        StorageError: nothing that is a run can be read.
    """
    if path.suffix == ".h5":
        return read_result(path)
    if path.is_file():
        return _read_journal(path)
    result, journal = path / f"{path.resolve().name}.h5", journal_in(path)
    if result.exists():
        try:
            return read_result(result)
        except StorageError:
            if journal is None:
                raise
    if journal is None:
        raise StorageError(f"{path}: neither a result nor a journal is there")
    return _read_journal(journal)


def read_result(path: Path) -> StoredRun:
    """Read a result file.

    Raises:
        StorageError: it is none, or it is damaged.
    """
    try:
        with h5py.File(path, "r", rdcc_nbytes=CACHE_BYTES) as file:
            return _stored(path, file["entry"])
    except (OSError, KeyError, ValueError, RuntimeError, AttributeError, TypeError) as error:
        raise StorageError(f"{path}: not a readable result: {error}") from error


def _stored(path: Path, entry: Any) -> StoredRun:
    stored = without_columns(path, entry)
    return replace(stored, columns={column.name: entry["data"][column.name][()] for column in stored.header.columns})


def without_columns(path: Path, entry: Any) -> StoredRun:
    """Read everything of a result but its columns, which may be large."""
    daq = entry["daq"]
    header = Header.from_json(daq["header"].asstr()[()].encode())
    return StoredRun(
        path=path,
        header=header,
        columns={},
        state=daq["state"][()].decode(),
        reason=daq["reason"].asstr()[()],
        events=events_from(daq["events"][()]),
        blocks=tuple(_block(daq["blocks"][name]) for name in sorted(daq["blocks"], key=int)),
        instruments={role: _json(group["record"]) for role, group in daq["instruments"].items()},
        analyses=read_analyses(entry),
        twin_truth=_json(daq["twin_truth"]) if "twin_truth" in daq else None,
    )


def _json(note: Any) -> Any:
    return json.loads(note["data"].asstr()[()])


def _block(group: Any) -> Block:
    return Block(group["name"].asstr()[()], _json(group["header"]), group["values"][()])


def _read_journal(path: Path) -> StoredRun:
    contents = replay(path)
    state, reason = _state(path.parent, contents.state, contents.reason)
    try:
        header = contents.known_header()
    except StorageError as error:
        raise StorageError(f"{path}: {error}") from error
    return StoredRun(
        path=path,
        header=header,
        columns=contents.columns(),
        state=state,
        reason=reason,
        events=tuple(contents.events),
        blocks=tuple(contents.blocks),
        instruments=contents.instruments,
        twin_truth=contents.twin_truth,
    )


def _state(folder: Path, ended: str | None, reason: str) -> tuple[str, str]:
    if ended is not None:
        return ended, reason
    if is_owned(folder):
        return "running", ""
    spills = spills_of(folder)
    more = f"; more rows wait in {spills[0]}" if spills else ""
    return "interrupted", f"no END was written{more}"


def list_runs(root: Path) -> list[RunSummary]:
    """List the runs in a folder by name, which is by date; also those that can hardly be read."""
    if not root.is_dir():
        return []
    folders = sorted(folder for folder in root.iterdir() if folder.is_dir())
    return [_summary(folder) for folder in folders if _is_run(folder)]


def _is_run(folder: Path) -> bool:
    names = (f"{folder.name}.h5", JOURNAL, JOURNAL_PACKED)
    return any((folder / name).exists() for name in names)


def _summary(folder: Path) -> RunSummary:
    result: Path | None = folder / f"{folder.name}.h5"
    try:
        header, state, reason = _brief(folder / f"{folder.name}.h5")
    except StorageError:
        result, contents = None, _replayed(journal_in(folder))
        if contents.header is None:
            return RunSummary(folder, folder.name, "interrupted", "no header can be read")
        header, (state, reason) = contents.header, _state(folder, contents.state, contents.reason)
    return RunSummary(
        folder=folder,
        run_id=folder.name,
        state=state,
        reason=reason,
        procedure=header.procedure,
        title=header.title,
        sample=str(header.sample.get("name", "")),
        start_utc_s=header.start_utc_s,
        result=result,
    )


def _replayed(journal: Path | None) -> Contents:
    """Replay a journal; one that is not there or cannot be opened holds nothing."""
    try:
        return Contents() if journal is None else replay(journal)
    except StorageError:
        return Contents()


def _brief(path: Path) -> tuple[Header, str, str]:
    try:
        with h5py.File(path, "r") as file:
            daq = file["entry/daq"]
            header = Header.from_json(daq["header"].asstr()[()].encode())
            return header, daq["state"][()].decode(), daq["reason"].asstr()[()]
    except (OSError, KeyError, ValueError, RuntimeError, AttributeError, TypeError) as error:
        raise StorageError(f"{path}: not a readable result: {error}") from error
