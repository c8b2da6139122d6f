"""``xraydaq run``: one recipe, from the first reading to the printed table."""

import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xraydaq.cli.options import RUNS, BenchName, Overrides, RecipeName, SampleName
from xraydaq.errors import ConfigError, Refused, XraydaqError

if TYPE_CHECKING:
    from xraydaq.cli.listeners import Follower
    from xraydaq.config import RunConfig
    from xraydaq.runner import RunOptions


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run")(run_command)


def run_command(
    recipe: RecipeName,
    bench: BenchName = None,
    sample: SampleName = None,
    overrides: Overrides = None,
    speed: Annotated[
        str | None,
        typer.Option(metavar="SPEED", help="real, a factor, or max; default: max on a simulated bench, else real."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulated bench.")] = 1,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder that receives the run's own folder.")] = RUNS,
    resume: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Go on with a run that was cut off, from its last checkpoint."),
    ] = None,
    arm_as: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Who takes the responsibility for X-rays; needed for a run with a beam on instruments.",
        ),
    ] = "",
    json_events: Annotated[bool, typer.Option("--json", help="Events as JSON lines on standard output.")] = False,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FAULT",
            help="Fault in the simulated instrument's replies: cut@100, missing@100-102. Every reply counts, from 1: "
            "also those to questions about settings. Repeatable.",
        ),
    ] = None,
) -> int:
    """Run a recipe and print its result.

    Without --bench the recipe's bench is used, and without one there the simulated bench that comes with the program.
    Ctrl-C takes the bias to 0 V at the recipe's rate and switches off; what was recorded is kept and analysed.

    \b
    Examples:
      xraydaq run bias_stability
      xraydaq run configs/recipes/bias_stability.toml --set duration="10 min" --seed 7
      xraydaq run my_recipe.toml --bench my_bench.toml --out /data/runs
    """
    from xraydaq._layout import check_layout
    from xraydaq.cli import names
    from xraydaq.config import load_run

    check_layout()
    _check_out(out)
    config = load_run(
        names.recipe_file(recipe),
        bench=names.bench_file(bench),
        sample=names.sample_file(sample),
        overrides=overrides or (),
    )
    if fault and not config.bench.simulated:
        raise Refused(
            f"--fault: the bench {config.bench.name!r} has no simulator in this program; a simulated one is needed"
        )

    from instruments.sim.faults import parse_faults
    from xraydaq.cli.listeners import listener_for
    from xraydaq.cli.unfinished import recover_beside
    from xraydaq.runner import RunOptions

    options = RunOptions(
        out=out, speed=speed, seed=seed, faults=parse_faults(fault or ()), ask=_ask if sys.stdin.isatty() else None,
        resume=None if resume is None else names.run_path(resume, out), arm_as=arm_as,
    )  # fmt: skip
    with listener_for(json_events) as listener:
        for line in recover_beside(out):
            listener.event("earlier run", line, "warning")
        return _run(_announced(config, listener), options, listener)


def _announced(config: "RunConfig", listener: "Follower") -> "RunConfig":
    """Show every warning of configuration and plan once, and have the run's record hold those of the plan too."""
    from xraydaq.plan import plan_of

    known = dict.fromkeys(config.warnings, "configuration")
    known |= {warning: "plan" for warning in plan_of(config).warnings if warning not in known}
    for warning, kind in known.items():
        listener.event(kind, warning, "warning")
    return replace(config, warnings=tuple(known))


def _run(config: "RunConfig", options: "RunOptions", listener: "Follower") -> int:
    from xraydaq.runner import run
    from xraydaq.runner.closing import Closed, close_run
    from xraydaq.runner.signals import stopping_signals_to

    # nobody's impatience may cost the result: it takes seconds, and the readings are safe anyhow; ignored from before
    # the run, which has handlers of its own, so that between the two no signal finds the default and ends the process
    with stopping_signals_to(signal.SIG_IGN):
        outcome = run(config, options, listener)
        safe = f"all readings are safe, build it with: xraydaq recover {outcome.folder}"
        if outcome.in_haste:
            closed = Closed(None, None, (), f"no result, to end at once: {safe}")
            listener.ended(outcome, closed)
            return outcome.exit_code
        listener.closing()
        try:
            closed = close_run(outcome.folder)
        except XraydaqError as error:
            closed = Closed(None, None, (), f"no result: {error}; {safe}", exit_code=error.exit_code)
        listener.ended(outcome, closed)
    return outcome.exit_code or closed.exit_code


def _ask(text: str) -> str:
    """Ask the person at the terminal; an end of the input is an empty answer."""
    typer.echo(text, nl=False)
    return sys.stdin.readline().rstrip("\n")


def _check_out(out: Path) -> None:
    """Refuse a folder that cannot receive a run, before anything is opened."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise ConfigError(f"--out {out}: is a file; a folder is wanted here") from None
    except OSError as error:
        raise ConfigError(f"--out {out}: cannot be created: {error.strerror}") from None
