from dataclasses import dataclass, field

import numpy as np
import pytest

from instruments.sim.adapter import SimAdapter
from instruments.sim.link import Link
from instruments.sim.sr570 import SimSr570
from xraydaq.clock import JumpingClock


@dataclass
class Input:
    """A steady current plus a conductance, without noise; remembers every bias."""

    amps: float = 0.0
    siemens: float = 0.0
    biases: list[tuple[float, float]] = field(default_factory=list)
    read_to_s: float = float("-inf")
    before_step: float = 0.0

    def currents_a(self, start_s, spacing_s, count):
        assert start_s >= self.read_to_s - 1e-9, "time never goes back"
        self.read_to_s = start_s + count * spacing_s
        times_s = start_s + spacing_s * np.arange(count)
        bias_v = np.zeros(count)
        for time_s, volts in self.biases:
            bias_v[times_s >= time_s] = volts
        return self.amps + self.siemens * bias_v

    def set_bias(self, time_s, bias_v):
        self.biases.append((time_s, bias_v))


class Bench:
    """A host, the preamplifier and a voltmeter at its output."""

    def __init__(self, seed: int = 3, **options) -> None:
        self.clock = JumpingClock(0.0)
        self.input = Input()
        self.device = SimSr570(self.input, seed=seed, **options)
        self.link = Link(self.device)
        self.adapter = SimAdapter(self.link, self.clock)

    def tell(self, *commands: str, wait_s: float = 0.05) -> None:
        for command in commands:
            self.adapter.write(command)
            self.clock.sleep(wait_s)

    def reset(self, *commands: str) -> None:
        """Reset, set, and wait until every transient of the slowest setting is gone."""
        self.tell("*RST", wait_s=1.1)
        self.tell(*commands)
        self.clock.sleep(10)
        self.device.advance(self.clock.now())

    def samples_v(self, duration_s: float = 1.0, rate_hz: float = 1000.0) -> np.ndarray:
        """Digitise from now on."""
        start_s = self.clock.now()
        self.clock.sleep(duration_s)
        return self.device.voltages_v(start_s, 1 / rate_hz, round(duration_s * rate_hz))

    def volts(self) -> float:
        return float(self.samples_v().mean())


@pytest.fixture
def bench():
    return Bench()
