"""What one instrument does, seen by another: the simulated bench as a whole, through the bytes of every line.

Expected numbers are those that the physics of the bench states (tables and closed forms), not those of its code.
"""

import math

import numpy as np
import pytest

from instruments.agilent35670a import NoiseSettings
from instruments.lakeshore335 import ControlSettings, HeaterRange
from instruments.sr570 import Sr570Settings
from instruments.wire.minix2 import FaultCode
from tests.acceptance.coupled import (
    BEAM,
    FLICKER_A,
    RIPPLE,
    STEEPNESS_AL,
    WARM_S,
    coupled,
    dose_tolerance,
    photocurrent_a,
    step_tolerance_a,
    table_gy_s,
)  # fmt: skip
from tests.sim.twin.closed_forms import LAWS


@pytest.fixture
def lit():
    """A bench with the tube warm at 50 kV and 100 uA, the crystal long under bias, and its dark current before."""
    rig = coupled(roles=BEAM, temperature_k=298.0)
    rig.bias()
    rig.clock.sleep(WARM_S)
    rig.ready()  # now: zero and air are good for an hour
    rig.dark_a = rig.currents_a(100).mean()
    rig.tube.set_output(50e3, 100e-6)
    rig.keep(WARM_S)
    yield rig
    rig.tube.shutdown()
    rig.smu.shutdown()
    assert rig.refused() == {}
    assert not rig.world.devices["tube"].beam_on
    assert rig.world.crystal.bias_v == 0


def test_dosimeter_and_crystal_see_the_beam_that_the_tube_was_told_to_make(lit):
    expected_gy_s = table_gy_s(50, 1, 100)
    found_gy_s = lit.kerma_rate_gy_s(60.0)
    assert found_gy_s == pytest.approx(expected_gy_s, rel=dose_tolerance(60, expected_gy_s))
    lit_a = lit.currents_a(100)
    lit.tube.safe_off()
    lit.clock.sleep(60.0)
    dark_a = lit.currents_a(100)
    step_a, window_s = photocurrent_a(expected_gy_s), 22.0
    assert lit_a.mean() - dark_a.mean() == pytest.approx(step_a, abs=step_tolerance_a(step_a, window_s, 82.0))
    drift_a = 0.004 * 150e-9 * 2 * WARM_S / 12000  # of the ions meanwhile
    tolerance_a = step_tolerance_a(0.0, window_s, WARM_S) + drift_a
    assert dark_a.mean() == pytest.approx(lit.dark_a, abs=tolerance_a)
    assert lit.kerma_rate_gy_s(60.0) == pytest.approx(0.0, abs=6e-10 / math.sqrt(30) + 2e-11)
    truth = lit.world.truth()
    beam_s = lit.beams[-1].time_s - lit.beams[1].time_s
    assert truth["beam_on_s"] == pytest.approx(beam_s, abs=1e-6)
    # the ramp of 0.5 s and the warm-up of the tube, 3 % with 240 s, are missing
    assert truth["dose_gy"] == pytest.approx(expected_gy_s * (beam_s - 0.03 * 240 - 0.4), rel=1e-3)


@pytest.mark.parametrize(("kv", "ua"), [(50, 200), (50, 20), (40, 100), (30, 100)])
def test_the_dose_follows_voltage_and_current_of_the_tube_as_the_table_says(lit, kv, ua):
    lit.tube.set_output(kv * 1e3, ua * 1e-6)
    lit.keep(20.0)
    expected_gy_s = table_gy_s(kv, 1, ua)
    digits = 0.5 / 100 if kv < 50 else 0.0  # three digits of the table
    tolerance = dose_tolerance(60, expected_gy_s) + digits
    assert lit.kerma_rate_gy_s(60.0) == pytest.approx(expected_gy_s, rel=tolerance)
    lit_a = lit.currents_a(50).mean()
    step_a = photocurrent_a(expected_gy_s)
    tolerance_a = step_tolerance_a(step_a, 11.0, WARM_S) + 1.2 * digits * step_a + 2e-10
    assert lit_a - lit.dark_a == pytest.approx(step_a, abs=tolerance_a)


