import numpy as np
import pytest

from tests.analysis.synthetic import FLAT, Device, flicker
from xraydaq.analysis.blank_spectrum import blank_spectrum, folded_power

READING_S = 0.2


def runs(seed, *, count=6, period_s=0.4, device=FLAT, white_a=0.0):
    """Blank runs: readings of 0.2 s of one long noise, with a drift that bends."""
    rng, fine = np.random.default_rng(seed), round(period_s / 0.02)
    rows = 600
    noise_a = flicker(rng, count * rows * fine, 0.02, device.asd, device.gamma).reshape(-1, fine)[:, :10].mean(axis=1)
    noise_a = noise_a + white_a * rng.standard_normal(len(noise_a))
    t = period_s * np.arange(rows)
    drift_a = 1e-9 * (t / t[-1]) ** 2
    return [(t + 300.0 * k, 1.5e-7 + drift_a + piece) for k, piece in enumerate(np.split(noise_a, count))]


@pytest.mark.parametrize("period_s", [0.22, 0.4, 1.0])
def test_density_and_exponent_are_those_of_the_device_whatever_the_pause_between_readings(period_s):
    found = [blank_spectrum(runs(seed, period_s=period_s), READING_S) for seed in range(8)]
    density = [psd.density(0.1) for psd in found]
    exponent = [psd.gamma_value() for psd in found]
    for values, truth in ((density, 1e-10 / np.sqrt(0.1)), (exponent, 1.0)):
        pulls = np.array([(value.value - truth) / value.u for value in values])
        assert abs(pulls.mean()) < 1.2, "the mean of eight is known to 0.35"
        assert pulls.std() < 1.9
    assert density[0].u < 0.08 * density[0].value


def test_the_folded_noise_counts_as_white_noise_of_the_readings():
    dense, sparse = (blank_spectrum(runs(9, period_s=each), READING_S) for each in (0.22, 1.0))
    assert sparse.w_a2_hz > 5 * dense.w_a2_hz
    expected = folded_power(1e-20, 1.0, np.array([1e-3]), period_s=1.0, reading_time_s=READING_S)[0]
    assert sparse.w_a2_hz == pytest.approx(expected, rel=0.3, abs=0)


@pytest.mark.slow
@pytest.mark.parametrize("asd", [0.0, 1e-11, 4e-11, 1.6e-10])
def test_neither_kind_of_noise_is_lost_where_the_other_hides_it(asd):
    """From white noise alone to 1/f noise that hides it: no run without a spectrum, none without its white noise."""
    white_a = 1e-10
    folded = folded_power(asd**2, 1.0, np.array([1e-3]), period_s=0.4, reading_time_s=READING_S)[0]
    white = 2 * 0.4 * white_a**2 + folded
    off_w, off_power = [], []
    for seed in range(8):
        psd = blank_spectrum(runs(seed, device=Device(1.5e-7, asd=asd), white_a=white_a), READING_S)
        off_w.append((psd.w_a2_hz - white) / (psd.w_a2_hz * np.sqrt(psd.covariance[2, 2])))
        off_power.append(np.log(psd.power(np.array([0.1, 0.7])) / (asd**2 / np.array([0.1, 0.7]) + white)))
    assert np.max(np.abs(off_w)) < 3.0
    # six runs of some 75 lines an octave below 0.7 Hz and 10 around 0.1 Hz: 7 and 18 %
    assert np.all(np.max(np.abs(off_power), axis=0) < 3 * np.array([0.18, 0.07]))


def test_white_noise_of_the_readings_is_found():
    psd = blank_spectrum(runs(10, device=Device(1.5e-7, asd=2e-11), white_a=1e-10), READING_S)
    folded = folded_power(4e-22, 1.0, np.array([1e-3]), period_s=0.4, reading_time_s=READING_S)[0]
    u = psd.w_a2_hz * np.sqrt(psd.covariance[2, 2])
    # some 175 lines of six runs, correlated by their window and with h and gamma, know the level to no better than u
    assert abs(psd.w_a2_hz - (2 * 0.4 * 1e-20 + folded)) < 3 * u < 0.5 * psd.w_a2_hz


def test_scaling_the_current_scales_the_spectrum():
    one = blank_spectrum(runs(11), READING_S)
    other = blank_spectrum([(t, 1e3 * read_a) for t, read_a in runs(11)], READING_S)
    assert other.h_a2_hz == pytest.approx(1e6 * one.h_a2_hz, rel=1e-6, abs=0)
    assert other.gamma == pytest.approx(one.gamma, abs=1e-6)


def test_short_runs_and_silence_have_no_spectrum():
    assert blank_spectrum([], READING_S) is None
    assert blank_spectrum([(t[:100], read_a[:100]) for t, read_a in runs(12)], READING_S) is None
    assert blank_spectrum([(t, np.zeros_like(t)) for t, _ in runs(12)], READING_S) is None
