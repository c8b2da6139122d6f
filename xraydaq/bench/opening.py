"""Opens the instruments of a bench, asks them who they are, and holds the right to speak with them."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_runtime_path

from instruments.connect import framed, open_adapter
from instruments.keithley2400 import Keithley2400
from instruments.sim.bench import Settings, SimBench
from instruments.sim.faults import Fault
from xraydaq.bench.drivers import Identity, Instrument, Opening, kind_of
from xraydaq.clock import Clock
from xraydaq.config import Bench, Role, RunConfig
from xraydaq.config.models import DEVICES, FROM_SAMPLE, OPERATOR
from xraydaq.config.recipes import ROLES
from xraydaq.errors import BusyError, InstrumentError, Refused, XraydaqError

FOLDER = "FOLDER::"


@dataclass(frozen=True)
class OpenBench:
    """The instruments of one run, open and identified, by role."""

    instruments: Mapping[str, Instrument]
    identities: Mapping[str, Identity]
    simulation: SimBench | None
    """The simulated world, None on real instruments; only the run's provenance looks at it."""

    @property
    def smu(self) -> Keithley2400:
        """Get the source-measure unit."""
        smu = self.instruments["smu"]
        assert isinstance(smu, Keithley2400)
        return smu


@contextmanager
def open_bench(
    config: RunConfig, clock: Clock, *, seed: int = 0, faults: tuple[Fault, ...] = ()
) -> Iterator[OpenBench]:
    """Open the roles that a checked configuration needs, and close all of them at the end.

    Opening reads; it never resets and never changes an output.

    Raises:
        InstrumentError: an instrument is missing, or another than the bench file names.
        BusyError: another process holds one of the resources.
    """
    bench, roles = config.bench, ROLES[config.recipe.procedure]
    device = bench.twin.device if bench.twin is not None else ""
    device = config.sample.treatment if device == FROM_SAMPLE else device
    with ExitStack() as stack:
        simulation = simulate(bench, clock, roles, device=device, seed=seed, faults=faults)
        instruments: dict[str, Instrument] = {}
        identities: dict[str, Identity] = {}
        for name in roles:
            opened = open_role(name, bench, simulation, clock, max_bias_v=config.limit("bias"))
            instruments[name] = stack.enter_context(opened)
            identities[name] = instruments[name].identify()
            check_identity(name, bench.roles[name], identities[name])
        yield OpenBench(instruments, identities, simulation)


@dataclass(frozen=True)
class Answer:
    """What one role of a bench answered about itself; `error` is why that will not do."""

    name: str
    role: Role
    identity: Identity | None
    error: XraydaqError | None = None


def identify(bench: Bench, clock: Clock, simulation: SimBench | None = None) -> Iterator[Answer]:
    """Ask every role of a bench who it is, one after the other; nothing is reset and no output is changed."""
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


def cabled(bench: Bench) -> tuple[str, ...]:
    """Get the roles that are instruments with a cable; a person and a folder of files have none."""
    return tuple(
        name
        for name, role in bench.roles.items()
        if name not in ("filters", "operator") and role.resource != OPERATOR and not role.resource.startswith(FOLDER)
    )


@contextmanager
def open_role(
    name: str, bench: Bench, simulation: SimBench | None, clock: Clock, *, max_bias_v: float | None = None
) -> Iterator[Instrument]:
    """Open a role's instrument, and one outside this program only when no other process speaks with it.

    Raises:
        InstrumentError: it cannot be opened.
        BusyError: another process holds it.
        Refused: nothing with a cable fills this role.
    """
    role = bench.roles[name]
    if name not in cabled(bench):
        raise Refused(f"role {name} is {role.resource}: there is no cable to open")
    limit_v = bench.limits.max_bias_v if max_bias_v is None else max_bias_v
    kind = kind_of(role.driver)
    with ExitStack() as stack:
        if simulation is None:
            stack.enter_context(held(role.resource))
            adapter = open_adapter(role.resource, framed(kind.line, role.frame), baud=role.baud)
        else:
            adapter = simulation.adapter(name)
        instrument = kind.make(Opening(adapter, clock, bench, limit_v))
        stack.callback(instrument.close)
        yield instrument


def simulate(
    bench: Bench,
    clock: Clock,
    roles: Sequence[str],
    *,
    device: str = FROM_SAMPLE,
    seed: int = 0,
    faults: tuple[Fault, ...] = (),
) -> SimBench | None:
    """Build the simulated world of a bench with these instruments in it; None for a bench that is not simulated."""
    if bench.twin is None:
        return None
    return SimBench(clock, simulation_settings(bench, device), seed=seed, roles=roles, faults=faults)


def simulation_settings(bench: Bench, device: str) -> Settings:
    """Get what the world of a simulated bench is; without a sample its crystal is the first one known."""
    twin = bench.twin
    assert twin is not None
    return Settings(
        device=DEVICES[0] if device == FROM_SAMPLE else device,
        temperature_k=twin.temperature_k,
        conduction=twin.conduction,
        noise=twin.noise,
        spectral=twin.spectral,
        chamber_field=twin.chamber_field,
        dose_nonlinearity=twin.dose_nonlinearity,
        wiring=twin.wiring,
        cold_end_k=twin.cold_end_k,
        fixed_filter_m=Settings.fixed_filter_m if bench.filters is None else bench.filters.fixed_m,
    )


def check_identity(name: str, role: Role, identity: Identity) -> None:
    """Compare what an instrument says with what the bench file says.

    Raises:
        InstrumentError: it is another one.
    """
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
def held(resource: str) -> Iterator[None]:
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
