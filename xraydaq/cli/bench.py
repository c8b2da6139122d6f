"""``xraydaq bench``: the instruments of a bench, without a run."""

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from xraydaq.errors import EXIT_DONE

if TYPE_CHECKING:
    from xraydaq.bench import Answer
    from xraydaq.config import Role

app = typer.Typer(help="Ask the instruments of a bench.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _options() -> None:
    """Keep `identify` a command of its own name although it is the only one."""


@app.command("identify")
def identify_command(
    bench: Annotated[
        str | None, typer.Option("--bench", metavar="FILE", help="Bench file; default: the simulated bench.")
    ] = None,
) -> int:
    """Ask every instrument of a bench who it is.

    The answers are compared with the bench file; nothing is reset and no output is changed. The exit code is 4 when
    an instrument is missing, or another one than the bench file names.

    \b
    Examples:
      xraydaq bench identify
      xraydaq bench identify --bench configs/benches/lab_gpib.toml
    """
    from xraydaq.bench import identify
    from xraydaq.cli.names import bench_file, shown
    from xraydaq.clock import RealClock
    from xraydaq.config import default_bench, load_bench
    from xraydaq.report.notices import bench_notice

    path, clock = bench_file(bench) or default_bench(), RealClock()
    config = load_bench(path)
    typer.echo(f"bench {config.name} ({shown(path)}): {bench_notice(config.simulated)}")
    today = datetime.fromtimestamp(clock.utc(), UTC).date()
    code = EXIT_DONE
    for answer in identify(config, clock):
        typer.echo("\n".join(["", *_lines(answer, today)]))
        code = code or (EXIT_DONE if answer.error is None else answer.error.exit_code)
    return code


def _lines(answer: "Answer", today: date) -> list[str]:
    role, identity = answer.role, answer.identity
    rows = [("role", answer.name), ("driver", role.driver), ("resource", role.resource)]
    if identity is not None:
        rows += [
            ("maker", identity.manufacturer),
            ("model", _compared(identity.model, role.model)),
            ("serial", _compared(identity.serial, role.serial)),
            ("firmware", identity.firmware),
        ]
    rows += [
        ("calibration", _calibration(role, today)),
        ("answer", "ok" if answer.error is None else f"MISSING OR WRONG: {answer.error}"),
    ]
    return [f"{label:11}  {text}" for label, text in rows]


def _compared(found: str, wanted: str | None) -> str:
    return f"{found} (the bench file does not say)" if wanted is None else f"{found} (bench file: {wanted})"


def _calibration(role: "Role", today: date) -> str:
    if role.simulated:
        return "simulated"
    if role.calibration_due is None:
        return "due date not stated in the bench file"
    word = "OVERDUE since" if role.calibration_due < today else "due on"
    return f"{word} {role.calibration_due.isoformat()}"
