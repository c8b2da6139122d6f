"""The truths that a blind programme is judged by, against the definition of each, worked out in another way."""

import numpy as np
import pytest

from instruments.sim.twin.devices import device_of
from xraydaq.config import load_run, shipped_configs
from xraydaq.evaluation import evaluate_stored
from xraydaq.evaluation.sensitivity import sensitivity_in
from xraydaq.reproduce import truth
from xraydaq.runner import RunOptions, run
from xraydaq.runner.closing import close_run
from xraydaq.storage import read_run


def test_the_sensitivity_of_a_crystal_is_the_printed_one_at_the_printed_dose_rate_and_falls_to_its_low_one():
    device = device_of("atomistic")
    high, low = truth.sensitivity_c_gy_m2(device, np.array([20.3e-6, 1e-13]))
    assert high == pytest.approx(device.sensitivity_c_gy_m2, rel=1e-12, abs=0)
    assert low == pytest.approx(device.sensitivity_low_c_gy_m2, rel=1e-6, abs=0)


def test_scatter_within_a_window_of_white_noise_would_be_that_of_a_reading_and_of_1_over_f_noise_grows_with_it():
    """Readings of 1/f noise of density 1 at 1 Hz: the variance grows by ln 4 where a window is four times as long."""
    short, long = (truth.scatter_in_a_window(1.0, readings, 0.4, 0.2) for readings in (16, 64))
    assert long**2 - short**2 == pytest.approx(np.log(4), rel=0.2, abs=0)


@pytest.mark.long
def test_the_share_of_u_that_dates_on_the_shelf_do_not_have_in_common_is_found(tmp_path):
    recipe = shipped_configs() / "recipes" / "shelf_stability.toml"
    outcome = run(load_run(recipe, overrides=["settle_duration=2 min"]), RunOptions(out=tmp_path, seed=1))
    found = sensitivity_in(read_run(close_run(outcome.folder).result_path))
    assert 0 < found.own_u < 0.1 * found.sensitivity.u, "calibration and area are the same on all dates"


@pytest.mark.slow
def test_a_short_dark_run_is_close_to_the_crystal_without_noise(tmp_path):
    recipe = shipped_configs() / "recipes" / "bias_stability.toml"
    outcome = run(load_run(recipe, overrides=["duration=20 min"]), RunOptions(out=tmp_path, seed=1))
    stored = read_run(outcome.folder)
    result = evaluate_stored(stored)
    assert truth.mean_dark_current_a(stored) == pytest.approx(result.mean_current.value, rel=0.01, abs=0)
    assert abs(truth.drift_metric(stored) - result.drift.value) < 3 * result.drift.u
