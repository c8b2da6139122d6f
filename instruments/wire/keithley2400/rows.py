"""Readings of the Keithley 2400, from text rows and binary blocks; the other words are in `text`.

UM is the Series 2400 SourceMeter User's Manual, 2400S-900-01. A reading is a row of up to five numbers: voltage,
current, resistance, time, status, on the wire in this order whatever order was asked for (seen in every captured
reply; not verified in a document). The codes for "not available" and "overflow" end here and appear nowhere else.
"""

import math
import re
import struct
from collections.abc import Sequence
from functools import lru_cache
from itertools import repeat
from typing import Literal

from instruments.wire.keithley2400.reading import NO_STATUS, Reading
from instruments.wire.replies import bad_text
from xraydaq.errors import WireError

ELEMENTS = ("voltage", "current", "resistance", "time", "status")
"""Elements of a reading in their order on the wire."""

ByteOrder = Literal["big", "little"]

BLOCK_HEADER = b"#0"
TERMINATOR = b"\n"
NOT_AVAILABLE = 9.91e37  # UM, data elements
OVERFLOW = 9.9e37  # UM, data elements; either sign
SENTINEL_TOLERANCE = 1e-5  # single precision moves the codes by 1e-7; they differ by 1e-3
LARGEST = {"voltage": 1.2e3, "current": 11.0, "resistance": 1e37}
"""Beyond the largest range of the whole series (1100 V, 10 A) with its 5 % overrange: no reading."""

CLOCK_WRAP_S = 1e5  # UM, timestamp: wraps at 99 999.999 s, which seven digits print as 1.000000E+05

# UM, :READ? and :FETCh? data elements: sign, seven digits, exponent of two digits. Exact, so that no half is a number.
_ELEMENT = re.compile(r"[+-][0-9]\.[0-9]{6}E[+-][0-9]{2}")
_LINE = re.compile(rf"{_ELEMENT.pattern}(?:,{_ELEMENT.pattern})*")


def parse_readings(line: str, elements: Sequence[str]) -> tuple[Reading, ...]:
    """Get the readings of one line; their number follows from the number of values.

    Raises:
        WireError: the line is not whole rows of the elements, to the last digit.
        ValueError: `elements` is not a choice of `ELEMENTS` in their order.
    """
    slots = _slots(tuple(elements))
    fields = line.split(",")
    width = len(elements)
    if len(fields) % width:
        raise bad_text(f"{len(fields)} values are no rows of {width}", line)
    if _LINE.fullmatch(line) is None:  # as a whole, for the length of a burst
        wrong = next(field for field in fields if _ELEMENT.fullmatch(field) is None)
        raise bad_text(f"{wrong[:20]!r} is not a value", line)
    try:
        return _readings([float(field) for field in fields], slots)
    except _NotAReading as error:
        raise bad_text(str(error), line) from None


def block_size(elements: Sequence[str], count: int) -> int:
    """Get the bytes of a binary reply with its terminator (UM, data format: one header, one terminator per query)."""
    return len(BLOCK_HEADER) + 4 * len(elements) * count + len(TERMINATOR)


def parse_block(data: bytes, elements: Sequence[str], byte_order: ByteOrder, count: int) -> tuple[Reading, ...]:
    """Get the readings of a ``REAL,32`` block with or without its terminator.

    The block has no length field, so the caller says how many readings it must hold; a line feed inside is data.

    Raises:
        WireError: another size, another header, or numbers that are no readings.
        ValueError: as `parse_readings`, or an unknown byte order.
    """
    slots = _slots(tuple(elements))
    if byte_order not in ("big", "little"):
        raise ValueError(f"byte order {byte_order!r}; allowed: big, little")
    size, width = block_size(elements, count), len(elements)
    whole = len(data) == size - len(TERMINATOR) or (len(data) == size and data.endswith(TERMINATOR))
    if not whole or not data.startswith(BLOCK_HEADER):
        raise WireError(f"not a binary block of {count} readings with {width} elements ({len(data)} bytes)", data)
    order = ">" if byte_order == "big" else "<"
    values = struct.unpack_from(f"{order}{width * count}f", data, len(BLOCK_HEADER))
    try:
        return _readings(values, slots)
    except _NotAReading as error:
        raise WireError(str(error), data) from None


