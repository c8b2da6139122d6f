"""Records one run: every acknowledged row is in the journal and synced, whatever happens to this process."""

import contextlib
import json
import math
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from xraydaq.clock import Clock
from xraydaq.errors import StorageError
from xraydaq.storage import disk
from xraydaq.storage.committer import Committer
from xraydaq.storage.frames import OVERHEAD, FrameType, pack_block
from xraydaq.storage.journal import JournalFile
from xraydaq.storage.model import EndState, Header, folder_name_of
from xraydaq.storage.rows import RowBuffer
from xraydaq.storage.supervise import PublisherProcess

if TYPE_CHECKING:
    from xraydaq.storage.arrays import FloatArray

COMMIT_AT_ONCE_S = 0.08
"""A row that comes this long after the last commit is safe when `append` returns: rates up to 10 Hz and a bit."""
COMMIT_LATER_S = 0.05
BATCH_COMMIT_S = 0.1
CHECK_DISK_S = 60.0


class RunWriter:
    """The journal of one run. `append`, `event` and the rest may be called from several threads.

    In real time a row is committed when `append` returns (up to 10 Hz) or at most 0.1 s later; with ``batch=True``
    (simulated time) when the buffer is full or after 0.1 s of `wall` time. `committed_rows` counts the safe ones.
    """

    def __init__(self, folder: Path, header: Header, owner: disk.OwnerLock, *, wall: Clock, batch: bool) -> None:
        self.folder = folder
        self.header = header
        self.rows = 0
        self.committed_rows = 0
        self._owner = owner
        self._wall = wall
        self._batch = batch
        self._journal = JournalFile.create(folder / disk.JOURNAL)
        self._buffer = RowBuffer(header)
        self._synced_size = 0
        self._last_commit_s = -math.inf
        self._last_disk_check_s = wall.now()
        self._refusal: StorageError | None = None
        self._ended = False
        self._lock = threading.RLock()
        delay_s = BATCH_COMMIT_S if batch else COMMIT_LATER_S
        self._committer = Committer(wall, delay_s, self._commit_beside_appends, self._supervise)
        self._publisher: PublisherProcess | None = None

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
        self._journal.write(FrameType.HEAD, self.header.to_json())
        self._journal.sync()
        disk.sync_path(self.folder)
        self._synced_size = self._journal.size
        if publish:
            self._publisher = PublisherProcess(self.folder)
        self._committer.start()

    @property
    def publisher_pid(self) -> int | None:
        """Get the process id of the live view's keeper, None if there is none."""
        return None if self._publisher is None else self._publisher.pid

    def append(self, row: Sequence[float]) -> None:
        """Record one row, values in the order of the columns.

        Raises:
            StorageError: the row does not fit the columns, or the disk failed. Rows that were committed are not
                affected; after a failure of the disk no more rows are taken.
        """
        with self._lock:
            if self._refusal is not None:
                raise StorageError(f"no more rows are taken: {self._refusal}")
            is_first = not self._buffer
            is_full = not self._buffer.put(row)
            self.rows += 1
            if is_full or not (self._batch or self._wall.now() - self._last_commit_s < COMMIT_AT_ONCE_S):
                self.commit()
            elif is_first:
                self._committer.wake()

    def event(self, kind: str, message: str, *, elapsed_s: float, severity: str = "info", source: str = "") -> None:
        """Record that something happened; in real time it is safe when this returns.

        Raises:
            StorageError: it could not be written.
        """
        with self._lock:
            event = {
                "kind": kind, "message": message, "elapsed_s": elapsed_s, "row": self.rows,
                "epoch_s": self.header.start_utc_s + elapsed_s, "severity": severity, "source": source,
            }  # fmt: skip
            self._write(FrameType.EVENT, _json({"event": event}))

    def instrument(self, role: str, facts: Mapping[str, Any]) -> None:
        """Record what an instrument said about itself; later keys of one role are added to earlier ones.

        Raises:
            StorageError: it could not be written, or the role cannot be a name in a file.
        """
        if not role or "/" in role or role.startswith("."):
            raise StorageError(f"instrument {role!r}: a role is one word")
        self._write(FrameType.EVENT, _json({"instrument": role, "facts": dict(facts)}))

    def twin_truth(self, truth: Mapping[str, Any]) -> None:
        """Record what is true of the simulated world at the end: doses, times and the age of a surface.

        Raises:
            StorageError: it could not be written.
        """
        self._write(FrameType.EVENT, _json({"twin_truth": dict(truth)}))

    def block(self, name: str, header: Mapping[str, Any], values: "FloatArray") -> None:
        """Record an array (a spectrum, a burst), of any shape and numeric dtype, with its own header.

        Raises:
            StorageError: it could not be written, or is no array of numbers.
        """
        if values.dtype.kind not in "fiub":
            raise StorageError(f"block {name}: numbers can be stored, not {values.dtype}")
        payload = pack_block(name, dict(header), values.dtype.str, values.shape, values.tobytes())
        self._write(FrameType.BLOCK, payload)

    def _write(self, frame_type: FrameType, payload: bytes) -> None:
        with self._lock:
            if self._refusal is not None:
                raise StorageError(f"nothing more is taken: {self._refusal}")
            with self._refusing_after_failure():
                self._buffer.write_to(self._journal)
                self._journal.write(frame_type, payload)
            if self._batch:
                self._committer.wake()
            else:
                self.commit()

    def commit(self) -> None:
        """Return when all rows and events so far are safe.

        Raises:
            StorageError: the disk failed.
        """
        with self._lock, self._refusing_after_failure():
            self._buffer.write_to(self._journal)
            if self._journal.size > self._synced_size:
                self._journal.sync()
                self._note_commit(self.rows, self._journal.size)

    def _commit_beside_appends(self) -> None:
        with self._refusing_after_failure():
            with self._lock:
                self._buffer.write_to(self._journal)
                rows, size = self.rows, self._journal.size
            if size > self._synced_size:
                self._journal.sync()
                with self._lock:
                    self._note_commit(rows, size)

    def _note_commit(self, rows: int, size: int) -> None:
        self.committed_rows = max(self.committed_rows, rows)
        self._synced_size = max(self._synced_size, size)
        self._last_commit_s = self._wall.now()

    @contextlib.contextmanager
    def _refusing_after_failure(self) -> Iterator[None]:
        try:
            yield
        except StorageError as error:
            self._refusal = error
            raise

    def _supervise(self, now_s: float) -> None:
        if self._publisher is not None:
            self._publisher.keep_alive(now_s)
        if now_s - self._last_disk_check_s < CHECK_DISK_S:
            return
        self._last_disk_check_s = now_s
        with contextlib.suppress(OSError, StorageError):
            free = shutil.disk_usage(self.folder).free
            if not free >= disk.SPARE_BYTES:
                self.event("disk", f"only {free / 1e6:.0f} MB are free", elapsed_s=math.nan, severity="warning")

    def finish(self, state: EndState, reason: str = "") -> None:
        """Write the END frame. On a full disk the reserve is given up for it.

        If rows that were taken could not be stored even so, the run is recorded as failed.

        Raises:
            StorageError: no END could be written (the run is then `interrupted`), or the run had to be recorded as
                failed although `state` was another.
        """
        self._committer.stop()
        with self._lock:
            if self._ended:
                raise StorageError(f"{self.folder}: the run has ended")
            failure, recorded = self._store_rest(), state
            if failure and (self._buffer or state == "finished"):
                recorded, reason = "failed", "; ".join(filter(None, [reason, failure]))
            stored = self.rows - len(self._buffer)
            self._write_end(_json({"state": recorded, "reason": reason, "rows": stored}))
            self._note_commit(stored, self._journal.size)
            self._end("the run has ended")
        if recorded != state:
            raise StorageError(f"{self.folder}: recorded as failed: {failure}")

    def _store_rest(self) -> str:
        """Write the rows still in the buffer, if need be with the reserve; returns what failed by now, or ``""``."""
        for attempt in (1, 2):
            try:
                self._buffer.write_to(self._journal)
            except StorageError as error:
                self._refusal = error
            if self._buffer and attempt == 1:
                self._give_up_reserve()
        lost = f"{len(self._buffer)} rows could not be stored: " if self._buffer else ""
        return f"{lost}{self._refusal}" if self._refusal is not None else ""

    def _write_end(self, payload: bytes) -> None:
        try:
            self._journal.write(FrameType.END, payload)
        except StorageError:
            self._give_up_reserve()
            self._journal.write(FrameType.END, payload)
        self._journal.sync()

    def _give_up_reserve(self) -> None:
        (self.folder / disk.RESERVE).unlink(missing_ok=True)

    def _end(self, why: str) -> None:
        self._ended = True
        self._refusal = StorageError(f"{self.folder}: {why}")

    def close(self) -> None:
        """Commit, close and give the folder back; without `finish` the run is `interrupted`. Twice is harmless."""
        self._committer.stop()
        try:
            if self._refusal is None:
                self.commit()
        finally:
            self._end("closed")
            self._journal.close()
            if self._publisher is not None:
                self._publisher.stop()
            self._give_up_reserve()
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
