import h5py
import pytest

from instruments.sim.serve import EventLog, ServedBench
from tests.runner.conftest import Watcher, config_of
from xraydaq.bench.serving import bench_text, served_simulation
from xraydaq.clock import RealClock, ScaledClock
from xraydaq.config import default_bench, load_bench
from xraydaq.errors import Refused
from xraydaq.report.notices import bench_notice
from xraydaq.runner import RunOptions, run
from xraydaq.runner.closing import close_run
from xraydaq.runner.run import clock_for
from xraydaq.storage import read_run

SECONDS = (
    "bias=1 V", "ramp_rate=10 V/s", "duration=1 s", "baseline_duration=500 ms", "tail_duration=500 ms",
    "period=250 ms", "nplc=1",
)  # fmt: skip
ROWS = 3 + 5 + 3


@pytest.fixture
def served(tmp_path):
    """A bench that is served in real time, and the recipe that dials in."""
    clock = ScaledClock(1.0)
    bench = load_bench(default_bench())
    with EventLog(None) as events:
        world = served_simulation(bench, clock, events, device="atomistic", seed=5)
        with ServedBench(world, clock) as server:
            path = tmp_path / "served.toml"
            path.write_text(bench_text(bench, server.resources), encoding="utf-8")
            yield world, config_of(*SECONDS, bench=path)


def test_a_run_on_a_served_bench_takes_real_time_and_says_that_it_is_simulated(served, tmp_path):
    world, config = served
    wall, watcher = RealClock(), Watcher()
    start_s = wall.now()
    outcome = run(config, RunOptions(out=tmp_path / "runs"), watcher)
    assert (outcome.state, outcome.reason) == ("finished", "")
    assert wall.now() - start_s >= 2.0  # what its recipe holds: half a second, one second, half a second
    stored = read_run(outcome.folder)
    assert stored.rows == ROWS
    assert (stored.header.simulated, stored.header.served_simulation) == (True, True)
    assert (stored.header.seed, stored.twin_truth) == (None, None)  # known to the other process alone
    assert world.links["smu"].device.refused == []
    assert stored.instruments["smu"]["settings_end"][":OUTP?"] == "0"


@pytest.mark.long
def test_the_result_of_a_served_bench_names_it_in_words(served, tmp_path):
    _, config = served
    closed = close_run(run(config, RunOptions(out=tmp_path / "runs"), Watcher()).folder)
    assert (closed.simulated, closed.served) == (True, True)
    with h5py.File(closed.result_path) as file:
        assert file["entry/instrument/name"].asstr()[()] == bench_notice(True, served=True)
        assert file["entry/experiment_description"].asstr()[()].endswith("simulated: not a measurement")
        assert "twin_truth" not in file["entry/daq"]


def test_a_served_bench_has_the_time_of_its_server_and_no_other(served):
    _, config = served
    assert isinstance(clock_for(config, None), RealClock)
    assert isinstance(clock_for(config, "real"), RealClock)
    with pytest.raises(Refused, match="served by another process; only real time"):
        clock_for(config, "max")


def test_every_kind_of_bench_has_words_of_its_own():
    assert bench_notice(True, served=True) == "simulated bench (served by another process)"
    assert len({bench_notice(True), bench_notice(True, served=True), bench_notice(False)}) == 3
    assert bench_notice(None, served=True) == ""
