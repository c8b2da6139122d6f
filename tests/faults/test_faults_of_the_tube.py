"""Cable, answers, monitors and interlock of the tube fail: rows 12, 16, 17, 23 and 24 of the failure modes."""

import pytest

from tests.faults.bench import ARMED, BEAM, wait_for
from tests.faults.test_faults_of_programs import keep_alive, shine
from xraydaq.errors import Refused, SafetyTrip
from xraydaq.safety.guard_events import BeamState


def trips(bench, guard, match, within_s=10.0):
    """Work on until the guardian says why not, and get when that was."""
    with pytest.raises(SafetyTrip, match=match):
        keep_alive(guard, within_s, every_s=0.1)
    return bench.now_s()


def stays_off(bench, guard, match):
    """See that the trip latches."""
    with pytest.raises(SafetyTrip, match=match):
        guard.on(*BEAM)
    assert len(bench.switched_on()) == 1
    assert not bench.is_on()


@pytest.mark.long
def test_row_12_a_tube_that_is_unplugged_is_an_alarm_within_two_seconds_and_off_comes_first_afterwards(bench, guard):
    shine(bench, guard)
    unplugged_s = bench.happens("tube:unplugged", 4)
    told_s = trips(bench, guard, "does not answer")
    assert told_s - unplugged_s < 2.0
    assert guard.view().state is BeamState.UNKNOWN
    heard = wait_for(
        lambda: [each for each in bench.events("tube") if each["kind"] == "received" and
                 each["time_s"] > unplugged_s + 3.9], 10.0, "the tube hears something",
    )  # fmt: skip
    off_s = bench.off_at(unplugged_s + 3.9, 3.0)
    assert off_s - heard[0]["time_s"] < 1.0
    wait_for(lambda: guard.view().state is not BeamState.UNKNOWN, 10.0, "it is known again")
    stays_off(bench, guard, "does not answer")


@pytest.mark.parametrize(
    "fault", ["garbage", *(pytest.param(each, marks=pytest.mark.long) for each in ("missing", "cut", "late"))]
)
def test_row_16_a_tube_whose_status_is_spoiled_is_commanded_off_within_a_second(bench, guard, fault):
    shine(bench, guard)
    spoiled_s = bench.happens(f"tube:{fault}", 2)
    trips(bench, guard, "does not answer")
    assert bench.off_at(spoiled_s, 1.0) - spoiled_s < 1.0
    wait_for(lambda: guard.view().state is not BeamState.UNKNOWN, 10.0, "it is known again")
    stays_off(bench, guard, "does not answer")


@pytest.mark.long
@pytest.mark.parametrize(("kv", "ua"), [(1.0, 0.0), (0.0, 3.0), (-1.0, 0.0)])
def test_row_17_monitors_that_are_off_the_set_points_end_the_beam_within_four_seconds(bench, guard, kv, ua):
    shine(bench, guard)
    keep_alive(guard, 2.5)
    wrong_s = bench.now_s()
    bench.happens("monitors", kv, ua)
    trips(bench, guard, "the monitors show")
    off_s = bench.off_at(wrong_s, 4.0)
    assert 2.5 < off_s - wrong_s < 4.0
    bench.happens("monitors", 0, 0)
    stays_off(bench, guard, "the monitors show")


@pytest.mark.long
def test_row_23_an_interlock_that_opens_is_seen_within_a_second_answered_by_off_and_latches(bench, guard):
    shine(bench, guard)
    opened_s = bench.does("open_lid")
    told_s = trips(bench, guard, "interlock open")
    assert told_s - opened_s < 1.0
    assert bench.off_at(opened_s, 1.0) - opened_s < 1.0
    with pytest.raises(Refused, match="interlock open"):
        guard.arm(ARMED)
    bench.does("close_lid")
    stays_off(bench, guard, "interlock open")


@pytest.mark.long
def test_row_24_an_interlock_that_is_shorted_ends_a_beam_within_a_second_and_keeps_anybody_from_arming(bench, guard):
    shine(bench, guard)
    shorted_s = bench.happens("interlock_shorted", 2)
    trips(bench, guard, "interlock shorted")
    assert bench.off_at(shorted_s, 1.0) - shorted_s < 1.0
    with pytest.raises(Refused, match="interlock shorted"):
        guard.arm(ARMED)
    stays_off(bench, guard, "interlock shorted")
