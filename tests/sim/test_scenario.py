import math
from dataclasses import replace

import pytest

from instruments.sim.bench import Settings, SimBench
from instruments.sim.scenario import Happening, parse_happenings
from xraydaq.bench.opening import simulation_settings
from xraydaq.clock import JumpingClock
from xraydaq.config import default_bench, load_bench
from xraydaq.errors import ConfigError

ROLES = ("smu", "tube")


def test_faults_of_lines_and_of_the_world_are_read_from_text():
    found = parse_happenings(["smu:late@10-12.5", "interlock_open@t=30"], ROLES)
    assert found == (Happening("smu", "late", 10.0, 12.5), Happening("", "interlock_open", 30.0, math.inf))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("late", "write ROLE:NAME@START-END"),
        ("smu:late@5-5", "the end is not after the start"),
        ("late@5", "no such fault of the world; allowed: interlock_open"),
        ("meter:late@5", "no role meter; allowed: smu, tube"),
        ("smu:interlock_open@5", "no such fault of a line; allowed: cut"),
        ("sensor_open@5", "the bench has no role temperature"),
        ("smu:late@nan", "write ROLE:NAME@START-END"),
    ],
)
def test_other_texts_are_refused_with_what_is_allowed(text, said):
    with pytest.raises(ConfigError, match=said) as caught:
        parse_happenings([text, "smu:cut@1"], ROLES)
    assert len(caught.value.problems) == 1


def test_a_fault_of_the_world_happens_at_its_moment_whoever_looks_at_the_world_and_when():
    happenings = parse_happenings(["beam_without_dose@100-120", "overload@110-110.5"], ("smu",))
    clock = JumpingClock(1.8e9)
    clock.sleep(1000.0)  # the bench begins when it is built
    world = SimBench(clock, Settings(noise="none", happenings=happenings)).world
    world.set_beam(1000.0, 50.0, 100.0)
    world.crystal_load.set_bias(1000.0, 5.0)
    before, across, after = (world.kerma_rate_gy_s(*window) for window in ((1099, 1100), (1100, 1130), (1130, 1131)))
    assert 0 < before < after  # the tube warms
    assert across == pytest.approx(after / 3, rel=5e-3)  # a third of it is lit; ripple 1e-3
    windows = ((1109.8, 1109.9), (1110.1, 1110.2), (1110.6, 1110.7))
    assert [world.crystal_load.mean_current_a(*window) > 9e-3 for window in windows] == [False, True, False]


def test_a_tube_that_is_stopped_by_a_fault_stops_at_its_moment():
    happenings = parse_happenings(["interlock_open@100-200"], ("tube",))
    beams = []
    bench = SimBench(JumpingClock(1.8e9), Settings(happenings=happenings), roles=("smu", "tube"), on_beam=beams.append)
    bench.devices["tube"].controller.unit = replace(bench.devices["tube"].controller.unit, stopped_talking_s=None)
    bench.devices["tube"].controller.set_output(kv=50.0, ua=100.0)
    bench.advance(500.0)  # nobody looked in between
    assert [each.time_s for each in beams if not each.on] == [100.0]
    assert bench.world.kerma_rate_gy_s(500.0, 501.0) == 0


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ("fire@3", 'twin.faults: "fire@3": no such fault of the world'),
        ("smu:late@3", "twin.faults: late: only faults of the world"),
    ],
)
def test_a_bench_file_names_faults_of_its_world_only(faults, said):
    bench = load_bench(default_bench())
    bench = bench.model_copy(update={"twin": bench.twin.model_copy(update={"faults": faults})})
    with pytest.raises(ConfigError, match=said):
        simulation_settings(bench, "mai")
    bench = bench.model_copy(update={"twin": bench.twin.model_copy(update={"faults": "compliance@5, overload@6-7"})})
    assert [each.start_s for each in simulation_settings(bench, "mai").happenings] == [5.0, 6.0]
