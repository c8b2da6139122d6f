"""The requests a driver may send, and what answers them (Amptek Programmer's Guide Rev B3, Mini-X2 requests).

Not here, and not to be added: writes of the tube table, the warm-up table and misc data, I2C, and the commands that
switch the limit and fault checks of the device off.
"""

from dataclasses import dataclass

from instruments.wire.minix2.packet import Packet


@dataclass(frozen=True)
class Query:
    """A request that changes nothing, the identifiers of its reply and the size of the reply's data."""

    name: str
    pid1: int
    pid2: int
    reply: tuple[int, int]
    reply_bytes: int | None = None
    """None: it varies."""

    def packet(self, data: bytes = b"") -> Packet:
        """Get the request."""
        return Packet(self.pid1, self.pid2, data)


STATUS = Query("status", 0x01, 0x01, (0x80, 0x02), 64)
NETFINDER = Query("identity", 0x03, 0x07, (0x82, 0x08))
TUBE_TABLE = Query("tube table", 0x03, 0x0B, (0x82, 0x0D), 94)
WARM_UP_TABLE = Query("warm-up table", 0x03, 0x0C, (0x82, 0x0E), 48)
TIMESTAMP = Query("timestamp record", 0x03, 0x0D, (0x82, 0x0F), 15)
FAULT_RECORD = Query("fault record", 0x03, 0x0E, (0x82, 0x10), 232)
READ_BACK = Query("read-back", 0x20, 0x03, (0x82, 0x07))
ECHO = Query("echo", 0xF1, 0x7F, (0x8F, 0x7F))

DETECTOR_STATUS = (0x80, 0x01)
"""The reply to a status request of the detectors that share the USB identity of the Mini-X2."""


def text_request(commands: str) -> Packet:
    """Get the request that carries text commands."""
    return Packet(0x20, 0x02, commands.encode("ascii"))


def warm_up_request(*, monthly: bool) -> Packet:
    """Get the request that starts a warm-up, which switches the beam on."""
    return Packet(0xF0, 0x33, bytes((int(monthly),)))


def timestamp_request(data: bytes) -> Packet:
    """Get the request that writes the date, as six bytes."""
    return Packet(0xF0, 0x31, data)
