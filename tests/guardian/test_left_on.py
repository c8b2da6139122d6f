"""A run whose way back could not switch the source off, because its connection broke, does so over a new one."""

import pytest

from instruments.emergency.lines import Wiring, open_line
from instruments.sim.serve import ServedBench
from xraydaq.bench.serving import bench_text, served_simulation
from xraydaq.clock import RealClock, ScaledClock
from xraydaq.config import default_bench, load_bench
from xraydaq.guardian.opening import Watch


class Beams:
    """A log that keeps nothing."""

    def bytes(self, *_):
        return None

    beam = bytes


@pytest.mark.parametrize("left_on", [True, False])
def test_what_the_way_back_left_on_is_switched_off_over_a_new_line(tmp_path, monkeypatch, left_on):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    tmp_path.chmod(0o700)
    config = load_bench(default_bench())
    config = config.model_copy(update={"roles": {"smu": config.roles["smu"]}})
    clock, alarms = ScaledClock(1.0), []
    simulation = served_simulation(config, clock, Beams(), device="atomistic", seed=1)
    with ServedBench(simulation, clock) as served:
        written = tmp_path / "served.toml"
        written.write_text(bench_text(config, served.resources))
        watch = Watch(load_bench(written), ("smu",), "a test", tmp_path / "guardian.jsonl", alarms.append)
        with watch.on_real_time(RealClock(), lambda: left_on):
            line = open_line(served.resources["smu"], Wiring(9600))
            line.write(b":OUTP ON;*IDN?\n")
            assert line.read(5.0)
            assert simulation.devices["smu"].instrument.settings.output
            line.close()
        assert simulation.devices["smu"].instrument.settings.output is not left_on
    assert [each.startswith("left off: smu") for each in alarms] == [True] * left_on
