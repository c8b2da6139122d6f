import math
from dataclasses import replace

import pytest

from tests.safety.guard_scene import ADA, BEAM, DARK, ROOM_K, SHINING, STEP_S, WARM_UP, Scene, tripped_at_once
from xraydaq.safety.guard_events import (
    BeamState,
    DoOff,
    Off,
    Renew,
    Seen,
    SetBeam,
    Stop,
    SwitchedOff,
    Tick,
    Unreadable,
)

DEGREES_45_K, DEGREES_50_K, DEGREES_40_K = 318.15, 323.15, 313.15


@pytest.mark.parametrize(
    "shown", [{"interlock": "interlock open"}, {"fault": "interlock shorted"}, {"overridden": True}]
)
@pytest.mark.parametrize("wanted", [BEAM, WARM_UP])
def test_a_beam_ends_with_the_first_look_at_a_tube_that_is_not_fit(shown, wanted):
    scene = Scene().on(wanted)
    assert tripped_at_once(scene.look(**shown))
    assert scene.guard.trip


def test_x_rays_that_the_interlock_has_cut_are_said_to_have_gone_off_by_themselves():
    scene = Scene().on()
    scene.look(hv_enabled=False, voltage_v=0.0, current_a=0.0, interlock="interlock open")
    assert scene.guard.trip == "X-rays went off by themselves: interlock open"


def test_a_fault_that_came_and_went_between_two_looks_is_seen_while_the_beam_is_on():
    scene = Scene().arm()
    scene.look(last_fault="supply under voltage")
    scene.give(BEAM)
    scene.live(5.0, last_fault="supply under voltage")
    assert scene.guard.is_on
    scene.look(last_fault="interlock open")
    assert scene.guard.trip == "interlock open"


def test_a_fault_that_came_before_the_off_is_seen_by_the_first_look_after_it():
    scene = Scene().on()
    scene.give(Off())
    scene.look(last_fault="current monitor below limit")
    assert scene.guard.trip == "X-rays went off by themselves: current monitor below limit"
    scene = Scene().on()
    scene.give(Off())
    scene.look(fault="interlock open")
    assert scene.guard.trip == "X-rays went off by themselves: interlock open"


def test_a_fault_while_the_beam_is_off_is_no_trip():
    scene = Scene().on()
    scene.give(Off())
    scene.look(last_fault="")
    scene.live(5.0, last_fault="interlock open", fault="interlock open")
    assert scene.guard.trip == ""
    scene.look(last_fault="interlock open")
    assert scene.give(BEAM).refused == ""
    scene.live(1.0, last_fault="interlock open")
    assert scene.guard.is_on


def test_a_beam_that_is_not_there_a_second_after_switching_on_is_a_trip():
    scene = Scene().arm()
    scene.give(BEAM)
    scene.live(1.0, hv_enabled=False, voltage_v=0.0, current_a=0.0)
    assert scene.guard.is_on
    scene.live(STEP_S, hv_enabled=False, voltage_v=0.0, current_a=0.0)
    assert scene.guard.trip == "X-rays went off by themselves: the tube names no fault"


def test_changing_the_set_points_again_and_again_hides_neither_a_dead_tube_nor_wrong_monitors():
    scene = Scene().on()
    for step in range(4):
        scene.give(SetBeam(40e3 + step, 100e-6))
        scene.live(0.5, hv_enabled=False)
    assert "went off by themselves" in scene.guard.trip
    scene = Scene().on()
    start_s = scene.now_s
    for step in range(40):
        scene.give(SetBeam(40e3 + step, 100e-6))
        scene.live(0.5, voltage_v=20e3)
    assert scene.offs_since(start_s)[0] == 10.0
    assert "the monitors show 20.00 kV" in scene.guard.trip


@pytest.mark.parametrize(
    "shown", [{"voltage_v": 42.1e3}, {"voltage_v": 37.9e3}, {"current_a": 105.1e-6}, {"current_a": 94.9e-6}]
)
def test_monitors_off_by_more_than_five_percent_end_the_beam_after_three_seconds(shown):
    scene = Scene().on()
    start_s = scene.now_s
    scene.live(4.0, **shown)
    assert scene.offs_since(start_s)[0] == 3.0
    assert scene.guard.trip.startswith("the monitors show")


