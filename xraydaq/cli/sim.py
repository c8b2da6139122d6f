"""``xraydaq sim``: a simulated bench that other programs dial into."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from xraydaq.cli.options import BenchName
from xraydaq.errors import EXIT_DONE, ConfigError

MOST_SPEED = 100.0
"""A computer falls behind beyond it; with a stage on the bench already at some 30."""

LOOK_S = 0.1
"""How often a signal is looked for, in seconds of this computer."""

app = typer.Typer(help="Serve a simulated bench.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _options() -> None:
    """Keep `serve` a command of its own name although it is the only one."""


@app.command("serve")
def serve_command(
    bench: BenchName = None,
    speed: Annotated[float, typer.Option(metavar="FACTOR", help="Seconds of the bench in one second.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the world and its instruments.")] = 1,
    sample: Annotated[
        str, typer.Option(metavar="DEVICE", help="Crystal where the bench file says: from sample.")
    ] = "atomistic",
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar="FAULT", help="ROLE:NAME@START-END or NAME@START-END in seconds. Repeatable."),
    ] = None,
    log: Annotated[Path | None, typer.Option(metavar="FILE", help="Append what every instrument saw.")] = None,
    write: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the bench file to dial in here instead of printing it.")
    ] = None,
) -> int:
    """Serve every instrument of a simulated bench on a port or a pseudo-terminal of this computer.

    Prints the bench file to dial in and serves until it is interrupted. The instruments are simulated: nothing here
    was ever compared with a real one.

    \b
    Faults of a line: ROLE:cut, doubled, late, garbage, missing, unplugged.
    Faults of the world: interlock_open, interlock_shorted, over_temperature, compliance, overload, sensor_open,
    dose_without_beam, beam_without_dose.

    \b
    Examples:
      xraydaq sim serve --write served.toml
      xraydaq sim serve --fault interlock_open@30-60 --fault smu:late@10-12 --log bench.jsonl
    """
    from instruments.sim.scenario import parse_happenings
    from instruments.sim.serve import EventLog, ServedBench
    from xraydaq.bench.serving import bench_text, served_simulation, simulated_roles
    from xraydaq.cli.names import bench_file
    from xraydaq.clock import ScaledClock
    from xraydaq.config import default_bench, load_bench
    from xraydaq.config.models import DEVICES, FROM_SAMPLE
    from xraydaq.runner.signals import stop_requests

    config = load_bench(bench_file(bench) or default_bench())
    if config.twin is None:
        raise ConfigError(f"the bench {config.name!r} has no table [twin]: only a simulated bench can be served")
    if not 0 < speed <= MOST_SPEED:
        raise ConfigError(f"--speed {speed}: write a factor above 0, at most {MOST_SPEED:g}")
    happenings = parse_happenings(fault or (), simulated_roles(config))
    device = sample if config.twin.device == FROM_SAMPLE else config.twin.device
    if device not in DEVICES:
        raise ConfigError(f"--sample {device}: allowed: {', '.join(DEVICES)}")
    with stop_requests() as signals, EventLog(log) as events:
        clock = ScaledClock(speed)
        simulation = served_simulation(config, clock, events, device=device, seed=seed)
        with ServedBench(simulation, clock, happenings) as served:
            _tell(bench_text(config, served.resources), write)
            while signals.first is None:
                clock.sleep(LOOK_S * speed)
    return EXIT_DONE


def _tell(text: str, write: Path | None) -> None:
    if write is None:
        typer.echo(text)
    else:
        write.write_text(text, encoding="utf-8")
        typer.echo(f"serving; the bench file to dial in is {write}")
    sys.stdout.flush()  # who started this process waits for it
