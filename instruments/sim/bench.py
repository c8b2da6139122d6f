"""The simulated bench: one world, the instruments around it, one clock, one seed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from instruments.sim.adapter import SimAdapter
from instruments.sim.device import Device
from instruments.sim.faults import Fault
from instruments.sim.filters import SimFilterHolder
from instruments.sim.keithley2400 import SimKeithley2400
from instruments.sim.link import Link, SharedTime
from instruments.sim.twin.stage import Stage
from instruments.sim.twin.world import World
from xraydaq.clock import Clock

if TYPE_CHECKING:
    from instruments.sim.minix2 import BeamEvent

ROLES = ("smu", "tube", "dosimeter", "preamplifier", "analyser", "temperature", "operator")
SERIAL_BAUD = {"tube": 115200, "preamplifier": 9600, "temperature": 57600}
"""Roles whose instruments are on a serial line when the bench is served; the others are on a network."""

SINCE_LAST_USE_S = 3600.0
"""The tube was warmed up today."""

Log = Callable[[str, float, str, bytes], None]
"""Is given every line of every instrument: role, time, ``>`` in or ``<`` out, bytes."""


@dataclass(frozen=True)
class Settings:
    """What the world is; the words are those of `World`."""

    device: str = "atomistic"
    temperature_k: float = 298.15
    conduction: str = "parallel"
    noise: str = "psd"
    spectral: str = "flat"
    chamber_field: str = "covered"
    dose_nonlinearity: str = "mild"
    wiring: str = "smu"
    fixed_filter_m: float = 1e-3
    cold_end_k: float | None = None
    """Of the stage; None is without coolant."""


class SimBench:
    """What stands on the bench: `world`, and in `devices` the instruments of `roles`, which are what tests look at.

    A role that is not named is not there: without "temperature" the crystal stays at its temperature.
    """

    def __init__(
        self, clock: Clock, settings: Settings | None = None, *, seed: int = 0, roles: Sequence[str] = ("smu",),
        is_served: bool = False, faults: Sequence[Fault] = (), log: Log | None = None,
        on_beam: "Callable[[BeamEvent], None] | None" = None,
    ) -> None:  # fmt: skip
        self.settings = settings or Settings()
        self.clock = clock
        self.start_s = clock.now()
        self.seed = seed
        self.on_beam = on_beam
        self.time = SharedTime()
        self.is_served = is_served
        self.stage = _stage(self.settings) if "temperature" in roles else None
        self.world = _world(self.settings, seed, self.stage, has_tube="tube" in roles)
        self.crystal = self.world.crystal
        self.filters = SimFilterHolder(seed=seed)
        self.devices: dict[str, Device] = {}
        for role in sorted(roles, key=ROLES.index):  # the analyser looks at the preamplifier, the operator at the tube
            self.devices[role] = _BUILDERS[role](self)
        self.links = {
            role: Link(
                device, faults=faults if role == "smu" else (), seed=seed, log=_of(role, log), shared=self.time
            )
            for role, device in self.devices.items()
        }  # fmt: skip

    @property
    def smu(self) -> SimKeithley2400:
        """Get the source-measure unit."""
        device = self.devices["smu"]
        assert isinstance(device, SimKeithley2400)
        return device

    def baud(self, role: str) -> int | None:
        """Get the speed of a role's serial line, None if it is on a bus or network."""
        return SERIAL_BAUD.get(role) if self.is_served else None

    def adapter(self, role: str) -> SimAdapter:
        """Connect to the instrument of a role."""
        return SimAdapter(self.links[role], self.clock)

    def mount(self, time_s: float, nominal_m: float) -> None:
        """Hang foils of this nominal thickness into the beam, behind the fixed filter.

        Raises:
            ValueError: the holder or the beam table does not hold so much; nothing was changed.
        """
        before_m = self.filters.mounted_m
        self.filters.mounted_m = nominal_m
        try:
            self.world.set_filter(time_s, self.settings.fixed_filter_m + self.filters.true_m)
        except ValueError:
            self.filters.mounted_m = before_m
            raise

    def advance(self, now_s: float) -> None:
        """Let everything happen that would have happened by now."""
        with self.time:
            self.world.catch_up(self.time.not_before(now_s))

    def truth(self) -> dict[str, object]:
        """Get what is true of the simulated world; stored with a run, never read by its analysis."""
        return self.world.truth() | {"filters": self.filters.truth()}


