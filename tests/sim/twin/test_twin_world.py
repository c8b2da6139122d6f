import json
import math

import numpy as np
import pytest

from instruments.sim.keithley2400 import SimKeithley2400
from instruments.sim.twin import Crystal
from instruments.sim.twin.world import World
from tests.sim.twin.closed_forms import LAWS


def world(**settings):
    return World(**({"seed": 1, "noise": "none", "temperature_k": 298.0, "ripple": 0.0} | settings))


class Tube:
    """A tube that carries out a plan, lazily, as simulated instruments do."""

    def __init__(self, head, plan):
        self.head, self.plan, self.calls_s = head, list(plan), []

    def advance(self, now_s):
        self.calls_s.append(now_s)
        while self.plan and self.plan[0][0] <= now_s:
            self.head.set_beam(*self.plan.pop(0))


def step_a(ours, at_s, window_s=1.0):
    return ours.crystal_load.mean_current_a(at_s, at_s + window_s)


def test_the_beam_reaches_chamber_and_crystal():
    ours = world()
    ours.crystal_load.set_bias(0.0, 5.0)
    dark_a = step_a(ours, 5000.0)
    ours.set_beam(5002.0, 50.0, 100.0)
    lit_a = step_a(ours, 9000.0)
    rate_gy_s = ours.kerma_rate_gy_s(9000.0, 9001.0)
    assert rate_gy_s == pytest.approx(212.5e-9 * 100.05, rel=1e-3)  # table, with the tube's offset current
    low, high = 6e5, 6e5 + 2e5 * (20.3 + 30) / 20.3 * rate_gy_s / (rate_gy_s + 30e-6)
    assert low < high
    # the dark current goes on drifting by less than 1e-3 of itself
    assert lit_a - dark_a == pytest.approx(high * 1e-2 * math.pi * 1e-6 * rate_gy_s, abs=1e-3 * dark_a)


def test_a_window_that_is_looked_at_late_sees_each_change_at_its_own_moment():
    plan = [(10.0, 50.0, 100.0), (10.35, 0.0, 0.0), (11.0, 50.0, 200.0)]
    late, prompt = world(), world()
    tube = Tube(late, plan)
    late.register(tube.advance)
    for each in (late, prompt):
        each.crystal_load.set_bias(0.0, 5.0)
        step_a(each, 8.0)
    early_a = []
    for start_s in np.arange(90, 120) / 10:
        for change in [each for each in plan if start_s <= each[0] < start_s + 0.1 - 1e-9]:
            prompt.set_beam(*change)
        early_a.append(step_a(prompt, start_s, 0.1))
    assert step_a(late, 9.0, 3.0) == pytest.approx(np.mean(early_a), rel=1e-9)
    assert not tube.plan


def test_a_filter_that_is_put_in_weakens_the_beam_from_that_moment_on():
    ours = world()
    ours.set_beam(0.0, 50.0, 100.0)
    ours.set_filter(5000.5, 10e-3)
    before, across, after = (ours.kerma_rate_gy_s(5000.0 + t, 5000.5 + t) for t in (0.0, 0.25, 0.5))
    assert after / before == pytest.approx(7.210 / 212.5, rel=1e-3)
    assert across == pytest.approx((before + after) / 2)


def test_those_who_move_the_world_are_brought_up_to_each_look_but_not_in_circles():
    ours = world()
    tube = Tube(ours, [(3.0, 50.0, 100.0)])
    ours.register(tube.advance)
    ours.register(lambda now_s: ours.kerma_rate_gy_s(now_s - 1, now_s))  # one that looks while it is brought up
    assert ours.kerma_rate_gy_s(3.0, 4.0) > 0
    ours.catch_up(4.0)
    assert tube.calls_s == [4.0]


def test_a_tube_that_moves_by_itself_is_not_called_from_its_own_call():
    ours = world()
    tube = Tube(ours, [(1.0, 20.0, 50.0), (1.05, 40.0, 50.0), (1.1, 50.0, 50.0)])
    ours.register(tube.advance)
    tube.advance(7.0)  # somebody spoke with it
    assert tube.calls_s == [7.0]
    assert ours.kerma_rate_gy_s(2.0, 3.0) > 0


