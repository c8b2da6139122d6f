"""Runs on disk: a journal that is the truth while it grows, a live view to watch, a result to keep.

The names below are all there is to use. What needs HDF5 is loaded when it is first called, so that a process that
acquires never runs it before its run is over.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xraydaq.storage.model import (
    STATUS_FLAGS,
    Block,
    Column,
    EndState,
    Event,
    Header,
    Quantity,
    RecoveryReport,
    RunSummary,
    StoredAnalysis,
    StoredRun,
    run_folder_name,
)
from xraydaq.storage.writer import RunWriter

if TYPE_CHECKING:
    from xraydaq.storage.live import LiveView
    from xraydaq.storage.tail import JournalTail
    from xraydaq.storage.verification import Verdict

__all__ = [
    "STATUS_FLAGS", "Block", "Column", "EndState", "Event", "Header", "Quantity",
    "RecoveryReport", "RunSummary", "RunWriter", "StoredAnalysis", "StoredRun", "add_analysis",
    "build_result", "list_runs", "live_view", "read_run", "recover", "run_folder_name", "tail_journal", "verify",
]  # fmt: skip


def build_result(folder: Path, analyses: Sequence[StoredAnalysis] = ()) -> Path:
    """Build the result of an ended run: see `xraydaq.storage.result.build_result`."""
    from xraydaq.storage import result

    return result.build_result(folder, analyses)


def add_analysis(result_path: Path, analysis: StoredAnalysis) -> int:
    """Add an analysis to a result: see `xraydaq.storage.result.add_analysis`."""
    from xraydaq.storage import result

    return result.add_analysis(result_path, analysis)


def read_run(path: Path) -> StoredRun:
    """Read a run from its folder, result or journal: see `xraydaq.storage.reading.read_run`."""
    from xraydaq.storage import reading

    return reading.read_run(path)


def list_runs(root: Path) -> list[RunSummary]:
    """List the runs in a folder: see `xraydaq.storage.reading.list_runs`."""
    from xraydaq.storage import reading

    return reading.list_runs(root)


def recover(folder: Path) -> RecoveryReport:
    """Finish a run that was cut off: see `xraydaq.storage.recovery.recover`."""
    from xraydaq.storage import recovery

    return recovery.recover(folder)


def verify(folder: Path) -> "Verdict":
    """Check the files of a run: see `xraydaq.storage.verification.verify`."""
    from xraydaq.storage import verification

    return verification.verify(folder)


def tail_journal(folder: Path) -> "JournalTail":
    """Follow a run: see `xraydaq.storage.tail.tail_journal`."""
    from xraydaq.storage import tail

    return tail.tail_journal(folder)


def live_view(path: Path) -> "LiveView":
    """Watch a run through its live HDF5 file: see `xraydaq.storage.live.LiveView`."""
    from xraydaq.storage import live

    return live.LiveView(path)
