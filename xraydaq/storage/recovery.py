"""Brings a run that was cut off into the form every finished run has. May be run at any time, any number of times."""

from pathlib import Path

from xraydaq.errors import StorageError
from xraydaq.storage.contents import journal_in, replay
from xraydaq.storage.disk import LIVE, RESERVE, OwnerLock
from xraydaq.storage.model import RecoveryReport, StoredRun
from xraydaq.storage.reading import read_result
from xraydaq.storage.result import build_owned, pack_journal
from xraydaq.storage.spill import Gap, bring_home


def recover(folder: Path) -> RecoveryReport:
    """Build the result of a run whose owner is gone, from every whole frame of its journal and its spill, and tidy up.

    A result that is there and readable is kept; one that is damaged is set aside as ``<id>.h5.damaged``, one that was
    built without the rows of the spill as ``<id>.h5.incomplete``.

    Raises:
        BusyError: the owner lives; nothing was touched.
        StorageError: the disk is full, or the folder cannot be written.
    """
    folder = folder.resolve()
    if not folder.is_dir():
        raise StorageError(f"{folder}: no such run")
    if journal_in(folder) is None and not (folder / f"{folder.name}.h5").exists():
        # Perhaps a run whose owner is about to lock its folder: there must be a journal before there is anything to do
        return _nothing_found(folder)
    with OwnerLock.take(folder):
        return _recover_owned(folder)


def _recover_owned(folder: Path) -> RecoveryReport:
    _remove_leftovers(folder)
    gap = _merge_spill(folder)
    path, journal = folder / f"{folder.name}.h5", journal_in(folder)
    stored = _readable(path)
    if stored is None and (journal is None or replay(journal).header is None):
        return _nothing_found(folder)
    is_missing = stored is None
    if is_missing:
        if path.exists():
            path.replace(path.with_name(f"{path.name}.damaged"))
        build_owned(folder)
    else:
        (folder / LIVE).unlink(missing_ok=True)
        pack_journal(folder)
    stored = read_result(path)
    return RecoveryReport(folder, stored.rows, stored.state, stored.reason, path, built=is_missing, note=gap)


def _merge_spill(folder: Path) -> str:
    """Add what the spill has; returns why it does not fit, or ``""``."""
    try:
        bring_home(folder)
    except Gap as error:
        return str(error)
    return ""


def _nothing_found(folder: Path) -> RecoveryReport:
    return RecoveryReport(folder, 0, "interrupted", "no header of a run can be read", None, built=False)


def _readable(path: Path) -> StoredRun | None:
    try:
        return read_result(path)
    except StorageError:
        return None


def _remove_leftovers(folder: Path) -> None:
    for leftover in (*folder.glob("*.part"), folder / RESERVE):
        leftover.unlink(missing_ok=True)
