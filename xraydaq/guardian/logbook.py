"""The guardian's own log: JSON lines, each at once, by a thread that may be held up by its disk without harm."""

import json
import os
import queue
import threading
from typing import Any

from xraydaq.clock import Clock
from xraydaq.safety.guard_events import Tell

MOST_WAITING = 1000
END_WITHIN_S = 1.0


class Logbook:
    """Appends what happens. A full or vanished disk loses lines, which are counted, and stops nothing."""

    def __init__(self, path: str | None, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._waiting: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._descriptor = -1
        self.lost = 0
        """How many lines could not be written."""

        self._writer = threading.Thread(target=self._write_all, name="logbook", daemon=True)
        self._writer.start()

    def tell(self, told: Tell) -> None:
        """Append what the rules tell."""
        self.line(told.kind, told.text, told.severity)

    def line(self, kind: str, text: str, severity: str = "info", **more: Any) -> None:
        """Append a line; never raises and never waits."""
        if self._path is None:
            return
        if self._waiting.qsize() >= MOST_WAITING:
            self.lost += 1
            return
        said = {"utc_s": round(self._clock.utc(), 3), "now_s": round(self._clock.now(), 3), "kind": kind, "text": text}
        said |= {"severity": severity} | more | ({"lost_before": self.lost} if self.lost else {})
        self._waiting.put(json.dumps(said, default=str).encode() + b"\n")

    def close(self) -> None:
        """Wait a moment for what was told last; a disk that hangs is not waited for."""
        self._waiting.put(None)
        self._writer.join(END_WITHIN_S)

    def _write_all(self) -> None:
        while (data := self._waiting.get()) is not None:
            try:
                if self._descriptor < 0 and self._path is not None:
                    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
                    self._descriptor = os.open(self._path, flags, 0o600)
                self._write(data)
            except OSError:
                self.lost += 1

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._descriptor, data) :]
