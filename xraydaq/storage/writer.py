"""Records one run: every acknowledged row is on a disk and synced, whatever happens to this process."""

import contextlib
import json
import math
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from xraydaq.clock import Clock
from xraydaq.errors import RunFailed, StorageError
from xraydaq.storage import disk
from xraydaq.storage.clocks import ClockWatch
from xraydaq.storage.ending import bring_home_in_time, end_payload, write_short_end
from xraydaq.storage.frames import OVERHEAD, FrameType, pack, pack_block
from xraydaq.storage.home import HomeThread
from xraydaq.storage.journal import JournalFile
from xraydaq.storage.keeper import GIVE_UP_S, STALL_S, Keeper
from xraydaq.storage.model import EndState, Header, folder_name_of
from xraydaq.storage.outbox import Outbox
from xraydaq.storage.spill import Spill
from xraydaq.storage.supervise import PublisherProcess

if TYPE_CHECKING:
    from xraydaq.storage.arrays import FloatArray

COMMIT_AT_ONCE_S = 0.08
"""A row that comes this long after the last commit is safe when `append` returns: rates up to 10 Hz and a bit."""
COMMIT_LATER_S = 0.05
BATCH_COMMIT_S = 0.1
LONGEST_WAIT_S = 0.7
"""No call that a measurement makes waits longer for a disk."""
FINISH_S = 10.0
MOST_WAITING_BYTES = 32 * 2**20


