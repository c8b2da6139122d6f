import math

import numpy as np
import pytest

from instruments.sim.sr570.state import HIGH_BANDWIDTH, LOW_DRIFT, LOW_NOISE, State
from tests.sim.sr570.conftest import Bench


def near(volts: float):
    """Allow the gain error and the offset of one unit, 0.5 % and 10 mV, and 0.5 mV for noise and transients."""
    return pytest.approx(volts, abs=5e-3 * abs(volts) + 10.5e-3)


def density(volts: np.ndarray, rate_hz: float, band_hz: tuple[float, float]) -> tuple[float, float]:
    """Get the rms density in a band and the relative standard error of its square."""
    power = 2 * np.abs(np.fft.rfft(volts - volts.mean())) ** 2 / (rate_hz * len(volts))
    frequency_hz = np.fft.rfftfreq(len(volts), 1 / rate_hz)
    inside = (frequency_hz >= band_hz[0]) & (frequency_hz <= band_hz[1])
    return math.sqrt(power[inside].mean()), 1 / math.sqrt(inside.sum())


def test_the_output_is_the_current_over_the_sensitivity_within_the_errors_of_each_unit():
    found = []
    for seed in (3, 3, 4):
        bench = Bench(seed)
        bench.input.amps = 2e-6
        bench.reset()
        found.append(bench.volts())
    assert found == [near(2.0)] * 3
    assert found[0] == found[1] != 2.0
    assert abs(found[2] - found[0]) > 1e-4  # the mean over 1 s is noisy by 1 uV


def test_inversion_turns_the_sign_and_blanking_leaves_nothing(bench):
    bench.input.amps = 2e-6
    bench.reset("INVT 1")
    assert bench.volts() == near(-2.0)
    bench.tell("BLNK 1")
    assert np.all(bench.samples_v() == 0)


def test_the_vernier_takes_gain_away_without_a_sign_of_it(bench):
    bench.input.amps = 4e-6
    bench.reset("SUCV 25")
    assert bench.volts() == near(4.0)
    bench.tell("SUCM 1", wait_s=1)
    assert bench.volts() == near(1.0)


@pytest.mark.parametrize(("polarity", "volts"), [(1, 3.0), (-1, -1.0)])
def test_the_offset_current_is_added_with_the_sign_of_the_unit(polarity, volts):
    bench = Bench(offset_polarity=polarity)
    bench.input.amps = 1e-6
    bench.reset("IOLV 19", "IOON 1")
    assert bench.volts() == near(volts)
    bench.tell("IOUC 1", "IOUV -500", wait_s=1)
    assert bench.volts() == near(1 - polarity)


def test_a_bias_acts_at_its_own_moment_also_on_windows_that_are_asked_for_later(bench):
    bench.input.siemens = 1e-6
    bench.reset("BSON 1")
    start_s = bench.clock.now()
    bench.clock.sleep(0.5)
    bench.tell("BSLV 2000", wait_s=0.5)
    volts = bench.device.voltages_v(start_s, 1e-3, 1000)
    assert volts[:500].mean() == near(0.0)
    assert volts[600:].mean() == near(2.0)


def test_who_digitises_is_told_before_the_bias_changes(bench):
    told = []
    bench.device.before_change = lambda time_s: told.append((time_s, len(bench.input.biases)))
    bench.reset("BSON 1", "BSLV 100", "SENS 20")
    bench.device.advance(bench.clock.now())
    assert told == [(bench.input.biases[0][0], 0)]


@pytest.mark.parametrize(
    ("sensitivity", "mode", "bandwidth_hz", "noise_a"),
    [(18, LOW_NOISE, 20e3, 600e-15), (18, HIGH_BANDWIDTH, 200e3, 2e-12), (18, LOW_DRIFT, 20e3, 2e-12),
     (9, LOW_NOISE, 15, 10e-15), (0, LOW_NOISE, 10, 5e-15), (27, LOW_NOISE, 1e6, 150e-12),
     (19, LOW_NOISE, 20e3 * 10 ** math.log10(2), 600e-15 * (2e-12 / 600e-15) ** math.log10(2))],
)  # fmt: skip
def test_bandwidth_and_noise_follow_the_data_sheet(sensitivity, mode, bandwidth_hz, noise_a):
    state = State(sensitivity=sensitivity, gain_mode=mode)
    assert state.bandwidth_hz == pytest.approx(bandwidth_hz)
    assert state.noise_a_per_rthz == pytest.approx(noise_a)


