import os
import signal
import threading

import numpy as np
import pytest

from instruments.sim.bench import SimBench
from instruments.sim.twin import Crystal
from procedures.bias_stability import BiasStability
from tests.runner.conftest import Watcher, config_of
from xraydaq.clock import JumpingClock, RealClock, ScaledClock
from xraydaq.config.shipped import shipped_configs
from xraydaq.errors import ConfigError, Refused
from xraydaq.runner import RunOptions, run
from xraydaq.runner.run import clock_for
from xraydaq.storage import STATUS_FLAGS, build_result, read_run

TIMEOUT, BAD_REPLY, COMPLIANCE = STATUS_FLAGS["timeout"], STATUS_FLAGS["bad_reply"], STATUS_FLAGS["compliance"]
RANGE_COMPLIANCE = 1 << 16  # of the status word of the Keithley 2400
ROWS = 11 + 61 + 11


def bias_seen(stored):
    return sorted(set(np.round(stored.columns["voltage"][np.isfinite(stored.columns["voltage"])], 6)))


def test_a_run_takes_every_reading_of_its_plan_on_a_grid_without_drift(measure):
    ran = measure()
    assert (ran.outcome.state, ran.outcome.exit_code, ran.stored.rows) == ("finished", 0, ROWS)
    columns = ran.stored.columns
    at_bias = columns["elapsed"][columns["voltage"] == 5.0]
    assert len(at_bias) == 61
    assert np.diff(at_bias) == pytest.approx(1.0, abs=1e-9)
    assert not columns["status"].any()
    assert set(columns["smu_status"]) == {21508}
    assert np.diff(columns["epoch"]) == pytest.approx(np.diff(columns["elapsed"]), abs=1e-5)


def test_a_run_records_where_it_came_from(measure):
    header = measure(seed=7).stored.header
    assert header.seed == 7
    assert header.simulated
    assert "procedure = " in header.config_texts["recipe"]
    assert header.resolved["recipe"]["parameters"]["bias_v"] == 5.0
    assert header.origins["parameters.duration"] == "--set"
    assert (
        header.origins["parameters.nplc"].endswith(".toml:20")
        or "bias_stability.toml:" in header.origins["parameters.nplc"]
    )
    assert header.software["packages"]["pymeasure"].startswith("0.16")
    assert header.twin_truth["crystal"]["device"] == "atomistic"


def test_the_truth_of_the_world_is_recorded_as_it_is_at_the_end(measure):
    ran = measure()
    at_start, at_end = ran.stored.header.twin_truth, ran.stored.twin_truth
    assert at_end.keys() == at_start.keys()
    assert at_end["dose_gy"] == at_start["dose_gy"] == 0.0  # no tube on this run
    assert read_run(build_result(ran.outcome.folder)).twin_truth == at_end


def test_a_dose_that_came_during_a_run_is_in_its_truth(tmp_path, connected):
    class Irradiator(Watcher):
        def event(self, kind, message, severity):
            if message.startswith("tail"):
                bench = connected[2][0]
                bench.world.add_stray_kerma(bench.clock.now(), 1e-6)

    outcome = run(config_of(), RunOptions(out=tmp_path), Irradiator())
    stored = read_run(outcome.folder)
    assert stored.header.twin_truth["dose_gy"] == 0
    # the tail lasts ten seconds from its first reading to its last, and that one and the way back less than one more
    assert 10e-6 <= stored.twin_truth["dose_gy"] <= 11e-6


def test_a_run_records_the_instrument_at_start_and_end(measure):
    smu = measure().stored.instruments["smu"]
    assert "MODEL 2400" in smu["idn"]
    assert smu["settings_start"][":SENS:CURR:RANG?"] == smu["settings_end"][":SENS:CURR:RANG?"]
    assert smu["settings_end"][":OUTP?"] == "0"
    assert smu["errors"] == []


