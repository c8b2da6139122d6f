from dataclasses import dataclass, field
from pathlib import Path

import pytest

from instruments.sim.faults import parse_faults
from xraydaq.config import RunConfig, load_run
from xraydaq.config.shipped import shipped_configs
from xraydaq.runner import Outcome, RunOptions, run
from xraydaq.runner.progress import Progress
from xraydaq.storage import StoredRun, read_run

SHORT = ("duration=60 s", "baseline_duration=10 s", "tail_duration=10 s")


@dataclass
class Watcher:
    """Remembers what a run said."""

    events: list[tuple[str, str, str]] = field(default_factory=list)
    seen: list[Progress] = field(default_factory=list)

    def started(self, config, plan, folder):
        self.folder = folder
        self.plan = plan

    def progress(self, progress):
        self.seen.append(progress)

    def event(self, kind, message, severity):
        self.events.append((kind, message, severity))


@dataclass
class Ran:
    outcome: Outcome
    stored: StoredRun
    watcher: Watcher

    def kinds(self) -> list[str]:
        return [event.kind for event in self.stored.events]


def config_of(*overrides: str, recipe: str = "bias_stability", **files: Path) -> RunConfig:
    wanted = dict(text.split("=", 1) for text in (*SHORT, *overrides))
    texts = [f"{key}={value}" for key, value in wanted.items()]
    return load_run(shipped_configs() / "recipes" / f"{recipe}.toml", overrides=texts, **files)


@pytest.fixture
def measure(tmp_path):
    """Run the bias-stability recipe, shortened, and read the journal back."""

    def act(
        *overrides: str, faults: tuple[str, ...] = (), seed: int = 1, start_utc_s: float | None = None,
        sample: str | None = None,
    ) -> Ran:  # fmt: skip
        watcher = Watcher()
        options = RunOptions(out=tmp_path, seed=seed, faults=parse_faults(faults), start_utc_s=start_utc_s)
        files = {} if sample is None else {"sample": shipped_configs() / "samples" / f"{sample}.toml"}
        outcome = run(config_of(*overrides, **files), options, watcher)
        return Ran(outcome, read_run(outcome.folder), watcher)

    return act