def test_monitors_within_five_percent_or_off_for_less_than_three_seconds_are_no_reason():
    scene = Scene().on()
    scene.live(20.0, voltage_v=41.9e3, current_a=95.1e-6)
    for _ in range(5):
        scene.live(2.75, voltage_v=20e3)
        scene.look()
    assert scene.guard.is_on


def test_the_least_set_points_are_not_judged_by_less_than_the_monitors_can_show():
    scene = Scene().on(SetBeam(4e3, 5e-6))
    scene.live(5.0, voltage_v=4.25e3, current_a=5.5e-6)
    assert scene.guard.is_on
    scene.live(4.0, voltage_v=4.26e3)
    assert scene.guard.trip
    scene = Scene().on(SetBeam(4e3, 5e-6))
    scene.live(4.0, current_a=5.51e-6)
    assert scene.guard.trip


def test_monitors_have_two_seconds_more_after_a_change():
    scene = Scene().on()
    changed_s = scene.now_s
    scene.give(SetBeam(20e3, 100e-6))
    scene.live(6.0, voltage_v=40e3)
    assert scene.offs_since(changed_s)[0] == 5.0


def test_setting_the_same_again_gives_the_monitors_no_more_time():
    scene = Scene().on()
    start_s = scene.now_s
    for _ in range(8):
        scene.give(BEAM)
        scene.live(0.5, voltage_v=20e3)
    assert scene.offs_since(start_s)[0] == 3.0


def test_a_warm_up_goes_its_own_way_below_its_largest_values_only():
    scene = Scene().on(WARM_UP)
    scene.live(20.0, voltage_v=10e3, current_a=5e-6)
    scene.live(20.0, voltage_v=50e3, current_a=200e-6)
    assert scene.guard.is_on
    start_s = scene.now_s
    scene.live(4.0, voltage_v=10e3, current_a=211e-6)
    assert scene.offs_since(start_s)[0] == 3.0


def test_a_beam_that_nobody_sees_ends_within_a_look_and_a_second():
    scene = Scene().on()
    start_s = scene.now_s
    scene.live(3.0, looks=False)
    assert scene.offs_since(start_s)[0] == 1.5
    assert scene.guard.trip == "the tube was not seen in time"


def test_looks_that_were_asked_for_long_ago_show_nothing_of_now():
    scene = Scene().on()
    start_s = scene.now_s
    for _ in range(8):
        scene.now_s += STEP_S
        scene.give(Seen(SHINING, start_s))
    assert scene.offs_since(start_s)[0] == 1.5


def test_a_look_older_than_the_last_one_makes_nothing_better():
    scene = Scene().arm()
    scene.look(interlock="interlock open")
    scene.give(Seen(DARK, scene.now_s - 0.1))
    assert scene.give(BEAM).refused == "interlock open"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("field", ["voltage_v", "current_a", "board_k"])
def test_a_look_that_shows_no_number_is_as_good_as_none(field, value):
    scene = Scene().on()
    assert tripped_at_once(scene.look(**{field: value}))
    assert scene.guard.trip == "the tube does not answer: a monitor of it is no number"


@pytest.mark.parametrize("asked_s", [math.nan, math.inf, -math.inf, 1e6])
def test_a_look_that_was_asked_for_at_no_time_is_as_good_as_none(asked_s):
    scene = Scene().on()
    assert tripped_at_once(scene.look(asked_s=asked_s))
    assert "asked for" in scene.guard.trip


def test_the_first_reply_that_cannot_be_read_ends_the_beam():
    scene = Scene().on()
    assert tripped_at_once(scene.give(Unreadable("bad checksum")))
    assert scene.guard.trip == "the tube does not answer: bad checksum"
    assert scene.guard.state is BeamState.UNKNOWN
    assert "off failed" not in scene.kinds()


