"""Tube and source of a served bench are switched off whatever their owner does; judged on the log of the bench."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading

import pytest

from tests.cli.off_bench import OFF_PACKET, OFF_TEXT, Served, heard, of_tube
from xraydaq.clock import RealClock
from xraydaq.safety.sessions import Owned, Session, announced

WANTED_S = 1.0
"""Of a computer that has time for it; on one that has not, as much longer as everything takes there."""

BUSY = 1.5


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    bench = Served(tmp_path_factory.mktemp("off"))
    yield bench
    bench.close()


@pytest.fixture
def owner(served):
    """Start an owner, and end it afterwards; its session stays, as that of a dead process."""
    started = []

    def start(manner):
        started.append(served.owner(manner))
        return started[-1]

    yield start
    for program in started:
        served.end(program)


def wanted_s():
    """Get the limit on this computer at this moment: by how long a process takes for a second of processor time."""
    before, start_s = os.times(), RealClock().now()
    subprocess.run([sys.executable, "-c", "import json, typing, inspect, decimal"], check=True)
    after, took_s = os.times(), RealClock().now() - start_s
    used_s = after.children_user + after.children_system - before.children_user - before.children_system
    share = took_s / used_s
    return WANTED_S * (share if share > BUSY else 1.0)


def assert_off_in_time(since):
    (beam,) = of_tube(since, "beam off")
    assert beam["text"].endswith("off command")  # not by a trip of the firmware
    assert beam["after_s"] < wanted_s()
    assert OFF_TEXT in heard(since, "tube")
    assert of_tube(since, "beam on") == []


def test_a_tube_whose_owner_was_killed_is_off_in_a_second_and_so_is_the_source(served, owner):
    program = owner("polite")
    program.kill()
    program.wait()
    code, said, since = served.off()
    assert_off_in_time(since)
    assert code == 0, said
    assert heard(since, "tube").startswith(OFF_PACKET.decode("latin-1"))
    assert "tube ASRL" in said.splitlines()[0]
    assert "HV off" in said.splitlines()[0]
    assert "output off" in said.splitlines()[1]
    assert heard(since, "smu").startswith(":ABOR;:OUTP OFF\n")
    code, said, since = served.off()  # a second call finds everything off and changes nothing
    assert (code, of_tube(since, "beam off"), of_tube(since, "beam on")) == (0, [], []), said


@pytest.mark.long
def test_a_tube_whose_owner_is_halted_is_off_in_a_second_and_its_source_is_left_to_a_person(served, owner):
    program = owner("polite")
    program.send_signal(signal.SIGSTOP)
    code, said, since = served.off()
    assert_off_in_time(since)
    assert code == 9
    assert f"process {program.pid}" in said
    assert "HV off" in said.splitlines()[0]
    assert "press OUTPUT ON/OFF" in said.splitlines()[1]
    assert heard(since, "smu") == ""


@pytest.mark.long
def test_a_tube_whose_owner_hears_no_signal_and_keeps_asking_is_off_in_a_second(served, owner):
    program = owner("deaf")
    code, said, since = served.off()
    assert_off_in_time(since)
    assert f"process {program.pid}" in said
    assert "could switch it on again" in said
    assert code == (0 if "off sent: HV off" in said else 9)


@pytest.mark.long
def test_an_owner_that_can_hear_is_told_to_stop_and_both_are_off(served, owner):
    program = owner("polite")
    code, said, since = served.off()
    assert_off_in_time(since)
    assert code == 0, said
    assert program.wait(10.0) == -signal.SIGTERM
    assert "was told to stop" in said
    assert heard(since, "smu").endswith("*ESE 0\n")


@pytest.mark.long
def test_with_a_broken_bench_file_and_no_session_the_lines_that_can_be_read_count(served, owner, tmp_path):
    owner("polite").kill()
    for session in (served.runtime / "xraydaq" / "sessions").glob("*.json"):
        session.unlink()
    broken = tmp_path / "broken.toml"
    broken.write_text("what = [\n" + (served.folder / "served.toml").read_text())
    code, said, since = served.off("--bench", broken)
    assert_off_in_time(since)
    assert code == 0, said
    assert "no valid file, read line by line" in said


class Guardian:
    """Stands in for the process that owns the tube: takes one line at a Unix socket and answers as it is told."""

    def __init__(self, path, answer):
        self.heard, self._answer = [], answer
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen(1)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        caller, _ = self._listening.accept()
        with caller, caller.makefile("rb") as lines:
            self.heard.append(json.loads(lines.readline()))
            if self._answer is None:
                lines.readline()  # until the caller has gone
            else:
                caller.sendall(self._answer)

    def close(self):
        self._thread.join()
        self._listening.close()


@pytest.mark.parametrize(
    ("answer", "code", "told"),
    [
        (b'{"off": true, "state": "idle"}\n', 0, "its guardian switched it off (state idle)"),
        (b'{"off": false}\n', 0, "its guardian could not show it to be off; off sent: HV off"),
        (None, 0, "its guardian did not answer within"),
    ],
)
def test_the_guardian_is_asked_first_and_without_its_word_the_tube_is_written_to(
    served, tmp_path, monkeypatch, answer, code, told
):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(served.runtime))
    role = served.bench.roles["tube"]
    tube = Owned("tube", "minix2", role.resource, role.baud, role.frame)
    guardian = Guardian(tmp_path / "g", answer)
    with announced(Session(os.getpid(), 1.8e9, "test", str(tmp_path / "g"), os.getpid(), (tube,))):
        found, said, since = served.off()
    guardian.close()
    assert found == code, said
    assert told in said
    assert "somebody" in guardian.heard[0]["stop"]
    off_s = [line["after_s"] for line in of_tube(since, "received") if OFF_TEXT in line["text"]]
    assert off_s == [] if answer is not None and b"true" in answer else off_s[0] < wanted_s()