@pytest.mark.parametrize("what", ["set_filter", "set_beam", "block_beam", "add_stray_kerma", "set_temperature"])
def test_what_the_crystal_has_lived_through_cannot_be_changed(what):
    arguments = {
        "set_filter": (2e-3,),
        "set_beam": (50.0, 5.0),
        "add_stray_kerma": (1e-9,),
        "set_temperature": (300.0,),
    }
    ours = world()
    step_a(ours, 10.0)
    getattr(ours, what)(11.0 - 0.5e-9, *arguments.get(what, ()))
    with pytest.raises(ValueError, match=r"10\.9 s lies in the past of the crystal, which is at 11\.0 s"):
        getattr(ours, what)(10.9, *arguments.get(what, ()))
    with pytest.raises(ValueError, match="past of the crystal"):
        getattr(ours, what)(float("nan"), *arguments.get(what, ()))


def test_what_the_chamber_has_shown_cannot_be_changed():
    ours = world()
    ours.kerma_rate_gy_s(0.0, 20.0)
    with pytest.raises(ValueError, match="past of the chamber"):
        ours.set_beam(19.0, 50.0, 5.0)


@pytest.mark.parametrize(("wiring", "sees"), [("smu", [True, False]), ("preamplifier", [False, True])])
def test_the_crystal_is_wired_to_one_instrument_and_the_other_sees_an_open_input(wiring, sees):
    ours = world(wiring=wiring)
    for terminals in (ours.crystal_load, ours.preamplifier_source):
        terminals.set_bias(0.0, 5.0)
    currents = [ours.crystal_load.mean_current_a(1.0, 2.0), float(ours.preamplifier_source.currents_a(2.0, 0.1, 3)[1])]
    assert [abs(each) > 1e-9 for each in currents] == sees
    assert [each == 0 for each in currents] == [not each for each in sees]


def test_in_the_dark_the_world_s_crystal_is_the_crystal_alone():
    ours, alone = World(seed=3, device="mai"), Crystal("mai", seed=3)
    for each in (ours.crystal_load, alone):
        each.set_bias(0.0, 5.0)
    for second in range(50):
        window = second + 0.5, second + 0.7
        assert ours.crystal_load.mean_current_a(*window) == alone.mean_current_a(*window)


def test_a_source_meter_measures_the_step_of_a_beam_it_knows_nothing_of():
    ours = world(device="atomistic", noise="lod")
    ours.register(Tube(ours, [(2000.0, 50.0, 95.5)]).advance)
    smu = SimKeithley2400(ours.crystal_load, seed=1)
    smu.receive(b"*RST;:SOUR:VOLT 5;:SENS:CURR:RANG 1e-6;:SENS:CURR:PROT 1e-5;:SENS:CURR:NPLC 10;:OUTP ON\n", 0.0)

    def read_a(at_s):
        smu.receive(b":READ?\n", at_s)
        return float(smu.replies(at_s + 5)[0].data.split(b",")[1])

    found_a = read_a(1990.0), read_a(9000.0)
    assert smu.refused == []
    rate_gy_s = ours.kerma_rate_gy_s(9000.0, 9001.0)
    # 8e5 uC/(Gy cm2) at this rate; noise and drift of meter and crystal are below a nanoampere
    assert found_a[1] - found_a[0] == pytest.approx(8e3 * math.pi * 1e-6 * rate_gy_s, abs=2e-9)


def test_a_partly_irradiated_chamber_shows_a_thousandth_and_the_sensitivity_looks_the_same():
    def apparent(field, distance_m):
        ours = world(chamber_field=field, distance_m=distance_m)
        ours.set_beam(0.0, 50.0, 20.0)
        ours.crystal_load.set_bias(0.0, 5.0)
        current_a = step_a(ours, 5000.0)
        off = world()
        off.crystal_load.set_bias(0.0, 5.0)
        rate_gy_s = ours.chamber_share * ours.kerma_rate_gy_s(5000.0, 5001.0)  # what a chamber shows
        return rate_gy_s, (current_a - step_a(off, 5000.0)) / rate_gy_s / math.pi / 1e-6 * 100

    rate_gy_s, sensitivity = apparent("partial", 0.3)
    full_gy_s, _ = apparent("covered", 0.3)
    assert full_gy_s / rate_gy_s == pytest.approx(955)
    assert sensitivity == pytest.approx(6.0e5, rel=5e-3)  # towards no dose
    assert apparent("covered", 0.3 * math.sqrt(955))[1] == pytest.approx(sensitivity, rel=1e-6)
    assert unity_gain_uc() == pytest.approx(8e5 / 955, rel=5e-3)


