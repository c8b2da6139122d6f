"""Instruments are unplugged, silent or talk nonsense, or what they read must end the beam: rows 13, 14, 15, 20, 22, 25
and 26 of the failure modes, with a whole run.
"""

import numpy as np
import pytest

from tests.faults.bench import wait_for
from tests.faults.runs import READ_SOON, SAFETY, assert_ramped_down, output_off_s, running
from xraydaq.storage import STATUS_FLAGS

HELD = (*READ_SOON, "stage_temperature=298.15 K")
CALIBRATION = """\
procedure = "dose_calibration"
sample = "{home}/configs/samples/glass.toml"

[parameters]
collimator = "removed"
field_covers_chamber = true
distance = "30 cm"
certificate = "none: simulated chamber"
air_temperature = "23 degC"
air_pressure = "99.8 kPa"
"""
CHAMBER = (
    SAFETY
    + """
[dosimeter]
reference_temperature = "293.15 K"
reference_pressure = "101.325 kPa"
"""
)
CALIBRATE_SOON = (
    'tube_currents=["60 uA", "200 uA"]', 'foils=["0 mm", "1 mm", "2 mm"]', "reading_duration=5 s",
    "settle_duration=1 s", "warm_up_duration=0 s", "conditioning_duration=0 s", "readings=2",
)  # fmt: skip
READING_S = 5.0
UNPLUGGED_S = 30

pytestmark = pytest.mark.long


def reads_in_the_beam(bench, run):
    """Wait until readings are taken in the beam."""
    lit_s = run.lit()
    wait_for(lambda: len(bench.received("smu", ":READ?", lit_s)) > 10, 5.0, "readings in the beam")
    return lit_s


def test_row_13_a_source_that_is_unplugged_costs_the_beam_within_two_seconds_and_then_the_run(bench, tmp_path):
    with running(bench, tmp_path, READ_SOON) as run:
        reads_in_the_beam(bench, run)
        unplugged_s = bench.happens("smu:unplugged", UNPLUGGED_S)
        assert bench.off_at(unplugged_s, 2.0) - unplugged_s < 2.0
        assert run.ended() == 4, run.said
        assert len(bench.switched_on()) == 1
    plugged_again(bench, unplugged_s)
    stored = run.stored()
    assert stored.state == "failed"
    assert "3 readings in a row failed" in stored.reason
    assert "way back: " in stored.reason  # nobody can say that its output is off
    assert np.isnan(stored.columns["current"][-1])


def test_row_13_a_controller_of_a_heated_stage_that_is_unplugged_costs_the_beam(bench, tmp_path):
    with running(bench, tmp_path, HELD, altered="hurried") as run:
        reads_in_the_beam(bench, run)
        unplugged_s = bench.happens("temperature:unplugged", UNPLUGGED_S)
        assert bench.off_at(unplugged_s, 2.5) - unplugged_s < 2.5
        assert_ramped_down(bench, unplugged_s)
        assert run.ended() == 3, run.said
    plugged_again(bench, unplugged_s)
    assert any("no answer" in event.message for event in run.events("bad_reading"))
    assert run.stored().state == "failed"
    assert len(bench.switched_on()) == 1


def plugged_again(bench, unplugged_s):
    """Wait until the next test finds the instrument."""
    wait_for(lambda: bench.now_s() > unplugged_s + UNPLUGGED_S, UNPLUGGED_S + 5.0, "it is plugged in again")


@pytest.mark.parametrize(("fault", "flag"), [("late", "timeout"), ("garbage", "bad_reply"), ("cut", "bad_reply")])
def test_rows_14_and_15_a_spoilt_reply_is_a_flagged_row_without_value_and_none_is_taken_for_another(
    bench, tmp_path, fault, flag
):
    with running(bench, tmp_path, READ_SOON) as run:
        reads_in_the_beam(bench, run)
        bench.happens(f"smu:{fault}", 0.06)
        first_on = bench.switched_on()
        wait_for(lambda: len(bench.switched_on()) > len(first_on), 40.0, "the beam is on in the next cycle")
        run.process.terminate()
        assert run.ended() == 143, run.said
    stored = run.stored()
    status, current_a = stored.columns["status"].astype(int), stored.columns["current"]
    spoilt = (status & STATUS_FLAGS[flag]) > 0
    assert 1 <= spoilt.sum() <= 2
    assert np.isnan(current_a[spoilt]).all()
    assert not np.isnan(current_a[~spoilt]).any()
    times_s = stored.columns["smu_time"][~spoilt]
    assert (np.diff(times_s) > 0).all()  # the instrument's own: no reading stands there twice
    lags_s = stored.columns["elapsed"][~spoilt] - times_s
    assert np.ptp(lags_s) < 0.3


