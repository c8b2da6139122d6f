import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from tests.analysis.synthetic import BIAS_V, DEVICES, FLAT, PEAKED, RISING, Device, make_run
from xraydaq.analysis.bias_stability import evaluate
from xraydaq.analysis.values import NotEnoughData, Value


def result_of(run, **changes):
    return evaluate(*run.columns, **run.settings | changes)


def pull(value, truth):
    return (value.value - truth) / value.u


def check_pulls(pulls):
    """Limits of a fair uncertainty; with about 40 pulls the rms itself scatters by 11 %, the mean by 0.16."""
    pulls = np.asarray(pulls)
    assert np.all(np.abs(pulls.mean(axis=0)) < 0.5), pulls.mean(axis=0)
    rms = np.sqrt((pulls**2).mean(axis=0))
    assert np.all((rms > 0.5) & (rms < 1.2)), rms
    assert np.all((np.abs(pulls) < 2).mean(axis=0) >= 0.9)


@pytest.mark.parametrize("systematics", [{"gain_u_rel": 0, "offset_u_a": 0}, {"area_u_rel": 0.02, "gap_u_rel": 0.03}])
def test_mean_and_drift_scatter_around_the_truth_as_their_uncertainty_says(systematics):
    pulls = []
    for seed in range(42):
        run = make_run(list(DEVICES.values())[seed % 3], 700 + seed, **systematics)
        result = result_of(run)
        pulls.append((pull(result.mean_current, run.mean_a), pull(result.drift, run.metric)))
    check_pulls(pulls)


def test_gain_and_offset_of_a_quiet_device_are_covered_by_the_uncertainty():
    quiet = Device(150e-9, asd=1e-13)
    runs = [make_run(quiet, 300 + seed, duration_s=2000, offset_u_a=1e-9, gain_u_rel=1e-3) for seed in range(40)]
    check_pulls([pull(result_of(run).mean_current, run.mean_a) for run in runs])


@pytest.mark.parametrize("device", [RISING, PEAKED])
def test_a_full_run_is_evaluated_within_its_uncertainty_and_two_seconds(device):
    run = make_run(device, 21, duration_s=48000)
    start = time.process_time()
    result = result_of(run)
    assert time.process_time() - start < 2
    assert result.drift.u < 0.06 * abs(run.metric)
    assert abs(pull(result.drift, run.metric)) < 2.5
    assert abs(pull(result.mean_current, run.mean_a)) < 2.5
    assert result.verdict == "drifting"
    assert result.shape.kind == ("peaked" if device is PEAKED else "monotonic")
    assert any("end points" in flag for flag in result.flags) == (device is PEAKED)


def test_the_flat_device_is_stable_and_its_drift_below_the_acceptance_limit():
    result = result_of(make_run(FLAT, 22, duration_s=48000))
    assert result.verdict == "stable"
    assert result.shape.kind == "flat"
    assert abs(result.drift.to("nA cm^-1 s^-1 V^-1").value) < 2e-6
    assert abs(result.noise.gamma - 1) < 3 * result.noise.gamma_value().u
    plateau_a = next(p.deviation.value for p in result.allan if p.tau_s == 100)
    assert plateau_a == pytest.approx(np.sqrt(2 * np.log(2)) * 1e-10, rel=0.15)
    assert result.settling.time.value < 1


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_a_current_in_other_units_gives_the_same_figures_in_other_units(factor):
    run = make_run(RISING, 5, duration_s=4000)
    elapsed_s, current_a, voltage_v, status = run.columns
    scaled = {key: run.settings[key] * factor for key in ("offset_u_a", "resolution_a")}
    one, other = result_of(run), evaluate(elapsed_s, current_a * factor, voltage_v, status, **run.settings | scaled)
    for name, value in one.quantities().items():
        expected = factor if value.unit.startswith("A") else 1.0
        assert other.quantities()[name].value == pytest.approx(value.value * expected, rel=1e-3, nan_ok=True), name
        assert other.quantities()[name].u == pytest.approx(value.u * expected, rel=1e-2, nan_ok=True), name
    assert (other.verdict, other.shape.kind) == (one.verdict, one.shape.kind)


def test_a_run_that_starts_later_gives_the_same_figures():
    run = make_run(PEAKED, 6, duration_s=4000)
    elapsed_s, *others = run.columns
    one = evaluate(elapsed_s, *others, **run.settings | {"bias_on_s": None})
    other = evaluate(elapsed_s + 86400.0, *others, **run.settings | {"bias_on_s": None})
    assert other.bias_on_s == one.bias_on_s + 86400
    for name, value in one.quantities().items():
        assert other.quantities()[name].value == pytest.approx(value.value, rel=1e-4, nan_ok=True), name


