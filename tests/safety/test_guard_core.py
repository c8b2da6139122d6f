import math
from dataclasses import fields, replace

import pytest

from tests.safety.guard_scene import ADA, BEAM, DARK, LIMITS, SHINING, STEP_S, WARM_UP, Scene, tripped_at_once
from xraydaq.errors import LimitError
from xraydaq.safety.guard_core import Guard
from xraydaq.safety.guard_events import (
    Arm,
    BeamState,
    ClientGone,
    Disarm,
    DoBeam,
    DoOff,
    DoWarmUp,
    Off,
    Renew,
    Seen,
    SetBeam,
    StartWarmUp,
    Stop,
    SwitchedOff,
    SwitchFailed,
    Tell,
    Tick,
    Unreadable,
    Woke,
)

NO_NUMBERS = (math.nan, math.inf, -math.inf)
ENDS = (Off(), Stop("Bob"), Disarm(), ClientGone(), SwitchFailed("no ack"), Unreadable("garbled"), Woke(3.0))
TRIPS = (Stop("Bob"), ClientGone(), SwitchFailed(""), ClientGone(""), Unreadable("garbled"), Woke(3.0))


def test_nothing_is_known_of_a_tube_that_was_never_seen_and_it_counts_as_on():
    scene = Scene()
    assert scene.guard.state is BeamState.UNKNOWN
    assert scene.give(ADA).refused == "the interlock was not read within the last 1 s"
    assert not scene.guard.view(scene.now_s).is_dark


def test_a_beam_is_switched_on_by_a_request_after_an_arming_and_by_nothing_else():
    scene = Scene().arm()
    assert scene.guard.state is BeamState.ARMED
    assert not scene.done
    decision = scene.give(BEAM)
    assert decision.refused == ""
    assert decision.actions == (DoBeam(40e3, 100e-6), Tell("beam on", "40 kV, 100 uA"))
    assert scene.guard.state is BeamState.ON


def test_a_beam_that_nobody_armed_is_refused():
    scene = Scene()
    scene.look()
    assert scene.give(BEAM).refused == "nobody has armed the beam"
    assert scene.give(WARM_UP).refused == "nobody has armed the beam"
    assert not scene.done


@pytest.mark.parametrize("name", ["", "  ", "A\nda", "A\x00"])
def test_who_has_no_name_cannot_arm(name):
    scene = Scene()
    scene.look()
    assert scene.give(replace(ADA, name=name)).refused.startswith("armed by nobody")


def test_a_beam_while_nobody_is_there_only_where_the_bench_allows_it():
    scene = Scene()
    scene.look()
    assert "nobody is there" in scene.give(replace(ADA, attended=False)).refused
    scene = Scene(unattended=True)
    scene.look()
    assert scene.give(replace(ADA, attended=False)).refused == ""


@pytest.mark.parametrize("changed", [{"on_s": 601.0}, {"on_s": -1.0}, {"dose_gy": 10.1}, {"dose_gy": -0.1}])
def test_nobody_arms_for_more_than_the_bench_allows(changed):
    scene = Scene()
    scene.look()
    assert "the bench allows" in scene.give(replace(ADA, **changed)).refused
    assert scene.give(replace(ADA, on_s=600.0, dose_gy=10.0)).refused == ""


@pytest.mark.parametrize("value", NO_NUMBERS)
@pytest.mark.parametrize("field", ["on_s", "dose_gy"])
def test_nobody_arms_for_what_is_no_number(field, value):
    scene = Scene()
    scene.look()
    assert scene.give(replace(ADA, **{field: value})).refused


