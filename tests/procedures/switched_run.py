"""What tests of runs under a switched beam share: the true output of the tube, a person who stops, checkpoints."""

import pytest

from instruments.sim.bench import SimBench
from xraydaq.bench import opening
from xraydaq.config import load_run
from xraydaq.config.shipped import shipped_configs


@pytest.fixture
def beams(monkeypatch):
    """Every change of the true output of the tube."""
    seen = []

    class Watched(SimBench):
        def __init__(self, *args, **options):
            super().__init__(*args, **options | {"on_beam": seen.append})

    monkeypatch.setattr(opening, "SimBench", Watched)
    return seen


def shortened(recipe, short, *overrides):
    """Load a shipped recipe with `short` overrides, of which later ones replace earlier ones."""
    wanted = dict(text.split("=", 1) for text in (*short, *overrides))
    path = shipped_configs() / "recipes" / f"{recipe}.toml"
    return load_run(path, overrides=[f"{key}={value}" for key, value in wanted.items()])