def test_the_same_seed_and_date_give_the_same_run_and_another_seed_another(measure):
    one, same, other = (measure(seed=seed, start_utc_s=1.7e9) for seed in (3, 3, 4))
    for name, column in one.stored.columns.items():
        np.testing.assert_array_equal(column, same.stored.columns[name], err_msg=name)
    assert not np.array_equal(one.stored.columns["current"], other.stored.columns["current"])


@pytest.mark.parametrize(
    ("fault", "flag"), [("missing", TIMEOUT), ("late", TIMEOUT), ("cut", BAD_REPLY), ("garbage", BAD_REPLY)]
)
def test_a_spoilt_reply_is_a_flagged_row_without_a_value_and_the_run_goes_on(measure, fault, flag):
    ran = measure(faults=(f"{fault}@130",))
    columns = ran.stored.columns
    assert ran.outcome.state == "finished"
    (bad,) = np.flatnonzero(columns["status"])
    assert columns["status"][bad] == flag
    assert np.isnan(columns["current"][bad])
    assert np.isfinite(columns["current"][bad + 1])
    assert "bad_reading" in ran.kinds()


def test_a_doubled_reply_never_gives_a_stale_value(measure):
    columns = measure(faults=("doubled@130",)).stored.columns
    stamps = columns["smu_time"][np.isfinite(columns["smu_time"])]
    assert np.all(np.diff(stamps) > 0)
    assert np.isnan(columns["current"]).sum() <= 1


def test_a_recipe_may_end_at_the_first_bad_reading(measure):
    ran = measure("on_bad_reading=fail", faults=("garbage@130",))
    assert (ran.outcome.state, ran.outcome.exit_code) == ("failed", 4)
    assert ran.stored.columns["status"][-1] == BAD_REPLY
    assert ran.stored.instruments["smu"]["settings_end"][":OUTP?"] == "0"


def test_three_bad_readings_in_a_row_end_the_run(measure):
    ran = measure(faults=("missing@130-100000",))
    assert (ran.outcome.state, ran.outcome.exit_code) == ("failed", 4)
    assert ran.stored.columns["status"][-3:].tolist() == [TIMEOUT] * 3
    assert "3 readings in a row" in ran.outcome.reason


@pytest.fixture
def connected(monkeypatch):
    """The simulated cables of a run, what is sent over one before the run is connected to it, and the benches."""
    adapters, before, benches = [], [], []
    connect = SimBench.adapter

    def kept(bench, resource):
        benches.append(bench)
        adapters.append(connect(bench, resource))
        for command in before:
            adapters[-1].write(command)
        return adapters[-1]

    monkeypatch.setattr(SimBench, "adapter", kept)
    return adapters, before, benches


def test_a_connection_that_fails_has_a_flag_of_its_own(tmp_path, connected):
    class Puller(Watcher):
        def event(self, kind, message, severity):
            if message.startswith("bias:"):
                connected[0][0].connection.close()

    outcome = run(config_of(), RunOptions(out=tmp_path), Puller())
    assert (outcome.state, outcome.exit_code) == ("failed", 4)
    assert "THE OUTPUT MAY BE ON" in outcome.reason
    status = read_run(outcome.folder).columns["status"]
    assert status.tolist() == [0] * 11 + [STATUS_FLAGS["connection_failed"]] * 3


def test_a_source_found_on_above_every_limit_is_ramped_down_and_not_cut(tmp_path, connected, monkeypatch):
    connected[1].extend([":SOUR:VOLT:RANG 200", ":SOUR:VOLT 120", ":OUTP ON"])
    seen_v = []
    set_bias = Crystal.set_bias

    def watched(crystal, time_s, bias_v):
        seen_v.append(bias_v)
        set_bias(crystal, time_s, bias_v)

    monkeypatch.setattr(Crystal, "set_bias", watched)
    watcher = Watcher()
    outcome = run(config_of(), RunOptions(out=tmp_path), watcher)
    assert (outcome.state, outcome.reason) == ("finished", "")
    assert ("found_on", "the output was already on at 120 V: ramped down, not cut", "warning") in watcher.events
    after = seen_v[seen_v.index(max(seen_v)) :]
    # in ten seconds, ten steps a second; the source's own accuracy is 0.02 %
    assert np.abs(np.diff(after)).max() <= 120 / 100 * 1.001


