"""Hidden devices and benches: drawn around the known ones, told by the truth and by nothing else."""

import json
import math
from dataclasses import asdict, fields

import numpy as np
import pytest

from instruments.sim.bench import Settings, SimBench
from instruments.sim.twin import DEVICES
from instruments.sim.twin.devices import GLASS_BLANK
from instruments.sim.twin.drawn import Unknowns, drawn_device, drawn_unknowns
from instruments.sim.twin.world import World
from xraydaq.bench.opening import simulation_settings
from xraydaq.clock import JumpingClock
from xraydaq.config import default_bench, load_bench

SEEDS = range(300)
STATED = {  # relative; what the budgets of an analysis state, or what a crystal may differ by
    "activation_high_j": 0.05, "trap_density_per_m2": 0.2, "sensitivity_c_gy_m2": 0.1, "noise_1hz_a_per_rthz": 0.1,
    "field_scale_v_m": 0.15, "gap_m": 0.06, "relative_permittivity": 0.09, "cell_constant_m": 0.05,
}  # fmt: skip
SPREAD_LEFT = 0.9546
"""Of a normal law that is cut at 2.5 standard deviations."""


def spread_is_stated(logs, stated):
    assert max(map(abs, logs)) <= 2.5 * stated * 1.5  # 1.5: for what is a product of two draws
    assert np.std(logs) == pytest.approx(SPREAD_LEFT * stated, rel=4 / math.sqrt(2 * len(logs)))
    assert abs(np.mean(logs)) <= 4 * stated / math.sqrt(len(logs))


@pytest.mark.parametrize("name", ["untreated", "mai", "atomistic"])
def test_devices_are_spread_around_the_named_one_as_stated(name):
    drawn = [drawn_device(name, seed) for seed in SEEDS]
    for field, stated in STATED.items():
        spread_is_stated([math.log(getattr(each, field) / getattr(DEVICES[name], field)) for each in drawn], stated)
    spread_is_stated([each.crossover_k - DEVICES[name].crossover_k for each in drawn], 3.0)
    spread_is_stated([each.noise_exponent - DEVICES[name].noise_exponent for each in drawn], 0.05)
    assert all(0 < each.sensitivity_low_c_gy_m2 < each.sensitivity_c_gy_m2 for each in drawn)
    assert all(0.85 < each.fast_share < 1 for each in drawn)


def test_benches_are_off_as_stated():
    drawn = [drawn_unknowns(seed) for seed in SEEDS]
    for field, stated in (("aperture_area_factor", 0.02), ("chamber_factor", 0.02), ("field_factor", 0.006)):
        spread_is_stated([math.log(getattr(each, field)) for each in drawn], stated)
    for field, widest in (("penumbra_factor", 0.03), ("beam_quality_factor", 0.02)):
        deviations = [getattr(each, field) - 1 for each in drawn]
        assert max(map(abs, deviations)) <= widest
        assert np.std(deviations) == pytest.approx(widest / math.sqrt(3), rel=4 / math.sqrt(2 * len(drawn)))
    spread_is_stated([each.sensor_offset_k for each in drawn], 0.3)
    # a settled crystal lies 3e-4/(0.06 + 3e-4) of its distance from the room closer to it than the block
    spread_is_stated([each.sensor_slope + 3e-4 / 0.0603 for each in drawn], 0.005)
    assert max(abs(each.smu_gain_error) for each in drawn) < 3.5e-4  # the specification of the 1 uA range, as below
    assert max(abs(each.smu_offset_share) for each in drawn) < 1


def test_a_seed_is_one_device_and_draws_of_different_names_know_nothing_of_each_other():
    assert drawn_device("mai", 7) == drawn_device("mai", 7)
    assert drawn_device("mai", 7) != drawn_device("mai", 8)
    drawn = [[drawn_device(name, seed) for name in DEVICES] for seed in range(200)]
    logs = [[math.log(getattr(each, field)) for each in devices for field in STATED] for devices in drawn]
    correlations = np.corrcoef(np.array(logs).T)
    count = len(STATED)
    of_others = [correlations[i, j] for i in range(count) for j in range(count, 3 * count)]
    assert max(map(abs, of_others)) < 4.5 / math.sqrt(200)
    gap, cell = list(STATED).index("gap_m"), list(STATED).index("cell_constant_m")
    assert correlations[gap, cell] < -0.7  # a wider gap between fingers of one pitch has less conductance


