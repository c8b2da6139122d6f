from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from instruments.sim.adapter import SimAdapter
from instruments.sim.lakeshore335 import SimLakeShore335
from instruments.sim.link import Link
from instruments.sim.twin.stage import Stage
from xraydaq.clock import JumpingClock


@dataclass
class Bath:
    """A plant whose temperature somebody else decides, and which remembers how it was heated."""

    at_k: Callable[[float], float] = lambda _time_s: 300.0
    heated: list[tuple[float, float]] = field(default_factory=list)

    def set_heater_w(self, time_s: float, power_w: float) -> None:
        self.heated.append((time_s, power_w))

    def sensor_k(self, time_s: float) -> float:
        return self.at_k(time_s)

    @property
    def heater_w(self) -> float:
        return self.heated[-1][1] if self.heated else 0.0


class Host:
    """A program at the other end of the cable, without any driver, that keeps the pauses."""

    def __init__(self, plant=None, **settings) -> None:
        self.clock = JumpingClock(0.0)
        self.plant = Bath() if plant is None else plant
        self.device = SimLakeShore335(self.plant, **{"noise_k": 0.0, "drift_k": 0.0, "seed": 5, **settings})
        self.link = Link(self.device)
        self.adapter = SimAdapter(self.link, self.clock)

    def tell(self, *lines: str) -> None:
        for line in lines:
            self.clock.sleep(0.06)
            self.adapter.write(line)
        self.clock.sleep(0.06)
        self.device.advance(self.clock.now())

    def ask(self, line: str) -> str:
        self.clock.sleep(0.06)
        self.adapter.write(line)
        return self.adapter.read()

    def answers(self, line: str) -> bool:
        """Tell whether a reply comes within a second."""
        self.tell(line)
        self.clock.sleep(1)
        return self.link.receive(self.clock.now()) is not None

    def kelvin(self) -> float:
        return float(self.ask("KRDG? A"))


@pytest.fixture
def host():
    return Host()


@pytest.fixture
def bench():
    """A controller on the stage of the bench, quiet, with gains of 6 W/K, 0.03 W/(K s) and 20 W s/K at 50 W."""
    found = Host(Stage())
    found.plant.follow(found.device.advance)
    found.tell("PID 1,12,5,6.7")
    return found
