"""A run that was stopped before its first point has no result, and says so in a sentence: that is nobody's fault."""

import pytest

from tests.procedures.interrupting import Stopper
from xraydaq.config import load_run
from xraydaq.config.shipped import shipped_configs
from xraydaq.runner import RunOptions, run
from xraydaq.runner.closing import close_run

RECIPES = shipped_configs() / "recipes"
PAIRS = ("_mai", "_untreated")
"""The same procedure on another sample."""

NAMES = sorted(path.stem for path in RECIPES.glob("*.toml") if not path.stem.endswith(PAIRS))
SHORT = {
    "dose_calibration": ("warm_up_duration=0 s", "conditioning_duration=0 s", "reading_duration=5 s"),
    "noise_spectrum": ("settle_duration=10 s",),
    "temperature_sweep": ("lowest_temperature=295 K", "highest_temperature=305 K"),
}


def closed_after(name, tmp_path, stopper):
    config = load_run(RECIPES / f"{name}.toml", overrides=SHORT.get(name, ()))
    outcome = run(config, RunOptions(out=tmp_path), stopper)
    assert outcome.state == "stopped"
    return close_run(outcome.folder)


def has_no_analysis(closed):
    wrong = any(word in closed.problem for word in ("bug", "refused"))  # refused: what the run should have said
    return closed.exit_code == 0 and closed.problem.startswith("no analysis: ") and not wrong


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in NAMES if name != "noise_spectrum"])  # its readings are spectra
def test_after_five_readings_there_is_a_file_and_a_sentence_instead_of_a_result(tmp_path, name):
    closed = closed_after(name, tmp_path, Stopper(after=5))
    assert has_no_analysis(closed), closed.problem
    assert closed.result_path.exists()


@pytest.mark.parametrize("name", NAMES)
def test_without_any_reading_there_is_a_file_and_a_sentence_instead_of_a_result(tmp_path, name):
    closed = closed_after(name, tmp_path, Stopper(when=lambda kind, message: kind == "phase"))
    assert has_no_analysis(closed), closed.problem
    assert closed.result_path.exists()
