import math
from dataclasses import replace

import pytest

from tests.safety.guard_scene import ADA, BEAM, DOSE, NO_DOSE, STEP_S, WARM_UP, Scene, tripped_at_once
from xraydaq.safety.guard_events import BeamState, Off, SetBeam

WITH_CHAMBER = replace(ADA, expects_dose=True)


def read(scene, dose, for_s, every_s=1.0):
    """Let the chamber give a reading every second."""
    for _ in range(round(for_s / every_s)):
        scene.live(every_s)
        scene.give(dose)


def test_a_beam_without_dose_ends_within_the_integration_time_and_five_seconds():
    scene = Scene().on(arm=WITH_CHAMBER)
    read(scene, DOSE, 10.0)
    blocked_s = scene.now_s
    read(scene, NO_DOSE, 7.0)
    assert scene.offs_since(blocked_s)[0] <= 6.0
    assert scene.offs_since(blocked_s)[0] == 5.0
    assert scene.guard.trip == "no dose while X-rays are on: shutter? chamber? range?"


def test_a_beam_that_never_showed_a_dose_ends_as_soon():
    scene = Scene().arm(WITH_CHAMBER)
    start_s = scene.now_s
    scene.give(BEAM)
    read(scene, NO_DOSE, 8.0)
    assert scene.offs_since(start_s)[0] == 6.0


def test_the_reason_is_found_also_if_the_chamber_is_not_read_again():
    scene = Scene().on(arm=WITH_CHAMBER)
    read(scene, DOSE, 2.0)
    dark_s = scene.now_s
    read(scene, NO_DOSE, 1.0)
    scene.live(5.0)
    assert scene.offs_since(dark_s)[0] == 5.0


@pytest.mark.parametrize(
    "dose",
    [
        replace(DOSE, rate_gy_s=math.nan),
        replace(DOSE, sigma_gy_s=math.nan),
        replace(DOSE, sigma_gy_s=-1.0),
        replace(DOSE, sigma_gy_s=math.inf),
        replace(DOSE, rate_gy_s=-1.0),
        replace(DOSE, rate_gy_s=4.99e-6),
        replace(NO_DOSE, integration_s=math.nan),
        replace(NO_DOSE, integration_s=math.inf),
        replace(NO_DOSE, integration_s=-1e9),
    ],
)
def test_a_reading_that_shows_no_dose_or_no_number_is_no_dose(dose):
    scene = Scene().on(arm=WITH_CHAMBER)
    read(scene, dose, 10.0)
    assert scene.guard.trip.startswith("no dose")


def test_a_dose_just_over_five_sigma_or_over_every_range_is_one():
    scene = Scene().on(arm=WITH_CHAMBER)
    read(scene, replace(DOSE, rate_gy_s=5.01e-6), 10.0)
    read(scene, replace(DOSE, rate_gy_s=math.inf), 10.0)
    read(scene, replace(DOSE, sigma_gy_s=0.0), 10.0)
    assert scene.guard.is_on


def test_a_single_reading_without_dose_is_no_reason_although_the_beam_is_on_for_long():
    scene = Scene().on(arm=WITH_CHAMBER)
    read(scene, DOSE, 30.0)
    for _ in range(3):
        read(scene, NO_DOSE, 3.0)
        read(scene, DOSE, 1.0)
    assert scene.guard.is_on


def test_a_chamber_that_is_not_read_is_not_waited_for():
    scene = Scene().on(arm=WITH_CHAMBER)
    scene.live(30.0)
    assert scene.guard.is_on


def test_a_slow_chamber_has_its_integration_time_after_switching_on():
    scene = Scene().arm(WITH_CHAMBER)
    start_s = scene.now_s
    scene.give(BEAM)
    read(scene, replace(NO_DOSE, integration_s=4.0), 12.0)
    assert scene.offs_since(start_s)[0] == 9.0


