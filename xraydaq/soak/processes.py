"""The processes of a trial: started with a search path and a runtime folder of their own, found, signalled, ended."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import IO

from xraydaq.safety import processes

PROC = Path("/proc")


def environment(runtime: Path) -> dict[str, str]:
    """Get the environment of everything on one bench: locks, sockets and spills are not those of anybody else."""
    return processes.environment() | {
        "XDG_RUNTIME_DIR": str(runtime),
        "XRAYDAQ_SPILL": str(runtime / "spill"),
        "MPLBACKEND": "agg",
    }


def popen(
    words: list[str], env: dict[str, str], output: Path, *, stdin: int = subprocess.DEVNULL, pipe: bool = False
) -> subprocess.Popen[bytes]:
    """Start a process; what it says goes into a file, or with `pipe` what it prints to the caller."""
    with output.open("ab") as file:
        stdout: int | IO[bytes] = subprocess.PIPE if pipe else file
        return subprocess.Popen(words, env=env, stdin=stdin, stdout=stdout, stderr=file, start_new_session=True)


def child_of(pid: int, module: str) -> int | None:
    """Find the process that runs a module of this program and was started by `pid`."""
    try:
        children = [path.read_text().split() for path in (PROC / str(pid) / "task").glob("*/children")]
    except OSError:
        return None
    for child in (each for some in children for each in some):
        with suppress(OSError):
            if module.encode() in (PROC / child / "cmdline").read_bytes().split(b"\0"):
                return int(child)
    return None


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and waits to be noticed does not."""
    return processes.birth(pid) is not None


def signalled(pid: int, number: int) -> bool:
    """Send a signal; tells whether there was somebody to get it."""
    if not is_alive(pid):
        return False
    with suppress(OSError):
        os.kill(pid, number)
        return True
    return False
