from dataclasses import dataclass, field

import pytest

from instruments.sim.adapter import SimAdapter
from instruments.sim.keithley2400 import SimKeithley2400
from instruments.sim.link import Link
from xraydaq.clock import JumpingClock


@dataclass
class Resistor:
    """An ideal load that remembers every voltage it has seen."""

    siemens: float = 1e-8
    bias_v: float = 0.0
    steps: list[tuple[float, float]] = field(default_factory=list)
    read_to_s: float = float("-inf")

    def set_bias(self, time_s: float, bias_v: float) -> None:
        assert time_s >= self.read_to_s, "the past cannot be changed"
        self.bias_v = bias_v
        self.steps.append((time_s, bias_v))

    def mean_current_a(self, start_s: float, end_s: float) -> float:
        assert end_s > start_s >= self.read_to_s
        self.read_to_s = end_s
        return self.siemens * self.bias_v

    def chord_s(self, bias_v: float) -> float:
        return self.siemens


class Host:
    """A program at the other end of the cable, without any driver."""

    def __init__(self, baud: int | None = None, **load: float) -> None:
        self.clock = JumpingClock(0.0)
        self.load = Resistor(**load)
        self.device = SimKeithley2400(self.load, seed=3, baud=baud)
        self.link = Link(self.device)
        self.adapter = SimAdapter(self.link, self.clock)
        self.adapter.connection.timeout = 600_000

    def tell(self, *lines: str) -> None:
        for line in lines:
            self.adapter.write(line)

    def ask(self, line: str) -> str:
        self.adapter.write(line)
        return self.adapter.read()

    def errors(self) -> list[int]:
        return [int(code) for code in self.ask(":SYST:ERR:CODE:ALL?").split(",")]

    def answers(self, line: str, within_s: float = 1.0) -> bool:
        """Tell whether a reply comes."""
        self.adapter.write(line)
        self.clock.sleep(within_s)
        return self.link.receive(self.clock.now()) is not None

    def read(self, command: str = ":READ?") -> list[list[float]]:
        """Get rows of all five elements."""
        values = [float(text) for text in self.ask(command).split(",")]
        return [values[at : at + 5] for at in range(0, len(values), 5)]

    def timed(self, command: str = ":READ?") -> float:
        start_s = self.clock.now()
        self.ask(command)
        return self.clock.now() - start_s


@pytest.fixture
def host():
    return Host()


@pytest.fixture
def biased(host):
    """10 nS at 5 V on the 1 uA range: 50 nA."""
    host.tell(
        "*RST", ":SOUR:VOLT:RANG 20", ":SENS:CURR:PROT 1e-4", ":SENS:CURR:RANG 1e-6", ":SYST:AZER OFF", ":SOUR:VOLT 5",
        ":OUTP ON",
    )  # fmt: skip
    host.ask("*OPC?")
    return host
