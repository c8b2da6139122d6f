"""Response of the simulated crystals and of the air, from the bytes on the wire up, against their truth."""

import numpy as np
import pytest

from xraydaq.analysis.edge_response import LAG_TIMES_S
from xraydaq.analysis.two_exponentials import transition
from xraydaq.config import load_run
from xraydaq.config.shipped import shipped_configs
from xraydaq.evaluation import evaluate_stored
from xraydaq.runner import RunOptions, run
from xraydaq.storage import read_run

QUICK = ("half_period=20 s", "settle_duration=10 min", 'tube_currents=["194 uA"]')
COVERAGE = 2.0


def measured(recipe, folder, *overrides):
    config = load_run(shipped_configs() / "recipes" / f"{recipe}.toml", overrides=overrides)
    outcome = run(config, RunOptions(out=folder, seed=1))
    assert outcome.state == "finished"
    stored = read_run(outcome.folder)
    return evaluate_stored(stored), stored.twin_truth


def agrees(value, truth, *, least_u=0.0):
    return abs(value.value - truth) <= COVERAGE * max(value.u, least_u)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["photoresponse", pytest.param("photoresponse_mai", marks=pytest.mark.long)])
def test_the_fall_of_the_photocurrent_is_that_of_the_crystal(recipe, tmp_path):
    result, truth = measured(recipe, tmp_path, *QUICK)
    crystal, best = truth["crystal"], result.points[0]
    taus_s, share = (crystal["fast_time_s"], crystal["slow_time_s"]), 1 - crystal["fast_share"]
    fall = best.fall
    assert agrees(fall.slow_share, share)
    assert np.isnan(fall.transition.value) or agrees(fall.transition, transition(taus_s, share))
    assert agrees(fall.fast, taus_s[0])
    assert not fall.slow_seen or agrees(fall.slow, taus_s[1])
    for lag, time_s in zip(fall.lags, LAG_TIMES_S, strict=True):
        assert agrees(lag, share * np.exp(-time_s / taus_s[1]), least_u=1e-4)
    assert agrees(best.sensitivity, crystal["sensitivity_c_gy_m2"])
    assert best.repeatability.value < 0.05
    if recipe == "photoresponse":
        assert abs(fall.slow.value - taus_s[1]) < 0.1 * taus_s[1]
        assert abs(fall.slow_share.value - share) < 0.005
        assert abs(fall.fast.value - taus_s[0]) < 0.02 * taus_s[0]
        assert abs(fall.delay.value) < 0.005
        assert best.rise.transition.value > fall.transition.value, "the tube needs its time to come up"


@pytest.mark.slow
def test_air_is_found_with_the_blank_and_not_with_a_reading(tmp_path):
    result, truth = measured("air_ionisation", tmp_path, "cycles=12")
    assert truth["crystal"]["is_air"]
    assert agrees(result.apparent, truth["crystal"]["sensitivity_c_gy_m2"])
    assert result.seen
    assert result.offset_limit.value > 10 * result.apparent.value
    assert result.one_count.value == pytest.approx(0.157, rel=0.01, abs=0)
