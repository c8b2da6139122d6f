import re
from dataclasses import dataclass
from functools import reduce
from operator import xor

import pytest

from instruments.sim.accugold import Digitizer, Setup, SimAccuGoldBridge
from instruments.sim.adapter import SimAdapter
from instruments.sim.link import Link
from instruments.sim.twin.chamber import Chamber
from instruments.sim.twin.room import Room
from xraydaq.clock import JumpingClock


@dataclass
class Beam:
    """A beam that somebody switches."""

    rate_gy_s: float = 0.0

    def mean(self, start_s: float, end_s: float) -> float:
        assert end_s > start_s
        return self.rate_gy_s


def checked(text: str) -> str:
    return f"{text}*{reduce(xor, text.encode(), 0):02X}"


class Client:
    """A program at the other end of the line, without any driver."""

    def __init__(self, *, noisy: bool = False, baud: int | None = None, **setup) -> None:
        self.clock = JumpingClock(0.0)
        self.beam = Beam()
        self.room = Room(seed=2, temperature_k=296.15, pressure_pa=99_800.0, steady=True)
        self.chamber = Chamber(self.beam.mean, seed=2, room=self.room, noisy=noisy)
        self.device = SimAccuGoldBridge(Digitizer(self.chamber, Setup(**setup)), baud=baud)
        self.link = Link(self.device)
        self.adapter = SimAdapter(self.link, self.clock)
        self.adapter.connection.timeout = 60_000
        self._id = 0

    def ask(self, request: str) -> str:
        """Get what follows ``@<id> `` in the reply."""
        self._id += 1
        self.adapter.write(f"@{self._id} {request}")
        reply = self.adapter.read()
        assert reply.startswith(f"@{self._id} "), reply
        return reply.split(" ", 1)[1]

    def values(self, request: str) -> dict[str, str]:
        reply = self.ask(request)
        assert reply.startswith("OK"), reply
        return dict(re.findall(r"(\w+)=([^,]+)", reply))

    def number(self, key: str, request: str = "READ?") -> float:
        return float(self.values(request)[key])

    def flags(self, request: str = "READ?") -> int:
        return int(self.values(request)["flags"], 16)

    def say(self, line: str) -> str:
        """Send a line as it is and get the reply as it is."""
        self.adapter.write(line)
        return self.adapter.read()

    def zero(self) -> str:
        assert self.ask("ZERO") == "OK state=zeroing,eta_s=30"
        return self.adapter.read()

    def shine(self, rate_gy_s: float) -> None:
        """Have another rate from now on."""
        self.device.advance(self.clock.now())
        self.beam.rate_gy_s = rate_gy_s

    def pause(self, duration_s: float) -> None:
        self.clock.sleep(duration_s)


@pytest.fixture
def client():
    return Client()


@pytest.fixture
def zeroed(client):
    assert client.zero().startswith("!ZERO state=done")
    assert client.ask("ENV t_C=23.0,p_kPa=99.8").startswith("OK")
    return client
