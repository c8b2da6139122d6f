"""The longest reply a Keithley 2400 gives, as text and as a binary block, with values that differ from row to row."""

import struct
from collections.abc import Iterator

POINTS = 2500
ELEMENTS = ("voltage", "current", "time", "status")
"""Those that the driver asks for."""

STATUS = 21508.0
PERIOD_S = 0.01


def rows() -> Iterator[tuple[float, float, float, float]]:
    """Get one burst at 5 V."""
    for index in range(POINTS):
        yield 5.0, 1.5e-7 + index * 7.31e-12, index * PERIOD_S, STATUS


def text_reply() -> bytes:
    """Get it as the instrument spells it."""
    return (",".join(f"{value:+.6E}" for row in rows() for value in row) + "\n").encode()


def binary_reply() -> bytes:
    """Get it as ``REAL,32``, most significant byte first."""
    values = [value for row in rows() for value in row]
    return b"#0" + struct.pack(f">{len(values)}f", *values) + b"\n"
