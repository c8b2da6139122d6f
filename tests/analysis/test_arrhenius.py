import numpy as np
import pytest

from tests.analysis.synthetic import flicker
from tests.analysis.temperature_synthetic import ATOMISTIC, K_EV, MAI, UNTREATED, UPWARDS, replace
from xraydaq.analysis.arrhenius import PARALLEL, SHARP, Points, fit_line, fit_two_regimes
from xraydaq.analysis.arrhenius_model import E_HIGH, EV_J, T_CHANGE
from xraydaq.analysis.arrhenius_profile import profile, sharpness
from xraydaq.analysis.thermal_regimes import regimes
from xraydaq.analysis.values import NotEnoughData

CRYSTALS = [UNTREATED, MAI, ATOMISTIC]
NOISE = 0.02


def points_of(crystal, seed=None, *, kelvin=UPWARDS, noise=NOISE, u_k=0.0):
    """ln(sigma T) of a crystal; with a seed, scattered by the noise and by wrong temperatures."""
    rng = np.random.default_rng(seed)
    shown_k = kelvin + (u_k * rng.standard_normal(len(kelvin)) if seed is not None else 0.0)
    log_sigma = np.log(crystal.sigma_s_m(kelvin)) + (
        noise * rng.standard_normal(len(kelvin)) if seed is not None else 0
    )
    time_s = 500.0 * np.arange(len(kelvin))
    return Points(shown_k, log_sigma + np.log(shown_k), np.full(len(kelvin), noise), np.full(len(kelvin), u_k), time_s)


def truth_of(crystal):
    return np.array([crystal.low_ev * EV_J, crystal.high_ev * EV_J, crystal.change_k])


def pulls(fit, crystal):
    found = (fit.activation_low, fit.activation_high, fit.transition)
    return [(value.value - truth) / value.u for value, truth in zip(found, truth_of(crystal), strict=True)]


@pytest.mark.parametrize("crystal", CRYSTALS)
@pytest.mark.parametrize("sharp", [False, True])
def test_the_right_model_recovers_noiseless_points_exactly(crystal, sharp):
    fit = fit_two_regimes(points_of(replace(crystal, sharp=sharp)), SHARP if sharp else PARALLEL)
    found = [value.value for value in (fit.activation_low, fit.activation_high, fit.transition)]
    np.testing.assert_allclose(found, truth_of(crystal), rtol=1e-5)


def test_the_wrong_model_errs_by_what_is_known_of_it():
    """A broken line reads branches that add low in all three; branches that add read a broken line high."""
    for crystal, low_ev, change_k in zip(CRYSTALS, (0.832, 0.718, 1.587), (281.4, 274.1, 293.2), strict=True):
        broken = fit_two_regimes(points_of(crystal), SHARP)
        assert broken.activation_high.to("eV").value == pytest.approx(low_ev, abs=0.01)
        assert broken.transition.value == pytest.approx(change_k, abs=0.5)
    rounded = fit_two_regimes(points_of(replace(UNTREATED, sharp=True)), PARALLEL)
    assert rounded.activation_high.to("eV").value == pytest.approx(1.17, abs=0.03)


@pytest.mark.parametrize("sharp", [False, True])
def test_over_many_sweeps_bias_scatter_and_choice_are_as_stated(sharp):
    found, right, total = [], 0, 60
    for seed in range(total):
        crystal = replace(CRYSTALS[seed % 3], sharp=sharp)
        chosen = regimes(points_of(crystal, seed))
        right += chosen.name == ("sharp" if sharp else "parallel")
        found.append(pulls(chosen.sharp if sharp else chosen.parallel, crystal))
    assert right == total
    found = np.array(found)
    assert np.all(np.abs(found.mean(axis=0)) < 0.5)
    assert np.all(
        (found.std(axis=0) > 0.75) & (found.std(axis=0) < 1.25)
    )  # 60 values: 9 % of scatter, nearly three times


def test_wrong_temperatures_are_in_the_weights():
    found = np.array(
        [
            pulls(fit_two_regimes(points_of(ATOMISTIC, 40 + s, noise=2e-3, u_k=0.1), PARALLEL), ATOMISTIC)
            for s in range(30)
        ]
    )
    assert np.all(np.abs(found.mean(axis=0)) < 0.5 + 1.1 * 1.96 / np.sqrt(30))
    assert np.all((found.std(axis=0) > 0.6) & (found.std(axis=0) < 1.4))


@pytest.mark.slow
@pytest.mark.parametrize("sharp", [False, True])
def test_profile_intervals_hold_the_truth_as_often_as_they_say(sharp):
    held = []
    for seed in range(60):
        crystal = replace(CRYSTALS[seed % 3], sharp=sharp)
        fit = fit_two_regimes(points_of(crystal, 500 + seed), SHARP if sharp else PARALLEL)
        _, high, change = truth_of(crystal)
        held.append((profile(fit, E_HIGH).holds(high), profile(fit, T_CHANGE).holds(change)))
    # 120 intervals of 95 %: fewer than 105 or all in fewer than one of a thousand repetitions
    assert 105 <= np.sum(held) <= 120


