"""Asks the roles of a bench one after the other: who they are, how fast they answer, how they are set.

Nothing is reset and no output is changed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xraydaq.bench.opening import cabled, check_identity, open_role, simulate
from xraydaq.errors import XraydaqError

if TYPE_CHECKING:
    from instruments.sim.bench import SimBench
    from xraydaq.bench.drivers import Identity, Instrument
    from xraydaq.clock import Clock
    from xraydaq.config import Bench, Role

CANNOT_ANSWER = ("sr570",)
"""Drivers of instruments that only listen (SR570 manual, "Remote Programming"): all they can show is an open port."""


@dataclass(frozen=True)
class Answer:
    """What one role of a bench answered about itself; `error` is why that will not do."""

    name: str
    role: "Role"
    identity: "Identity | None"
    error: XraydaqError | None = None


@dataclass(frozen=True)
class Ping:
    """How long a role took for each identity it gave, and why it did not give the others."""

    name: str
    role: "Role"
    times_s: tuple[float, ...] = ()
    errors: tuple[XraydaqError, ...] = ()

    @property
    def can_answer(self) -> bool:
        """Tell whether this kind of instrument answers anything at all."""
        return self.role.driver not in CANNOT_ANSWER


@dataclass(frozen=True)
class Snapshot:
    """How a role is set, as runs store it; `error` is why that is not known."""

    name: str
    role: "Role"
    identity: "Identity | None" = None
    settings: dict[str, str] | None = None
    error: XraydaqError | None = None


def identify(bench: "Bench", clock: "Clock", simulation: "SimBench | None" = None) -> Iterator[Answer]:
    """Ask every role of a bench who it is."""
    simulation = simulation or simulate(bench, clock, cabled(bench))
    for name in cabled(bench):
        role, identity = bench.roles[name], None
        try:
            with open_role(name, bench, simulation, clock) as instrument:
                identity = instrument.identify()
            check_identity(name, role, identity)
            yield Answer(name, role, identity)
        except XraydaqError as error:
            yield Answer(name, role, identity, error)


def ping(bench: "Bench", clock: "Clock", count: int, simulation: "SimBench | None" = None) -> Iterator[Ping]:
    """Ask every role for its identity `count` times and measure how long each answer takes.

    A lost answer does not end the series, because that some are lost is what one wants to know of a bad cable.
    """
    simulation = simulation or simulate(bench, clock, cabled(bench))
    for name in cabled(bench):
        role = bench.roles[name]
        try:
            with open_role(name, bench, simulation, clock) as instrument:
                times_s, errors = _series(instrument, clock, 0 if role.driver in CANNOT_ANSWER else count)
        except XraydaqError as error:
            yield Ping(name, role, errors=(error,))
        else:
            yield Ping(name, role, times_s, errors)


def _series(
    instrument: "Instrument", clock: "Clock", count: int
) -> tuple[tuple[float, ...], tuple[XraydaqError, ...]]:
    times_s: list[float] = []
    errors: list[XraydaqError] = []
    for _ in range(count):
        start_s = clock.now()
        try:
            instrument.identify()
        except XraydaqError as error:
            errors.append(error)
        else:
            times_s.append(clock.now() - start_s)
    return tuple(times_s), tuple(errors)


def snapshots(bench: "Bench", clock: "Clock", simulation: "SimBench | None" = None) -> Iterator[Snapshot]:
    """Get how every role is set; another instrument than the bench file names is asked nothing more."""
    simulation = simulation or simulate(bench, clock, cabled(bench))
    for name in cabled(bench):
        role, identity = bench.roles[name], None
        try:
            with open_role(name, bench, simulation, clock) as instrument:
                identity = instrument.identify()
                check_identity(name, role, identity)
                settings = instrument.settings()
        except XraydaqError as error:
            yield Snapshot(name, role, identity, error=error)
        else:
            yield Snapshot(name, role, identity, settings)
