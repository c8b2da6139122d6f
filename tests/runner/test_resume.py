import h5py
import numpy as np
import pytest

from tests.procedures.interrupting import Stopper
from xraydaq.config import load_run
from xraydaq.config.shipped import shipped_configs
from xraydaq.errors import Refused
from xraydaq.runner import RunOptions, run
from xraydaq.runner.closing import close_run
from xraydaq.storage import STATUS_FLAGS, read_run

START_UTC_S = 1.8e9
ABANDONED = STATUS_FLAGS["abandoned"]
SETTLING_S = 600.0
IN_THE_FIRST_SWEEP, IN_THE_SECOND_SWEEP = 10, 40


def config_of(*overrides):
    recipe = shipped_configs() / "recipes" / "sclc_sweep.toml"
    return load_run(recipe, overrides=("points_per_decade=8", "baseline_duration=2 s", *overrides))


def cut_off(folder, readings):
    return run(config_of(), RunOptions(out=folder, start_utc_s=START_UTC_S), Stopper(after=readings))


def go_on(outcome, folder, config=None, after_s=3600.0):
    options = RunOptions(out=folder, resume=outcome.folder, start_utc_s=START_UTC_S + after_s)
    return run(config or config_of(), options)


def test_a_resumed_run_holds_every_point_and_says_where_it_went_on(tmp_path):
    earlier = cut_off(tmp_path, IN_THE_SECOND_SWEEP)
    assert earlier.state == "stopped"
    before = read_run(earlier.folder)
    later = go_on(earlier, tmp_path)
    assert later.state == "finished"
    after = read_run(later.folder)
    whole = read_run(run(config_of(), RunOptions(out=tmp_path)).folder)

    kept = before.rows
    for name, column in before.columns.items():
        if name != "status":
            np.testing.assert_array_equal(after.columns[name][:kept], column)
    abandoned = (after.columns["status"].astype(int) & ABANDONED) > 0
    assert not abandoned[kept:].any()
    for direction in (1, -1):
        good = ~abandoned & (after.columns["direction"] == direction)
        all_of_it = whole.columns["direction"] == direction
        # as sets: the second segment begins in another range and reads some points twice
        assert set(after.columns["point"][good]) == set(whole.columns["point"][all_of_it])
    (segment,) = [event for event in after.events if event.kind == "segment"]
    assert segment.row == kept
    assert earlier.folder.name in segment.message
    assert 3600.0 <= after.columns["elapsed"][kept] < 3600.0 + SETTLING_S
    assert np.all(np.diff(after.columns["elapsed"]) > 0)


def test_the_earlier_run_is_as_it_was(tmp_path):
    earlier = cut_off(tmp_path, IN_THE_SECOND_SWEEP)
    contents = {path.name: path.read_bytes() for path in earlier.folder.iterdir() if path.is_file()}
    go_on(earlier, tmp_path)
    assert {path.name: path.read_bytes() for path in earlier.folder.iterdir() if path.is_file()} == contents


def test_a_resumed_run_is_evaluated_and_its_file_has_both_segments(tmp_path):
    later = go_on(cut_off(tmp_path, IN_THE_SECOND_SWEEP), tmp_path)
    closed = close_run(later.folder)
    assert closed.problem == ""
    assert closed.result is not None
    with h5py.File(closed.result_path) as file:
        segments = file["entry/daq/segments"][()]
    assert [row["reason"].decode().split()[0] for row in segments] == ["start", "resumed"]


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (("highest_bias=15 V",), r"recipe\.parameters\.highest_bias_v was 20\.0, is 15\.0"),
        (("nplc=1",), r"recipe\.parameters\.nplc was"),
    ],
)
def test_what_is_not_as_it_was_is_named_and_nothing_is_run(tmp_path, overrides, said):
    earlier = cut_off(tmp_path, IN_THE_SECOND_SWEEP)
    folders = sorted(tmp_path.iterdir())
    with pytest.raises(Refused, match=said):
        go_on(earlier, tmp_path, config_of(*overrides))
    assert sorted(tmp_path.iterdir()) == folders


def test_a_run_that_passed_no_checkpoint_or_is_complete_or_is_old_is_refused(tmp_path):
    with pytest.raises(Refused, match="no checkpoint"):
        go_on(cut_off(tmp_path, IN_THE_FIRST_SWEEP), tmp_path)
    with pytest.raises(Refused, match="complete"):
        go_on(run(config_of(), RunOptions(out=tmp_path, start_utc_s=START_UTC_S)), tmp_path)
    with pytest.raises(Refused, match=r"ended 4[78] h ago"):
        go_on(cut_off(tmp_path, IN_THE_SECOND_SWEEP), tmp_path, after_s=48 * 3600.0)
