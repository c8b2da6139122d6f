from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import t as student_t

from tests.analysis.synthetic import DEVICES, FLAT
from tests.analysis.synthetic_sweep import spectrum, trace
from xraydaq.analysis.chopped import windows_of
from xraydaq.analysis.noise import NoisePsd
from xraydaq.analysis.photocurrent_step import photocurrent_step
from xraydaq.analysis.values import NotEnoughData
from xraydaq.analysis.window_noise import covariance_of_means, expected_scatter
from xraydaq.storage.model import STATUS_FLAGS

STEP_A = 10.9e-9


def gls(device=FLAT, step_a=STEP_A, seed=1, **how):
    t, read_a, on, psd = trace(device, step_a, seed, **how)
    return photocurrent_step(t, read_a, on, psd=psd)


@pytest.mark.slow
@pytest.mark.parametrize("name", DEVICES)
def test_the_step_of_a_drifting_device_is_not_biased_and_its_uncertainty_is_honest(name):
    steps = [gls(DEVICES[name], seed=seed).step for seed in range(60)]
    error = np.array([step.value for step in steps]) - STEP_A
    u, dof = np.array([step.u for step in steps]), steps[0].dof
    by_chance = 3 * np.std(error) / np.sqrt(len(steps))
    assert abs(error.mean()) < max(0.01 * STEP_A, 0.5 * u.mean(), by_chance)
    covered = np.mean(np.abs(error) < student_t.ppf(0.975, dof) * u)
    assert covered > 0.93 - 2 * np.sqrt(0.93 * 0.07 / len(steps)), "more misses than sixty steps have by chance"
    assert 0.75 < np.std(error / u) < 1.3, "the u of sixty steps is known to 9 %"


def test_without_a_spectrum_the_difference_is_bracketed_and_says_so():
    t, read_a, on, _ = trace(FLAT, STEP_A, 2)
    step = photocurrent_step(t, read_a, on)
    assert step.method == "bracketed"
    assert abs(step.step.value - STEP_A) < 4 * step.step.u < 0.1 * STEP_A
    assert any("no noise spectrum" in flag for flag in step.flags)


def test_a_bend_of_the_dark_current_is_followed_by_least_squares_and_not_by_brackets():
    device = replace(DEVICES["peaked"], asd=1e-14)
    t, read_a, on, psd = trace(device, STEP_A, 3)
    followed, bracketed = photocurrent_step(t, read_a, on, psd=psd), photocurrent_step(t, read_a, on)
    assert abs(followed.step.value / STEP_A - 1) < 0.005
    assert abs(bracketed.step.value / STEP_A - 1) > 0.03
    assert not followed.baseline_settled
    assert any("baseline not settled" in flag for flag in followed.flags)


def test_a_quiet_baseline_is_called_settled():
    assert sum(not gls(seed=seed).baseline_settled for seed in range(8)) <= 1


@pytest.mark.parametrize("factor", [1e-3, 1e6])
def test_units_of_the_current_do_not_matter(factor):
    t, read_a, on, psd = trace(FLAT, STEP_A, 4)
    scaled = NoisePsd(psd.h_a2_hz * factor**2, psd.gamma, psd.w_a2_hz * factor**2, psd.period_s, True, psd.covariance)
    one, other = photocurrent_step(t, read_a, on, psd=psd), photocurrent_step(t, read_a * factor, on, psd=scaled)
    assert other.step.value == pytest.approx(one.step.value * factor, rel=1e-9, abs=0)
    assert other.step.u == pytest.approx(one.step.u * factor, rel=1e-6, abs=0)


@pytest.mark.parametrize("with_spectrum", [True, False])
def test_offset_slope_and_start_of_time_do_not_matter(with_spectrum):
    t, read_a, on, psd = trace(FLAT, STEP_A, 5)
    psd = psd if with_spectrum else None
    one = photocurrent_step(t, read_a, on, psd=psd)
    other = photocurrent_step(t + 1e5, read_a + 3e-7 + 2e-11 * t, on, psd=psd)
    assert other.step.value == pytest.approx(one.step.value, rel=1e-6, abs=0)


def test_the_size_of_the_spectrum_does_not_decide_the_uncertainty():
    t, read_a, on, psd = trace(FLAT, STEP_A, 6)
    tenfold = NoisePsd(100 * psd.h_a2_hz, psd.gamma, 100 * psd.w_a2_hz, psd.period_s, True, psd.covariance)
    one, other = photocurrent_step(t, read_a, on, psd=psd), photocurrent_step(t, read_a, on, psd=tenfold)
    assert other.step.u == pytest.approx(one.step.u, rel=1e-6, abs=0)


@pytest.mark.parametrize("missing", [(0,), (4,), (2, 7)])
def test_a_cycle_in_which_the_tube_did_not_switch_is_dropped_and_counted(missing):
    step = gls(missing=missing)
    assert (step.cycles_used, step.cycles_dropped) == (10 - len(missing), len(missing))
    assert step.dropped == {"beam did not come on": len(missing)}
    assert abs(step.step.value - STEP_A) < 4 * step.step.u


def test_a_window_in_which_the_beam_stayed_on_is_dropped():
    t, read_a, on, psd = trace(FLAT, STEP_A, 7)
    stuck = (t >= 200 + 0.1) & (t < 220)
    assert not on[stuck].any()
    step = photocurrent_step(t, read_a + STEP_A * stuck, on, psd=psd)
    assert step.dropped == {"beam did not go off": 1}
    assert abs(step.step.value - STEP_A) < 4 * step.step.u


def test_noise_alone_loses_no_window():
    for seed in range(12):
        t, read_a, on, psd = trace(FLAT, 0.0, seed, cycles=4, half_s=12.5)
        step = photocurrent_step(t, read_a, on, psd=psd)
        assert step.cycles_used == 4
        assert abs(step.step.value) < student_t.isf(1e-4, step.step.dof) * step.step.u


