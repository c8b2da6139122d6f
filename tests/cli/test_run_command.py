import json
import os
import pty
import re
import signal
import struct
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

import pytest

from xraydaq.config import shipped_configs
from xraydaq.storage import read_run, tail_journal

SHORT = ("--set", 'duration="5 min"', "--set", 'tail_duration="30 s"')


def only_run(folder=Path("data/runs")):
    (run,) = [each for each in folder.iterdir() if each.is_dir()]
    return run


def test_a_shipped_recipe_runs_in_an_empty_directory_from_one_command_to_table_file_and_figure(xraydaq):
    said = xraydaq("run", "bias_stability", *SHORT)
    assert (said.code, said.err) == (0, "")
    folder = only_run()
    for words in (
        "sample atomistic, simulated bench, 393 readings",
        f"recipe  {shipped_configs() / 'recipes' / 'bias_stability.toml'}",
        f"folder  data/runs/{folder.name}",
        "run finished",
        "mean dark current",
        "verdict: stable",
        f"file    data/runs/{folder.name}/{folder.name}.h5",
        f"figure  data/runs/{folder.name}/{folder.name}.png",
    ):
        assert words in said.out
    stored = read_run(folder)
    assert (stored.state, stored.rows, list(stored.analyses)) == ("finished", 393, [1])
    assert sorted(each.name for each in folder.iterdir()) == [
        f"{folder.name}.h5", f"{folder.name}.pdf", f"{folder.name}.png", "run.lock", "run.wal.gz",
    ]  # fmt: skip


def test_json_events_are_json_alone_and_end_with_the_numbers(xraydaq):
    said = xraydaq("run", "bias_stability", *SHORT, "--json")
    assert (said.code, said.err) == (0, "")
    events = [json.loads(line) for line in said.out.splitlines()]
    kinds = [each["event"] for each in events]
    assert (kinds[0], kinds[-2:]) == ("started", ["closing", "ended"])
    last = next(each for each in reversed(events) if each["event"] == "progress")
    assert (last["points"], last["total_points"]) == (393, 393)
    ended = events[-1]
    assert (ended["state"], ended["exit_code"], ended["verdict"]) == ("finished", 0, "stable")
    assert ended["results"]["mean_dark_current"]["unit"] == "A"
    assert Path(ended["file"]).is_file()
    assert all(Path(path).is_file() for path in ended["figures"])


def test_every_warning_of_configuration_and_plan_is_shown_once_before_the_run_and_stands_in_its_file(xraydaq):
    wide = ("--set", "compliance=1 mA", "--set", "current_range=1 mA")
    said = xraydaq("run", "bias_stability", *SHORT, *wide, "--json")
    assert said.code == 0
    events = [json.loads(line) for line in said.out.splitlines()]
    started = [each["event"] for each in events].index("started")
    assert [(each["kind"], each["severity"]) for each in events[:started]] == [("plan", "warning")]
    warned = events[0]["message"]
    assert warned == "dark current at 5 V: 300 nA at most: known to 12 % or worse (offset 35 nA in the range of 1 mA)"
    assert read_run(only_run()).header.resolved["warnings"] == [warned]

    said = xraydaq("run", "bias_stability", *SHORT, "--set", "compliance=1 uA", "--out", "close")
    assert said.err.count("warning: ") == said.err.count("warning: configuration: ") == 1
    said = xraydaq("run", "bias_stability", *SHORT, *wide, "--out", "wide")
    assert said.err == f"warning: plan: {warned}\n"


@pytest.mark.long
def test_the_same_seed_gives_the_same_readings_and_another_seed_others(xraydaq):
    currents = []
    for seed in (7, 7, 8):
        assert xraydaq("run", "bias_stability", *SHORT, "--seed", seed, "--out", f"runs{len(currents)}").code == 0
        currents.append(read_run(only_run(Path(f"runs{len(currents)}"))).columns["current"].tobytes())
    assert currents[0] == currents[1] != currents[2]


