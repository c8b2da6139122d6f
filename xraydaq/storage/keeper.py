"""Looks after a run that is being written: disk, spill, clocks, publisher. Never waits for the run's own folder."""

import contextlib
import threading
from collections.abc import Callable

from xraydaq.clock import Clock
from xraydaq.errors import RunFailed, StorageError, XraydaqError
from xraydaq.storage.clocks import ClockWatch
from xraydaq.storage.home import HomeThread
from xraydaq.storage.outbox import Outbox
from xraydaq.storage.spill import Spill
from xraydaq.storage.supervise import PublisherProcess

TICK_S = 0.25
SUPERVISE_S = 1.0
STALL_S = 0.5
"""A disk that has not answered for so long gets no help by waiting: the rows go to the spill meanwhile."""
GIVE_UP_S = 4.0
"""After so long without an answer the run is ended."""


class Keeper:
    """A thread that looks every quarter of a second, and whenever it is woken while something is wrong.

    `trouble` is what must end the run, None while all is well.
    """

    def __init__(
        self, outbox: Outbox, home: HomeThread, wall: Clock, new_spill: Callable[[int], Spill],
        note: Callable[[str, str], None], clocks: ClockWatch | None,
    ) -> None:  # fmt: skip
        self.trouble: XraydaqError | None = None
        self.interruption = ""
        """Why nobody watched for a while."""
        self.spill: Spill | None = None
        self.publisher: PublisherProcess | None = None
        self._outbox = outbox
        self._home = home
        self._wall = wall
        self._new_spill = new_spill
        self._note = note
        self._clocks = clocks
        self._supervised_s = wall.now()
        self._wake, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="storage", daemon=True)
        self.start = self._thread.start
        self.wake = home.alarm = self._wake.set

    @property
    def is_spilling(self) -> bool:
        """Get whether frames go to the spill now: whoever adds one should wake the keeper."""
        return self.spill is not None or self._home.failure is not None

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wall.wait(self._wake, TICK_S)
            self._wake.clear()
            self._look()

    def _look(self) -> None:
        self._look_at_clocks()
        if self.publisher is not None and self._wall.now() - self._supervised_s >= SUPERVISE_S:
            self._supervised_s = self._wall.now()
            self.publisher.keep_alive(self._supervised_s)
        stuck_s = self._home.stuck_s(self._wall.now())
        self._judge(stuck_s)
        if self._home.failure is not None or stuck_s > STALL_S or self._is_behind():
            self._write_spill()
        elif self.spill is not None and self.trouble is None:
            self.spill.remove()
            self.spill = None
            self._note("disk", "the folder of the run did not answer for a while; it has all rows now")

    def _is_behind(self) -> bool:
        return self.spill is not None and self._outbox.home_next < self.spill.next_sequence

    def _look_at_clocks(self) -> None:
        for oddity in () if self._clocks is None else self._clocks.look():
            self._note(oddity.kind, oddity.message)
            self._home.forgive()
            if oddity.ends_run:
                self.interruption = "; ".join(filter(None, [self.interruption, oddity.message]))
                self.trouble = self.trouble or RunFailed(oddity.message)

    def _judge(self, stuck_s: float) -> None:
        if self._home.failure is not None:
            self._outbox.home_is_gone = True
        elif stuck_s > GIVE_UP_S:
            self.trouble = self.trouble or StorageError(
                f"storage lost: {self._home.folder} did not answer for {stuck_s:.0f} s"
            )
        refused = self._home.failure or self._home.was_full
        if refused is not None:
            self.trouble = self.trouble or refused

    def _write_spill(self) -> None:
        try:
            if self.spill is None:
                frames = self._outbox.frames_from(self._outbox.home_next)
                if not frames:
                    return
                self.spill = self._new_spill(frames[0].sequence)
            self._append(self.spill)
        except StorageError:  # there may be room later; until then the rows stay in memory
            if self._home.failure is not None:
                self._outbox.give_up()

    def _append(self, spill: Spill) -> None:
        written, failure = None, None
        for frame in self._outbox.frames_from(spill.next_sequence):
            try:
                spill.journal.write(frame.data)
            except StorageError as error:
                failure = error
                break
            written = frame
        if written is not None:
            self._sync(spill)
            spill.next_sequence = written.sequence + 1
            self._outbox.note_safe(written, at_home=False)
            self._outbox.is_hopeless = False
        if failure is not None:
            raise failure

    def _sync(self, spill: Spill) -> None:
        try:
            spill.journal.sync()
        except StorageError:
            self.spill = None  # what is in it now cannot be known: the next one begins with what is not safe
            raise

    def stop(self, longest_s: float) -> None:
        """End the thread and wait for it so long; twice is harmless."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(longest_s)
        if self.publisher is not None:
            with contextlib.suppress(OSError):
                self.publisher.stop()
