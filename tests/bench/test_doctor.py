import math
from dataclasses import replace
from pathlib import Path

import pytest

from instruments.keithley2400.settings import SourceVoltageSettings
from instruments.sim.bench import SimBench
from instruments.sim.deeds import begin
from instruments.sim.faults import TimedFault
from xraydaq.bench.doctor import examine
from xraydaq.bench.doctor.computer import SLEEP_TARGETS, can_suspend, computer_probes
from xraydaq.bench.doctor.filters import filter_probes
from xraydaq.bench.opening import open_role, simulation_settings
from xraydaq.bench.serving import simulated_roles
from xraydaq.clock import JumpingClock
from xraydaq.config import default_bench, load_bench

START_UTC_S = 1.8e9
REAL = """
name = "real"
[roles.smu]
driver = "keithley2400"
resource = "TCPIP0::127.0.0.1::9::SOCKET"
{more}
[limits]
max_bias = "25 V"
max_current = "1 mA"
"""


class Bench:
    """A simulated bench, and the doctor who comes to it."""

    def __init__(self, tmp_path: Path, *, wiring: str = "smu", nobody: bool = False, file: Path | None = None) -> None:
        self.clock = JumpingClock(START_UTC_S)
        self.config = load_bench(default_bench() if file is None else file)
        self.beam = []
        known = load_bench(default_bench())
        roles = simulated_roles(known)
        self.world = SimBench(
            self.clock,
            replace(simulation_settings(known, "atomistic"), wiring=wiring),
            seed=1,
            roles=roles[:-1] if nobody else roles,
            on_beam=self.beam.append,
        )
        self._tmp_path = tmp_path

    def checks(self, attending=None):
        return examine(
            self.config,
            self.clock,
            run_folder=self._tmp_path / "runs",
            attending=attending,
            simulation=self.world,
            system=self._tmp_path,
        )

    def open(self, role):
        return open_role(role, self.config, self.world, self.clock)


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


@pytest.fixture
def real(tmp_path):
    """A bench whose file says that it is real, with the simulators at the other ends of its cables."""

    def make(more=""):
        (tmp_path / "real.toml").write_text(REAL.format(more=more))
        return Bench(tmp_path, file=tmp_path / "real.toml")

    return make


def verdicts(checks):
    return {(check.role, check.name): check.verdict for check in checks}


def failed(checks):
    return {key for key, verdict in verdicts(checks).items() if verdict == "FAIL"}


def test_a_healthy_bench_passes_every_check(bench):
    checks = list(bench.checks())
    assert {check.verdict for check in checks} == {"PASS"}
    assert {check.role for check in checks} == {"computer", *bench.config.roles}
    assert not any(check.fix for check in checks)


def test_no_instrument_is_told_what_it_refuses_and_the_beam_is_never_on(bench):
    list(bench.checks())
    assert {role: device.refused for role, device in bench.world.devices.items() if device.refused} == {}
    assert not any(event.on for event in bench.beam)


FAULTS = [
    ("smu:unplugged", "smu", "identity", "cable is in"),
    ("tube:unplugged", "tube", "identity", "cable is in"),
    ("smu:cut", "smu", "identity", "cable is in"),
    ("analyser:cut", "analyser", "identity", "cable is in"),
    ("dosimeter:missing", "dosimeter", "identity", "cable is in"),
    ("temperature:garbage", "temperature", "identity", "cable is in"),
    ("analyser:late", "analyser", "answer time", "late or lost"),
    ("preamplifier:unplugged", "preamplifier", "heard at the analyser", "serial cable"),
    ("interlock_open", "tube", "interlock CLOSED", "Close the lid"),
    ("interlock_shorted", "tube", "interlock CLOSED", "too much is a short"),
    ("over_temperature", "tube", "board temperature", "let it cool down"),
    ("compliance", "smu", "compliance", "Take the crystal off"),
    ("overload", "preamplifier", "overload", "Too much current"),
    ("sensor_open", "temperature", "sensor", "sensor's plug"),
    ("dose_without_beam", "dosimeter", "dose without beam", "Leave the room"),
]


