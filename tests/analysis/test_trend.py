import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xraydaq.analysis.trend import evaluate
from xraydaq.analysis.values import NotEnoughData

SPAN_H = 650.0
LEVEL = 7100.0  # C/Gy/m^2


def hours_of(runs):
    return np.linspace(0.0, SPAN_H, runs)


def test_fourteen_runs_of_three_percent_over_650_hours_exclude_changes_of_five_and_a_half_percent_only():
    hours = hours_of(14)
    result = evaluate(hours, np.full(14, LEVEL), np.full(14, 0.03 * LEVEL))
    # 3 % sqrt(12 (n - 1)/(n (n + 1))): u of the change between the ends of a line through n equidistant points
    assert result.change.u == pytest.approx(0.03 * math.sqrt(12 * 13 / (14 * 15)), rel=1e-6, abs=0)
    assert 0.050 < result.detectable.value < 0.058
    assert result.change.value == pytest.approx(0.0, abs=1e-9)
    assert "no change told from zero" in result.verdict
    assert result.excluded_high == pytest.approx(math.expm1(result.detectable.value), rel=1e-6, abs=0)
    assert result.excluded_low == pytest.approx(math.expm1(-result.detectable.value), rel=1e-6, abs=0)
    assert "a loss of more than 5.0 % and a gain of more than 5.3 %" in result.verdict


def test_the_drift_of_the_bench_is_divided_out_and_named():
    rng = np.random.default_rng(3)
    hours = hours_of(20)
    bench = 1 - 0.10 * hours / SPAN_H
    measured = LEVEL * bench * (1 + 0.005 * rng.standard_normal(20))
    reference = bench * (1 + 0.003 * rng.standard_normal(20))
    u, reference_u = 0.005 * measured, 0.003 * reference
    result = evaluate(hours, measured, u, reference_ratio=reference, reference_u=reference_u)
    assert abs(result.change.value) < 3 * result.change.u
    stated_u = math.hypot(0.005, 0.003) * math.sqrt(12 * 19 / (20 * 21))
    assert abs(result.change.value) < 4 * stated_u
    assert result.change.u >= 0.99 * stated_u
    assert result.reference_slope.value * 3600 * SPAN_H == pytest.approx(math.log(0.9), abs=0.01)
    (told,) = (flag for flag in result.flags if flag.startswith("the bench drifts: "))
    assert float(told.split()[3]) == pytest.approx(-10.0, abs=4 * 0.3 * math.sqrt(12 / 20))
    assert any("that of the bench" in flag for flag in result.flags)
    blind = evaluate(hours, measured, u)
    assert blind.change.value == pytest.approx(-0.10, abs=0.01)
    assert "falls" in blind.verdict
    assert any("no reference was measured" in flag for flag in blind.flags)


@pytest.mark.parametrize(("scatter", "runs", "per_date"), [(0.0, 14, 1), (0.03, 14, 1), (0.02, 16, 2)])
def test_the_slope_is_recovered_with_an_honest_uncertainty_whether_or_not_the_runs_scatter_more_than_they_say(
    scatter, runs, per_date
):
    rng = np.random.default_rng(11)
    trials, pulls, covered = 150, [], 0
    date = np.arange(runs) // per_date
    for _ in range(trials):
        hours = np.sort(rng.uniform(0, SPAN_H, runs))
        slope_per_h = rng.normal(0, 0.05) / SPAN_H
        bench = (1 + 0.04 * np.sin(hours / 200))[date * per_date]
        own = 0.01 * np.exp(0.4 * rng.standard_normal(runs))
        noise = 1 + own * rng.standard_normal(runs) + scatter * rng.standard_normal(runs)
        result = evaluate(
            hours,
            LEVEL * np.exp(slope_per_h * hours) * bench * noise,
            own * LEVEL,
            reference_ratio=bench * (1 + 0.006 * rng.standard_normal(runs)[date]),
            reference_u=np.full(runs, 0.006),
            reference_index=date,
        )
        pulls.append((result.relative_slope.value * 3600 - slope_per_h) / (result.relative_slope.u * 3600))
        change = math.expm1(slope_per_h * float(np.ptp(hours)))
        covered += result.excluded_low <= change <= result.excluded_high
    assert abs(np.mean(pulls)) < 4 / math.sqrt(trials)
    assert 0.65 < np.std(pulls) < 1.35
    binomial_u = math.sqrt(0.9545 * 0.0455 / trials)
    assert covered / trials > 0.9545 - 4 * binomial_u


