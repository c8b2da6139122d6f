import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.signal import periodogram

from instruments.sim.twin import DEVICES, Crystal
from instruments.sim.twin.flicker import FlickerNoise, step_of
from instruments.sim.twin.streams import stream

NS = 1_000_000_000
HANN_CORRELATION = 1.944
"""Neighbouring lines under a Hann window are correlated: 1 + 2 (4/9 + 1/36)."""


def contiguous(noise, window_s, count):
    return np.array([noise.mean(0, round(window_s * NS)) for _ in range(count)])


def transfer(f_hz, window_s, gamma):
    """Density of window means over that of the process: the mean's response, and what is folded back."""
    total = np.zeros_like(f_hz)
    for fold in range(-20, 21):
        seen_hz = np.abs(f_hz + fold / window_s)
        total += (f_hz / seen_hz) ** gamma * np.sinc(seen_hz * window_s) ** 2
    return total


def lines(gamma, seed):
    """Two records, at 1 Hz and 400 Hz: frequencies from 1e-4 Hz to 100 Hz, transfer and density at each line."""
    found = []
    for window_s, low_hz, high_hz in ((1.0, 1e-4, 0.1), (2.5e-3, 0.1, 100.0)):
        noise = FlickerNoise(stream(seed, f"{window_s}"), gamma)
        f_hz, density = periodogram(contiguous(noise, window_s, 2**15), fs=1 / window_s, window="hann")
        band = (f_hz >= low_hz) & (f_hz <= high_hz)
        found.append((f_hz[band], transfer(f_hz[band], window_s, gamma), density[band]))
    return [np.concatenate(each) for each in zip(*found, strict=True)]


@pytest.mark.parametrize("gamma", [1.0, 1.1, 1.15])
def test_the_periodograms_show_the_density_and_its_exponent_from_100_uhz_to_100_hz(gamma):
    f_hz, response, density = (np.concatenate(each) for each in zip(*(lines(gamma, s) for s in range(3)), strict=True))
    x = np.log(f_hz)

    def whittle(parameters):
        log_model = parameters[0] - parameters[1] * x + np.log(response)
        return np.mean(log_model + density * np.exp(-log_model))

    log_h, exponent = minimize(whittle, [0.0, 1.0], method="BFGS").x
    fisher = np.array([[len(x), -x.sum()], [-x.sum(), (x**2).sum()]]) / HANN_CORRELATION
    u_log_h, u_exponent = np.sqrt(np.diag(np.linalg.inv(fisher)))
    assert abs(log_h) / 2 < 3.5 * u_log_h / 2  # log of the square root of h at 1 Hz, where the truth is 1
    assert abs(exponent - gamma) < min(0.03, 3.5 * u_exponent)

    ratio = density / (response * f_hz**-gamma)
    for decade in range(-4, 2):
        inside = ratio[(f_hz >= 10.0**decade) & (f_hz < 10.0 ** (decade + 1))]
        assert abs(inside.mean() - 1) < 4 * math.sqrt(HANN_CORRELATION / len(inside)), f"1e{decade} Hz"


def _second_integral(t_s):
    """Of -ln|t|, the correlation of a density 1/f up to a constant, up to a multiple of t^2."""
    t_s = np.abs(t_s)
    return -0.5 * t_s**2 * np.log(np.where(t_s > 0, t_s, 1.0))


def test_any_pattern_of_windows_and_gaps_has_the_covariances_of_one_over_f():
    pattern_s = [(0.0, 2e-4), (0.0, 2e-4), (0.8, 0.2), (0.0, 10.0), (5e-3, 2e-2), (600.0, 1.0), (0.1, 0.1)]
    edges, now_s = [], 0.0
    for gap_s, window_s in pattern_s:
        edges.append((now_s + gap_s, now_s + gap_s + window_s))
        now_s += gap_s + window_s
    a, b = np.array(edges).T
    expected = (
        _second_integral(b[None, :] - a[:, None])
        - _second_integral(a[None, :] - a[:, None])
        - _second_integral(b[None, :] - b[:, None])
        + _second_integral(a[None, :] - b[:, None])
    ) / np.outer(b - a, b - a)
    to_last = np.hstack([np.eye(6), -np.ones((6, 1))])  # in differences the constant cancels
    whiten = np.linalg.inv(np.linalg.cholesky(to_last @ expected @ to_last.T)) @ to_last

    noise, count = FlickerNoise(stream(11, "pattern"), 1.0), 4000
    rows = np.empty((count, len(pattern_s)))
    for row in rows:
        noise.mean(40_000_000 * NS, NS)  # forget
        row[:] = [noise.mean(round(gap_s * NS), round(window_s * NS)) for gap_s, window_s in pattern_s]
    white = rows @ whiten.T
    u = np.where(np.eye(6) > 0, math.sqrt(2 / count), math.sqrt(1 / count))
    assert np.all(np.abs(white.T @ white / count - np.eye(6)) < 4 * u)


TIMES_S = np.logspace(-5, 6.5, 47)
VARIANCES = TIMES_S**0.1


def joint_covariance(*steps, weights):
    """Covariance of all end states and of the weighted mean of the steps' windows from a known start, and its mean."""
    count = len(TIMES_S)
    kept, mean_of_start = np.eye(count), np.zeros(count)
    noise = np.zeros((count + 1, 0))  # what each normal drawn so far did to the states and to the mean
    for step, weight in zip(steps, weights, strict=True):
        mean_of_start += weight * step.mean_of_state @ kept
        kept = np.diag(step.state_kept) @ kept
        drawn = np.zeros((count + 1, count + 1))
        drawn[:count, :count] = np.diag(step.state_spread)
        drawn[count, :] = weight * np.append(step.mean_of_spread, step.mean_of_own)
        noise[count] += weight * step.mean_of_state @ noise[:count]
        noise[:count] = step.state_kept[:, None] * noise[:count]
        noise = np.hstack([noise, drawn])
    return noise @ noise.T, np.append(np.diag(kept), mean_of_start)


