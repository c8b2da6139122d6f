"""The thread that makes rows safe which no `append` waited for."""

import contextlib
import threading
from collections.abc import Callable

from xraydaq.clock import Clock
from xraydaq.errors import StorageError

SUPERVISE_S = 1.0


class Committer:
    """Calls `commit` `delay_s` after every `wake`, and `supervise` about once a second."""

    def __init__(
        self, wall: Clock, delay_s: float, commit: Callable[[], None], supervise: Callable[[float], None]
    ) -> None:
        self._wall = wall
        self._delay_s = delay_s
        self._commit = commit
        self._supervise = supervise
        self._wake, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="journal commits", daemon=True)
        self.start = self._thread.start
        self.wake = self._wake.set

    def _run(self) -> None:
        supervised_s = self._wall.now()
        while not self._stop.is_set():
            if self._wall.wait(self._wake, SUPERVISE_S):
                self._wake.clear()
                self._wall.wait(self._stop, self._delay_s)
                with contextlib.suppress(StorageError):  # the writer keeps it and raises it at the next append
                    self._commit()
            if self._wall.now() - supervised_s >= SUPERVISE_S:
                supervised_s = self._wall.now()
                self._supervise(supervised_s)

    def stop(self) -> None:
        """End the thread and wait for it; twice is harmless."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
