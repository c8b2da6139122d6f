import json
import signal
from pathlib import Path

import pytest
import pyvisa

from xraydaq.bench.opening import open_role
from xraydaq.clock import RealClock
from xraydaq.config import load_bench

START_S = 60.0
REAL = """
name = "real"
[roles.smu]
driver = "keithley2400"
resource = "GPIB0::24::INSTR"
[limits]
max_bias = "25 V"
max_current = "1 mA"
"""
LF = {"read_termination": "\n", "write_termination": "\n", "timeout": 10_000}


@pytest.fixture
def serve(start_program, workplace):
    """Start a served bench in a process of its own; gives it and the bench file to dial in with."""

    def start(*options):
        program = start_program("sim", "serve", "--write", "served.toml", *options)
        assert program.stdout.readline() == "serving; the bench file to dial in is served.toml\n"
        return program, load_bench(Path("served.toml"))

    return start


@pytest.fixture
def manager():
    found = pyvisa.ResourceManager("@py")
    yield found
    found.close()


def end(program, number=signal.SIGTERM):
    program.send_signal(number)
    out, err = program.communicate(timeout=START_S)
    return program.returncode, out, err


def events(path, role):
    lines = [json.loads(line) for line in Path(path).read_text().splitlines()]
    return [line for line in lines if line["role"] == role]


def carried(found, kind):
    return "".join(line["text"] for line in found if line["kind"] == kind).encode("latin-1")


@pytest.mark.long
def test_a_served_bench_is_listed_pinged_and_asked_for_its_settings_like_a_real_one(serve, xraydaq):
    program, bench = serve()
    listed, pinged = (
        xraydaq("bench", "list", "--bench", "served.toml"),
        xraydaq("bench", "ping", "--bench", "served.toml", "--count", "1"),
    )
    shown = xraydaq("bench", "settings", "--bench", "served.toml", "--json")
    assert end(program) == (0, "", "")
    assert (listed.code, pinged.code, shown.code) == (0, 0, 0)
    cabled = [name for name in bench.roles if name not in ("filters", "operator")]
    assert all(bench.roles[name].resource in listed.out for name in cabled)
    assert [line.split()[0] for line in pinged.out.splitlines() if "answer" in line] == cabled
    assert list(json.loads(shown.out)["roles"]) == cabled
    assert all(role["error"] is None for role in json.loads(shown.out)["roles"].values())


def test_a_plain_visa_program_is_served_and_every_byte_is_in_the_log(serve, manager):
    program, bench = serve("--log", "bench.jsonl")
    said = []
    with manager.open_resource(bench.roles["smu"].resource, **LF) as smu:
        said += [smu.query("*IDN?"), smu.query(":SOUR:VOLT 0.5;:SOUR:VOLT?"), smu.query(":SYST:ERR?")]
    assert "MODEL 2400" in said[0]
    assert float(said[1]) == 0.5
    assert end(program) == (0, "", "")
    found = events("bench.jsonl", "smu")
    assert carried(found, "received") == b"*IDN?\n:SOUR:VOLT 0.5;:SOUR:VOLT?\n:SYST:ERR?\n"
    assert carried(found, "sent") == "".join(f"{each}\n" for each in said).encode()
    assert events("bench.jsonl", "tube") == []
    times_s = [line["time_s"] for line in found]
    assert times_s == sorted(times_s)


@pytest.mark.long
def test_the_drivers_of_this_project_dial_in_and_the_log_knows_when_there_was_a_beam(serve, manager, xraydaq):
    program, bench = serve("--log", "bench.jsonl")
    said = xraydaq("bench", "ping", "--bench", "served.toml", "--count", "1")
    assert (said.code, said.err) == (0, "")
    assert said.out.count("1 of 1 answered") == 5
    clock = RealClock()
    with open_role("tube", bench, None, clock) as tube:
        tube.set_output(30e3, 50e-6)
        operator = bench.roles["operator"].resource
        with manager.open_resource(operator, **LF) as person:
            assert person.query("DO open_lid") == "DONE"
        assert not tube.status().hv_enabled
    assert end(program) == (0, "", "")
    beams = [line for line in events("bench.jsonl", "tube") if line["kind"].startswith("beam")]
    assert [line["kind"] for line in beams][:1] == ["beam on"]
    assert beams[-1]["kind"] == "beam off"
    assert beams[-1]["text"].endswith(": fault 1")  # the interlock is open
    assert carried(events("bench.jsonl", "operator"), "received") == b"DO open_lid\n"
    assert b"HVSE" in carried(events("bench.jsonl", "tube"), "received")


@pytest.mark.long
def test_a_second_bench_adds_to_the_log_of_the_first(serve, manager):
    for _ in range(2):
        program, bench = serve("--log", "bench.jsonl")
        with manager.open_resource(bench.roles["smu"].resource, **LF) as smu:
            smu.query("*IDN?")
        assert end(program, signal.SIGINT) == (0, "", "")
    assert carried(events("bench.jsonl", "smu"), "received") == b"*IDN?\n*IDN?\n"


@pytest.mark.long
def test_a_fault_by_time_is_seen_by_who_dials_in(serve, xraydaq):
    program, _ = serve("--fault", "smu:missing@0", "--fault", "sensor_open@0")
    said = xraydaq("bench", "identify", "--bench", "served.toml")
    assert said.code == 4
    assert said.out.count("MISSING OR WRONG") == 1
    assert end(program)[0] == 0


def test_without_a_file_to_write_the_bench_file_is_printed(start_program):
    program = start_program("sim", "serve")
    lines = [program.stdout.readline()]
    while not lines[-1].startswith("foils ="):
        lines.append(program.stdout.readline())
        assert lines[-1], program.stderr.read()
    code, rest, _ = end(program)
    assert code == 0
    Path("printed.toml").write_text("".join(lines) + rest)
    assert load_bench(Path("printed.toml")).served_simulation


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (["--fault", "smu:sleepy@3"], 2, '--fault: "smu:sleepy@3": no such fault of a line; allowed: cut'),
        (["--fault", "fire@3", "--fault", "smu:cut@9-3"], 2, '--fault: "smu:cut@9-3": the end is not after the start'),
        (["--speed", "0"], 2, "--speed 0.0: write a factor above 0"),
        (["--speed", "inf"], 2, "--speed inf: write a factor above 0"),
        (["--speed", "nan"], 2, "--speed nan: write a factor above 0"),
        (["--sample", "diamond"], 2, "--sample diamond: allowed: untreated, mai, atomistic"),
        (["--bench", "real.toml"], 2, "the bench 'real' has no table [twin]: only a simulated bench can be served"),
        (["--log", "no/such/folder.jsonl"], 6, "no/such/folder.jsonl: No such file or directory"),
        (["--write", "no/such/folder.toml"], 6, "no/such/folder.toml: No such file or directory"),
    ],
)
def test_what_cannot_be_served_is_refused_in_one_sentence(xraydaq, workplace, words, code, complaint):
    (workplace / "real.toml").write_text(REAL)
    said = xraydaq("sim", "serve", *words)
    assert (said.code, said.out) == (code, "")
    assert f"error: {complaint}" in said.err
    assert "Traceback" not in said.err
