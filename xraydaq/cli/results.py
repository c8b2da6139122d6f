"""``xraydaq analyse`` and ``recover``: numbers and results of runs that are on disk."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from xraydaq.cli.options import RUNS, Overrides, Root, SampleName
from xraydaq.errors import EXIT_DONE, BusyError, Refused, StorageError, XraydaqError

if TYPE_CHECKING:
    from xraydaq.runner.closing import Closed
    from xraydaq.storage import RecoveryReport

T = TypeVar("T")

EACH_RUN = "Folder of a run, its result (.h5), or the beginning of its id."

TABLES = (".csv", ".tsv", ".txt", ".dat")

Procedure = Annotated[
    str | None, typer.Option("--as", metavar="PROCEDURE", help="The files are tables (CSV); analyse them as this.")
]
Columns = Annotated[
    list[str] | None,
    typer.Option("--columns", metavar="COLUMN=NAME", help='"elapsed=Time (s),current=I (nA)"; the unit in brackets.'),
]
Constants = Annotated[
    list[str] | None,
    typer.Option("--constant", metavar="COLUMN=VALUE", help='A column that is not in the table: "voltage=5 V".'),
]
RecipeOf = Annotated[
    str | None,
    typer.Option("--recipe", metavar="RECIPE", help="What the analysis must know besides; default: the shipped one."),
]
Into = Annotated[
    Path | None, typer.Option("--into", metavar="FOLDER", help="Where the result's folder goes; default: beside.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("analyse")(analyse_command)
    app.command("recover")(recover_command)


def analyse_command(
    runs: Annotated[list[str], typer.Argument(metavar="FILE", help=f"{EACH_RUN} With --as: tables (CSV).")],
    root: Root = RUNS,
    procedure: Procedure = None,
    columns: Columns = None,
    constant: Constants = None,
    recipe: RecipeOf = None,
    sample: SampleName = None,
    overrides: Overrides = None,
    into: Into = None,
) -> int:
    """Analyse stored runs again, or tables of another program, and print what comes out.

    The new analysis of a run is kept in its result file beside the earlier ones, and its figure beside theirs. That of
    a table is kept in a new folder beside it.

    \b
    Examples:
      xraydaq analyse data/runs/20260131T170500Z_atomistic_bias_stability
      xraydaq analyse 20260131T17
      xraydaq analyse copies/*.h5
      xraydaq analyse dark.csv --as bias_stability --set bias="5 V" \\
        --columns "elapsed=Time (s),current=I (nA),voltage=U (V)"
    """
    if procedure is not None:
        return _each(runs, _table_analysis(procedure, columns, constant, recipe, sample, overrides, into))
    if any((columns, constant, recipe, sample, overrides, into)):
        raise Refused("--columns, --constant, --recipe, --sample, --set and --into belong to tables; write --as too")

    from xraydaq.cli.names import run_path
    from xraydaq.cli.text import result_text
    from xraydaq.runner.closing import analyse_again

    def analyse(text: str) -> int:
        if Path(text).suffix.lower() in TABLES:
            raise Refused(f"{text}: a table; say what it holds with --as and --columns, see xraydaq analyse --help")
        closed = analyse_again(run_path(text, root))
        typer.echo(result_text(closed))
        return closed.exit_code

    return _each(runs, analyse)


def _table_analysis(
    procedure: str,
    columns: list[str] | None,
    constants: list[str] | None,
    recipe: str | None,
    sample: str | None,
    overrides: list[str] | None,
    into: Path | None,
) -> Callable[[str], int]:
    from xraydaq.cli.foreign import Wanted, analyse_table
    from xraydaq.cli.names import shown
    from xraydaq.report.table import render

    wanted = Wanted(procedure, columns or (), constants or (), recipe, sample, overrides or (), into)

    def analyse(text: str) -> int:
        kept = analyse_table(Path(text), wanted)
        for warning in kept.warnings:
            typer.echo(f"warning: {warning}", err=True)
        typer.echo(f"\n{render(kept.result).rstrip()}\n\nfolder  {shown(kept.folder)}")
        return EXIT_DONE

    return analyse


def recover_command(
    folders: Annotated[
        list[str] | None, typer.Argument(metavar="FOLDER", help=f"{EACH_RUN} Default: all unfinished runs.")
    ] = None,
    root: Root = RUNS,
) -> int:
    """Finish runs that were cut off.

    Every stored reading goes into a result file, and it is analysed.

    May be given at any time and any number of times; a run that is still going on is left alone.

    \b
    Examples:
      xraydaq recover
      xraydaq recover data/runs/20260131T170500Z_atomistic_bias_stability
    """
    from xraydaq.cli.names import run_path
    from xraydaq.cli.unfinished import homeless_rows, unfinished_runs
    from xraydaq.runner.closing import recover_run

    def recover(path: Path) -> int:
        report, closed = recover_run(path if path.is_dir() else path.parent)
        typer.echo(_recovered(report, closed))
        return EXIT_DONE if closed is None else closed.exit_code

    def recover_unless_alive(path: Path) -> int:
        try:
            return recover(path)
        except BusyError:
            return EXIT_DONE  # a run that began meanwhile

    if folders:
        return _each(folders, lambda text: recover(run_path(text, root)))
    unfinished, homeless = unfinished_runs(root), homeless_rows()
    for line in homeless:
        typer.echo(line)
    if not unfinished and not homeless:
        typer.echo(f"nothing to recover in {root}")
    return _each(unfinished, recover_unless_alive) or (StorageError.exit_code if homeless else EXIT_DONE)


def _each(items: list[T], work: Callable[[T], int]) -> int:
    """Do the work for every item, whatever happens to the others; returns the first exit code that is not 0."""
    first = EXIT_DONE
    for item in items:
        try:
            code = work(item)
        except XraydaqError as error:
            typer.echo(f"error: {error}", err=True)
            code = error.exit_code
        first = first or code
    return first


def _recovered(report: "RecoveryReport", closed: "Closed | None") -> str:
    from xraydaq.cli.names import shown

    run = report.folder.name
    if report.note:
        run = f"{report.note}\n{run}"
    if report.result is None:
        return f"{run}: nothing can be recovered: {report.reason}; remove the folder if you agree"
    if not report.built:
        return f"{run}: {report.state}, {report.rows} readings; the result was there already"
    line = f"{run}: recovered, {report.state}, {report.rows} readings, {shown(report.result)}"
    return line if closed is None or not closed.problem else f"{line} ({closed.problem})"