@pytest.mark.parametrize(
    ("voltage_v", "current_a"),
    [(50.1e3, 1e-6), (1e3, 201e-6), (-1.0, 1e-6), (0.0, 1e-6), (1e3, 0.0), (1e3, -1e-6)]
    + [(value, 1e-6) for value in NO_NUMBERS]
    + [(1e3, value) for value in NO_NUMBERS],
)
def test_a_beam_over_a_limit_is_refused_and_one_that_is_on_stays_as_it_was(voltage_v, current_a):
    scene = Scene().on()
    decision = scene.give(SetBeam(voltage_v, current_a))
    assert "allowed" in decision.refused
    assert not decision.actions
    assert scene.guard.view(scene.now_s).voltage_set_v == 40e3


def test_the_power_is_limited_although_voltage_and_current_are_within_their_limits():
    scene = Scene(max_power_w=4.0).arm()
    assert "tube power" in scene.give(SetBeam(40e3, 101e-6)).refused
    assert scene.give(SetBeam(40e3, 100e-6)).refused == ""
    assert Scene().arm().give(SetBeam(50e3, 200e-6)).refused == ""


@pytest.mark.parametrize("rate", [*NO_NUMBERS, -1e-9])
def test_a_dose_rate_that_is_no_number_cannot_empty_or_fill_the_budget(rate):
    assert "dose rate" in Scene().arm().give(replace(BEAM, dose_rate_gy_s=rate)).refused


@pytest.mark.parametrize("field", [each.name for each in fields(LIMITS) if each.name != "unattended"])
@pytest.mark.parametrize("value", [*NO_NUMBERS, -1.0])
def test_limits_that_are_no_numbers_guard_nothing(field, value):
    with pytest.raises(LimitError):
        Guard(replace(LIMITS, **{field: value}), 0.0)


@pytest.mark.parametrize("field", ["max_voltage_v", "max_current_a", "max_power_w", "lease_s", "status_within_s"])
def test_limits_of_zero_guard_nothing(field):
    with pytest.raises(LimitError, match=field):
        Guard(replace(LIMITS, **{field: 0.0}), 0.0)


def test_a_guardian_without_a_time_does_not_begin():
    with pytest.raises(LimitError):
        Guard(LIMITS, math.nan)


def test_a_warning_of_the_board_comes_before_its_trip():
    with pytest.raises(LimitError, match="board"):
        Guard(replace(LIMITS, board_warn_k=330.0), 0.0)


@pytest.mark.parametrize(
    ("shown", "why"),
    [
        ({"interlock": "interlock open"}, "interlock open"),
        ({"fault": "supply under voltage"}, "supply under voltage"),
        ({"overridden": True}, "the checks of the device are switched off"),
    ],
)
def test_a_tube_that_is_not_fit_is_neither_armed_nor_switched_on(shown, why):
    scene = Scene()
    scene.look(**shown)
    assert scene.give(ADA).refused == why
    scene.arm()
    scene.look(**shown)
    assert scene.give(BEAM).refused == why
    assert scene.give(WARM_UP).refused == why
    assert not scene.done
    scene.look()
    assert scene.give(BEAM).refused == ""


def test_the_interlock_must_have_been_read_within_the_last_second():
    scene = Scene().arm()
    scene.now_s += 0.99
    assert scene.give(BEAM).refused == ""
    scene = Scene().arm()
    scene.now_s += 1.0
    assert "interlock was not read" in scene.give(BEAM).refused
    scene.look(asked_s=scene.now_s - 1.0)
    assert "interlock was not read" in scene.give(BEAM).refused
    assert "interlock was not read" in scene.give(ADA).refused


def test_a_tube_that_is_on_is_not_armed_again():
    scene = Scene().on()
    assert scene.give(replace(ADA, name="Bob")).refused == "the beam is not shown to be off"
    assert scene.guard.view(scene.now_s).armed_by == "Ada"


def test_who_arms_second_takes_over_with_a_budget_of_his_own():
    scene = Scene().on()
    scene.give(Off())
    scene.live(1.0)
    assert scene.guard.view(scene.now_s).on_s == pytest.approx(3.0)
    assert scene.give(Arm("Bob", True, 10.0, 0.5)).refused == ""
    view = scene.guard.view(scene.now_s)
    assert (view.armed_by, view.on_s, view.on_left_s) == ("Bob", 0.0, 10.0)


