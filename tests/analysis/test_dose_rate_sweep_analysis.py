from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from tests.analysis.synthetic_sweep import AREA_M2, FLAT, PERIOD_S, Sweep, evaluated, make_sweep, spectrum
from xraydaq.analysis.dose_rate_sweep import Spot, evaluate
from xraydaq.analysis.values import NotEnoughData
from xraydaq.analysis.window_noise import expected_scatter
from xraydaq.storage.model import STATUS_FLAGS

POINT = 20.3e-6
QUICK = Sweep(blanks=4)


@cache
def good():
    return evaluated(Sweep(common_dose=0.02), 1)


def said(result, words):
    return [flag for flag in result.flags if words in flag]


def truth_of_limit(sweep):
    """3 s over the slope."""
    relative = FLAT.current_a(np.array([3600.0]))[0] / FLAT.start_a
    s_a = expected_scatter(spectrum(FLAT, relative), readings=20, period_s=PERIOD_S, reading_time_s=0.2)
    return 3 * s_a / sweep.slope(30e-9)


@pytest.mark.long
def test_over_many_sweeps_every_uncertainty_is_honest():
    sweep, pulls = Sweep(common_dose=0.02, blanks=8), {}
    limit = truth_of_limit(sweep)
    for seed in range(12):
        result = evaluated(sweep, seed)
        for name, value, truth in (
            ("point", result.point, 6000.0),
            ("unweighted", result.slope_unweighted, 6000.0),
            ("weighted", result.slope_weighted, 6000.0),
            ("low", result.low_slope, 6000.0),
            ("theta", result.response.theta, 1.0),
            ("limit", result.limits.snr.limit, limit),
        ):
            pulls.setdefault(name, []).append((value.value - truth) / value.u)
    for name, values in pulls.items():
        # mean and spread of 12 values are known to 0.3 and 0.2
        assert abs(np.mean(values)) < 0.5 + 0.3, name
        assert 0.65 - 0.2 < np.std(values) < 1.35 + 0.2, name


def test_a_bent_response_gives_the_sensitivity_of_each_dose_rate():
    sweep = Sweep(bend=5000.0)
    result = evaluated(sweep, 2)
    dose = result.response.points.dose_rate_gy_s
    s = sweep.slope(dose) / AREA_M2
    assert abs(result.point.value - sweep.slope(POINT) / AREA_M2) < 3 * result.point.u
    unweighted = np.sum(s * dose**2) / np.sum(dose**2)
    assert abs(result.slope_unweighted.value - unweighted) < 3 * result.slope_unweighted.u < 0.02 * unweighted
    assert not result.response.is_linear
    assert said(result, "sensitivity depends on the dose rate")
    assert not said(result, "quality changes")


def test_the_slopes_stop_where_they_are_told_to():
    sweep = Sweep(bend=5000.0, blanks=4)
    short = evaluated(sweep, 2, slope_up_to_gy_s=4e-6)
    assert short.response.unweighted.highest_gy_s == pytest.approx(3e-6, rel=1e-6, abs=0)
    assert short.slope_unweighted.value < 0.9 * short.point.value


def test_every_number_comes_with_what_it_depends_on():
    result = good()
    assert "gain" in result.verdict
    assert "HVL 0.97 mm Al" in result.verdict
    for words in ("blank runs", "0.2 s per reading", "windows of 4.38 s", "4 cycles"):
        assert words in result.notes["detection limit SNR 3"]
        assert words in result.verdict
    assert "measured down to it" in result.notes["detection limit SNR 3"]
    labels = [label for label, _, _ in result.rows()]
    assert set(result.budgets) <= set(labels) | {"detection limit SNR 3"}
    for label, value, unit in result.rows():
        assert np.isfinite(value.value), label
        assert value.to(unit) if unit else value.prefixed()
    assert result.gain.value == pytest.approx(result.point.value / 8.4, rel=1e-6, abs=0)
    assert result.texts()["noise spectrum"] == "of the blank runs"


def test_sensitivity_is_quoted_with_two_digits_and_listed_in_full():
    result = good()
    shown = 1e2 * result.point.value
    assert f"S = {shown / 1e5:.1f}e5 µC" in result.verdict
    assert result.quantities()["sensitivity"].value == result.point.value