@pytest.mark.parametrize("al_mm", [2, 3, 10])
def test_foils_that_a_person_mounts_weaken_the_beam_as_the_table_says(lit, al_mm):
    assert lit.do(f"mount_aluminium {(al_mm - 1) * 1e-3}") == "DONE"
    lit.keep(20.0)
    expected_gy_s = table_gy_s(50, al_mm, 100)
    foil = 0.01 * (al_mm - 1) / al_mm * STEEPNESS_AL[al_mm]  # a foil differs from its label by up to 1 %
    found_gy_s = lit.kerma_rate_gy_s(60.0)
    assert found_gy_s == pytest.approx(expected_gy_s, rel=dose_tolerance(60, expected_gy_s) + foil)
    step_a = photocurrent_a(found_gy_s)
    tolerance_a = step_tolerance_a(step_a, 11.0, WARM_S) + 1.2 * dose_tolerance(60, found_gy_s) * step_a + 2e-10
    assert lit.currents_a(50).mean() - lit.dark_a == pytest.approx(step_a, abs=tolerance_a)


def test_a_reading_of_200_ms_that_spans_the_end_of_the_beam_holds_the_share_that_came_before_it():
    rig = coupled(roles=BEAM, temperature_k=298.0, noise="none")
    rig.tube.prepare()
    rig.bias()
    rig.clock.sleep(WARM_S)
    dark_a = rig.smu.read().current_a
    rig.tube.set_output(50e3, 100e-6)
    rig.keep(WARM_S)
    full_a = rig.currents_a(20).mean() - dark_a
    rig.world.devices["tube"].open_interlock(rig.clock.now() + 0.1)
    cut_a, after_a = (rig.smu.read().current_a - dark_a for _ in range(2))
    # trigger and source delay shift the window by less than 5 ms; the fast part dies with 30 ms, the slow with 1.5 s
    left_s = 0.92 * 0.03 * (1 - math.exp(-0.1 / 0.03)) + 0.08 * 1.5 * (1 - math.exp(-0.1 / 1.5))
    assert cut_a / full_a == pytest.approx((0.1 + left_s) / 0.2, abs=0.005 / 0.2 + 3 * RIPPLE / math.sqrt(0.2))
    assert 0.04 < after_a / full_a < 0.12
    assert rig.tube.status().fault is FaultCode.INTERLOCK_OPEN
    assert rig.refused() == {}


def test_a_ramp_of_the_stage_changes_the_dark_current_by_the_law_of_conduction():
    rig = coupled(roles=("smu", "temperature"), temperature_k=298.0)
    rig.temperature.identify()
    rig.temperature.configure(ControlSettings(HeaterRange.HIGH))
    rig.bias()
    found = []
    for target_k in (298.0, 303.0):
        rig.temperature.start_ramp(target_k, 5.0)
        rig.clock.sleep(1200.0)
        current_a = np.mean([rig.smu.read().current_a for _ in range(50)])
        shown_k = rig.temperature.read().temperature_k
        crystal_k = rig.world.stage.crystal_k(rig.clock.now())
        # 5 mK rms of the sensor; the room cools the crystal by g2/(G2 + g2) of what it is warmer
        assert shown_k == pytest.approx(crystal_k, abs=5 * 5e-3 + 0.005 * abs(crystal_k - 296.15))
        assert shown_k == pytest.approx(target_k, abs=0.1)
        found.append((current_a, crystal_k))
    (cold_a, cold_k), (warm_a, warm_k) = found
    law = LAWS["atomistic"]
    expected = law.conductance_s(warm_k) / law.conductance_s(cold_k)
    assert expected > 1.9
    # the ions add up to 0.4 % of their share; flicker of both means; what the crystal still moved meanwhile
    moved = 0.16 * 5e-3
    flicker = 3 * FLICKER_A / 150e-9 * math.sqrt(2 * math.log(2) + math.log(1200 / 11) + 1)
    assert warm_a / cold_a == pytest.approx(expected, rel=0.004 + moved + flicker)
    rig.temperature.safe_off()
    assert rig.refused() == {}


def test_preamplifier_and_analyser_give_the_noise_density_of_the_crystal():
    rig = coupled(roles=("preamplifier", "analyser"), temperature_k=298.0, wiring="preamplifier")
    rig.preamplifier.configure(Sr570Settings(1e-6, bias_v=5.0))
    rig.clock.sleep(WARM_S)
    rig.analyser.configure(NoiseSettings(25.0, -9, 64, lines=400))
    spectrum = rig.analyser.measure()
    assert not spectrum.overload
    density_a = spectrum.density_v_per_rthz * 1e-6
    seen = (spectrum.frequency_hz >= 1.0) & (spectrum.frequency_hz <= 10.0)
    whitened = density_a[seen] ** 2 * spectrum.frequency_hz[seen]
    # 50 % Hann overlap: neighbouring records correlate by 1/36 in power, neighbouring lines by 4/9 and 1/36
    records = 64 / (1 + 2 / 36)
    lines = seen.sum() / (1 + 2 * (4 / 9 + 1 / 36))
    one_line, all_lines = 1 / math.sqrt(records), 1 / math.sqrt(records * lines)
    gain = 2 * 0.005  # of the preamplifier, in power
    assert math.sqrt(whitened.mean()) == pytest.approx(FLICKER_A, rel=(4 * all_lines + gain + 2 * 0.004) / 2)
    assert np.std(whitened) / np.mean(whitened) == pytest.approx(one_line, rel=4 / math.sqrt(2 * lines))
    slope = np.polyfit(np.log(spectrum.frequency_hz[seen]), np.log(density_a[seen] ** 2), 1)[0]
    spread = np.std(np.log(spectrum.frequency_hz[seen]))
    assert slope == pytest.approx(-1.0, abs=4 * one_line / math.sqrt(lines) / spread)
    rig.preamplifier.safe_off()
    assert rig.refused() == {}
    assert rig.world.crystal.bias_v == 0