def test_an_arming_that_is_refused_changes_neither_trip_nor_arming():
    scene = Scene().on()
    scene.give(Stop("Bob"))
    scene.live(1.0)
    assert scene.give(replace(ADA, name="")).refused
    assert scene.guard.trip == "emergency stop by Bob"
    assert scene.give(BEAM).refused == "tripped: emergency stop by Bob"


def test_the_first_beam_waits_for_the_countdown_and_a_second_arming_begins_it_anew():
    scene = Scene(countdown_s=10.0).arm()
    scene.live(9.75)
    assert scene.give(BEAM).refused == "the countdown runs for another 0.2 s"
    assert scene.give(WARM_UP).refused.startswith("the countdown")
    assert scene.guard.view(scene.now_s).countdown_s == 0.25
    scene.arm()
    scene.live(9.75)
    assert scene.give(BEAM).refused
    scene.live(0.25)
    assert scene.give(BEAM).refused == ""


def test_an_arming_expires_while_the_beam_is_off():
    scene = Scene(arm_for_s=60.0).arm()
    scene.live(59.75)
    assert scene.guard.state is BeamState.ARMED
    scene.live(0.25)
    assert scene.guard.state is BeamState.OFF
    assert scene.give(BEAM).refused == "nobody has armed the beam"
    assert scene.guard.view(scene.now_s).armed_by == ""
    assert not scene.done
    assert scene.kinds()[-1] == "disarmed"


def test_an_arming_that_expires_takes_the_beam_with_it():
    scene = Scene(arm_for_s=60.0).on()
    scene.live(56.75)
    assert scene.guard.is_on
    scene.live(0.25)
    assert scene.guard.trip == "the arming has expired"


def test_a_beam_outlives_its_lease_by_nothing():
    scene = Scene().on()
    last_s = scene.now_s
    scene.live(1.75, renews=False)
    assert scene.guard.is_on
    scene.live(0.25, renews=False)
    assert scene.offs_since(last_s) == [2.0]
    assert scene.guard.trip == "the procedure did not renew its lease within 2 s"


def test_a_sign_of_life_that_comes_too_late_is_refused():
    scene = Scene().on()
    scene.live(1.75, renews=False)
    scene.now_s += 0.25
    decision = scene.give(Renew())
    assert tripped_at_once(decision)
    assert decision.refused == scene.guard.trip
    scene.live(1.0)
    assert scene.give(Renew()).refused == scene.guard.trip


def test_a_warm_up_needs_the_lease_as_any_beam():
    scene = Scene().on(WARM_UP)
    scene.live(2.0, renews=False)
    assert "lease" in scene.guard.trip


def test_switching_on_is_a_sign_of_life_and_a_sign_of_life_does_not_switch_on():
    scene = Scene().arm()
    scene.live(30.0)
    assert not scene.done
    scene.live(5.0, renews=False)
    assert scene.give(BEAM).refused == ""
    scene.live(1.75, renews=False)
    assert scene.guard.is_on


@pytest.mark.parametrize("event", ENDS)
@pytest.mark.parametrize("wanted", [BEAM, WARM_UP])
def test_off_is_the_first_that_is_done_whatever_asks_for_it(event, wanted):
    scene = Scene().on(wanted)
    assert tripped_at_once(scene.give(event))
    assert not scene.guard.is_on
    view = scene.guard.view(scene.now_s)
    assert (view.voltage_set_v, view.current_set_a) == (0.0, 0.0)


@pytest.mark.parametrize("event", [Off(), Stop("Bob"), Disarm(), ClientGone(), SwitchFailed("no ack"), Woke(3.0)])
def test_off_is_commanded_also_where_nothing_is_on(event):
    scene = Scene()
    assert isinstance(scene.give(event).actions[0], DoOff)
    assert isinstance(scene.give(event).actions[0], DoOff)


