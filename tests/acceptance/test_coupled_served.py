"""Two programs at once on a simulated bench that is served over real ports."""

import threading

import pytest

from instruments.connect import open_adapter
from instruments.keithley2400 import LINE as SMU_LINE
from instruments.keithley2400 import Keithley2400, SourceVoltageSettings
from instruments.minix2 import LINE as TUBE_LINE
from instruments.minix2 import MiniX2
from instruments.sim.bench import Settings, SimBench
from instruments.sim.serve import ServedBench
from xraydaq.clock import ScaledClock

LASTS_S = 2.0


@pytest.mark.long
def test_two_programs_speak_with_tube_and_source_of_a_served_bench_at_the_same_time():
    clock, beams = ScaledClock(1.0, 1.8e9), []
    bench = SimBench(clock, Settings(), roles=("smu", "tube"), is_served=True, on_beam=beams.append)
    problems, readings, shown = [], [], []
    with ServedBench(bench, clock) as served:
        smu = Keithley2400(open_adapter(served.resources["smu"], SMU_LINE), clock=clock, max_bias_v=10.0)
        tube = MiniX2(
            open_adapter(served.resources["tube"], TUBE_LINE),
            clock=clock, max_voltage_v=50e3, max_current_a=200e-6, max_power_w=10.0,
        )  # fmt: skip
        dark_seen, over = threading.Event(), threading.Event()

        def measure():
            smu.configure(SourceVoltageSettings(20.0, 1e-5, 1e-4, nplc=1, line_frequency_hz=50.0))
            smu.output_enabled = True
            smu.bias_v = 5.0
            while not over.is_set():
                readings.append((clock.now(), smu.read().current_a))
                if len(readings) >= 3:
                    dark_seen.set()
            smu.safe_off()

        def shine():
            tube.prepare()
            assert dark_seen.wait(30.0)
            tube.set_output(50e3, 100e-6)
            end_s = clock.now() + LASTS_S
            while clock.now() < end_s:
                shown.append(tube.status())
            tube.safe_off()

        def kept(act):
            try:
                act()
            except Exception as error:  # shown by the test, whatever it is
                problems.append(error)
            finally:
                over.set()  # neither goes on alone

        threads = [threading.Thread(target=kept, args=(act,)) for act in (measure, shine)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30.0)
        assert not any(thread.is_alive() for thread in threads)
        smu.close()
        tube.close()
    assert problems == []
    assert all(status.hv_enabled for status in shown)
    assert len(shown) > 5
    assert [each.cause for each in beams] == ["set-points", *["ramp"] * 10, beams[-1].cause]
    assert [each.on for each in beams] == [True] * 11 + [False]
    assert (beams[-2].kv, beams[-2].ua) == (50.0, 100.0)
    lit_s, dark_s = beams[-2].time_s, beams[1].time_s
    before = [current for time_s, current in readings if time_s < dark_s - 0.1]
    lit = [current for time_s, current in readings if lit_s + 0.2 < time_s < beams[-1].time_s - 0.1]
    assert before
    assert lit
    assert min(lit) > 2 * max(before)
    assert not bench.devices["tube"].beam_on
    assert bench.crystal.bias_v == 0
    assert {role: device.refused for role, device in bench.devices.items() if device.refused} == {}


def test_a_bench_of_one_instrument_knows_nothing_of_the_others():
    bench = SimBench(ScaledClock(1.0), roles=("smu",))
    assert list(bench.devices) == ["smu"]
    assert bench.stage is None
    assert bench.truth()["beam_on_s"] == 0