@pytest.mark.parametrize(
    ("gap_s", "first_s", "second_s"), [(0.0, 1e-4, 1e-4), (0.8, 0.05, 0.15), (3600.0, 1.0, 9.0), (1e-3, 2e-4, 10.0)]
)
def test_two_adjoining_windows_are_exactly_one_long_window(gap_s, first_s, second_s):
    def step(gap_s, window_s):
        return step_of(TIMES_S, VARIANCES, round(gap_s * NS), round(window_s * NS))

    total_s = first_s + second_s
    whole, whole_mean = joint_covariance(step(gap_s, total_s), weights=[1.0])
    halves, halves_mean = joint_covariance(
        step(gap_s, first_s), step(0.0, second_s), weights=[first_s / total_s, second_s / total_s]
    )
    scale = np.sqrt(np.outer(np.diag(whole), np.diag(whole)))
    assert halves_mean == pytest.approx(whole_mean, rel=1e-9, abs=1e-15)
    assert np.max(np.abs(halves - whole) / scale) < 1e-8


def test_the_noise_starts_stationary():
    count = 4000
    fresh = [FlickerNoise(stream(seed, "start"), 1.0).mean(0, NS) for seed in range(count)]
    old = FlickerNoise(stream(1, "old"), 1.0)
    later = [old.mean(40_000_000 * NS, NS) for _ in range(10 * count)]
    assert abs(math.log(np.std(fresh) / np.std(later))) < 4 * math.sqrt((1 + 0.1) / (2 * count))


def fluctuations_a(device, bias_v=5.0, window_s=1.0, count=1024, seed=0, noise="psd"):
    """Contiguous readings of a settled crystal at 298 K, less the truth."""
    noisy = Crystal(device, seed=seed, temperature_k=298.0, noise=noise)
    truth = Crystal(device, seed=seed, temperature_k=298.0, noise="none")
    for crystal in (noisy, truth):
        crystal.set_bias(0.0, bias_v)
    starts_s = 1e5 + window_s * np.arange(count)
    pairs = [[each.mean_current_a(s, s + window_s) for each in (noisy, truth)] for s in starts_s]
    measured, true = np.array(pairs).T
    return measured - true, true.mean()


@pytest.mark.parametrize(("noise", "root_h_a"), [("psd", 1e-10), ("lod", 3.55e-12)])
@pytest.mark.parametrize("together", [1, 8, 32])
def test_the_allan_deviation_of_the_atomistic_crystal_stays_on_the_plateau_of_one_over_f(noise, root_h_a, together):
    variances = []
    for seed in range(8):
        noise_a, current_a = fluctuations_a("atomistic", seed=seed, noise=noise)
        means = noise_a.reshape(-1, together).mean(axis=1)
        variances.append(np.mean(np.diff(means) ** 2) / 2)
    expected = 2 * math.log(2) * (root_h_a * current_a / 150e-9) ** 2
    u = np.std(variances, ddof=1) / math.sqrt(len(variances))
    assert abs(np.mean(variances) - expected) < 3.5 * u
    assert u < 0.2 * expected  # the check has teeth


@pytest.mark.parametrize("bias_v", [10.0, -5.0, 0.5])
def test_low_frequency_noise_is_proportional_to_the_current(bias_v):
    at_5_v_a, current_a = fluctuations_a("untreated", count=200)
    ours_a, other_a = fluctuations_a("untreated", bias_v=bias_v, count=200)
    ratio = other_a / current_a
    # what is left is shot noise: sqrt(e I / 1 s) of both, 5 standard deviations at most
    left_a = 5 * math.sqrt(1.602e-19) * (math.sqrt(abs(other_a)) + abs(ratio) * math.sqrt(current_a))
    assert np.all(np.abs(ours_a - ratio * at_5_v_a) < left_a)
    assert np.std(ours_a) > 100 * left_a


@pytest.mark.parametrize("window_s", [2e-4, 0.2, 10.0])
def test_shot_noise_is_that_of_the_current(window_s):
    quiet = replace(DEVICES["mai"], noise_1hz_a_per_rthz=0.0)
    noise_a, current_a = fluctuations_a(quiet, window_s=window_s, count=3000)
    expected_a = math.sqrt(2 * 1.602176634e-19 * current_a / (2 * window_s))
    assert abs(np.std(noise_a) / expected_a - 1) < 4 / math.sqrt(2 * 3000)


def test_streams_of_one_seed_are_independent_and_keep_their_numbers():
    first, second = (stream(5, name).standard_normal(10_000) for name in ("flicker", "photons"))
    assert abs(np.mean(first * second)) < 4 / math.sqrt(10_000)
    assert list(stream(5, "flicker").standard_normal(10_000)) == list(first)


def test_numbers_do_not_depend_on_how_many_are_drawn_at_once():
    together = stream(5, "flicker").standard_normal(480)
    rng = stream(5, "flicker")
    assert list(np.concatenate([rng.standard_normal(48) for _ in range(10)])) == list(together)


@pytest.mark.parametrize("exponent", [0.0, 2.0, float("nan")])
def test_an_exponent_without_such_a_process_is_refused(exponent):
    with pytest.raises(ValueError, match="outside 0 to 2"):
        FlickerNoise(stream(1, "any"), exponent)
