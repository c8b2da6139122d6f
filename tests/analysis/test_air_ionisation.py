from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from tests.analysis.switched_synthetic import SPOT, Chopping, Device, dose_of, points_of, trace
from xraydaq.analysis.air_ionisation import evaluate, of_quantised_means
from xraydaq.analysis.values import NotEnoughData, Value

RATE = 20e-6
STEP_A = 0.16 * SPOT.area_m2 * RATE  # 16 µC/Gy/cm², about 10 pA
CHOPPING = Chopping(cycles=10, half_s=10.0, period_s=0.22, reading_s=0.2)
BLANK = Device(step_a=STEP_A, fast_s=1e-3, share=0.0, delay_s=0.0, dark_a=60e-12, asd=0.0, white_a=5e-12)
METER = replace(SPOT, resolution_a=1e-11)


def result_of(seed, device=BLANK, *, spot=METER, **options):
    columns, _ = points_of(trace(np.random.default_rng(seed), device, CHOPPING))
    if spot.resolution_a:
        columns = (columns[0], spot.resolution_a * np.round(columns[1] / spot.resolution_a), *columns[2:])
    settings = {"dose": dose_of(RATE), "reading_time_s": 0.2, "offset_u_a": 1.7e-10} | options
    return evaluate(*columns, spot=spot, **settings)


def test_chopping_finds_a_step_of_one_display_count_under_thirty_counts_of_offset():
    result = result_of(1, sample_sensitivity=Value(8e3, 80.0, "C Gy^-1 m^-2"))
    assert result.seen
    assert abs(result.apparent.value - 0.16) < 3 * result.apparent.u < 0.1
    assert result.one_count.value == pytest.approx(1e-11 / (SPOT.area_m2 * RATE), rel=1e-6, abs=0)
    assert result.offset_limit.value > 10 * result.apparent.value
    assert result.ratio.value == pytest.approx(result.apparent.value / 8e3, rel=1e-6, abs=0)
    assert result.air_column.to("mm").value == pytest.approx(4500, rel=0.1, abs=0)  # that much free air there is not


def test_a_blank_without_a_signal_is_below_the_resolution_and_gives_a_limit():
    missed = 0
    for seed in range(10):
        result = result_of(20 + seed, replace(BLANK, step_a=0.02 * STEP_A))
        assert not result.seen
        assert "below the resolution" in result.verdict
        missed += result.limit.value < 0.02 * 0.16
    assert missed <= 2  # 95 % one-sided, 10 trials


def test_readings_that_all_fall_on_one_count_say_no_more_than_the_count():
    result = result_of(3, replace(BLANK, step_a=0.0, white_a=1e-13))
    assert abs(result.step.step.value) < 1e-20
    assert result.limit.value > result.one_count.value * 0.5
    assert any("no finer than the step" in flag for flag in result.flags)


@pytest.mark.parametrize("scatter", [0.0, 0.1, 0.2, 0.3, 0.5])
def test_the_error_of_quantised_means_is_never_larger_than_stated(scatter):
    """Where readings flip between two counts their scatter says little of the current's; u may then be larger."""
    rng = np.random.default_rng(4)
    errors, seen = [], []
    for _ in range(400):
        levels = rng.uniform(0, 1, 2)
        reads = [np.round(level + scatter * rng.standard_normal(2000)) for level in levels]
        errors.append(reads[0].mean() - reads[1].mean() - (levels[0] - levels[1]))
        seen.append(np.std(reads[0]) ** 2)
    spread = np.sqrt(np.mean(seen))
    step = SimpleNamespace(s_off=Value(spread, 0.0, "A"), s_on=Value(spread, 0.0, "A"))
    stated = np.hypot(of_quantised_means(step, 1.0), spread * np.sqrt(2 / 2000))
    assert stated > 0.9 * np.std(errors)  # 3.5 % from 400 trials
    assert stated < (1.1 if scatter in {0.0, 0.5} else 1.7) * np.std(errors)


def test_dose_and_area_cancel_in_the_ratio_of_two_in_the_same_beam():
    sample = Value(8e3, 8.0, "C Gy^-1 m^-2")
    dose = dose_of(RATE, common={"chamber": 0.3})
    same = result_of(5, dose=dose, sample_sensitivity=sample)
    other = result_of(5, dose=dose, sample_sensitivity=sample, same_beam=False)
    assert other.ratio.u > 2 * same.ratio.u
    assert other.ratio.value == same.ratio.value
    assert same.apparent.u == other.apparent.u > 0.3 * same.apparent.value


def test_currents_in_other_units_scale_everything_measured():
    first = result_of(6, spot=replace(SPOT, resolution_a=0.0))
    device = replace(BLANK, step_a=1e3 * STEP_A, dark_a=60e-9, white_a=5e-9)
    second = result_of(6, device, spot=replace(SPOT, resolution_a=0.0))
    assert second.apparent.value == pytest.approx(1e3 * first.apparent.value, rel=1e-6, abs=0)
    assert second.limit.value == pytest.approx(1e3 * first.limit.value, rel=1e-6, abs=0)


def test_a_signal_of_the_wrong_sign_is_called_a_pick_up():
    result = result_of(7, replace(BLANK, step_a=-5 * STEP_A))
    assert any("pick-up" in flag for flag in result.flags)
    assert result.limit.value > 0


def test_a_blank_without_cycles_is_refused():
    columns, _ = points_of(trace(np.random.default_rng(8), BLANK, replace(CHOPPING, cycles=2)))
    with pytest.raises(NotEnoughData, match="4 are needed"):
        evaluate(*columns, dose=dose_of(RATE), spot=METER, reading_time_s=0.2)
    with pytest.raises(NotEnoughData, match="dose rate that is known"):
        evaluate(*columns[:4], np.full(len(columns[0]), -1.0), dose=dose_of(RATE), spot=METER, reading_time_s=0.2)


def test_a_blank_whose_dark_current_follows_the_temperature_is_named():
    columns, _ = points_of(trace(np.random.default_rng(9), BLANK, CHOPPING))
    wander_k = 0.5 * np.sin(2 * np.pi * columns[0] / 90.0)
    warm = (columns[0], columns[1] + 20e-12 * wander_k, *columns[2:])
    settings = {"dose": dose_of(RATE), "spot": METER, "reading_time_s": 0.2}
    followed = evaluate(*warm, **settings, temperature_k=298.15 + wander_k)
    assert any("follows the temperature of the crystal, r = " in flag for flag in followed.flags)
    steady = evaluate(*columns, **settings, temperature_k=298.15 + wander_k)
    assert not any("temperature" in flag for flag in steady.flags)
    assert any("temperature of the crystal not measured" in flag for flag in evaluate(*warm, **settings).flags)