def test_runs_that_share_a_reference_do_not_average_its_error():
    hours = np.repeat(hours_of(4), 5)
    level, u = np.full(20, LEVEL), np.full(20, 1e-4 * LEVEL)
    reference, reference_u = np.ones(20), np.full(20, 0.02)
    shared = evaluate(
        hours, level, u, reference_ratio=reference, reference_u=reference_u, reference_index=np.repeat(range(4), 5)
    )
    own = evaluate(hours, level, u, reference_ratio=reference, reference_u=reference_u)
    assert shared.change.u == pytest.approx(own.change.u * math.sqrt(5), rel=0.01, abs=0)
    assert shared.budgets["relative slope"].largest == "reference"
    assert shared.budgets["relative slope"].combined == pytest.approx(shared.relative_slope.u, rel=1e-6, abs=0)


@given(st.floats(1e-3, 1e3), st.floats(0.1, 10.0), st.floats(-1e4, 1e4), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_units_the_origin_of_time_the_reference_level_and_the_order_do_not_matter(unit, level, origin_h, seed):
    rng = np.random.default_rng(5)
    hours = hours_of(12)
    measured, u = LEVEL * (1 + 0.02 * rng.standard_normal(12)), np.full(12, 0.01 * LEVEL)
    reference, reference_u = 1 + 0.01 * rng.standard_normal(12), np.full(12, 0.004)
    once = evaluate(hours, measured, u, reference_ratio=reference, reference_u=reference_u)
    order = np.random.default_rng(seed).permutation(12)
    again = evaluate(
        hours[order] + origin_h,
        unit * measured[order],
        unit * u[order],
        reference_ratio=level * reference[order],
        reference_u=level * reference_u[order],
    )
    assert (again.change.value, again.change.u) == pytest.approx((once.change.value, once.change.u), rel=1e-5, abs=0)
    assert again.sensitivity.value == pytest.approx(once.sensitivity.value * unit / level, rel=1e-9, abs=0)
    slower = evaluate(2 * hours, measured, u, reference_ratio=reference, reference_u=reference_u)
    assert slower.relative_slope.value == pytest.approx(once.relative_slope.value / 2, rel=1e-6, abs=0)


def test_runs_without_a_usable_value_are_dropped_and_counted_and_too_few_are_refused():
    hours, u = hours_of(6), np.full(6, 10.0)
    measured = np.array([LEVEL, math.nan, LEVEL, -5.0, LEVEL, LEVEL])
    result = evaluate(hours, measured, u)
    assert sum(result.dropped.values()) == 2
    assert result.inputs["runs_used"] == 4
    with pytest.raises(NotEnoughData, match="2 usable runs"):
        evaluate(hours[:4], measured[:4], u[:4])
    with pytest.raises(NotEnoughData, match="more than one date"):
        evaluate(np.zeros(6), np.full(6, LEVEL), u)
    with pytest.raises(ValueError, match="6, 5, 6"):
        evaluate(hours, measured[:5], u)


def test_runs_without_stated_uncertainties_get_theirs_from_their_scatter():
    rng = np.random.default_rng(8)
    hours = hours_of(30)
    result = evaluate(hours, LEVEL * (1 + 0.03 * rng.standard_normal(30)), np.zeros(30))
    assert result.reproducibility.value == pytest.approx(0.03, abs=4 * result.reproducibility.u)
    expected = 0.03 * math.sqrt(12 * 29 / (30 * 31))
    assert result.change.u == pytest.approx(expected, rel=4 / math.sqrt(2 * 28), abs=0)
