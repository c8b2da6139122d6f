"""The right to speak with an instrument, held by one process at a time.

A lock is a file that the operating system locks for a process (flock(2)): it is free again when the process has ended,
however it ended. Who holds it stands in a file beside it. Nothing here opens a port. Standard library only.
"""

import fcntl
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from xraydaq.clock import RealClock
from xraydaq.errors import BusyError
from xraydaq.safety.processes import birth, lives, read_record, runtime_folder, write_atomically

FOLDER = "locks"
_SERIAL = re.compile(r"ASRL(?P<path>/.+?)(::INSTR)?", re.IGNORECASE)
_NUMBERED = re.compile(r"(?P<interface>TCPIP|GPIB|USB|VXI|PXI)(?P<board>\d*)(?P<rest>::.+)", re.IGNORECASE)
_HEX = re.compile(r"0x[0-9a-f]+")


@dataclass(frozen=True)
class Owner:
    """Who holds a lock."""

    pid: int
    what: str
    since_utc_s: float
    born: str

    @property
    def alive(self) -> bool:
        """Get whether the process lives at this moment."""
        return lives(self.pid, self.born)

    def __str__(self) -> str:
        since = datetime.fromtimestamp(self.since_utc_s, UTC)
        return f"process {self.pid} ({self.what}) since {since:%Y-%m-%d %H:%M:%S} UTC"


@contextmanager
def held(resource: str, what: str | None = None) -> Iterator[None]:
    """Hold the right to speak on `resource` against other processes of this user; `what` names this one to a person.

    Raises:
        BusyError: another process holds it; the message says which, and since when. Not a byte was sent.
        OSError: there is no place for the lock.
    """
    path = _path(resource)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not _locked(descriptor):
            owner = _owner(path)
            raise BusyError(f"{resource} is held by {owner or 'another process'}; nothing was sent to it")
        beside = _beside(path)
        me = Owner(os.getpid(), what or command_line(), RealClock().utc(), birth(os.getpid()) or "")
        write_atomically(beside, asdict(me))
        try:
            yield
        finally:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
    finally:
        os.close(descriptor)  # which gives the lock back


def is_free(resource: str) -> bool:
    """Tell whether nobody holds a resource at this moment."""
    try:
        descriptor = os.open(_path(resource), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        return _locked(descriptor)
    finally:
        os.close(descriptor)


def owner_of(resource: str) -> Owner | None:
    """Get who holds a resource; None when nobody does, or when who it is cannot be found out."""
    try:
        return None if is_free(resource) else _owner(_path(resource))
    except OSError:
        return None


def one_name(resource: str) -> str:
    """Get the one name under which all spellings of a VISA resource are locked.

    Case, missing numbers of interfaces and trailing parts that mean nothing are made the same; a serial port is the
    device that its links lead to. A host is not looked up: its name and its number are two.
    """
    text = resource.strip()
    serial = _SERIAL.fullmatch(text)
    if serial is not None:
        return f"asrl{os.path.realpath(serial['path'])}"
    text = text.casefold()
    numbered = _NUMBERED.fullmatch(text)
    if numbered is None:
        return text.removesuffix("::instr")
    rest = _HEX.sub(lambda match: str(int(match[0], 16)), numbered["rest"]).replace("::localhost::", "::127.0.0.1::")
    if numbered["interface"] == "usb":
        rest = re.sub(r"::0(?=::(raw|instr)$)", "", rest)  # the number of the interface in the device
    return f"{numbered['interface']}{int(numbered['board'] or 0)}{rest.removesuffix('::instr')}"


def command_line() -> str:
    """Get how this process was called, as one would type it."""
    return " ".join([Path(sys.argv[0]).name or "python", *sys.argv[1:]])


def _path(resource: str) -> Path:
    return runtime_folder(FOLDER) / f"{sha256(one_name(resource).encode()).hexdigest()[:16]}.lock"


def _beside(path: Path) -> Path:
    return path.with_suffix(".json")


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _owner(path: Path) -> Owner | None:
    record = read_record(_beside(path)) or {}
    try:
        owner = Owner(int(record["pid"]), str(record["what"]), float(record["since_utc_s"]), str(record["born"]))
        str(owner)  # a date that is none
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return None
    return owner
