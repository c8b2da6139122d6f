"""Activation energies, transition and conductivity against the truth of the simulated crystal, from the wire up."""

import pytest

from xraydaq.analysis.arrhenius_model import EV_J
from xraydaq.config import load_run
from xraydaq.config.shipped import shipped_configs
from xraydaq.evaluation import evaluate_stored
from xraydaq.runner import RunOptions, run
from xraydaq.storage import read_run

CONFIGS = shipped_configs()
COARSE = ("step_up=4 K", "step_down=0 K")
COVERAGE = 3.0  # of eight values one in three repetitions has one beyond 2 u, one in fifty one beyond 3 u


def measured(name, folder, *overrides, seed=1, twin=""):
    """Run a shipped recipe with larger steps; `twin`: lines for the bench's table of that name."""
    bench = folder / "bench.toml"
    text = (CONFIGS / "benches" / "simulated_cold.toml").read_text()
    bench.write_text(text.replace("[twin]\n", f"[twin]\n{twin}\n"))
    config = load_run(CONFIGS / "recipes" / f"{name}.toml", bench=bench, overrides=[*COARSE, *overrides])
    outcome = run(config, RunOptions(out=folder, seed=seed))
    assert outcome.state == "finished"
    stored = read_run(outcome.folder)
    return evaluate_stored(stored), stored.twin_truth["crystal"]


def truths(crystal):
    names = ("activation_high_j", "activation_low_j", "crossover_k", "conductivity_298k_s_per_m")
    return [crystal[name] for name in names]


def check(result, crystal):
    values = (result.activation_high, result.activation_low, result.transition, result.conductivity_298)
    for value, truth in zip(values, truths(crystal), strict=True):
        assert abs(value.value - truth) < COVERAGE * value.u, (value, truth)
        assert value.u < 0.1 * truth, "an uncertainty that is always large says nothing"


@pytest.mark.slow
def test_branches_that_add_are_recognised_and_their_energies_found(tmp_path):
    result, crystal = measured("temperature_sweep", tmp_path)
    assert result.model == "parallel"
    assert result.delta_bic > 6
    check(result, crystal)
    assert result.activation_high.value == pytest.approx(crystal["activation_high_j"], rel=0.01, abs=0)
    assert result.activation_low.value == pytest.approx(crystal["activation_low_j"], rel=0.02, abs=0)
    assert result.transition.value == pytest.approx(crystal["crossover_k"], abs=0.5)
    assert result.intervals["high"].holds(crystal["activation_high_j"])
    assert result.intervals["change"].holds(crystal["crossover_k"])


@pytest.mark.long
def test_a_sharp_change_of_an_unknown_crystal_is_recognised(tmp_path):
    twin = 'blind_seed = 12\nconduction = "sharp"'
    text = (CONFIGS / "benches" / "simulated_cold.toml").read_text()
    assert 'conduction = "' not in text, "the bench of this test sets it"
    result, crystal = measured("temperature_sweep_untreated", tmp_path, seed=12, twin=twin)
    assert crystal["activation_high_j"] != pytest.approx(0.984 * EV_J, rel=1e-3, abs=0)
    assert result.model == "sharp"
    assert result.delta_bic < -6
    check(result, crystal)
