"""``xraydaq bench doctor``: is the bench fit for a run, and what helps if it is not?"""

import signal
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from xraydaq.cli.options import RUNS, Root
from xraydaq.errors import EXIT_DONE, InstrumentError

if TYPE_CHECKING:
    from xraydaq.bench.doctor import Check

EXIT_SIGNAL = 128


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor_command)


def doctor_command(
    bench: Annotated[
        str | None, typer.Option("--bench", metavar="FILE", help="Bench file; default: the simulated bench.")
    ] = None,
    attended: Annotated[
        bool, typer.Option("--attended", help="Somebody stands at the bench and opens the lid when asked.")
    ] = False,
    root: Root = RUNS,
) -> int:
    """Check every instrument of a bench, and this computer; say what helps where something is wrong.

    The beam is never switched on. The source-measure unit sources 0.1 V for a moment if it was found off, the
    analyser is reset, the preamplifier is set and blanked, the dosimeter is zeroed, the lid is opened and closed.
    The exit code is 4 when a check failed.

    \b
    Examples:
      xraydaq bench doctor
      xraydaq bench doctor --bench configs/benches/lab_gpib.toml --attended
    """
    from xraydaq.bench.doctor import examine
    from xraydaq.bench.operator import TerminalOperator
    from xraydaq.cli.names import bench_file, shown
    from xraydaq.clock import RealClock
    from xraydaq.config import default_bench, load_bench
    from xraydaq.report.notices import bench_notice
    from xraydaq.runner.signals import stop_requests

    path = bench_file(bench) or default_bench()
    config = load_bench(path)
    typer.echo(
        f"bench {config.name} ({shown(path)}): {bench_notice(not config.is_real, served=config.served_simulation)}"
    )
    attending = TerminalOperator(_ask) if attended else None
    verdicts: list[str] = []
    checks = examine(config, RealClock(), run_folder=root, attending=attending)
    with stop_requests() as signals, closing(checks):  # closed: what is open is left safe
        for check in checks:
            verdicts.append(check.verdict)
            typer.echo("\n".join(_lines(check)))
            if signals.first is not None:
                return EXIT_SIGNAL + signals.first
    typer.echo(", ".join(f"{verdicts.count(each)} {each}" for each in ("PASS", "FAIL", "SKIP")))
    return InstrumentError.exit_code if "FAIL" in verdicts else EXIT_DONE


def _lines(check: "Check") -> Iterator[str]:
    yield f"{check.verdict}  {check.role:12}  {check.name}: {check.text}"
    if check.fix:
        yield f"      {'':12}  fix: {check.fix}"


def _ask(text: str) -> bool:
    """Ask a person. Nothing is under way on any line meanwhile, so a signal may end the program here at once."""
    from xraydaq.runner.signals import stopping_signals_to

    with stopping_signals_to(signal.default_int_handler):
        return typer.confirm(text)
