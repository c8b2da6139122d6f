from dataclasses import replace

import numpy as np
import pytest

from tests.analysis.switched_synthetic import SPOT, Chopping, Device, dose_of, trace
from xraydaq.analysis.field_sweep import Timing, evaluate
from xraydaq.analysis.values import NotEnoughData

GAP_M = 50e-6
RATE = 20e-6
UP_V = (0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0)
UP_AND_DOWN_V = (*UP_V, *UP_V[::-1])
CHOPPING = Chopping(cycles=5, half_s=14.0, period_s=0.22, reading_s=0.2)
TIMING = Timing(discard_s=6.0, guard_s=0.3, reading_time_s=0.2, baseline_order=1)
PLATEAU, SCALE = 1.64e4, 1.5e5
DEVICE = Device(slow_s=0.8)


def law(bias_v, plateau=PLATEAU, scale=SCALE):
    u = bias_v / GAP_M / scale
    return plateau * u * (1 - np.exp(-1 / u))


def swept(seed, biases_v=UP_AND_DOWN_V, device=DEVICE, *, drift=0.0, factor=1.0):
    """Columns of a sweep; `drift`: relative change of the sensitivity over it."""
    rng, traces = np.random.default_rng(seed), []
    for k, bias_v in enumerate(biases_v):
        step_a = factor * law(bias_v) * SPOT.area_m2 * RATE * (1 + drift * (k / (len(biases_v) - 1) - 0.5))
        share = bias_v / 5.0  # dark current and its 1/f noise grow with the bias
        here = replace(device, step_a=step_a, asd=device.asd * share, dark_a=device.dark_a * share)
        traces.append(trace(rng, here, CHOPPING, start_s=1000.0 * k)[0])
    columns = tuple(np.concatenate([one[i] for one in traces]) for i in range(4))
    return (*columns, np.concatenate([np.full(len(one[0]), float(k)) for k, one in enumerate(traces)]))


def result_of(columns, biases_v=UP_AND_DOWN_V, **options):
    dose = options.pop("dose", dose_of(np.full(len(biases_v), RATE)))
    settings = {"spot": SPOT, "timing": TIMING, "gap_m": GAP_M, "gap_u_m": 0.0} | options
    return evaluate(*columns, bias_v=np.array(biases_v), dose=dose, **settings)


@pytest.mark.slow
@pytest.mark.parametrize("asd", [1e-10, 2e-9])
def test_scale_and_plateau_scatter_around_the_truth_as_stated(asd):
    pulls = []
    for seed in range(10):
        result = result_of(swept(seed, device=replace(DEVICE, asd=asd)))
        plateau = result.fit.plateau
        pulls.append([
            (result.scale.value - SCALE) / result.scale.u,
            (plateau.value - PLATEAU) / plateau.u,
            result.direction.change.value / result.direction.change.u,
        ])  # fmt: skip
        assert abs(result.scale.value / SCALE - 1) < (0.02 if asd < 1e-9 else 0.1)
    pulls = np.array(pulls)
    assert np.all(np.abs(pulls.mean(axis=0)) < 0.95), pulls.mean(axis=0)  # 3/sqrt(10)
    assert np.all((pulls.std(axis=0) > 0.5) & (pulls.std(axis=0) < 1.5)), pulls.std(axis=0)


def test_a_sweep_gives_scale_plateau_and_gain():
    result = result_of(swept(1), gap_u_m=1e-6)
    assert abs(result.scale.value / SCALE - 1) < 0.02
    assert result.budgets["field scale"].largest == "electrode gap"
    assert result.scale.u == pytest.approx(0.02 * SCALE, rel=0.1, abs=0)
    assert abs(result.highest.value - law(5.0)) < 3 * result.highest.u
    assert result.highest_field.value == pytest.approx(1e5, rel=1e-6, abs=0)
    assert result.gain.value == pytest.approx(result.highest.value / 11.4, rel=1e-6, abs=0)
    assert abs(result.collected.value - law(5.0) / PLATEAU) < 4 * result.collected.u
    assert any("extrapolated" in flag for flag in result.flags)
    assert "HVL 1.36 mm Al" in result.verdict


