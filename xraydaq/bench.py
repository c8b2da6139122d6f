"""Opens, identifies, holds and closes the instruments of one bench, by role."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_runtime_path

from instruments.connect import open_adapter
from instruments.keithley2400 import Keithley2400
from instruments.sim.bench import SimBench
from instruments.sim.faults import Fault
from instruments.wire.keithley2400 import Identity
from xraydaq.clock import Clock
from xraydaq.config import Role, RunConfig
from xraydaq.errors import BusyError, InstrumentError


@dataclass(frozen=True)
class OpenBench:
    """The instruments of one run, open and identified."""

    smu: Keithley2400
    identities: dict[str, Identity]
    simulation: SimBench | None
    """The simulated world, None on real instruments; only the run's provenance looks at it."""


@contextmanager
def open_bench(config: RunConfig, clock: Clock, *, seed: int = 0, faults: tuple[Fault, ...] = ()) -> Iterator[OpenBench]:
    """Open every role of a checked configuration and close all of them at the end.

    Opening reads; it never resets and never changes an output.

    Raises:
        InstrumentError: an instrument is missing, or another than the bench file names.
        BusyError: another process holds one of the resources.
    """
    with ExitStack() as stack:
        simulation = _simulation(config, clock, seed, faults)
        role = config.bench.roles["smu"]
        if simulation is None:
            stack.enter_context(_held(role.resource))
            adapter = open_adapter(role.resource, baud=role.baud)
        else:
            adapter = simulation.adapter(role.resource)
        smu = Keithley2400(adapter, clock=clock, max_bias_v=config.limit("bias"))
        stack.callback(smu.close)
        identity = smu.identify()
        _check_identity("smu", role, identity)
        yield OpenBench(smu=smu, identities={"smu": identity}, simulation=simulation)


def _simulation(config: RunConfig, clock: Clock, seed: int, faults: tuple[Fault, ...]) -> SimBench | None:
    twin = config.bench.twin
    if twin is None:
        return None
    device = config.sample.treatment if twin.device == "from sample" else twin.device
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
