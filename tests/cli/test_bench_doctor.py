import os
import re
from pathlib import Path

import pytest

from xraydaq.bench.doctor.computer import can_suspend

NOBODY = """
name = "mine"
[roles.smu]
driver = "keithley2400"
resource = "TCPIP0::127.0.0.1::9::SOCKET"
[limits]
max_bias = "25 V"
max_current = "1 mA"
"""
ASLEEP = {("computer", "sleep")} if can_suspend(Path("/")) else set()
"""What is true of the computer that runs this test."""


def verdicts(text):
    found = re.findall(r"^(PASS|FAIL|SKIP)  (\w+) +(.+?): ", text, re.MULTILINE)
    return {(role, name): verdict for verdict, role, name in found}


def test_an_instrument_that_is_not_there_fails_with_a_fix_and_ends_with_4(xraydaq, workplace):
    (workplace / "mine.toml").write_text(NOBODY)
    said = xraydaq("bench", "doctor", "--bench", "mine.toml")
    assert (said.code, said.err) == (4, "")
    lines = said.out.splitlines()
    assert "not verified on hardware" in lines[0]
    (at,) = [number for number, line in enumerate(lines) if line.startswith("FAIL  smu")]
    assert "port: " in lines[at]
    assert lines[at + 1].strip().startswith("fix: Plug it in")


def test_a_bench_file_with_a_mistake_is_refused_before_anything_is_asked(xraydaq, workplace):
    (workplace / "mine.toml").write_text(NOBODY.replace("max_bias", "max_bais"))
    said = xraydaq("bench", "doctor", "--bench", "mine.toml")
    assert (said.code, said.out) == (2, "")


def test_a_port_that_this_user_may_not_use_fails_with_the_group_as_its_fix(xraydaq, workplace, monkeypatch):
    near, far = os.openpty()
    port = os.ttyname(far)
    (workplace / "mine.toml").write_text(NOBODY.replace("TCPIP0::127.0.0.1::9::SOCKET", f"ASRL{port}::INSTR"))
    allowed = os.access
    # the operating system says so to any user but root
    monkeypatch.setattr(os, "access", lambda path, mode, **more: str(path) != port and allowed(path, mode, **more))
    said = xraydaq("bench", "doctor", "--bench", "mine.toml")
    os.close(far)
    os.close(near)
    assert verdicts(said.out)["smu", "rights"] == "FAIL"
    assert ("smu", "port") not in verdicts(said.out)
    assert "dialout" in said.out
    assert said.code == 4


@pytest.mark.long
@pytest.mark.slow
def test_a_served_bench_passes_every_check(xraydaq, workplace, start_program):
    server = start_program("sim", "serve", "--write", "served.toml")
    assert "served.toml" in server.stdout.readline()
    said = xraydaq("bench", "doctor", "--bench", "served.toml")
    found = verdicts(said.out)
    assert {key for key, verdict in found.items() if verdict != "PASS"} == ASLEEP
    assert {role for role, _ in found} == {
        "computer", "smu", "tube", "dosimeter", "preamplifier", "analyser", "temperature", "filters",
    }  # fmt: skip
    assert found["tube", "interlock seen open and closed"] == "PASS"
    assert found["preamplifier", "heard at the analyser"] == "PASS"
    assert said.code == (4 if ASLEEP else 0)


@pytest.mark.long
def test_faults_of_a_served_bench_fail_their_own_checks_with_their_fixes(xraydaq, workplace, start_program):
    faults = ("interlock_open@0", "temperature:missing@0", "smu:unplugged@0", "dosimeter:missing@0")
    options = [option for fault in faults for option in ("--fault", fault)]
    server = start_program("sim", "serve", *options, "--write", "served.toml")
    assert "served.toml" in server.stdout.readline()
    said = xraydaq("bench", "doctor", "--bench", "served.toml")
    wrong = {key for key, verdict in verdicts(said.out).items() if verdict == "FAIL"}
    assert wrong - ASLEEP == {
        ("tube", "interlock CLOSED"), ("temperature", "identity"), ("smu", "identity"), ("dosimeter", "identity"),
    }  # fmt: skip
    lines = said.out.splitlines()
    assert all(
        lines[number + 1].strip().startswith("fix: ")
        for number in range(len(lines))
        if lines[number].startswith("FAIL ")
    )
    assert said.code == 4
