"""``xraydaq bench``: the instruments of a bench, without a run."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xraydaq.cli import doctor
from xraydaq.cli.options import AsJson
from xraydaq.errors import EXIT_DONE, XraydaqError

if TYPE_CHECKING:
    from xraydaq.config import Bench

app = typer.Typer(help="Ask the instruments of a bench.", no_args_is_help=True, rich_markup_mode=None)
doctor.register(app)

BenchFile = Annotated[
    str | None, typer.Option("--bench", metavar="FILE", help="Bench file; default: the simulated bench.")
]


@app.command("list")
def list_command(
    bench: Annotated[
        str | None, typer.Option("--bench", metavar="FILE", help="Say which role of this bench a port belongs to.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """List what is plugged into this computer, and what each probably is.

    GPIB, serial ports and USB. Nothing is opened and no instrument is sent a byte, so nobody is asked who it is:
    that is bench identify. What cannot be listed is named with what would change that.

    \b
    Examples:
      xraydaq bench list
      xraydaq bench list --bench lab_gpib --json
    """
    from xraydaq.bench.ports import look, stated
    from xraydaq.cli.answers import found_lines
    from xraydaq.cli.names import bench_file
    from xraydaq.cli.plain import json_text
    from xraydaq.config import load_bench

    path = bench_file(bench)
    roles = {} if path is None else load_bench(path).roles
    named = {role.resource: name for name, role in roles.items()}
    found, problems = look()
    listed = {each.resource for each in found}
    found = (*found, *(stated(name, role) for name, role in roles.items() if role.resource not in listed))
    if as_json:
        records = [
            {"kind": each.kind, "resource": each.resource, "description": each.description, "probably": each.guess,
             "role": named.get(each.resource)}
            for each in found
        ]  # fmt: skip
        typer.echo(json_text({"found": records, "not_listed": problems}, indent=2))
    else:
        typer.echo("\n".join(found_lines(found, named) or ["nothing found"]))
        typer.echo("\n".join(f"not listed: {problem}" for problem in problems))
    return EXIT_DONE


@app.command("identify")
def identify_command(bench: BenchFile = None) -> int:
    """Ask every instrument of a bench who it is.

    The answers are compared with the bench file; nothing is reset and no output is changed. The exit code is 4 when
    an instrument is missing, or another one than the bench file names.

    \b
    Examples:
      xraydaq bench identify
      xraydaq bench identify --bench configs/benches/lab_gpib.toml
    """
    from xraydaq.bench import identify
    from xraydaq.cli.answers import identity_lines
    from xraydaq.clock import RealClock

    (config, path), clock = _load(bench), RealClock()
    typer.echo(_heading(config, path))
    today = datetime.fromtimestamp(clock.utc(), UTC).date()
    code = EXIT_DONE
    for answer in identify(config, clock):
        typer.echo("\n".join(["", *identity_lines(answer, today)]))
        code = code or _code([answer.error])
    return code


@app.command("ping")
def ping_command(
    bench: BenchFile = None,
    count: Annotated[int, typer.Option(min=1, metavar="N", help="How often each instrument is asked.")] = 3,
) -> int:
    """Measure how long each instrument of a bench takes to say who it is.

    Nothing is reset and no output is changed. The exit code is 4 when an answer does not come. An instrument that
    cannot answer at all is only opened.

    \b
    Examples:
      xraydaq bench ping
      xraydaq bench ping --bench lab_gpib --count 100
    """
    from xraydaq.bench.asking import ping
    from xraydaq.cli.answers import ping_lines
    from xraydaq.clock import RealClock

    config, path = _load(bench)
    typer.echo(_heading(config, path))
    code = EXIT_DONE
    for each in ping(config, RealClock(), count):
        typer.echo("\n".join(ping_lines(each)))
        code = code or _code(each.errors)
    return code


@app.command("settings")
def settings_command(bench: BenchFile = None, as_json: AsJson = False) -> int:
    """Show how every instrument of a bench is set, as runs store it.

    The keys are what was asked and the values what was answered, in the instrument's own words. Nothing is changed.
    An instrument that cannot answer shows what this program sent it, which is nothing yet. The exit code is 4 when
    an instrument is missing, or another one than the bench file names.

    \b
    Examples:
      xraydaq bench settings
      xraydaq bench settings --bench lab_gpib --json
    """
    from xraydaq.bench.asking import snapshots
    from xraydaq.cli.answers import snapshot_lines, snapshot_record
    from xraydaq.cli.plain import json_text
    from xraydaq.clock import RealClock

    config, path = _load(bench)
    if not as_json:
        typer.echo(_heading(config, path))
    records: dict[str, object] = {}
    code = EXIT_DONE
    for each in snapshots(config, RealClock()):
        if not as_json:
            typer.echo("\n".join(["", *snapshot_lines(each)]))
        records[each.name] = snapshot_record(each)
        code = code or _code([each.error])
    if as_json:
        typer.echo(json_text({"bench": config.name, "simulated": not config.is_real, "roles": records}, indent=2))
    return code


def _load(bench: str | None) -> "tuple[Bench, Path]":
    from xraydaq.cli.names import bench_file
    from xraydaq.config import default_bench, load_bench

    path = bench_file(bench) or default_bench()
    return load_bench(path), path


def _heading(config: "Bench", path: Path) -> str:
    from xraydaq.cli.names import shown
    from xraydaq.report.notices import bench_notice

    return f"bench {config.name} ({shown(path)}): {bench_notice(not config.is_real, served=config.served_simulation)}"


def _code(errors: Iterable[XraydaqError | None]) -> int:
    return next((error.exit_code for error in errors if error is not None), EXIT_DONE)
