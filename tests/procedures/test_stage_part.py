"""The temperature stage of a procedure, judged by the heater, the block and the wire of the simulated controller."""

import math

import numpy as np
import pytest

from instruments.sim.deeds import begin, end
from instruments.sim.faults import TimedFault
from instruments.sim.lakeshore335 import SimLakeShore335
from tests.procedures.parts_bench import PERIOD_S, StageAlone, parts
from xraydaq.errors import RunFailed, SafetyTrip, StoppedByUser

HELD_K = 298.15
LOOK_S = 1.0 + PERIOD_S
"""From one reading of the sensor to the next, where rows are taken meanwhile."""


def held(**wanted):
    return parts(stage_temperature=f"{HELD_K} K", **wanted)


def controller_of(rig):
    """The simulated controller, brought to this moment."""
    controller = rig.world.devices["temperature"]
    controller.advance(rig.clock.now())
    return controller.instrument


def heater_is_off(rig, during_s=60.0):
    """Whether no heater is on, and none comes on."""
    for _ in range(round(during_s / 10)):
        instrument = controller_of(rig)
        if instrument.heater_w or any(loop.range for loop in instrument.loops.values()):
            return False
        rig.clock.sleep(10.0)
    return True


@pytest.fixture
def asked(monkeypatch):
    """Each question for a reading that reached the controller: its moment."""
    found = []
    receive = SimLakeShore335.receive

    def watched(device, data, now_s):
        found.extend([now_s] * data.count(b"KRDG?"))
        receive(device, data, now_s)

    monkeypatch.setattr(SimLakeShore335, "receive", watched)
    return found


def bug(rig):
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("happens", "ends"),
    [(lambda rig: None, type(None)), (bug, ZeroDivisionError), (lambda rig: rig.stop.set(), StoppedByUser)],
    ids=["its end", "a bug", "a stop"],
)
def test_the_way_back_switches_the_heater_off_whatever_ends_a_run_while_the_stage_is_held(happens, ends):
    with parts(StageAlone, bench="simulated_cold") as rig:
        heated_w = []

        def script(procedure):
            procedure.stage.go_to(HELD_K)
            heated_w.append(controller_of(rig).heater_w)
            assert abs(rig.world.stage.crystal_k(rig.clock.now()) - HELD_K) < 0.15  # in the band, but for the noise
            happens(rig)
            procedure.wait(1.0)

        error = rig.run(script)
        assert type(error) is ends, error
        assert heated_w[0] > 10.0  # the cold end takes 25 W
        assert rig.failures == ()
        assert heater_is_off(rig)
        assert rig.world.stage.stage_k(rig.clock.now()) < HELD_K - 5.0


def test_a_stop_on_the_way_to_a_temperature_switches_the_heater_off():
    with parts(StageAlone, bench="simulated_cold") as rig:

        def script(procedure):
            procedure.tend(lambda: rig.stop.set() if rig.clock.now() > 20 else None)
            procedure.stage.go_to(310.0)

        assert isinstance(rig.run(script), StoppedByUser)
        assert rig.world.stage.hottest_k < 305.0
        assert heater_is_off(rig)


def test_a_sensor_lost_on_the_way_to_a_temperature_ends_the_run_with_the_heater_off():
    with parts(StageAlone, bench="simulated_cold") as rig:
        lost_s = []

        def lose():
            if rig.clock.now() > 20 and not lost_s:
                lost_s.append(rig.clock.now())
                begin(rig.world, "sensor_open", lost_s[0])

        def script(procedure):
            procedure.tend(lose)
            procedure.stage.go_to(310.0)

        error = rig.run(script)
        assert isinstance(error, SafetyTrip)
        assert "temperature readings in a row" in str(error)
        assert heater_is_off(rig)


def test_a_sensor_lost_in_the_beam_ends_the_run_with_beam_and_heater_off():
    with held() as rig:
        lost_s = []

        def script(procedure):
            procedure.stage.hold()
            procedure.lit(2.0)
            lost_s.append(rig.clock.now())
            begin(rig.world, "sensor_open", lost_s[0])
            procedure.record(30.0)

        error = rig.run(script)
        assert isinstance(error, SafetyTrip)
        assert "temperature readings in a row" in str(error)
        assert rig.failures == ()
        assert rig.lit_after_s(lost_s[0]) < 3 * LOOK_S
        assert rig.stays_dark()
        assert heater_is_off(rig)
        temperatures_k = [row["temperature"] for row in rig.rows]
        assert math.isnan(temperatures_k[-1])  # a value that is not known is not the last one that was
        assert not math.isnan(temperatures_k[0])


