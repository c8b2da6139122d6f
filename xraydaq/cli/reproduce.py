"""``xraydaq reproduce``: the published comparison, from the wire to the table, on the simulated bench."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xraydaq.errors import EXIT_DONE, ConfigError, RunFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xraydaq.reproduce.measured import Measured
    from xraydaq.reproduce.programme import Job
    from xraydaq.reproduce.running import Done
    from xraydaq.reproduce.table import Row

FOLDER = Path("data/reproduction")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("reproduce")(reproduce_command)


def reproduce_command(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder that receives a folder of this call.")] = FOLDER,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all simulated benches.")] = 1,
    blind: Annotated[
        int | None,
        typer.Option(min=0, metavar="SEED", help="Draw hidden crystals around the paper's; then open them."),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="WORD", help="Only runs whose key has this word. Repeatable.")
    ] = None,
    processes: Annotated[int, typer.Option(min=1, max=64, help="Runs at the same time.")] = 2,
) -> int:
    """Run every experiment of the paper on the simulated bench and compare its table.

    The three treatments go through the real drivers, on simulated time. A report is written, report.html and
    report.pdf, with the figures laid out as published.

    \b
    Examples:
      xraydaq reproduce
      xraydaq reproduce --only traps --only conductivity
      xraydaq reproduce --blind 7
    """
    from xraydaq._layout import check_layout
    from xraydaq.clock import RealClock
    from xraydaq.reproduce.measured import read_back
    from xraydaq.reproduce.programme import programme
    from xraydaq.reproduce.running import run_all
    from xraydaq.reproduce.shelf import with_trend
    from xraydaq.reproduce.table import rows_of, text_of

    check_layout()
    jobs = _chosen(programme(blind), only or [])
    clock = RealClock()
    begin_s, folder = clock.now(), _new_folder(out, clock.utc())
    typer.echo(f"{len(jobs)} runs on the simulated bench, {processes} at a time, into {folder}")
    done = run_all(jobs, folder, seed=seed, start_utc_s=clock.utc(), processes=processes, show=_show)
    measured = with_trend(read_back({key: each.file for key, each in done.items()}))
    if blind is None:
        rows = rows_of(measured)
        shown = [row for row in rows if row.measured is not None] if only else rows
        typer.echo(f"\n{text_of(shown)}")
        _write_report(folder, shown, measured)
        good = all(row.is_good for row in shown)
    else:
        good = True
        _open_the_truth(measured)
    typer.echo(f"\nsimulated bench; {clock.now() - begin_s:.0f} s")
    return EXIT_DONE if good and not any(each.exit_code for each in done.values()) else RunFailed.exit_code


def _chosen(jobs: "tuple[Job, ...]", words: list[str]) -> "list[Job]":
    found = [job for job in jobs if not words or any(word in job.key for word in words)]
    if not found:
        raise ConfigError(f"--only {words[0]}: no run has this word; runs are {', '.join(job.key for job in jobs)}")
    return found


def _new_folder(out: Path, utc_s: float) -> Path:
    from datetime import UTC, datetime

    folder = out / datetime.fromtimestamp(utc_s, UTC).strftime("%Y%m%dT%H%M%SZ")
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise ConfigError(f"--out {out}: {folder} cannot be created: {error.strerror}") from None
    return folder


def _show(done: "Done", count: str) -> None:
    state = f"{done.duration_s:.0f} s" if done.file is not None else f"FAILED: {done.problem}"
    problem = f" ({done.problem})" if done.file is not None and done.problem else ""
    typer.echo(f"  {count:>6}  {done.job.key:24} {state}{problem}")


def _write_report(folder: Path, rows: "Sequence[Row]", measured: "Measured") -> None:
    from xraydaq.reproduce.pages import panels_of, write_report

    for path in write_report(folder, rows, measured, panels_of(measured)):
        typer.echo(f"report  {path}")


def _open_the_truth(measured: "Measured") -> None:
    from xraydaq.reproduce.blind import pulls_of, pulls_text

    typer.echo("\nThe truth is opened: (measured - truth) / u\n")
    typer.echo(pulls_text(pulls_of(measured)))
