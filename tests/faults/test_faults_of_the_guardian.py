"""What the guardian as a process must withstand: nonsense on its line, a full disk, a bench that is another one."""

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace

import pytest

from tests.faults.bench import ARMED, Bench, program, setup_of, wait_for
from tests.faults.test_faults_of_programs import keep_alive, shine
from xraydaq.clock import RealClock
from xraydaq.errors import BusyError, InstrumentError, SafetyTrip
from xraydaq.guardian.client import RemoteGuard
from xraydaq.guardian.messages import MessageError
from xraydaq.guardian.setup import Wanted
from xraydaq.safety.sessions import Owned, Session, announced

pytestmark = pytest.mark.long
SYNC = "\u00f5\u00fa"
LIGHT = ("numpy", "pint", "pydantic", "h5py", "PySide6", "pymeasure", "pyvisa", "typer")


def test_nonsense_on_its_line_takes_the_beam_away_and_nothing_else(bench, guard):
    shine(bench, guard)
    said_s = bench.now_s()
    guard._child._line.sendall(b"nonsense\n" + b"\xff" * 1_000_000 + b"\n")
    assert bench.off_at(said_s, 1.0) - said_s < 0.5
    with pytest.raises(MessageError, match="not one JSON object"):
        guard.look()
    assert len(bench.switched_on()) == 1


def test_a_full_disk_under_its_log_stops_nothing(bench, tmp_path):
    guard = RemoteGuard(replace(setup_of(bench.roles, tmp_path), log="/dev/full"), RealClock())
    shine(bench, guard)
    keep_alive(guard, 1.0)
    assert bench.is_on()
    guard.close()
    assert not bench.is_on()


def test_without_a_place_for_its_control_socket_it_does_not_start(bench, tmp_path):
    with pytest.raises(InstrumentError, match="no/such/folder"):
        RemoteGuard(replace(setup_of(bench.roles, tmp_path), control="/no/such/folder/c.sock"), RealClock())


def test_row_29_a_guardian_that_stood_still_switches_off_first_when_it_goes_on(bench, guard):
    shine(bench, guard)
    os.kill(guard.pid, signal.SIGSTOP)
    stopped_s = bench.now_s()
    wait_for(lambda: bench.now_s() - stopped_s > 3.0, 10.0, "it stands still for a while")
    goes_on_s = bench.now_s()
    os.kill(guard.pid, signal.SIGCONT)
    assert bench.off_at(goes_on_s, 2.0) - goes_on_s < 2.0
    with pytest.raises(SafetyTrip, match=r"stood still|did not renew"):
        keep_alive(guard, 5.0)
    assert len(bench.switched_on()) == 1


def test_row_11_the_command_line_takes_the_beam_within_a_second_through_the_guardian(bench, guard, tmp_path):
    setup = guard.setup
    tube = Owned("tube", "minix2", setup.resource, None, setup.frame)
    session = Session(os.getpid(), RealClock().utc(), "a test", setup.control, guard.pid, (tube,))
    with announced(session):
        shine(bench, guard)
        called_s = bench.now_s()
        with program("-m", "xraydaq", "off", stdout=subprocess.PIPE, text=True) as command:
            off_s = bench.off_at(called_s, 1.0)
            said = command.communicate(timeout=60.0)[0]
    assert off_s - called_s < 1.0
    assert "its guardian switched it off" in said
    assert command.returncode == 0
    with pytest.raises(SafetyTrip, match=r"emergency stop by .*xraydaq off"):
        guard.look()
    assert len(bench.switched_on()) == 1


@pytest.mark.parametrize("fault", ["garbage", "unplugged"])
def test_rows_12_and_16_hold_against_the_program_that_everybody_can_start(tmp_path, monkeypatch, fault):
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    log, written, fails_s = tmp_path / "log.jsonl", tmp_path / "served.toml", 25.0
    words = ["--log", log, "--write", written, "--fault", f"tube:{fault}@{fails_s:g}-{fails_s + 5:g}"]
    with program("-m", "xraydaq", "sim", "serve", *words, stdout=subprocess.DEVNULL) as process:
        bench = Bench(process, log, written)
        guard = RemoteGuard(setup_of(bench.roles, tmp_path), RealClock(), alarm=lambda _text: None)
        shine(bench, guard)
        with pytest.raises(SafetyTrip, match="does not answer"):
            keep_alive(guard, 60.0)
        told_s, sent = bench.now_s(), [each for each in bench.events("tube") if each["kind"] == "sent"]
        good_s = max(each["time_s"] for each in sent if each["text"].startswith(SYNC) and each["time_s"] < told_s)
        assert good_s > fails_s - 1.0
        assert told_s - good_s < 2.0
        if fault == "garbage":
            assert bench.offs(good_s)[0] - good_s < 1.0
        wait_for(lambda: guard.is_dark() and bench.offs(fails_s), 30.0, "it is off and says so")
        guard.close()
        assert len(bench.switched_on()) == 1


def test_another_tube_than_the_one_that_is_meant_is_refused_and_left_off(bench, tmp_path):
    with pytest.raises(InstrumentError, match="the bench file says 'S/N 1'"):
        RemoteGuard(replace(setup_of(bench.roles, tmp_path), wanted=Wanted(serial="S/N 1")), RealClock())
    assert bench.offs()


def test_a_second_guardian_is_refused_without_a_byte_and_the_first_goes_on(bench, guard, tmp_path):
    shine(bench, guard)
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(BusyError, match=rf"process {guard.pid} \(a test\)"):
        RemoteGuard(setup_of(bench.roles, other), RealClock())
    on_s = bench.switched_on()[0]
    told = [each["time_s"] for each in bench.events("tube") if each["kind"] == "received" and "HVSE" in each["text"]]
    assert [each for each in told if each > on_s + 1e-3 and each in bench.offs()] == []
    assert bench.is_on()


def test_a_warm_up_runs_as_long_as_somebody_looks_and_ends_with_the_beam_off(bench, guard):
    guard.arm(ARMED)
    assert guard.warm_up("daily").running
    wait_for(bench.is_on, 5.0, "the warm-up has begun")
    keep_alive(guard, 3.0)
    assert guard.warm_up_progress().running
    guard.safe_off()
    assert not bench.is_on()
    assert guard.settings()["serial"] == "12345"
    assert guard.identify().is_mini_x2


def test_a_setup_that_is_none_ends_the_process_before_it_has_opened_anything():
    near, far = socket.socketpair()
    with near, far, program("-m", "xraydaq.guardian", far.fileno(), pass_fds=[far.fileno()]) as guardian:
        near.sendall(b'{"v":1,"n":0,"do":"setup","resource":"ASRL/dev/ttyUSB0"}\n')
        near.settimeout(30.0)
        assert json.loads(near.recv(10_000))["ok"] is False
        assert guardian.wait(30.0) == 9


def test_off_can_be_written_before_anything_slow_is_loaded():
    code = f"import sys, xraydaq.guardian.process; print(*sorted(set({LIGHT!r}) & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == ""
