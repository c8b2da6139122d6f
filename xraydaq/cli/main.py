"""Entry point: commands, and how their errors reach a person."""

import sys
import traceback

import click
import typer

from xraydaq import __version__
from xraydaq.errors import EXIT_BUG, ConfigError, XraydaqError

app = typer.Typer(
    name="xraydaq",
    help="Run, watch and evaluate experiments on an X-ray detector bench, real or simulated.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"xraydaq {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Show the version."),
) -> None:
    """Options before the command."""


def _register() -> None:
    from xraydaq.cli import bench, configs, run, runs

    run.register(app)
    configs.register(app)
    runs.register(app)
    app.add_typer(bench.app, name="bench")


def main() -> None:
    """Run the command line and end the process with the documented exit code."""
    _register()
    try:
        code = app(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except ConfigError as error:
        for problem in error.problems:
            typer.echo(f"error: {problem}", err=True)
        sys.exit(error.exit_code)
    except XraydaqError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(0)
    except Exception:
        traceback.print_exc()
        typer.echo("error: this is a bug in xraydaq; please report the lines above", err=True)
        sys.exit(EXIT_BUG)


if __name__ == "__main__":
    main()
