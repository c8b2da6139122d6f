import numpy as np
import pytest

from xraydaq.analysis.saturation import saturation
from xraydaq.analysis.values import NotEnoughData

BIAS_V = np.array([0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0])
FIELD = np.concatenate((BIAS_V, BIAS_V[::-1])) / 50e-6


def law(field, plateau, scale):
    return plateau * field / scale * (1 - np.exp(-scale / field))


def noisy(seed, relative, plateau=1.6e4, scale=1.5e5):
    truth = law(FIELD, plateau, scale)
    return truth * (1 + relative * np.random.default_rng(seed).standard_normal(len(FIELD))), relative * truth


def test_points_on_the_curve_give_its_constants():
    truth = law(FIELD, 1.6e4, 1.5e5)
    fit = saturation(FIELD, truth, 1e-4 * truth)
    assert fit.scale.value == pytest.approx(1.5e5, rel=1e-5, abs=0)
    assert fit.plateau.value == pytest.approx(1.6e4, rel=1e-5, abs=0)
    assert fit.slope.value == pytest.approx(1.6e4 / 1.5e5, rel=1e-5, abs=0)
    assert fit.at(FIELD)[0] == pytest.approx(truth, rel=1e-5, abs=0)


@pytest.mark.parametrize("relative", [2e-3, 3e-2])
def test_the_scatter_of_scale_and_plateau_is_as_stated(relative):
    pulls = []
    for seed in range(80):
        fit = saturation(FIELD, *noisy(seed, relative))
        pulls.append(((fit.scale.value - 1.5e5) / fit.scale.u, (fit.plateau.value - 1.6e4) / fit.plateau.u))
    pulls = np.array(pulls)
    assert np.all(np.abs(pulls.mean(axis=0)) < 3 / np.sqrt(80)), pulls.mean(axis=0)
    assert np.all(np.abs(pulls.std(axis=0) - 1) < 3 / np.sqrt(160)), pulls.std(axis=0)


def test_other_units_scale_the_constants_and_nothing_else():
    values, u = noisy(1, 5e-3)
    fit, other = saturation(FIELD, values, u), saturation(1e-3 * FIELD, 1e2 * values, 1e2 * u)
    assert other.scale.value == pytest.approx(1e-3 * fit.scale.value, rel=1e-5, abs=0)
    assert other.plateau.value == pytest.approx(1e2 * fit.plateau.value, rel=1e-5, abs=0)
    assert other.plateau.u / other.plateau.value == pytest.approx(fit.plateau.u / fit.plateau.value, rel=1e-4, abs=0)
    shuffled = np.random.default_rng(2).permutation(len(FIELD))
    again = saturation(FIELD[shuffled], values[shuffled], u[shuffled])
    assert again.scale.value == pytest.approx(fit.scale.value, rel=1e-6, abs=0)


def test_a_straight_line_has_no_plateau():
    values = 0.1 * FIELD * (1 + 3e-3 * np.random.default_rng(3).standard_normal(len(FIELD)))
    fit = saturation(FIELD, values, 3e-3 * values)
    assert not fit.seen
    assert np.isnan(fit.plateau.value)
    assert np.isnan(fit.scale.value)
    assert abs(fit.slope.value - 0.1) < 4 * fit.slope.u
    assert fit.slope.u == pytest.approx(0.1 * 3e-3 / np.sqrt(len(FIELD)), rel=0.5, abs=0)


def test_a_saturation_that_the_noise_could_make_is_seldom_claimed():
    claimed = 0
    for seed in range(60):
        scatter = 1e-2 * np.random.default_rng(seed).standard_normal(len(FIELD))
        claimed += saturation(FIELD, 0.1 * FIELD * (1 + scatter), 1e-3 * FIELD).seen
    assert claimed <= 2


def test_disagreement_of_the_points_widens_u():
    values, u = noisy(4, 1e-2)
    honest, overconfident = saturation(FIELD, values, u), saturation(FIELD, values, u / 10)
    assert overconfident.chi2_per_dof == pytest.approx(100 * honest.chi2_per_dof, rel=1e-3, abs=0)
    expected = honest.scale.u * max(1.0, honest.chi2_per_dof) ** -0.5 * honest.chi2_per_dof**0.5
    assert overconfident.scale.u == pytest.approx(expected, rel=1e-2, abs=0)


def test_an_uncertain_bias_counts_where_the_curve_is_steep():
    values, u = noisy(5, 1e-3)
    exact = saturation(FIELD, values, u)
    uncertain = saturation(FIELD, values, u, field_u_v_m=np.full(len(FIELD), 1e-3 / 50e-6))
    assert uncertain.scale.u > exact.scale.u
    assert uncertain.chi2_per_dof < exact.chi2_per_dof


def test_too_few_fields_and_impossible_numbers_are_refused():
    with pytest.raises(NotEnoughData, match="4 are needed"):
        saturation(FIELD[:3], np.ones(3), np.ones(3))
    for field, u in ((-FIELD, np.ones(len(FIELD))), (FIELD, np.zeros(len(FIELD))), (FIELD, FIELD * np.nan)):
        with pytest.raises(ValueError, match="above zero"):
            saturation(field, FIELD, u)
