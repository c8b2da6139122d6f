import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from instruments.sim.twin.stage import Stage, StageParameters


def integrated(power_w, end_s, start_k=296.15, cold_k=196.15, room_k=296.15):
    """Integrate the published equations step by step, with the dead time and the sensor."""

    def slope(time_s, state):
        block, crystal, sensor = state
        heat_w = power_w if time_s >= 2.0 else 0.0
        return [
            (heat_w - 0.25 * (block - cold_k) - 0.06 * (block - crystal)) / 80.0,
            (0.06 * (block - crystal) - 3e-4 * (crystal - room_k)) / 1.5,
            (block - sensor) / 1.5,
        ]

    state = [start_k] * 3
    for span_s in [(0.0, 2.0), (2.0, end_s)]:
        state = solve_ivp(slope, span_s, state, rtol=1e-10, atol=1e-10).y[:, -1]
    return state


@pytest.mark.parametrize("power_w", [0.0, 12.0, 50.0])
@pytest.mark.parametrize("step_s", [0.1, 0.37, 300.0])
def test_the_stage_follows_its_equations_whatever_the_step(power_w, step_s):
    stage = Stage()
    stage.sensor_k(0.0)
    stage.set_heater_w(0.0, power_w)
    for time_s in np.arange(0.0, 300.0, step_s):
        stage.sensor_k(float(time_s))
    found = stage.stage_k(300.0), stage.crystal_k(300.0), stage.sensor_k(300.0)
    assert found == pytest.approx(tuple(integrated(power_w, 300.0)), abs=1e-5)


def test_nothing_is_felt_of_the_heater_before_the_dead_time_is_over():
    stage, undisturbed = Stage(), Stage()
    for each in (stage, undisturbed):
        each.sensor_k(0.0)
    stage.set_heater_w(0.0, 50.0)
    assert stage.stage_k(2.0) == pytest.approx(undisturbed.stage_k(2.0), abs=1e-12)
    assert stage.stage_k(3.0) > undisturbed.stage_k(3.0) + 0.5


def test_without_coolant_a_stage_at_room_temperature_stays_there():
    stage = Stage(cold_k=None)
    stage.sensor_k(0.0)
    assert stage.crystal_k(36000.0) == pytest.approx(296.15, abs=1e-9)
    stage.set_cold_k(36000.0, 196.15)
    assert stage.crystal_k(37000.0) < 220
    stage.set_cold_k(37000.0, None)
    assert stage.crystal_k(60000.0) == pytest.approx(296.15, abs=1e-3)


def test_the_heater_balances_the_cold_end():
    stage = Stage()
    stage.sensor_k(0.0)
    stage.set_heater_w(0.0, 25.0)
    assert stage.stage_k(20000.0) == pytest.approx(296.15, abs=1e-6)


def test_a_stray_heat_load_warms_the_block_by_its_share():
    stage = Stage(cold_k=None)
    stage.sensor_k(0.0)
    stage.set_disturbance_w(0.0, 0.125)
    assert stage.stage_k(20000.0) == pytest.approx(296.15 + 0.125 / (0.25 + 0.06 * 3e-4 / 0.0603), abs=1e-5)


def test_a_controller_has_acted_before_the_crystal_is_looked_at():
    stage, seen = Stage(), []

    def act(time_s):
        seen.append(time_s)
        stage.crystal_k(time_s - 1)  # looking while it acts is not a request to act
        stage.set_heater_w(time_s - 5, 50.0)

    stage.sensor_k(0.0)
    stage.follow(act)
    warm_k = stage.crystal_k(10.0)
    assert seen == [10.0]
    idle = Stage()
    idle.sensor_k(0.0)
    assert warm_k > idle.crystal_k(10.0)


def test_the_highest_temperature_of_the_crystal_is_remembered():
    stage = Stage(start_k=320.0, cold_k=None)
    stage.sensor_k(0.0)
    stage.crystal_k(5000.0)
    assert stage.truth()["hottest_k"] == pytest.approx(320.0, abs=0.01)


@pytest.mark.parametrize(
    "mistake",
    [
        lambda stage: stage.set_heater_w(0.0, -1.0),
        lambda stage: stage.set_heater_w(0.0, math.nan),
        lambda stage: stage.set_disturbance_w(0.0, math.inf),
        lambda stage: stage.set_cold_k(0.0, 0.0),
        lambda stage: stage.sensor_k(math.nan),
        lambda _: Stage(start_k=math.nan),
        lambda _: Stage(StageParameters(), cold_k=-5.0),
    ],
)
def test_what_cannot_be_is_refused(mistake):
    with pytest.raises(ValueError):
        mistake(Stage())
