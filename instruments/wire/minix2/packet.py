"""Packets of the Mini-X2: envelope, checksum, acknowledgements, and a reader that takes pieces of any size.

PG is the Amptek Digital Products Programmer's Guide, Rev B3. Never verified on hardware.
"""

from dataclasses import dataclass
from enum import IntEnum

from xraydaq.errors import WireError

SYNC = b"\xf5\xfa"
HEADER_BYTES = 6
ENVELOPE_BYTES = 8
LARGEST_REQUEST_DATA = 512  # PG, packet format
LARGEST_REPLY_DATA = 512
"""Of a Mini-X2 (its misc data, and an echo of the largest request); other products send up to 32767."""

USB_PACKET_BYTES = 64


@dataclass(frozen=True)
class Packet:
    """One message either way."""

    pid1: int
    pid2: int
    data: bytes = b""

    @property
    def kind(self) -> str:
        """Get the two packet identifiers as the manual writes them."""
        return f"{self.pid1:02X}/{self.pid2:02X}"


class Ack(IntEnum):
    """What an acknowledge packet says (PG, acknowledge packets)."""

    OK = 0x00
    SYNC_ERROR = 0x01
    PID_ERROR = 0x02
    LENGTH_ERROR = 0x03
    CHECKSUM_ERROR = 0x04
    BAD_PARAMETER = 0x05
    BAD_HEX_RECORD = 0x06
    UNRECOGNIZED_COMMAND = 0x07
    FPGA_ERROR = 0x08
    ETHERNET_CONTROLLER_NOT_FOUND = 0x09
    SCOPE_DATA_NOT_AVAILABLE = 0x0A
    ACCESSORY_NOT_PRESENT = 0x0B
    OK_INTERFACE_SHARING_REQUEST = 0x0C
    BUSY = 0x0D
    I2C_ERROR = 0x0E
    OK_WITH_FPGA_ADDRESS = 0x0F
    FEATURE_NOT_SUPPORTED = 0x10
    CALIBRATION_DATA_NOT_PRESENT = 0x11

    @property
    def is_ok(self) -> bool:
        """Get whether the request was taken."""
        return self in (Ack.OK, Ack.OK_INTERFACE_SHARING_REQUEST)

    @property
    def damaged_on_the_way(self) -> bool:
        """Get whether the device says that the request reached it damaged."""
        return self in (Ack.SYNC_ERROR, Ack.CHECKSUM_ERROR)


ACK_PID1 = 0xFF


@dataclass(frozen=True)
class Acknowledgement:
    """An acknowledge packet as a value."""

    code: Ack
    text: str
    """The offending command, where the device names it."""

    def __str__(self) -> str:
        name = self.code.name.lower().replace("_", " ")
        return f"{name}: {self.text!r}" if self.text else name


def parse_ack(packet: Packet) -> Acknowledgement:
    """Turn an acknowledge packet into a value.

    Raises:
        WireError: another packet, or a code the manual does not name.
    """
    if packet.pid1 != ACK_PID1 or packet.pid2 not in list(Ack):
        raise WireError(f"{packet.kind} is not an acknowledgement", encode(packet))
    return Acknowledgement(Ack(packet.pid2), packet.data.decode("ascii", "backslashreplace"))


def checksum(data: bytes) -> bytes:
    """Get the two bytes after which the 16-bit sum of all is zero."""
    return (-sum(data) & 0xFFFF).to_bytes(2, "big")


def encode(packet: Packet) -> bytes:
    """Spell a packet."""
    body = SYNC + bytes((packet.pid1, packet.pid2)) + len(packet.data).to_bytes(2, "big") + packet.data
    return body + checksum(body)


def needs_zero_length_packet(data: bytes) -> bool:
    """Tell whether a USB transfer of these bytes must be followed by an empty one to show its end (PG, USB)."""
    return len(data) % USB_PACKET_BYTES == 0


class PacketReader:
    """Cuts a stream into packets; what comes before a packet and belongs to none is dropped and counted.

    `feed` takes bytes and never fails; what is wrong shows when `next_packet` reaches it.
    """

    def __init__(self, largest_data: int = LARGEST_REPLY_DATA) -> None:
        self._largest = largest_data
        self._buffer = bytearray()
        self.dropped_bytes = 0

    def feed(self, data: bytes) -> None:
        """Take what arrived."""
        self._buffer += data

    @property
    def missing(self) -> int:
        """Get how many bytes must at least come before there can be another packet."""
        return self._size() - len(self._buffer)

    def next_packet(self) -> Packet | None:
        """Get the next whole packet, None when there is none yet.

        Raises:
            WireError: a length no reply has, or a wrong checksum; reading on looks for a packet behind its sync.
        """
        self._drop_to_sync()
        if len(self._buffer) >= HEADER_BYTES and self._size() > self._largest + ENVELOPE_BYTES:
            raise self._give_up(f"a packet of more than {self._largest} bytes of data", HEADER_BYTES)
        if self.missing > 0:
            return None
        size = self._size()
        whole = bytes(self._buffer[:size])
        if checksum(whole[:-2]) != whole[-2:]:
            raise self._give_up("a packet with a wrong checksum", size)
        del self._buffer[:size]
        return Packet(whole[2], whole[3], whole[HEADER_BYTES:-2])

    def _size(self) -> int:
        if len(self._buffer) < HEADER_BYTES:
            return ENVELOPE_BYTES
        return ENVELOPE_BYTES + int.from_bytes(self._buffer[4:6], "big")

    def _drop_to_sync(self) -> None:
        start = self._buffer.find(SYNC)
        if start < 0:  # the last byte may be the first half of a sync
            start = len(self._buffer) - self._buffer.endswith(SYNC[:1])
        self._drop(start)

    def _drop(self, count: int) -> None:
        del self._buffer[:count]
        self.dropped_bytes += count

    def _give_up(self, problem: str, shown_bytes: int) -> WireError:
        error = WireError(problem, bytes(self._buffer[:shown_bytes]))
        self._drop(len(SYNC))  # a real packet may start inside what only looked like one
        return error