def test_the_noise_at_the_output_is_that_of_the_table(bench):
    bench.reset()
    rate_hz = 20e3
    found, error = density(bench.samples_v(4.0, rate_hz), rate_hz, (200, 2000))
    expected = 600e-15 / 1e-6 * math.sqrt(1 + 2 / 700)  # 1/f below 2 Hz adds this much in the band's middle
    assert found == pytest.approx(expected, rel=5 * error / 2 + 5e-3)  # and the gain of the unit


def test_below_the_corner_the_noise_rises_as_one_over_f(bench):
    bench.reset()
    found, error = density(bench.samples_v(400, 50.0), 50.0, (0.09, 0.11))
    assert found == pytest.approx(600e-15 / 1e-6 * math.sqrt(1 + 2 / 0.1), rel=5 * error / 2)


@pytest.mark.parametrize(
    ("commands", "frequency_hz", "share"),
    [
        (["FLTT 3", "LFRQ 7"], 100, math.sqrt(1 / 2)), (["FLTT 4", "LFRQ 7"], 100, 1 / 2),
        (["FLTT 0", "HFRQ 5"], 10, math.sqrt(1 / 2)), (["FLTT 1", "HFRQ 5"], 10, 1 / 2),
        (["FLTT 2", "HFRQ 5", "LFRQ 7"], 100, math.sqrt(1 / 2 / 1.01)), (["SENS 12"], 200, math.sqrt(1 / 2)),
        (["FLTT 5"], 10, 1.0),
    ],
)  # fmt: skip
def test_filters_and_bandwidth_take_from_a_tone_what_their_poles_say(bench, commands, frequency_hz, share):
    bench.reset(*commands)
    rate_hz, amplitude_v = 20e3, 1.0
    amps = amplitude_v * bench.device.state.sensitivity_a_per_v
    bench.input.currents_a = lambda start_s, spacing_s, count: (
        amps * np.sin(2 * math.pi * frequency_hz * (start_s + spacing_s * (np.arange(count) + 0.5)))
    )
    volts = bench.samples_v(3.0, rate_hz)[round(rate_hz) :]
    found = math.sqrt(2) * volts.std()
    # 0.5 % of gain; a pole at f is placed to (pi f/rate)^2/6, which is nothing here.
    assert found == pytest.approx(share * amplitude_v, rel=6e-3)


def test_the_output_clips_at_five_volts_and_the_lamp_stays_on_until_reset(bench):
    bench.input.amps = 9e-6
    bench.reset()
    assert np.all(bench.samples_v() == 5)
    bench.tell("SENS 21")
    bench.clock.sleep(1)
    bench.volts()
    assert bench.device.overload_latched
    bench.tell("ROLD", wait_s=1)
    bench.volts()
    assert not bench.device.overload_latched


def test_a_slow_filter_keeps_the_charge_of_an_overload_until_it_is_discharged():
    still_over, discharged = [], []
    for commands, found in (((), still_over), (("ROLD",), discharged)):
        bench = Bench()
        bench.input.amps = 50e-6
        bench.reset("FLTT 3", "LFRQ 1")
        bench.samples_v(30.0, 100.0)
        bench.input.amps = 1e-6
        bench.tell(*commands)
        bench.samples_v(0.6, 100.0)
        found.append(float(bench.samples_v(0.2).mean()))
    assert still_over == [5.0]  # 10 V fall towards 1 V and reach 5 V in ln(9/4) time constants of 1.6 s: 1.29 s
    assert discharged[0] == near(1.0)


@pytest.mark.parametrize(
    ("command", "settling_s"), [("SENS 0", 3.0), ("SENS 21", 0.3), ("GNMD 1", 0.3), ("FLTT 3", 0.3)]
)
def test_a_change_of_gain_mode_or_filter_swings_to_the_rail_and_settles_in_the_time_of_the_table(
    bench, command, settling_s
):
    bench.reset()
    quiet = bench.volts()
    bench.tell(command, wait_s=0)
    volts = bench.samples_v(2 * settling_s, 1000.0)
    assert np.abs(volts).max() == 5
    late = np.abs(volts[round(1000 * (settling_s + 0.02)) :] - quiet)
    # exp(-7.6) of 10 V, and five sigma of the noise at 1 pA/V, the worst: 16 Hz for 10 Hz of one pole, 23 Hz for 1/f.
    assert late.max() <= 10 * math.exp(-7.6) + (5 * 5e-3 * math.sqrt(16 + 23) if command == "SENS 0" else 1e-3)
    assert np.abs(volts[round(1000 * (settling_s / 4))] - quiet) > 5 * math.exp(-7.6 / 4)


def test_other_commands_leave_no_spike(bench):
    bench.reset()
    bench.tell("INVT 1", "IOLV 3", "BSLV 5", wait_s=0)
    assert np.abs(bench.samples_v()).max() < 11e-3