class RunWriter:
    """The journal of one run. `append`, `event` and the rest may be called from several threads.

    In real time a row is committed when `append` returns (up to 10 Hz) or at most 0.1 s later; with ``batch=True``
    (simulated time) when enough have come or after 0.1 s of `wall` time. `committed_rows` counts the safe ones. No
    call waits longer than a second for a disk: what the run's folder does not take is made safe in the spill.
    """

    def __init__(self, folder: Path, header: Header, owner: disk.OwnerLock, *, wall: Clock, batch: bool) -> None:
        self.folder = folder
        self.header = header
        self._owner = owner
        self._wall = wall
        self._batch = batch
        self._journal = JournalFile.create(folder / disk.JOURNAL)
        self._outbox = Outbox(header)
        self._last_row: Sequence[float] = ()
        self._last_row_s = wall.now()
        self._end = ""
        """Why nothing more is taken."""
        self._lock = self._outbox.lock
        delay_s = BATCH_COMMIT_S if batch else COMMIT_LATER_S
        self._home = HomeThread(self._outbox, self._journal, wall, delay_s, self._warn_of_disk)
        head = pack(FrameType.HEAD, 0, header.to_json())
        self._keeper = Keeper(
            self._outbox, self._home, wall, lambda first: Spill(folder, head, first), self._note,
            None if batch else ClockWatch(wall),
        )  # fmt: skip

    @classmethod
    def create(
        cls, root: Path, header: Header, *, wall: Clock, batch: bool, publish: bool = True, expected_rows: int = 0
    ) -> Self:
        """Make a new folder in `root` and start the journal of a run in it.

        `wall` must be a real clock: how long a row may be unsafe has nothing to do with simulated time.

        Raises:
            StorageError: the disk has not room enough, or the folder cannot be written.
        """
        if wall.simulated:
            raise ValueError("a journal is committed by real time; give it a RealClock")
        try:
            root.mkdir(parents=True, exist_ok=True)
            disk.check_free(root, expected_rows * (header.row.size + OVERHEAD))
            folder = disk.make_run_folder(root.resolve(), folder_name_of(header))
            with _removed_on_failure(folder):
                owner = disk.OwnerLock.create(folder)
                with contextlib.ExitStack() as undo:
                    undo.callback(owner.release)
                    writer = cls(folder, replace(header, run_id=folder.name), owner, wall=wall, batch=batch)
                    writer._start(publish)
                    undo.pop_all()
        except OSError as error:
            raise StorageError(f"{root}: {error.strerror}") from error
        return writer

    def _start(self, publish: bool) -> None:
        disk.make_reserve(self.folder)
        self._outbox.add(FrameType.HEAD, self.header.to_json())
        for frame in self._outbox.frames_from(0):
            self._journal.write(frame.data)
            self._journal.sync()
            self._outbox.note_safe(frame, at_home=True)
        disk.sync_path(self.folder)
        if publish:
            self._keeper.publisher = PublisherProcess(self.folder)
        self._home.start()
        self._keeper.start()
        self._home.warn_of_little_room()

    @property
    def rows(self) -> int:
        """Get the number of rows taken."""
        return self._outbox.rows

    @property
    def committed_rows(self) -> int:
        """Get the number of rows that are safe."""
        return self._outbox.safe_rows

    @property
    def spill(self) -> Path | None:
        """Get where rows go because the run's folder does not take them, None while it does."""
        return None if self._keeper.spill is None else self._keeper.spill.path

    @property
    def publisher_pid(self) -> int | None:
        """Get the process id of the live view's keeper, None if there is none."""
        return None if self._keeper.publisher is None else self._keeper.publisher.pid

    def append(self, row: Sequence[float]) -> None:
        """Record one row, values in the order of the columns.

        Raises:
            StorageError: the row does not fit the columns, or the run has ended: it was not taken.
            StorageError: the disk is full or lost. The row was taken and is kept, in the spill if need be; the run
                must end, and every further row says so again.
            RunFailed: the computer was suspended meanwhile; as above.
        """
        with self._lock:
            self._check_open()
            is_first, is_full = self._outbox.put(row)
            self._last_row, self._last_row_s = row, self._wall.now()
            at_once = not (self._batch or self._last_row_s - self._home.last_commit_s < COMMIT_AT_ONCE_S)
            sequence = self._outbox.seal() if at_once else 0
        if at_once or is_first or is_full:
            self._wake(hurry=at_once or is_full)
        if at_once:
            self._outbox.wait_safe(sequence, LONGEST_WAIT_S)
        elif is_full:
            self._wait_room()
        self._raise_trouble()

    def _wake(self, *, hurry: bool) -> None:
        self._home.wake(hurry=hurry)
        if self._keeper.is_spilling:
            self._keeper.wake()

    def _wait_room(self) -> None:
        """Let the disk catch up; on simulated time nothing else can be late by it."""
        while not self._outbox.wait_room(MOST_WAITING_BYTES, LONGEST_WAIT_S):
            if not self._batch or self._keeper.trouble is not None:
                return

    def _check_open(self) -> None:
        if self._end:
            raise StorageError(f"nothing more is taken: {self.folder}: {self._end}")

    def _raise_trouble(self) -> None:
        trouble = self._keeper.trouble
        if trouble is not None:
            where = "" if self.spill is None else f"; rows are kept in {self.spill}"
            kind = RunFailed if isinstance(trouble, RunFailed) else StorageError
            raise kind(f"{trouble}{where}") from trouble

    def event(self, kind: str, message: str, *, elapsed_s: float, severity: str = "info", source: str = "") -> None:
        """Record that something happened; in real time it is safe when this returns.

        Raises:
            StorageError: the run has ended.
        """
        self._write(lambda: self._event(kind, message, elapsed_s, severity, source))

    def _event(self, kind: str, message: str, elapsed_s: float, severity: str, source: str) -> int:
        event = {
            "kind": kind, "message": message, "elapsed_s": elapsed_s, "row": self._outbox.rows,
            "epoch_s": self.header.start_utc_s + elapsed_s, "severity": severity, "source": source,
        }  # fmt: skip
        return self._outbox.add(FrameType.EVENT, _json({"event": event}))

    def _note(self, kind: str, message: str) -> None:
        """Record what the threads of this writer see, without waiting for it."""
        with self._lock:
            if not self._end:
                self._event(kind, message, self._elapsed_s(), "warning", "")
        self._wake(hurry=False)

    def _warn_of_disk(self, message: str) -> None:
        self._note("disk", message)

    def _elapsed_s(self) -> float:
        """Get the time of the run: that of the last row, and on real time what has passed since."""
        names = [column.name for column in self.header.columns]
        elapsed_s = float(self._last_row[names.index("elapsed")]) if self._last_row and "elapsed" in names else 0.0
        since_s = 0.0 if self._batch else self._wall.now() - self._last_row_s
        return elapsed_s + since_s if math.isfinite(elapsed_s) else since_s

    def instrument(self, role: str, facts: Mapping[str, Any]) -> None:
        """Record what an instrument said about itself; later keys of one role are added to earlier ones.

        Raises:
            StorageError: the run has ended, or the role cannot be a name in a file.
        """
        if not role or "/" in role or role.startswith("."):
            raise StorageError(f"instrument {role!r}: a role is one word")
        payload = _json({"instrument": role, "facts": dict(facts)})
        self._write(lambda: self._outbox.add(FrameType.EVENT, payload))

    def twin_truth(self, truth: Mapping[str, Any]) -> None:
        """Record what is true of the simulated world at the end: doses, times and the age of a surface.

        Raises:
            StorageError: the run has ended.
        """
        payload = _json({"twin_truth": dict(truth)})
        self._write(lambda: self._outbox.add(FrameType.EVENT, payload))

    def block(self, name: str, header: Mapping[str, Any], values: "FloatArray") -> None:
        """Record an array (a spectrum, a burst), of any shape and numeric dtype, with its own header.

        Raises:
            StorageError: it is no array of numbers.
            XraydaqError: as `append`.
        """
        if values.dtype.kind not in "fiub":
            raise StorageError(f"block {name}: numbers can be stored, not {values.dtype}")
        payload = pack_block(name, dict(header), values.dtype.str, values.shape, values.tobytes())
        self._write(lambda: self._outbox.add(FrameType.BLOCK, payload))
        self._wait_room()
        self._raise_trouble()

    def _write(self, add: Callable[[], int]) -> None:
        with self._lock:
            self._check_open()
            sequence = add()
        self._wake(hurry=not self._batch)
        if not self._batch:
            self._outbox.wait_safe(sequence, LONGEST_WAIT_S)

    def commit(self) -> None:
        """Return when all rows and events so far are safe.

        Raises:
            StorageError: they are not, after ten seconds, or the disk is full or lost.
            RunFailed: as `append`.
        """
        sequence = self._outbox.seal()
        self._wake(hurry=True)
        is_safe = self._outbox.wait_safe(sequence, FINISH_S)
        self._raise_trouble()
        if not is_safe:
            raise StorageError(f"{self.folder}: the last rows are not safe after {FINISH_S:g} s")

    def finish(self, state: EndState, reason: str = "") -> EndState:
        """Write the END frame and return the state in it.

        After trouble with the disk it is `failed` whatever `state` says, after a suspension of the computer
        `interrupted`.

        Raises:
            StorageError: no END could be written (the run is then `interrupted`), or a run that is said to have
                finished or stopped had to be recorded as something else.
        """
        with self._lock:
            self._check_open()
            recorded, reason = self._honest(state, reason)
            sequence = self._outbox.add(FrameType.END, end_payload(recorded, reason, self._outbox.rows))
            self._end = "the run has ended"
        self._wake(hurry=True)
        if not self._outbox.wait_safe(sequence, FINISH_S):
            self._stop()
            home = None if self._home.is_alive else self._journal
            recorded = write_short_end(self._outbox, self._keeper, home, reason)
        if recorded != state and state in ("finished", "stopped"):
            raise StorageError(f"{self.folder}: recorded as {recorded}: {reason or self._keeper.trouble}")
        return recorded

    def _honest(self, state: EndState, reason: str) -> tuple[EndState, str]:
        trouble = self._keeper.trouble
        if trouble is None:
            return state, reason
        if str(trouble) not in reason:
            reason = "; ".join(filter(None, [str(trouble), reason]))
        return "interrupted" if self._keeper.interruption else "failed", reason

    def _stop(self) -> None:
        hangs = self._home.stuck_s(self._wall.now()) > STALL_S
        self._home.stop(0.0 if hangs else GIVE_UP_S)
        self._keeper.stop(GIVE_UP_S)

    def close(self) -> None:
        """Commit, close and give the folder back; without `finish` the run is `interrupted`. Twice is harmless.

        Rows in the spill are brought home if the run's folder takes them by now.

        Raises:
            StorageError: the last rows are not safe.
        """
        try:
            if not self._end:
                self._commit_last()
        finally:
            self._end = self._end or "closed"
            self._stop()
            if not self._home.is_alive:  # else a call to the disk may still write: the lock ends with this process
                self._leave()

    def _commit_last(self) -> None:
        if self._keeper.trouble is None:
            self.commit()
        else:
            self._outbox.wait_safe(self._outbox.seal(), FINISH_S)

    def _leave(self) -> None:
        self._journal.close()
        with contextlib.suppress(OSError):
            (self.folder / disk.RESERVE).unlink(missing_ok=True)
        is_left_alone = True
        if self._keeper.spill is not None:
            self._keeper.spill.journal.close()
            self._keeper.spill = None
            is_left_alone = bring_home_in_time(self.folder)
        if is_left_alone:
            self._owner.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _json(value: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(value).encode()
    except (TypeError, ValueError) as error:
        raise StorageError(f"cannot be stored as JSON: {error}") from error


@contextlib.contextmanager
def _removed_on_failure(folder: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
