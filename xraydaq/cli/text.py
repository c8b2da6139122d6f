"""What a run looks like as text: its beginning, a moment of it, its end."""

import math
from datetime import UTC, datetime
from pathlib import Path

from procedures.base import Plan
from xraydaq.cli.names import shown
from xraydaq.config import RunConfig
from xraydaq.plan import duration_text
from xraydaq.report.notices import bench_notice
from xraydaq.report.table import render
from xraydaq.runner.closing import Closed
from xraydaq.runner.progress import Progress
from xraydaq.runner.run import Outcome
from xraydaq.units import format_quantity

UNKNOWN = "--"
DAY_S = 86_400.0


def opening_text(config: RunConfig, plan: Plan, folder: Path) -> str:
    """Say what begins, from which file, and where it is recorded."""
    bench = config.bench
    real = f"bench {bench.name} (drivers not verified on hardware)"
    where = real if bench.is_real else bench_notice(True, served=bench.served_simulation)
    return "\n".join(
        [
            config.recipe.title or config.recipe.procedure,
            f"sample {config.sample.name}, {where}, {plan.points} readings, {duration_text(plan.duration_s)}",
            f"recipe  {config.files['recipe']}",
            f"folder  {shown(folder)}",
        ]
    )


def progress_text(progress: Progress) -> str:
    """Say how far a run is, for a log: one line with words."""
    return (
        f"{progress.phase}: {progress.points} of {progress.total_points} readings, "
        f"elapsed {clock_text(progress.elapsed_s)}, left {clock_text(progress.remaining_s)}, "
        f"end {end_text(progress)}, {current_text(progress)}"
    )


def clock_text(duration_s: float) -> str:
    """Write a duration as ``13:20:00``, ``0:31``, ``2d 01:00:00``."""
    if not math.isfinite(duration_s):
        return UNKNOWN
    minutes, seconds = divmod(round(duration_s), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours:02}:{minutes:02}:{seconds:02}"
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def end_text(progress: Progress) -> str:
    """Write the time of day a run will end at, with the date where it is more than a day away."""
    if not math.isfinite(progress.end_utc_s):
        return UNKNOWN
    end = datetime.fromtimestamp(progress.end_utc_s, UTC).astimezone()
    return f"{end:%d %b %H:%M}" if progress.remaining_s > DAY_S else f"{end:%H:%M}"


def current_text(progress: Progress) -> str:
    """Write the last current."""
    return UNKNOWN if math.isnan(progress.current_a) else format_quantity(progress.current_a, "A")


def closing_text(outcome: Outcome, closed: Closed) -> str:
    """Say how a run ended, with its numbers and files."""
    return f"run {outcome.state}{': ' + outcome.reason if outcome.reason else ''}\n{result_text(closed)}"


def result_text(closed: Closed) -> str:
    """Show the table of a run, or why there is none, and its files."""
    lines = (
        []
        if closed.result is None
        else ["", render(closed.result, simulated=closed.simulated, served=closed.served).rstrip(), ""]
    )
    if closed.problem:
        lines.append(closed.problem)
    if closed.result_path is not None:
        lines.append(f"file    {shown(closed.result_path)}")
    lines += [f"figure  {shown(path)}" for path in closed.figures]
    return "\n".join(lines)
