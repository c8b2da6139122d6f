"""Three ways to follow a run: a live bar on a terminal, one line a minute elsewhere, JSON lines for programs."""

import os
import sys
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn
from rich.progress import Progress as Bar
from rich.table import Column

from procedures.base import Plan
from xraydaq.cli.plain import json_text
from xraydaq.cli.repeats import Repeats
from xraydaq.cli.text import clock_text, closing_text, current_text, end_text, opening_text, progress_text
from xraydaq.clock import Clock, RealClock
from xraydaq.config import RunConfig
from xraydaq.runner.closing import Closed
from xraydaq.runner.progress import Listener, Progress, Shielded
from xraydaq.runner.run import Outcome

LINE_EVERY_S = 60.0
JSON_EVERY_S = 0.25
CLOSING = "writing the result and its figure ..."
"""Of the longest name of a phase, so that the bar does not move when the phase changes."""


class FollowingListener(Listener, Protocol):
    """A listener that is also told what comes after the readings."""

    def closing(self) -> None:
        """Say that the readings are over and the result is being written."""

    def ended(self, outcome: Outcome, closed: Closed) -> None:
        """Show state, reason, numbers and files."""

    def close(self) -> None:
        """Leave the terminal as it was found; twice is harmless."""


class Follower(Shielded):
    """A listener for the whole of a run, shielded; closes it at the end."""

    def __init__(self, listener: FollowingListener) -> None:
        super().__init__(listener)
        self._following = listener

    def closing(self) -> None:
        """Pass it on."""
        self.tell(self._following.closing)

    def ended(self, outcome: Outcome, closed: Closed) -> None:
        """Pass it on."""
        self.tell(lambda: self._following.ended(outcome, closed))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.tell(self._following.close)


def listener_for(json_events: bool) -> Follower:
    """Choose by what standard output is."""
    if json_events:
        return Follower(JsonListener(RealClock()))
    if sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        return Follower(TerminalListener(RealClock()))
    return Follower(LineListener(RealClock()))


class LineListener:
    """One line a minute, for logs and pipes."""

    def __init__(self, wall: Clock) -> None:
        self._wall = wall
        self._repeats = Repeats(wall)
        self._next_s = wall.now() + LINE_EVERY_S

    def started(self, config: RunConfig, plan: Plan, folder: Path) -> None:
        _line(opening_text(config, plan, folder))

    def progress(self, progress: Progress) -> None:
        now_s = self._wall.now()
        if now_s < self._next_s:
            return
        self._next_s += LINE_EVERY_S
        if self._next_s <= now_s:  # the computer slept: one line, not one for every minute of it
            self._next_s = now_s + LINE_EVERY_S
        _line(progress_text(progress))

    def event(self, kind: str, message: str, severity: str) -> None:
        text = None if severity == "info" else self._repeats.admit(kind, message)
        if text is not None:
            _line(f"{severity}: {kind}: {text}", sys.stderr)

    def closing(self) -> None:
        for line in self._repeats.withheld():
            _line(f"warning: {line}", sys.stderr)
        _line(CLOSING)

    def ended(self, outcome: Outcome, closed: Closed) -> None:
        _line(closing_text(outcome, closed))

    def close(self) -> None:
        return None


class TerminalListener:
    """A live bar in one line of 80 columns: phase, bar, share, readings, elapsed, remaining, end time, current."""

    def __init__(self, wall: Clock, console: Console | None = None) -> None:
        self._console = Console() if console is None else console
        self._repeats = Repeats(wall)
        self._bar = Bar(
            TextColumn("{task.description:8}", markup=False),
            BarColumn(bar_width=None, table_column=Column(ratio=1)),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[line]}", markup=False),
            console=self._console,
            expand=True,
        )
        self._task: TaskID | None = None

    def started(self, config: RunConfig, plan: Plan, folder: Path) -> None:
        self._say(opening_text(config, plan, folder))
        self._task = self._bar.add_task("start", total=plan.points, line="")
        self._bar.start()

    def progress(self, progress: Progress) -> None:
        if self._task is not None:
            line = _bar_line(progress)
            self._bar.update(self._task, description=progress.phase, completed=progress.points, line=line)

    def event(self, kind: str, message: str, severity: str) -> None:
        text = None if severity == "info" else self._repeats.admit(kind, message)
        if text is not None:
            self._say(f"{severity}: {kind}: {text}")

    def closing(self) -> None:
        self._bar.stop()
        for line in self._repeats.withheld():
            self._say(f"warning: {line}")
        self._say(CLOSING)

    def ended(self, outcome: Outcome, closed: Closed) -> None:
        self._say(closing_text(outcome, closed))

    def close(self) -> None:
        self._bar.stop()

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


class JsonListener:
    """One JSON object per line on standard output; never anything else there."""

    def __init__(self, wall: Clock) -> None:
        self._wall = wall
        self._next_s = wall.now()

    def started(self, config: RunConfig, plan: Plan, folder: Path) -> None:
        self._say("started", folder=folder, points=plan.points, duration_s=plan.duration_s, files=config.files)

    def progress(self, progress: Progress) -> None:
        now_s = self._wall.now()
        if now_s >= self._next_s or progress.points == progress.total_points:
            self._next_s = now_s + JSON_EVERY_S
            self._say("progress", **asdict(progress))

    def event(self, kind: str, message: str, severity: str) -> None:
        self._say("event", kind=kind, message=message, severity=severity)

    def closing(self) -> None:
        self._say("closing")

    def ended(self, outcome: Outcome, closed: Closed) -> None:
        result = closed.result
        self._say(
            "ended",
            state=outcome.state,
            reason=outcome.reason,
            exit_code=outcome.exit_code or closed.exit_code,
            file=closed.result_path,
            figures=closed.figures,
            results=None if result is None else {name: asdict(value) for name, value in result.quantities().items()},
            verdict=None if result is None else result.verdict,
            flags=[] if result is None else result.flags,
            problem=closed.problem,
        )

    def close(self) -> None:
        return None

    def _say(self, event: str, **fields: Any) -> None:
        _line(json_text({"event": event, **fields}))


def _line(text: str, stream: TextIO | None = None) -> None:
    """Write a line in one piece: two threads do, and `print` writes the end of a line apart from it."""
    stream = sys.stdout if stream is None else stream
    stream.write(f"{text}\n")
    stream.flush()


def _bar_line(progress: Progress) -> str:
    return (
        f"{progress.points}/{progress.total_points} {clock_text(progress.elapsed_s)} "
        f"left {clock_text(progress.remaining_s)} end {end_text(progress)} {current_text(progress)}"
    )
