import numpy as np
import pytest

from tests.analysis.sclc_synthetic import Gap
from tests.analysis.synthetic import flicker
from xraydaq.analysis.filling_model import fit_filling, free_part_v
from xraydaq.analysis.sclc import Points, crossing, local_slopes, power_law, regimes, scatter_of, steepest
from xraydaq.analysis.sweep_noise import parameter_covariance
from xraydaq.analysis.values import NotEnoughData

BIAS_V = np.geomspace(0.02, 20, 91)


def points(current_a, log_u=1e-3, bias_v=BIAS_V):
    return Points(bias_v, current_a, np.full(len(bias_v), log_u), log_u, np.zeros(len(bias_v)))


def regime_of(sweep):
    slopes = local_slopes(sweep)
    return {regime.kind: regime for regime in regimes(sweep, slopes, steepest(sweep, slopes))}


@pytest.mark.parametrize("exponent", [1.0, 2.0, 8.0])
def test_a_power_law_has_its_exponent_everywhere_also_at_the_ends_and_on_uneven_bias(exponent):
    bias_v = np.sort(np.random.default_rng(3).uniform(0.1, 10, 40))
    slopes = local_slopes(points(3e-9 * bias_v**exponent, bias_v=bias_v))
    np.testing.assert_allclose(slopes.slope, exponent, rtol=1e-7)


def test_local_slopes_scatter_as_their_uncertainty_says():
    rng, truth = np.random.default_rng(5), 2e-9 * BIAS_V**1.5
    pulls = []
    for _ in range(60):
        slopes = local_slopes(points(truth * np.exp(0.01 * rng.standard_normal(len(BIAS_V))), 0.01))
        pulls.append((slopes.slope[[0, 20, 45, -1]] - 1.5) / slopes.u[[0, 20, 45, -1]])
    assert np.std(pulls) == pytest.approx(1.0, abs=3 / np.sqrt(2 * 240))


@pytest.mark.parametrize("scale", [1e-6, 1e3])
def test_units_of_the_current_change_no_slope_and_no_voltage(scale):
    current_a = Gap().current_a(BIAS_V)
    here, there = (steepest(p, local_slopes(p)) for p in (points(current_a), points(scale * current_a)))
    assert there.bias.value == pytest.approx(here.bias.value, rel=1e-6, abs=0)
    assert there.slope.value == pytest.approx(here.slope.value, rel=1e-6, abs=0)


@pytest.mark.parametrize("sigma", [3e-4, 3e-3, 3e-2])
def test_scatter_of_neighbours_is_found_under_a_steep_curve(sigma):
    rng = np.random.default_rng(8)
    current_a = Gap(limit_v=3.0).current_a(BIAS_V)
    found = [
        scatter_of(BIAS_V, current_a * np.exp(sigma * rng.standard_normal(len(BIAS_V))), np.full(len(BIAS_V), 1e-4))
        for _ in range(30)
    ]
    # what a quartic misses of the steepest bend adds to the smallest scatter; never may scatter be missed
    assert 0.9 * sigma < np.median(found) < 1.15 * sigma + 1e-3


def test_regimes_of_a_curve_with_traps_come_in_order_and_where_they_are():
    found = regime_of(points(Gap(limit_v=1.0, ratio=1e-3, ohmic_s=2e-8).current_a(BIAS_V)))
    assert list(found) == ["ohmic", "filling", "square law"]
    assert found["ohmic"].slope.value == pytest.approx(1.0, abs=0.25)
    assert found["ohmic"].to_v < found["filling"].from_v < 1.0 < found["filling"].to_v < found["square law"].from_v
    assert found["square law"].to_v == pytest.approx(20, rel=1e-6, abs=0)


@pytest.mark.parametrize("offset_a", [0.0, 1e-9])
def test_an_ohmic_device_has_no_filling_regime_even_with_an_offset_current(offset_a):
    found = regime_of(points(5e-9 * BIAS_V + offset_a))
    assert set(found) == {"ohmic"}
    assert found["ohmic"].from_v == pytest.approx(0.02, rel=1e-6, abs=0) or offset_a > 0


def test_a_current_without_traps_goes_from_ohmic_to_square_law_without_filling():
    assert "filling" not in regime_of(points(5e-9 * BIAS_V + 1e-7 * BIAS_V**2))


def test_knee_and_crossing_are_where_the_drawn_lines_meet():
    sweep = points(Gap(limit_v=1.0, ratio=1e-3, ohmic_s=2e-8).current_a(BIAS_V))
    top, found = steepest(sweep, local_slopes(sweep)), regime_of(sweep)
    for kind, exponent in (("ohmic", 1.0), ("square law", 2.0)):
        log_factor, u = power_law(sweep, found[kind].rows, exponent)
        meets = crossing(top, log_factor, u, exponent)
        tangent = top.log_current.value + top.slope.value * np.log(meets.value / top.bias.value)
        assert tangent == pytest.approx(log_factor + exponent * np.log(meets.value), rel=1e-6, abs=0)
        assert meets.u > 0


