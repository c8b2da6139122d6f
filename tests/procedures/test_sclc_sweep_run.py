"""A current-voltage sweep on the simulated bench, through the driver: every point, every way back."""

from itertools import pairwise

import numpy as np
import pytest

from tests.procedures.interrupting import Stopper, checkpoints_of
from tests.procedures.shortening import shortened
from xraydaq.config.shipped import shipped_configs
from xraydaq.errors import ConfigError
from xraydaq.evaluation import evaluate_stored
from xraydaq.plan import plan_of
from xraydaq.runner import RunOptions, run
from xraydaq.storage import STATUS_FLAGS, read_run

RECIPES = shipped_configs() / "recipes"
SAMPLES = shipped_configs() / "samples"
SHORT = ("points_per_decade=10", "baseline_duration=10 s", "rest_duration=5 s", "stage_temperature=296.15 K")
LEVELS = 31
STOPPED_ROWS = 55


def config_of(*overrides, **files):
    return shortened("sclc_sweep_mai", SHORT, *overrides, **files)


def is_off(stored):
    return stored.instruments["smu"]["settings_end"][":OUTP?"] == "0"


def test_both_sweeps_are_complete_on_ranges_that_follow_and_the_bias_ends_at_zero(tmp_path, seen_v):
    config = config_of()
    outcome = run(config, RunOptions(out=tmp_path))
    stored = read_run(outcome.folder)
    assert (outcome.state, outcome.reason) == ("finished", "")
    columns = stored.columns
    assert stored.rows == plan_of(config).points == 10 + 2 * LEVELS
    assert columns["direction"].tolist() == [0] * 10 + [1] * LEVELS + [-1] * LEVELS
    assert columns["point"].tolist() == [-1] * 10 + [*range(LEVELS)] + [*reversed(range(LEVELS))]
    levels_v = config.recipe.parameters.levels_v
    assert columns["voltage"][10 : 10 + LEVELS] == pytest.approx(levels_v, rel=2e-3, abs=0)
    assert np.all(columns["status"] == 0)
    assert set(columns["current_range"]) == {1e-6, 1e-5, 1e-4, 1e-3}
    assert np.all(np.abs(columns["current"]) < columns["current_range"])
    assert np.all(np.abs(columns["temperature"] - 296.15) < 0.2)
    assert checkpoints_of(stored) == ["sweep 1", "sweep 2"]
    assert max(seen_v) <= 20 * 1.001
    assert min(seen_v) == 0
    assert seen_v[-1] == 0
    assert is_off(stored)


def test_the_other_polarity_gives_the_same_limit(tmp_path):
    one, other = (
        evaluate_stored(read_run(run(config_of(*signed), RunOptions(out=tmp_path)).folder))
        for signed in ((), ("lowest_bias=-20 mV", "highest_bias=-20 V"))
    )
    assert abs(one.trap_filled_limit.value - other.trap_filled_limit.value) < one.trap_filled_limit.u


def test_a_stop_in_the_middle_is_safe_and_the_run_goes_on_with_the_sweep_that_was_cut(tmp_path, seen_v):
    config = config_of()
    stopped = run(config, RunOptions(out=tmp_path), Stopper(after=STOPPED_ROWS))
    first = read_run(stopped.folder)
    assert stopped.state == "stopped"
    assert seen_v[-1] == 0
    assert is_off(first)
    assert checkpoints_of(first) == ["sweep 1"]
    assert first.rows < plan_of(config).points
    outcome = run(config, RunOptions(out=tmp_path, resume=stopped.folder))
    stored = read_run(outcome.folder)
    assert outcome.state == "finished"
    assert checkpoints_of(stored) == ["sweep 1", "sweep 2"]
    good, ways = stored.columns["status"] == 0, stored.columns["direction"]
    assert [np.count_nonzero(good & (ways == way)) for way in (1, -1)] == [LEVELS, LEVELS]
    assert [sweep.name for sweep in evaluate_stored(stored).sweeps] == ["up", "down"]


def test_a_sweep_turns_round_where_the_compliance_limits_the_current(tmp_path):
    outcome = run(config_of("compliance=100 uA"), RunOptions(out=tmp_path))
    stored = read_run(outcome.folder)
    assert outcome.state == "finished"
    limited = stored.columns["status"] & STATUS_FLAGS["compliance"] != 0
    up, down = (stored.columns["direction"] == way for way in (1, -1))
    assert np.count_nonzero(limited & up) == 1
    assert not np.any(limited & down)
    assert stored.columns["voltage"][down].max() < stored.columns["voltage"][up].max() < 20
    assert [event.message for event in stored.events if event.kind == "compliance"]
    assert evaluate_stored(stored).dropped["compliance"] == 1