def unity_gain_uc():
    """Behind 1 mm of aluminium at 50 kV."""
    return world().exposure.table.quality(50.0, 1e-3).unity_gain_c_gy_m2 * 100


def test_faults_of_the_beam_part_dose_and_beam():
    ours = world()
    ours.add_stray_kerma(1.0, 5e-9)
    assert ours.kerma_rate_gy_s(0.5, 1.5) == pytest.approx(2.5e-9)  # dose without beam
    ours.add_stray_kerma(2.0, 0.0)
    ours.set_beam(2.0, 50.0, 100.0)
    ours.block_beam(2.0)
    assert ours.kerma_rate_gy_s(2.0, 3.0) == 0  # beam without dose
    ours.block_beam(4.0, False)
    beam_gy_s = ours.kerma_rate_gy_s(4.0, 5.0)
    assert beam_gy_s > 1e-6
    ours.add_stray_kerma(5.0, 1e-3)
    warming_gy_s = beam_gy_s * 0.03 / 240 * 1.1  # within a second, and a little for what the beam still lacks
    assert ours.kerma_rate_gy_s(5.0, 6.0) == pytest.approx(beam_gy_s + 1e-3, abs=warming_gy_s)


def test_faults_of_the_wires_add_to_the_current():
    ours, sound = world(), world()
    for each in (ours, sound):
        each.crystal_load.set_bias(0.0, 5.0)
    ours.set_leak(0.0, 1e-3)
    ours.set_offset_current(0.0, 2e-6)
    assert step_a(ours, 1.0) - step_a(sound, 1.0) == pytest.approx(5e-3 + 2e-6)
    assert ours.crystal_load.chord_s(5.0) > 1e-3
    records_a = [each.crystal_load.currents_a(3.0, 0.1, 5) for each in (ours, sound)]
    assert records_a[0] - records_a[1] == pytest.approx(np.full(5, 5e-3 + 2e-6))


class Stage:
    """A stage that warms by a known law, and answers a moment that is over with its present."""

    def __init__(self, k_per_s):
        self.k_per_s, self.now_s = k_per_s, 0.0

    def crystal_k(self, time_s):
        self.now_s = max(self.now_s, time_s)
        return 298.0 + self.k_per_s * self.now_s


def test_the_crystal_follows_the_stage():
    ours, steady = world(), world()
    ours.thermometer = Stage(1e-2)
    for each in (ours, steady):
        each.crystal_load.set_bias(0.0, 5.0)
        each.crystal_load.mean_current_a(0.0, 0.1)
    ratio = step_a(ours, 100.0) / step_a(steady, 100.0)
    assert 298.99 <= ours.crystal.temperature_k <= 299.0  # it is looked at once a second
    law = LAWS["atomistic"]  # the conduction follows it, the dielectric absorption does not
    conduction = law.conductance_s(ours.crystal.temperature_k) / law.conductance_s(298)
    absorbed_a = law.absorption_a * 100**-0.8
    dark_a = step_a(steady, 101.0)
    expected = ((dark_a - absorbed_a) * conduction + absorbed_a) / dark_a
    assert ratio == pytest.approx(expected, rel=1e-3)


def test_a_fast_recorder_follows_the_stage_too():
    ours = world(wiring="preamplifier")
    ours.thermometer = Stage(1e-2)
    source = ours.preamplifier_source
    source.set_bias(0.0, 5.0)
    currents_a = source.currents_a(1000.0, 2**-6, 6400)
    seconds_a = currents_a.reshape(100, 64).mean(axis=1)
    law = LAWS["atomistic"]
    expected = [law.conductance_s(308 + 0.01 * k) / law.conductance_s(308) for k in range(100)]
    # the ions' rise of 0.4 % with 12 000 s at 298 K, half of that here, adds less than 1e-4
    assert seconds_a / seconds_a[0] == pytest.approx(expected, rel=1e-4)


