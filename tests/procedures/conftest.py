import pytest

from instruments.sim.bench import SimBench
from instruments.sim.twin import Crystal
from xraydaq.bench import opening


@pytest.fixture
def beams(monkeypatch):
    """Every change of the true output of the tube."""
    seen = []

    class Watched(SimBench):
        def __init__(self, *args, **options):
            super().__init__(*args, **options | {"on_beam": seen.append})

    monkeypatch.setattr(opening, "SimBench", Watched)
    return seen


@pytest.fixture
def seen_v(monkeypatch):
    """Every bias the crystal has seen."""
    seen = []
    set_bias = Crystal.set_bias

    def watched(crystal, time_s, bias_v):
        seen.append(bias_v)
        set_bias(crystal, time_s, bias_v)

    monkeypatch.setattr(Crystal, "set_bias", watched)
    return seen