def test_what_is_common_to_all_dose_rates_is_added_once_and_can_be_left_out():
    columns, settings = make_sweep(QUICK, 3)
    dose = replace(settings["dose"], common_u_rel={"chamber calibration": 0.02, "beam quality": 0.012})
    spot = replace(settings["spot"], area_u_m2=0.02 * AREA_M2, common_u_rel={"penumbra on the crystal": 0.0173})
    without, result = (evaluate(*columns, **(settings | each)) for each in ({}, {"dose": dose, "spot": spot}))
    shares = dict(result.budgets["sensitivity"].shares)
    for name, u_rel in (("chamber calibration", 0.02), ("beam quality", 0.012), ("area of the spot", 0.02)):
        assert shares.pop(name) == pytest.approx(u_rel * result.point.value, rel=1e-6, abs=0)
    shares.pop("penumbra on the crystal")
    assert np.hypot(*list(shares.values())[:2]) == pytest.approx(without.point.u, rel=1e-9, abs=0)
    limit = result.budgets["detection limit SNR 3"]
    assert "area of the spot" not in limit.shares, "the area cancels in a dose rate"
    assert limit.combined == pytest.approx(result.limits.snr.limit.u, rel=1e-6, abs=0)
    assert result.response.theta == without.response.theta


def test_mixed_filters_under_an_energy_dependent_crystal_are_named():
    result = evaluated(replace(QUICK, quality={30.0: 3.2, 10.0: 2.3, 2.0: 1.0}), 4)
    assert said(result, "quality changes along the sweep")
    assert result.response.weighted.chi2_per_dof > 100
    assert result.response.theta.value < 0.95


def test_a_drift_in_a_rising_sweep_gives_a_false_exponent_and_the_order_is_named():
    rising = evaluated(replace(QUICK, order="rising", drift_per_sweep=0.2), 5)
    assert said(rising, "dose rates only rising through the sweep")
    assert said(rising, "reference point not repeated")
    # the longest lever: 20 % over a factor of 4000, blank runs taking a quarter of the time
    assert rising.response.theta.value == pytest.approx(1 + 0.75 * 0.2 / np.log(4060), abs=0.01)


def test_a_drift_in_a_random_sweep_is_seen_by_the_reference_and_corrected():
    drifted = evaluated(replace(QUICK, drift_per_sweep=0.2), 6)
    assert said(drifted, "corrected linearly")
    assert drifted.drift.change.value == pytest.approx(0.2 * 14 / 18, abs=0.01), "of the visits, not of the blanks"
    assert abs(drifted.response.theta.value - 1) < 3 * drifted.response.theta.u
    assert not said(evaluated(QUICK, 6), "reference")


def test_too_short_a_discard_is_named_as_lag():
    hasty = evaluated(replace(QUICK, discard_s=0.3), 7)
    assert said(hasty, "lag")
    assert hasty.point.value < 0.995 * 6000
    assert not said(good(), "lag")


def test_a_coarse_range_is_named():
    assert said(evaluated(replace(QUICK, step_a=1e-10), 8), "resolution exceeds a third of the signal")
    assert not said(evaluated(replace(QUICK, step_a=1e-11), 8), "resolution exceeds")


def test_cycles_without_beam_are_dropped_counted_and_do_not_lower_the_step():
    result = evaluated(replace(QUICK, cycles=6, missing={0: (1,)}), 9)
    assert said(result, "1 cycles dropped")
    assert result.dropped["cycle"] == 1
    assert abs(result.point.value - 6000) < 4 * result.point.u


def test_a_bias_that_came_on_a_moment_ago_is_named():
    device = replace(FLAT, absorbed_a=1e-7, asd=1e-11)
    hasty = evaluated(replace(QUICK, device=device, since_bias_s=10.0, blanks=0), 10, psd=spectrum(device))
    assert said(hasty, "baseline not settled: the dark current bends in")
    assert not said(good(), "baseline not settled")


def test_a_dose_that_the_chamber_did_not_see_whole_is_not_traceable():
    columns, settings = make_sweep(QUICK, 11)
    for ratio, traceable in ((1e-3, False), (0.9, True), (None, True), (5.0, False)):
        result = evaluate(*columns, **settings | {"dose": replace(settings["dose"], kerma_ratio=ratio)})
        assert bool(said(result, "dose not traceable")) != traceable
    uncovered = replace(settings["dose"], kerma_ratio=0.9, field_covers_chamber=False)
    assert said(evaluate(*columns, **settings | {"dose": uncovered}), "the field did not cover the chamber")


