"""Traces of more than 65 536 readings, which are worked out in pieces and on means over cells."""

import time
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

from tests.analysis.synthetic import FLAT, RISING, flicker, make_run
from xraydaq.analysis.allan import allan_points, overlapping_allan
from xraydaq.analysis.bias_stability import evaluate
from xraydaq.analysis.correlated import noise_of_trace
from xraydaq.analysis.lags import lags_of
from xraydaq.analysis.long_trace import LONG, cell_rows, gridded, near, pieces, rises, thinned
from xraydaq.analysis.noise import NoisePsd, fit_psd

ROWS = 3 * LONG + 1234


@pytest.mark.parametrize(("rows", "expected"), [(1, 1), (LONG, 1), (LONG + 1, 2), (10**6, 16), (10**7, 256)])
def test_a_long_trace_has_between_half_and_all_of_65536_cells(rows, expected):
    assert cell_rows(rows) == expected


@pytest.mark.parametrize("overlap", [0, 1, 500])
def test_pieces_cover_every_row_and_share_what_is_asked(overlap):
    cut = list(pieces(ROWS, overlap))
    assert cut[0].start == 0
    assert cut[-1].stop == ROWS
    assert all(one.stop - other.start == overlap for one, other in pairwise(cut))


def test_a_trace_on_its_grid_stays_as_it_is_and_gaps_are_bridged_by_lines():
    time_s = 5.0 + 0.25 * np.arange(ROWS)
    values = 1e-9 * np.arange(ROWS) + 1.0
    assert np.array_equal(gridded(time_s, values, 0.25), values)
    keep = np.ones(ROWS, dtype=bool)
    keep[[7, LONG - 1, LONG, LONG + 1]] = False
    keep[LONG + 1000 : 2 * LONG + 1000] = False
    assert gridded(time_s[keep], values[keep], 0.25) == pytest.approx(values, rel=1e-12, abs=0)


def test_readings_that_come_a_little_early_or_late_keep_their_place():
    rng, values = np.random.default_rng(1), np.random.default_rng(2).standard_normal(ROWS)
    time_s = np.arange(ROWS) + rng.uniform(0, 0.4, ROWS)
    time_s[0] = 0.0
    assert np.array_equal(gridded(time_s, values, 1.0), values)


def test_order_and_nearness_are_judged_across_pieces():
    time_s, used = np.arange(float(ROWS)), np.ones(ROWS, dtype=bool)
    assert rises(time_s, used)
    time_s[LONG] = time_s[LONG - 1]
    assert not rises(time_s, used)
    used[LONG] = False
    assert rises(time_s, used)
    assert near(np.array([np.nan, 4.9, 5.1]), 5.0, 0.15).tolist() == [False, True, True]


def test_the_early_readings_are_kept_and_the_others_averaged():
    time_s = np.arange(float(ROWS))
    thin_s, values, readings = thinned(time_s, 2 * time_s)
    assert readings.sum() == ROWS
    assert np.sum(readings * thin_s) == pytest.approx(time_s.sum(), rel=1e-6, abs=0)
    assert values == pytest.approx(2 * thin_s, rel=1e-6, abs=0)
    assert np.array_equal(thin_s[:200], time_s[:200])
    assert len(thin_s) < LONG + 500


def test_averages_shifted_by_a_quarter_give_the_overlapping_deviation():
    noise_a = flicker(np.random.default_rng(3), ROWS, 1.0, 1e-10, 1.0) + 1e-16 * np.arange(ROWS)
    psd = NoisePsd(1e-20, 1.0, 0.0, 1.0, True, np.zeros((3, 3)))
    chosen, octaves = allan_points(noise_a, (1.0, 10.0, 100.0), psd)
    assert [point.tau_s for point in chosen] == [1.0, 10.0, 100.0]
    assert [point.tau_s for point in octaves] == [2.0**k for k in range(17)]
    for point in (*chosen, *octaves[:-2]):
        exact = overlapping_allan(noise_a, round(point.tau_s))
        assert abs(point.deviation.value - exact) < 0.25 * point.deviation.u, point.tau_s


def test_the_autocovariance_of_a_long_trace_is_that_of_all_its_lags():
    psd = NoisePsd(1e-20, 1.1, 1e-21, 0.2, True, np.diag([1e-4, 1e-4, 1e-4]))
    exact, lags = psd.autocovariance(ROWS), lags_of(psd, ROWS)
    at = np.array([0, 1, 30, 5000, 16383, 16384, 16390, 50000, 150000])
    assert lags.at(at) == pytest.approx(exact[at], rel=2e-3, abs=0)
    assert np.array_equal(lags.at(-at), lags.at(at))


