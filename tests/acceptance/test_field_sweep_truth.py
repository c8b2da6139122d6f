"""Field scale and sensitivity of the simulated crystals, from the bytes on the wire up, against their truth."""

import math

import numpy as np
import pytest

from xraydaq.config import load_run
from xraydaq.config.shipped import shipped_configs
from xraydaq.evaluation import evaluate_stored
from xraydaq.runner import RunOptions, run
from xraydaq.storage import read_run

RECIPES = {"untreated": "field_sweep_untreated", "mai": "field_sweep_mai", "atomistic": "field_sweep"}
QUICK = (
    'biases=["0.5 V", "1 V", "2 V", "3.5 V", "5 V"]', "settle_duration=3 min", "bias_settle_duration=2 min",
    "half_period=13 s", "cycles=4",
)  # fmt: skip
LONG = [pytest.param(treatment, marks=pytest.mark.long) for treatment in ("untreated", "mai")]
TOLERANCE = 0.02
COVERAGE = 2.0


def measured(treatment, folder, seed):
    config = load_run(shipped_configs() / "recipes" / f"{RECIPES[treatment]}.toml", overrides=QUICK)
    outcome = run(config, RunOptions(out=folder, seed=seed))
    assert outcome.state == "finished"
    stored = read_run(outcome.folder)
    return evaluate_stored(stored), stored.twin_truth


@pytest.mark.slow
@pytest.mark.parametrize("treatment", ["atomistic", *LONG])
def test_the_field_scale_and_the_sensitivity_of_the_crystal_come_out(treatment, tmp_path):
    result, truth = measured(treatment, tmp_path, 1)
    crystal = truth["crystal"]
    scale_v_m = crystal["field_scale_v_m"]
    assert treatment == "mai" or abs(result.scale.value - scale_v_m) < TOLERANCE * scale_v_m
    assert abs(result.scale.value - scale_v_m) < COVERAGE * result.fit.scale.u + 1e-3 * scale_v_m
    assert result.fit.scale.u < 0.06 * scale_v_m, "an uncertainty that is always large says nothing"
    reference = crystal["sensitivity_c_gy_m2"]
    assert treatment == "mai" or abs(result.highest.value - reference) < 0.015 * reference
    assert abs(result.highest.value - reference) < COVERAGE * result.highest.u < 0.1 * reference
    u = 1e5 / scale_v_m
    plateau = reference / (u * -math.expm1(-1 / u))
    assert abs(result.plateau.value - plateau) < COVERAGE * result.plateau.u
    assert np.all(np.diff([one.bias_v for one in result.points[:5]]) > 0)
    assert any("plateau extrapolated" in flag for flag in result.flags)
    assert not any("up and down differ" in flag for flag in result.flags)