@pytest.mark.parametrize("event", TRIPS)
def test_after_a_trip_nothing_switches_on_until_somebody_arms(event):
    scene = Scene().on()
    scene.give(event)
    why = scene.guard.trip
    assert why
    scene.give(Off())
    scene.give(Disarm())
    scene.live(5.0)
    assert scene.give(BEAM).refused == f"tripped: {why}"
    assert scene.give(WARM_UP).refused == f"tripped: {why}"
    assert scene.guard.state is BeamState.OFF
    scene.arm()
    assert scene.give(BEAM).refused == ""


def test_the_first_reason_of_a_trip_stands():
    scene = Scene().on()
    scene.give(Stop("Bob"))
    assert tripped_at_once(scene.give(Stop("Eve")))
    assert scene.guard.trip == "emergency stop by Bob"
    assert scene.kinds().count("trip") == 1


def test_off_as_part_of_the_work_does_not_latch():
    scene = Scene().on()
    scene.give(Off())
    scene.live(0.5)
    assert scene.give(BEAM).refused == ""


def test_who_disarms_has_to_arm_again():
    scene = Scene().on()
    scene.give(Disarm())
    scene.live(1.0)
    assert scene.guard.trip == ""
    assert scene.give(BEAM).refused == "nobody has armed the beam"


def test_who_holds_the_lease_and_goes_takes_the_arming_with_him():
    scene = Scene().arm()
    scene.give(ClientGone("its program ended"))
    assert scene.guard.trip == "its program ended"
    assert scene.guard.view(scene.now_s).armed_by == ""
    scene = Scene()
    scene.look()
    scene.give(ClientGone())
    assert scene.guard.trip == ""


def test_set_points_are_kept_away_by_a_warm_up_that_runs_or_is_due():
    scene = Scene().on(WARM_UP)
    assert scene.give(BEAM).refused == "the tube's daily warm-up runs"
    assert scene.guard.is_on
    scene = Scene().arm()
    scene.look(warm_up_due="monthly")
    assert scene.give(BEAM).refused == "the tube needs its monthly warm-up first"
    assert scene.give(WARM_UP).actions == (DoWarmUp("daily"), Tell("warm-up", "the tube's own daily warm-up"))


def test_a_warm_up_is_no_way_around_a_limit_and_begins_from_off():
    scene = Scene().arm()
    assert "power" in scene.give(replace(WARM_UP, power_w=10.1)).refused
    assert "voltage" in scene.give(replace(WARM_UP, voltage_v=math.nan)).refused
    assert "current" in scene.give(replace(WARM_UP, current_a=201e-6)).refused
    scene.give(BEAM)
    assert scene.give(WARM_UP).refused == "the beam is on"
    scene = Scene().on(WARM_UP)
    assert scene.give(WARM_UP).refused == "the beam is on"


@pytest.mark.parametrize("kind", ["", "hourly"])
def test_a_warm_up_that_the_tube_does_not_know_is_refused(kind):
    scene = Scene().arm()
    assert "allowed: daily, monthly" in scene.give(StartWarmUp(kind, 1e3, 1e-6, 1.0)).refused
    assert not scene.done


def test_the_end_of_a_warm_up_is_commanded_and_not_a_trip():
    scene = Scene().on(WARM_UP)
    decision = scene.look(warming_up=False)
    assert tripped_at_once(decision)
    assert scene.guard.trip == ""
    assert scene.kinds()[-1] == "warm-up over"
    scene.live(0.5)
    assert scene.give(BEAM).refused == ""


def test_a_warm_up_that_does_not_begin_within_a_second_is_over():
    scene = Scene().arm()
    scene.give(WARM_UP)
    scene.live(1.0, warming_up=False)
    assert scene.guard.is_on
    scene.live(STEP_S, warming_up=False)
    assert not scene.guard.is_on