def test_the_glass_blank_is_drawn_as_well_and_stays_a_linear_detector_of_air():
    drawn = drawn_device("glass", 3)
    assert drawn.is_air
    assert drawn.sensitivity_low_c_gy_m2 == drawn.sensitivity_c_gy_m2 != GLASS_BLANK.sensitivity_c_gy_m2


def blind(seed, roles=("smu", "tube", "dosimeter", "preamplifier", "temperature"), **changes):
    twin = {"blind_seed": seed} | changes
    bench = load_bench(default_bench())
    bench = bench.model_copy(update={"twin": bench.twin.model_copy(update=twin)})
    return SimBench(JumpingClock(1.8e9), simulation_settings(bench, "mai", "single_gap"), seed=1, roles=roles)


def test_a_blind_bench_holds_the_drawn_crystal_and_its_truth_tells_everything_drawn():
    truth = blind(5).truth()
    assert json.loads(json.dumps(truth, allow_nan=False)) == truth
    device, unknowns = drawn_device("mai", 5), drawn_unknowns(5)
    assert truth["unknowns"] == asdict(unknowns)
    same = {"activation_high_j", "crossover_k", "trap_density_per_m2", "gap_m", "noise_exponent", "field_scale_v_m"}
    assert {field: truth["crystal"][field] for field in same} == {field: getattr(device, field) for field in same}
    assert truth["crystal"]["electrodes"] == "single_gap"
    assert truth["crystal"]["cell_constant_m"] == pytest.approx(device.cell_constant_m * 4.23e-3 / 0.0435)
    told = {key for part in (truth, *filter(lambda each: isinstance(each, dict), truth.values())) for key in part}
    assert {field.name for field in fields(device)} - {"name"} <= told
    assert truth["spot_m2"] == pytest.approx(math.pi * 1e-6 * unknowns.aperture_area_factor * unknowns.penumbra_factor)
    shown = unknowns.chamber_factor * unknowns.beam_quality_factor * unknowns.field_factor
    assert truth["chamber"]["factor"] == pytest.approx(shown)
    assert truth["output_factor"] == pytest.approx(0.40 / shown)  # the chamber shows of it what it always did
    assert truth["stage"]["sensor_offset_k"] == unknowns.sensor_offset_k
    assert len(truth["preamplifier"]["gain_error_of_a_per_v"]) == 28


def test_without_a_blind_seed_bench_and_crystal_are_as_they_are_written():
    bench = load_bench(default_bench())
    settings = simulation_settings(bench, "mai")
    assert settings.device == "mai"
    assert settings.electrodes == "interdigitated"
    assert settings.unknowns == Unknowns()


UNKNOWNS = Unknowns(
    aperture_area_factor=1.1, penumbra_factor=0.98, chamber_factor=1.2, beam_quality_factor=1.01, field_factor=0.99,
    tube_output_factor=0.7, sensor_offset_k=0.5, sensor_slope=0.01, smu_gain_error=3e-4, smu_offset_share=-0.5,
)  # fmt: skip


def looked_at(unknowns, ua):
    settings = Settings(noise="none", unknowns=unknowns, dose_nonlinearity="none")
    bench = SimBench(JumpingClock(1.8e9), settings, seed=1, roles=("smu", "tube", "dosimeter", "temperature"))
    bench.world.set_beam(0.0, 50.0, ua)
    bench.world.crystal_load.set_bias(0.0, 5.0)
    dose_gy_s = bench.chamber.measure(10.0, 70.0).rate_gy_s - bench.chamber.offset_gy_s(40.0)
    return bench, dose_gy_s, bench.world.crystal_load.mean_current_a(100.0, 110.0), bench.stage.sensor_k(110.0)


def test_the_unknowns_of_a_bench_show_in_what_its_instruments_read():
    (_, _, dark_a, _), (_, dose_gy_s, lit_a, sensor_k) = (looked_at(Unknowns(), ua) for ua in (0.0, 100.0))
    bench, off_gy_s, off_a, off_k = looked_at(UNKNOWNS, 100.0)
    recombination = 1 + 10 * (1 - 0.7) * dose_gy_s  # a weaker beam loses less: 10 s/Gy
    assert off_gy_s / dose_gy_s == pytest.approx(0.7 * 1.2 * 1.01 * 0.99 * recombination, rel=1e-5)
    assert (off_a - dark_a) / (lit_a - dark_a) == pytest.approx(0.7 * 1.1 * 0.98, rel=1e-6)
    assert off_k - sensor_k == pytest.approx(0.5 + 0.01 * (sensor_k - 296.15), abs=1e-6)
    assert bench.smu.instrument.meter.calibration.gain_error == 3e-4


