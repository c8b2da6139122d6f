"""``xraydaq trend``: the sensitivity of one sample over many runs and dates."""

from pathlib import Path
from typing import Annotated

import typer

from xraydaq.cli.options import RUNS, Root
from xraydaq.errors import EXIT_DONE, Refused

Runs = Annotated[
    list[str] | None,
    typer.Argument(metavar="[RUN...]", help="Runs, as for analyse. Default: all of --sample that have a sensitivity."),
]
Sample = Annotated[str | None, typer.Option("--sample", metavar="NAME", help="Name of the sample.")]
Quantity = Annotated[
    str | None,
    typer.Option(
        "--quantity", metavar="NAME", help="Which sensitivity, by its name in runs show. Default: sensitivity."
    ),
]
Reference = Annotated[
    Path | None,
    typer.Option(
        "--reference", metavar="FILE", help="Readings of the reference (CSV: date, ratio, u), to divide out."
    ),
]
Within = Annotated[
    str, typer.Option("--within", metavar="TIME", help="A run's reading of the reference is at most so far away.")
]
SeriesTable = Annotated[
    Path | None,
    typer.Option(
        "--table", metavar="FILE", help="Instead of runs: CSV with date, sensitivity, u, maybe reference, reference_u."
    ),
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write the figure there, as .png and .pdf; never over.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("trend")(trend_command)


def trend_command(
    runs: Runs = None,
    sample: Sample = None,
    quantity: Quantity = None,
    reference: Reference = None,
    within: Within = "24 h",
    series: SeriesTable = None,
    out: Out = None,
    root: Root = RUNS,
) -> int:
    """Show how the sensitivity of one sample changes over runs and dates, and which change is excluded.

    The reference is what is measured on each date with the same setting, a chamber or a reference crystal, as a ratio
    to its value at the calibration. Its drift is the bench's and is divided out.

    \b
    Examples:
      xraydaq trend --sample atomistic
      xraydaq trend --sample atomistic --reference chamber.csv --out trend.png
      xraydaq trend 20260131T17 20260203T09 20260207T09
      xraydaq trend --table notebook.csv
    """
    from xraydaq.cli.quantities import option_si
    from xraydaq.cli.trend_inputs import evaluated, read_reference, read_series, runs_of
    from xraydaq.report import save
    from xraydaq.report import trend as report
    from xraydaq.report.table import render

    within_s = option_si("--within", within, "s", "24 h")
    if series is not None and (runs or sample or quantity):
        raise Refused("--table takes the place of runs, --sample and --quantity; write one or the other")
    given = None if reference is None else read_reference(reference)
    found, readings = (runs_of(runs or (), root, sample, quantity), []) if series is None else read_series(series)
    readings = readings if given is None else given
    result = evaluated(found, readings, within_s)
    name, simulated = found[0].sample, None if series else any(run.simulated for run in found)
    typer.echo(f"{name}: {found[0].name}")
    typer.echo(render(result), nl=False)
    if out is not None:
        title = f"{name}: sensitivity over {len(found)} runs"
        for path in save(report.figure(result, title=title, simulated=simulated), out):
            typer.echo(f"figure  {path}")
    return EXIT_DONE
