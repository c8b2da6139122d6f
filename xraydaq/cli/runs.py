"""``xraydaq runs``: what is on disk."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xraydaq.cli.options import RUNS, AsJson, Root
from xraydaq.errors import EXIT_DONE, StorageError

if TYPE_CHECKING:
    from xraydaq.storage import RunSummary
    from xraydaq.storage.verification import Verdict

app = typer.Typer(help="List, show and check stored runs.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_command(root: Root = RUNS, as_json: AsJson = False) -> int:
    """List the runs in a folder, the oldest first.

    \b
    Examples:
      xraydaq runs list
      xraydaq runs list --root /data/runs --json
    """
    from xraydaq.cli.plain import json_text

    summaries = _listed(root)
    if as_json:
        typer.echo(json_text([_record(each) for each in summaries], indent=2))
    elif summaries:
        width = max(len(each.run_id) for each in summaries)
        for each in summaries:
            typer.echo(_cut(f"{each.run_id:{width}}  {each.state:11}  {each.reason}".rstrip()))
    else:
        typer.echo(f"no runs in {root}")
    return EXIT_DONE


@app.command("show")
def show_command(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="Folder of a run, its result (.h5), or the beginning of its id.")
    ],
    root: Root = RUNS,
    as_json: AsJson = False,
) -> int:
    """Show one stored run and its numbers.

    State, sample, instruments, files, events, and the results of the last analysis.

    \b
    Examples:
      xraydaq runs show 20260131T17
      xraydaq runs show data/runs/20260131T170500Z_atomistic_bias_stability --json
    """
    from xraydaq.cli.names import run_path
    from xraydaq.cli.plain import json_text
    from xraydaq.cli.stored import run_lines, run_record
    from xraydaq.storage import read_run

    stored = read_run(run_path(run, root))
    typer.echo(json_text(run_record(stored), indent=2) if as_json else "\n".join(run_lines(stored)))
    return EXIT_DONE


@app.command("verify")
def verify_command(
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN", help="Folder of a run, or the beginning of its id. Default: all."),
    ] = None,
    root: Root = RUNS,
    as_json: AsJson = False,
) -> int:
    """Check stored runs: do the files open, are rows and state those of the journal, is nothing left undone?

    Changes nothing. A run that is still going on is not checked.

    \b
    Examples:
      xraydaq runs verify
      xraydaq runs verify 20260131T17 --json
    """
    from xraydaq.cli.names import run_path
    from xraydaq.cli.plain import json_text
    from xraydaq.storage.verification import verify

    paths = [run_path(each, root) for each in runs or ()] if runs else [each.folder for each in _listed(root)]
    verdicts = [verify(path if path.is_dir() else path.parent) for path in paths]
    if as_json:
        typer.echo(json_text([_record(each) for each in verdicts], indent=2))
    else:
        typer.echo("\n".join(_verdict_lines(verdicts)) or f"no runs in {root}")
    return StorageError.exit_code if any(each.problems for each in verdicts) else EXIT_DONE


def _listed(root: Path) -> "list[RunSummary]":
    from xraydaq.cli.names import folders_in
    from xraydaq.storage import list_runs

    folders_in(root)  # says what is wrong with it
    return list_runs(root)


def _verdict_lines(verdicts: "list[Verdict]") -> Iterator[str]:
    for each in verdicts:
        yield f"{each.folder.name}: {'NOT RIGHT' if each.problems else 'right'}, {each.state}, {each.rows} readings"
        yield from (f"  ! {problem}" for problem in each.problems)
        yield from (f"    {note}" for note in each.notes)
    if verdicts:
        wrong = sum(bool(each.problems) for each in verdicts)
        yield f"{len(verdicts)} runs checked, {wrong or 'none'} not right"


def _cut(line: str) -> str:
    """Cut a line to the terminal's width; what is no terminal gets the whole."""
    columns = shutil.get_terminal_size().columns
    return f"{line[: columns - 3]}..." if sys.stdout.isatty() and len(line) > columns else line


def _record(summary: "RunSummary | Verdict") -> dict[str, object]:
    from dataclasses import asdict

    return asdict(summary)