def test_a_short_discard_shows_as_lag_and_a_long_one_does_not():
    t, read_a, on, psd = trace(FLAT, 2e-7, 8)
    hasty = photocurrent_step(t, read_a, on, psd=psd, discard_s=0.3)
    patient = photocurrent_step(t, read_a, on, psd=psd)
    assert hasty.step.value < 0.995 * patient.step.value
    assert any("discard more" in flag for flag in hasty.flags)
    assert not any("discard more" in flag for flag in patient.flags)


def test_limited_readings_cost_their_window_and_missing_ones_do_not():
    t, read_a, on, psd = trace(FLAT, STEP_A, 9)
    status = np.zeros(len(t))
    status[np.searchsorted(t, 110.0)] = STATUS_FLAGS["compliance"]
    status[np.searchsorted(t, 150.0)] = STATUS_FLAGS["timeout"]
    read_a[np.searchsorted(t, 151.0)] = np.nan
    step = photocurrent_step(t, read_a, on, psd=psd, status=status)
    assert step.dropped == {"limited or range changed": 1}
    assert abs(step.step.value - STEP_A) < 4 * step.step.u


def test_three_cycles_are_refused():
    t, read_a, on, psd = trace(FLAT, STEP_A, 10, cycles=3)
    with pytest.raises(NotEnoughData, match="3 usable on/off cycles, 4 are needed"):
        photocurrent_step(t, read_a, on, psd=psd)


@pytest.mark.parametrize(
    "change",
    [
        lambda t, i, on: (t[::-1], i, on),
        lambda t, i, on: (t, i[:-1], on),
        lambda t, i, on: (t, i, 2 * on),
        lambda t, i, on: (t, i * np.nan, on),
        lambda t, i, on: (t, i, 0 * on),
    ],
)
def test_columns_that_cannot_be_are_refused(change):
    t, read_a, on, psd = trace(FLAT, STEP_A, 11)
    with pytest.raises(NotEnoughData):
        photocurrent_step(*change(t, read_a, on), psd=psd)


def test_edges_known_better_than_the_readings_move_the_windows():
    t, read_a, on, psd = trace(FLAT, STEP_A, 12)
    edges_s = t[np.flatnonzero(np.diff(on)) + 1] + 2.0
    later = photocurrent_step(t, read_a, on, psd=psd, edges_s=edges_s)
    assert later.windows.time_s[1] == pytest.approx(
        photocurrent_step(t, read_a, on, psd=psd).windows.time_s[1] + 1, abs=0.3
    )
    with pytest.raises(NotEnoughData, match="edges given"):
        photocurrent_step(t, read_a, on, psd=psd, edges_s=edges_s[:-1])


def test_windows_keep_away_from_the_edges_and_a_long_wait_is_cut_to_the_usual_length():
    t, read_a, on, _ = trace(FLAT, STEP_A, 13, cycles=4)
    before_s = 0.22 * np.arange(1000)
    t = np.concatenate((before_s, t + before_s[-1] + 0.22))
    read_a, on = np.concatenate((np.full(1000, 1e-7), read_a)), np.concatenate((np.zeros(1000), on))
    windows = windows_of(t, read_a, on, discard_s=7.5, guard_s=0.3, reading_time_s=0.2)
    assert np.ptp(windows.length_s) < 0.5
    edges_s = t[np.flatnonzero(np.diff(on)) + 1]
    for start_s, end_s in zip(
        windows.time_s - windows.length_s / 2, windows.time_s + windows.length_s / 2, strict=True
    ):
        assert (end_s <= edges_s - 0.3 + 1e-9).sum() + (start_s >= edges_s + 7.5 - 1e-9).sum() == len(edges_s)


def test_covariance_and_scatter_are_the_integrals_over_the_spectrum():
    psd = NoisePsd(1e-20, 1.2, 0.0, 0.25, True, np.zeros((3, 3)))
    time_s, length_s = np.array([0.0, 20.0, 75.0]), np.array([12.0, 12.0, 6.0])
    found = covariance_of_means(time_s, length_s, np.full(3, 20.0), psd)

    def integral(i, j):
        def density(log_f):
            f = np.exp(log_f)
            wave = (
                np.sinc(f * length_s[i]) * np.sinc(f * length_s[j]) * np.cos(2 * np.pi * f * (time_s[i] - time_s[j]))
            )
            return f * psd.power(np.array([f]))[0] * wave

        low = np.log(1e-3 / (75 + 12))
        edges = [low, *np.log(np.linspace(0.002, 1.5, 150))]
        return sum(quad(density, a, b, epsrel=1e-4)[0] for a, b in pairwise(edges))

    for i, j in ((0, 0), (0, 1), (2, 1)):
        assert found[i, j] == pytest.approx(integral(i, j), rel=0.01, abs=0)
    assert found == pytest.approx(found.T, rel=1e-12, abs=0)


def test_the_scatter_that_the_spectrum_expects_is_what_windows_of_such_noise_show():
    psd, seen = spectrum(FLAT), []
    for seed in range(10):
        t, read_a, on, _ = trace(replace(FLAT, rise=0, absorbed_a=0), 0.0, seed)
        seen.append(windows_of(t, read_a, on, discard_s=7.5, guard_s=0.3, reading_time_s=0.2).scatter())
    mean, u = np.mean([v.value for v in seen]), np.mean([v.u for v in seen]) / np.sqrt(len(seen))
    expected = expected_scatter(psd, readings=56, period_s=0.22, reading_time_s=0.2)
    assert abs(mean - expected) < 4 * u < 0.1 * expected