def test_compliance_stops_a_run_safely(measure):
    ran = measure("compliance=400 nA", "bias=20 V")
    assert (ran.outcome.state, ran.outcome.exit_code) == ("failed", 3)
    assert ran.stored.columns["status"][-1] & COMPLIANCE
    assert ran.stored.columns["smu_status"][-1] & 8
    assert ran.stored.instruments["smu"]["settings_end"][":OUTP?"] == "0"


def test_compliance_and_range_are_told_apart_in_the_reason(measure):
    by_compliance = measure("compliance=400 nA", "bias=20 V").outcome
    assert "the current was limited by the compliance of 400 nA at 20 V" in by_compliance.reason
    by_range = measure("bias=20 V", sample="untreated")
    assert by_range.outcome.exit_code == 3
    assert "by the fixed current range of 1 uA, not by the compliance, at 20 V" in by_range.outcome.reason
    assert by_range.stored.columns["smu_status"][-1] & RANGE_COMPLIANCE


def test_compliance_may_only_be_flagged(measure):
    ran = measure("compliance=400 nA", "bias=20 V", "on_compliance=flag")
    assert ran.outcome.state == "finished"
    assert np.count_nonzero(ran.stored.columns["status"] & COMPLIANCE) == 61


def test_a_stop_takes_the_way_back_and_keeps_the_rows(tmp_path):
    class Stopper:
        def started(self, config, plan, folder): ...
        def event(self, kind, message, severity): ...

        def progress(self, progress):
            if progress.points > 20:
                os.kill(os.getpid(), signal.SIGINT)

    config = config_of("duration=100 h")
    assert threading.current_thread() is threading.main_thread()
    outcome = run(config, RunOptions(out=tmp_path), Stopper())
    assert (outcome.state, outcome.exit_code) == ("stopped", 130)
    assert "SIGINT" in outcome.reason


def test_the_crystal_sees_the_bias_go_up_and_down_in_steps_and_ends_without(tmp_path, monkeypatch):
    seen_v = []
    set_bias = Crystal.set_bias

    def watched(crystal, time_s, bias_v):
        seen_v.append(bias_v)
        set_bias(crystal, time_s, bias_v)

    monkeypatch.setattr(Crystal, "set_bias", watched)
    run(config_of(), RunOptions(out=tmp_path))
    assert max(seen_v) == pytest.approx(5.0, rel=1e-3)
    assert np.abs(np.diff([0.0, *seen_v])).max() <= 0.1 * 1.001
    assert seen_v[-1] == 0


def test_the_clock_follows_the_bench_and_the_speed():
    config = config_of()
    assert isinstance(clock_for(config, None), JumpingClock)
    assert isinstance(clock_for(config, "max"), JumpingClock)
    assert clock_for(config, "real").factor == 1.0
    assert clock_for(config, "600").factor == 600.0
    assert isinstance(clock_for(config, "600"), ScaledClock)
    for speed in ("fast", "0", "-1", "nan"):
        with pytest.raises(ConfigError, match="--speed"):
            clock_for(config, speed)


def test_a_real_bench_runs_in_real_time_only(tmp_path):
    config = config_of(bench=shipped_configs() / "benches" / "lab_gpib.toml")
    assert isinstance(clock_for(config, None), RealClock)
    with pytest.raises(Refused, match="real"):
        clock_for(config, "max")


def test_the_parameters_of_a_procedure_are_those_of_its_recipe():
    config = config_of("bias=3.123456789012345 V")
    procedure = BiasStability.from_config(config)
    assert procedure.bias_v == 3.123456789012345
    assert set(config.recipe.parameters.model_dump()) == set(procedure.parameter_objects())
