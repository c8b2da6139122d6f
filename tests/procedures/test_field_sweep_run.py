"""A field sweep on the simulated bench: one beam at every bias, up and down, dark at the end."""

from itertools import pairwise

import numpy as np
import pytest

from tests.procedures.interrupting import Stopper, checkpoints_of
from tests.procedures.shortening import shortened
from xraydaq.errors import ConfigError
from xraydaq.evaluation import evaluate_stored
from xraydaq.plan import plan_of
from xraydaq.runner import RunOptions, run
from xraydaq.storage import STATUS_FLAGS, read_run

SHORT = (
    'biases=["1 V", "2 V", "3.5 V", "5 V"]', "settle_duration=10 s", "bias_settle_duration=13 s",
    "warm_up_duration=26 s", "cycles=4", "half_period=13 s",
)  # fmt: skip
WINDOWS = 9


def config_of(*overrides):
    return shortened("field_sweep", SHORT, *overrides)


def test_every_bias_is_visited_in_one_beam_both_ways_and_the_beam_is_off_at_the_end(tmp_path, beams):
    config = config_of()
    outcome = run(config, RunOptions(out=tmp_path))
    assert outcome.state == "finished"
    stored, visits_v = read_run(outcome.folder), config.recipe.parameters.visits_v()
    assert visits_v == (1.0, 2.0, 3.5, 5.0, 5.0, 3.5, 2.0, 1.0)
    columns = stored.columns
    assert checkpoints_of(stored) == [f"bias {number}" for number in range(len(visits_v))]
    for number, bias_v in enumerate(visits_v):
        rows = columns["point"] == number
        assert columns["voltage"][rows] == pytest.approx(bias_v, rel=2e-3, abs=0)
        assert np.count_nonzero(np.diff(columns["beam_on"][rows].astype(int))) == WINDOWS - 1
        assert abs(rows.sum() - WINDOWS * 52) <= WINDOWS, "a reading more or less for the time of switching"
    lit = columns["beam_on"] == 1
    assert set(columns["tube_current_set"][lit]) == {194e-6}
    assert columns["total_aluminium"] == pytest.approx(2e-3, rel=1e-6, abs=0)
    plan = plan_of(config)
    assert abs(stored.rows - plan.points) < 0.05 * plan.points
    by_edges = sum(later.time_s - event.time_s for event, later in pairwise(beams) if event.on)
    assert by_edges == pytest.approx(plan.beam_s, rel=0.1, abs=0)
    assert not beams[-1].on
    assert stored.instruments["tube"]["settings_end"]["HVSE"] == "0.000"
    assert stored.instruments["smu"]["settings_end"][":OUTP?"] == "0"
    assert stored.twin_truth["crystal"]["worst_bias_v"] == pytest.approx(5.0, rel=2e-3, abs=0)


def test_a_stop_ends_dark_and_the_run_goes_on_at_the_bias_that_was_cut_off(tmp_path, beams):
    config = config_of("direction=up")
    stopped = run(config, RunOptions(out=tmp_path), Stopper(after=800))
    assert stopped.state == "stopped"
    assert not beams[-1].on
    assert read_run(stopped.folder).instruments["smu"]["settings_end"][":OUTP?"] == "0"
    resumed = run(config, RunOptions(out=tmp_path, resume=stopped.folder))
    assert resumed.state == "finished"
    assert not beams[-1].on
    whole = read_run(resumed.folder)
    assert checkpoints_of(whole) == [f"bias {number}" for number in range(4)]
    assert (whole.columns["status"] & STATUS_FLAGS["abandoned"] != 0).any()
    result = evaluate_stored(whole)
    assert [one.bias_v for one in result.points] == pytest.approx([1.0, 2.0, 3.5, 5.0], rel=2e-3, abs=0)
    assert all(one.step.cycles_used == 4 for one in result.points)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ('biases=["-1 V", "1 V", "2 V", "3 V"]', "one sign"),
        ('biases=["1 V", "2 V", "3 V"]', "4 or more"),
        ('biases=["1 V", "2 V", "3 V", "30 V"]', "25 V"),
        ("half_period=5 s", "20 readings"),
        ("tube_current=300 uA", "200 uA"),
        ("foil=3.7 mm", "foil"),
        ("direction=sideways", "up and down"),
    ],
)
def test_a_recipe_that_cannot_be_measured_is_refused_in_words(override, words):
    with pytest.raises(ConfigError, match=words):
        config_of(override)


def test_the_plan_warns_of_what_the_physics_will_not_allow():
    assert plan_of(shortened("field_sweep", ())).warnings == ()
    warnings = "; ".join(
        plan_of(config_of("direction=down", "tube_current=5 uA", "expected_sensitivity=1e3 uC/Gy/cm^2")).warnings
    )
    for words in ("one way only", "rest below 5 min", "below 15 min", "outside the tube currents", "display"):
        assert words in warnings
