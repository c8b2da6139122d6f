import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from instruments.sim.twin import Crystal
from tests.sim.twin.closed_forms import LAWS, slowness

NAMES = list(LAWS)
TEMPERATURES_K = [290.0, 298.15, 310.0]


def quiet(name, temperature_k=298.15):
    """The truth: a crystal without noise."""
    return Crystal(name, seed=0, temperature_k=temperature_k, noise="none")


@pytest.mark.parametrize("temperature_k", TEMPERATURES_K)
@pytest.mark.parametrize("name", NAMES)
def test_the_current_after_a_step_is_the_published_law(name, temperature_k):
    crystal = quiet(name, temperature_k)
    crystal.set_bias(1000.0, 5.0)
    for start_s in np.logspace(np.log10(3e-3), 6, 60):
        end_s = 1.1 * start_s
        expected_a = LAWS[name].mean_current_a(start_s, end_s, 5.0, temperature_k)
        assert crystal.mean_current_a(1000 + start_s, 1000 + end_s) == pytest.approx(expected_a, rel=2e-3), start_s


@pytest.mark.parametrize("name", NAMES)
def test_steps_of_the_bias_superpose(name):
    steps = [(0.0, 5.0), (20.0, -8.0), (400.0, 0.0), (5000.0, 2.0)]
    crystal, expected_a, before_v = quiet(name), 0.0, 0.0
    for time_s, bias_v in steps:
        crystal.set_bias(time_s, bias_v)
        expected_a += LAWS[name].mean_current_a(9000 - time_s, 9010 - time_s, bias_v - before_v, 298.15)
        before_v = bias_v
    assert crystal.mean_current_a(9000.0, 9010.0) == pytest.approx(expected_a, rel=2e-3)


@pytest.mark.parametrize("name", NAMES)
def test_reading_in_between_does_not_change_what_comes_later(name):
    seldom, often = quiet(name), quiet(name)
    for crystal in (seldom, often):
        crystal.set_bias(0.0, 5.0)
    means_a = [often.mean_current_a(time_s, time_s + 0.1) for time_s in np.arange(0, 100) / 10]
    assert np.mean(means_a) == pytest.approx(seldom.mean_current_a(0.0, 10.0), rel=1e-9)
    for crystal in (seldom, often):
        crystal.set_bias(20.0, 5.0)  # the same bias again is no step
    assert often.mean_current_a(50.0, 51.0) == pytest.approx(seldom.mean_current_a(50.0, 51.0), rel=1e-9)


def test_a_long_past_of_steps_and_odd_windows_takes_no_more_memory_than_a_short_one():
    crystal = Crystal("mai", seed=0)

    def work(seconds):
        for second in seconds:
            crystal.set_bias(float(second), second % 7)
            crystal.mean_current_a(second + 0.1 + second * 1e-6, second + 0.4)
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before_bytes = work(range(600))
        assert work(range(600, 2600)) - before_bytes < 20_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", NAMES)
def test_reversed_bias_reverses_the_current(name):
    forward, backward = quiet(name), quiet(name)
    forward.set_bias(0.0, 5.0)
    backward.set_bias(0.0, -5.0)
    for start_s in (0.0, 1.0, 500.0):
        assert forward.mean_current_a(start_s, start_s + 0.2) == -backward.mean_current_a(start_s, start_s + 0.2)


def test_ions_keep_their_progress_while_the_temperature_changes():
    law, crystal = LAWS["mai"], quiet("mai", 290.0)
    crystal.set_bias(0.0, 5.0)
    crystal.set_temperature(600.0, 300.0)
    crystal.set_temperature(900.0, 310.0)
    reduced_s = 600 / slowness(290) + 300 / slowness(300) + 200 / slowness(310)
    growth = 1 + law.share(310) * law.ionic_growth(reduced_s)
    expected_a = law.conductance_s(310) * 5 * growth + law.absorption_a * 1100**-0.8
    assert crystal.mean_current_a(1100.0, 1100.001) == pytest.approx(expected_a, rel=1e-4)


def test_a_second_window_of_the_same_length_feels_the_new_temperature():
    law, crystal = LAWS["mai"], quiet("mai", 298.15)
    crystal.set_bias(0.0, 5.0)
    crystal.mean_current_a(0.0, 600.0)
    crystal.set_temperature(600.0, 310.0)
    late_s = 600 * slowness(310) / slowness(298.15)  # the age in which 310 K alone would have brought the ions as far
    ionic_a = replace(law, absorption_a=0.0).mean_current_a(late_s, late_s + 600, 5.0, 310)
    absorbed_a = law.absorption_a * (1200**0.2 - 600**0.2) / 0.2 / 600
    assert crystal.mean_current_a(600.0, 1200.0) == pytest.approx(ionic_a + absorbed_a, rel=1e-4)


def test_the_current_follows_the_temperature_at_once():
    crystal = quiet("atomistic", 298.0)
    crystal.set_bias(0.0, 5.0)
    before_a = crystal.mean_current_a(1000.0, 1000.2)
    crystal.set_temperature(1000.2, 299.0)
    after_a = crystal.mean_current_a(1000.2, 1000.4)
    assert after_a / before_a == pytest.approx(LAWS["atomistic"].conductance_s(299) / 3e-8, rel=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_the_slope_for_an_immediate_change_is_that_of_the_conduction(name):
    crystal = quiet(name)
    crystal.set_bias(0.0, 5.0)
    crystal.mean_current_a(0.0, 30000.0)
    assert crystal.conductance_s() == pytest.approx(LAWS[name].conductance_s(298.15), rel=1e-5)
    before_a = crystal.mean_current_a(30000.0, 30000.2)
    crystal.set_bias(30000.2, 5.5)
    # 10 s later the displacement current is small and the ions have hardly moved
    after_a = crystal.mean_current_a(30010.0, 30010.2)
    assert (after_a - before_a) / 0.5 == pytest.approx(crystal.conductance_s(), rel=0.05)
