"""Packets of the Amptek digital products, seen from the device: requests out of a stream of bytes, replies into bytes.

Amptek Digital Products Programmer's Guide B3: F5 FA, two identifiers, length, data, checksum; all of it big-endian.
"""

from dataclasses import dataclass

SYNC = b"\xf5\xfa"
HEADER = 6
CHECKSUM = 2
LONGEST_REQUEST = 512

OK = 0x00
SYNC_ERROR = 0x01
PID_ERROR = 0x02
LENGTH_ERROR = 0x03
CHECKSUM_ERROR = 0x04
BAD_PARAMETER = 0x05
UNRECOGNIZED = 0x07


@dataclass(frozen=True, slots=True)
class Request:
    """One packet of the host."""

    pid: tuple[int, int]
    data: bytes


@dataclass(frozen=True, slots=True)
class Spoiled:
    """Bytes that are no packet, and the acknowledge code that says why."""

    code: int
    raw: bytes


def checksum(data: bytes) -> bytes:
    """Get the two bytes that bring the sum of all bytes to zero in 16 bits."""
    return (-sum(data) % 0x10000).to_bytes(2, "big")


def encode(pid1: int, pid2: int, data: bytes = b"") -> bytes:
    """Build a packet."""
    body = SYNC + bytes([pid1, pid2]) + len(data).to_bytes(2, "big") + data
    return body + checksum(body)


def acknowledge(code: int, data: bytes = b"") -> bytes:
    """Build an acknowledge packet."""
    return encode(0xFF, code, data)


class Framer:
    """Finds requests in bytes that come in any portions.

    USB reports bytes before a sync word as a sync error; a serial line drops them (assumed: the code is "USB only").
    """

    def __init__(self, *, is_serial: bool) -> None:
        self._is_serial = is_serial
        self._buffer = b""

    @property
    def is_inside_packet(self) -> bool:
        """Tell whether the end of a packet is still missing."""
        return bool(self._buffer)

    def drop(self) -> None:
        """Forget an unfinished packet."""
        self._buffer = b""

    def feed(self, data: bytes) -> list[Request | Spoiled]:
        """Take bytes and get what is complete."""
        self._buffer += data
        found: list[Request | Spoiled] = []
        while self._buffer:
            junk = self._junk()
            if junk:
                if not self._is_serial:
                    found.append(Spoiled(SYNC_ERROR, self._buffer[:junk]))
                self._buffer = self._buffer[junk:]
                continue
            packet = self._packet()
            if packet is None:
                break
            found.append(packet)
        return found

    def _junk(self) -> int:
        """Count the bytes that cannot begin a packet."""
        start = self._buffer.find(SYNC)
        if start >= 0:
            return start
        return len(self._buffer) - self._buffer.endswith(SYNC[:1])

    def _packet(self) -> Request | Spoiled | None:
        if len(self._buffer) < HEADER:
            return None
        length = int.from_bytes(self._buffer[4:6], "big")
        if length > LONGEST_REQUEST:
            return self._take(len(self._buffer), LENGTH_ERROR)
        size = HEADER + length + CHECKSUM
        if len(self._buffer) < size:
            return None
        packet = self._buffer[:size]
        if sum(packet[:-CHECKSUM]) + int.from_bytes(packet[-CHECKSUM:], "big") & 0xFFFF:
            return self._take(size, CHECKSUM_ERROR)
        self._buffer = self._buffer[size:]
        return Request((packet[2], packet[3]), packet[HEADER:-CHECKSUM])

    def _take(self, size: int, code: int) -> Spoiled:
        raw, self._buffer = self._buffer[:size], self._buffer[size:]
        return Spoiled(code, raw)
