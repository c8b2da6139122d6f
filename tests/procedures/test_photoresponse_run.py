"""A photoresponse run on the simulated bench: dense readings after every edge, dark at the end."""

from itertools import pairwise

import numpy as np
import pytest

from tests.procedures.interrupting import Stopper, checkpoints_of
from tests.procedures.shortening import shortened
from xraydaq.analysis.air_ionisation import AirIonisationResult
from xraydaq.errors import ConfigError
from xraydaq.evaluation import evaluate_stored
from xraydaq.plan import plan_of
from xraydaq.runner import RunOptions, run
from xraydaq.storage import STATUS_FLAGS, read_run

SHORT = (
    "settle_duration=5 s", "warm_up_duration=24 s", "cycles=4", "half_period=12 s", "dense_duration=2 s",
)  # fmt: skip


def config_of(*overrides):
    return shortened("photoresponse", SHORT, *overrides)


def test_readings_are_dense_after_every_edge_and_the_beam_is_off_at_the_end(tmp_path, beams):
    config = config_of()
    outcome = run(config, RunOptions(out=tmp_path))
    assert outcome.state == "finished"
    stored = read_run(outcome.folder)
    columns = stored.columns
    assert checkpoints_of(stored) == ["dose rate 0", "dose rate 1"]
    for number, current_a in enumerate((194e-6, 48e-6)):
        rows = np.flatnonzero(columns["point"] == number)
        lit = columns["beam_on"][rows] == 1
        assert set(columns["tube_current_set"][rows][lit]) == {current_a}
        edges = np.flatnonzero(np.diff(columns["beam_on"][rows].astype(int))) + 1
        assert len(edges) == 8
        for edge in edges:
            since_s = columns["elapsed"][rows[edge:]] - columns["switched"][rows[edge]]
            assert 0 < since_s[0] < 0.2, "the first reading follows the command"
            assert np.count_nonzero((since_s > 0) & (since_s < 2.0)) > 60
        switched_s = np.unique(columns["switched"][rows[edges[0] :]])
        assert np.diff(switched_s) == pytest.approx(np.full(7, 12.0), abs=0.05)
    plan = plan_of(config)
    assert abs(stored.rows - plan.points) < 0.1 * plan.points
    by_edges = sum(later.time_s - event.time_s for event, later in pairwise(beams) if event.on)
    assert by_edges == pytest.approx(plan.beam_s, rel=0.1, abs=0)
    assert not beams[-1].on
    assert stored.instruments["tube"]["settings_end"]["HVSE"] == "0.000"
    assert stored.instruments["smu"]["settings_end"][":OUTP?"] == "0"


def test_a_stop_ends_dark_and_the_run_goes_on_at_the_dose_rate_that_was_cut_off(tmp_path, beams):
    config = config_of()
    stopped = run(config, RunOptions(out=tmp_path), Stopper(after=1400))
    assert stopped.state == "stopped"
    assert not beams[-1].on
    resumed = run(config, RunOptions(out=tmp_path, resume=stopped.folder))
    assert resumed.state == "finished"
    assert not beams[-1].on
    whole = read_run(resumed.folder)
    assert checkpoints_of(whole) == ["dose rate 0", "dose rate 1"]
    assert (whole.columns["status"] & STATUS_FLAGS["abandoned"] != 0).any()
    result = evaluate_stored(whole)
    assert [one.rise.edges for one in result.points] == [4, 4]


def test_a_blank_is_evaluated_as_the_control_for_air(tmp_path):
    config = shortened("air_ionisation", ("settle_duration=10 s", "warm_up_duration=24 s", "cycles=4"))
    result = evaluate_stored(read_run(run(config, RunOptions(out=tmp_path)).folder))
    assert isinstance(result, AirIonisationResult)
    assert result.step.cycles_used == 4
    assert result.ratio.value == pytest.approx(result.apparent.value / 8e3, rel=1e-6, abs=0)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("bias=0 V", "either sign"),
        ("bias=30 V", "25 V"),
        ("cycles=3", "at least 4"),
        ("dense_duration=13 s", "at most that"),
        ("late_period=10 ms", "shorter than"),
        ("period=10 ms", "reading"),
        ('tube_currents=["300 uA"]', "200 uA"),
    ],
)
def test_a_recipe_that_cannot_be_measured_is_refused_in_words(override, words):
    with pytest.raises(ConfigError, match=words):
        config_of(override)


def test_the_plan_says_dose_rates_and_warns_of_what_is_missing():
    whole = plan_of(shortened("photoresponse", ()))
    assert whole.warnings == ()
    assert dict(whole.details)["dose rates"].startswith("20.3 uGy/s, 5.01 uGy/s")
    assert whole.beam_s == pytest.approx(2 * 300 + 480, rel=1e-6, abs=0)
    assert any("below 15 min" in warning for warning in plan_of(config_of()).warnings)