def test_temperatures_that_were_announced_take_effect_at_their_moments():
    ours, alone = world(device="mai"), Crystal("mai", seed=1, noise="none", temperature_k=298.0)
    for each in (ours.crystal_load, alone):
        each.set_bias(0.0, 5.0)
    for time_s, temperature_k in ((600.0, 300.0), (900.0, 310.0)):
        ours.set_temperature(time_s, temperature_k)
        alone.set_temperature(time_s, temperature_k)
    assert step_a(ours, 1100.0) == alone.mean_current_a(1100.0, 1101.0)
    ours.set_temperature(1101.0, 290.0)  # at the crystal's very present
    alone.set_temperature(1101.0, 290.0)
    assert step_a(ours, 1101.0) == alone.mean_current_a(1101.0, 1102.0)


def test_the_truth_tells_the_beam_the_dose_and_the_switches():
    ours = world(spectral="energy", chamber_field="partial", wiring="preamplifier", dose_nonlinearity="none")
    ours.set_beam(100.0, 50.0, 100.0)
    ours.set_beam(160.0, 0.0, 0.0)
    ours.set_beam(200.0, 50.0, 100.0)
    ours.catch_up(230.0)
    truth = ours.truth()
    assert json.loads(json.dumps(truth, allow_nan=False)) == truth
    assert truth["beam_on_s"] == pytest.approx(90)
    dose_gy = 60 * ours.kerma_rate_gy_s(100.0, 160.0) + 30 * ours.kerma_rate_gy_s(200.0, 230.0)
    assert truth["dose_gy"] == pytest.approx(dose_gy)
    assert truth == ours.truth()
    wanted = {"spectral": "energy", "dose_nonlinearity": "none", "chamber_field": "partial", "wiring": "preamplifier"}
    assert {key: truth[key] for key in wanted} == wanted
    assert truth["crystal"]["device"] == "atomistic"


def test_an_old_past_is_forgotten_and_its_dose_is_not():
    ours = world()
    for cycle in range(2000):
        ours.set_beam(20.0 * cycle, 50.0, 100.0)
        ours.set_beam(20.0 * cycle + 10, 0.0, 0.0)
        if cycle % 10 == 0:
            ours.kerma_rate_gy_s(20.0 * cycle, 20.0 * cycle + 5)
            ours.crystal_load.mean_current_a(20.0 * cycle, 20.0 * cycle + 1)
    assert len(ours.exposure.tube) < 2 * 7200 / 10 + 100
    truth = ours.truth()
    assert truth["beam_on_s"] == pytest.approx(20_000)
    full_gy_s = 212.486e-9 * 100.05
    assert 0.97 * 20_000 * full_gy_s < truth["dose_gy"] < 20_000 * full_gy_s


def test_a_glass_blank_can_take_the_crystal_s_place():
    ours = world(device="glass")
    ours.crystal_load.set_bias(0.0, 5.0)
    ours.set_beam(10.0, 50.0, 95.5)
    rate_gy_s = ours.kerma_rate_gy_s(5000.0, 5001.0)
    assert step_a(ours, 5000.0) == pytest.approx(0.16 * math.pi * 1e-6 * rate_gy_s, abs=1e-13)


@pytest.mark.parametrize(
    "wrong",
    [
        {"device": "gold"}, {"wiring": "scope"}, {"chamber_field": "half"}, {"spectral": "blue"}, {"seed": -1},
        {"total_al_m": 0.04}, {"distance_m": 0.0}, {"dose_nonlinearity": "wild"},
    ],
)  # fmt: skip
def test_an_unknown_world_is_refused(wrong):
    said = str(next(iter(wrong.values()))).replace("0.04", "40 mm")
    with pytest.raises(ValueError, match=said):
        World(**({"seed": 1} | wrong))