def test_a_tube_that_is_lost_is_commanded_off_twice_a_second_and_alarms_a_person_after_one():
    scene = Scene().on()
    lost_s = scene.now_s
    for _ in range(17):
        scene.give(Unreadable("no device"), taken=False)
        scene.now_s += STEP_S
    assert scene.offs_since(lost_s) == [step / 2 for step in range(9)]
    ((alarm_s, alarm),) = [each for each in scene.told if each[1].kind == "off failed"]
    assert alarm_s - lost_s == 1.0
    assert alarm.severity == "error"
    assert "THE BEAM MAY BE ON: take the key" in alarm.text
    assert scene.give(ADA).refused


def test_a_tube_that_is_lost_while_off_is_unknown_and_commanded_off():
    scene = Scene().arm()
    assert isinstance(scene.give(Unreadable("no device"), taken=False).actions[0], DoOff)
    assert scene.kinds()[-1] == "tube unknown"
    assert scene.guard.state is BeamState.UNKNOWN
    assert scene.guard.trip == ""
    assert scene.give(BEAM).refused
    scene.now_s += STEP_S
    scene.give(Unreadable("no device"))
    assert scene.kinds().count("tube unknown") == 1
    scene.look()
    assert scene.guard.state is BeamState.ARMED
    assert scene.give(BEAM).refused == ""


def test_a_tube_that_comes_back_on_is_switched_off_and_not_believed_to_be_off():
    scene = Scene().on()
    for _ in range(12):
        scene.give(Unreadable("no device"), taken=False)
        scene.now_s += STEP_S
    back_s = scene.now_s
    scene.give(Seen(SHINING, scene.now_s), taken=False)
    assert scene.offs_since(back_s) == [0.0]
    assert scene.guard.state is BeamState.UNKNOWN
    assert "off" not in scene.kinds()
    scene.now_s += STEP_S
    scene.give(Seen(DARK, scene.now_s))
    assert scene.kinds()[-1] == "off"
    assert scene.guard.state is BeamState.OFF


def test_an_off_that_failed_is_done_again_twice_a_second_until_a_look_shows_that_it_is_dark():
    scene = Scene().on()
    off_s = scene.now_s
    scene.give(Off(), taken=False)
    scene.tube = SHINING
    decision = scene.give(SwitchedOff("no acknowledgement"))
    assert decision.actions[0].kind == "off failed"
    assert scene.guard.state is BeamState.UNKNOWN
    for _ in range(8):
        scene.now_s += STEP_S
        scene.give(Tick(), taken=False)
        scene.give(SwitchedOff("no acknowledgement"))
    assert scene.offs_since(off_s) == [0.0, 0.5, 1.0, 1.5, 2.0]
    assert scene.kinds().count("off failed") == 1
    assert scene.give(SwitchedOff()).actions == ()
    assert scene.guard.state is BeamState.UNKNOWN
    assert scene.give(BEAM).refused
    scene.tube = replace(DARK, voltage_v=2e3)
    scene.look()
    assert scene.guard.state is BeamState.UNKNOWN
    assert scene.give(BEAM).refused == "the beam is not shown to be off"
    scene.tube = None
    scene.look()
    assert scene.kinds()[-1] == "off"
    assert scene.guard.state is BeamState.ARMED


def test_whoever_tells_how_an_off_went_is_not_sent_into_the_next_one():
    scene = Scene().on()
    scene.give(Off(), taken=False)
    scene.now_s += 0.5
    assert not any(isinstance(each, DoOff) for each in scene.give(SwitchedOff("no acknowledgement")).actions)
    assert isinstance(scene.give(Tick()).actions[0], DoOff)


def test_an_off_that_no_look_confirms_is_done_again():
    scene = Scene().on()
    off_s = scene.now_s
    scene.give(Off())
    scene.live(2.0, looks=False)
    assert scene.offs_since(off_s) == [0.0, 1.5, 2.0]
    assert scene.guard.state is BeamState.UNKNOWN
    assert "off failed" not in scene.kinds()


