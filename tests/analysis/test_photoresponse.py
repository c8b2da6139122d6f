from dataclasses import replace

import numpy as np
import pytest

from tests.analysis.switched_synthetic import SPOT, Chopping, Device, dose_of, points_of, trace
from xraydaq.analysis.photoresponse import evaluate
from xraydaq.analysis.two_exponentials import transition
from xraydaq.analysis.values import NotEnoughData

QUIET = Device()
SHORT = Chopping(half_s=14.0)
RATE = 20e-6


def result_of(columns, edges_s=None, *, rates=(RATE,), reading_time_s=0.02, spot=SPOT, temperature_k=None, **dose):
    return evaluate(
        *columns, dose=dose_of(rates, **dose), spot=spot, reading_time_s=reading_time_s, bias_v=5.0, gap_m=50e-6,
        edges_s=edges_s, temperature_k=temperature_k,
    )  # fmt: skip


def one_point(seed, device=QUIET, chopping=SHORT, **options):
    return points_of(trace(np.random.default_rng(seed), device, chopping, **options))


@pytest.fixture(scope="module")
def quiet():
    """Columns of a quiet device, moments of the commands, and what is found in them."""
    columns, commands = one_point(4)
    return columns, commands, result_of(columns, commands)


def within(value, truth, tolerance):
    assert abs(value.value - truth) < tolerance, value
    assert abs(value.value - truth) < 4 * value.u, value


def test_a_known_device_is_found_within_the_acceptance():
    best = result_of(*one_point(1, chopping=Chopping())).points[0]
    for response in (best.rise, best.fall):
        within(response.fast, 0.03, 0.02 * 0.03)
        within(response.slow, 1.5, 0.1 * 1.5)
        within(response.slow_share, 0.08, 0.005)
        within(response.delay, 0.15, 0.005)
        within(response.transition, transition((0.03, 1.5), 0.08), 0.003)
    for lag, t in zip(best.fall.lags, (1.0, 2.0, 5.0, 10.0), strict=True):
        assert abs(lag.value - 0.08 * np.exp(-t / 1.5)) < 4 * lag.u
    assert abs(best.step.value / 500e-9 - 1) < 4 * best.step.u / best.step.value < 0.01


def test_the_transition_of_one_exponential_is_the_textbook_one():
    assert transition((0.4,), 0.0) == pytest.approx(0.4 * np.log(9), rel=1e-9, abs=0)
    assert transition((0.03, 1.5), 0.08) == pytest.approx(0.104, abs=0.0005)  # not the 0.066 of the fast part alone


@pytest.mark.long
@pytest.mark.parametrize("asd", [2e-10, 2e-9])
def test_the_scatter_over_many_devices_is_as_stated(asd):
    pulls = []
    for seed in range(7):
        rng = np.random.default_rng(900 + seed)
        device = Device(fast_s=rng.uniform(0.03, 0.1), share=rng.uniform(0.06, 0.15), asd=asd, step_a=400e-9)
        best = result_of(*points_of(trace(rng, device, SHORT))).points[0]
        for response in (best.rise, best.fall):
            pulls.append([
                (response.fast.value - device.fast_s) / response.fast.u,
                (response.slow_share.value - device.share) / response.slow_share.u,
                (response.delay.value - device.delay_s) / response.delay.u,
                (best.step.value - device.step_a) / best.step.u,
                (response.lags[0].value - device.missing(1.0)) / response.lags[0].u,
            ])  # fmt: skip
    pulls = np.array(pulls)
    count = len(pulls) / 2  # rise and fall of one device share noise and step
    assert np.all(np.abs(pulls.mean(axis=0)) < 3 / np.sqrt(count)), pulls.mean(axis=0)
    assert np.all(np.abs(pulls.std(axis=0) - 1) < 3 / np.sqrt(2 * count)), pulls.std(axis=0)


def test_readings_slower_than_the_device_give_an_upper_limit_above_the_truth():
    slow_meter = Chopping(half_s=30.0, period_s=0.22, reading_s=0.2)
    result = result_of(*one_point(2, chopping=slow_meter), reading_time_s=0.2)
    response = result.points[0].rise
    assert not response.resolved
    assert response.fast.value == pytest.approx(0.22, rel=1e-6, abs=0)
    assert np.isnan(response.fast.u)
    assert response.transition.value > transition((0.03, 1.5), 0.08)
    assert any("upper limit" in flag for flag in result.flags)


def test_a_rise_time_longer_than_the_integration_time_does_not_depend_on_it():
    device = Device(fast_s=0.4, share=0.0, delay_s=0.0)
    for reading_s, period_s in ((0.02, 0.025), (0.2, 0.22)):
        columns = one_point(3, device, Chopping(half_s=20.0, period_s=period_s, reading_s=reading_s))
        response = result_of(*columns, reading_time_s=reading_s).points[0].rise
        assert not response.slow_seen
        assert abs(response.transition.value - 0.4 * np.log(9)) < 4 * response.transition.u
        assert response.transition.u < 0.1 * response.transition.value


def test_currents_in_other_units_and_a_later_start_change_no_time(quiet):
    columns, commands, result = quiet
    first = result.points[0]
    moved = (columns[0] + 1000.0, 1e3 * columns[1] + 5e-6, *columns[2:])
    second = result_of(moved, commands + 1000.0).points[0]
    assert second.rise.transition.value == pytest.approx(first.rise.transition.value, rel=1e-4, abs=0)
    assert second.fall.slow.value == pytest.approx(first.fall.slow.value, rel=1e-3, abs=0)
    assert second.step.value == pytest.approx(1e3 * first.step.value, rel=1e-6, abs=0)
    assert second.repeatability.value == pytest.approx(first.repeatability.value, rel=1e-3, abs=0)


