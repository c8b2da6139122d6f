import allantools
import numpy as np
import pytest

from tests.analysis.synthetic import flicker
from xraydaq.analysis.allan import (
    allan_curve,
    allan_point,
    degrees_of_freedom,
    overlapping_allan,
    overlapping_hadamard,
)
from xraydaq.analysis.noise import fit_psd


@pytest.fixture
def trace_a():
    return 1.5e-7 + flicker(np.random.default_rng(5), 4000, 1.0, 1e-10, 1.0) + 1e-13 * np.arange(4000)


@pytest.mark.parametrize("rows", [1, 2, 7, 100, 1000])
def test_the_overlapping_deviations_are_those_of_allantools(trace_a, rows):
    # allantools sums the readings to a phase, so the mean comes off first: 16 digits are few for 4000 x 150 nA
    around_zero_a = trace_a - trace_a.mean()
    for ours, theirs in ((overlapping_allan, allantools.oadev), (overlapping_hadamard, allantools.ohdev)):
        _, expected, _, _ = theirs(around_zero_a, rate=1.0, data_type="freq", taus=[rows])
        assert ours(trace_a, rows) == pytest.approx(expected[0], rel=1e-6)


@pytest.mark.parametrize(("noise", "alpha"), [("white", 0), ("1/f", -1), ("1/f^2", -2)])
@pytest.mark.parametrize("m", [1, 2, 10, 300])
def test_the_degrees_of_freedom_are_those_of_allantools(noise, alpha, m):
    if (noise, m) == ("1/f", 1):  # allantools has lost the square of SP 1065 there; its other formula has it
        assert degrees_of_freedom(noise, 4001, m) == pytest.approx(
            allantools.edf_greenhall(alpha, 2, m, 4001), rel=0.05
        )
    else:
        assert degrees_of_freedom(noise, 4001, m) == pytest.approx(allantools.edf_simple(4001, m, alpha), rel=1e-9)


def test_white_noise_falls_with_the_root_of_the_averaging_time():
    white_a = 5e-12 * np.random.default_rng(3).standard_normal(20000)
    psd = fit_psd(white_a, period_s=1.0, reading_time_s=0.2)
    for tau_s in (1.0, 10.0, 100.0):
        point = allan_point(white_a, tau_s, psd)
        assert point.noise == "white"
        assert abs(point.deviation.value - 5e-12 / np.sqrt(tau_s)) < 4 * point.deviation.u
        assert point.low_a < point.deviation.value < point.high_a


def test_flicker_noise_has_the_plateau_of_its_level():
    noise_a = flicker(np.random.default_rng(8), 40000, 1.0, 1e-10, 1.0)
    psd = fit_psd(noise_a, period_s=1.0, reading_time_s=0.2)
    point = allan_point(noise_a, 10.0, psd)
    assert abs(point.deviation.value - np.sqrt(2 * np.log(2)) * 1e-10) < 4 * point.deviation.u


def test_an_averaging_time_longer_than_a_third_of_the_trace_has_no_deviation(trace_a):
    psd = fit_psd(trace_a - trace_a.mean(), period_s=1.0, reading_time_s=0.2)
    assert allan_point(trace_a, 2000.0, psd) is None
    assert allan_point(trace_a, 0.1, psd) is None
    assert [point.tau_s for point in allan_curve(trace_a, psd)] == [2.0**k for k in range(11)]


def test_a_line_does_not_reach_the_hadamard_deviation():
    assert overlapping_hadamard(1e-12 * np.arange(1000.0), 10) == pytest.approx(0.0, abs=1e-20)
    assert overlapping_allan(1e-12 * np.arange(1000.0), 10) == pytest.approx(1e-11 / np.sqrt(2))
