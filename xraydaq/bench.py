"""Opens, identifies, holds and closes the instruments of one bench, by role."""

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_runtime_path

from instruments.connect import open_adapter
from instruments.keithley2400 import LINE, Keithley2400
from instruments.sim.bench import SimBench
from instruments.sim.faults import Fault
from instruments.wire.keithley2400 import Identity
from xraydaq.clock import Clock
from xraydaq.config import Bench, Role, RunConfig, TwinSettings
from xraydaq.config.models import DEVICES, FROM_SAMPLE
from xraydaq.errors import BusyError, InstrumentError, XraydaqError


@dataclass(frozen=True)
class OpenBench:
    """The instruments of one run, open and identified."""

    smu: Keithley2400
    identities: dict[str, Identity]
    simulation: SimBench | None
    """The simulated world, None on real instruments; only the run's provenance looks at it."""


@contextmanager
def open_bench(
    config: RunConfig, clock: Clock, *, seed: int = 0, faults: tuple[Fault, ...] = ()
) -> Iterator[OpenBench]:
    """Open every role of a checked configuration and close all of them at the end.

    Opening reads; it never resets and never changes an output.

    Raises:
        InstrumentError: an instrument is missing, or another than the bench file names.
        BusyError: another process holds one of the resources.
    """
    twin = config.bench.twin
    with ExitStack() as stack:
        device = config.sample.treatment if twin is None or twin.device == FROM_SAMPLE else twin.device
        simulation = None if twin is None else _simulation(twin, device, clock, seed, faults)
        role = config.bench.roles["smu"]
        smu = stack.enter_context(_opened(role, simulation, clock, config.limit("bias")))
        identity = smu.identify()
        _check_identity("smu", role, identity)
        yield OpenBench(smu=smu, identities={"smu": identity}, simulation=simulation)


@dataclass(frozen=True)
class Answer:
    """What one role of a bench answered about itself; `error` is why that will not do."""

    name: str
    role: Role
    identity: Identity | None
    error: XraydaqError | None = None


def identify(bench: Bench, clock: Clock) -> Iterator[Answer]:
    """Ask every role of a bench who it is, one after the other; nothing is reset and no output is changed."""
    simulation = None if bench.twin is None else _simulation(bench.twin, DEVICES[0], clock, 0, ())
    for name, role in bench.roles.items():
        identity = None
        try:
            with _opened(role, simulation, clock, bench.limits.max_bias_v) as smu:
                identity = smu.identify()
            _check_identity(name, role, identity)
            yield Answer(name, role, identity)
        except XraydaqError as error:
            yield Answer(name, role, identity, error)


@contextmanager
def _opened(role: Role, simulation: SimBench | None, clock: Clock, max_bias_v: float) -> Iterator[Keithley2400]:
    """Open a role's instrument, and a real one only when no other process speaks with it."""
    with ExitStack() as stack:
        if simulation is None:
            stack.enter_context(_held(role.resource))
            adapter = open_adapter(role.resource, LINE, baud=role.baud)
        else:
            adapter = simulation.adapter(role.resource)
        smu = Keithley2400(adapter, clock=clock, max_bias_v=max_bias_v)
        stack.callback(smu.close)
        yield smu


def _simulation(twin: TwinSettings, device: str, clock: Clock, seed: int, faults: tuple[Fault, ...]) -> SimBench:
    return SimBench(
        clock,
        seed=seed,
        device=device,
        temperature_k=twin.temperature_k,
        conduction=twin.conduction,
        noise=twin.noise,
        faults=faults,
    )


def _check_identity(name: str, role: Role, identity: Identity) -> None:
    for label, wanted, found in (
        ("model", role.model, identity.model),
        ("serial number", role.serial, identity.serial),
    ):
        if wanted is not None and wanted.casefold() not in found.casefold():
            raise InstrumentError(
                f"role {name} at {role.resource}: {label} is {found!r}, the bench file says {wanted!r}; "
                "check the cable or correct the bench file"
            )


@contextmanager
def _held(resource: str) -> Iterator[None]:
    """Hold the right to speak on `resource` against other processes of this computer."""
    with warnings.catch_warnings():  # without XDG_RUNTIME_DIR a folder in /tmp is used, which serves as well
        warnings.simplefilter("ignore", UserWarning)
        folder = user_runtime_path("xraydaq", ensure_exists=True)
    path = Path(folder) / f"{sha256(resource.encode()).hexdigest()[:16]}.lock"
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BusyError(f"{resource} is held by another xraydaq process (lock file {path})") from None
    try:
        yield
    finally:
        lock.release()
