"""A whole soak: trials shared out to benches side by side, each a process of its own; results as they come."""

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from xraydaq.soak.drawing import drawn
from xraydaq.soak.processes import environment, popen

RECORDS = "soak.jsonl"
END_S = 240.0
"""A trial that has begun is done to its end: whatever it switched on is its own to switch off."""


def trials_of(seed: int, faults: int) -> list[int]:
    """Get the numbers of the trials that have so many faults together, or one more."""
    numbers: list[int] = []
    count = 0
    while count < faults:
        numbers.append(len(numbers) + 1)
        count += len(drawn(seed, numbers[-1]).faults)
    return numbers


def soaked(seed: int, numbers: list[int], benches: int, out: Path) -> Iterator[dict[str, Any]]:
    """Do trials and yield the record of each, in the order in which they end; all are appended to ``soak.jsonl``.

    Raises:
        OSError: the folder cannot be written, or no process started.
    """
    out = out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in numbers:
        waiting.put(number)
    done: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    with ExitStack() as stack, (out / RECORDS).open("a", encoding="utf-8") as file:
        for number in range(min(benches, len(numbers))):
            worker = _Worker(out / f"bench_{number + 1}", seed, waiting, done)
            stack.callback(worker.close)
        for _ in numbers:
            record = done.get() | {"seed": seed}
            file.write(json.dumps(record) + "\n")
            file.flush()
            yield record


class _Worker:
    """One bench, and the thread that hands trials to it."""

    def __init__(
        self, folder: Path, seed: int, waiting: "queue.SimpleQueue[int]", done: "queue.SimpleQueue[dict[str, Any]]"
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._waiting, self._done, self._folder, self._seed = waiting, done, folder, seed
        self._process: subprocess.Popen[bytes] = self._start()
        self._thread = threading.Thread(target=self._work, name=folder.name, daemon=True)
        self._thread.start()

    def _start(self) -> subprocess.Popen[bytes]:
        for name in ("served.toml", "served.origin"):
            (self._folder / name).unlink(missing_ok=True)
        words = [sys.executable, "-P", "-m", "xraydaq.soak.worker", str(self._folder), str(self._seed)]
        env = environment(self._folder)
        return popen(words, env, self._folder / "worker.err", stdin=subprocess.PIPE, pipe=True)

    def _work(self) -> None:
        while True:
            try:
                number = self._waiting.get_nowait()
            except queue.Empty:
                return
            self._done.put(self._record_of(number))

    def _record_of(self, number: int) -> dict[str, Any]:
        """Have a trial done; a bench that has died is replaced for the next one."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(f"{number}\n".encode())
            self._process.stdin.flush()
            record: dict[str, Any] = json.loads(self._process.stdout.readline())
        except (OSError, ValueError):
            self.close()
            self._process = self._start()
            return {"number": number, "error": f"the bench has died: {self._folder / 'worker.err'}"}
        return record

    def close(self) -> None:
        """End the process; twice is harmless."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
