import json
from dataclasses import replace

import pytest

from instruments.sim.twin import DEVICES, Crystal


def readings(crystal, count=50, bias_v=5.0):
    crystal.set_bias(0.0, bias_v)
    return [crystal.mean_current_a(second + 0.5, second + 0.7) for second in range(count)]


def test_the_same_seed_gives_the_same_numbers():
    assert readings(Crystal("mai", seed=3)) == readings(Crystal("mai", seed=3))


def test_another_seed_gives_other_numbers():
    ours, theirs = readings(Crystal("mai", seed=3)), readings(Crystal("mai", seed=4))
    assert all(a != b for a, b in zip(ours, theirs, strict=True))


def test_the_origin_of_the_clock_does_not_matter():
    late = Crystal("mai", seed=3)
    late.set_bias(86400.0, 5.0)
    shifted = [late.mean_current_a(86400 + second + 0.5, 86400 + second + 0.7) for second in range(50)]
    assert shifted == pytest.approx(readings(Crystal("mai", seed=3)), rel=1e-9)


@pytest.mark.parametrize("name", list(DEVICES))
def test_a_crystal_that_never_saw_a_bias_gives_no_current_at_all(name):
    assert readings(Crystal(name, seed=1), bias_v=0.0) == [0.0] * 50


@pytest.mark.parametrize("name", list(DEVICES))
def test_at_zero_volts_charge_still_flows_but_long_after_nothing_is_left(name):
    crystal = Crystal(name, seed=1)
    crystal.set_bias(0.0, 5.0)
    crystal.set_bias(100.0, 0.0)
    assert abs(crystal.mean_current_a(100.0, 100.2)) > 1e-9
    assert abs(crystal.mean_current_a(3e7, 3e7 + 1)) < 1e-18


def test_the_worst_bias_is_remembered_without_its_sign():
    crystal = Crystal("mai", seed=1)
    for time_s, bias_v in enumerate([5.0, -20.0, 0.0]):
        crystal.set_bias(float(time_s), bias_v)
    assert (crystal.bias_v, crystal.worst_bias_v) == (0.0, 20.0)


def test_a_window_may_start_a_rounding_error_before_the_end_of_the_last_one():
    crystal = Crystal("mai", seed=1)
    crystal.mean_current_a(0.1, 0.1 + 0.2)
    assert 0.3 < 0.1 + 0.2
    crystal.mean_current_a(0.3, 0.5)
    crystal.set_bias(0.5 - 0.9e-9, 5.0)
    with pytest.raises(ValueError, match="before the crystal's present"):
        crystal.set_bias(0.5 - 2e-9, 5.0)


def test_time_may_stand_still_but_not_go_back():
    crystal = Crystal("mai", seed=1)
    crystal.set_bias(10.0, 5.0)
    crystal.set_bias(10.0, 6.0)
    crystal.mean_current_a(10.0, 10.2)
    for act in (
        lambda: crystal.set_bias(10.1, 5.0),
        lambda: crystal.set_temperature(10.1, 300.0),
        lambda: crystal.mean_current_a(10.1, 11.0),
    ):
        with pytest.raises(ValueError, match=r"10\.1 s is before the crystal's present, 10\.2 s"):
            act()
    assert crystal.bias_v == 6.0


@pytest.mark.parametrize("end_s", [1.0, 1.0 + 1e-12, 0.5, float("nan"), float("inf")])
def test_an_empty_window_is_refused(end_s):
    crystal = Crystal("mai", seed=1)
    with pytest.raises(ValueError, match=r"window from 1\.0 s to .* is shorter than 1 ns"):
        crystal.mean_current_a(1.0, end_s)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda c: c.set_bias(0.0, float("nan")), "bias nan V"),
        (lambda c: c.set_bias(float("nan"), 1.0), "time nan s"),
        (lambda c: c.set_temperature(0.0, float("nan")), "temperature nan K is outside 100 K to 400 K"),
        (lambda c: c.set_temperature(0.0, 25.0), "temperature 25.0 K is outside"),
        (lambda c: c.mean_current_a(float("nan"), 1.0), "nan"),
    ],
)
def test_what_is_not_a_number_in_range_is_refused(act, message):
    with pytest.raises(ValueError, match=message):
        act(Crystal("mai", seed=1))


@pytest.mark.parametrize(
    "wrong", [{"device": "gold"}, {"conduction": "linear"}, {"noise": "loud"}, {"seed": -1}, {"temperature_k": 0.0}]
)
def test_an_unknown_crystal_is_refused(wrong):
    settings = {"device": "mai", "seed": 1} | wrong
    with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
        Crystal(settings.pop("device"), **settings)


def test_the_truth_can_be_stored_and_says_what_the_crystal_is():
    crystal = Crystal("atomistic", seed=7, noise="lod", temperature_k=300.0)
    crystal.set_bias(0.0, -12.0)
    truth = crystal.truth()
    assert json.loads(json.dumps(truth, allow_nan=False)) == truth
    expected = {"device": "atomistic", "seed": 7, "noise": "lod", "temperature_k": 300.0, "worst_bias_v": 12.0}
    assert {key: truth[key] for key in expected} == expected
    assert truth["dark_current_298k_a"] == 150e-9
    assert truth["noise_1hz_a_per_rthz"] == pytest.approx(3.55e-12)
    assert truth["conductivity_298k_s_per_m"] == pytest.approx(6.90e-7, rel=1e-3)


def test_a_device_of_ones_own_can_be_used():
    device = replace(DEVICES["mai"], name="leaky", dark_current_298k_a=1e-3)
    crystal = Crystal(device, seed=1, temperature_k=298.0, noise="none")
    assert crystal.conductance_s() == pytest.approx(2e-4)
    assert crystal.truth()["device"] == "leaky"
