"""The right to speak with an instrument outside this program, held by one process at a time."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_runtime_path

from xraydaq.errors import BusyError


@contextmanager
def held(resource: str) -> Iterator[None]:
    """Hold the right to speak on `resource` against other processes of this computer."""
    with warnings.catch_warnings():  # without XDG_RUNTIME_DIR a folder in /tmp is used, which serves as well
        warnings.simplefilter("ignore", UserWarning)
        folder = user_runtime_path("xraydaq", ensure_exists=True)
    path = Path(folder) / f"{sha256(resource.encode()).hexdigest()[:16]}.lock"
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BusyError(f"{resource} is held by another xraydaq process (lock file {path})") from None
    try:
        yield
    finally:
        lock.release()