def test_the_on_time_ends_the_beam_and_refuses_the_next_one():
    scene = Scene().on(arm=replace(ADA, on_s=5.0))
    start_s = scene.now_s - 3.0
    scene.live(4.0)
    assert scene.offs_since(start_s)[0] == 5.0
    assert scene.guard.trip == "the on-time of 5 s of this arming is used up"
    assert scene.give(Renew()).refused == scene.guard.trip


def test_a_budget_is_one_for_all_beams_of_an_arming():
    scene = Scene().on(arm=replace(ADA, on_s=5.0))
    scene.give(Off())
    scene.live(60.0)
    scene.give(BEAM)
    start_s = scene.now_s
    scene.live(1.75)
    assert scene.guard.is_on
    scene.live(0.5)
    assert scene.offs_since(start_s)[0] == 2.0
    scene.live(1.0)
    scene.arm(replace(ADA, on_s=5.0))
    assert scene.give(BEAM).refused == ""


def test_a_budget_that_is_used_up_to_the_last_second_allows_no_beam():
    scene = Scene().arm(replace(ADA, on_s=3.0))
    scene.give(BEAM)
    scene.live(2.75)
    scene.now_s += STEP_S
    scene.guard.handle(Off(), scene.now_s)
    scene = Scene().arm(replace(ADA, on_s=0.0))
    assert scene.give(BEAM).refused == "the on-time of 0 s of this arming is used up"


def test_the_dose_ends_the_beam_at_the_rate_it_was_switched_on_with():
    scene = Scene().arm(replace(ADA, dose_gy=0.5))
    scene.give(replace(BEAM, dose_rate_gy_s=0.1))
    start_s = scene.now_s
    scene.live(2.0)
    scene.give(replace(BEAM, dose_rate_gy_s=0.2))
    assert scene.guard.view(scene.now_s).dose_gy == pytest.approx(0.2)
    scene.live(2.0)
    assert scene.offs_since(start_s)[0] == pytest.approx(3.5, abs=STEP_S)
    assert scene.guard.trip == "the dose of 0.5 Gy of this arming is used up"


def test_who_knows_no_dose_rate_needs_no_budget_of_dose_and_who_knows_one_does():
    scene = Scene().on(arm=replace(ADA, dose_gy=0.0))
    assert scene.give(replace(BEAM, dose_rate_gy_s=1e-6)).refused == ""
    scene.live(STEP_S)
    assert "dose" in scene.guard.trip


def test_whoever_only_watches_does_not_stop_the_on_time_from_being_counted():
    scene = Scene().arm()
    scene.give(BEAM)
    for _ in range(8):
        scene.now_s += STEP_S
        scene.guard.view(scene.now_s)
        scene.look()
        scene.give(Renew())
    assert scene.guard.view(scene.now_s).on_s == pytest.approx(2.0)


def test_the_on_time_counts_until_the_tube_has_taken_off():
    scene = Scene().on()
    scene.give(Off(), taken=False)
    scene.now_s += 0.5
    scene.give(SwitchedOff("no acknowledgement"))
    scene.now_s += 0.5
    scene.give(SwitchedOff())
    scene.now_s += 0.5
    scene.give(Tick())
    assert scene.guard.view(scene.now_s).on_s == pytest.approx(4.0)


def test_the_on_time_also_ends_with_a_look_that_shows_the_high_voltage_off():
    scene = Scene().on()
    scene.give(Off(), taken=False)
    scene.live(0.25)
    scene.live(5.0)
    assert scene.guard.view(scene.now_s).on_s == pytest.approx(3.25)


def test_a_jump_of_the_time_counts_as_on_and_ends_the_beam():
    scene = Scene().on()
    scene.now_s += 60.0
    assert tripped_at_once(scene.give(Renew()))
    assert scene.guard.view(scene.now_s).on_s == pytest.approx(63.0)


