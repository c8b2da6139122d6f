"""The crystal is unplugged from one instrument and plugged into another while the bench runs."""

import math

import numpy as np
import pytest

from instruments.agilent35670a import NoiseSettings
from instruments.sim.twin import Crystal
from instruments.sim.twin.world import World
from instruments.sr570 import Sr570Settings
from tests.acceptance.coupled import coupled
from xraydaq.bench.operator import CONNECT_CRYSTAL


def world(**settings):
    return World(**({"seed": 1, "noise": "none", "temperature_k": 298.0} | settings))


def test_a_plugged_crystal_has_the_voltage_of_its_new_input_and_an_unplugged_one_none():
    ours, alone = world(device="mai"), Crystal("mai", seed=1, noise="none", temperature_k=298.0)
    ours.preamplifier_source.set_bias(0.0, 3.0)
    ours.crystal_load.set_bias(0.0, 5.0)
    plan = [(0.0, 5.0), (100.0, 3.0), (200.0, 0.0), (300.0, 5.0)]
    for (moment_s, bias_v), wiring in zip(plan, ("smu", "preamplifier", "none", "smu"), strict=True):
        if moment_s:
            ours.connect_crystal(moment_s, wiring)
        alone.set_bias(moment_s, bias_v)
        assert ours.crystal.bias_v == bias_v
        assert ours.truth()["wiring"] == wiring
        seen_a = {
            "smu": ours.crystal_load.mean_current_a(moment_s + 50, moment_s + 51),
            "preamplifier": float(ours.preamplifier_source.currents_a(moment_s + 50, 1.0, 1)[0]),
        }
        expected_a = alone.mean_current_a(moment_s + 50, moment_s + 51)
        assert seen_a == {name: pytest.approx(expected_a if name == wiring else 0.0) for name in seen_a}
        assert (ours.crystal_load.chord_s(5.0) > 0) == (wiring == "smu")


def test_a_window_in_which_a_person_plugs_shows_the_crystal_for_as_long_as_it_is_there():
    ours, alone = world(), Crystal("atomistic", seed=1, noise="none", temperature_k=298.0)
    ours.crystal_load.set_bias(0.0, 5.0)
    ours.connect_crystal(10.0, "none")
    ours.connect_crystal(1000.25, "smu")
    for moment_s, bias_v in ((0.0, 5.0), (10.0, 0.0), (1000.25, 5.0)):
        alone.set_bias(moment_s, bias_v)
    assert ours.crystal_load.mean_current_a(1000.0, 1001.0) == pytest.approx(
        0.75 * alone.mean_current_a(1000.25, 1001.0)
    )
    ours.connect_crystal(1002.5, "preamplifier")
    found_a = ours.preamplifier_source.currents_a(1001.0, 1.0, 6)
    assert found_a[:2] == pytest.approx(np.zeros(2))
    assert np.isfinite(found_a).all()
    assert ours.crystal_load.mean_current_a(1003.0, 1004.0) == 0


def test_nobody_plugs_in_the_past_or_into_what_is_not_there():
    ours = world()
    ours.crystal_load.mean_current_a(0.0, 10.0)
    with pytest.raises(ValueError, match="past of the crystal"):
        ours.connect_crystal(9.0, "preamplifier")
    with pytest.raises(ValueError, match="'scope' is unknown; allowed are smu, preamplifier, none"):
        ours.connect_crystal(11.0, "scope")
    assert ours.truth()["wiring"] == "smu"


@pytest.fixture
def rig():
    rig = coupled(roles=("smu", "preamplifier", "analyser", "operator"), temperature_k=298.0)
    yield rig
    rig.preamplifier.safe_off()
    rig.smu.shutdown()
    rig.clock.sleep(1.0)
    rig.world.advance(rig.clock.now())
    assert {role: said for role, said in rig.refused().items() if role != "operator"} == {}
    assert rig.world.crystal.bias_v == 0


def test_one_run_measures_the_open_input_first_and_then_the_crystal(rig):
    rig.preamplifier.configure(Sr570Settings(1e-6, bias_v=5.0))
    rig.analyser.configure(NoiseSettings(25.0, -9, 8, lines=100))
    open_a = rig.analyser.measure().density_v_per_rthz * 1e-6
    assert rig.do(f"{CONNECT_CRYSTAL} preamplifier") == "DONE"
    assert rig.world.crystal.bias_v == 5.0
    rig.clock.sleep(1800.0)
    spectrum = rig.analyser.measure()
    seen = (spectrum.frequency_hz >= 1) & (spectrum.frequency_hz <= 10)
    device_a = spectrum.density_v_per_rthz * 1e-6
    assert math.sqrt(np.mean(device_a[seen] ** 2 * spectrum.frequency_hz[seen])) == pytest.approx(1e-10, rel=0.25)
    assert open_a[seen].max() < 0.1 * device_a[seen].min()
    assert rig.do(f"{CONNECT_CRYSTAL} none") == "DONE"
    assert rig.world.crystal.bias_v == 0


def test_a_crystal_that_is_plugged_in_the_middle_of_a_spectrum_leaves_the_samples_before_it_alone(rig):
    rig.preamplifier.configure(Sr570Settings(1e-6, bias_v=5.0))
    rig.analyser.configure(NoiseSettings(25.0, -9, 8, lines=100))
    rig.world.links["analyser"].send(b"ABOR;:INIT\n", rig.clock.now())
    rig.clock.sleep(10.0)
    assert rig.do(f"{CONNECT_CRYSTAL} preamplifier") == "DONE"
    rig.clock.sleep(600.0)
    rig.world.advance(rig.clock.now())
    assert rig.analyser.measure().density_v_per_rthz.max() > 0


def test_a_person_unplugs_a_source_meter_and_its_readings_are_those_of_an_open_input(rig):
    rig.bias(nplc=1)
    before_a = [rig.smu.read().current_a for _ in range(5)]
    assert min(before_a) > 1e-7
    assert rig.do(f"{CONNECT_CRYSTAL} none") == "DONE"
    assert max(abs(rig.smu.read().current_a) for _ in range(5)) < 1e-9  # offset of the 10 uA range
    assert rig.do(f"{CONNECT_CRYSTAL} smu") == "DONE"
    assert rig.smu.read().current_a > 1e-7
    assert rig.do(f"{CONNECT_CRYSTAL} scope").startswith("IMPOSSIBLE: wiring 'scope' is unknown")