def test_a_dark_current_that_follows_the_temperature_is_named_with_its_correlation():
    columns, settings = make_sweep(QUICK, 12)
    elapsed_s, read_a, *others = columns
    wander_k = 0.5 * np.sin(2 * np.pi * elapsed_s / 900.0)
    warm_a = read_a + 0.16 * 1.5e-7 * wander_k
    followed = evaluate(elapsed_s, warm_a, *others, **settings, temperature_k=298.15 + wander_k)
    assert said(followed, "current follows the temperature of the crystal, r = ")
    steady = evaluate(*columns, **settings, temperature_k=298.15 + wander_k)
    assert not said(steady, "temperature")
    assert said(good(), "temperature of the crystal not measured")


def test_a_limit_below_the_lowest_dose_rate_is_an_estimate():
    kept = (20e-9, 50e-9, 100e-9, 300e-9, 1e-6, 3e-6, POINT)
    result = evaluated(Sweep(doses=kept, filters_mm=(2,) * 7, device=replace(FLAT, asd=1e-11), blanks=4), 13)
    assert result.limits.snr.extrapolated
    assert said(result, "an estimate, no detection limit")
    assert "estimated (extrapolated)" in result.verdict
    labels = [label for label, _, _ in result.rows()]
    assert "detection limit SNR 3 extrapolated" in labels
    assert "detection_limit_snr_3" in result.quantities()


def test_without_blank_runs_the_noise_is_of_the_dark_windows_and_that_is_said():
    result = evaluated(replace(QUICK, blanks=0), 14)
    assert said(result, "no blank runs")
    assert said(result, "no noise spectrum")
    assert result.limits.procedure is None
    assert "beam-off windows" in result.limits.conditions()
    assert abs(result.point.value - 6000) < 4 * result.point.u


def test_noise_that_its_spectrum_does_not_explain_is_named():
    columns, settings = make_sweep(QUICK, 15)
    relative = FLAT.current_a(np.array([3600.0]))[0] / FLAT.start_a
    assert not said(evaluate(*columns, **settings, psd=spectrum(FLAT, relative)), "of what the noise spectrum says")
    wrong = evaluate(*columns, **settings, psd=spectrum(FLAT, 2 * relative))
    assert said(wrong, "of what the noise spectrum says")
    assert wrong.inputs["noise spectrum"] == "given"


def test_flagged_readings_are_left_out_and_counted():
    columns, settings = make_sweep(replace(QUICK, cycles=5), 16)
    elapsed_s, read_a, status, *others = columns
    visit = np.flatnonzero((others[1] == 3) & (others[2] == 0))
    spoilt = visit[np.searchsorted(elapsed_s[visit], elapsed_s[visit[0]] + 12.5 + 10)]
    read_a, status = read_a.copy(), status.copy()
    read_a[spoilt], status[spoilt] = 1e-3, STATUS_FLAGS["overflow"]
    result = evaluate(elapsed_s, read_a, status, *others, **settings)
    assert result.dropped["window: limited or range changed"] == 1
    assert abs(result.point.value - 6000) < 4 * result.point.u


def test_points_outside_the_calibration_are_left_out():
    columns, settings = make_sweep(QUICK, 17)
    rates = settings["dose"].dose_rate_gy_s.copy()
    rates[settings["dose"].total_al_m > 0.02] = np.nan
    result = evaluate(*columns, **settings | {"dose": replace(settings["dose"], dose_rate_gy_s=rates)})
    assert said(result, "4 points outside the dose calibration")
    assert len(result.response.points) == 8


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"spot": Spot(0.0, 0.0)}, ValueError),
        ({"spot": Spot(float("nan"), 0.0)}, ValueError),
        ({"spot": Spot(AREA_M2, -1.0)}, ValueError),
    ],
)
def test_impossible_inputs_are_refused(change, error):
    columns, settings = make_sweep(QUICK, 18)
    with pytest.raises(error):
        evaluate(*columns, **settings | change)


def test_columns_of_different_lengths_and_sweeps_without_visits_are_refused():
    columns, settings = make_sweep(QUICK, 18)
    with pytest.raises(NotEnoughData, match="one length"):
        evaluate(columns[0][:-1], *columns[1:], **settings)
    with pytest.raises(NotEnoughData, match="no visit"):
        evaluate(*columns[:4], np.full(len(columns[0]), -1.0), 0 * columns[5], **settings)
    dose = replace(settings["dose"], dose_rate_gy_s=-settings["dose"].dose_rate_gy_s)
    with pytest.raises(ValueError, match="above zero"):
        evaluate(*columns, **settings | {"dose": dose})
