"""How much more memory a long run takes: ``python benchmarks/storage_memory.py [--hours 48] [--json]``.

The whole program acquires on simulated time: simulator, driver, procedure, journal. The publisher, a
process of its own, is not counted.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from storage_workloads import resident_mb  # noqa: E402

from xraydaq.config import load_run, shipped_configs  # noqa: E402
from xraydaq.runner import RunOptions, run  # noqa: E402
from xraydaq.runner.progress import Progress  # noqa: E402

SETTLED_S = 3600.0
"""Imports, buffers and the first allocations are over."""


class Scale:
    """Notes what the process holds, whenever the run shows how far it is."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, float]] = []

    def started(self, _config: object, _plan: object, _folder: Path) -> None:
        """Nothing to do."""

    def event(self, _kind: str, _message: str, _severity: str) -> None:
        """Nothing to do."""

    def progress(self, progress: Progress) -> None:
        """Note time and memory."""
        self.seen.append((progress.elapsed_s, resident_mb("self")))


def measure(hours: float) -> dict[str, float]:
    """Acquire a run so long; returns rows and memory in MB: when settled, the most after that, the difference."""
    recipe = shipped_configs() / "recipes" / "bias_stability.toml"
    scale = Scale()
    with tempfile.TemporaryDirectory() as folder:
        config = load_run(recipe, overrides=[f'duration="{hours:g} h"'])
        outcome = run(config, RunOptions(out=Path(folder)), scale)
        assert outcome.state == "finished", outcome.reason
    after = [held_mb for elapsed_s, held_mb in scale.seen if elapsed_s >= SETTLED_S]
    return {
        "elapsed_s": scale.seen[-1][0], "looks": len(after), "settled_mb": after[0], "most_mb": max(after),
        "grown_mb": max(after) - after[0],
    }  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--hours", type=float, default=48.0)
    parser.add_argument("--json", action="store_true")
    words = parser.parse_args()
    found = measure(words.hours)
    print(json.dumps(found) if words.json else "\n".join(f"{name:12s} {value:10.1f}" for name, value in found.items()))


if __name__ == "__main__":
    main()
