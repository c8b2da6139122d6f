"""A temperature sweep on the simulated bench, through the drivers: every temperature, every way back."""

import numpy as np
import pytest

from tests.procedures.interrupting import Stopper, checkpoints_of
from tests.procedures.shortening import shortened
from xraydaq.config import load_run
from xraydaq.config.shipped import shipped_configs
from xraydaq.errors import ConfigError
from xraydaq.evaluation import evaluate_stored
from xraydaq.plan import plan_of
from xraydaq.runner import RunOptions, run
from xraydaq.storage import STATUS_FLAGS, read_run

RECIPES = shipped_configs() / "recipes"
SHORT = (
    "lowest_temperature=297 K", "highest_temperature=301 K", "step_up=2 K", "step_down=4 K", "pairs=1",
    "pulse_duration=10 s", "rest_duration=5 s",
)  # fmt: skip
LEVELS_K = (297.0, 299.0, 301.0, 297.0)
REST_ROWS, PULSE_ROWS = 10, 20
POINT_ROWS = 2 * (REST_ROWS + PULSE_ROWS)


def config_of(*overrides, recipe="temperature_sweep", **files):
    return shortened(recipe, SHORT, *overrides, **files)


def is_off(stored):
    """Source off and heater off, as the instruments say at the end."""
    smu, stage = (stored.instruments[role]["settings_end"] for role in ("smu", "temperature"))
    return smu[":OUTP?"] == "0" and stage["RANGE? 1"] == "0"


def test_every_temperature_has_its_rests_and_pulses_and_all_is_off_at_the_end(tmp_path, seen_v):
    config = config_of()
    outcome = run(config, RunOptions(out=tmp_path))
    stored = read_run(outcome.folder)
    assert outcome.state == "finished"
    assert is_off(stored)
    assert seen_v[-1] == 0
    assert {round(abs(bias_v), 3) for bias_v in seen_v} == {0.0, 20.0}
    columns = stored.columns
    assert stored.rows == plan_of(config).points == len(LEVELS_K) * POINT_ROWS
    assert checkpoints_of(stored) == ["point 1", "point 2", "point 3", "point 4"]
    by_point = columns["point"].reshape(len(LEVELS_K), POINT_ROWS)
    assert np.all(by_point == np.arange(len(LEVELS_K))[:, None])
    expected = [-1] * REST_ROWS + [0] * PULSE_ROWS + [-1] * REST_ROWS + [1] * PULSE_ROWS
    assert np.all(columns["pulse"].reshape(-1, POINT_ROWS) == expected)
    at_bias = columns["pulse"] >= 0
    np.testing.assert_allclose(
        columns["voltage"][at_bias], np.where(columns["pulse"][at_bias] == 0, 20, -20), rtol=1e-3
    )
    assert np.all(np.abs(columns["voltage"][~at_bias]) < 0.01)
    assert np.all(columns["status"] == 0)


def test_a_temperature_is_measured_in_equilibrium_and_the_crystal_is_there(tmp_path):
    stored = read_run(run(config_of(), RunOptions(out=tmp_path)).folder)
    columns = stored.columns
    for point, level_k in enumerate(LEVELS_K):
        rows = columns["point"] == point
        assert np.all(columns["set_temperature"][rows] == level_k)
        assert np.all(np.abs(columns["temperature"][rows] - level_k) < 0.15)  # 0.1 K and five times its noise
        minutes = (columns["elapsed"][rows] - columns["elapsed"][rows][0]) / 60
        assert abs(np.polyfit(minutes, columns["temperature"][rows], 1)[0]) < 0.1
    assert stored.twin_truth["stage"]["hottest_k"] < 301.5
    assert abs(stored.twin_truth["stage"]["crystal_k"] - 297.0) < 0.5


