import os
import subprocess
import sys

import pytest

from xraydaq.cli import main as entry
from xraydaq.errors import BusyError, ConfigError, InstrumentError, Refused, SafetyTrip, StorageError

COMMANDS = [
    ("run",), ("check",), ("plan",), ("schema",), ("analyse",), ("recover",), ("runs", "list"), ("runs", "show"),
    ("bench", "identify"),
]  # fmt: skip
HEAVY = ("numpy", "h5py", "scipy", "matplotlib", "pymeasure", "pint", "pydantic", "rich.progress", "pyvisa", "lmfit")


def test_help_names_every_command(xraydaq):
    said = xraydaq("--help")
    assert (said.code, said.err) == (0, "")
    commands = said.out.partition("Commands:")[2]
    assert [line.split()[0] for line in commands.splitlines() if line] == [
        "run", "off", "check", "plan", "schema", "analyse", "recover", "calibration", "theory", "trend", "reproduce",
        "soak", "runs", "bench", "sim",
    ]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(xraydaq, command):
    said = xraydaq(*command, "--help")
    assert (said.code, said.err) == (0, "")
    assert f"Usage: xraydaq {' '.join(command)}" in said.out
    assert f"\n    xraydaq {' '.join(command)}" in said.out


def test_the_version_is_shown(xraydaq):
    assert xraydaq("--version").out.startswith("xraydaq 0.")


def test_help_imports_nothing_heavy():
    code = "import sys; from xraydaq.cli.main import command_line; command_line(); print(*sys.modules, sep='\\n')"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    assert [name for name in HEAVY if name in loaded] == []


def test_help_takes_less_than_half_a_second_of_processor_time():
    # of this process alone, and the least of three: a busy computer adds to it, and never takes away
    assert min(processor_time_s("--help") for _ in range(3)) < 0.5


def processor_time_s(*words):
    process = subprocess.Popen([sys.executable, "-m", "xraydaq", *words], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ConfigError("a.toml:1: x", "a.toml:2: y"), 2, "error: a.toml:1: x\nerror: a.toml:2: y\n"),
        (SafetyTrip("compliance"), 3, "error: compliance\n"),
        (InstrumentError("no answer"), 4, "error: no answer\n"),
        (BusyError("held"), 5, "error: held\n"),
        (StorageError("full"), 6, "error: full\n"),
        (Refused("no"), 8, "error: no\n"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_errors_become_one_line_each_and_the_documented_code(xraydaq, monkeypatch, error, code, message):
    def fail():
        raise error

    monkeypatch.setattr("xraydaq._layout.check_layout", fail)
    said = xraydaq("run", "bias_stability")
    assert (said.code, said.out, said.err) == (code, "", message)


def test_a_bug_shows_its_traceback_and_ends_with_70(xraydaq, monkeypatch):
    def fail():
        raise ZeroDivisionError("as if")

    monkeypatch.setattr("xraydaq._layout.check_layout", fail)
    said = xraydaq("run", "bias_stability")
    assert said.code == 70
    assert "Traceback" in said.err
    assert said.err.endswith("error: this is a bug in xraydaq; please report the lines above\n")


def test_trouble_of_the_computer_is_one_line_and_no_bug(xraydaq, monkeypatch):
    def fail():
        raise PermissionError(13, "Permission denied", "/data/runs/x")

    monkeypatch.setattr("xraydaq._layout.check_layout", fail)
    said = xraydaq("run", "bias_stability")
    assert (said.code, said.err) == (6, "error: /data/runs/x: Permission denied\n")


def test_ctrl_c_before_anything_was_opened_ends_with_130(xraydaq, monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr("xraydaq._layout.check_layout", interrupt)
    assert xraydaq("run", "bias_stability").code == 130


def test_a_reader_who_is_gone_is_no_error(start_program):
    reading, writing = os.pipe()
    os.close(reading)
    program = start_program("schema", stdout=writing)
    os.close(writing)
    _, err = program.communicate(timeout=60)
    assert err == ""
    assert program.returncode in (0, 1)


def test_the_entry_point_of_the_package_is_the_same_program():
    assert entry.main.__module__ == "xraydaq.cli.main"
    said = subprocess.run([sys.executable, "-m", "xraydaq", "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("xraydaq 0.")
