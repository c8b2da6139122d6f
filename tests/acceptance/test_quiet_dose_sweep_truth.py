"""A dose-rate sweep of a quiet crystal, whose detection limit is the published one, from the bytes on the wire up.

The noise of the crystal is a thirtieth of the printed one: with the printed one no single reading reaches 1.5 nGy/s.
"""

import math
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from xraydaq.config import load_run
from xraydaq.config.shipped import shipped_configs
from xraydaq.evaluation import evaluate_stored
from xraydaq.runner import RunOptions, run
from xraydaq.storage import read_run

FEWER = ("cycles=5", "blanks=6", "settle_duration=20 min", "half_period=16 s")
STATED_GY_S = 20.3e-6
LOW_GY_S = 300e-9
SLOPE_ALLOWED, EXPONENT_ALLOWED, LIMIT_ALLOWED = 0.005, 0.02, 0.10
PRINTED_LIMIT_GY_S = 1.5e-9
METER_A, STEP_A = 5e-12, 10e-12
"""Of the meter's range of 1 uA: rms of a reading of 10 line cycles, and step of its display."""

RESPONSES = ("mild", "none")


@cache
def measured(nonlinearity):
    with TemporaryDirectory() as name:
        folder = Path(name)
        text = (shipped_configs() / "benches" / "simulated.toml").read_text()
        assert 'noise = "psd"' in text
        text = text.replace('noise = "psd"', 'noise = "lod"')
        text = text.replace("[twin]\n", f'[twin]\ndose_nonlinearity = "{nonlinearity}"\n')
        (folder / "quiet.toml").write_text(text)
        recipe = shipped_configs() / "recipes" / "dose_rate_sweep.toml"
        outcome = run(load_run(recipe, overrides=FEWER, bench=folder / "quiet.toml"), RunOptions(out=folder, seed=1))
        assert outcome.state == "finished"
        stored = read_run(outcome.folder)
        return stored.twin_truth, evaluate_stored(stored)


def sensitivity_of(truth, dose_gy_s):
    """Sensitivity of the simulated crystal in C/Gy/m^2 at dose rates."""
    crystal = truth["crystal"]
    if truth["dose_nonlinearity"] == "none":
        return crystal["sensitivity_c_gy_m2"] * np.ones_like(dose_gy_s)
    low, scale = crystal["sensitivity_low_c_gy_m2"], crystal["dose_scale_gy_s"]
    growth = (crystal["sensitivity_c_gy_m2"] - low) * (STATED_GY_S + scale) / STATED_GY_S
    return low + growth * dose_gy_s / (dose_gy_s + scale)


@pytest.mark.long
@pytest.mark.parametrize("nonlinearity", RESPONSES)
def test_the_weighted_slope_at_low_dose_rates_is_right_to_half_a_per_cent(nonlinearity):
    truth, result = measured(nonlinearity)
    points = result.response.points
    low = points.of(points.dose_rate_gy_s <= LOW_GY_S)
    dose, weight = low.dose_rate_gy_s, low.sums_u_a(result.response.low.slope.value) ** -2.0
    slope = np.sum(weight * sensitivity_of(truth, dose) * dose**2) / np.sum(weight * dose**2)
    assert result.low_slope.value == pytest.approx(slope, rel=SLOPE_ALLOWED, abs=0)
    assert not result.response.low.has_intercept


@pytest.mark.long
@pytest.mark.parametrize("nonlinearity", RESPONSES)
def test_the_exponent_is_that_of_the_currents_of_a_crystal_without_noise(nonlinearity):
    """1 for a linear crystal; else the slope of the same weighted line through its true currents."""
    truth, result = measured(nonlinearity)
    points, theta = result.response.points, result.response.theta
    dose = points.dose_rate_gy_s
    u = np.hypot(points.current_u_a / points.current_a, points.dose_rate_u_gy_s / dose)
    expected = np.polyfit(np.log(dose), np.log(dose * sensitivity_of(truth, dose)), 1, w=1 / u)[0]
    assert theta.value == pytest.approx(expected, abs=EXPONENT_ALLOWED)
    assert expected == pytest.approx(1.0, abs=1e-12) if nonlinearity == "none" else expected > 1.02
    assert theta.u < EXPONENT_ALLOWED, "an uncertainty that is always large says nothing"


@pytest.mark.long
def test_the_published_detection_limit_comes_out_of_single_readings():
    truth, result = measured("mild")
    limits, crystal = result.limits, truth["crystal"]
    slow_a = crystal["noise_at_bias_a_per_rthz"] * math.sqrt(math.log(limits.window_s / limits.reading_time_s) + 0.2)
    scatter_a = math.hypot(slow_a, METER_A, STEP_A / math.sqrt(12))
    expected = 3 * scatter_a / (float(sensitivity_of(truth, np.array(1.5e-9))) * truth["spot_m2"])
    assert limits.snr.limit.value == pytest.approx(expected, rel=LIMIT_ALLOWED, abs=0)
    assert limits.snr.limit.value == pytest.approx(PRINTED_LIMIT_GY_S, rel=LIMIT_ALLOWED, abs=0)
    assert not limits.snr.extrapolated
    assert limits.noise_from_blanks
    assert limits.blank_windows == 6 * 11
    assert not any("noise spectrum says" in flag for flag in result.flags)
