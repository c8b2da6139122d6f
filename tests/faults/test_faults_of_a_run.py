"""A whole run is killed, told to stop, meets a bug or another program: rows 1, 2, 3, 9, 10, 30, 32, 34 and 36."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from tests.faults.bench import wait_for
from tests.faults.runs import (
    LIT_SOON,
    READ_SOON,
    assert_ramped_down,
    levels_v,
    output_off_s,
    program,
    running,
    slowness,
)
from xraydaq.storage import recover

DARK = """\
procedure = "bias_stability"
sample = "{home}/configs/samples/atomistic.toml"

[parameters]
bias = "5 V"
compliance = "50 uA"
current_range = "1 uA"
line_frequency = "50 Hz"
"""
DARK_SOON = ("ramp_rate=5 V/s", "period=250 ms", "nplc=1", "baseline_duration=500 ms", "duration=60 s")
STOPS = {signal.SIGTERM: 143, signal.SIGINT: 130, signal.SIGHUP: 129}


def flushed_rows(run):
    """Get how many rows another program can read of the run by now."""
    return run.stored().rows


@pytest.mark.long
def test_row_1_a_killed_run_is_dark_within_a_second_its_output_off_within_five_and_no_row_is_lost(bench, tmp_path):
    with running(bench, tmp_path, READ_SOON) as run:
        lit_s = run.lit()
        wait_for(lambda: bench.now_s() > lit_s + 1.5, 5.0, "readings in the beam")
        flushed = run.stored()
        killed_s = run.told(signal.SIGKILL)
        assert bench.off_at(killed_s, 1.0) - killed_s < 1.0
        assert output_off_s(bench, killed_s) - killed_s < 5.0
        assert run.ended() == -signal.SIGKILL
        assert run.stored().state == "interrupted"
        report = recover(run.folder)
    assert report.state == "interrupted"
    assert report.rows >= flushed.rows > 20
    after = run.stored()
    for name, column in flushed.columns.items():
        np.testing.assert_array_equal(after.columns[name][: flushed.rows], column)
    wait_for(lambda: "exit code 0" in run.guardian("end"), 20.0, "the guardian has ended")
    assert len(bench.switched_on()) == 1


@pytest.mark.long
def test_row_1_the_output_of_a_killed_dark_run_is_off_within_five_seconds(bench, tmp_path):
    with running(bench, tmp_path, DARK_SOON, recipe=DARK, name="") as run:
        wait_for(lambda: len(bench.received("smu", ":READ?")) > 8, 60.0, "it reads")
        killed_s = run.told(signal.SIGKILL)
        assert output_off_s(bench, killed_s) - killed_s < 5.0
        assert run.ended() == -signal.SIGKILL
    wait_for(lambda: any("output off" in each for each in run.guardian("left off")), 10.0, "it says so")
    assert recover(run.folder).state == "interrupted"
    assert bench.events("tube") == []


@pytest.mark.parametrize(
    "number",
    [signal.SIGTERM, *(pytest.param(each, marks=pytest.mark.long) for each in (signal.SIGINT, signal.SIGHUP))],
)
def test_row_2_a_run_that_is_told_to_stop_is_dark_within_half_a_second_and_takes_its_way_back(bench, tmp_path, number):
    with running(bench, tmp_path, LIT_SOON) as run:
        run.lit()
        told_s = run.told(number)
        assert bench.off_at(told_s, 0.5) - told_s < 0.5
        assert_ramped_down(bench, told_s)
        assert run.ended() == STOPS[number], run.said
        assert bench.now_s() - told_s < 15.0 * slowness()
    stored = run.stored()
    assert (stored.path.suffix, stored.state, stored.reason) == (".h5", "stopped", f"stopped by {number.name}")
    assert not bench.is_on()
    assert len(bench.switched_on()) == 1


@pytest.mark.long
def test_row_2_it_is_so_while_a_reading_blocks(bench, tmp_path):
    with running(bench, tmp_path, READ_SOON) as run:
        lit_s = run.lit()
        wait_for(lambda: bench.received("smu", ":READ?", lit_s + 0.5), 5.0, "it reads in the beam")
        bench.happens("smu:missing", 3)
        blocked_s = bench.now_s()
        wait_for(lambda: bench.now_s() > blocked_s + 0.3, 5.0, "a reading blocks")
        told_s = run.told(signal.SIGTERM)
        assert bench.off_at(told_s, 0.5) - told_s < 0.5
        assert run.ended() == 143, run.said
    assert run.stored().state == "stopped"
    output_off_s(bench, told_s)


@pytest.mark.long
def test_row_3_no_further_signal_skips_the_way_back_and_the_third_says_how_to_check(bench, tmp_path):
    with running(bench, tmp_path, LIT_SOON) as run:
        run.lit()
        told_s = run.told(signal.SIGINT)
        for said in ("stop requested", "the way back is being taken"):
            wait_for(lambda said=said: said in run.said, 5.0, said)
            run.told(signal.SIGINT)
        assert bench.off_at(told_s, 0.5) - told_s < 0.5
        off_s = assert_ramped_down(bench, told_s)
        assert run.ended() == 130, run.said
        assert bench.now_s() > off_s
    assert "the way back is being taken" in run.said
    assert "xraydaq off" in run.said
    assert f"xraydaq recover {run.folder}" in run.said
    assert recover(run.folder).state == "stopped"


@pytest.mark.long
@pytest.mark.parametrize("where", ["execute", "startup"])
def test_row_9_a_bug_in_a_procedure_takes_the_beam_and_leaves_its_traceback(bench, tmp_path, where):
    with running(bench, tmp_path, READ_SOON, altered=f"bug_in_{where}") as run:
        if where == "execute":
            lit_s = run.lit()
            off_s = bench.off_at(lit_s, 10.0)
            in_the_beam = [each for each in bench.received("smu", ":READ?", lit_s) if each < off_s]
            assert off_s - in_the_beam[-1] < 0.5
            assert_ramped_down(bench, lit_s)
        assert run.ended() == 70, run.said
    stored = run.stored()
    assert (stored.state, stored.reason) == ("failed", "bug: ZeroDivisionError: a bug of the procedure")
    assert any("altered.py" in event.message for event in run.events("traceback"))
    assert not bench.is_on()
    assert len(bench.switched_on()) == (where == "execute")


@pytest.mark.long
def test_row_10_a_step_of_the_way_back_that_fails_keeps_none_of_the_others_from_being_taken(bench, tmp_path):
    with running(bench, tmp_path, LIT_SOON, altered="broken_ramp") as run:
        run.lit()
        told_s = run.told(signal.SIGTERM)
        off_s = bench.off_at(told_s, 0.5)
        assert off_s - told_s < 0.5
        assert off_s < output_off_s(bench, told_s)
        assert run.ended() == 143, run.said
    stored = run.stored()
    assert stored.state == "failed"
    assert "way back: bias to 0 V: a bug on the way to" in stored.reason
    assert stored.instruments["smu"]["settings_end"][":OUTP?"] == "0"


@pytest.mark.long
def test_row_10_a_tube_whose_step_fails_is_switched_off_by_its_guardian(bench, tmp_path):
    with running(bench, tmp_path, LIT_SOON, altered="broken_beam_off") as run:
        run.lit()
        told_s = run.told(signal.SIGTERM)
        assert bench.off_at(told_s, 0.5) - told_s < 0.5
        assert_ramped_down(bench, told_s)
        assert run.ended() == 143, run.said
    assert run.stored().state == "failed"
    assert not bench.is_on()


@pytest.mark.long
def test_row_30_a_second_program_is_refused_with_the_owner_and_says_no_byte_to_its_instruments(bench, tmp_path):
    with running(bench, tmp_path / "first", LIT_SOON) as run:
        run.lit()
        known = {role: len(bench.events(role)) for role in ("smu",)}
        bench_file, recipe = tmp_path / "first/bench.toml", tmp_path / "first/recipe.toml"
        code, said, _ = program(
            "run", recipe, "--bench", bench_file, "--out", tmp_path / "second", "--arm-as", "another",
            *(f"--set={each}" for each in LIT_SOON),
        )  # fmt: skip
        assert code == 5, said
        assert f"process {run.process.pid}" in said
        assert not list((tmp_path / "second").glob("2*"))
        assert not bench.received("smu", "*IDN?", bench.switched_on()[0])
        assert run.process.poll() is None
        assert known["smu"] <= len(bench.events("smu"))
        run.told(signal.SIGTERM)
        assert run.ended() == 143
    assert len(bench.switched_on()) == 1


@pytest.mark.long
def test_row_32_after_everything_was_killed_the_next_start_switches_off_first_and_shows_what_it_found(bench, tmp_path):
    with running(bench, tmp_path, READ_SOON) as run:
        lit_s = run.lit()
        wait_for(lambda: bench.now_s() > lit_s + 1.0, 5.0, "readings in the beam")
        guardian = guardian_of(run)
        os.kill(guardian, signal.SIGKILL)
        killed_s = run.told(signal.SIGKILL)
        run.ended()
    folder = run.folder
    wait_for(lambda: not bench.is_on(), 10.0, "the firmware ends a beam that nobody looks after")
    assert bench.beams()[-1][0] - killed_s < 3.0
    assert bench.received("smu", ":OUTP OFF", killed_s) == []
    next_s = bench.now_s()
    with running(bench, tmp_path, READ_SOON) as again:
        ramped_s = wait_for(lambda: bench.received("smu", ":OUTP OFF", next_s), 60.0, "the output is off")[0]
        steps = [level_v for time_s, level_v in levels_v(bench, next_s) if time_s < ramped_s]
        heard = [each for each in bench.events("tube") if each["kind"] == "received" and each["time_s"] >= next_s]
        assert heard[0]["time_s"] == bench.offs(next_s)[0]
        again.told(signal.SIGTERM)
        again.ended()
    assert "the output was already on at 5 V: ramped down, not cut" in again.said
    assert steps[-1] == 0.0
    assert len(steps) >= 8
    assert f"{folder.name}" in again.said
    assert "interrupted" in again.said
    assert (folder / f"{folder.name}.h5").exists()
    assert all(each < killed_s or each > ramped_s for each in bench.switched_on())


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("bias=500 V", "bias"),
        pytest.param("bias=5", "bias", marks=pytest.mark.long),
        pytest.param("biass=5 V", "biass", marks=pytest.mark.long),
        pytest.param('tube_currents=["300 uA"]', "tube_current", marks=pytest.mark.long),
    ],
)
def test_row_34_a_recipe_outside_the_limits_is_refused_before_any_port_is_opened(bench, tmp_path, setting, said):
    with running(bench, tmp_path, (*LIT_SOON, setting)) as run:
        assert run.ended() == 2
    assert said in run.said
    assert [role for role in bench.roles if "resource" in bench.roles[role] and bench.events(role)] == []
    assert not list((tmp_path / "runs").glob("2*"))


@pytest.mark.long
def test_row_36_off_while_the_tube_warms_up_and_off_again_end_the_beam_for_good(bench, tmp_path):
    with running(bench, tmp_path, LIT_SOON) as run:
        run.lit()
        called_s = bench.now_s()
        first, said, _ = program("off")
        second, again, _ = program("off", "--bench", tmp_path / "bench.toml")  # the run may be over by now
        assert bench.offs(called_s)[0] - called_s < 1.0 + 1.0
        assert (first, second) == (0, 0), said + again
        assert run.ended() != 0
    assert run.stored().state in {"failed", "stopped"}
    assert not bench.is_on()
    assert len(bench.switched_on()) == 1
    assert run.stored().instruments["smu"]["settings_end"][":OUTP?"] == "0"


def guardian_of(run):
    """Get the process of the run's guardian."""
    tasks = Path(f"/proc/{run.process.pid}/task").iterdir()
    children = [int(each) for task in tasks for each in (task / "children").read_text().split()]
    (found,) = [each for each in children if b"xraydaq.guardian" in Path(f"/proc/{each}/cmdline").read_bytes()]
    return found