def test_a_stage_that_gets_too_hot_ends_the_run_with_beam_and_heater_off():
    with held() as rig:
        block_k = []
        rig.on_row = lambda row: block_k.append(rig.world.stage.stage_k(rig.clock.now()))

        def script(procedure):
            procedure.stage.hold()
            procedure.lit(1.0)
            rig.world.stage.set_disturbance_w(rig.clock.now(), 300.0)
            procedure.record(60.0)

        error = rig.run(script)
        assert isinstance(error, SafetyTrip)
        assert "allowed: up to 325 K" in str(error)
        assert rig.lit_after_s(rig.emitted_s[-1]) < 0.5
        rate_k_per_s = 300.0 / 80.0  # of a block of 80 J/K that nothing cools
        assert 325.0 < block_k[-1] < 326.0 + rate_k_per_s * (LOOK_S + 1.5)  # the sensor lags by 1.5 s
        assert rig.stays_dark()
        assert heater_is_off(rig)


def test_a_heater_that_the_controller_switched_off_after_a_bad_reading_is_not_taken_for_a_held_stage():
    with held() as rig:

        def script(procedure):
            procedure.stage.hold()
            procedure.bias()
            begin(rig.world, "sensor_open", rig.clock.now())
            procedure.record(LOOK_S)
            end(rig.world, "sensor_open", rig.clock.now())
            procedure.record(30.0)

        error = rig.run(script)
        assert isinstance(error, SafetyTrip)
        assert "switched the heater off" in str(error)
        assert len(rig.rows) < (2 * LOOK_S + 1.0) / PERIOD_S


def test_one_reading_that_is_lost_on_the_line_is_a_row_without_temperature_and_no_end():
    with held() as rig:

        def script(procedure):
            procedure.stage.hold()
            procedure.bias()
            procedure.wait(1.0)  # so that the first row asks
            now_s = rig.clock.now()
            rig.world.links["temperature"].add_fault(TimedFault("garbage", now_s, now_s + 1.5))  # it is asked twice
            procedure.record(10.0)

        assert rig.run(script) is None
        known = ~np.isnan([row["temperature"] for row in rig.rows])
        assert 0 < np.sum(~known) <= round(LOOK_S / PERIOD_S)
        assert np.all(known[round(2 * LOOK_S / PERIOD_S) :])


def test_a_temperature_that_cannot_be_reached_ends_the_run_and_says_what_is_missing(monkeypatch):
    monkeypatch.setattr("procedures.stage.LONGEST_S", 900.0)  # less patience: two hours take long to compute
    with parts(StageAlone) as rig:  # no coolant flows
        began_s = rig.clock.now()
        error = rig.run(lambda procedure: procedure.stage.go_to(280.0))
        assert type(error) is RunFailed
        assert "280 K not reached in 0.25 h" in str(error)
        assert "off target by more than 0.1 K" in str(error)
        assert 900.0 <= rig.clock.now() - began_s < 930.0
        assert heater_is_off(rig)


def test_the_sensor_is_read_once_a_second_however_often_rows_are_taken(asked):
    with held() as rig:
        began_s = []

        def script(procedure):
            procedure.stage.hold()
            procedure.bias()
            began_s.append(rig.clock.now())
            procedure.record(20.0)

        assert rig.run(script) is None
        moments_s = [moment_s for moment_s in asked if began_s[0] <= moment_s <= rig.emitted_s[-1]]
        apart_s = np.diff(moments_s)
        assert np.all((apart_s >= 1.0 - 1e-9) & (apart_s <= LOOK_S + 0.2))
        assert np.all(np.isfinite([row["temperature"] for row in rig.rows]))
        assert len(rig.rows) == 80


def test_without_a_controller_rows_have_no_temperature_and_none_can_be_gone_to():
    with parts() as rig:

        def script(procedure):
            procedure.stage.hold()
            procedure.bias()
            procedure.record(1.0)
            procedure.stage.go_to(HELD_K)

        error = rig.run(script)
        assert type(error) is RunFailed
        assert "no temperature controller" in str(error)
        assert np.all(np.isnan([row["temperature"] for row in rig.rows]))
