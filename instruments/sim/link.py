"""The cable between a simulated device and a transport: faults, what was said, and when the next byte is due."""

import math
import threading
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from instruments.sim.device import Device, Reply
from instruments.sim.faults import Fault, FaultyLine, TimedFault


class SharedTime:
    """A lock around devices that share a world, and the latest moment any of them was told.

    Threads read the clock before they get the lock: who comes second with an earlier moment is told the later one.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._latest_s = -math.inf

    def not_before(self, now_s: float) -> float:
        """Get `now_s`, or the moment that was told already if that is later."""
        self._latest_s = max(self._latest_s, now_s)
        return self._latest_s

    def __enter__(self) -> Self:
        self._lock.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()


class Link:
    """One device's line. Calls may come from several threads; `log` is given every line (``>`` in, ``<`` out).

    Devices that share a world have one `shared` time.
    """

    def __init__(
        self, device: Device, *, faults: Sequence[Fault] = (), seed: int = 0,
        log: Callable[[float, str, bytes], None] | None = None, shared: SharedTime | None = None,
    ) -> None:  # fmt: skip
        self.device = device
        self.bytes_received = 0
        self._line = FaultyLine(faults, device.terminator, seed)
        self._pending: deque[Reply] = deque()
        self._log = log
        self._lock = shared or SharedTime()
        self._unplugged: list[tuple[float, float]] = []

    def add_fault(self, fault: TimedFault) -> None:
        """Have one more fault of this line."""
        with self._lock:
            self._line.add(fault)

    def unplug(self, start_s: float, end_s: float) -> None:
        """Pull the cable from `start_s` to `end_s`: what is sent is lost, what was on its way as well."""
        with self._lock:
            self._unplugged.append((start_s, end_s))

    def is_plugged(self, now_s: float) -> bool:
        """Tell whether the cable is in."""
        with self._lock:
            return not self._unplugged or not any(start_s <= now_s < end_s for start_s, end_s in self._unplugged)

    def send(self, data: bytes, now_s: float) -> None:
        """Carry bytes from the host to the device."""
        with self._lock:
            now_s = self._lock.not_before(now_s)
            if not self.is_plugged(now_s):
                return
            self.bytes_received += len(data)
            if self._log is not None:
                self._log(now_s, ">", data)
            self.device.receive(data, now_s)

    def receive(self, now_s: float) -> bytes | None:
        """Give the oldest reply that is out by now, None without one."""
        with self._lock:
            now_s = self._lock.not_before(now_s)
            self._collect(now_s)
            if not self.is_plugged(now_s):
                self._pending.clear()
            if not self._pending or self._pending[0].ready_s > now_s:
                return None
            data = self._pending.popleft().data
            if self._log is not None:
                self._log(now_s, "<", data)
            return data

    def next_s(self, now_s: float) -> float | None:
        """Get when to look again; None when nothing will come by itself."""
        with self._lock:
            now_s = self._lock.not_before(now_s)
            self._collect(now_s)
            moments = [self._pending[0].ready_s] if self._pending else []
            device_s = self.device.next_s()
            return min([*moments, device_s]) if device_s is not None else (moments[0] if moments else None)

    def clear(self, now_s: float) -> None:
        """Device clear: the device forgets its replies; what a fault holds back on the line still comes."""
        with self._lock:
            now_s = self._lock.not_before(now_s)
            self._collect(now_s)
            self._pending = deque(reply for reply in self._pending if self._is_held_back(reply, now_s))
            self.device.clear(now_s)

    def poll(self, now_s: float) -> int:
        """Serial poll."""
        with self._lock:
            now_s = self._lock.not_before(now_s)
            return self.device.serial_poll(now_s)

    def interrupt(self, now_s: float) -> None:
        """Tell a bus device that a new message came before its replies were read: they are lost."""
        if self.device.keeps_unread:
            return
        with self._lock:
            now_s = self._lock.not_before(now_s)
            self._collect(now_s)
            held_back = [reply for reply in self._pending if self._is_held_back(reply, now_s)]
            if len(held_back) < len(self._pending):
                self._pending = deque(held_back)
                self.device.unread(now_s)

    def nothing_asked(self, now_s: float) -> None:
        """Tell a bus device that the host read in vain."""
        with self._lock:
            now_s = self._lock.not_before(now_s)
            if not self._pending and not self.device.keeps_unread:
                self.device.unasked(now_s)

    def _is_held_back(self, reply: Reply, now_s: float) -> bool:
        """Tell whether a fault still keeps a reply on the line, where no device can take it back."""
        return reply.held_back and reply.ready_s > now_s

    def _collect(self, now_s: float) -> None:
        for reply in self.device.replies(now_s):
            self._pending.extend(self._line.carry(reply))