@pytest.mark.parametrize("crystal", CRYSTALS)
def test_noise_that_moves_neighbours_together_is_in_the_uncertainty_of_the_energies(crystal):
    """1/f noise of the device over the whole run, of which a point states only what it sees within itself."""
    found = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        noise = flicker(rng, 33 * 26, 20.0, 2e-3, 1.1).reshape(33, 26)[:, :12].mean(axis=1)
        points = points_of(crystal, seed, noise=3e-3)
        points = replace(points, log_sigma_t=points.log_sigma_t + noise)
        found.append(pulls(fit_two_regimes(points, PARALLEL), crystal))
    spread = np.std(found, axis=0)
    assert np.all((spread > 0.73) & (spread < 1.27))  # 60 values: 9 % of scatter, three times


def test_points_of_unknown_time_are_scaled_by_chi2():
    points = points_of(UNTREATED, 10)
    sure = replace(points, u_log=points.u_log / 10, time_s=np.full(len(UPWARDS), np.nan))
    one, other = fit_two_regimes(points, PARALLEL), fit_two_regimes(sure, PARALLEL)
    assert other.activation_high.u == pytest.approx(
        one.activation_high.u * np.sqrt(one.chi2 / one.dof), rel=0.02, abs=0
    )


def test_a_profile_agrees_with_the_covariance_where_the_model_is_nearly_linear():
    fit = fit_two_regimes(points_of(ATOMISTIC, 3, noise=2e-3), PARALLEL)
    interval, value = profile(fit, E_HIGH), fit.activation_high
    half = 2.045 * value.u  # Student, 29 degrees of freedom
    assert interval.low == pytest.approx(value.value - half, abs=0.1 * half)
    assert interval.high == pytest.approx(value.value + half, abs=0.1 * half)


def test_the_nested_model_tells_how_sharp_the_change_is():
    for seed in range(3):
        added = fit_two_regimes(points_of(ATOMISTIC, seed, noise=5e-3), PARALLEL)
        s, interval = sharpness(added)
        assert abs(s - 1) < 4 * (interval.high - interval.low) / 2 < 0.5
    broken = fit_two_regimes(points_of(replace(UNTREATED, sharp=True), 4, noise=5e-3), SHARP)
    assert sharpness(broken)[0] > 5


def test_a_factor_of_the_conductivity_and_the_order_of_points_change_no_energy():
    points = points_of(UNTREATED, 7)
    order = np.random.default_rng(1).permutation(len(UPWARDS))
    mixed = points.some(order)
    larger = Points(
        mixed.temperature_k, mixed.log_sigma_t + np.log(1e4), mixed.u_log, mixed.u_temperature_k, mixed.time_s
    )
    for model in (PARALLEL, SHARP):
        one, other = fit_two_regimes(points, model), fit_two_regimes(larger, model)
        np.testing.assert_allclose(other.parameters[1:], one.parameters[1:], rtol=1e-4)
        assert other.parameters[0] - one.parameters[0] == pytest.approx(np.log(1e4), abs=2e-3)


def test_temperatures_in_another_scale_give_energies_in_that_scale():
    points = points_of(UNTREATED, 8)
    scaled = replace(points, temperature_k=1.01 * points.temperature_k)
    one, other = fit_two_regimes(points, PARALLEL), fit_two_regimes(scaled, PARALLEL)
    np.testing.assert_allclose(other.parameters[1:], 1.01 * one.parameters[1:], rtol=1e-4)


def test_one_regime_is_told_from_two_and_its_energy_is_that_of_sigma_t():
    single = replace(UNTREATED, low_ev=0.6, high_ev=0.6)
    chosen = regimes(points_of(single, 5))
    assert chosen.chosen is None
    energy = fit_line(points_of(single)).activation.to("eV").value
    assert energy == pytest.approx(0.6, rel=1e-5, abs=0)
    slope = np.polyfit(1 / UPWARDS / K_EV, np.log(single.sigma_s_m(UPWARDS)), 1)[0]
    assert 0.022 < energy + slope < 0.028  # a fit of ln(sigma) reads low by kT


def test_too_few_points_or_too_little_span_on_a_side_leave_the_single_line():
    for kelvin in (np.arange(240.0, 297.0, 2.5), np.arange(276.0, 320.0, 2.5), np.linspace(240, 320, 6)):
        chosen = regimes(points_of(UNTREATED, 9, kelvin=kelvin, noise=1e-3))
        assert chosen.chosen is None
        assert chosen.reason
    with pytest.raises(NotEnoughData):
        regimes(points_of(UNTREATED, kelvin=np.array([290.0, 300.0])))