def test_a_run_too_short_for_an_analysis_is_done_and_says_why_there_are_no_numbers(xraydaq):
    said = xraydaq("run", "bias_stability", "--set", 'duration="3 s"', "--set", 'tail_duration="0 s"')
    assert said.code == 0
    assert "no analysis: " in said.out
    assert (only_run() / f"{only_run().name}.h5").is_file()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["nowhere.toml"], 2, "error: nowhere.toml: no such file, and no recipe of this name comes with the program"),
        (
            ["bias_stability", "--speed", "fast"],
            2,
            "error: --speed fast: write real, max or a factor above 0 such as 600",
        ),
        (["bias_stability", "--speed", "nan"], 2, "error: --speed nan: write real, max or a factor above 0"),
        (["bias_stability", "--seed", "-1"], 2, "Invalid value for '--seed'"),
        (["bias_stability", "--fault", "nonsense"], 2, "error: "),
        (["bias_stability", "--bench", "lab_gpib", "--fault", "cut@100"], 8, "error: --fault: the bench 'lab'"),
        (["bias_stability", "--out", "file"], 2, "error: --out file: is a file; a folder is wanted here"),
        (["bias_stability", "--out", "file/below"], 2, "error: --out file/below: cannot be created: Not a directory"),
        (["bias_stability", "--out", "/proc/runs"], 2, "error: --out /proc/runs: cannot be created: "),
        (["bias_stability", "--sample", "nowhere"], 2, 'error: --sample: sample: "nowhere" does not exist'),
        (["bias_stability", "--set", "bias"], 2, 'error: --set: "bias" is not key=value'),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_one_clear_line_and_nothing_is_recorded(xraydaq, workplace, words, code, message):
    (workplace / "file").write_text("")
    said = xraydaq("run", *words)
    assert (said.code, said.out) == (code, "")
    assert message in said.err
    assert "Traceback" not in said.err
    assert list(workplace.glob("**/run.wal*")) == []


def test_a_real_bench_is_not_run_faster_than_time(xraydaq):
    said = xraydaq("run", "bias_stability", "--bench", "lab_gpib", "--speed", "600")
    assert (said.code, said.out) == (8, "")
    assert said.err.startswith("error: --speed 600: the bench 'lab' has real instruments")


@pytest.mark.long
def test_an_earlier_run_that_was_cut_off_is_recovered_before_a_new_one_begins(xraydaq, stored_run):
    earlier = stored_run(state=None)
    said = xraydaq("run", "bias_stability", *SHORT)
    assert said.code == 0
    assert f"warning: earlier run: {earlier.name}: recovered, interrupted," in said.err
    assert list(read_run(earlier).analyses) == [1]


def test_an_instrument_that_falls_silent_ends_the_run_with_4_and_keeps_the_rest(xraydaq):
    said = xraydaq("run", "bias_stability", *SHORT, "--fault", "missing@200-100000")
    assert said.code == 4
    assert "run failed: " in said.out
    assert "warning: bad_reading: " in said.err
    assert "THE OUTPUT MAY BE ON" in said.err
    assert read_run(only_run()).state == "failed"
    assert list(read_run(only_run()).analyses) == [1]


def test_help_says_which_replies_a_fault_counts(xraydaq):
    words = " ".join(xraydaq("run", "--help").out.split())
    assert "Every reply counts, from 1: also those to questions about settings." in words


def started(program):
    """Wait for the line that says where the run is recorded."""
    for line in program.stdout:
        if line.startswith("folder  "):
            return Path(line.split()[1])
    raise AssertionError(program.stderr.read())


def rows_have_come(folder):
    tail = tail_journal(folder)
    try:
        while tail.rows < 5:
            tail.poll()
    finally:
        tail.close()


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGTERM, 143),
        *(pytest.param(*each, marks=pytest.mark.long) for each in ((signal.SIGINT, 130), (signal.SIGHUP, 129))),
    ],
)
def test_a_signal_takes_the_way_back_and_ends_with_its_code(start_program, workplace, number, code):
    program = start_program("run", "bias_stability", "--speed", "20")
    folder = started(program)
    rows_have_come(folder)
    program.send_signal(number)
    program.send_signal(number)
    out, err = program.communicate(timeout=120)
    assert program.returncode == code, err
    assert f"run stopped: stopped by {number.name}" in out
    assert "warning: stop: stop requested: taking the way back" in err
    assert read_run(folder).state == "stopped"
    assert folder.joinpath(f"{folder.name}.h5").is_file()


