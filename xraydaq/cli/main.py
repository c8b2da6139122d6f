"""Entry point: commands, and how their errors reach a person."""

import contextlib
import io
import os
import sys
import traceback
from typing import TYPE_CHECKING, Any, cast

from xraydaq import __version__
from xraydaq.cli import off
from xraydaq.errors import EXIT_BUG, EXIT_DONE, ConfigError, StorageError, XraydaqError

if TYPE_CHECKING:
    import typer

EXIT_SIGINT = 130
# every matrix here is small: threads of the linear algebra would only fight with the run beside it for the cores
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def command_line() -> "typer.Typer":
    """Build the command line with all its commands; what they need is imported when they run."""
    import typer

    from xraydaq.cli import bench, calibration, configs, reproduce, results, run, runs, sim, soak, theory, trend

    def show_version(wanted: bool) -> None:
        if wanted:
            typer.echo(f"xraydaq {__version__}")
            raise typer.Exit

    def options(
        version: bool = typer.Option(
            False, "--version", callback=show_version, is_eager=True, help="Show the version."
        ),
    ) -> None:
        """Run, watch and evaluate experiments on an X-ray detector bench, real or simulated.

        Try it without instruments: xraydaq run bias_stability
        """

    app = typer.Typer(
        name="xraydaq",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(options)
    run.register(app)
    off.register(app)
    configs.register(app)
    results.register(app)
    calibration.register(app)
    theory.register(app)
    trend.register(app)
    reproduce.register(app)
    soak.register(app)
    app.add_typer(runs.app, name="runs")
    app.add_typer(bench.app, name="bench")
    app.add_typer(sim.app, name="sim")
    return app


def main() -> None:
    """Run the command line and end the process with the documented exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without "±" gets a "?", not a traceback
    code = _exit_code()
    _flush()
    sys.exit(code)


def _exit_code() -> int:
    """Run the command; whatever it ends with becomes a message and a code, here and nowhere else."""
    hurried = off.at_once(sys.argv[1:])
    if hurried is not None:
        return hurried
    import typer

    # mistakes in options are shown through click, typer's copy of it or the real one, with one base for both
    usage_error = cast("type[Exception]", typer.BadParameter.__base__)
    code = EXIT_DONE
    try:
        code = command_line()(standalone_mode=False) or EXIT_DONE
    except usage_error as error:
        shown = cast("Any", error)
        shown.show()
        code = int(shown.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        code = EXIT_SIGINT
    except XraydaqError as error:
        _complain(*(error.problems if isinstance(error, ConfigError) else [str(error)]))
        code = error.exit_code
    except BrokenPipeError:
        pass  # whoever read our output has seen enough
    except OSError as error:  # no permission, no room: the computer's trouble, not a bug
        _complain(": ".join(str(word) for word in (error.filename, error.strerror or error) if word))
        code = StorageError.exit_code
    except Exception:
        traceback.print_exc()
        _complain("this is a bug in xraydaq; please report the lines above")
        code = EXIT_BUG
    return code


def _complain(*problems: str) -> None:
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr, flush=True)


def _flush() -> None:
    """Flush now, so that a reader who is gone does not make the interpreter complain and end with its own code."""
    try:
        sys.stdout.flush()
    except OSError:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
