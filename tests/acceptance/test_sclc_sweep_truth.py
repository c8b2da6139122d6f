"""Trap densities of the simulated crystals, from the bytes on the wire up, against what they are made of."""

import math

import numpy as np
import pytest

from xraydaq.config import load_run
from xraydaq.config.shipped import shipped_configs
from xraydaq.evaluation import evaluate_stored
from xraydaq.runner import RunOptions, run
from xraydaq.storage import read_run

RECIPES = {"untreated": "sclc_sweep_untreated", "mai": "sclc_sweep_mai", "atomistic": "sclc_sweep"}
PAPER_PER_CM2 = {"untreated": 1.63e10, "mai": 5.68e9, "atomistic": 1.8e9}
COVERAGE = 2.0
LEVELS_ARE_SPREAD = 0.02
"""What the densities must be right to when trap levels are spread by half of kT."""

SHARED_WITH_THE_TRUTH = ("gap", "relative permittivity", "bias of the source", "estimator: fit against steepest point")
"""Shares of u that the simulated crystal has no part in: it is exactly as long and follows the model exactly."""


def measured(treatment, folder, seed, *overrides):
    config = load_run(shipped_configs() / "recipes" / f"{RECIPES[treatment]}.toml", overrides=overrides)
    outcome = run(config, RunOptions(out=folder, seed=seed))
    assert outcome.state == "finished"
    stored = read_run(outcome.folder)
    return evaluate_stored(stored), stored.twin_truth["crystal"]


@pytest.mark.parametrize("treatment", RECIPES)
def test_the_published_trap_densities_come_out_of_the_simulated_crystals(treatment, tmp_path):
    result, truth = measured(treatment, tmp_path, 1)
    error = result.trap_density.value - truth["trap_density_per_m2"]
    assert truth["trap_density_per_m2"] == pytest.approx(1e4 * PAPER_PER_CM2[treatment], rel=1e-6, abs=0)
    assert abs(error) < LEVELS_ARE_SPREAD * truth["trap_density_per_m2"]
    assert abs(error) < COVERAGE * result.trap_density.u
    assert result.trap_density.u < 0.13 * result.trap_density.value, "an uncertainty that is always large says nothing"
    assert result.near_diffusion_limit == (treatment == "atomistic")
    kinds = [kind for name, kind, *_ in result.regime_table() if name == "up"]
    assert kinds == ["ohmic", "filling", "square law"]
    assert not any("hysteresis" in flag for flag in result.flags)


@pytest.mark.long
def test_over_several_crystals_the_uncertainty_of_the_limit_is_honest(tmp_path):
    pulls = []
    for seed in (21, 22, 23):
        for treatment in RECIPES:
            result, truth = measured(treatment, tmp_path, seed, "baseline_duration=20 s")
            own = result.budgets["trap-filled limit"].shares
            u_v = math.hypot(*(u for source, u in own.items() if source not in SHARED_WITH_THE_TRUTH))
            pulls.append((result.trap_filled_limit.value - truth["trap_filling_voltage_v"]) / u_v)
    count = len(pulls)
    assert abs(np.mean(pulls)) < 0.5 + 1 / np.sqrt(count)
    rms, known_to = np.sqrt(np.mean(np.square(pulls))), 2 / np.sqrt(2 * count)
    assert 0.65 * (1 - known_to) < rms < 1.35 * (1 + known_to)
