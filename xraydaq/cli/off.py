"""``xraydaq off``: tube and source off, whatever the rest of the program is doing.

Standard library and one transport only, so that it is quick and nothing else can keep it from working.
"""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from xraydaq.errors import EXIT_DONE, EXIT_NOT_OFF

if TYPE_CHECKING:
    import typer

    from xraydaq.cli.off_targets import Target

OTHERWISE = "name the bench file: xraydaq off --bench FILE"


def register(app: "typer.Typer") -> None:
    """Add the command to the command line."""
    import typer

    @app.command("off")
    def off_command(
        bench: str | None = typer.Option(
            None, "--bench", metavar="FILE", help="Also tube and source of this bench file, even of a damaged one."
        ),
    ) -> int:
        """Switch X-ray tube and source off, now.

        Finds the instruments of every run that is going on or was cut off, without one those of the bench file. A
        process that has them is told to stop; the tube's off command is written even if that process hangs. Exit code
        0 only if everything that was found shows that it is off, else 9.

        \b
        Examples:
          xraydaq off
          xraydaq off --bench my_bench.toml
        """
        return switch_off(bench)


def at_once(words: list[str]) -> int | None:
    """Do what ``off`` or ``off --bench FILE`` asks for, without the command line's library; None for other words."""
    match words:
        case ["off"]:
            return switch_off()
        case ["off", "--bench", bench]:
            return switch_off(bench)
    return None


def switch_off(bench: str | None = None) -> int:
    """Switch off what can be found, print a line for each instrument, and return the exit code."""
    from xraydaq.cli.off_acting import BY_HAND, Acting, acted_on
    from xraydaq.clock import RealClock

    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a terminal that closes must not leave the tube half asked
    targets, problems = _targets(bench)
    acting = Acting(RealClock(), f"{os.environ.get('USER') or os.getuid()} (xraydaq off, process {os.getpid()})")
    results = acted_on(targets, acting)
    for problem in problems:
        _say(f"warning: {problem}", sys.stderr)
    code = EXIT_DONE
    for target, result in zip(targets, results, strict=True):
        shown = result()
        head = f"{target.owned.role} {target.owned.resource}: "
        if shown.is_off:
            _say(f"{head}off. {shown.text}")
        else:
            code = EXIT_NOT_OFF
            by_hand = BY_HAND.get(target.owned.role, "switch it off by hand")
            _say(f"{head}NOT SHOWN TO BE OFF. {shown.text}; {by_hand}")
    if not targets:
        _say(f"nothing was asked, and so nothing is known to be off; {OTHERWISE}", sys.stderr)
        code = EXIT_NOT_OFF
    return code


def _say(text: str, stream: TextIO | None = None) -> None:
    """Print one line; that nobody reads it must not end the process before everything is off."""
    with suppress(OSError, ValueError):
        print(" ".join(text.split()), file=stream, flush=True)


def _targets(bench: str | None) -> tuple[list["Target"], list[str]]:
    from xraydaq.cli.off_targets import Target, in_order, of_bench, of_sessions
    from xraydaq.safety.locks import one_name
    from xraydaq.safety.sessions import sessions

    found = of_sessions(sessions())
    if found and bench is None:
        return found, []
    listed, problems = of_bench(_bench_file(bench))
    if bench is None:  # the bench that comes with the program is simulated: nothing of it can be on
        listed = [each for each in listed if not each.is_simulated]
    known = {one_name(each.owned.resource) for each in found}
    added: list[Target] = [each for each in listed if one_name(each.owned.resource) not in known]
    return in_order([*found, *added]), problems


def _bench_file(text: str | None) -> Path:
    """Get the bench file that is meant; found here again, because the configuration loads pydantic."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "shipped_configs"
    shipped = (installed if installed.is_dir() else package.parent / "configs") / "benches"
    path = Path(text or "simulated")
    named = shipped / (path.name if path.suffix == ".toml" else f"{path.name}.toml")
    return path if path.exists() or path.name != str(path) or not named.is_file() else named
