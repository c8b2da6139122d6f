"""Who has instruments open at the moment, so that another process can have them switched off.

A process that opens instruments announces itself in a small file; one that was killed leaves its file behind, which is
how its instruments are found. Standard library only: the emergency command reads this.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from xraydaq.safety.processes import birth, lives, read_record, runtime_folder, write_atomically

FOLDER = "sessions"


@dataclass(frozen=True)
class Owned:
    """An instrument that a session has open."""

    role: str
    driver: str
    resource: str
    baud: int | None
    frame: str | None


@dataclass(frozen=True)
class Session:
    """A process with instruments; `what` names it to a person."""

    pid: int
    since_utc_s: float
    what: str
    control: str | None
    """Path of the Unix socket at which the guardian of the tube takes orders; None without a guardian."""

    guardian_pid: int | None
    instruments: tuple[Owned, ...]
    born: str = ""
    """Tells the process from a later one of its number; filled in when the session is announced."""

    @property
    def alive(self) -> bool:
        """Get whether the process lives at this moment."""
        return lives(self.pid, self.born)


@contextmanager
def announced(session: Session) -> Iterator[None]:
    """Let other processes know of a session for as long as it lasts.

    Sessions of the dead are forgotten once a new one has all their instruments: it looks after them.

    Raises:
        OSError: there is no place for the file.
    """
    folder = runtime_folder(FOLDER)
    path = folder / f"{session.pid}.json"
    taken = {each.resource for each in session.instruments}
    for other, found in _read(folder):
        if other != path and not found.alive and {each.resource for each in found.instruments} <= taken:
            other.unlink(missing_ok=True)
    write_atomically(path, asdict(session) | {"born": birth(session.pid) or ""})
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def sessions() -> list[Session]:
    """Get all sessions, those of dead processes too; what is no session is passed over."""
    try:
        return [found for _, found in _read(runtime_folder(FOLDER))]
    except OSError:
        return []


def _read(folder: Path) -> list[tuple[Path, Session]]:
    found = ((path, _session(read_record(path))) for path in sorted(folder.glob("[0-9]*.json")))
    return [(path, session) for path, session in found if session is not None]


def _session(record: dict[str, Any] | None) -> Session | None:
    try:
        assert record is not None
        return Session(
            pid=_whole(record["pid"]),
            since_utc_s=float(record["since_utc_s"]),
            what=str(record["what"]),
            control=_text_or_none(record["control"]),
            guardian_pid=None if record["guardian_pid"] is None else _whole(record["guardian_pid"]),
            instruments=tuple(_owned(each) for each in record["instruments"]),
            born=str(record["born"]),
        )
    except (AssertionError, KeyError, TypeError, ValueError, OverflowError):
        return None


def _owned(record: dict[str, Any]) -> Owned:
    return Owned(
        role=str(record["role"]),
        driver=str(record["driver"]),
        resource=str(record["resource"]),
        baud=None if record["baud"] is None else _whole(record["baud"]),
        frame=_text_or_none(record["frame"]),
    )


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not value > 0:
        raise ValueError(f"{value!r}: not a number above 0")
    return value


def _text_or_none(value: object) -> str | None:
    return None if value is None else str(value)
