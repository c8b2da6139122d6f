"""Date and fault records of the Mini-X2 (Amptek Programmer's Guide Rev B3).

The device has no calendar: it stores a date it is given and counts seconds from it. This program writes UTC; another
program may have written local time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from instruments.wire.minix2.status import FIXED_POINT, TubeStatus, parse_status
from instruments.wire.minix2.tables import TubeTable, WarmUpTable, parse_tube_table, parse_warm_up_table
from xraydaq.errors import WireError

T = TypeVar("T")

TIMESTAMP_BYTES = 15
FAULT_RECORD_BYTES = 232
INVALID = 0x80
FIRST_YEAR = 2000
LAST_YEAR = FIRST_YEAR + 255


@dataclass(frozen=True)
class TimestampRecord:
    """The date that was written last, and when the tube was last switched off, counted from it."""

    flags: int
    written_utc_s: float | None
    """None: there is no valid record, or what was written is no date (the device checks nothing)."""

    lag_s: int
    run_time_s: int

    @property
    def last_on_utc_s(self) -> float | None:
        """Get when the tube was last on; None: not known.

        A lag of zero says only that a date was written and the tube was not switched off since.
        """
        return None if self.written_utc_s is None or self.lag_s == 0 else self.written_utc_s + self.lag_s


@dataclass(frozen=True)
class FaultRecord:
    """What the device kept of its last fault; a part that is no valid record is None."""

    flags: int
    timestamp: TimestampRecord
    status: TubeStatus | None
    tube_table: TubeTable | None
    warm_up_table: WarmUpTable
    set_voltage_v: float
    set_current_a: float


def encode_timestamp(utc_s: float) -> bytes:
    """Spell a date, whole seconds.

    Raises:
        ValueError: a date the device cannot hold.
    """
    try:
        date = datetime.fromtimestamp(utc_s, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(f"{utc_s} s is no date") from error
    if not FIRST_YEAR <= date.year <= LAST_YEAR:
        raise ValueError(f"the year {date.year}; allowed: {FIRST_YEAR} to {LAST_YEAR}")
    return bytes((date.month, date.day, date.year - FIRST_YEAR, date.hour, date.minute, date.second))


def parse_timestamp(data: bytes) -> TimestampRecord:
    """Turn the data of a timestamp record into a value.

    Raises:
        WireError: another size.
    """
    if len(data) != TIMESTAMP_BYTES:
        raise WireError(f"a timestamp record of {len(data)} bytes instead of {TIMESTAMP_BYTES}", data)
    return TimestampRecord(
        flags=data[0],
        written_utc_s=None if data[0] & INVALID else _date(data[1:7]),
        lag_s=int.from_bytes(data[7:11], "big"),
        run_time_s=int.from_bytes(data[11:15], "big"),
    )


def parse_fault_record(data: bytes) -> FaultRecord:
    """Turn the data of a fault record into a value. Its inner checksums, of unknown kind, are not looked at.

    Raises:
        WireError: another size.
    """
    if len(data) != FAULT_RECORD_BYTES:
        raise WireError(f"a fault record of {len(data)} bytes instead of {FAULT_RECORD_BYTES}", data)
    return FaultRecord(
        flags=data[0],
        timestamp=parse_timestamp(data[1:16]),
        status=_if_valid(parse_status, data[18:82]),
        tube_table=_if_valid(parse_tube_table, data[82:176]),
        warm_up_table=parse_warm_up_table(data[176:224]),
        # the vendor's program masks the top bit, which would show 200 uA as 72 uA
        set_voltage_v=int.from_bytes(data[226:228], "big") / FIXED_POINT * 1e3,
        set_current_a=int.from_bytes(data[228:230], "big") / FIXED_POINT / 1e6,
    )


def _date(data: bytes) -> float | None:
    month, day, year, hour, minute, second = data
    try:
        return datetime(FIRST_YEAR + year, month, day, hour, minute, second, tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _if_valid(parse: Callable[[bytes], T], data: bytes) -> T | None:
    try:
        return parse(data)
    except WireError:
        return None
