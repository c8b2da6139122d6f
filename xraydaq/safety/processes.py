"""Which process is meant by a number, and where processes of this program leave word for each other.

A process number is given out again; together with the boot and the moment of its start it is unique (proc(5), field
22). Where there is no /proc the number alone must do.
"""

import json
import os
import stat
import tempfile
from pathlib import Path
from typing import Any

PROC = Path("/proc")
STATE, START_TICKS = 0, 19
"""Among the fields behind the name of the command, of which state is the first (proc(5))."""

FOLDER_MODE = 0o700
MOST_BYTES = 100_000


def birth(pid: int) -> str | None:
    """Get what tells this process from every other of its number; None if it does not live (a zombie does not)."""
    fields = _stat(pid)
    if fields is None:
        return None if (PROC / "self").exists() or not _answers(pid) else ""
    if fields[STATE] in ("Z", "X"):
        return None
    return f"{_boot()}/{fields[START_TICKS]}"


def lives(pid: int, born: str) -> bool:
    """Tell whether the process that was `born` so lives."""
    return birth(pid) == born


def is_stopped(pid: int) -> bool:
    """Tell whether a process is halted (SIGSTOP, a debugger), so that it cannot react to anything."""
    fields = _stat(pid)
    return fields is not None and fields[STATE] in ("T", "t")


def age_s() -> float:
    """Get for how long this process has existed; 0 where that cannot be found out."""
    fields = _stat(os.getpid())
    try:
        up_s = float((PROC / "uptime").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 0.0
    return 0.0 if fields is None else max(0.0, up_s - int(fields[START_TICKS]) / os.sysconf("SC_CLK_TCK"))


def environment() -> dict[str, str]:
    """Get the environment in which another process of this program finds it, whatever folder it is started in."""
    here = str(Path(__file__).resolve().parents[2])
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH", "")]))}


def runtime_folder(name: str) -> Path:
    """Get a folder for files that live as long as the processes that write them; others of this computer stay out.

    ``$XDG_RUNTIME_DIR/xraydaq/NAME``, else below ``/run/user/UID``, else below the folder for temporary files.

    Raises:
        OSError: it cannot be made, or belongs to somebody else.
    """
    home = next((each for each in _homes() if _is_mine(each)), None)
    base = Path(tempfile.gettempdir()) / f"xraydaq-{os.getuid()}" if home is None else home / "xraydaq"
    base.mkdir(mode=FOLDER_MODE, exist_ok=True)
    if not _is_mine(base):
        raise PermissionError(f"{base}: not a folder of this user alone")
    folder = base / name
    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    return folder


def write_atomically(path: Path, record: dict[str, Any]) -> None:
    """Write a small record so that a reader sees all of it or nothing."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(json.dumps(record), encoding="utf-8")
    part.replace(path)


def read_record(path: Path) -> dict[str, Any] | None:
    """Read such a record; None for anything else, whatever it is."""
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _homes() -> list[Path]:
    stated = os.environ.get("XDG_RUNTIME_DIR", "")
    return [*([Path(stated)] if stated.startswith("/") else []), Path(f"/run/user/{os.getuid()}")]


def _is_mine(folder: Path) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    alone = not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and alone and os.access(folder, os.W_OK)


def _stat(pid: int) -> list[str] | None:
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="latin-1")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the name of the command may hold anything, brackets and spaces too
    return fields if len(fields) > START_TICKS else None


def _boot() -> str:
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True