def test_what_all_biases_share_is_in_the_plateau_and_not_in_the_scale():
    columns = swept(2)
    alone = result_of(columns)
    shared = result_of(columns, dose=dose_of(np.full(14, RATE), common={"chamber": 0.05}))
    assert shared.scale.u == pytest.approx(alone.scale.u, rel=1e-6, abs=0)
    assert shared.plateau.u == pytest.approx(np.hypot(alone.plateau.u, 0.05 * alone.plateau.value), rel=1e-6, abs=0)
    assert shared.points[0].sensitivity == alone.points[0].sensitivity


def test_a_drift_of_the_sensitivity_shows_as_up_against_down():
    result = result_of(swept(3, drift=-0.1))
    assert any("up and down differ" in flag for flag in result.flags)
    assert -0.07 < result.direction.change.value < -0.03
    steady = result_of(swept(3))
    assert not any("up and down" in flag for flag in steady.flags)
    one_way = result_of(swept(4, UP_V), UP_V)
    assert any("one way only" in flag for flag in one_way.flags)


def test_a_dark_current_that_bends_is_followed():
    bending = result_of(swept(5, device=replace(DEVICE, drift_a_s=0.2e-9, bend_a_s2=2e-12)))
    assert all(one.bent for one in bending.points[3:])
    assert abs(bending.scale.value / SCALE - 1) < 0.02
    assert any("not settled" in flag for flag in bending.flags)


def test_a_current_scale_and_a_negative_bias_change_only_what_they_should():
    columns = swept(6, UP_V)
    first = result_of(columns, UP_V)
    larger = result_of((columns[0], 10 * columns[1], *columns[2:]), UP_V)
    assert larger.scale.value == pytest.approx(first.scale.value, rel=1e-4, abs=0)
    assert larger.plateau.value == pytest.approx(10 * first.plateau.value, rel=1e-4, abs=0)
    reverse = result_of((columns[0], -columns[1], *columns[2:]), tuple(-v for v in UP_V))
    assert reverse.scale.value == pytest.approx(first.scale.value, rel=1e-4, abs=0)
    assert reverse.plateau.value == pytest.approx(-first.plateau.value, rel=1e-4, abs=0)


def test_limited_windows_are_dropped_and_a_bias_without_cycles_is_named():
    columns = swept(7, UP_V)
    status = columns[2].copy()
    rows = columns[4] == 3
    status[rows] = 2.0  # compliance throughout
    status[np.flatnonzero(columns[4] == 4)[80:84]] = 2.0
    result = result_of((*columns[:2], status, *columns[3:]), UP_V)
    assert len(result.points) == 6
    assert result.dropped["bias"] == 1
    assert any("no photocurrent at 2 V" in flag for flag in result.flags)


def test_what_cannot_be_a_sweep_is_refused():
    columns = swept(8, UP_V)
    with pytest.raises(ValueError, match="one sign"):
        result_of(columns, (0.0, *UP_V[1:]))
    with pytest.raises(ValueError, match="same at every bias"):
        result_of(columns, UP_V, dose=dose_of(np.linspace(1, 2, 7) * RATE))
    with pytest.raises(ValueError, match="biases and"):
        result_of(columns, UP_V[:5], dose=dose_of(np.full(7, RATE)))
    few = columns[4] < 3
    with pytest.raises(NotEnoughData, match="different fields"):
        result_of(tuple(column[few] for column in columns), UP_V)


def test_a_dark_current_that_follows_the_temperature_is_named_though_every_bias_has_its_own():
    elapsed_s, read_a, flags, on, point = swept(11)
    wander_k = 0.5 * np.sin(2 * np.pi * elapsed_s / 5000.0)
    dark_a = DEVICE.dark_a * np.array(UP_AND_DOWN_V)[point.astype(int)] / 5.0
    warm = (elapsed_s, read_a + 0.16 * wander_k * dark_a, flags, on, point)
    followed = result_of(warm, temperature_k=298.15 + wander_k)
    assert any("follows the temperature of the crystal, r = " in flag for flag in followed.flags)
    steady = result_of((elapsed_s, read_a, flags, on, point), temperature_k=298.15 + wander_k)
    assert not any("temperature" in flag for flag in steady.flags)
    unknown = result_of(warm, temperature_k=np.full(len(elapsed_s), np.nan))
    assert any("temperature of the crystal not measured" in flag for flag in unknown.flags)