def test_a_resumed_run_goes_no_higher_than_the_compliance_let_the_first_segment(tmp_path):
    config = config_of("compliance=100 uA")
    stopped = run(config, RunOptions(out=tmp_path), Stopper(when=lambda kind, message: message == "sweep 1"))
    first = read_run(stopped.folder)
    ends, key = checkpoints_of(first)
    assert key == "sweep 1"
    last = int(first.columns["point"][first.columns["direction"] == 1].max())
    assert ends == f"ends below point {last}"
    stored = read_run(run(config, RunOptions(out=tmp_path, resume=stopped.folder)).folder)
    status = stored.columns["status"]
    down = (stored.columns["direction"] == -1) & (status & STATUS_FLAGS["abandoned"] == 0)
    assert stored.columns["point"][down].max() < last  # also of the readings that were repeated in a wider range
    assert stored.columns["point"][down & (status == 0)].tolist() == [*reversed(range(last))]


def test_compliance_ends_the_run_safely_where_the_recipe_says_so(tmp_path, seen_v):
    outcome = run(config_of("compliance=100 uA", "on_compliance=stop"), RunOptions(out=tmp_path))
    assert (outcome.state, outcome.exit_code) == ("failed", 3)
    assert "limited by the compliance of 100 uA" in outcome.reason
    assert seen_v[-1] == 0
    assert is_off(read_run(outcome.folder))


def test_pulses_have_the_crystal_at_zero_before_each_point(tmp_path, seen_v):
    outcome = run(config_of("pulse_rest_duration=2 s", "directions=up"), RunOptions(out=tmp_path))
    stored = read_run(outcome.folder)
    assert outcome.state == "finished"
    pulses = [level for before, level in pairwise([0.0, *seen_v]) if before == 0 and level > 0]
    levels_v = stored.columns["voltage"][stored.columns["direction"] == 1]
    assert sum(np.isclose(levels_v[:, None], pulses, rtol=1e-4).any(axis=1)) == LEVELS
    assert np.diff(stored.columns["elapsed"][stored.columns["direction"] == 1]).min() > 3.0


def test_repeats_rest_at_zero_between(tmp_path):
    config = config_of("repeats=2", "rest_duration=100 s")
    stored = read_run(run(config, RunOptions(out=tmp_path)).folder)
    assert stored.rows == plan_of(config).points == 10 + 4 * LEVELS
    begins_s = [stored.columns["elapsed"][stored.columns["repeat"] == repeat] for repeat in (0, 1)]
    assert begins_s[1][0] - begins_s[0][-1] > 100
    assert checkpoints_of(stored) == [f"sweep {number}" for number in range(1, 5)]


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (("lowest_bias=30 mV", "highest_bias=20 mV"), "parameters.lowest_bias: 0.03 V is not below"),
        (("lowest_bias=-20 mV",), "both of one sign"),
        (("highest_bias=0 V",), "both of one sign"),
        (("lowest_bias=10 V",), "points_per_decade: 10 give 4 points"),
        (("highest_bias=30 V",), "over the limit of 25 V"),
        (("directions=sideways",), "up and down"),
        (("period=10 ms",), "shorter than a reading"),
        (("dielectric=vacuum",), "both_sides"),
    ],
)
def test_a_sweep_that_cannot_be_is_refused_in_one_line(overrides, said):
    with pytest.raises(ConfigError) as refused:
        config_of(*overrides)
    lines = [line for line in str(refused.value).splitlines() if said in line]
    assert len(lines) == 1


def test_a_plan_warns_of_what_its_result_will_not_bear():
    (of_the_meter,) = plan_of(config_of()).warnings
    assert "the baseline takes its constant part out" in of_the_meter
    other = config_of(sample=SAMPLES / "mai.toml")
    warnings = plan_of(config_of("directions=up", "baseline_duration=0 s")).warnings + plan_of(other).warnings
    for word in ("hysteresis", "baseline", "injecting_gap", "relative_permittivity"):
        assert sum(word in warning for warning in warnings if not warning.startswith("dark current")) == 1