@pytest.mark.parametrize("now_s", [*NO_NUMBERS, 900.0])
def test_a_time_that_goes_back_or_is_none_ends_the_beam_and_allows_no_other(now_s):
    scene = Scene().on()
    before_s = scene.now_s
    scene.now_s = now_s
    assert tripped_at_once(scene.give(Renew()))
    assert "the clock went from" in scene.guard.trip
    assert scene.guard.state is BeamState.UNKNOWN
    assert "the clock went" in scene.give(ADA).refused
    scene.now_s = before_s + 1.0
    scene.live(1.0)
    assert scene.guard.view(scene.now_s).on_s == pytest.approx(3.0)
    scene.arm()


def test_two_threads_may_hand_in_their_times_in_the_other_order():
    scene = Scene().on()
    scene.now_s -= 0.04
    scene.give(Renew())
    assert scene.guard.is_on
    scene.now_s -= 0.02
    scene.give(Renew())
    assert "the clock went from" in scene.guard.trip


def test_what_happened_is_told_once_and_the_last_hundred_are_kept():
    scene = Scene().arm()
    view = scene.guard.view(scene.now_s)
    assert view.told == (Tell("armed", "by Ada: 300 s of beam, 1 Gy"),)
    assert scene.guard.view(scene.now_s).told == ()
    for _ in range(150):
        scene.arm()
    assert len(scene.guard.view(scene.now_s).told) == 100


def test_a_view_shows_what_is_known_and_nan_for_what_is_not():
    scene = Scene()
    assert math.isnan(scene.guard.view(scene.now_s).board_k)
    scene.on()
    scene.now_s += 0.1
    view = scene.guard.view(scene.now_s)
    assert (view.voltage_v, view.current_a, view.board_k) == (40e3, 100e-6, 298.0)
    assert (view.voltage_set_v, view.current_set_a, view.fault) == (40e3, 100e-6, "")
    assert view.seen_age_s == pytest.approx(0.1)
    assert view.on_left_s == pytest.approx(296.9)
    scene.give(Unreadable("garbled"))
    view = scene.guard.view(scene.now_s)
    assert math.isnan(view.voltage_v)
    assert view.state is BeamState.UNKNOWN
    scene.look(fault="interlock open")
    assert scene.guard.view(scene.now_s).fault == "interlock open"


def test_a_warm_up_has_no_set_points_to_show():
    scene = Scene().on(WARM_UP)
    view = scene.guard.view(scene.now_s)
    assert (view.state, view.voltage_set_v, view.current_set_a) == (BeamState.ON, 0.0, 0.0)


def test_a_mistake_in_the_guardian_ends_the_beam():
    scene = Scene().on()
    decision = scene.give(SetBeam("40 kV", 1e-6))  # type: ignore[arg-type]
    assert "a mistake in the guardian" in decision.refused
    assert tripped_at_once(decision)


def test_what_happens_at_the_moment_of_an_event_is_decided_before_it():
    scene = Scene().on()
    scene.live(1.75, renews=False)
    scene.now_s += 0.25
    decision = scene.give(BEAM)
    assert decision.refused.startswith("tripped")
    assert tripped_at_once(decision)
    assert not any(isinstance(each, DoBeam) for each in decision.actions)


def test_nobody_arms_in_the_moment_of_a_trip():
    scene = Scene(lease_s=0.5, status_within_s=2.0)
    scene.arm()
    scene.give(BEAM)
    scene.now_s += 0.5
    assert scene.give(ADA).refused == "the beam is not shown to be off"
    assert "lease" in scene.guard.trip
    assert scene.give(Seen(SHINING, scene.now_s)).refused == ""
    assert scene.give(ADA).refused == "the beam is not shown to be off"
    assert scene.give(Seen(replace(DARK, voltage_v=5e3), scene.now_s)).refused == ""
    assert scene.give(ADA).refused == "the beam is not shown to be off"
    scene.look()
    assert scene.give(ADA).refused == ""
