"""Runner, guardian and procedure die, hang or are told to stop: rows 1, 4, 5, 6, 11 and 33 of the failure modes."""

import os
import signal
import subprocess
import threading
from contextlib import suppress

import pytest

from instruments.connect import framed, open_adapter
from instruments.minix2 import LINE, MiniX2
from tests.faults.bench import ARMED, BEAM, HOME, program, setup_of, wait_for
from xraydaq.clock import RealClock
from xraydaq.errors import Refused, SafetyTrip
from xraydaq.guardian.client import GuardianDied, GuardianHung, RemoteGuard

RUNNER = HOME / "tests/faults/runner.py"
START_S = 60.0


def shine(bench, guard):
    guard.arm(ARMED)
    guard.on(*BEAM)
    wait_for(bench.is_on, 5.0, "the beam is on")
    guard.look()


def keep_alive(guard, for_s, every_s=0.3):
    """Do what the loop of a procedure does, for a while or until it fails."""
    clock = RealClock()
    end_s = clock.now() + for_s
    while clock.now() < end_s:
        guard.look()
        clock.sleep(every_s)


def test_row_1_a_killed_runner_loses_its_beam_within_a_second_and_its_source_within_five(bench, tmp_path):
    written = tmp_path / "served.toml"
    written.write_text("\n".join(f"[roles.{name}]\n{_table(role)}" for name, role in bench.roles.items()))
    with program("-m", "tests.faults.runner", written, tmp_path, stdout=subprocess.PIPE, text=True) as runner:
        assert runner.stdout.readline() == "on\n"
        wait_for(bench.is_on, 5.0, "the beam is on")
        assert bench.received("smu", ":OUTP ON")
        killed_s = bench.now_s()
        runner.kill()
        assert bench.off_at(killed_s, 1.0) - killed_s < 1.0
        source_off = wait_for(lambda: bench.received("smu", ":OUTP OFF", killed_s), 10.0, "the source is off")
        heater_off = wait_for(lambda: bench.received("temperature", "RANGE 1,0", killed_s), 10.0, "the heater is off")
        assert source_off[0] - killed_s < 5.0
        assert heater_off[0] > source_off[0]
        assert len(bench.switched_on()) == 1
        control = tmp_path / "control.sock"
        wait_for(lambda: not control.exists(), 20.0, "the guardian has ended")
        said = (tmp_path / "guardian.jsonl").read_text()
        assert "output off" in said
        assert "both heaters off" in said
        assert '"exit code 0"' in said


def test_row_4_the_runner_switches_off_itself_within_a_second_when_its_guardian_was_killed(bench, guard, alarms):
    shine(bench, guard)
    killed_s = bench.now_s()
    os.kill(guard.pid, signal.SIGKILL)
    with pytest.raises(GuardianDied, match=r"the guardian of the tube died; off was written by the runner: HV off"):
        keep_alive(guard, 5.0)
    assert bench.off_at(killed_s, 1.0) - killed_s < 1.0
    assert not bench.is_on()
    assert "THE BEAM MAY BE ON" in alarms[0]
    with pytest.raises(GuardianDied):
        guard.arm(ARMED)
    assert len(bench.switched_on()) == 1


def test_row_5_a_guardian_that_hangs_is_an_alarm_within_two_seconds_and_the_beam_ends(bench, guard):
    shine(bench, guard)
    heard_s = []
    guard._alarm = lambda _text: heard_s.append(bench.now_s())
    hung_s = bench.now_s()
    os.kill(guard.pid, signal.SIGSTOP)
    with pytest.raises(GuardianHung, match="off was written by the runner: HV off"):
        keep_alive(guard, 5.0)
    assert heard_s[0] - hung_s < 2.0
    wait_for(lambda: not bench.is_on(), 1.0, "the beam is off")
    assert bench.beams()[-1][0] - hung_s < 3.0
    assert len(bench.switched_on()) == 1


def test_row_6_a_procedure_that_gives_no_sign_of_life_loses_the_beam_within_two_and_a_half_seconds(bench, guard):
    shine(bench, guard)
    keep_alive(guard, 2.5)
    assert bench.offs() == [each for each in bench.offs() if each < bench.switched_on()[0]]
    last_s = bench.now_s()
    off_s = bench.off_at(last_s, 2.5)
    assert 1.0 < off_s - last_s < 2.5
    with pytest.raises(SafetyTrip, match="did not renew its lease"):
        guard.look()
    with pytest.raises(SafetyTrip, match="did not renew its lease"):
        guard.on(*BEAM)
    assert len(bench.switched_on()) == 1


def test_row_11_an_emergency_stop_takes_the_beam_within_half_a_second_and_latches(bench, guard):
    shine(bench, guard)
    stopped_s = bench.now_s()
    assert guard.stop("somebody at the button")
    assert bench.off_at(stopped_s, 0.5) - stopped_s < 0.5
    with pytest.raises(SafetyTrip, match="emergency stop by somebody at the button"):
        guard.on(*BEAM)
    guard.safe_off()
    guard.arm(ARMED)
    guard.on(*BEAM)
    wait_for(lambda: len(bench.switched_on()) == 2, 5.0, "on again, armed anew")


@pytest.mark.long
def test_row_11_it_does_so_while_the_tube_does_not_answer_and_the_program_waits_for_it(bench, guard):
    shine(bench, guard)
    bench.happens("tube:missing", 3)
    problems = []

    def work():
        try:
            guard.on(20e3, 10e-6)
        except Exception as error:
            problems.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    wait_for(lambda: bench.now_s() > bench.switched_on()[-1] + 0.6, 5.0, "it waits")
    stopped_s = bench.now_s()
    guard.stop("somebody at the button")
    assert bench.off_at(stopped_s, 0.5) - stopped_s < 0.5
    thread.join(20.0)
    assert not thread.is_alive()
    assert problems


@pytest.mark.long
def test_row_33_a_tube_that_is_found_on_is_commanded_off_within_two_seconds_before_it_is_asked(bench, tmp_path):
    role, clock = bench.roles["tube"], RealClock()
    adapter = open_adapter(role["resource"], framed(LINE, role["frame"]))
    tube = MiniX2(adapter, clock=clock, max_voltage_v=50e3, max_current_a=200e-6, max_power_w=10.0)
    tube.prepare()
    tube.set_output(*BEAM)
    tube.close()
    connected_s = bench.now_s()
    guard = RemoteGuard(setup_of(bench.roles, tmp_path), clock)
    first = min(each["time_s"] for each in bench.events("tube") if each["kind"] == "received" and
                each["time_s"] >= connected_s)  # fmt: skip
    assert bench.offs(connected_s)[0] == first
    assert first - connected_s < 2.0
    assert not bench.is_on()
    with pytest.raises(Refused, match="nobody has armed"):
        guard.on(*BEAM)
    guard.close()
    assert len(bench.switched_on()) == 1


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_guardian_that_is_told_to_end_switches_off_first_and_says_so(bench, guard, number):
    shine(bench, guard)
    told_s = bench.now_s()
    os.kill(guard.pid, number)
    assert bench.off_at(told_s, 1.0) - told_s < 0.5
    with pytest.raises(SafetyTrip, match=number.name):
        keep_alive(guard, 10.0)
    with suppress(SafetyTrip):
        guard.close()
    assert len(bench.switched_on()) == 1


def _table(role):
    return "".join(f'{key} = "{value}"\n' for key, value in role.items())
