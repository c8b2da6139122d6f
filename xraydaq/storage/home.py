"""The thread that writes the frames of a run where they belong."""

import contextlib
import math
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from xraydaq.clock import Clock
from xraydaq.errors import StorageError
from xraydaq.storage import disk
from xraydaq.storage.journal import JournalFile, WriteFailed
from xraydaq.storage.outbox import Outbox, Sealed

LOOK_S = 1.0
CHECK_DISK_S = 60.0


class HomeThread:
    """Moves frames from the outbox into the journal, `delay_s` after every `wake` or at once if there is a hurry.

    A disk that hangs holds this thread and nobody else: `stuck_s` tells for how long. A disk that refuses ends it:
    `failure` says why. A full one gets one more chance, with the reserve given up.
    """

    def __init__(
        self, outbox: Outbox, journal: JournalFile, wall: Clock, delay_s: float, warn: Callable[[str], None]
    ) -> None:
        self._outbox = outbox
        self._journal = journal
        self._wall = wall
        self._delay_s = delay_s
        self._warn = warn
        self._wake, self._hurry, self._stop = threading.Event(), threading.Event(), threading.Event()
        self._busy_since_s = math.nan
        self._checked_disk_s = wall.now()
        self._least_free = 2.0 * disk.LITTLE_BYTES
        self._has_reserve = True
        self.failure: WriteFailed | None = None
        """Why nothing more is written."""
        self.was_full: WriteFailed | None = None
        """The disk was full, and the reserve made room."""
        self.last_commit_s = -math.inf
        self.alarm: Callable[[], None] = lambda: None
        """Called when the disk has refused something."""
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self.start = self._thread.start

    def wake(self, *, hurry: bool) -> None:
        """Have what waits written; without a `hurry` together with what comes a little later."""
        if hurry:
            self._hurry.set()
        self._wake.set()

    def stuck_s(self, now_s: float) -> float:
        """Get for how long the present call to the disk has not returned, 0 without one."""
        since_s = self._busy_since_s
        return 0.0 if math.isnan(since_s) else now_s - since_s

    def forgive(self) -> None:
        """Count a call that hangs from now on: nothing of this computer has moved until now."""
        if not math.isnan(self._busy_since_s):
            self._busy_since_s = self._wall.now()

    @property
    def folder(self) -> Path:
        """Get the folder of the run."""
        return self._journal.path.parent

    @property
    def is_alive(self) -> bool:
        """Get whether the thread has not ended; it then may be inside a call to the disk."""
        return self._thread.is_alive()

    def stop(self, longest_s: float) -> None:
        """Write what waits, end the thread and wait for it so long; twice is harmless."""
        self._stop.set()
        self.wake(hurry=True)
        if self._thread.is_alive():
            self._thread.join(longest_s)

    def _run(self) -> None:
        while self.failure is None and not self._stop.is_set():
            if self._wall.wait(self._wake, LOOK_S):
                self._wake.clear()
                self._wall.wait(self._hurry, self._delay_s)
                self._hurry.clear()
                self._write_waiting()
            self._look_at_room()

    def _write_waiting(self) -> None:
        try:
            written = self._write(self._outbox.frames_from(self._outbox.home_next))
            if written is not None:
                self._call(self._journal.sync)
                self.last_commit_s = self._wall.now()
                self._outbox.note_safe(written, at_home=True)
        except WriteFailed as error:
            self.failure = error
        finally:
            self._busy_since_s = math.nan
            if self.failure is not None:
                self.alarm()

    def _write(self, frames: list[Sealed]) -> Sealed | None:
        """Write as many frames as the disk takes; returns the last of them."""
        last: Sealed | None = None
        for frame in frames:
            try:
                self._write_one(frame)
            except WriteFailed as error:
                self.failure = error
                break
            last = frame
        return last

    def _write_one(self, frame: Sealed) -> None:
        try:
            self._call(lambda: self._journal.write(frame.data))
        except WriteFailed as error:
            if not (error.is_full and self._has_reserve):
                raise
            self._has_reserve = False
            self.was_full = error
            self.alarm()
            self._call(lambda: (self.folder / disk.RESERVE).unlink(missing_ok=True))
            self._call(lambda: self._journal.write(frame.data))

    def _call(self, act: Callable[[], None]) -> None:
        self._busy_since_s = self._wall.now()
        act()

    def _look_at_room(self) -> None:
        if self._wall.now() - self._checked_disk_s >= CHECK_DISK_S:
            self._checked_disk_s = self._wall.now()
            with contextlib.suppress(OSError, StorageError):
                self.warn_of_little_room()

    def warn_of_little_room(self) -> None:
        """Say when less than 1 GB is free, and again whenever that has halved.

        Raises:
            OSError: the folder is gone.
        """
        free = shutil.disk_usage(self.folder).free
        if free < disk.LITTLE_BYTES and not free > self._least_free / 2:
            self._least_free = free
            self._warn(f"only {free / 1e6:.0f} MB are free")