def test_the_reversed_bias_gives_the_same_density_and_drift_with_the_signs_of_physics():
    run = make_run(RISING, 7, duration_s=4000)
    elapsed_s, current_a, voltage_v, status = run.columns
    one = result_of(run)
    other = evaluate(elapsed_s, -current_a, -voltage_v, status, **run.settings | {"bias_v": -BIAS_V})
    assert other.mean_current.value == pytest.approx(-one.mean_current.value)
    assert other.drift.value == pytest.approx(one.drift.value)
    assert other.peak_to_peak.value == pytest.approx(one.peak_to_peak.value)
    assert other.shape.kind == one.shape.kind


def test_settling_is_found_where_the_noise_free_current_enters_the_band():
    device = Device(1e-7, rise=1.0, rise_s=500.0, asd=1e-11)
    result = result_of(make_run(device, 9, duration_s=8000))
    crossing_s = 500 * np.log(1 / 0.1)  # 1e-7 exp(-t/500) = 0.05 x 2e-7
    assert abs(result.settling.time.value - crossing_s) < 3 * result.settling.time.u + 1
    assert result.settling.time.u < 50


@pytest.mark.parametrize(("rise", "rise_s", "known"), [(100.0, 20000.0, True), (-0.9999, 200.0, False)])
def test_a_current_that_still_runs_at_the_end_is_said_not_to_be_settled(rise, rise_s, known):
    result = result_of(make_run(Device(1e-6, rise=rise, rise_s=rise_s, asd=1e-11), 9, duration_s=1200))
    assert np.isfinite(result.settling.time.value) == known
    assert any(flag.startswith("not settled") for flag in result.flags)


def test_the_slope_of_a_straight_line_is_recovered():
    line = Device(1e-7, rise=50.0, rise_s=1e8, asd=1e-11)
    result = result_of(make_run(line, 10, duration_s=8000))
    slope = 1e-7 * 50 / 1e8
    assert abs(result.line.slope.value - slope) < 3 * result.line.slope.u < slope
    assert result.relative_slope.value == pytest.approx(result.line.slope.value / result.mean_current.value)


def test_flagged_and_missing_rows_do_not_reach_the_figures_and_are_counted():
    run = make_run(FLAT, 12, duration_s=4000)
    elapsed_s, current_a, voltage_v, status = (column.copy() for column in run.columns)
    current_a[[200, 3000]] = 1e-3
    status[[200, 3000]] = (2, 1 | 4)
    current_a[500:530] = np.nan
    status[10] = 16
    result = evaluate(elapsed_s, current_a, voltage_v, status, **run.settings)
    assert result.dropped == {"overflow": 1, "compliance": 1, "range change": 1, "paused": 1, "no reading": 30}
    assert result.inputs["rows_dropped_at_bias"] == 32
    assert result.mean_current.value == pytest.approx(result_of(run).mean_current.value, abs=2e-11)
    assert any("rows dropped" in flag for flag in result.flags)


@pytest.mark.parametrize("tail", [True, False], ids=["before the tail", "at the end of the run"])
def test_readings_that_fail_at_the_end_of_the_bias_phase_are_counted_to_it(tail):
    run = make_run(FLAT, 12, duration_s=1000)
    elapsed_s, current_a, voltage_v, status = (column.copy() for column in run.columns)
    end = int(np.flatnonzero(voltage_v == voltage_v.max())[-1]) + 1
    last = slice(end - 2, end)
    current_a[last], voltage_v[last], status[last] = np.nan, np.nan, 8
    baseline, after = 30, end + 20
    for row in (baseline, after):
        current_a[row], voltage_v[row], status[row] = np.nan, np.nan, 32
    rows = len(elapsed_s) if tail else end
    columns = [column[:rows] for column in (elapsed_s, current_a, voltage_v, status)]
    result = evaluate(*columns, **run.settings)
    assert result.inputs["rows_dropped_at_bias"] == 2
    assert sum(result.dropped.values()) == (4 if tail else 3)


def test_a_missing_baseline_puts_the_offset_into_the_uncertainty():
    run = make_run(FLAT, 13, duration_s=2000)
    columns = [column[60:] for column in run.columns]
    result = evaluate(*columns, **run.settings | {"offset_u_a": 5e-9})
    assert result.mean_current.u > 5e-9
    assert not result.offset.measured
    assert any("baseline missing" in flag for flag in result.flags)


def test_a_signal_of_a_few_steps_is_flagged():
    run = make_run(Device(2e-11, asd=1e-14), 14, duration_s=1000, offset_u_a=0)
    assert any("exceeds a third of the signal" in flag for flag in result_of(run).flags)


