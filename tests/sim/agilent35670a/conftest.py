import math
import struct
from dataclasses import dataclass

import numpy as np
import pytest

from instruments.sim.adapter import SimAdapter
from instruments.sim.agilent35670a import SimAgilent35670a
from instruments.sim.link import Link
from xraydaq.clock import JumpingClock


@dataclass
class Signal:
    """White noise of known density, a sine and a constant; checks that time never goes back."""

    density_v_per_rthz: float = 0.0
    sine_v: float = 0.0
    sine_hz: float = 0.0
    constant_v: float = 0.0
    read_to_s: float = float("-inf")
    count: int = 0

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(11)

    def voltages_v(self, start_s, spacing_s, count):
        assert start_s >= self.read_to_s - 1e-3 * spacing_s, "time never goes back"
        self.read_to_s = start_s + count * spacing_s
        self.count += count
        times_s = start_s + spacing_s * (np.arange(count) + 0.5)
        volts = np.full(count, self.constant_v)
        if self.density_v_per_rthz:
            volts += self.density_v_per_rthz * math.sqrt(0.5 / spacing_s) * self.rng.standard_normal(count)
        if self.sine_v:
            mean = np.sinc(self.sine_hz * spacing_s)  # a mean over a window
            volts += self.sine_v * mean * np.sin(2 * math.pi * self.sine_hz * times_s)
        return volts


class Host:
    """A program at the other end of the bus, without any driver."""

    def __init__(self, seed: int = 3, oversampling: int = 8, unit=None, **signal: float) -> None:
        self.clock = JumpingClock(0.0)
        self.signal = Signal(**signal)
        self.device = SimAgilent35670a(self.signal, seed=seed, oversampling=oversampling, unit=unit)
        self.link = Link(self.device)
        self.adapter = SimAdapter(self.link, self.clock)
        self.adapter.connection.timeout = 10_000_000

    def tell(self, *lines: str) -> None:
        for line in lines:
            self.adapter.write(line)

    def ask(self, line: str) -> str:
        self.adapter.write(line)
        return self.adapter.read()

    def number(self, line: str) -> float:
        return float(self.ask(line))

    def errors(self) -> list[int]:
        found = []
        while (code := int(self.ask("SYST:ERR?").split(",")[0])) != 0:
            found.append(code)
        return found

    def numbers(self, line: str) -> np.ndarray:
        """Get a trace as 64-bit reals."""
        self.tell("FORM REAL,64", line)
        data = self.adapter.read_bytes(-1)
        digits = int(data[1:2])
        count = int(data[2 : 2 + digits])
        assert data[:1] == b"#"
        assert data[2 + digits + count :] == b"\n"
        return np.array(struct.unpack(f">{count // 8}d", data[2 + digits : -1]))

    def set_up(self, *lines: str) -> None:
        """Baseband, one channel, Hann, linear density; the input not too sensitive."""
        self.tell("*RST;*CLS", "INP2 OFF", "FREQ:SPAN:LINK STAR", "FREQ:STAR 0", "FREQ:RES 400", "FREQ:SPAN 1600")
        self.tell("WIND HANN", "AVER:TYPE RMS", "VOLT1:RANG -11", "CALC1:FORM MLIN", 'CALC1:UNIT:VOLT "V/RTHZ"')
        self.tell(*lines)
        assert self.ask("*OPC?") == "+1"

    def measure(self) -> np.ndarray:
        self.tell("ABOR;:INIT")
        assert self.ask("*OPC?") == "+1"
        return self.numbers("CALC1:DATA?")


@pytest.fixture
def host():
    host = Host()
    host.tell("*RST;*CLS")
    host.ask("*OPC?")
    return host
