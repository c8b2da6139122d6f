import numpy as np
import pytest

from instruments.sim.twin.modes import power_law, stretched


def response(modes, t):
    return np.exp(-np.asarray(t)[:, None] / modes.times) @ modes.weights


def test_a_positive_sum_of_modes_follows_the_stretched_exponential_from_1_s_to_1e6_s():
    t_s = np.logspace(0, 6, 2000)
    rise_s = 9000.0
    modes = stretched(0.7)
    assert np.all(modes.weights > 0)
    assert np.max(np.abs(response(modes, t_s / rise_s) - np.exp(-((t_s / rise_s) ** 0.7)))) < 1e-3


def test_the_response_to_a_step_starts_at_one():
    assert stretched(0.7).weights.sum() == pytest.approx(1, rel=1e-14)


def test_an_exponential_is_one_mode():
    modes = stretched(1.0)
    assert (list(modes.times), list(modes.weights)) == ([1.0], [1.0])


@pytest.mark.parametrize("beta", [0.0, 1.2, float("nan")])
def test_a_law_without_a_positive_sum_is_refused(beta):
    with pytest.raises(ValueError, match="0 < beta <= 1"):
        stretched(beta)


def test_the_power_law_is_followed_from_3_ms_to_a_day():
    t_s = np.logspace(np.log10(3e-3), 5, 2000)
    modes = power_law(0.8)
    assert np.all(modes.weights > 0)
    assert np.max(np.abs(response(modes, t_s) / t_s**-0.8 - 1)) < 5e-3