class _NotAReading(Exception):
    """A row whose numbers cannot be a reading; becomes a `WireError` where the bytes are known."""


@lru_cache
def _slots(elements: tuple[str, ...]) -> tuple[int | None, ...]:
    """Get the place of each of the five elements in a row."""
    if not elements or elements != tuple(each for each in ELEMENTS if each in elements):
        raise ValueError(f"elements {elements}; allowed: a choice of {ELEMENTS} in this order")
    return tuple(elements.index(each) if each in elements else None for each in ELEMENTS)


def _readings(values: Sequence[float], slots: tuple[int | None, ...]) -> tuple[Reading, ...]:
    """Get the readings of whole rows. Columns without a code are taken at once, which a burst of 2500 needs."""
    width = sum(slot is not None for slot in slots)
    count = len(values) // width
    columns = [None if slot is None else values[slot::width] for slot in slots]
    if not all(map(_is_plain, columns, _PLAIN)):  # a code, or no reading: row by row tells which
        return tuple(_reading(values[first : first + width], slots) for first in range(0, len(values), width))
    voltage, current, resistance, time, status = (
        repeat(math.nan, count) if each is None else each for each in columns
    )
    words = [NO_STATUS] * count if columns[-1] is None else list(map(int, status))
    overflow = [word != NO_STATUS and word & 1 == 1 for word in words]
    return tuple(map(Reading, voltage, current, time, words, overflow, resistance))


_PLAIN = (
    (-LARGEST["voltage"], LARGEST["voltage"]),
    (-LARGEST["current"], LARGEST["current"]),
    (-LARGEST["resistance"], LARGEST["resistance"]),
    (0.0, CLOCK_WRAP_S),
    (0.0, float((1 << 24) - 1)),
)
"""Least and largest value of a column that holds no code."""


def _is_plain(column: Sequence[float] | None, bounds: tuple[float, float]) -> bool:
    # one comparison for each value, since the least and largest of a column hide a nan
    if column is None:
        return True
    low, high = bounds
    if not all([low <= value <= high for value in column]):  # noqa: C419  # a generator takes twice as long
        return False
    return bounds is not _PLAIN[-1] or all(map(float.is_integer, column))


def _reading(row: Sequence[float], slots: tuple[int | None, ...]) -> Reading:
    voltage, current, resistance, time, status = slots
    voltage_v, over_v = _quantity(row, voltage, "voltage")
    current_a, over_a = _quantity(row, current, "current")
    resistance_ohm, over_ohm = _quantity(row, resistance, "resistance")
    time_s = math.nan if time is None else row[time]
    if time is not None and not 0 <= time_s <= CLOCK_WRAP_S:
        raise _NotAReading(f"{time_s} is not a time stamp")
    word = NO_STATUS if status is None else _status(row[status])
    overflow = over_v or over_a or over_ohm or (word != NO_STATUS and word & 1 == 1)
    return Reading(voltage_v, current_a, time_s, word, overflow, resistance_ohm)


def _quantity(row: Sequence[float], index: int | None, name: str) -> tuple[float, bool]:
    if index is None:
        return math.nan, False
    value = row[index]
    magnitude = abs(value)
    if magnitude <= LARGEST[name]:
        return value, False
    if abs(magnitude - OVERFLOW) <= SENTINEL_TOLERANCE * OVERFLOW:
        return math.nan, True
    if abs(value - NOT_AVAILABLE) <= SENTINEL_TOLERANCE * NOT_AVAILABLE:
        return math.nan, False
    raise _NotAReading(f"{value} is not a {name}")


def _status(value: float) -> int:
    # nan and infinity, which a binary block can hold, fail the comparison
    if not 0 <= value < 1 << 24 or value != math.floor(value):
        raise _NotAReading(f"{value} is not a status word of 24 bits")
    return int(value)
