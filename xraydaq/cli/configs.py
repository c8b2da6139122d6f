"""``xraydaq check``, ``plan`` and ``schema``: everything that can be known before an instrument is touched."""

from pathlib import Path
from typing import Annotated

import typer

from xraydaq.cli.options import BenchName, Overrides, RecipeName, SampleName
from xraydaq.errors import EXIT_DONE, ConfigError

EXIT_MISTAKES = ConfigError.exit_code
KINDS = ("bench", "sample", "recipe", "calibration")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("check")(check_command)
    app.command("plan")(plan_command)
    app.command("schema")(schema_command)


def check_command(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="Bench, sample, recipe and calibration files (TOML).")
    ],
) -> int:
    """Check configuration files and show every mistake in them.

    A recipe is checked together with its sample and bench, and against every limit.
    Each mistake is one line, file:line: key: what was given; what is allowed. The exit code is then 2.

    \b
    Examples:
      xraydaq check configs/recipes/bias_stability.toml
      xraydaq check configs/*/*.toml
    """
    from xraydaq.cli.names import shown
    from xraydaq.config import check_file

    said: set[str] = set()  # two recipes share the mistakes of their sample
    for file in files:
        found = check_file(file)
        for problem in found.problems:
            if problem not in said:
                typer.echo(problem)
        said.update(found.problems)
        if not found.problems:
            typer.echo(f"{shown(file)}: ok")
        for warning in found.warnings:
            typer.echo(f"warning: {warning}")
    return EXIT_MISTAKES if said else EXIT_DONE


def plan_command(
    recipe: RecipeName, bench: BenchName = None, sample: SampleName = None, overrides: Overrides = None
) -> int:
    """Show what a run would do, without opening anything.

    Readings, phases, duration, beam time and dose, disk, every limit with the line that sets it, and warnings.

    \b
    Examples:
      xraydaq plan bias_stability
      xraydaq plan configs/recipes/bias_stability.toml --set bias="3 V" --bench configs/benches/lab_gpib.toml
    """
    from xraydaq.cli import names
    from xraydaq.config import load_run
    from xraydaq.plan import describe, plan_of

    config = load_run(
        names.recipe_file(recipe),
        bench=names.bench_file(bench),
        sample=names.sample_file(sample),
        overrides=overrides or (),
    )
    plan = plan_of(config)
    lines = describe(config, plan)
    width = max(len(label) for label, _ in lines)
    for label, text in lines:
        typer.echo(f"{label:{width}}  {text}")
    for warning in (*config.warnings, *plan.warnings):
        typer.echo(f"warning: {warning}", err=True)
    return EXIT_DONE


def schema_command(
    kind: Annotated[
        str | None, typer.Argument(metavar="KIND", help="bench, sample, recipe or calibration; default: all.")
    ] = None,
) -> int:
    """Show the JSON schema of configuration files.

    For editors that complete and check TOML.

    \b
    Examples:
      xraydaq schema recipe > recipe.schema.json
      xraydaq schema
    """
    if kind is not None and kind not in KINDS:
        raise ConfigError(f"{kind}: no kind of configuration file; allowed: {', '.join(KINDS)}")
    from xraydaq.cli.plain import json_text
    from xraydaq.config import json_schema

    schemas = json_schema()
    typer.echo(json_text(schemas if kind is None else schemas[kind], indent=2))
    return EXIT_DONE
