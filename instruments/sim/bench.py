"""The simulated bench: one world, the instruments around it, one clock, one seed."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from instruments.sim import building
from instruments.sim.adapter import SimAdapter
from instruments.sim.device import Device
from instruments.sim.faults import Fault
from instruments.sim.filters import SimFilterHolder
from instruments.sim.keithley2400 import SimKeithley2400
from instruments.sim.link import Link, SharedTime
from instruments.sim.scenario import Happening
from instruments.sim.twin.devices import Device as Crystal
from instruments.sim.twin.drawn import Unknowns
from instruments.sim.twin.electrodes import INTERDIGITATED
from xraydaq.clock import Clock

if TYPE_CHECKING:
    from instruments.sim.minix2 import BeamEvent
    from instruments.sim.sr570 import SimSr570
    from instruments.sim.twin.chamber import Chamber

ROLES = ("smu", "tube", "dosimeter", "preamplifier", "analyser", "temperature", "operator")
SERIAL_BAUD = {"tube": 115200, "preamplifier": 9600, "temperature": 57600}
"""Roles whose instruments are on a serial line when the bench is served; the others are on a network."""

Log = Callable[[str, float, str, bytes], None]
"""Is given every line of every instrument: role, time, ``>`` in or ``<`` out, bytes."""


@dataclass(frozen=True)
class Settings:
    """What the world is; the words are those of `World`."""

    device: str | Crystal = "atomistic"
    """By name, or one of one's own between fingers."""

    electrodes: str = INTERDIGITATED
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

    temperature_wander_k: float = 0.0
    """rms of a slow wander of the crystal's temperature, and of its stage where there is one."""

    sensitivity_drift_per_h: float = 0.0
    """Relative change of the crystal's sensitivity per hour since the bench began, compounded."""

    trap_spread: float | None = None
    """Of the logarithm of the trap levels, 0 is a single level; None is what the device has."""

    foil_seed: int = 1
    """Of the true thickness of the foils: they stay the same from run to run, so that a calibration still holds."""

    happenings: tuple[Happening, ...] = ()
    """Faults of the world, in seconds since the bench began."""

    unknowns: Unknowns = field(default_factory=Unknowns)
    """How far the bench is off."""


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
        self.stage = building.stage_of(self.settings, seed) if "temperature" in roles else None
        thermometer = self.stage or building.wandering_of(self.settings, seed)
        self.world = building.world_of(self.settings, seed, thermometer, self.start_s, has_tube="tube" in roles)
        self.crystal = self.world.crystal
        self.filters = SimFilterHolder(seed=self.settings.foil_seed)
        self.chamber: Chamber | None = None
        self.samplers: list[Callable[[float], None]] = []
        """What has an instrument sample what is past, before the crystal is plugged in elsewhere."""
        self.devices: dict[str, Device] = {}
        if self.settings.happenings:
            self.world.register(building.scenario_of(self))  # before the tube, which a fault may stop
        for role in sorted(roles, key=ROLES.index):  # the analyser looks at the preamplifier, the operator at the tube
            self.devices[role] = building.BUILDERS[role](self)
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
        self.world.set_filter(time_s, self.settings.fixed_filter_m + self.filters.true_thickness_m(nominal_m))
        self.filters.mounted_m = nominal_m

    def connect_crystal(self, time_s: float, wiring: str) -> None:
        """Plug the crystal into ``smu``, ``preamplifier`` or ``none``, after all have sampled what is past."""
        for sample_to in self.samplers:
            sample_to(time_s)
        self.world.connect_crystal(time_s, wiring)

    def advance(self, now_s: float) -> None:
        """Let everything happen that would have happened by now."""
        with self.time:
            self.world.catch_up(self.time.not_before(now_s))

    def truth(self) -> dict[str, object]:
        """Get what is true of the simulated world; stored with a run, never read by its analysis."""
        found = self.world.truth() | {
            "filters": self.filters.truth(),
            "unknowns": asdict(self.settings.unknowns),
            "temperature_wander_k": self.settings.temperature_wander_k,
        }
        if self.stage is not None:
            found["stage"] = self.stage.truth()
        if self.chamber is not None:
            found["chamber"] = self.chamber.truth()
        if "preamplifier" in self.devices:
            found["preamplifier"] = self._preamplifier().truth()
        return found

    def _preamplifier(self) -> "SimSr570":
        from instruments.sim.sr570 import SimSr570

        device = self.devices["preamplifier"]
        assert isinstance(device, SimSr570)
        return device


def _of(role: str, log: Log | None) -> Callable[[float, str, bytes], None] | None:
    return None if log is None else lambda time_s, direction, data: log(role, time_s, direction, data)
