"""A disk is full, a date is set, a budget is used up, a stale run is resumed: rows 18, 27, 28 and 31 of the failure
modes, with a whole run.
"""

import numpy as np
import pytest

from tests.faults.bench import wait_for
from tests.faults.runs import READ_SOON, assert_ramped_down, running
from tests.faults.test_faults_of_readings import CALIBRATE_SOON, CALIBRATION, CHAMBER
from xraydaq.storage import read_run, recover

HALF_PERIOD_S = 7.0


@pytest.mark.long
def test_row_18_a_disk_that_fills_up_in_the_beam_ends_it_within_five_seconds_and_costs_no_row(bench, tmp_path):
    with running(bench, tmp_path, READ_SOON, altered="disk_full_in_the_beam") as run:
        lit_s = run.lit()
        full_s = wait_for(lambda: bench.received("smu", ":READ?", lit_s)[9:10], 5.0, "ten readings in the beam")[0]
        off_s = bench.off_at(lit_s, 8.0)
        assert off_s - full_s < 5.0
        assert_ramped_down(bench, lit_s)
        assert run.ended() == 6, run.said
        asked = [each for each in bench.received("smu", ":READ?") if each < off_s]
    report = recover(run.folder)  # of another process, for which the disk has room
    assert (report.state, report.reason.partition(":")[0]) == ("failed", "disk full")
    assert report.rows == len(asked)
    elapsed_s = run.stored().columns["elapsed"]
    assert (np.diff(elapsed_s) > 0).all()
    assert len(bench.switched_on()) == 1


@pytest.mark.long
def test_row_27_an_on_time_that_is_used_up_ends_the_beam_within_a_second(bench, tmp_path):
    budget_s = 0.1 * 4 * HALF_PERIOD_S
    with running(bench, tmp_path, READ_SOON, altered="little_on_time") as run:
        lit_s = run.lit()
        off_s = bench.off_at(lit_s, budget_s + 1.0)
        assert budget_s - 0.2 < off_s - lit_s < budget_s + 1.0
        assert_ramped_down(bench, lit_s)
        assert run.ended() == 3, run.said
    assert "on-time" in run.stored().reason
    assert len(bench.switched_on()) == 1


@pytest.mark.long
def test_row_28_a_date_that_is_set_changes_no_duration_and_is_noted(bench, tmp_path):
    with running(bench, tmp_path, READ_SOON, altered="date_set_in_the_beam") as run:
        run.lit()
        wait_for(lambda: len(bench.switched_on()) == 2, 40.0, "the next cycle")
        run.process.terminate()
        assert run.ended() == 143, run.said
    first, second = bench.switched_on()
    assert abs(second - first - 2 * HALF_PERIOD_S) < 1.0
    stored = run.stored()
    (event,) = run.events("clock_step")
    assert "+3600 s" in event.message
    columns = stored.columns
    gone_s = columns["epoch"] - columns["epoch"][0] - (columns["elapsed"] - columns["elapsed"][0])
    assert np.ptp(columns["elapsed"]) < 60.0
    assert set(np.round(gone_s)) == {0.0, 3600.0}


@pytest.mark.long
def test_row_31_a_run_is_resumed_as_it_was_by_a_person_who_arms_it_or_not_at_all(bench, tmp_path):
    with running(bench, tmp_path, CALIBRATE_SOON, recipe=CALIBRATION, safety=CHAMBER) as run:
        run.lit()
        wait_for(lambda: run.events("checkpoint"), 100.0, "a checkpoint")
        run.process.terminate()
        assert run.ended() == 143, run.said
    earlier, refused_s = run.folder, bench.now_s()
    for change, name, said in (
        (("tube_voltage=40 kV",), "another", "tube_voltage_v was 50000.0, is 40000.0"),
        ((), "", "--arm-as"),
    ):
        settings = (*CALIBRATE_SOON, *change)
        with running(
            bench, tmp_path, settings, "--resume", str(earlier), recipe=CALIBRATION, safety=CHAMBER, name=name
        ) as again:
            assert again.ended() == 8, again.said
        assert said in " ".join(again.said.split())
    assert [each for each in bench.events("tube") if each["kind"] == "received" and each["time_s"] > refused_s] == []
    resumed_s = bench.now_s()
    with running(
        bench, tmp_path, CALIBRATE_SOON, "--resume", str(earlier), recipe=CALIBRATION, safety=CHAMBER
    ) as again:
        wait_for(lambda: [each for each in bench.switched_on() if each > resumed_s], 60.0, "the beam is on again")
        again.process.terminate()
        assert again.ended() == 143, again.said
    heard = [each for each in bench.events("tube") if each["kind"] == "received" and each["time_s"] > resumed_s]
    assert heard[0]["time_s"] == bench.offs(resumed_s)[0]
    later = max(each for each in (tmp_path / "runs").glob("2*") if each.is_dir())
    assert later != earlier
    assert [event for event in read_run(later).events if event.kind == "segment"]
