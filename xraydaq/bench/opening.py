"""Opens the instruments of a bench, asks them who they are, and holds the right to speak with them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from instruments.connect import Line, framed, open_adapter
from instruments.filters import FilterHolder
from instruments.keithley2400 import Keithley2400
from instruments.sim import bench as sim
from instruments.sim.bench import Settings, SimBench
from instruments.sim.faults import Fault
from instruments.sim.scenario import Happening, parse_happenings
from instruments.sim.twin.drawn import Unknowns, drawn_device, drawn_unknowns
from xraydaq.bench.by_hand import Ask, dark_check, open_dosimeter, open_filters, open_operator
from xraydaq.bench.drivers import Identity, Instrument, Opening, kind_of, tube_serial_on_usb
from xraydaq.bench.holding import held
from xraydaq.bench.operator import Nobody, Operator
from xraydaq.clock import Clock
from xraydaq.config import Bench, Role, RunConfig
from xraydaq.config.dosimeter import is_by_hand
from xraydaq.config.models import DEVICES, FROM_SAMPLE
from xraydaq.errors import ConfigError, InstrumentError, Refused

if TYPE_CHECKING:
    from pymeasure.adapters.adapter import Adapter


OpenTube = Callable[[Bench, "SimBench | None", Clock], AbstractContextManager[Instrument]]
"""Opens the tube of a bench: bench file, simulated world or None, clock."""


@dataclass(frozen=True)
class OpenBench:
    """The instruments of one run, open and identified, by role."""

    instruments: Mapping[str, Instrument]
    identities: Mapping[str, Identity]
    simulation: SimBench | None
    """The simulated world, None on real instruments; only the run's provenance looks at it."""

    operator: Operator = field(default_factory=Nobody)
    filters: FilterHolder | None = None
    """Who changes the filters, None if the run has no role for them."""

    @property
    def smu(self) -> Keithley2400:
        """Get the source-measure unit."""
        smu = self.instruments["smu"]
        assert isinstance(smu, Keithley2400)
        return smu


@contextmanager
def open_bench(
    config: RunConfig, clock: Clock, *, seed: int = 0, faults: tuple[Fault, ...] = (), ask: Ask | None = None,
    beam_is_off: Callable[[], bool] | None = None, open_tube: OpenTube | None = None,
) -> Iterator[OpenBench]:  # fmt: skip
    """Open the roles that a checked configuration needs, and close all of them at the end.

    Opening reads; it never resets and never changes an output. `ask` shows a person a text and returns the line that
    was typed; without it nobody is there. `beam_is_off` is for the filters; by default this bench's tube is asked.
    `open_tube` opens the tube behind its guardian; without it the role is opened as any other.

    Raises:
        InstrumentError: an instrument is missing, or another than the bench file names.
        BusyError: another process holds one of the resources.
        Refused: a role needs a person, and nobody is there.
    """
    bench, roles = config.bench, config.recipe.parameters.roles
    device = bench.twin.device if bench.twin is not None else ""
    device = config.sample.treatment if device == FROM_SAMPLE else device
    with ExitStack() as stack:
        electrodes = config.sample.electrodes
        simulation = simulate(bench, clock, roles, device=device, electrodes=electrodes, seed=seed, faults=faults)
        instruments: dict[str, Instrument] = {}
        identities: dict[str, Identity] = {}
        for name in (each for each in roles if each not in ("filters", "operator")):
            if name == "tube" and open_tube is not None:
                opened = open_tube(bench, simulation, clock)
            else:
                opened = open_role(name, bench, simulation, clock, max_bias_v=config.limit("bias"), ask=ask)
            instruments[name] = stack.enter_context(opened)
            identities[name] = instruments[name].identify()
            check_identity(name, bench.roles[name], identities[name])
        operator = open_operator(bench, simulation, ask)
        filters = None
        if "filters" in roles:
            beam_is_off = beam_is_off or dark_check(instruments.get("tube"), operator)
            filters = open_filters(bench, operator, ask, clock=clock, beam_is_off=beam_is_off)
        yield OpenBench(instruments, identities, simulation, operator, filters)


def cabled(bench: Bench) -> tuple[str, ...]:
    """Get the roles that are instruments with a cable; a person and a folder of files have none."""
    return tuple(
        name
        for name, role in bench.roles.items()
        if name not in ("filters", "operator") and not is_by_hand(role.resource)
    )


