"""Starts the publisher beside an acquiring process, and starts it again when it dies."""

import contextlib
import subprocess
import sys
from pathlib import Path

from xraydaq.safety.processes import environment

MAX_STARTS = 4
FIRST_PAUSE_S = 1.0
STOP_TIMEOUT_S = 5.0
PUBLISHER_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(
        64 * 1024
    ),  # of the C library: what held a piece of the journal is given back at once
}


class PublisherProcess:
    """The process that keeps the live view. Nothing it does, or fails to do, reaches the acquiring process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._starts = 0
        self._next_start_s = float("-inf")
        self._process: subprocess.Popen[bytes] | None = None
        self._start()

    @property
    def pid(self) -> int | None:
        """Get the id of the process, None if it could not be started."""
        return None if self._process is None else self._process.pid

    def _start(self) -> None:
        self._starts += 1
        with contextlib.suppress(OSError):  # no live view then; the run goes on
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "xraydaq.storage.publisher", str(self._folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                env=environment() | PUBLISHER_ENVIRONMENT,
            )

    def keep_alive(self, now_s: float) -> None:
        """Start a publisher that has died again: a few times, each after a longer pause."""
        if self._process is None or self._process.poll() is None or self._starts >= MAX_STARTS:
            return
        if now_s >= self._next_start_s:
            self._close_pipe()
            self._next_start_s = now_s + FIRST_PAUSE_S * 2**self._starts
            self._start()

    def stop(self) -> None:
        """Let it write the last rows and end; one that hangs is killed. Twice is harmless."""
        if self._process is None:
            return
        self._close_pipe()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):  # inside a file system that does not answer
                self._process.wait(STOP_TIMEOUT_S)

    def _close_pipe(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
