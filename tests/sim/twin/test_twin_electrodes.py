import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import brentq

from instruments.sim.keithley2400 import SimKeithley2400
from instruments.sim.twin import DEVICES, Crystal
from instruments.sim.twin.devices import GLASS_BLANK
from instruments.sim.twin.electrodes import with_electrodes
from instruments.sim.twin.injection import Injection
from instruments.sim.twin.world import World

E_C, EPSILON = 1.602176634e-19, 8.8541878e-12
FILLING_V = {"untreated": 3.6196, "mai": 1.2613, "atomistic": 0.3997}
TRAPS = {"untreated": (1.63e14, 4e-3, 8e-9), "mai": (5.68e13, 3e-3, 2e-8), "atomistic": (1.8e13, 2e-3, 2e-9)}
SINGLE_GAP_NA = {  # at 20 V and these temperatures
    "untreated": (2.64, 7.91, 28.8, 192, 1631),
    "mai": (5.32, 18.8, 89.8, 562, 3418),
    "atomistic": (1.54, 4.33, 10.9, 81.6, 4187),
}
TEMPERATURES_K = (240, 260, 280, 300, 320)


def still(name, kind, temperature_k=298.0, spread=0.5, **settings):
    device = with_electrodes(replace(DEVICES[name], trap_spread=spread), kind)
    return Crystal(device, seed=1, noise="none", temperature_k=temperature_k, **settings)


def current_a(crystal, bias_v, start_s=0.0):
    crystal.set_bias(start_s, bias_v)
    return crystal.mean_current_a(start_s, start_s + 0.1)


@pytest.mark.parametrize("name", list(DEVICES))
def test_one_gap_has_the_conductivity_of_the_fingers_and_the_currents_of_its_cell_constant(name):
    device = with_electrodes(DEVICES[name], "single_gap")
    fast = replace(device, rise_share=0.0, fall_share=0.0, absorption_1s_a=0.0)
    for temperature_k, expected_na in zip(TEMPERATURES_K, SINGLE_GAP_NA[name], strict=True):
        found_a = current_a(Crystal(fast, seed=1, noise="none", temperature_k=temperature_k), 20.0)
        assert found_a * 1e9 == pytest.approx(expected_na, rel=5e-3)  # three digits
    conductivities = [Crystal(each, seed=1).truth()["conductivity_298k_s_per_m"] for each in (device, DEVICES[name])]
    assert conductivities[0] == pytest.approx(conductivities[1], rel=1e-12)


def test_one_gap_is_as_noisy_as_the_fingers_relative_to_its_current_and_absorbs_as_much():
    fingers, gap = DEVICES["mai"], with_electrodes(DEVICES["mai"], "single_gap")
    for field in ("noise_1hz_a_per_rthz", "absorption_1s_a", "dark_current_298k_a"):
        assert getattr(gap, field) / getattr(fingers, field) == pytest.approx(4.23e-3 / 0.0435)
    assert gap.sensitivity_c_gy_m2 == 0


def level_balance_a(name, bias_v):
    """One level of traps, as a root of the balance of charges instead of the twin's steps."""
    traps, share, ohmic_s = TRAPS[name]
    charge = 4 * EPSILON * 32 / (math.pi * 50e-6) * bias_v / E_C
    free = brentq(lambda n: n + traps * n / (n + share * traps) - charge, 0.0, charge, xtol=1e-3, rtol=1e-14)
    return ohmic_s * bias_v + E_C * free * 5e-3 * bias_v / 50e-6 * 3e-3


@pytest.mark.parametrize("name", list(DEVICES))
def test_injecting_contacts_fill_the_traps_as_the_balance_of_charges_says(name):
    crystal = still(name, "injecting_gap", spread=0.0)
    for number, bias_v in enumerate(np.logspace(math.log10(0.02), math.log10(20), 40)):
        found_a = current_a(crystal, float(bias_v), 10.0 * number)
        assert found_a == pytest.approx(level_balance_a(name, bias_v), rel=1e-8)
    assert crystal.truth()["trap_filling_voltage_v"] == pytest.approx(FILLING_V[name], rel=2e-4)


@pytest.mark.parametrize("spread", [0.0, 0.5, 2.0])
def test_the_injected_current_is_ohmic_then_steep_at_the_filling_voltage_then_a_square_law(spread):
    injection = Injection(with_electrodes(replace(DEVICES["untreated"], trap_spread=spread), "injecting_gap"))

    def steepness(bias_v):
        return injection.slope_s(bias_v) * bias_v / injection.current_a(bias_v)

    assert steepness(0.02) == pytest.approx(2.0, abs=0.1)  # of the injected current alone; the ohmic one is larger
    biases_v = np.linspace(2.5, 5.0, 251)
    steepest_v = biases_v[np.argmax([steepness(bias_v) for bias_v in biases_v])]
    assert steepest_v == pytest.approx(3.6196, rel=0.02 if spread < 1 else 0.15)
    if spread == 0:  # free and held carriers share the last charge in halves: n = n_t sqrt(r), dn/dq = 1/2
        assert steepness(3.6196) == pytest.approx(1 + 1 / (2 * math.sqrt(4e-3)), rel=math.sqrt(4e-3))
    # beyond the filling all further charge is free: slope of V (V - V_T)
    assert steepness(300.0) == pytest.approx(2 + 3.62 / (300 - 3.62), rel=2e-3)
    free = injection.free_per_m2(300.0)
    assert free == pytest.approx(1.63e14 * (300 / 3.6196 - 1), rel=1e-3)