def _stage(settings: Settings) -> Stage:
    return Stage(start_k=settings.temperature_k, cold_k=settings.cold_end_k)


def _world(settings: Settings, seed: int, stage: Stage | None, *, has_tube: bool) -> World:
    return World(
        seed=seed,
        device=settings.device,
        temperature_k=settings.temperature_k,
        conduction=settings.conduction,
        noise=settings.noise,
        spectral=settings.spectral,
        dose_nonlinearity=settings.dose_nonlinearity,
        chamber_field=settings.chamber_field,
        wiring=settings.wiring,
        total_al_m=settings.fixed_filter_m,
        thermometer=stage,
        **({"delay_s": 0.0} if has_tube else {}),  # the simulated tube ramps by itself
    )


def _of(role: str, log: Log | None) -> Callable[[float, str, bytes], None] | None:
    return None if log is None else lambda time_s, direction, data: log(role, time_s, direction, data)


# Only what a bench has is imported: a run of one instrument starts without the others.
def _smu(bench: SimBench) -> Device:
    return SimKeithley2400(bench.world.crystal_load, seed=bench.seed)


def _tube(bench: SimBench) -> Device:
    from instruments.sim.minix2 import SimMiniX2, Unit

    start_utc_s = bench.clock.utc()
    tube = SimMiniX2(
        bench.world,
        seed=bench.seed,
        baud=bench.baud("tube"),
        unit=Unit(start_utc_s=start_utc_s, last_off_utc_s=start_utc_s - SINCE_LAST_USE_S),
        start_s=bench.start_s,
        on_event=bench.on_beam,
    )
    bench.world.register(tube.advance)
    return tube


def _dosimeter(bench: SimBench) -> Device:
    from instruments.sim.accugold import Digitizer, SimAccuGoldBridge
    from instruments.sim.twin.chamber import Chamber

    bridge = SimAccuGoldBridge(Digitizer(Chamber(bench.world.kerma_rate_gy_s, seed=bench.seed)))
    bridge.advance(bench.start_s)  # its time begins with the first moment it is told
    return bridge


def _preamplifier(bench: SimBench) -> Device:
    from instruments.sim.sr570 import SimSr570

    preamplifier = SimSr570(bench.world.preamplifier_source, seed=bench.seed)
    bench.world.register(preamplifier.advance)  # it never answers: nobody would ask it to catch up
    return preamplifier


def _analyser(bench: SimBench) -> Device:
    from instruments.sim.agilent35670a import SimAgilent35670a
    from instruments.sim.sr570 import SimSr570

    source = bench.devices.get("preamplifier") or SimSr570(bench.world.preamplifier_source, seed=bench.seed)
    assert isinstance(source, SimSr570)
    analyser = SimAgilent35670a(source, seed=bench.seed)
    source.before_change = analyser.sample_to
    return analyser


def _temperature(bench: SimBench) -> Device:
    from instruments.sim.lakeshore335 import SimLakeShore335
    from instruments.sim.lakeshore335.device import SPACING_S

    assert bench.stage is not None
    # a served line has the jitter of this computer's threads, which is no fault of who speaks too soon
    spacing_s = 0.0 if bench.is_served else SPACING_S
    controller = SimLakeShore335(bench.stage, seed=bench.seed, baud=bench.baud("temperature"), spacing_s=spacing_s)
    bench.stage.follow(controller.advance)
    bench.world.register(controller.advance)
    controller.advance(bench.start_s)  # its time begins with the first moment it is told
    return controller


def _operator(bench: SimBench) -> Device:
    from instruments.sim.deeds import deeds_of
    from instruments.sim.operator import SimOperator

    return SimOperator(deeds_of(bench))


_BUILDERS: dict[str, Callable[[SimBench], Device]] = {
    "smu": _smu,
    "tube": _tube,
    "dosimeter": _dosimeter,
    "preamplifier": _preamplifier,
    "analyser": _analyser,
    "temperature": _temperature,
    "operator": _operator,
}
