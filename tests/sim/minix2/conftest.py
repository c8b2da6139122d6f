from dataclasses import dataclass, field

import pytest

from instruments.sim.adapter import SimAdapter
from instruments.sim.link import Link
from instruments.sim.minix2 import SimMiniX2
from xraydaq.clock import JumpingClock

STATUS = "F5 FA 01 01 00 00 FE 0F"
TUBE_TABLE = "F5 FA 03 0B 00 00 FE 03"
STAMP = "F5 FA 03 0D 00 00 FE 01"
FAULT_RECORD = "F5 FA 03 0E 00 00 FE 00"
DAILY = "F5 FA F0 33 00 01 00 FC ED"
ACK_OK = "F5 FA FF 00 00 00 FD 12"


@dataclass
class Crystal:
    """Stands in the beam and remembers it."""

    beams: list[tuple[float, float, float]] = field(default_factory=list)

    def set_beam(self, time_s: float, kv: float, ua: float) -> None:
        assert not self.beams or time_s >= self.beams[-1][0], "the past cannot be changed"
        self.beams.append((time_s, kv, ua))

    @property
    def beam(self) -> tuple[float, float]:
        return self.beams[-1][1:] if self.beams else (0.0, 0.0)


def packet(pid1: int, pid2: int, data: bytes = b"") -> bytes:
    """Build a request whose 16-bit sum, checksum included, is zero."""
    body = bytes([0xF5, 0xFA, pid1, pid2, len(data) >> 8, len(data) & 0xFF]) + data
    missing = 0x10000 - sum(body) % 0x10000
    return body + bytes([missing >> 8 & 0xFF, missing & 0xFF])


@dataclass(frozen=True)
class Status:
    """A status as a reader of the manual takes it apart by hand."""

    data: bytes

    @property
    def kv(self) -> float:
        return int.from_bytes(self.data[6:8], "little") / 1000 * 12.5

    @property
    def ua(self) -> float:
        return int.from_bytes(self.data[8:10], "little") / 1000 * 50

    @property
    def enabled(self) -> bool:
        return self.data[16] & 0xA0 == 0xA0

    @property
    def fault(self) -> int:
        return self.data[16] & 0x0F

    @property
    def previous(self) -> int:
        return self.data[18] & 0x0F

    @property
    def warm_up(self) -> tuple[bool, int, int]:
        return bool(self.data[19] & 0x80), self.data[19] & 0x0F, int.from_bytes(self.data[20:22], "little")


class Host:
    """A program at the other end of the cable, without any driver."""

    def __init__(self, **device) -> None:
        self.clock = JumpingClock(0.0)
        self.crystal = Crystal()
        self.events = []
        self.device = SimMiniX2(self.crystal, seed=3, on_event=self.events.append, **device)
        self.link = Link(self.device)
        self.adapter = SimAdapter(self.link, self.clock)

    def ask(self, request: bytes | str) -> bytes:
        self.adapter.write_bytes(bytes.fromhex(request) if isinstance(request, str) else request)
        head = self.adapter.read_bytes(6)
        rest = self.adapter.read_bytes(int.from_bytes(head[4:], "big") + 2)
        assert sum(head + rest[:-2]) + int.from_bytes(rest[-2:], "big") & 0xFFFF == 0
        return head + rest

    def tell(self, text: str) -> tuple[int, str]:
        """Send commands; returns the acknowledge code and its text."""
        reply = self.ask(packet(0x20, 0x02, text.encode()))
        assert reply[2] == 0xFF
        return reply[3], reply[6:-2].decode()

    def read_back(self, text: str) -> str:
        return self.ask(packet(0x20, 0x03, text.encode()))[6:-2].decode()

    def status(self) -> Status:
        reply = self.ask(STATUS)
        assert reply[:6] == bytes.fromhex("F5 FA 80 02 00 40")
        return Status(reply[6:-2])

    def poll(self, duration_s: float, every_s: float = 0.25) -> Status:
        """Let time pass as a host that keeps talking."""
        end_s = self.clock.now() + duration_s
        status = self.status()
        while self.clock.now() < end_s:
            self.clock.sleep(min(every_s, end_s - self.clock.now()))
            status = self.status()
        return status

    def beam(self, text: str = "HVSE=40.0;CUSE=100.0;") -> None:
        """Switch on and wait until the output stands."""
        assert self.tell(text) == (0, "")
        self.poll(3.0)
        assert self.device.beam_on

    @property
    def causes(self) -> list[str]:
        return [event.cause for event in self.device.beam_log if event.cause != "ramp"]


@pytest.fixture
def host():
    return Host()