def test_a_look_from_before_the_off_shows_neither_that_it_is_off_nor_that_it_failed():
    scene = Scene().on()
    asked_s = scene.now_s
    scene.now_s += 0.1
    scene.give(Off())
    scene.give(Seen(SHINING, asked_s))
    assert scene.guard.trip == ""
    scene.give(Seen(DARK, asked_s))
    assert scene.guard.state is BeamState.ON
    assert scene.give(BEAM).refused == "the beam is not shown to be off"


@pytest.mark.parametrize(
    ("shown", "after_s", "why"),
    [
        ({"hv_enabled": True}, 1.0, "X-rays are on: high voltage is enabled"),
        ({"current_a": 2e-6}, 3.0, "X-rays are on: 2.0 uA flow"),
        ({"voltage_v": 1e3}, 10.0, "X-rays may be on: 1.0 kV are there"),
    ],
)
def test_what_is_still_there_long_after_the_off_is_a_trip_and_an_alarm(shown, after_s, why):
    scene = Scene().on()
    off_s = scene.now_s
    scene.give(Off())
    scene.live(after_s, **shown)
    assert scene.guard.trip == ""
    assert scene.guard.state is BeamState.ON
    scene.live(STEP_S, **shown)
    assert scene.guard.trip.startswith(why)
    assert scene.offs_since(off_s) == [0.0, after_s + STEP_S]
    assert scene.kinds()[-2:] == ["trip", "off failed"] or scene.kinds()[-1] == "off failed"
    assert scene.guard.state is BeamState.UNKNOWN
    assert scene.give(ADA).refused == "the beam is not shown to be off"
    scene.give(Off())
    scene.give(SwitchedOff())
    assert scene.guard.state is BeamState.UNKNOWN
    scene.live(STEP_S)
    assert scene.guard.state is BeamState.OFF


def test_off_again_and_again_does_not_give_the_tube_more_time():
    scene = Scene().on()
    scene.give(Off())
    for _ in range(5):
        scene.live(STEP_S, hv_enabled=True)
        scene.give(Stop("Bob"), taken=False) if scene.guard.trip else scene.give(Off(), taken=False)
        scene.shows = DARK
    assert scene.guard.trip.startswith("X-rays are on: high voltage is enabled 1.2 s after they were switched off")


@pytest.mark.parametrize("shown", [{"hv_enabled": True}, {"current_a": 5e-6}, {"voltage_v": 5e3}])
def test_a_tube_that_is_found_on_is_switched_off_at_the_first_look(shown):
    scene = Scene()
    decision = scene.look(**shown)
    assert tripped_at_once(decision)
    assert scene.guard.trip.endswith("although nothing was switched on")
    assert scene.guard.state is BeamState.UNKNOWN
    assert scene.give(ADA).refused == "the beam is not shown to be off"
    scene.arm()


def test_a_beam_is_shown_as_on_until_its_high_voltage_has_decayed():
    scene = Scene().on()
    scene.give(Off())
    scene.live(STEP_S, voltage_v=1.1e3)
    assert scene.guard.state is BeamState.ON
    assert scene.give(BEAM).refused == ""
    scene.give(Off())
    scene.live(STEP_S, voltage_v=0.9e3, current_a=1.9e-6)
    assert scene.guard.state is BeamState.ARMED


def test_what_was_seen_a_while_ago_is_unknown_now():
    scene = Scene().arm()
    scene.now_s += 1.25
    scene.give(Tick())
    assert scene.guard.state is BeamState.ARMED
    scene.now_s += 0.25
    scene.give(Tick())
    assert scene.guard.state is BeamState.UNKNOWN


def test_a_warm_board_is_told_once_and_again_after_it_was_cool():
    scene = Scene().on()
    scene.live(5.0, board_k=DEGREES_45_K)
    assert scene.kinds().count("warm board") == 1
    assert scene.told[-1][1].severity == "warning"
    scene.look(board_k=DEGREES_45_K - 0.1)
    scene.look(board_k=DEGREES_45_K)
    assert scene.kinds().count("warm board") == 2
    assert scene.guard.is_on


