"""Runs that were cut off and wait for their result."""

import subprocess
import sys
from pathlib import Path

from xraydaq.cli.names import RESULT, folders_in
from xraydaq.safety.processes import environment
from xraydaq.storage.contents import journal_in
from xraydaq.storage.disk import is_owned
from xraydaq.storage.spill import spills_of, waiting_spills


def unfinished_runs(root: Path) -> list[Path]:
    """List the folders in `root` with a journal, without a result or with a spill, and without a living owner.

    Looks at names and locks only: HDF5 is not loaded, nothing is read.
    """
    return [folder for folder in folders_in(root) if _is_unfinished(folder)]


def _is_unfinished(folder: Path) -> bool:
    try:
        is_built = (folder / f"{folder.name}{RESULT}").exists()
        is_unfinished = journal_in(folder) is not None and (not is_built or bool(spills_of(folder)))
    except OSError:
        return False  # a folder we may not look into is somebody else's
    return is_unfinished and not is_owned(folder)


def homeless_rows() -> list[str]:
    """Say which spilled rows wait for a folder that cannot be reached."""
    return [
        f"{each.folder}: cannot be reached; rows of this run wait in {each.path}, xraydaq recover puts them into it"
        for each in waiting_spills()
        if journal_in(each.folder) is None
    ]


def recover_beside(root: Path) -> list[str]:
    """Recover all unfinished runs in `root` and return a line for each.

    Done in a process of its own: the one that is about to measure does not load HDF5.
    """
    folders = unfinished_runs(root)
    if not folders:
        return []
    done = subprocess.run(
        [sys.executable, "-P", "-m", "xraydaq", "recover", "--", *map(str, folders)],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
    )
    return [line for line in (*done.stdout.splitlines(), *done.stderr.splitlines()) if line]