ONE_OF_EACH = ("smu", "tube", "dosimeter", "preamplifier", "analyser", "temperature", "operator")


def a_day_of_beams(looks_at=None):
    """Change beam, foils and stage at fixed moments; let `looks_at(rig, until_s)` happen in between."""
    rig = coupled(roles=ONE_OF_EACH, noise="none")
    rig.tube.prepare()
    rig.temperature.identify()
    rig.temperature.configure(ControlSettings(HeaterRange.HIGH))
    rig.preamplifier.configure(Sr570Settings(1e-6))
    rig.bias()
    rig.clock.sleep_until(100.0)
    rig.dosimeter.identify()
    rig.dosimeter.configure()
    rig.tell_air()
    rig.dosimeter.start("all day")
    rig.temperature.start_ramp(300.0, 5.0)
    plan = {
        110: lambda: rig.tube.set_output(50e3, 100e-6),
        120: lambda: rig.do("mount_aluminium 0.002"),
        130: lambda: rig.tube.set_output(40e3, 150e-6),
        140: rig.tube.safe_off,
        150: lambda: rig.tube.set_output(50e3, 20e-6),
        160: lambda: rig.do("mount_aluminium 0"),
        170: lambda: rig.do("open_lid"),
        175: lambda: rig.do("close_lid"),
        180: lambda: rig.tube.set_output(50e3, 200e-6),
        200: rig.tube.safe_off,
    }
    for second in range(105, 210):
        rig.clock.sleep_until(float(second))
        if second in plan:
            plan[second]()
        rig.tube.status()
        if looks_at is not None:
            looks_at(rig, second + 0.6)
    rig.clock.sleep_until(212.0)
    current_a = rig.smu.read().current_a
    dose_gy = rig.dosimeter.read().dose_gy
    rig.world.advance(rig.clock.now())
    return rig, current_a, dose_gy


def looker(seed):
    rng = np.random.Generator(np.random.PCG64(seed))

    def look(rig, until_s):
        others = (
            rig.smu.read,
            rig.dosimeter.read,
            rig.temperature.read,
            rig.analyser.identify,
            lambda: rig.preamplifier.set_bias(None, settle=False),
            lambda: rig.world.advance(rig.clock.now()),
            rig.world.truth,
            lambda: rig.clock.sleep(rng.uniform(0.0, 0.3)),
        )
        while rig.clock.now() < until_s:
            others[rng.integers(len(others))]()
            rig.clock.sleep(rng.uniform(0.0, 0.1))

    return look


@pytest.fixture(scope="module")
def nobody_looked():
    return a_day_of_beams()


@pytest.mark.parametrize("seed", range(3))
def test_whoever_looks_in_whatever_order_the_world_goes_the_same_way(seed, nobody_looked):
    alone, current_a, dose_gy = nobody_looked
    watched, watched_a, watched_gy = a_day_of_beams(looker(seed))
    assert [each.kv for each in alone.beams if not each.on] == [0.0] * 3  # twice switched off, once the lid
    assert max(each.ua for each in alone.beams) == 200.0
    assert watched.beams == alone.beams
    truth, other = watched.world.truth(), alone.world.truth()
    assert truth["beam_on_s"] == pytest.approx(other["beam_on_s"], rel=1e-12)
    assert truth["dose_gy"] == pytest.approx(other["dose_gy"], rel=1e-9)
    assert watched_gy == pytest.approx(dose_gy, rel=1e-3)
    # the crystal's temperature moves in steps of 1 mK, 0.016 % of the current each
    assert watched_a == pytest.approx(current_a, rel=1e-3)
    assert watched.refused() == {}
