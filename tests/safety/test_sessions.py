"""Sessions are told to other processes, and only while their process really is the one that announced them."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from xraydaq.safety.processes import PROC, age_s, birth, is_stopped, runtime_folder
from xraydaq.safety.sessions import FOLDER, Owned, Session, announced, sessions

TUBE = Owned("tube", "minix2", "ASRL/dev/ttyUSB0::INSTR", 115200, "8N1")
SMU = Owned("smu", "keithley2400", "GPIB0::24::INSTR", None, None)
MINE = Session(os.getpid(), 1.8e9, "xraydaq run", "/run/guardian", 12, (TUBE, SMU))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    tmp_path.chmod(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path / "xraydaq" / FOLDER


@pytest.fixture
def sleeper():
    program = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    yield program
    program.kill()
    program.wait()


def test_a_session_is_seen_while_it_lasts_and_not_after(folder):
    with announced(MINE):
        (found,) = sessions()
        assert replace(found, born="") == MINE
        assert found.alive
    assert sessions() == []
    assert list(folder.iterdir()) == []


def test_the_session_of_a_process_that_was_killed_stays_and_is_dead(sleeper):
    with announced(replace(MINE, pid=sleeper.pid)):
        assert sessions()[0].alive
        sleeper.kill()
        os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)  # a zombie counts as dead
        assert not sessions()[0].alive
        sleeper.wait()
        assert not sessions()[0].alive


def test_a_number_that_was_given_out_again_is_not_believed(folder):
    with announced(MINE):
        path = folder / f"{os.getpid()}.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"born": "another boot/17"}))
        assert not sessions()[0].alive


@pytest.mark.parametrize(
    "garbage",
    [b"", b"{", b"\xff\xfe", b"[]", b"null", b"{}", b"[" * 50_000, b'{"pid": "x"}', b'{"pid": 1e400}', b"NaN"]
    + [json.dumps({"pid": 1, "since_utc_s": 0, "what": "", "control": None, "guardian_pid": None, "born": "",
                   "instruments": each}).encode() for each in ("tube", [1], [{}], None, {"role": "tube"})],
)  # fmt: skip
def test_garbage_beside_a_session_hides_nothing(folder, garbage):
    with announced(MINE):
        (folder / "4.json").write_bytes(garbage)
        assert [each.what for each in sessions()] == ["xraydaq run"]


def test_the_dead_are_forgotten_once_a_new_session_has_all_their_instruments(sleeper):
    dead = replace(MINE, pid=sleeper.pid)
    with announced(dead):
        sleeper.kill()
        sleeper.wait()
        with announced(replace(MINE, instruments=(SMU,))):
            assert len(sessions()) == 2
        with announced(MINE):
            assert [each.pid for each in sessions()] == [os.getpid()]


def test_a_folder_that_others_may_write_to_is_not_used(tmp_path):
    (tmp_path / "xraydaq").mkdir()
    (tmp_path / "xraydaq").chmod(0o777)
    with pytest.raises(PermissionError):
        runtime_folder(FOLDER)
    assert sessions() == []


@pytest.mark.skipif(not PROC.exists(), reason="needs proc(5)")
def test_a_halted_process_is_known_and_lives(sleeper):
    born = birth(sleeper.pid)
    assert not is_stopped(sleeper.pid)
    sleeper.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, sleeper.pid, os.WSTOPPED | os.WNOWAIT)
    assert is_stopped(sleeper.pid)
    assert birth(sleeper.pid) == born
    assert 0 < age_s() < 86400