@pytest.mark.parametrize(("fault", "role", "name", "fix"), FAULTS, ids=[each[0] for each in FAULTS])
def test_a_fault_fails_the_check_that_is_for_it_with_its_fix_and_no_other(tmp_path, fault, role, name, fix):
    bench = Bench(tmp_path, wiring="preamplifier" if fault == "overload" else "smu")
    line, _, kind = fault.rpartition(":")
    if not line:
        begin(bench.world, kind, 0.0)
    elif kind == "unplugged":
        bench.world.links[line].unplug(0.0, math.inf)
    else:
        bench.world.links[line].add_fault(TimedFault(kind, 0.0, math.inf))
    checks = list(bench.checks())
    assert failed(checks) == {(role, name)}
    (found,) = [check for check in checks if check.verdict == "FAIL"]
    assert fix in found.fix


def test_what_needs_a_beam_to_be_seen_is_not_seen(bench):
    begin(bench.world, "beam_without_dose", 0.0)
    assert failed(bench.checks()) == set()


def test_no_zero_is_taken_where_a_dose_would_be_hidden_by_it(bench):
    begin(bench.world, "dose_without_beam", 0.0)
    assert verdicts(bench.checks())["dosimeter", "zero"] == "SKIP"
    assert bench.world.devices["dosimeter"].digitizer.zero_gy_s == 0.0


def test_a_dose_without_beam_that_is_too_high_to_be_known_fails(bench):
    bench.world.world.add_stray_kerma(0.0, 20e-3)  # four times the range of the chamber
    found = {check.name: check for check in bench.checks() if check.role == "dosimeter"}
    assert found["dose without beam"].verdict == "FAIL"
    assert "over rate" in found["dose without beam"].text
    assert found["zero"].verdict == "SKIP"


def test_an_output_that_was_left_on_is_told_not_tested_and_switched_off(bench):
    with bench.open("smu") as smu:
        smu.configure(
            SourceVoltageSettings(
                source_range_v=2.0, current_range_a=1e-6, compliance_a=1e-6, nplc=1.0, line_frequency_hz=50.0
            )
        )
        smu.bias_v = 1.0
        smu.output_enabled = True
    found = verdicts(bench.checks())
    assert found["smu", "output off"] == "FAIL"
    assert found["smu", "compliance"] == "SKIP"
    assert not bench.world.smu.instrument.settings.output


@pytest.mark.parametrize("last", ["output off", "current at 0 V", "compliance"])
def test_a_doctor_who_is_called_away_leaves_the_output_off(bench, last):
    checks = bench.checks()
    for check in checks:
        if (check.role, check.name) == ("smu", last):
            break
    if last == "current at 0 V":
        assert bench.world.smu.instrument.settings.output  # else this would test nothing
    checks.close()
    assert not bench.world.smu.instrument.settings.output


def test_a_beam_that_is_on_fails_and_nobody_is_sent_to_the_lid(bench):
    with bench.open("tube") as tube:
        tube.set_output(15e3, 15e-6)
        found = verdicts(bench.checks())
        tube.safe_off()
    assert found["tube", "beam off"] == "FAIL"
    assert found["tube", "interlock seen open and closed"] == "SKIP"
    assert found["dosimeter", "zero"] == "SKIP"
    assert "interlock" not in " ".join(event.cause for event in bench.beam)


class Person:
    def __init__(self, answer):
        self.answer = answer
        self.asked = []

    def do(self, request):
        self.asked.append(request.kind)
        return self.answer


def test_a_lid_that_does_not_break_the_loop_fails(tmp_path):
    person = Person(True)  # has opened and closed it, and the loop has not noticed
    checks = list(Bench(tmp_path, nobody=True).checks(person))
    assert person.asked == ["open_lid", "close_lid"]
    assert failed(checks) == {("tube", "interlock seen open and closed")}
    assert "DO NOT USE THE TUBE" in next(check.fix for check in checks if check.verdict == "FAIL")


def test_a_lid_that_nobody_opens_is_skipped(tmp_path):
    lid = ("tube", "interlock seen open and closed")
    assert verdicts(Bench(tmp_path, nobody=True).checks())[lid] == "SKIP"
    assert verdicts(Bench(tmp_path, nobody=True).checks(Person(False)))[lid] == "SKIP"


def test_a_tube_that_rested_for_two_days_is_due_for_its_warm_up(bench):
    bench.config = bench.config.model_copy(update={"roles": {"tube": bench.config.roles["tube"]}})
    bench.clock.sleep(2 * 86400.0)
    checks = list(bench.checks())
    assert failed(checks) == {("tube", "warm-up")}
    assert "daily" in next(check.text for check in checks if check.verdict == "FAIL")


