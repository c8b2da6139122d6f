"""Packets of a Mini-X2 by hand: the worked bytes of the manual's layouts, and a few that tests vary."""

REQUESTS = {
    "status": "F5 FA 01 01 00 00 FE 0F",
    "identity": "F5 FA 03 07 00 00 FE 07",
    "tube table": "F5 FA 03 0B 00 00 FE 03",
    "warm-up table": "F5 FA 03 0C 00 00 FE 02",
    "timestamp record": "F5 FA 03 0D 00 00 FE 01",
    "fault record": "F5 FA 03 0E 00 00 FE 00",
}
STATUS_ON = bytes.fromhex(
    "F5 FA 80 02 00 40 39 30 00 00 60 05 B0 04 2C 01 DA 07 60 0E FE 05 A0 1F 00 00 00 00 80 51 01 00"
    "0C 80 32 00" + "00" * 34 + "F6 FF"
)
STATUS_OPEN = bytes.fromhex(
    "F5 FA 80 02 00 40 39 30 00 00 60 05 00 00 00 00 00 00 60 0E FE 05 01 1F 01 00 00 00 80 51 01 00"
    "0C 80 32 00" + "00" * 34 + "F9 5F"
)
TUBE_TABLE = bytes.fromhex(
    "F5 FA 82 0D 00 5E 53 59 4E 54 48 2D 35 30 4B 56 2D 31 30 57 2D 41 47 00 00 00 54 30 30 30 31 00"
    "00 00 00 00 00 00 0A 32 05 00 C8 28 00 00 00 00 00 00 0C 80 32 00 FA 06 40 09 60 90 D0 00 00 00"
    "00 00 00 00 53 59 4E 54 48 45 54 49 43 20 54 45 53 54 20 54 55 42 45 00 00 00 00 00 00 00 00 00"
    "00 00 00 00 ED 49"
)
WARM_UP_TABLE = bytes.fromhex(
    "F5 FA 82 0E 00 30 19 14 00 05 1E 32 00 05 28 32 00 05 28 64 00 05 32 C8 00 05 14 C8 00 05 19 14"
    "01 2C 1E 32 01 2C 28 32 01 2C 28 64 02 58 32 C8 02 58 14 C8 02 58 F5 2C"
)
TIMESTAMP = bytes.fromhex("F5 FA 82 0F 00 0F 00 03 0E 18 09 1A 35 00 00 0E 10 00 01 51 80 FC 00")
IDENTITY = bytes.fromhex(
    "F5 FA 82 08 00 5C 01 00 00 00 00 00 02 0F 00 00 00 00 1E 00 00 00 00 00 00 00 00 00 00 00 00 00"
    "00 00 00 00 00 00 41 6D 70 74 65 6B 20 4D 69 6E 69 2D 58 32 20 2D 20 53 2F 4E 20 31 32 33 34 35"
    "00 54 75 62 65 20 50 2F 4E 20 53 59 4E 54 48 00 54 69 6D 65 20 50 6F 77 65 72 65 64 00 6E 6F 6E"
    "65 00 EB 71"
)
READ_BACK = bytes.fromhex(
    "F5 FA 82 07 00 18 48 56 53 45 3D 31 35 2E 30 30 30 3B 43 55 53 45 3D 31 35 2E 30 30 30 3B F7 D2"
)
ACK_OK = bytes.fromhex("F5 FA FF 00 00 00 FD 12")
REPLIES = (STATUS_ON, STATUS_OPEN, TUBE_TABLE, WARM_UP_TABLE, TIMESTAMP, IDENTITY, READ_BACK, ACK_OK)


def whole(pid1: int, pid2: int, data: bytes = b"") -> bytes:
    """Build a packet whose bytes and last 16-bit word add up to zero."""
    body = bytes([0xF5, 0xFA, pid1, pid2, *divmod(len(data), 256)]) + data
    return body + (0x10000 - sum(body) % 0x10000 & 0xFFFF).to_bytes(2, "big")


def data_of(packet: bytes) -> bytes:
    """Take the envelope off."""
    return packet[6:-2]
