"""What the main job takes, and who takes it: ``python benchmarks/main_job.py``.

See README.md for what is counted and what is not.
"""

import functools
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
HOME = HERE.parent
sys.path.insert(0, str(HOME))

from measuring import cpu_cost, environment  # noqa: E402

from instruments.keithley2400 import Keithley2400  # noqa: E402
from instruments.keithley2400.link import Link as DriverLink  # noqa: E402
from instruments.sim.adapter import SimConnection  # noqa: E402
from xraydaq.clock import RealClock  # noqa: E402
from xraydaq.config import load_run  # noqa: E402
from xraydaq.runner import RunOptions, closing, run  # noqa: E402
from xraydaq.storage import RunWriter, result  # noqa: E402

RECIPE = HOME / "configs" / "recipes" / "bias_stability.toml"
PROGRAM = [sys.executable, "-m", "xraydaq"]
HELPS = 9
REST = "rest"

PARTS: dict[str, tuple[tuple[Any, str], ...]] = {
    "driver": (
        *((Keithley2400, name) for name in ("read", "settings", "configure", "safe_off", "current_uncertainty_a")),
        *((DriverLink, name) for name in ("ask", "query", "send", "resynchronise")),
    ),
    "simulator": tuple((SimConnection, name) for name in ("write", "read", "clear", "discard")),
    "storage": (
        *((RunWriter, name) for name in ("append", "event", "instrument", "commit", "finish", "close")),
        (closing, "read_run"),
        (result, "build_owned"),
    ),
    "analysis": ((closing, "evaluate_stored"), (closing, "stored_analysis")),
    "figure": ((closing, "draw"),),
}
"""Where each part is entered. Time counts for the part entered last, so the driver does not count its simulator."""


class Split:
    """Shares the time of one thread among parts; `seconds` by part."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._now = RealClock().now
        self._inside = [REST]
        self._since_s = self._now()

    def change(self) -> None:
        """Give the time since the last change to the part that is being executed."""
        now_s = self._now()
        self.seconds[self._inside[-1]] += now_s - self._since_s
        self._since_s = now_s

    def watched(self, part: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """Get `work`, its time counted for `part`."""

        @functools.wraps(work)
        def act(*given: Any, **named: Any) -> Any:
            self.change()
            self._inside.append(part)
            try:
                return work(*given, **named)
            finally:
                self.change()
                self._inside.pop()

        return act


def show_whole() -> None:
    """Measure the command as a user types it, with its publisher."""
    clock = RealClock()
    start_s = clock.now()
    cost = cpu_cost([*PROGRAM, "run", str(RECIPE), "--json", "--out"])
    whole_s = clock.now() - start_s
    readings = cost.facts["points"]
    assert cost.facts["exit_code"] == 0
    assert readings >= 48_001
    print(
        f"xraydaq run {RECIPE.name}: {readings:,d} readings in {whole_s:.1f} s, {cost.cpu_s:.1f} s of processor time"
    )


def show_split() -> None:
    """Run once more in this process with a watch at every door."""
    split = Split()
    for part, doors in PARTS.items():
        for owner, name in doors:
            setattr(owner, name, split.watched(part, getattr(owner, name)))
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(load_run(RECIPE), RunOptions(out=Path(folder)))
        closed = closing.close_run(outcome.folder)
    split.change()
    assert (outcome.state, closed.problem) == ("finished", "")
    whole_s = split.seconds.total()
    print(f"\nthe same, watched: {whole_s:.1f} s")
    for part in (*PARTS, REST):
        print(f"  {part:10s} {split.seconds[part]:6.1f} s   {split.seconds[part] / whole_s:6.1%}")


def show_help() -> None:
    """Measure how long a person waits for the list of commands."""
    clock, times_s = RealClock(), []
    for _ in range(HELPS):
        start_s = clock.now()
        subprocess.run([*PROGRAM, "--help"], check=True, capture_output=True, env=environment())
        times_s.append(clock.now() - start_s)
    print(f"\nxraydaq --help: median {statistics.median(times_s):.2f} s, most {max(times_s):.2f} s")


def main() -> None:
    """Measure everything and print it."""
    show_whole()
    show_help()
    show_split()


if __name__ == "__main__":
    main()
