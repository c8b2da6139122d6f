"""A dose-rate sweep on the simulated bench: beam only while it is needed, every point visited, dark at the end."""

from itertools import pairwise

import numpy as np
import pytest

from procedures.dose_sweep_order import dose_rate_gy_s, points_of
from tests.procedures.interrupting import Stopper, checkpoints_of
from tests.procedures.shortening import shortened
from xraydaq.config import load_run
from xraydaq.config.shipped import shipped_configs
from xraydaq.errors import ConfigError
from xraydaq.evaluation import evaluate_stored
from xraydaq.plan import plan_of
from xraydaq.runner import RunOptions, run
from xraydaq.storage import STATUS_FLAGS, read_run

RECIPE = shipped_configs() / "recipes" / "dose_rate_sweep.toml"
SHORT = (
    'foils=["1 mm", "29 mm"]', 'tube_currents=["20 uA", "194 uA"]', "settle_duration=30 s", "warm_up_duration=60 s",
    "cycles=4", "half_period=16 s", "blanks=2",
)  # fmt: skip
POINTS, WINDOWS = 4, 9


def config_of(*overrides):
    return shortened("dose_rate_sweep", SHORT, *overrides)


def test_every_point_is_chopped_between_blank_runs_and_the_beam_is_off_at_the_end(tmp_path, beams):
    config = config_of()
    outcome = run(config, RunOptions(out=tmp_path))
    assert outcome.state == "finished"
    stored, points = read_run(outcome.folder), points_of(config)
    columns = stored.columns
    assert checkpoints_of(stored) == [point.key for point in points]
    assert [point.is_blank for point in points] == [True, *[False] * (POINTS + 3), True]
    for point in points:
        rows = columns["point"] == point.number
        on = columns["beam_on"][rows] == 1
        edges = np.count_nonzero(np.diff(on.astype(int)))
        assert edges == (0 if point.is_blank else WINDOWS - 1)
        assert abs(rows.sum() - WINDOWS * 40) <= WINDOWS, "a reading more or less for the time of switching"
        if not point.is_blank:
            assert set(columns["tube_current_set"][rows][on]) == {point.current_a}
            assert columns["total_aluminium"][rows] == pytest.approx(1e-3 + point.foil_m, rel=1e-6, abs=0)
    settled = columns["point"] == -1
    assert settled.sum() == 30
    assert np.all(columns["voltage"] == pytest.approx(5.0, rel=1e-3, abs=0))
    plan = plan_of(config)
    assert abs(stored.rows - plan.points) < 0.05 * plan.points
    by_edges = sum(later.time_s - event.time_s for event, later in pairwise(beams) if event.on)
    assert by_edges == pytest.approx(plan.beam_s, rel=0.1, abs=0)
    assert not beams[-1].on
    assert stored.instruments["tube"]["settings_end"]["HVSE"] == "0.000"
    assert stored.instruments["smu"]["settings_end"][":OUTP?"] == "0"


def test_a_stop_ends_dark_and_the_run_goes_on_at_the_point_that_was_cut_off(tmp_path, beams):
    config = config_of("blanks=0", 'tube_currents=["20 uA", "95 uA"]')
    stopped = run(config, RunOptions(out=tmp_path), Stopper(after=900))
    assert stopped.state == "stopped"
    assert not beams[-1].on
    resumed = run(config, RunOptions(out=tmp_path, resume=stopped.folder))
    assert resumed.state == "finished"
    assert not beams[-1].on
    whole, points = read_run(resumed.folder), points_of(config)
    assert sorted(checkpoints_of(whole)) == sorted(point.key for point in points)
    abandoned = whole.columns["status"] & STATUS_FLAGS["abandoned"] != 0
    assert abandoned.any()
    result = evaluate_stored(whole)
    assert len(result.steps.visits) == len(points)
    assert result.steps.failed == {}