@pytest.mark.long
def test_the_spectrum_of_long_traces_scatters_around_the_truth_as_its_uncertainty_says():
    pulls = []
    for seed in range(24):
        rng = np.random.default_rng(500 + seed)
        noise_a = flicker(rng, LONG + 40000, 1.0, 1e-10, 1.0) + 3e-11 * rng.standard_normal(LONG + 40000)
        psd = fit_psd(noise_a, period_s=1.0, reading_time_s=0.2)
        level = psd.density(0.03)
        pulls.append(
            ((psd.gamma - 1) / psd.gamma_value().u, (level.value / 1e-10 * 0.03**0.5 - 1) * level.value / level.u)
        )
    pulls = np.array(pulls)
    assert np.all(np.abs(pulls.mean(axis=0)) < 3 / np.sqrt(24))
    assert np.all(np.abs(pulls.std(axis=0) - 1) < 0.45)


@pytest.mark.long
def test_mean_and_drift_of_long_runs_scatter_as_their_uncertainty_says():
    pulls = []
    for seed in range(12):
        device = (FLAT, RISING)[seed % 2]
        run = make_run(device, 900 + seed, duration_s=18000, period_s=0.25, gain_u_rel=0.0, offset_u_a=0.0)
        result = evaluate(*run.columns, **run.settings)
        assert result.inputs["rows_used"] > LONG
        pulls.append([(v.value - t) / v.u for v, t in ((result.mean_current, run.mean_a), (result.drift, run.metric))])
    pulls = np.array(pulls)
    assert np.all(np.abs(pulls.mean(axis=0)) < 0.75)
    assert np.all(np.sqrt((pulls**2).mean(axis=0)) < 1.4)


def test_a_long_run_gives_the_figures_of_its_own_means_over_four_readings():
    """The means make a trace of less than 65 536 readings, which is not cut into pieces."""
    run = make_run(RISING, 33, duration_s=18000, period_s=0.25)
    count = len(run.columns[0]) // 4 * 4
    start = int(np.argmax(run.columns[2] == 5.0)) % 4
    short = [column[start : count - 4 + start].reshape(-1, 4).mean(axis=1) for column in run.columns]
    one, other = evaluate(*run.columns, **run.settings), evaluate(*short, **run.settings)
    assert one.inputs["rows_used"] > LONG > other.inputs["rows_used"]
    for name in ("mean_current", "drift", "relative_slope", "peak_to_peak"):
        mine, theirs = getattr(one, name), getattr(other, name)
        assert abs(mine.value - theirs.value) < 0.25 * mine.u, name
        assert mine.u == pytest.approx(theirs.u, rel=0.2, abs=0), name
    assert one.verdict == other.verdict
    assert one.shape.kind == other.shape.kind
    assert one.settling.time.value == pytest.approx(other.settling.time.value, abs=2 * one.settling.time.u)
    for mine, theirs in zip(one.allan[1:], other.allan[1:], strict=True):
        assert mine.deviation.value == pytest.approx(theirs.deviation.value, rel=0.02, abs=0)


def test_noise_that_grows_with_the_current_is_found_in_a_long_trace_too():
    rng, time_s = np.random.default_rng(4), np.arange(float(ROWS))
    rise_a = 1e-7 * (1 + 3 * time_s / ROWS)
    noise = noise_of_trace(time_s, rise_a * (1 + 1e-3 * rng.standard_normal(ROWS)), 0.2)
    assert noise.scale[-1] / noise.scale[0] == pytest.approx(4, rel=0.05, abs=0)
    assert np.std(noise.residual_a[: ROWS // 4]) == pytest.approx(
        np.std(noise.residual_a[-ROWS // 4 :]), rel=0.03, abs=0
    )


def test_dropped_readings_do_not_change_the_figures_of_a_long_run():
    run = make_run(FLAT, 35, duration_s=20000, period_s=0.25)
    elapsed_s, current_a, voltage_v, status = (column.copy() for column in run.columns)
    status[np.random.default_rng(1).integers(500, len(status) - 500, 200)] = 2
    status[30000:32000] = 16
    whole, gappy = (
        evaluate(*run.columns, **run.settings),
        evaluate(elapsed_s, current_a, voltage_v, status, **run.settings),
    )
    assert abs(gappy.mean_current.value - whole.mean_current.value) < 0.5 * whole.mean_current.u
    assert abs(gappy.drift.value - whole.drift.value) < 0.5 * whole.drift.u
    assert gappy.noise.gamma == pytest.approx(whole.noise.gamma, abs=2 * whole.noise.gamma_value().u)


def test_a_million_readings_take_less_than_a_second_and_60_bytes_each():
    rng, rows = np.random.default_rng(6), 10**6
    current_a = 150e-9 + flicker(rng, rows, 0.2, 1e-10, 1.0)
    voltage_v = np.full(rows, 5.0)
    voltage_v[:200], current_a[:200] = 0.0, 1e-12 * rng.standard_normal(200)
    columns = (0.2 * np.arange(rows), current_a, voltage_v, np.zeros(rows))
    settings = make_run(FLAT, 1, duration_s=300).settings | {"bias_on_s": None}
    start = time.process_time()
    evaluate(*columns, **settings)
    assert time.process_time() - start < 1
    tracemalloc.start()
    evaluate(*columns, **settings)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60 * rows