def test_a_straight_drift_of_the_dark_current_is_not_taken_for_lag(quiet):
    columns, commands, result = quiet
    steady = result.points[0]
    drift_a = 0.3e-9 * columns[0]
    drifting = result_of((columns[0], columns[1] + drift_a, *columns[2:]), commands).points[0]
    for one, other in zip(steady.fall.lags, drifting.fall.lags, strict=True):
        assert abs(one.value - other.value) < 0.1 * one.u
    assert drifting.step.value == pytest.approx(steady.step.value, rel=1e-6, abs=0)


def test_a_tube_that_did_not_switch_costs_one_cycle_and_is_named():
    columns, commands = one_point(6, chopping=replace(SHORT, cycles=6), missing_cycle=2)
    result = result_of(columns, commands)
    best = result.points[0]
    assert (best.rise.edges, best.fall.edges) == (5, 5)
    assert result.dropped["edge: tube did not switch"] == 2
    assert any("did not switch" in flag for flag in result.flags)
    assert abs(best.step.value / 500e-9 - 1) < 0.01


def test_flagged_readings_are_not_used():
    columns, commands = one_point(7)
    spoilt = [column.copy() for column in columns]
    spoilt[1][700:720] = 1e-3
    spoilt[2][700:720] = 2
    result = result_of(tuple(spoilt), commands)
    assert result.dropped["reading"] == 20
    assert abs(result.points[0].step.value / 500e-9 - 1) < 0.01


def test_without_the_moments_of_the_commands_the_delay_says_how_well_they_are_known(quiet):
    columns, _, result = quiet
    told, guessed = result.points[0], result_of(columns).points[0]
    assert guessed.edge_u_s > told.edge_u_s == 0.0
    assert guessed.rise.delay.u > told.rise.delay.u
    assert abs(guessed.rise.delay.value - 0.15) < 4 * guessed.rise.delay.u + SHORT.late_s
    assert guessed.rise.fast.value == pytest.approx(told.rise.fast.value, rel=1e-3, abs=0)


def test_the_sensitivity_carries_what_all_points_share(quiet):
    columns, commands, _ = quiet
    result = result_of(columns, commands, common={"chamber": 0.03}, u_rel=0.004)
    value, budget = result.points[0].sensitivity, result.budgets["sensitivity"]
    assert value.value == pytest.approx(500e-9 / (SPOT.area_m2 * RATE), rel=0.01, abs=0)
    assert budget.largest == "chamber"
    assert value.u == pytest.approx(value.value * np.hypot(np.hypot(0.03, 0.004), 6e-8 / 3.1416e-6), rel=0.05, abs=0)
    assert result.points[0].gain.value == pytest.approx(value.value / 11.4, rel=1e-6, abs=0)


def test_the_strongest_beam_comes_first_and_a_changed_rise_time_is_flagged():
    rng = np.random.default_rng(10)
    weak = trace(rng, replace(QUIET, step_a=50e-9, fast_s=0.2), SHORT)
    strong = trace(rng, QUIET, SHORT, start_s=1000.0)
    result = result_of(*points_of(weak, strong), rates=(2e-6, 20e-6))
    assert [one.point for one in result.points] == [1, 0]
    labels = [label for label, _, _ in result.rows()]
    assert len(set(labels)) == len(labels)
    assert "rise time 10 to 90 percent at 2 µGy/s" in labels
    assert any("depends on the dose rate" in flag for flag in result.flags)
    assert not any("take different times" in flag for flag in result.flags)


def test_too_few_cycles_or_broken_columns_are_refused():
    columns, commands = one_point(11, chopping=replace(SHORT, cycles=3))
    with pytest.raises(NotEnoughData, match="3 usable edges"):
        result_of(columns, commands)
    with pytest.raises(NotEnoughData, match="one length"):
        result_of((columns[0][:-1], *columns[1:]))
    backwards = (columns[0][::-1].copy(), *columns[1:])
    with pytest.raises(NotEnoughData, match="does not increase"):
        result_of(backwards)
    with pytest.raises(ValueError, match="above zero"):
        result_of(columns, reading_time_s=float("nan"))


def test_an_edge_that_is_no_exponential_is_said_to_be_none(quiet):
    columns, commands, result = quiet
    assert result.points[0].rise.misfit < 0.03
    ramped = columns[1].copy()
    for command_s in commands[::2]:  # the beam comes up in a straight line, half a second long
        since_s = columns[0] - command_s
        rising = (since_s > 0) & (since_s < 0.5)
        ramped[rising] = 150e-9 + 500e-9 * since_s[rising] / 0.5
    bent = result_of((columns[0], ramped, *columns[2:]), commands)
    assert any("rise at 20 µGy/s: exponentials do not describe" in flag for flag in bent.flags)
    assert not any("fall at 20 µGy/s: exponentials" in flag for flag in bent.flags)


def test_a_dark_current_that_follows_the_temperature_is_named(quiet):
    columns, commands, unknown = quiet
    elapsed_s = columns[0]
    wander_k = 0.5 * np.sin(2 * np.pi * elapsed_s / 150.0)
    warm = (elapsed_s, columns[1] + 0.16 * wander_k * QUIET.dark_a, *columns[2:])
    followed = result_of(warm, commands, temperature_k=298.15 + wander_k)
    assert any("follows the temperature of the crystal, r = " in flag for flag in followed.flags)
    steady = result_of(columns, commands, temperature_k=298.15 + wander_k)
    assert not any("temperature" in flag for flag in steady.flags)
    assert any("temperature of the crystal not measured" in flag for flag in unknown.flags)
