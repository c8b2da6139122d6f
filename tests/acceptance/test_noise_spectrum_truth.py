"""Noise of the simulated crystals as a noise run finds it, against what is true of them, from the bytes up."""

import numpy as np
import pytest

from instruments.sim.twin import Crystal
from xraydaq.config import load_run
from xraydaq.config.shipped import shipped_configs
from xraydaq.evaluation import evaluate_stored
from xraydaq.runner import RunOptions, run
from xraydaq.storage import read_run

SHOT_A2_HZ_PER_A = 2 * 1.602e-19
LEVEL_ALLOWED, EXPONENT_ALLOWED = 0.03, 0.03
"""Acceptance of a spectrum of 64 averages."""

SHORT = ("zero_bias=false", "current_duration=10 min")


def measured(recipe, folder, seed, *overrides):
    config = load_run(shipped_configs() / "recipes" / f"{recipe}.toml", overrides=(*SHORT, *overrides))
    stored = read_run(run(config, RunOptions(out=folder, seed=seed)).folder)
    assert stored.complete
    return stored, evaluate_stored(stored)


def current_during_the_spectra_a(stored):
    """Dark current of a crystal without noise that was biased as this one was."""
    blocks = [block.header for block in stored.blocks if block.header["kind"] == "device"]
    (begin,) = (event.elapsed_s for event in stored.events if event.message.startswith("settling"))
    truth = stored.twin_truth["crystal"]
    crystal = Crystal(truth["device"], seed=0, noise="none", temperature_k=truth["temperature_k"])
    crystal.set_bias(begin, 5.0)
    at_s = [header["started_s"] + header["duration_s"] / 2 for header in blocks]
    return float(np.mean([crystal.mean_current_a(moment_s, moment_s + 1.0) for moment_s in at_s]))


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["noise_spectrum", pytest.param("noise_spectrum_mai", marks=pytest.mark.long)])
def test_level_and_exponent_of_each_crystal_are_those_of_the_truth(tmp_path, recipe):
    stored, result = measured(recipe, tmp_path, 6)
    truth = stored.twin_truth["crystal"]
    relative = truth["noise_1hz_a_per_rthz"] / truth["dark_current_298k_a"]
    current_a = current_during_the_spectra_a(stored)
    assert result.flicker_1_hz.value == pytest.approx(relative * current_a, rel=LEVEL_ALLOWED, abs=0)
    assert abs(result.flicker_1_hz.value - relative * current_a) < 3 * result.flicker_1_hz.u
    assert result.gamma.value == pytest.approx(truth["noise_exponent"], abs=EXPONENT_ALLOWED)
    assert abs(result.over_current.value - relative) < 3 * result.over_current.u
    assert result.shot.value == pytest.approx(np.sqrt(SHOT_A2_HZ_PER_A * current_a), rel=0.03, abs=0)
    assert result.white_limit.value > result.shot.value
    assert result.flags == ()


def test_the_dark_current_fluctuates_as_the_spectrum_says(tmp_path):
    _, result = measured("noise_spectrum", tmp_path, 7, "averages=16", "open_input=false")
    assert abs(result.allan_ratio.value - 1) < max(0.15, 2 * result.allan_ratio.u)
    assert any("background not measured" in flag for flag in result.flags)
