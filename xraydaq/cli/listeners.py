"""Three ways to follow a run: a live bar on a terminal, one line a minute elsewhere, JSON lines for programs."""

import json
import math
import sys
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress as Bar, TaskID, TextColumn

from procedures.base import Plan
from xraydaq.clock import Clock, RealClock
from xraydaq.config import RunConfig
from xraydaq.plan import duration_text
from xraydaq.report.table import render
from xraydaq.runner.closing import Closed
from xraydaq.runner.progress import Listener, Progress
from xraydaq.runner.run import Outcome
from xraydaq.units import format_quantity

LINE_EVERY_S = 60.0
JSON_EVERY_S = 0.25
NOT_ON_HARDWARE = "The drivers of this program have not been verified on hardware."


class FollowingListener(Listener, AbstractContextManager["FollowingListener"], Protocol):
    """A listener that is open while the run lasts and is told how it ended."""

    def ended(self, outcome: Outcome, closed: Closed) -> None:
        """Show state, reason, numbers and files."""


def listener_for(json_events: bool) -> FollowingListener:
    """Choose by what standard output is."""
    if json_events:
        return JsonListener(RealClock())
    if sys.stdout.isatty():
        return TerminalListener()
    return LineListener(RealClock())


class _Following:
    def __enter__(self) -> Any:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class LineListener(_Following):
    """One line a minute, for logs and pipes."""

    def __init__(self, wall: Clock) -> None:
        self._wall = wall
        self._next_s = wall.now() + LINE_EVERY_S

    def started(self, config: RunConfig, plan: Plan, folder: Path) -> None:
        print(_opening(config, plan), flush=True)

    def progress(self, progress: Progress) -> None:
        if self._wall.now() < self._next_s:
            return
        self._next_s += LINE_EVERY_S
        print(_progress_line(progress), flush=True)

    def event(self, kind: str, message: str, severity: str) -> None:
        if severity != "info":
            print(f"{severity}: {kind}: {message}", file=sys.stderr, flush=True)

    def ended(self, outcome: Outcome, closed: Closed) -> None:
        print(_closing(outcome, closed), flush=True)


class TerminalListener(_Following):
    """A live bar: points, elapsed, remaining, end time, current."""

    def __init__(self) -> None:
        self._console = Console()
        self._bar = Bar(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[line]}"), console=self._console,
        )  # fmt: skip
        self._task: TaskID | None = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def started(self, config: RunConfig, plan: Plan, folder: Path) -> None:
        self._console.print(_opening(config, plan), highlight=False)
        self._task = self._bar.add_task("start", total=plan.points, line="")
        self._bar.start()

    def progress(self, progress: Progress) -> None:
        if self._task is not None:
            line = _progress_line(progress)
            self._bar.update(self._task, description=progress.phase, completed=progress.points, line=line)

    def event(self, kind: str, message: str, severity: str) -> None:
        if severity != "info":
            self._console.print(f"{severity}: {kind}: {message}", highlight=False, markup=False)

    def ended(self, outcome: Outcome, closed: Closed) -> None:
        self._console.print(_closing(outcome, closed), highlight=False, markup=False, soft_wrap=True)


class JsonListener(_Following):
    """One JSON object per line on standard output; never anything else there."""

    def __init__(self, wall: Clock) -> None:
        self._wall = wall
        self._next_s = wall.now()

    def started(self, config: RunConfig, plan: Plan, folder: Path) -> None:
        self._say("started", folder=str(folder), points=plan.points, duration_s=plan.duration_s)

    def progress(self, progress: Progress) -> None:
        if self._wall.now() >= self._next_s:
            self._next_s = self._wall.now() + JSON_EVERY_S
            self._say("progress", **asdict(progress))

    def event(self, kind: str, message: str, severity: str) -> None:
        self._say("event", kind=kind, message=message, severity=severity)

    def ended(self, outcome: Outcome, closed: Closed) -> None:
        results = {} if closed.result is None else {
            label: {"value": value.value, "u": value.u, "unit": value.unit} for label, value, _ in closed.result.rows()
        }  # fmt: skip
        self._say(
            "ended", state=outcome.state, reason=outcome.reason, exit_code=outcome.exit_code,
            file=str(closed.result_path), figures=[str(path) for path in closed.figures], results=results,
            verdict=None if closed.result is None else closed.result.verdict, problem=closed.problem,
        )  # fmt: skip

    def _say(self, event: str, **fields: Any) -> None:
        plain = {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in fields.items()}
        print(json.dumps({"event": event, **plain}), flush=True)


def _opening(config: RunConfig, plan: Plan) -> str:
    where = "simulated bench" if config.bench.simulated else f"bench {config.bench.name} (drivers not verified on hardware)"
    return (
        f"{config.recipe.title or config.recipe.procedure}: sample {config.sample.name}, {where}\n"
        f"{plan.points} readings, {duration_text(plan.duration_s)}"
    )


def _progress_line(progress: Progress) -> str:
    left = "--" if math.isnan(progress.remaining_s) else duration_text(progress.remaining_s)
    end = "--" if math.isnan(progress.end_utc_s) else f"{datetime.fromtimestamp(progress.end_utc_s, UTC).astimezone():%H:%M:%S}"
    current = "--" if math.isnan(progress.current_a) else format_quantity(progress.current_a, "A")
    return (
        f"{progress.points}/{progress.total_points}  elapsed {duration_text(progress.elapsed_s)}  left {left}  "
        f"end {end}  {current}"
    )


def _closing(outcome: Outcome, closed: Closed) -> str:
    lines = [f"run {outcome.state}{': ' + outcome.reason if outcome.reason else ''}"]
    if closed.result is not None:
        lines += ["", render(closed.result), ""]
    else:
        lines.append(f"no result: {closed.problem}")
    lines.append(f"file    {closed.result_path}")
    lines += [f"figure  {path}" for path in closed.figures]
    return "\n".join(lines)