def test_checks_that_another_program_switched_off_in_the_tube_are_found(bench):
    bench.world.devices["tube"].controller.checks_off = True
    assert failed(bench.checks()) == {("tube", "overrides")}


def test_a_heater_that_the_controller_calls_open_is_found(bench):
    bench.world.devices["temperature"].instrument.loops[1].heater_status = 1
    assert failed(bench.checks()) == {("temperature", "heater")}


@pytest.mark.parametrize(
    ("more", "verdict"),
    [("", "SKIP"), ("calibration_due = 2001-02-03", "FAIL"), ("calibration_due = 2099-02-03", "PASS")],
)
def test_a_certificate_is_judged_by_the_date_of_the_clock(real, more, verdict):
    assert verdicts(real(more).checks())["smu", "calibration due"] == verdict


def test_another_instrument_than_the_bench_file_names_is_sent_nothing_more(real):
    bench = real('serial = "777"')
    assert failed(bench.checks()) == {("smu", "identity")}
    assert ("smu", "settings") not in verdicts(bench.checks())


def test_a_wide_open_beam_or_no_list_of_foils_fails(bench):
    def verdict(filters):
        (probe,) = filter_probes(bench.config.model_copy(update={"filters": filters}))
        return probe.look().good

    foils = bench.config.filters
    assert verdict(foils) is True
    assert verdict(None) is False
    assert verdict(foils.model_copy(update={"fixed_m": 0.1e-3})) is False
    assert verdict(foils.model_copy(update={"foils_m": ()})) is False


def computer(clock, folder, system):
    return {probe.name: probe.look().good for probe in computer_probes(clock, folder, system)}


def test_a_computer_that_lost_its_date_fails(tmp_path):
    assert computer(JumpingClock(0.0), tmp_path, tmp_path)["date"] is False
    assert computer(JumpingClock(START_UTC_S), tmp_path, tmp_path)["date"] is True


def test_a_clock_that_stands_or_a_date_that_is_set_meanwhile_fails(tmp_path):
    class Standing(JumpingClock):
        def now(self):
            return 0.0

    class Changed(JumpingClock):
        def utc(self):
            return START_UTC_S + 100 * self.now()

    assert computer(Standing(START_UTC_S), tmp_path, tmp_path)["clock"] is False
    assert computer(Changed(START_UTC_S), tmp_path, tmp_path)["clock"] is False
    assert computer(JumpingClock(START_UTC_S), tmp_path, tmp_path)["clock"] is True


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="/proc is a file system without room")
def test_a_disk_without_room_fails(tmp_path):
    assert computer(JumpingClock(START_UTC_S), Path("/proc/runs"), tmp_path)["disk"] is False
    assert computer(JumpingClock(START_UTC_S), tmp_path / "not" / "yet", tmp_path)["disk"] is True


def test_only_a_computer_with_systemd_neither_masked_nor_held_off_falls_asleep(tmp_path):
    assert not can_suspend(tmp_path)
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    (tmp_path / "etc/systemd/system").mkdir(parents=True)
    assert can_suspend(tmp_path)
    assert computer(JumpingClock(START_UTC_S), tmp_path, tmp_path)["sleep"] is False
    for name in SLEEP_TARGETS[1:]:
        (tmp_path / "etc/systemd/system" / name).symlink_to("/dev/null")
    assert can_suspend(tmp_path)
    (tmp_path / "etc/systemd/system" / SLEEP_TARGETS[0]).symlink_to("/dev/null")
    assert not can_suspend(tmp_path)


@pytest.mark.parametrize(
    ("lock", "awake"),
    [
        ("WHAT=sleep:idle\nMODE=block\n", True),
        ("WHAT=sleep\nMODE=delay\n", False),
        ("WHAT=shutdown\nMODE=block\n", False),
    ],
)
def test_a_lock_that_blocks_sleep_keeps_the_computer_awake(tmp_path, lock, awake):
    for folder in ("system", "inhibit"):
        (tmp_path / "run/systemd" / folder).mkdir(parents=True)
    (tmp_path / "run/systemd/inhibit/1").write_text(lock)
    assert can_suspend(tmp_path) is not awake
