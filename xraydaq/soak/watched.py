"""A run as a process whose JSON events are read as they come."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xraydaq.soak.bench import SoakBench
from xraydaq.soak.evidence import NEVER, Acknowledged
from xraydaq.soak.processes import child_of, popen

GUARDIANS = ("xraydaq.guardian", "xraydaq.guardian.caretaker")
SEARCH_EVERY_S = 0.2


class WatchedRun:
    """``xraydaq run RECIPE`` on a served bench. Times are those of the bench's log."""

    def __init__(self, recipe: Path, bench: SoakBench, env: Mapping[str, str], out: Path, messages: Path) -> None:
        self._bench = bench
        self.acknowledged: list[Acknowledged] = []
        self.planned_rows = 0
        self.closing_s = NEVER
        """When it had let go of its instruments, and went on to its result."""

        self.folder: Path | None = None
        self._guardian: int | None = None
        self._search_due_s = bench.now_s()
        words = [sys.executable, "-P", "-m", "xraydaq", "run", str(recipe), "--bench", str(bench.file)]
        words += ["--arm-as", "soak", "--json", "--out", str(out)]
        self.process: subprocess.Popen[bytes] = popen(words, dict(env), messages, pipe=True)
        self._reader = threading.Thread(target=self._read, name="events", daemon=True)
        self._reader.start()

    @property
    def guardian(self) -> int | None:
        """Get the process that looks after the run, None as long as there is none."""
        now_s = self._bench.now_s()
        if self._guardian is None and now_s >= self._search_due_s and self.process.poll() is None:
            self._search_due_s = now_s + SEARCH_EVERY_S
            found = (child_of(self.process.pid, module) for module in GUARDIANS)
            self._guardian = next((pid for pid in found if pid is not None), None)
        return self._guardian

    @property
    def rows(self) -> int:
        """Get how many rows it has acknowledged."""
        return self.acknowledged[-1].rows if self.acknowledged else 0

    @property
    def is_alive(self) -> bool:
        """Get whether the process has not ended."""
        return self.process.poll() is None

    def joined(self, timeout_s: float) -> None:
        """Wait until everything that it said was read."""
        self._reader.join(timeout_s)

    def kill(self) -> None:
        """End it by force, whatever state it is in."""
        if self.is_alive:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                now_s = self._bench.now_s()
                try:
                    event = json.loads(line)
                except ValueError:
                    continue  # cut off by the end of the process
                self._take(event, now_s)

    def _take(self, event: dict[str, Any], now_s: float) -> None:
        if event["event"] == "started":
            self.folder, self.planned_rows = Path(event["folder"]), int(event["points"])
        elif event["event"] == "closing":
            self.closing_s = now_s
        elif event["event"] == "progress" and event["points"] > self.rows:
            self.acknowledged.append(Acknowledged(now_s, event["points"], event["elapsed_s"]))