def test_changing_the_set_points_does_not_give_the_dose_more_time():
    scene = Scene().arm(WITH_CHAMBER)
    start_s = scene.now_s
    for step in range(10):
        scene.give(SetBeam(40e3 + step, 100e-6))
        read(scene, NO_DOSE, 1.0)
    assert scene.offs_since(start_s)[0] == 6.0


def test_changing_the_set_points_does_not_make_a_dose_that_is_missing_forgotten():
    scene = Scene().on(arm=WITH_CHAMBER)
    read(scene, NO_DOSE, 1.0)
    scene.give(SetBeam(30e3, 100e-6))
    scene.live(4.0)
    assert scene.guard.trip.startswith("no dose")


def test_no_dose_is_asked_for_where_no_chamber_is_in_the_beam_or_a_warm_up_runs():
    scene = Scene().on()
    read(scene, NO_DOSE, 10.0)
    assert scene.guard.is_on
    scene = Scene().on(WARM_UP, WITH_CHAMBER)
    read(scene, NO_DOSE, 10.0)
    assert scene.guard.is_on


def test_what_was_read_in_the_beam_before_says_nothing_of_this_one():
    scene = Scene().on(arm=WITH_CHAMBER)
    read(scene, NO_DOSE, 1.0)
    scene.give(Off())
    scene.live(60.0)
    scene.give(BEAM)
    scene.live(60.0)
    assert scene.guard.is_on


def test_two_readings_with_dose_while_x_rays_are_off_are_a_trip_and_an_alarm():
    scene = Scene().arm()
    scene.give(DOSE)
    assert scene.guard.trip == ""
    scene.live(1.0)
    decision = scene.give(DOSE)
    assert tripped_at_once(decision)
    assert scene.guard.trip == "the chamber shows 0.001 Gy/s while X-rays are off"
    assert scene.kinds()[-2:] == ["trip", "off failed"]
    assert scene.guard.state is BeamState.UNKNOWN


def test_a_beam_is_unknown_and_off_is_repeated_until_the_chamber_shows_no_dose():
    scene = Scene().arm()
    for _ in range(2):
        scene.give(DOSE)
    start_s = scene.now_s
    scene.live(2.0)
    assert len(scene.offs_since(start_s)) == 5
    assert "off" not in scene.kinds()
    assert scene.give(ADA).refused == "the beam is not shown to be off"
    scene.give(replace(DOSE, rate_gy_s=math.nan))
    assert scene.give(ADA).refused
    scene.give(NO_DOSE)
    assert scene.kinds()[-1] == "off"
    assert scene.give(ADA).refused == ""


def test_a_reading_that_is_no_number_does_not_come_between_two_with_dose():
    scene = Scene().arm()
    scene.give(DOSE)
    scene.give(replace(DOSE, rate_gy_s=math.nan))
    scene.give(DOSE)
    assert scene.guard.trip


def test_a_reading_without_dose_does():
    scene = Scene().arm()
    for _ in range(3):
        scene.give(DOSE)
        scene.give(NO_DOSE)
    assert scene.guard.trip == ""


def test_the_end_of_a_beam_may_show_for_the_integration_time_and_five_seconds():
    scene = Scene().on(arm=WITH_CHAMBER)
    scene.give(Off())
    read(scene, DOSE, 6.0)
    assert scene.guard.trip == ""
    read(scene, DOSE, 2.0)
    assert "while X-rays are off" in scene.guard.trip


def test_off_again_and_again_does_not_make_the_end_of_a_beam_longer():
    scene = Scene().on()
    scene.give(Off())
    for _ in range(8):
        read(scene, DOSE, 1.0)
        scene.give(Off())
    assert scene.guard.trip


def test_a_beam_between_them_makes_two_readings_no_pair():
    scene = Scene().arm()
    scene.give(DOSE)
    scene.give(BEAM)
    scene.live(1.0)
    scene.give(Off())
    scene.live(10.0)
    scene.give(DOSE)
    assert scene.guard.trip == ""
    scene.live(STEP_S)
    scene.give(DOSE)
    assert scene.guard.trip