@pytest.mark.parametrize("is_on", [True, False])
def test_a_hot_board_trips_and_must_cool_by_ten_kelvin_before_somebody_may_arm(is_on):
    scene = Scene().on() if is_on else Scene().arm()
    assert tripped_at_once(scene.look(board_k=DEGREES_50_K))
    assert scene.guard.trip == "the tube's board has 50 degC"
    scene.look(board_k=DEGREES_40_K)
    assert scene.give(ADA).refused == "the tube's board has 40 degC; it must cool below 40"
    scene.look(board_k=DEGREES_40_K - 0.1)
    assert scene.give(BEAM).refused.startswith("tripped")
    assert scene.give(ADA).refused == ""
    assert scene.give(BEAM).refused == ""


def test_a_hot_board_that_nobody_armed_is_no_trip_and_a_tripped_one_is_not_told_twice():
    scene = Scene()
    scene.look(board_k=DEGREES_50_K)
    assert scene.guard.trip == ""
    assert "must cool" in scene.give(ADA).refused
    scene = Scene().on()
    scene.live(5.0, board_k=DEGREES_50_K + 5)
    hot_s = scene.now_s
    scene.live(5.0, board_k=DEGREES_50_K + 5)
    assert scene.offs_since(hot_s) == []


def test_the_temperature_of_the_scene_is_that_of_a_room():
    assert ROOM_K < DEGREES_40_K


def test_a_guardian_that_has_not_seen_its_tube_commands_off():
    scene = Scene()
    assert tripped_at_once(scene.give(Tick()))
    assert scene.guard.trip == ""
    scene.live(2.0)
    assert len(scene.done) == 1


def test_the_time_until_the_high_voltage_is_there_counts_as_on():
    scene = Scene().arm()
    scene.give(BEAM)
    scene.live(0.5, hv_enabled=False, voltage_v=0.0, current_a=0.0)
    scene.live(1.5)
    assert scene.guard.view(scene.now_s).on_s == pytest.approx(2.0)


def test_a_second_beam_is_shown_as_the_first():
    scene = Scene().on()
    scene.give(Off())
    scene.live(3.0)
    scene.give(BEAM)
    scene.live(3.0)
    assert scene.guard.state is BeamState.ON
    assert scene.offs_since(scene.now_s - 3.0) == []


def test_a_beam_whose_high_voltage_is_still_enabled_is_not_switched_on_again_and_counts():
    scene = Scene().on()
    scene.give(Off(), taken=False)
    scene.live(0.5, hv_enabled=True)
    assert scene.guard.trip == ""
    assert scene.give(BEAM).refused == "the beam is not shown to be off"
    assert scene.guard.view(scene.now_s).on_s == pytest.approx(3.5)


def test_switching_off_makes_what_was_seen_no_younger():
    scene = Scene().on()
    scene.now_s += 1.25
    scene.give(Off())
    scene.now_s += 0.25
    scene.give(Tick())
    assert scene.guard.state is BeamState.UNKNOWN


def test_an_alarm_ends_when_it_is_dark_and_the_next_one_is_told_again():
    scene = Scene().on()
    for _ in range(2):
        for _ in range(5):
            scene.give(Unreadable("no device"))
            scene.now_s += STEP_S
        scene.look(voltage_v=2e3)
        assert scene.kinds()[-1] != "off"
        scene.look()
        assert scene.kinds()[-1] == "off"
    assert scene.kinds().count("off failed") == 2


def test_a_warm_up_may_take_the_high_voltage_away_between_its_steps():
    scene = Scene().on(WARM_UP)
    scene.live(5.0, hv_enabled=False, voltage_v=0.0, current_a=0.0)
    assert scene.guard.is_on


def test_an_acknowledgement_from_before_the_beam_does_not_stop_the_on_time():
    scene = Scene().on()
    scene.give(SwitchedOff())
    scene.live(2.0)
    assert scene.guard.view(scene.now_s).on_s == pytest.approx(5.0)


def test_one_garbled_reply_while_it_is_dark_ends_no_run_and_a_second_without_any_does():
    scene = Scene().arm()
    scene.give(Unreadable("garbled"))
    assert scene.give(Renew()).refused == ""
    scene.live(1.0, looks=False)
    assert "does not answer" in scene.give(Renew()).refused
