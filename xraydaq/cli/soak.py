"""``xraydaq soak``: random faults on served simulated benches, and a table of what came of them."""

from pathlib import Path
from typing import Annotated

import typer

from xraydaq.errors import EXIT_DONE, RunFailed


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("soak")(soak_command)


def soak_command(
    faults: Annotated[int, typer.Option("--faults", min=1, help="How many faults, or one more.")] = 20,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Draws the faults and their moments.")] = 1,
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Receives soak.jsonl and what is kept.")] = Path(
        "soak"
    ),
    benches: Annotated[int, typer.Option("--benches", min=1, max=64, help="Served benches side by side.")] = 1,
    only: Annotated[
        int | None, typer.Option("--only", min=1, metavar="NUMBER", help="Only the trial of this number.")
    ] = None,
) -> int:
    """Let random faults happen to runs on served simulated benches, and judge what came of each.

    No real instrument is touched. Judged are the simulators' own log and the files of the runs. Exit code 0 only if
    no X-rays were unsafe, no acknowledged row was lost, every file opens, no run has a state better than the truth and
    nothing was left on or locked. Files of a trial with a finding stay in FOLDER.

    \b
    Examples:
      xraydaq soak --faults 300 --seed 1 --benches 4
      xraydaq soak --seed 1 --only 17
    """
    from xraydaq.clock import RealClock
    from xraydaq.soak.running import soaked, trials_of
    from xraydaq.soak.table import Tally, line_of, table_of

    clock, tally = RealClock(), Tally()
    start_s = clock.now()
    numbers = trials_of(seed, faults) if only is None else [only]
    try:
        for done, record in enumerate(soaked(seed, numbers, benches, out), 1):
            tally.add(record)
            typer.echo(line_of(record, done, len(numbers)))
    finally:  # also when Ctrl-C ends it, after the trials that have begun
        typer.echo(table_of(tally, seed, benches, clock.now() - start_s))
    return EXIT_DONE if tally.is_clean else RunFailed.exit_code
