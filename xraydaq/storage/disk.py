"""Files that survive: syncing, folders that are never reused, the disk check and the owner's lock."""

import errno
import fcntl
import json
import os
import shutil
import socket
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from xraydaq.errors import BusyError, StorageError

JOURNAL = "run.wal"
JOURNAL_PACKED = "run.wal.gz"
LIVE = "run.live.h5"
LOCK = "run.lock"
RESERVE = "run.reserve"

RESERVE_BYTES = 16 * 2**20
SPARE_BYTES = 64 * 2**20
LITTLE_BYTES = 10**9
"""Less than this is worth a warning."""
_F_FULLFSYNC = 51  # <fcntl.h> of macOS: the only call there that empties the drive's cache


def sync_data(descriptor: int) -> None:
    """Return when what was written to `descriptor` survives a power cut."""
    if sys.platform == "darwin":
        fcntl.fcntl(descriptor, _F_FULLFSYNC)
    else:
        os.fdatasync(descriptor)


def sync_path(path: Path) -> None:
    """Sync a closed file, or a folder after a file in it was created, renamed or removed."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_free(folder: Path, estimate_bytes: int) -> None:
    """Refuse a run that might not fit: three times the estimate and 64 MB must be free.

    Raises:
        StorageError: there is less.
    """
    needed = 3 * estimate_bytes + SPARE_BYTES
    free = shutil.disk_usage(folder).free
    if not free >= needed:
        raise StorageError(f"{folder}: {free / 1e6:.0f} MB are free, the run needs {needed / 1e6:.0f} MB; make room")


def make_run_folder(root: Path, name: str) -> Path:
    """Create ``root/name``, or with ``-2``, ``-3`` ... behind it if that exists.

    Raises:
        StorageError: the folder cannot be created.
    """
    for number in range(1, 10_000):
        folder = root / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        except OSError as error:
            raise StorageError(f"{folder}: {error.strerror}") from error
        sync_path(root)
        return folder
    raise StorageError(f"{root / name}: ten thousand runs of this name exist")


def make_reserve(folder: Path) -> None:
    """Create the file whose removal lets the END be written on a full disk."""
    with (folder / RESERVE).open("xb") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
        else:
            file.write(bytes(RESERVE_BYTES))


def replace_file(temporary: Path, final: Path, *, read_only: bool) -> None:
    """Sync a closed `temporary` and give it its name, so that `final` is whole at every instant."""
    if read_only:
        temporary.chmod(0o444)
    sync_path(temporary)
    temporary.replace(final)
    sync_path(final.parent)


class OwnerLock:
    """The right to write into a run's folder; the kernel takes it back when the process dies.

    The file's text says who holds it, for people; it is the lock, not the text, that counts.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    @classmethod
    def take(cls, folder: Path) -> Self:
        """Take the lock.

        Raises:
            BusyError: a living process (perhaps this one) holds it.
            StorageError: the file cannot be opened.
        """
        try:
            descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StorageError(f"{folder}: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.pread(descriptor, 4096, 0).decode(errors="replace").strip()
            os.close(descriptor)
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise BusyError(f"{folder}: the run belongs to a living process: {owner}") from error
            raise StorageError(f"{folder}: cannot lock: {error.strerror}") from error
        return cls(descriptor)

    @classmethod
    def create(cls, folder: Path) -> Self:
        """Take the lock of a new folder and sign it with pid, start of this process, host and boot.

        The file gets its name when it is locked and signed: nobody ever sees it without its owner.
        """
        unnamed = folder / f"{LOCK}.new"
        descriptor = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(descriptor, json.dumps(_identity()).encode() + b"\n")
        unnamed.rename(folder / LOCK)
        return cls(descriptor)

    def release(self) -> None:
        """Give the lock back; twice is harmless."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def is_owned(folder: Path) -> bool:
    """Tell whether a living process holds the folder. Nothing is created: the folder may be read-only."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two that ask are not in each other's way
    except OSError as error:
        return error.errno in (errno.EWOULDBLOCK, errno.EACCES)
    finally:
        os.close(descriptor)
    return False


def owner_pid(folder: Path) -> int | None:
    """Get the process id in the lock file, whether that process lives or not."""
    try:
        return int(json.loads((folder / LOCK).read_text())["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _identity() -> dict[str, object]:
    identity: dict[str, object] = {"pid": os.getpid(), "host": socket.gethostname()}
    try:
        identity["boot_id"] = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        # proc(5): field 22, clock ticks since boot; the name in field 2 may hold spaces
        identity["start_ticks"] = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    except OSError:
        pass  # not Linux: the lock is enough
    return identity
