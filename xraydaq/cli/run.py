"""``xraydaq run``: one recipe, from the first reading to the printed table."""

from pathlib import Path
from typing import Annotated

import typer

RecipePath = Annotated[Path, typer.Argument(help="Recipe file (TOML).", show_default=False)]
BenchPath = Annotated[Path | None, typer.Option("--bench", help="Bench file; default: the recipe's, else simulated.")]
SamplePath = Annotated[Path | None, typer.Option("--sample", help="Sample file instead of the recipe's.")]
Overrides = Annotated[list[str] | None, typer.Option("--set", help='Change one key: --set bias="3 V". Repeatable.')]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run")(run_command)


def run_command(
    recipe: RecipePath,
    bench: BenchPath = None,
    sample: SamplePath = None,
    overrides: Overrides = None,
    speed: Annotated[str | None, typer.Option(help="real, a factor, or max (the default on a simulated bench).")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the simulated bench.")] = 1,
    out: Annotated[Path, typer.Option(help="Folder that receives the run's own folder.")] = Path("data/runs"),
    json_events: Annotated[bool, typer.Option("--json", help="Events as JSON lines on standard output.")] = False,
    fault: Annotated[
        list[str] | None, typer.Option("--fault", help="Fault of the simulated instrument's replies: cut@100. Repeatable.")
    ] = None,
) -> int:
    """Run a recipe and print its result.

    Without --bench the recipe's bench is used, and without one there the simulated bench that comes with the program.
    """
    from xraydaq._layout import check_layout
    from xraydaq.cli.listeners import listener_for
    from xraydaq.config import load_run

    check_layout()
    config = load_run(recipe, bench=bench, sample=sample, overrides=overrides or ())

    from instruments.sim.faults import parse_faults
    from xraydaq.runner import RunOptions, run
    from xraydaq.runner.closing import close_run

    listener = listener_for(json_events)
    for warning in config.warnings:
        listener.event("configuration", warning, "warning")
    options = RunOptions(out=out, speed=speed, seed=seed, faults=parse_faults(fault or ()))
    with listener:
        outcome = run(config, options, listener)
    closed = close_run(outcome.folder)
    listener.ended(outcome, closed)
    return outcome.exit_code
