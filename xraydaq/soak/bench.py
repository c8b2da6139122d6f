"""A served simulated bench as a process of its own, which lets faults begin when it is told to.

``python -m xraydaq.soak.bench LOG BENCH_FILE`` reads its standard input: ``tube:garbage 3`` spoils the tube's line for
3 s from now, ``interlock_open 2`` opens the lid for 2 s. Each is written into the log, as of the role ``bench``,
before it begins.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

from instruments.sim.closing import Closing
from instruments.sim.scenario import Happening, parse_happenings
from instruments.sim.serve import EventLog, ServedBench
from xraydaq.bench.serving import bench_text, served_simulation
from xraydaq.clock import RealClock, ScaledClock
from xraydaq.config import default_bench, load_bench
from xraydaq.errors import RunFailed
from xraydaq.soak.processes import environment, popen

ROLES = ("smu", "tube", "temperature", "filters")
SAFETY = '\n[safety]\nunattended_beam = true\ncountdown = "0 s"\n'
START_S = 120.0
POLL_S = 0.05

BENCH = "bench"
FAULT = "fault"


def serve(log: Path, written: Path) -> None:
    """Serve until the standard input ends."""
    config = load_bench(default_bench())
    config = config.model_copy(update={"roles": {name: config.roles[name] for name in ROLES}})
    with EventLog(log) as events:
        clock = ScaledClock(1.0)
        bench = served_simulation(config, clock, events, device="atomistic", seed=1)
        with ServedBench(bench, clock) as served:
            written.with_suffix(".origin").write_text(repr(RealClock().now() - clock.now()))
            part = written.with_suffix(".part")
            part.write_text(bench_text(config, served.resources) + SAFETY, encoding="utf-8")
            part.rename(written)
            for line in sys.stdin:
                name, duration = line.split()
                events.line(clock.now(), BENCH, FAULT, line.strip())
                served.happen(_happening(name, served.age_s, float(duration)))


def _happening(name: str, start_s: float, duration_s: float) -> Happening:
    return parse_happenings([f"{name}@{start_s:.6f}-{start_s + duration_s:.6f}"], ROLES)[0]


class SoakBench(Closing):
    """The process, its log and its clock."""

    def __init__(self, folder: Path, runtime: Path) -> None:
        """Start it; returns when its instruments can be reached.

        Raises:
            RunFailed: it did not start.
        """
        self.file, self._log = folder / "served.toml", folder / "bench.jsonl"
        self._clock = RealClock()
        self._read_to = 0
        words = [sys.executable, "-P", "-m", "xraydaq.soak.bench", str(self._log), str(self.file)]
        self._process = popen(words, environment(runtime), folder / "bench.out", stdin=subprocess.PIPE)
        deadline_s = self._clock.now() + START_S
        while not self.file.exists():
            if self._process.poll() is not None or not self._clock.now() < deadline_s:
                self.close()
                raise RunFailed(f"the simulated bench did not start: {folder / 'bench.out'}")
            self._clock.sleep(POLL_S)
        self.origin_s = float(self.file.with_suffix(".origin").read_text())
        self.resources = _resources(self.file)

    @classmethod
    def started(cls, folder: Path, runtime: Path) -> Self:
        """Start it in a folder that need not exist."""
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder, runtime)

    def now_s(self) -> float:
        """Get what the clock of the log shows."""
        return self._clock.now() - self.origin_s

    def happens(self, name: str, duration_s: float) -> None:
        """Let a fault begin.

        Raises:
            RunFailed: the bench does not live.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{name} {duration_s:.3f}\n".encode())
            self._process.stdin.flush()
        except OSError as error:
            raise RunFailed(f"the simulated bench has ended: {error}") from error

    def new_events(self) -> list[dict[str, Any]]:
        """Get what was logged since the last call."""
        with self._log.open("rb") as file:
            file.seek(self._read_to)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._read_to += len(whole)
        return [json.loads(line) for line in whole.splitlines()]

    def close(self) -> None:
        """End the process; twice is harmless."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(10.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _resources(file: Path) -> dict[str, str]:
    bench = load_bench(file)
    return {name: role.resource for name, role in bench.roles.items() if "::" in role.resource}


if __name__ == "__main__":
    serve(Path(sys.argv[1]), Path(sys.argv[2]))