def test_no_current_at_all_gives_no_relative_figures_and_no_verdict():
    run = make_run(Device(0.0), 15, duration_s=1000, noisy=False)
    result = result_of(run)
    assert result.verdict == "not decided"
    assert np.isnan(result.peak_to_peak.value)
    assert np.isnan(result.relative_slope.value)


def test_the_verdict_is_not_decided_when_the_uncertainty_straddles_the_limit():
    noisy = Device(1e-7, rise=0.043, rise_s=1500.0, asd=1e-10)
    assert result_of(make_run(noisy, 16)).verdict == "not decided"


def test_a_temperature_that_drives_the_current_is_flagged():
    run = make_run(FLAT, 17, duration_s=4000, noisy=False)
    elapsed_s, current_a, voltage_v, status = run.columns
    kelvin = 298 + 0.5 * np.sin(elapsed_s / 300)
    current_a = current_a * (1 + 0.16 * (kelvin - 298) * (voltage_v == BIAS_V))
    result = evaluate(elapsed_s, current_a, voltage_v, status, **run.settings, temperature_k=kelvin)
    assert any("follows the temperature" in flag for flag in result.flags)
    missing = evaluate(
        elapsed_s, current_a, voltage_v, status, **run.settings, temperature_k=np.full(len(kelvin), np.nan)
    )
    assert any("not measured" in flag for flag in missing.flags)


def test_a_crystal_that_is_warmer_at_the_end_has_a_drift_that_is_less_certain():
    """25 mK between the windows at 16 % per kelvin look like a drift of 0.6 nA."""
    run = make_run(FLAT, 18, duration_s=4000)
    elapsed_s, current_a, voltage_v, status = run.columns
    kelvin = 298.125 + 0.025 * (elapsed_s > 400)
    warmed_a = current_a * (1 + 0.16 * (kelvin - 298.125))
    plain = evaluate(*run.columns, **run.settings, temperature_k=np.full(len(kelvin), 298.125))
    warmed = evaluate(elapsed_s, warmed_a, voltage_v, status, **run.settings, temperature_k=kelvin)
    share = warmed.end_points.budget["temperature of the windows"]
    assert share == pytest.approx(0.2 * 0.025 * warmed.end_points.i2_a / np.sqrt(3), rel=0.01, abs=0)
    assert plain.end_points.budget["temperature of the windows"] == 0.0
    assert abs(warmed.drift.value - run.metric) < 2.5 * warmed.drift.u


@pytest.mark.parametrize("rows", [20, 60, 150, 300])
def test_a_run_that_was_stopped_early_is_still_evaluated(rows):
    run = make_run(FLAT, 18, duration_s=1000)
    columns = [column[: 62 + rows] for column in run.columns]
    result = evaluate(*columns, **run.settings)
    assert result.mean_current.value == pytest.approx(150e-9, rel=0.05)
    assert np.isnan(result.drift.value) == (rows < 240)
    assert any("240 s" in flag for flag in result.flags) == (rows < 240)


def test_a_run_without_bias_is_refused():
    run = make_run(FLAT, 19, duration_s=1000)
    with pytest.raises(NotEnoughData, match="no row at the bias of 7 V"):
        result_of(run, bias_v=7.0)
    with pytest.raises(NotEnoughData, match="10 usable rows"):
        evaluate(*(column[:72] for column in run.columns), **run.settings)


@pytest.mark.parametrize(
    ("name", "value"), [("gap_m", 0.0), ("area_m2", np.nan), ("bias_v", 0.0), ("reading_time_s", -1)]
)
def test_impossible_inputs_are_refused_by_name(name, value):
    with pytest.raises(ValueError, match=name):
        result_of(make_run(FLAT, 19, duration_s=1000), **{name: value})


def test_rows_in_the_wrong_order_are_refused():
    run = make_run(FLAT, 19, duration_s=1000)
    elapsed_s, *others = run.columns
    elapsed_s = elapsed_s.copy()
    elapsed_s[500] = elapsed_s[499]
    with pytest.raises(NotEnoughData, match="does not increase"):
        evaluate(elapsed_s, *others, **run.settings)


def test_the_figures_have_names_units_and_text_for_a_file():
    result = result_of(make_run(FLAT, 20, duration_s=2000))
    quantities = result.quantities()
    assert quantities["mean_dark_current"] == result.mean_current
    assert {"drift_metric", "drift_t1", "drift_t2", "settling_time_5_percent", "offset_at_0_v"} <= set(quantities)
    assert all(isinstance(value, Value) and " " not in name for name, value in quantities.items())
    assert result.texts()["verdict"] == result.verdict
    assert all(len(array) and unit for array, unit in result.curves.values())
    assert replace(result, verdict="x").version == result.version


def test_the_evaluation_loads_no_plotting_library():
    code = "import sys, xraydaq.analysis.bias_stability, xraydaq.report.table; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