def test_ctrl_c_while_the_result_is_written_costs_neither_result_nor_analysis(start_program, workplace):
    program = start_program("run", "bias_stability", *SHORT)
    for line in program.stdout:
        if line == "writing the result and its figure ...\n":
            program.send_signal(signal.SIGINT)
            break
    out, err = program.communicate(timeout=120)
    assert (program.returncode, err) == (0, "")
    assert "verdict: stable" in out
    assert list(read_run(only_run(workplace / "data" / "runs")).analyses) == [1]


@pytest.mark.long
def test_a_result_that_cannot_be_written_leaves_the_readings_and_the_command_that_builds_it(start_program, xraydaq):
    program = start_program("run", "bias_stability", "--speed", "20")
    folder = started(program)
    rows_have_come(folder)
    in_the_way = folder / f"{folder.name}.h5"
    in_the_way.write_text("somebody's own file")
    program.send_signal(signal.SIGTERM)
    out, err = program.communicate(timeout=120)
    assert (program.returncode, "Traceback" in err) == (143, False)
    assert "run stopped: stopped by SIGTERM" in out
    assert f"all readings are safe, build it with: xraydaq recover {folder.resolve()}" in out
    assert in_the_way.read_text() == "somebody's own file"
    assert xraydaq("recover", folder).code == 0
    assert read_run(folder).state == "stopped"


@pytest.mark.long
def test_a_reader_who_leaves_does_not_end_the_run(start_program, workplace):
    reading, writing = os.pipe()
    program = start_program("run", "bias_stability", *SHORT, "--json", stdout=writing)
    os.close(writing)
    os.read(reading, 1)
    os.close(reading)
    _, err = program.communicate(timeout=120)
    assert program.returncode == 0, err
    assert "the run goes on, but is no longer shown: BrokenPipeError" in err
    assert read_run(only_run(workplace / "data" / "runs")).state == "finished"


def test_a_terminal_that_is_closed_stops_the_run_on_its_way_back(start_program, workplace, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    screen, terminal = pty.openpty()
    program = start_program("run", "bias_stability", "--speed", "20", stdout=terminal, stderr=terminal)
    os.close(terminal)
    shown = b""
    while b"baseline" not in shown:
        shown += os.read(screen, 65536)
    os.close(screen)
    program.send_signal(signal.SIGHUP)
    assert program.wait(timeout=120) == 129
    stored = read_run(only_run(workplace / "data" / "runs"))
    assert (stored.state, stored.reason) == ("stopped", "stopped by SIGHUP")


@pytest.mark.long
def test_on_a_terminal_of_80_columns_the_bar_stays_in_its_line(start_program, workplace, monkeypatch):
    screen, terminal = pty.openpty()
    ioctl(terminal, TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("COLUMNS", raising=False)
    begin_soon = ("--set", 'baseline_duration="2 s"')
    program = start_program("run", "bias_stability", "--speed", "20", *begin_soon, stdout=terminal)
    os.close(terminal)
    seen = Screen(screen)
    at_bias = r"bias +.*\d+% \d+/\d+ \d+:\d\d left [\d:]+ end (\d\d \w+ )?\d\d:\d\d [\d.]+ nA"
    while len([bar for bar in seen.bars() if re.search(at_bias, bar)]) <= 3:
        assert seen.more()
    program.send_signal(signal.SIGINT)
    while seen.more():
        pass
    os.close(screen)
    assert program.wait(timeout=120) == 130
    assert max(len(bar) for bar in seen.bars()) <= 80
    assert "run stopped" in seen.text()


class Screen:
    """What a program shows on a terminal."""

    def __init__(self, screen):
        self._screen = screen
        self._shown = b""

    def more(self):
        """Wait for something new; False when the terminal's other end is closed: the program has ended."""
        try:
            new = os.read(self._screen, 65536)
        except OSError:
            return False
        self._shown += new
        return bool(new)

    def text(self):
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self._shown.decode(errors="replace"))

    def bars(self):
        return [line for line in re.split(r"[\r\n]+", self.text()) if "%" in line and "left" in line]