@contextmanager
def open_role(
    name: str, bench: Bench, simulation: SimBench | None, clock: Clock, *, max_bias_v: float | None = None,
    ask: Ask | None = None,
) -> Iterator[Instrument]:  # fmt: skip
    """Open a role's instrument, and one outside this program only when no other process speaks with it.

    Raises:
        InstrumentError: it cannot be opened.
        BusyError: another process holds it.
        Refused: no instrument fills this role, or it needs a person to `ask` and there is none.
    """
    role = bench.roles[name]
    if name == "dosimeter" and is_by_hand(role.resource):
        yield open_dosimeter(bench, clock, ask)
        return
    if name not in cabled(bench):
        raise Refused(f"role {name} is {role.resource}: there is no cable to open")
    limit_v = bench.limits.max_bias_v if max_bias_v is None else max_bias_v
    kind = kind_of(role.driver)
    with ExitStack() as stack:
        if simulation is not None:
            adapter: Adapter = simulation.adapter(name)
        else:
            stack.enter_context(held(role.resource))
            adapter = _connect(role, kind.line, clock)
        instrument = kind.make(Opening(adapter, clock, bench, limit_v))
        stack.callback(instrument.close)
        yield instrument


def _connect(role: Role, line: Line, clock: Clock) -> "Adapter":
    serial = tube_serial_on_usb(role)
    if serial is None:
        return open_adapter(role.resource, framed(line, role.frame), baud=role.baud)
    from instruments.minix2.usb import open_tube

    return open_tube(serial, clock)


def simulate(
    bench: Bench,
    clock: Clock,
    roles: Sequence[str],
    *,
    device: str = FROM_SAMPLE,
    electrodes: str = FROM_SAMPLE,
    seed: int = 0,
    faults: tuple[Fault, ...] = (),
) -> SimBench | None:
    """Build the simulated world of a bench with these instruments in it; None for a bench that is not simulated."""
    if bench.twin is None:
        return None
    with_device = tuple(
        each
        for each in roles
        if each in sim.ROLES and each in bench.roles and not is_by_hand(bench.roles[each].resource)
    )
    return SimBench(clock, simulation_settings(bench, device, electrodes), seed=seed, roles=with_device, faults=faults)


def simulation_settings(bench: Bench, device: str, electrodes: str = FROM_SAMPLE) -> Settings:
    """Get what the world of a simulated bench is; without a sample its crystal is the first one known.

    `device` and `electrodes` are the sample's. With a blind seed crystal and bench are drawn.
    """
    twin = bench.twin
    assert twin is not None
    name = DEVICES[0] if device == FROM_SAMPLE else device
    found = electrodes if twin.electrodes == FROM_SAMPLE else twin.electrodes
    seed = twin.blind_seed
    return Settings(
        device=name if seed is None else drawn_device(name, seed),
        electrodes=Settings.electrodes if found == FROM_SAMPLE else found,
        unknowns=Unknowns() if seed is None else drawn_unknowns(seed),
        temperature_k=twin.temperature_k,
        temperature_wander_k=twin.temperature_wander_k,
        sensitivity_drift_per_h=twin.sensitivity_drift_per_h,
        trap_spread=twin.trap_spread,
        happenings=_happenings(bench),
        conduction=twin.conduction,
        noise=twin.noise,
        spectral=twin.spectral,
        chamber_field=twin.chamber_field,
        dose_nonlinearity=twin.dose_nonlinearity,
        wiring=twin.wiring,
        cold_end_k=twin.cold_end_k,
        fixed_filter_m=Settings.fixed_filter_m if bench.filters is None else bench.filters.fixed_m,
    )


def _happenings(bench: Bench) -> tuple[Happening, ...]:
    """Read the faults of a simulated world.

    Raises:
        ConfigError: one is not a fault of the world, or needs a role that the bench does not have.
    """
    assert bench.twin is not None
    texts = [text.strip() for text in bench.twin.faults.split(",") if text.strip()]
    found = parse_happenings(texts, bench.roles, where="twin.faults")
    of_lines = [each.name for each in found if each.role]
    if of_lines:
        raise ConfigError(f"twin.faults: {', '.join(of_lines)}: only faults of the world, without a role in front")
    return found


def check_identity(name: str, role: Role, identity: Identity) -> None:
    """Compare what an instrument says with what the bench file says.

    Raises:
        InstrumentError: it is another one.
    """
    for label, wanted, found in (
        ("model", role.model, identity.model),
        ("serial number", role.serial, identity.serial),
        ("firmware", role.firmware, identity.firmware),
    ):
        if wanted is not None and wanted.casefold() not in found.casefold():
            raise InstrumentError(
                f"role {name} at {role.resource}: {label} is {found!r}, the bench file says {wanted!r}; "
                "check the cable or correct the bench file"
            )