def test_the_foils_stay_the_same_from_run_to_run():
    holders = [SimBench(JumpingClock(1.8e9), seed=seed).filters for seed in (1, 2)]
    assert holders[0].true_thickness_m(9e-3) == holders[1].true_thickness_m(9e-3) != 9e-3


def test_the_truth_tells_the_noise_under_the_last_bias():
    bench = SimBench(JumpingClock(1.8e9), Settings(device="untreated", temperature_k=298.0), seed=1)
    told = [bench.truth()["crystal"]["noise_at_bias_a_per_rthz"]]
    for start_s, bias_v in ((1.0, 2.5), (50_000.0, 0.0)):
        bench.world.crystal_load.set_bias(start_s, bias_v)
        last_a = bench.world.crystal_load.mean_current_a(start_s + 40_000, start_s + 40_001)
        told.append(bench.truth()["crystal"]["noise_at_bias_a_per_rthz"])
        if bias_v:
            current_a = last_a
    assert told[0] == pytest.approx(8e-10)  # 5 V at 298 K before any ion has moved
    assert told[1] == told[2] == pytest.approx(8e-10 * current_a / 400e-9, rel=0.05)  # noise of one second


@pytest.mark.parametrize("start_s", [0.0, 1e5])
def test_a_sensitivity_that_drifts_loses_its_share_every_hour_whatever_the_clock_began_with(start_s):
    hours, drifts = (0.5, 2.0, 12.0), (-0.1, 0.0)
    lit, dark = ([faded(drift, ua, start_s, hours) for drift in drifts] for ua in (100.0, 0.0))
    fading_a, steady_a = (np.subtract(*pair) for pair in zip(lit, dark, strict=True))
    assert fading_a / steady_a == pytest.approx(np.exp(-0.1 * np.array(hours)), rel=1e-6)
    assert World(seed=1, sensitivity_drift_per_h=-0.1).truth()["crystal"]["sensitivity_drift_per_h"] == -0.1


def faded(drift_per_h, ua, start_s, hours):
    world = World(seed=1, noise="none", ripple=0.0, sensitivity_drift_per_h=drift_per_h, start_s=start_s)
    world.crystal_load.set_bias(start_s, 5.0)
    world.set_beam(start_s, 50.0, ua)
    return [world.crystal_load.mean_current_a(start_s + 3600 * hour, start_s + 3600 * hour + 1) for hour in hours]


@pytest.mark.parametrize(("roles", "duration_s"), [(("smu",), 43_000), (("smu", "temperature"), 2400)])
def test_a_wandering_temperature_moves_the_crystal_and_the_sensor_beside_it(roles, duration_s):
    bench = SimBench(JumpingClock(1.8e9), Settings(noise="none", temperature_wander_k=0.5), seed=2, roles=roles)
    load = bench.world.crystal_load
    load.set_bias(0.0, 5.0)
    seen_k, sensed_k = [], []
    for second in range(0, duration_s, 300):
        load.mean_current_a(float(second), second + 0.2)
        seen_k.append(bench.crystal.temperature_k)
        if bench.stage is not None:
            sensed_k.append(bench.stage.sensor_k(second + 0.2))
    if bench.stage is None:  # four sines: over the longest period the rms is right within a third
        assert np.std(seen_k) == pytest.approx(0.5, rel=0.34)
    else:  # without a heater nothing else moves crystal and sensor, but the fall from 298.15 K to the room
        fall_k = SimBench(JumpingClock(1.8e9), Settings(noise="none"), seed=2, roles=roles).stage
        falls_k = [(fall_k.crystal_k(second + 0.2), fall_k.sensor_k(second + 0.2)) for second in range(0, 2400, 300)]
        moved_k = np.array(seen_k) - [each for each, _ in falls_k]
        assert np.ptp(moved_k) > 0.2
        assert moved_k == pytest.approx(np.array(sensed_k) - [each for _, each in falls_k], abs=2e-3)
    assert bench.truth()["temperature_wander_k"] == 0.5
