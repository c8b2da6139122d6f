import io
import json
import logging
import math
import re
import sys
import threading
from collections import Counter
from dataclasses import replace

import pytest
from rich.console import Console

from xraydaq.cli.listeners import JsonListener, LineListener, TerminalListener, listener_for
from xraydaq.cli.plain import json_text
from xraydaq.cli.text import clock_text
from xraydaq.clock import JumpingClock
from xraydaq.config import load_run, shipped_configs
from xraydaq.plan import plan_of
from xraydaq.runner.closing import Closed
from xraydaq.runner.progress import Progress, Shielded
from xraydaq.runner.run import Outcome

MOMENT = Progress(
    points=21900,
    total_points=48663,
    elapsed_s=21910.0,
    remaining_s=31.4,
    end_utc_s=1.8e9,
    current_a=1.502e-7,
    voltage_v=5.0,
    phase="baseline",
)
BEFORE = replace(MOMENT, points=0, elapsed_s=0.0, remaining_s=math.nan, end_utc_s=math.nan, current_a=math.nan)
LONG = replace(MOMENT, remaining_s=13.4 * 3600, points=48663, elapsed_s=48700.0, current_a=-1.502e-11)


@pytest.fixture
def config():
    return load_run(shipped_configs() / "recipes" / "bias_stability.toml")


def on_a_terminal(config, tmp_path, *moments, width=80):
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=width, color_system=None, legacy_windows=False)
    listener = TerminalListener(JumpingClock(start_utc_s=0.0), console)
    listener.started(config, plan_of(config), tmp_path)
    for moment in moments:
        listener.progress(moment)
    listener.close()
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue()).replace("\r", "\n")


@pytest.mark.parametrize("moment", [BEFORE, MOMENT, LONG], ids=["before", "on the way", "long"])
def test_the_bar_fits_into_80_columns_and_shows_everything(config, tmp_path, moment):
    lines = on_a_terminal(config, tmp_path, moment).splitlines()
    bar = next(line for line in reversed(lines) if "%" in line)
    assert max(len(line) for line in lines[4:]) <= 80
    for words in ("baseline", f"{moment.points}/48663", "left ", "end "):
        assert words in bar
    assert "…" not in bar
    if moment is MOMENT:
        assert re.search(r"45% 21900/48663 6:05:10 left 0:31 end \d\d:\d\d 150.2 nA$", bar.rstrip())


def test_a_title_in_brackets_is_shown_as_it_is(config, tmp_path):
    titled = replace(config, recipe=config.recipe.model_copy(update={"title": "[bold]crystal[/bold] 3"}))
    assert "[bold]crystal[/bold] 3" in on_a_terminal(titled, tmp_path)


def test_a_log_gets_one_line_a_minute_and_none_in_between(capsys):
    wall = JumpingClock(start_utc_s=0.0)
    listener = LineListener(wall)
    for _ in range(125):
        wall.sleep(1.0)
        listener.progress(MOMENT)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("baseline: 21900 of 48663 readings, elapsed 6:05:10, left 0:31, end ")
    assert lines[0].endswith(", 150.2 nA")


def test_a_computer_that_slept_does_not_catch_up_on_its_lines(capsys):
    wall = JumpingClock(start_utc_s=0.0)
    listener = LineListener(wall)
    wall.sleep(8 * 3600)
    for _ in range(10):
        listener.progress(MOMENT)
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_warning_that_repeats_itself_is_counted_and_hides_no_other(capsys):
    wall = JumpingClock(start_utc_s=0.0)
    listener = LineListener(wall)
    for _ in range(1000):
        wall.sleep(0.1)
        listener.event("slots_missed", "1 readings were not taken", "warning")
    listener.event("bad_reading", "no answer", "warning")
    listener.closing()
    same = "warning: slots_missed: 1 readings were not taken"
    assert capsys.readouterr().err.splitlines() == [
        *[same] * 5,
        f"{same} (and 599 before it)",
        "warning: bad_reading: no answer",
        "warning: slots_missed: 395 more, all are in the file",
    ]


def test_json_events_have_null_where_there_is_no_number(config, tmp_path, capsys):
    listener = JsonListener(JumpingClock(start_utc_s=0.0))
    listener.started(config, plan_of(config), tmp_path)
    listener.progress(BEFORE)
    listener.event("phase", "bias", "info")
    listener.closing()
    listener.ended(Outcome("failed", "why", 4, tmp_path), Closed(tmp_path / "x.h5", None, (), "too short"))
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["event"] for each in events] == ["started", "progress", "event", "closing", "ended"]
    assert events[1]["current_a"] is None
    assert (events[4]["exit_code"], events[4]["results"], events[4]["problem"]) == (4, None, "too short")


def test_lines_of_the_measuring_and_of_the_showing_thread_stay_whole(capsys):
    many = 3000
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for listener in (JsonListener(JumpingClock()), LineListener(JumpingClock())):
            talkers = [threading.Thread(target=talk, args=(listener, name, many)) for name in ("measuring", "showing")]
            for talker in talkers:
                talker.start()
            for talker in talkers:
                talker.join()
    finally:
        sys.setswitchinterval(interval_s)
    shown = capsys.readouterr()
    events = [json.loads(line) for line in shown.out.splitlines()]
    assert len(events) == 2 * many
    assert {each["message"] for each in events} == {"measuring", "showing"}
    # of each kind five are shown at once, the others are counted
    assert Counter(shown.err.splitlines()) == {"warning: measuring: measuring": 5, "warning: showing: showing": 5}


def talk(listener, name, many):
    for _ in range(many):
        listener.event(name, name, "warning")


def test_json_of_results_is_readable_by_a_strict_reader():
    text = json_text({"u": math.nan, "list": [1.0, (math.inf, {"deep": -math.inf})], "text": "µA ± nan"})
    assert json.loads(text) == {"u": None, "list": [1.0, [None, {"deep": None}]], "text": "µA ± nan"}
    assert "NaN" not in text


@pytest.mark.parametrize(
    ("duration_s", "text"),
    [(0.0, "0:00"), (31.4, "0:31"), (59.6, "1:00"), (3600.0, "1:00:00"), (90000.0, "1d 01:00:00"), (math.nan, "--")],
)
def test_durations_are_short(duration_s, text):
    assert clock_text(duration_s) == text


class BrokenTerminal:
    def __init__(self):
        self.calls = 0

    def progress(self, progress):
        self.calls += 1
        raise OSError(5, "Input/output error")


def test_a_terminal_that_breaks_ends_the_showing_and_not_the_run(caplog):
    terminal = BrokenTerminal()
    shielded = Shielded(terminal)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            shielded.progress(MOMENT)
    assert terminal.calls == 1
    assert caplog.messages == ["the run goes on, but is no longer shown: OSError: [Errno 5] Input/output error"]


def test_output_that_is_no_terminal_is_followed_by_lines(capsys):
    with listener_for(json_events=False) as listener:
        listener.closing()
    assert capsys.readouterr().out == "writing the result and its figure ...\n"
