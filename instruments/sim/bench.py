"""The simulated bench in this process: one crystal, the instruments around it, one clock, one seed."""

from collections.abc import Callable, Sequence

from instruments.sim.adapter import SimAdapter
from instruments.sim.faults import Fault
from instruments.sim.keithley2400 import SimKeithley2400
from instruments.sim.link import Link
from instruments.sim.twin.crystal import Crystal
from xraydaq.clock import Clock

SMU = "SIM::smu"


class SimBench:
    """What stands on the bench. `crystal` and `smu` are the world that tests look at."""

    def __init__(
        self, clock: Clock, *, seed: int = 0, device: str = "atomistic", temperature_k: float = 298.15,
        conduction: str = "parallel", noise: str = "psd", faults: Sequence[Fault] = (),
        log: Callable[[float, str, bytes], None] | None = None,
    ) -> None:  # fmt: skip
        self._clock = clock
        self.crystal = Crystal(device, seed=seed, temperature_k=temperature_k, conduction=conduction, noise=noise)
        self.smu = SimKeithley2400(self.crystal, seed=seed)
        self.links = {SMU: Link(self.smu, faults=faults, seed=seed, log=log)}

    def adapter(self, resource: str) -> SimAdapter:
        """Connect to the instrument at `resource` (``SIM::smu``)."""
        return SimAdapter(self.links[resource], self._clock)

    def truth(self) -> dict[str, object]:
        """Get what is true of the simulated world; stored with a run, never read by its analysis."""
        return {"crystal": self.crystal.truth()}