def test_row_15_nonsense_that_goes_on_in_the_beam_ends_it_and_the_run(bench, tmp_path):
    with running(bench, tmp_path, READ_SOON) as run:
        reads_in_the_beam(bench, run)
        began_s = bench.happens("smu:garbage", 3)
        assert bench.off_at(began_s, 2.5) - began_s < 2.5
        assert run.ended() in {3, 4}, run.said  # the lease, while the line is brought into step, or three readings
        output_off_s(bench, began_s)
    stored = run.stored()
    assert stored.state == "failed"
    spoilt = (stored.columns["status"].astype(int) & STATUS_FLAGS["bad_reply"]) > 0
    assert spoilt.any()
    assert np.isnan(stored.columns["current"][spoilt]).all()
    assert len(bench.switched_on()) == 1


def test_row_20_a_current_at_its_compliance_ends_beam_and_bias_within_a_second_of_its_reading(bench, tmp_path):
    with running(bench, tmp_path, READ_SOON) as run:
        lit_s = reads_in_the_beam(bench, run)
        began_s = bench.happens("compliance", 2)
        off_s = bench.off_at(began_s, 1.0)
        asked = [each for each in bench.received("smu", ":READ?", lit_s) if began_s < each < off_s]
        assert off_s - asked[0] < 1.0
        assert_ramped_down(bench, off_s)
        assert run.ended() == 3, run.said
    stored = run.stored()
    assert "the current was limited by" in stored.reason
    assert int(stored.columns["status"][-1]) & STATUS_FLAGS["compliance"]
    assert len(bench.switched_on()) == 1


def test_row_22_an_open_sensor_of_a_heated_stage_ends_heat_beam_and_bias(bench, tmp_path):
    with running(bench, tmp_path, HELD, altered="hurried") as run:
        reads_in_the_beam(bench, run)
        began_s = bench.happens("sensor_open", 8)
        off_s = bench.off_at(began_s, 3.0)
        readings = [each for each in bench.received("temperature", "KRDG?", began_s) if each < off_s]
        assert off_s - readings[0] < 2.0
        assert_ramped_down(bench, began_s)
        heater_s = wait_for(lambda: bench.received("temperature", "RANGE 1,0", began_s), 5.0, "the heater is off")[0]
        assert heater_s > off_s
        assert run.ended() == 3, run.said
    assert "temperature readings in a row failed" in run.stored().reason
    assert len(bench.switched_on()) == 1


def test_row_22_a_stage_over_its_limit_ends_heat_beam_and_bias(bench, tmp_path):
    with running(bench, tmp_path, HELD, altered="limit_passed_in_the_beam") as run:
        lit_s = run.lit()
        off_s = bench.off_at(lit_s, 5.0)
        readings = [each for each in bench.received("temperature", "KRDG?", lit_s) if each < off_s]
        assert off_s - readings[-1] < 2.0
        assert_ramped_down(bench, lit_s)
        assert bench.received("temperature", "RANGE 1,0", off_s)
        assert run.ended() == 3, run.said
    assert "the stage is at" in run.stored().reason


def test_row_25_a_chamber_that_reads_nothing_in_the_beam_ends_it(bench, tmp_path):
    with running(bench, tmp_path, CALIBRATE_SOON, recipe=CALIBRATION, safety=CHAMBER) as run:
        lit_s = run.lit()
        began_s = bench.happens("beam_without_dose", 12)
        off_s = bench.off_at(lit_s, READING_S + 6.0)
        assert off_s - lit_s < 1.0 + READING_S + 5.0
        assert run.ended() == 3, run.said
    assert "no dose: shutter? chamber? range?" in run.stored().reason
    assert len(bench.switched_on()) == 1
    wait_for(lambda: bench.now_s() > began_s + 12, 20.0, "the fault is over")


def test_row_26_a_dose_without_beam_is_answered_by_off_and_ends_the_run(bench, tmp_path):
    with running(bench, tmp_path, CALIBRATE_SOON, recipe=CALIBRATION, safety=CHAMBER) as run:
        lit_s = run.lit()
        off_s = bench.off_at(lit_s, 20.0)
        began_s = bench.happens("dose_without_beam", 20)
        assert run.ended() == 3, run.said
        again = bench.offs(began_s)
        assert again
        assert again[0] - off_s < 2 * READING_S + 6.0
    assert "dose without beam" in run.stored().reason
    assert len(bench.switched_on()) == 1
