"""Frames on their way to the disk: in memory, in order, until they are safe somewhere."""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from xraydaq.storage.frames import FrameType, pack
from xraydaq.storage.model import Header
from xraydaq.storage.rows import RowBuffer


@dataclass(frozen=True)
class Sealed:
    """A whole frame; `rows` is the number of rows of the run up to and with it."""

    sequence: int
    data: bytes
    rows: int


class Outbox:
    """Gives frames their numbers and keeps them. Every method may be called from any thread; none of them waits for a
    disk, and `wait_safe` no longer than it is told.
    """

    def __init__(self, header: Header) -> None:
        self.lock = threading.RLock()
        self._changed = threading.Condition(self.lock)
        self._buffer = RowBuffer(header)
        self._frames: deque[Sealed] = deque()
        self.rows = 0
        """Rows taken."""
        self.safe_rows = 0
        self.next_sequence = 0
        self.home_next = 0
        """Number of the first frame that is not safe where it belongs."""
        self.safe_next = 0
        """Number of the first frame that is safe nowhere."""
        self.waiting_bytes = 0
        self.is_hopeless = False
        """Nothing takes frames any more: whoever waits need not."""
        self.home_is_gone = False
        """Frames will not come to where they belong: what is safe elsewhere need not be kept for that."""

    def put(self, row: Sequence[float]) -> tuple[bool, bool]:
        """Take a row; returns whether it is the first of a frame, and whether the frame is full.

        Raises:
            StorageError: it does not fit the columns; it was not taken.
        """
        with self.lock:
            is_first = not self._buffer
            is_full = not self._buffer.put(row)
            self.rows += 1
            if is_full:
                self.seal()
            return is_first, is_full

    def add(self, frame_type: FrameType, payload: bytes) -> int:
        """Take a frame, behind the rows so far; returns the number of the next one."""
        with self.lock:
            self.seal()
            return self._keep(pack(frame_type, self.next_sequence, payload))

    def seal(self) -> int:
        """Make a frame of the rows so far; returns the number of the next one."""
        with self.lock:
            return self._keep(self._buffer.take(self.next_sequence)) if self._buffer else self.next_sequence

    def _keep(self, data: bytes) -> int:
        self._frames.append(Sealed(self.next_sequence, data, self.rows))
        self.next_sequence += 1
        self.waiting_bytes += len(data)
        return self.next_sequence

    def frames_from(self, sequence: int) -> list[Sealed]:
        """Get all frames from a number on, with the rows so far."""
        with self.lock:
            self.seal()
            found = list(takewhile(lambda frame: frame.sequence >= sequence, reversed(self._frames)))
            return found[::-1]

    def note_safe(self, last: Sealed, *, at_home: bool) -> None:
        """Note that all frames up to `last` are safe; those that are where they belong are forgotten."""
        with self.lock:
            self.safe_next = max(self.safe_next, last.sequence + 1)
            self.safe_rows = max(self.safe_rows, last.rows)
            if at_home:
                self.home_next = max(self.home_next, last.sequence + 1)
            self._forget_before(self.safe_next if self.home_is_gone else self.home_next)
            self._changed.notify_all()

    def _forget_before(self, sequence: int) -> None:
        while self._frames and self._frames[0].sequence < sequence:
            self.waiting_bytes -= len(self._frames.popleft().data)

    def give_up(self) -> None:
        """Wake those who wait: nothing takes frames any more."""
        with self.lock:
            self.is_hopeless = True
            self._changed.notify_all()

    def forget_unsafe(self) -> None:
        """Drop what is safe nowhere, so that an END can be written behind what is."""
        with self.lock:
            self.seal()
            while self._frames and self._frames[-1].sequence >= self.safe_next:
                self.waiting_bytes -= len(self._frames.pop().data)
            self.next_sequence, self.rows = self.safe_next, self.safe_rows
            self.is_hopeless = False

    def wait_safe(self, sequence: int, longest_s: float) -> bool:
        """Wait until all frames before number `sequence` are safe; returns whether they are."""
        with self.lock:
            self._changed.wait_for(lambda: self.safe_next >= sequence or self.is_hopeless, longest_s)
            return self.safe_next >= sequence

    def wait_room(self, most_bytes: int, longest_s: float) -> bool:
        """Wait until no more than `most_bytes` wait to be written; returns whether that is so."""
        with self.lock:
            return self._changed.wait_for(lambda: self.waiting_bytes <= most_bytes or self.is_hopeless, longest_s)