def test_the_published_estimators_differ_from_the_limit_as_much_as_is_known():
    """Knee low by a third or more, upper crossing high by as much, steepest point within 3 %, fit exact."""
    sweep = points(Gap(limit_v=3.62, ratio=4e-3, ohmic_s=5e-9, injection_a_v2=2e-6).current_a(BIAS_V))
    top, found = steepest(sweep, local_slopes(sweep)), regime_of(sweep)
    knee = crossing(top, *power_law(sweep, found["ohmic"].rows, 1.0), 1.0).value
    upper = crossing(top, *power_law(sweep, found["square law"].rows, 2.0), 2.0).value
    assert knee < 0.67 * 3.62
    assert top.bias.value == pytest.approx(3.62, rel=0.03, abs=0)
    assert upper > 1.33 * 3.62
    assert fit_filling(sweep, top.bias.value).limit_v == pytest.approx(3.62, rel=1e-4, abs=0)


@pytest.mark.parametrize("spread", [0.0, 0.5, 1.5])
@pytest.mark.parametrize("limit_v", [0.4, 3.62])
def test_the_free_part_balances_the_charge_of_every_level(spread, limit_v):
    gap = Gap(limit_v=limit_v, spread=spread, ohmic_s=0.0, injection_a_v2=1.0)
    free_v = gap.current_a(BIAS_V) / BIAS_V
    np.testing.assert_allclose(free_part_v(BIAS_V, limit_v, gap.ratio, spread), free_v, rtol=1e-5)


def test_the_free_part_rises_with_bias_and_is_never_more_than_it():
    for ratio in (1e-6, 1e-3, 0.5):
        free_v = free_part_v(BIAS_V, 2.0, ratio)
        assert np.all(np.diff(free_v) > 0)
        assert np.all((free_v > 0) & (free_v <= BIAS_V))


@pytest.mark.parametrize("factor", [0.1, 10.0])
def test_a_curve_stretched_along_the_bias_has_its_limit_stretched(factor):
    gap = Gap(limit_v=1.5, ohmic_s=1e-8)
    stretched = points(gap.current_a(BIAS_V), bias_v=factor * BIAS_V)
    top = steepest(stretched, local_slopes(stretched))
    assert fit_filling(stretched, top.bias.value).limit_v == pytest.approx(1.5 * factor, rel=1e-4, abs=0)


@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_levels_are_called_spread_where_the_curve_shows_it_and_only_there(spread):
    rng, gap = np.random.default_rng(2), Gap(spread=spread)
    sweep = points(gap.current_a(BIAS_V) * np.exp(2e-3 * rng.standard_normal(len(BIAS_V))), 2e-3)
    fit = fit_filling(sweep, 3.7)
    assert fit.levels_are_spread == (spread > 0)
    assert abs(fit.variance.value - spread**2) < 3 * fit.variance.u
    assert abs(fit.limit_v - gap.limit_v) < 3 * fit.u_v
    assert (fit.single_level_v < 0.98 * gap.limit_v) == (spread > 0)
    assert fit.chi2_per_dof == pytest.approx(1.0, abs=4 * np.sqrt(2 / fit.dof))
    np.testing.assert_allclose(fit.current_a(BIAS_V), gap.current_a(BIAS_V), rtol=5e-3)


@pytest.mark.parametrize("gamma", [None, 1.0])
def test_fitted_parameters_scatter_as_their_covariance_says_under_white_and_flicker_noise(gamma):
    """A line in ln I; 60 pulls of a right covariance have an rms of 1 within 9 %, a judged one adds as much."""
    rng, x, sigma = np.random.default_rng(6), np.linspace(-1, 1, 80), 2e-3
    design = np.vander(x, 2)
    pulls = []
    for _ in range(60):
        noise = sigma * rng.standard_normal(80) if gamma is None else flicker(rng, 80, 1.0, sigma, gamma)
        scatter = scatter_of(np.exp(x), np.exp(noise), np.full(80, 1e-9))
        line = np.linalg.lstsq(design, noise, rcond=None)[0]
        u = np.sqrt(np.diag(parameter_covariance(design, noise - design @ line, np.full(80, scatter), scatter)))
        pulls.append(line[0] / u[0])
    assert np.sqrt(np.mean(np.square(pulls))) == pytest.approx(1.0, abs=0.35)


def test_too_few_points_are_refused():
    with pytest.raises(NotEnoughData, match="7 are needed"):
        local_slopes(points(BIAS_V[:6], bias_v=BIAS_V[:6]))
