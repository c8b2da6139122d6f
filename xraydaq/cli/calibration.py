"""``xraydaq calibration``: the calibration file of a run of dose_calibration."""

from pathlib import Path
from typing import Annotated

import typer

from xraydaq.cli.options import RUNS, Root

A_RUN = "Folder of a run of dose_calibration, its result (.h5), or the beginning of its id."


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("calibration")(calibration_command)


def calibration_command(
    run: Annotated[str, typer.Argument(metavar="RUN", help=A_RUN)],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The file to write; never overwritten.")],
    name: Annotated[str, typer.Option("--name", help="Its name; default: voltage and distance.")] = "",
    accept_untraceable: Annotated[
        bool, typer.Option("--accept-untraceable", help="Although the field does not cover the chamber; it says so.")
    ] = False,
    root: Root = RUNS,
) -> None:
    """Write the calibration file that recipes with a beam cite.

    \b
    Examples:
      xraydaq run dose_calibration
      xraydaq calibration data/runs/20260131T170500Z_glass_dose_calibration --out my_50kv.toml
    """
    from xraydaq.cli.names import run_path
    from xraydaq.evaluation.calibration_writing import write_calibration

    typer.echo(write_calibration(run_path(run, root), out, name=name, accept_untraceable=accept_untraceable))
