from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from tests.analysis.synthetic import DEVICES, flicker, folded_flicker
from xraydaq.analysis.correlated import noise_of_trace
from xraydaq.analysis.noise import NoisePsd, fit_psd


def psd_of(h=1e-20, gamma=1.1, w=1e-21):
    return NoisePsd(h, gamma, w, 1.0, True, np.zeros((3, 3)))


@pytest.mark.parametrize("gamma", [0.6, 1.0, 1.5])
def test_level_and_exponent_are_recovered_within_their_uncertainty(gamma):
    noise_a = flicker(np.random.default_rng(11), 40000, 1.0, 1e-10, gamma)
    psd = fit_psd(noise_a, period_s=1.0, reading_time_s=0.2)
    exponent, level = psd.gamma_value(), psd.density(0.1)
    assert abs(exponent.value - gamma) < 3 * exponent.u < 0.3
    assert abs(level.value - 1e-10 * 0.1 ** (-gamma / 2)) < 3 * level.u < 0.3 * level.value


def test_noise_folded_down_by_short_readings_is_not_taken_for_slow_noise():
    noise_a = folded_flicker(np.random.default_rng(12), 40000, 1.0, DEVICES["rising"])
    psd = fit_psd(noise_a, period_s=1.0, reading_time_s=0.2)
    assert abs(psd.gamma - 1.1) < 3 * psd.gamma_value().u
    assert psd.w_a2_hz > 0.3 * psd.h_a2_hz


def test_white_noise_is_found_as_white():
    noise_a = 5e-12 * np.random.default_rng(2).standard_normal(20000)
    psd = fit_psd(noise_a, period_s=1.0, reading_time_s=0.2)
    assert psd.w_a2_hz == pytest.approx(2 * 25e-24, rel=0.05)
    assert psd.density(0.01).value ** 2 < 0.3 * psd.w_a2_hz


@pytest.mark.parametrize("name", DEVICES)
def test_the_transient_of_a_device_is_not_taken_for_noise(name):
    device = DEVICES[name]
    time_s = np.arange(48001.0) + 0.4
    quiet = noise_of_trace(time_s, device.current_a(time_s), 0.2)
    left_a = np.abs(quiet.trend_a - device.current_a(time_s))[60:]
    assert left_a.max() < 0.5 * device.asd


def test_the_autocovariance_gives_the_variance_of_a_mean_that_the_integral_gives():
    psd, rows = psd_of(), 64
    lags = psd.autocovariance(rows)
    ours = np.mean(lags[np.abs(np.subtract.outer(np.arange(rows), np.arange(rows)))])

    def kernel(f):
        return (np.sin(np.pi * f * rows) / (rows * np.sin(np.pi * f))) ** 2 * psd.power(np.array([f]))[0]

    edges = np.concatenate(([1 / (100 * rows)], np.arange(1, rows // 2 + 1) / rows))
    slow = np.geomspace(edges[0], edges[1], 12)
    cells = np.concatenate((slow, edges[2:]))
    expected = sum(quad(kernel, a, b)[0] for a, b in pairwise(cells))
    assert ours == pytest.approx(expected, rel=0.02)


def test_white_noise_is_not_correlated():
    lags = psd_of(h=0.0).autocovariance(100)
    assert lags[0] == pytest.approx(1e-21 / 2)
    assert np.abs(lags[1:]).max() < 1e-3 * lags[0]


def test_noise_that_grows_with_the_current_is_scaled_and_constant_noise_is_not():
    time_s = np.arange(8000.0)
    rise_a = 1e-7 * (1 + 3 * time_s / 8000)
    noise_a = 1e-10 * np.random.default_rng(4).standard_normal(8000)
    assert np.ptp(noise_of_trace(time_s, rise_a + noise_a, 0.2).scale) == 0
    scaled = noise_of_trace(time_s, rise_a * (1 + noise_a / 1e-7), 0.2).scale
    assert scaled[-1] / scaled[0] == pytest.approx(4, rel=0.05)


def test_a_short_trace_and_a_constant_one_are_marked_as_not_fitted():
    short = fit_psd(1e-12 * np.random.default_rng(1).standard_normal(100), period_s=1.0, reading_time_s=0.2)
    constant = fit_psd(np.zeros(1000), period_s=1.0, reading_time_s=0.2)
    assert not short.fitted
    assert not constant.fitted
    assert np.isnan(short.gamma_value().u)
    assert constant.density(1.0).value == 0