def test_a_blank_run_that_was_cut_off_is_evaluated_from_where_it_was_repeated(tmp_path):
    config = config_of('foils=["1 mm"]', 'tube_currents=["20 uA", "95 uA", "194 uA"]')
    points = points_of(config)
    assert points[-1].is_blank
    before = 30 + (len(points) - 1) * WINDOWS * 40
    stopped = run(config, RunOptions(out=tmp_path), Stopper(after=before + 130))
    assert checkpoints_of(read_run(stopped.folder)) == [point.key for point in points[:-1]]
    whole = read_run(run(config, RunOptions(out=tmp_path, resume=stopped.folder)).folder)
    abandoned = whole.columns["status"] & STATUS_FLAGS["abandoned"] != 0
    assert set(whole.columns["point"][abandoned]) == {points[-1].number}
    result = evaluate_stored(whole)
    assert len(result.steps.blanks) == 2
    first, repeated = (step.windows for step in result.steps.blanks)
    assert repeated.on.tolist() == first.on.tolist()
    # a reading begins up to 0.4 s after its edge
    assert np.diff(repeated.time_s) == pytest.approx(np.diff(first.time_s), abs=0.5)
    begins_s = whole.columns["elapsed"][(whole.columns["point"] == points[-1].number) & ~abandoned][0]
    assert repeated.time_s[0] - begins_s == pytest.approx(first.time_s[0] - whole.columns["elapsed"][30], abs=0.5)


def test_blank_runs_have_the_schedule_of_the_visits(tmp_path):
    result = evaluate_stored(read_run(run(config_of(), RunOptions(out=tmp_path)).folder))
    assert len(result.steps.blanks) == 2
    for step in result.steps.blanks:
        assert step.cycles_used == 4
        assert step.readings == pytest.approx(result.steps.visits[0].step.readings, abs=1)
        assert abs(step.step.value) < 5 * step.step.u


@pytest.mark.parametrize(("order", "rises"), [("rising", 15), ("falling", 0), ("up and down", 8), ("random", None)])
def test_dose_rates_are_visited_in_the_order_wanted_with_the_reference_around_them(order, rises):
    config = load_run(RECIPE, overrides=(f'order="{order}"',))
    visits = [point for point in points_of(config) if not point.is_blank]
    assert visits[0].is_reference
    assert visits[len(visits) // 2].is_reference
    assert visits[-1].is_reference
    swept = visits[1 : len(visits) // 2] + visits[len(visits) // 2 + 1 : -1]
    settings = [(point.foil_m, point.current_a) for point in swept]
    assert len(settings) == len(set(settings)) == 16
    rates = [dose_rate_gy_s(config, *each) for each in settings]
    risen = sum(later > earlier for earlier, later in pairwise(rates))
    if rises is None:
        assert 2 < risen < 13
    else:
        assert risen == rises


def test_the_random_order_comes_again_with_its_seed():
    orders = [points_of(load_run(RECIPE, overrides=(f"order_seed={seed}",))) for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]


def test_the_plan_states_beam_time_dose_and_what_the_meter_will_not_resolve():
    plan = plan_of(load_run(RECIPE))
    visits, on_s = 19, 200.0
    assert plan.beam_s == pytest.approx(visits * on_s + 23 * 20, rel=1e-6, abs=0)
    assert 0.01 < plan.dose_gy < 0.05
    assert plan.duration_s > (visits + 20) * 420
    words = " ".join(plan.warnings)
    assert "outside the tube currents of the calibration" in words
    assert "under the range accuracy" in words
    coarse = plan_of(load_run(RECIPE, overrides=("current_range=10 uA",)))
    assert any("a step of the display" in warning for warning in coarse.warnings)
    hasty = plan_of(config_of("order=rising"))
    for said in ("look like a non-linearity", "settling below 60 min", "warm-up below 15 min", "2 blank runs"):
        assert any(said in warning for warning in hasty.warnings)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("bias=0 V", "0 V given; allowed: a bias of either sign"),
        ("bias=30 V", "30 V is over the limit of 25 V"),
        ('tube_currents=["20 uA", "300 uA"]', "300 uA is over the limit of 200 uA"),
        ("tube_voltage=40 kV", "40 kV is not the voltage of the calibration"),
        ('foils=["1 mm", "3 mm"]', "3 mm is no foil of the bench"),
        ("half_period=8 s", "does not hold 6 s of settling and 20 readings"),
        ("discard_duration=10 s", "leave less than 20 readings"),
        ("cycles=3", "at least 4"),
        ('order="sideways"', "sideways"),
    ],
)
def test_what_cannot_be_swept_is_refused_in_one_line(override, said):
    with pytest.raises(ConfigError) as refused:
        config_of(override)
    assert len([problem for problem in refused.value.problems if said in problem]) == 1


def test_a_sweep_without_a_dose_calibration_is_refused(tmp_path):
    recipe = tmp_path / "silent.toml"
    text = RECIPE.read_text().replace('"../samples', f'"{shipped_configs()}/samples')
    recipe.write_text("\n".join(line for line in text.splitlines() if not line.startswith("calibration")))
    with pytest.raises(ConfigError) as refused:
        load_run(recipe)
    assert any("calibration: missing" in problem for problem in refused.value.problems)