@pytest.mark.parametrize("bias_v", [0.0, 0.02, 0.4, 1.2, -1.2, 3.6, 20.0])
@pytest.mark.parametrize("kind", ["single_gap", "injecting_gap"])
def test_the_conductance_is_the_slope_of_the_current_and_the_chord_its_share_of_the_voltage(kind, bias_v):
    crystal = still("mai", kind)
    crystal.set_bias(0.0, bias_v)
    step_v = 1e-5
    instant = [still("mai", kind) for _ in range(2)]
    above_a, below_a = (current_a(each, bias_v + sign * step_v) for each, sign in zip(instant, (1, -1), strict=True))
    if kind == "injecting_gap":  # everything is instantaneous: what flows is what the slope says
        assert crystal.conductance_s() == pytest.approx((above_a - below_a) / (2 * step_v), rel=1e-4)
        if bias_v:
            assert crystal.chord_s(bias_v) * bias_v == pytest.approx(current_a(crystal, bias_v), rel=1e-12)
    else:
        assert crystal.conductance_s() == crystal.chord_s(bias_v)
    assert crystal.chord_s(1e-9) == pytest.approx(still("mai", kind).conductance_s(), rel=1e-6)


def test_the_injected_current_is_odd_in_the_bias_and_follows_it_at_once():
    crystal = still("atomistic", "injecting_gap")
    up_a, down_a = current_a(crystal, 2.0), current_a(crystal, -2.0, 1.0)
    assert up_a == -down_a
    assert current_a(crystal, 2.0, 5000.0) == up_a
    assert current_a(crystal, 0.0, 6000.0) == 0


def test_a_record_of_an_injecting_gap_is_that_of_single_windows_with_noise_in_proportion_to_the_current():
    single, record = (Crystal(with_electrodes(DEVICES["untreated"], "injecting_gap"), seed=4) for _ in range(2))
    for each in (single, record):
        each.set_bias(0.0, 6.0)
    windows_a = [single.mean_current_a(0.25 * k, 0.25 * (k + 1)) for k in range(200)]
    assert record.currents_a(0.0, 0.25, 200) == pytest.approx(windows_a, rel=1e-12)
    true_a = current_a(still("untreated", "injecting_gap"), 6.0)
    deviation = np.std(windows_a) / true_a
    relative = 8e-10 / 400e-9  # density at 1 Hz over the current, as between fingers; gamma 1.1
    expected = relative * math.sqrt(math.log(200) + 0.2)
    assert 0.5 * expected < deviation < 2 * expected


@pytest.mark.parametrize("limit_a", [1e-8, 1e-6, 3e-5, 1e-4])
def test_a_source_meter_limits_an_injecting_gap_at_the_voltage_where_it_takes_that_current(limit_a):
    world = World(seed=1, device="untreated", electrodes="injecting_gap", noise="none", temperature_k=298.0)
    smu = SimKeithley2400(world.crystal_load, seed=1)
    smu.receive(
        f"*RST;:SENS:CURR:RANG 1e-3;:SENS:CURR:PROT {limit_a};:SOUR:VOLT:RANG 20;:SOUR:VOLT 10;:OUTP ON\n".encode(),
        0.0,
    )
    for at_s in (1.0, 3.0):
        smu.receive(b":READ?\n", at_s)
        _, amps, _, _, status = map(float, smu.replies(at_s + 1)[0].data.split(b","))
        assert int(status) & (1 << 3)  # in compliance
    assert smu.refused == []
    assert amps == pytest.approx(limit_a, rel=1e-3, abs=1e-7)  # gain and offset of the 1 mA range
    volts = world.crystal_load.bias_v
    assert current_a(still("untreated", "injecting_gap"), volts) == pytest.approx(limit_a, rel=1e-3)


def test_a_source_meter_does_not_limit_a_steep_current_that_is_below_its_limit():
    world = World(seed=1, device="untreated", electrodes="injecting_gap", noise="none", temperature_k=298.0)
    smu = SimKeithley2400(world.crystal_load, seed=1)
    smu.receive(b"*RST;:SENS:CURR:RANG 1e-5;:SENS:CURR:PROT 2.5e-6;:SOUR:VOLT:RANG 20;:SOUR:VOLT 3.7;:OUTP ON\n", 0.0)
    smu.receive(b":READ?\n", 1.0)
    amps = float(smu.replies(2.0)[0].data.split(b",")[1])
    expected_a = current_a(still("untreated", "injecting_gap"), 3.7)
    assert expected_a < 2.5e-6 < expected_a * 3.7 * still_slope(3.7) / expected_a  # its slope alone would forbid it
    assert amps == pytest.approx(expected_a, rel=3e-4, abs=2e-9)


def still_slope(bias_v):
    crystal = still("untreated", "injecting_gap")
    crystal.set_bias(0.0, bias_v)
    return crystal.conductance_s()


def test_the_truth_names_the_traps_and_can_be_stored():
    truth = World(seed=1, device="mai", electrodes="injecting_gap", trap_spread=0.0).truth()
    assert json.loads(json.dumps(truth, allow_nan=False)) == truth
    assert truth["crystal"]["trap_density_per_m2"] == 5.68e13
    assert truth["crystal"]["electrodes"] == "injecting_gap"
    assert truth["crystal"]["trap_spread"] == 0


def test_glass_stays_glass_whatever_is_on_it_and_unknown_electrodes_are_refused():
    for kind in ("interdigitated", "single_gap", "injecting_gap"):
        assert with_electrodes(GLASS_BLANK, kind) == GLASS_BLANK
    with pytest.raises(ValueError, match="'comb' are unknown; allowed are interdigitated, single_gap, injecting_gap"):
        with_electrodes(DEVICES["mai"], "comb")
    with pytest.raises(ValueError, match="has electrodes already: single_gap"):
        with_electrodes(with_electrodes(DEVICES["mai"], "single_gap"), "single_gap")