def test_a_stop_ends_at_zero_and_the_run_goes_on_at_the_temperature_that_was_cut_off(tmp_path, seen_v):
    config = config_of()
    stopped = run(config, RunOptions(out=tmp_path), Stopper(after=POINT_ROWS + REST_ROWS + 5))
    assert stopped.state == "stopped"
    first = read_run(stopped.folder)
    assert is_off(first)
    assert seen_v[-1] == 0
    done = len(checkpoints_of(first))
    assert 1 <= done < len(LEVELS_K)
    resumed = run(config, RunOptions(out=tmp_path, resume=stopped.folder))
    assert resumed.state == "finished"
    whole = read_run(resumed.folder)
    assert checkpoints_of(whole) == ["point 1", "point 2", "point 3", "point 4"]
    kept = whole.columns["status"] & STATUS_FLAGS["abandoned"] == 0
    assert np.sum(kept) == len(LEVELS_K) * POINT_ROWS
    result = evaluate_stored(whole)
    assert len(result.points) == len(LEVELS_K)
    assert all(point.pulses == 2 for point in result.points)
    np.testing.assert_allclose([point.temperature_k for point in result.points], LEVELS_K, atol=0.15)


def test_a_current_that_outgrows_its_range_moves_to_the_next_and_the_pulse_is_repeated(tmp_path):
    short = ("lowest_temperature=314 K", "highest_temperature=316 K", "step_down=0 K")
    stored = read_run(run(config_of(*short, recipe="temperature_sweep_mai"), RunOptions(out=tmp_path)).folder)
    columns = stored.columns
    assert sorted(set(columns["current_range"])) == [1e-6, 1e-5]
    limited = (columns["status"] & STATUS_FLAGS["compliance"]) != 0
    assert np.sum(limited) == 1
    assert set(columns["pulse"][limited]) == {0}
    for point in range(2):
        good = columns["point"] == point
        assert {np.sign(v) for v in columns["voltage"][good & ~limited & (columns["pulse"] >= 0)]} == {-1.0, 1.0}
    assert is_off(stored)


def test_a_current_that_no_range_holds_ends_the_run_safely(tmp_path, seen_v):
    config = config_of(
        "lowest_temperature=314 K", "highest_temperature=316 K", "current_range=1 uA", recipe="temperature_sweep_mai"
    )
    outcome = run(config, RunOptions(out=tmp_path))
    stored = read_run(outcome.folder)
    assert outcome.state == "failed"
    assert "limited at 20 V" in " ".join(event.message for event in stored.events) + str(outcome)
    assert is_off(stored)
    assert seen_v[-1] == 0


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("bias=0 V", "bias"),
        ("bias=-30 V", "max_field"),
        ("highest_temperature=330 K", "max_temperature"),
        ("lowest_temperature=310 K", "is not below the highest_temperature"),
        ("pulse_duration=5 s", "does not hold 20 readings"),
        ("rest_duration=1 s", "does not hold 5 readings"),
        ("stage_temperature=300 K", "not for a sweep"),
        ("step_up=1 mK", "allowed: larger steps"),
        ("period=0.1 s", "period"),
    ],
)
def test_a_recipe_that_cannot_run_is_refused_in_one_line_before_anything_is_opened(override, told):
    with pytest.raises(ConfigError) as refused:
        config_of(override)
    lines = [line for line in str(refused.value).splitlines() if told in line]
    assert len(lines) == 1, str(refused.value)


def test_the_plan_warns_of_what_the_physics_will_not_bear():
    assert not plan_of(load_run(RECIPES / "temperature_sweep.toml")).warnings
    warned = " ".join(plan_of(config_of("step_down=0 K", "pulse_duration=12 s")).warnings)
    for words in ("one activation energy only", "one direction alone", "hardly tells absorption"):
        assert words in warned


def test_the_ways_up_and_down_have_the_steps_of_the_recipe_and_both_ends():
    up_only = config_of("lowest_temperature=240 K", "highest_temperature=320 K", "step_up=2.5 K", "step_down=0 K")
    levels_k = up_only.recipe.parameters.levels_k
    assert len(levels_k) == 33
    assert (levels_k[0], levels_k[-1]) == (240.0, 320.0)
    odd = config_of("lowest_temperature=240 K", "highest_temperature=247 K", "step_up=3 K", "step_down=5 K")
    assert odd.recipe.parameters.levels_k == (240.0, 243.0, 246.0, 247.0, 242.0, 240.0)
    assert sum(config_of("pairs=2").recipe.parameters.signs) == 0
    assert config_of("pairs=2").recipe.parameters.signs == (1, -1, -1, 1)
