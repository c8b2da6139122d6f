"""The journal's frames: bytes and back, without files.

``"LWAL"``, type (u8), 3 bytes of padding, payload length (u32), sequence (u64), payload, CRC-32 of all before it;
little-endian. Sequences count from 0 without a gap. Reading stops for good at the first frame that is not like that.
"""

import enum
import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from xraydaq.errors import StorageError

MAGIC = b"LWAL"
HEADER = struct.Struct("<4sB3xIQ")
CHECKSUM = struct.Struct("<I")
OVERHEAD = HEADER.size + CHECKSUM.size
MAX_PAYLOAD = 1 << 30


class FrameType(enum.IntEnum):
    """What a payload is."""

    HEAD = 1
    """JSON of the header."""
    ROWS = 2
    """Whole rows, row after row."""
    EVENT = 3
    """JSON of an event, of what an instrument said about itself, or of the truth of the simulated world at the end."""
    BLOCK = 4
    """JSON header with its length before it, then an array."""
    END = 5
    """JSON: state, reason, rows."""


_TYPES = {int(member): member for member in FrameType}


@dataclass(frozen=True)
class Frame:
    """One frame; `end` is the offset behind it in the bytes it was found in."""

    type: FrameType
    sequence: int
    payload: memoryview
    end: int

    def json(self) -> dict[str, Any]:
        """Read a JSON payload.

        Raises:
            StorageError: it is none (only possible if a program wrote it wrong: the checksum was right).
        """
        try:
            value = json.loads(bytes(self.payload))
        except ValueError as error:
            raise StorageError(f"frame {self.sequence}: not JSON: {error}") from error
        if not isinstance(value, dict):
            raise StorageError(f"frame {self.sequence}: JSON of an object expected")
        return value


def pack(frame_type: FrameType, sequence: int, payload: bytes) -> bytes:
    """Get the bytes of one frame."""
    buffer = bytearray(OVERHEAD + len(payload))
    buffer[HEADER.size : HEADER.size + len(payload)] = payload
    seal(buffer, frame_type, sequence, len(payload))
    return bytes(buffer)


def seal(buffer: bytearray, frame_type: FrameType, sequence: int, payload_size: int) -> int:
    """Write header and checksum around a payload that lies at `HEADER.size`; returns the size of the frame.

    Raises:
        StorageError: the payload is larger than a frame can be.
    """
    if payload_size > MAX_PAYLOAD:
        raise StorageError(f"{payload_size} bytes are more than the {MAX_PAYLOAD} of one frame")
    end = HEADER.size + payload_size
    HEADER.pack_into(buffer, 0, MAGIC, frame_type, payload_size, sequence)
    with memoryview(buffer)[:end] as sealed:
        CHECKSUM.pack_into(buffer, end, zlib.crc32(sealed))
    return end + CHECKSUM.size


def scan(data: bytes | memoryview, sequence: int = 0) -> Iterator[Frame]:
    """Yield whole and right frames from the start of `data`, the first of which must be number `sequence`.

    Ends silently at a frame that is short, out of sequence or wrong: `is_broken` tells whether more bytes could help.
    """
    view = memoryview(data)
    offset = 0
    while len(view) - offset >= OVERHEAD and not is_broken(view[offset : offset + HEADER.size], sequence):
        _, kind, size, _ = HEADER.unpack_from(view, offset)
        checked = offset + HEADER.size + size
        end = checked + CHECKSUM.size
        if end > len(view) or CHECKSUM.unpack_from(view, checked)[0] != zlib.crc32(view[offset:checked]):
            return
        yield Frame(_TYPES[kind], sequence, view[offset + HEADER.size : checked], end)
        sequence, offset = sequence + 1, end


def is_broken(data: bytes | memoryview, sequence: int) -> bool:
    """Tell whether `data`, the start of frame number `sequence`, can never become that frame."""
    if len(data) < HEADER.size:
        return bytes(data[: len(MAGIC)]) != MAGIC[: len(data)]
    magic, kind, size, found = HEADER.unpack_from(data)
    return magic != MAGIC or kind not in _TYPES or size > MAX_PAYLOAD or found != sequence


def frame_size(data: bytes | memoryview) -> int:
    """Get the whole size of the frame that starts `data` (at least `HEADER.size` bytes)."""
    return OVERHEAD + int(HEADER.unpack_from(data)[2])


def pack_block(name: str, header: dict[str, Any], dtype: str, shape: tuple[int, ...], values: bytes) -> bytes:
    """Get the payload of a BLOCK frame: length (u32) and text of a JSON header, then the array in C order."""
    text = json.dumps({"name": name, "dtype": dtype, "shape": shape, "header": header}).encode()
    return CHECKSUM.pack(len(text)) + text + values


def split_block(frame: Frame) -> tuple[dict[str, Any], memoryview]:
    """Get JSON header and array bytes of a BLOCK frame."""
    (size,) = CHECKSUM.unpack_from(frame.payload)
    return json.loads(bytes(frame.payload[CHECKSUM.size : CHECKSUM.size + size])), frame.payload[
        CHECKSUM.size + size :
    ]
