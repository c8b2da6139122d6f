"""The replies that are fixed layouts: status, time stamp, fault record, Netfinder identity.

Monitor fields are little-endian, scales and records big-endian, as the Programmer's Guide B3 lays them out.
"""

import datetime
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from instruments.sim.minix2.packets import checksum

if TYPE_CHECKING:
    from instruments.sim.minix2.controller import Controller

INVALID = 0x80
"""In the flags of a record: nothing was ever written (assumed for the fault record)."""

NO_FAULT = bytes([INVALID]).ljust(232, b"\0")
STATUS_BYTES = 64
FLASH_ON_S = 0.25
WRITTEN_BEFORE_OFF_S = 3600.0
"""From the writing of the date to the end of the use before it came to this bench (assumed)."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """The time stamp as the host wrote it, and how long after that the tube was last switched off."""

    raw: bytes
    flags: int
    written_s: float
    lag_s: float

    @classmethod
    def of_last_off(cls, utc_s: float | None, time_s: float) -> "Stamp":
        """Build what is stored if the tube was last switched off at a date; `time_s` is that on the bench clock."""
        if utc_s is None:
            return cls(bytes(6), INVALID, 0.0, 0.0)
        when = datetime.datetime.fromtimestamp(utc_s - WRITTEN_BEFORE_OFF_S, datetime.UTC)
        fields = [when.month, when.day, when.year - 2000, when.hour, when.minute, when.second]
        return cls(bytes(fields), 0, time_s - WRITTEN_BEFORE_OFF_S, WRITTEN_BEFORE_OFF_S)

    @classmethod
    def written(cls, raw: bytes, time_s: float) -> "Stamp":
        """Build from what a host writes; nothing is checked, and the lag begins anew (assumed)."""
        return cls(raw, 0, time_s, 0.0)

    def switched_off(self, time_s: float) -> "Stamp":
        """Note that the tube goes off."""
        return self if self.flags else replace(self, lag_s=time_s - self.written_s)


def stamp_record(device: "Controller") -> bytes:
    """Build the time stamp record."""
    stamp = device.stamp
    numbers = (stamp.lag_s, device.total_run_time_s())
    return bytes([stamp.flags]) + stamp.raw + b"".join(int(n).to_bytes(4, "big") for n in numbers)


def status(device: "Controller", code: int | None = None) -> bytes:
    """Build the status; `code` stands for the present fault code where it is not yet the present one."""
    device.look_at_monitors()
    monitors, (major, minor, build) = device.monitors, device.unit.firmware
    counts = [
        monitors.kv_counts, monitors.ua_counts, monitors.interlock_counts(device.interlock_ma),
        *monitors.supply_counts(device.supply_v, device.controller_v),
    ]  # fmt: skip
    data = device.serial.to_bytes(4, "little") + bytes([major << 4 | minor, device.first_status << 7 | build])
    data += b"".join(each.to_bytes(2, "little") for each in counts)
    celsius = min(max(round(device.board.celsius(device.now_s)), -128), 127)
    data += bytes([_outputs(device) | (device.code if code is None else code), celsius & 0xFF, _modes(device)])
    data += _warm_up(device) + int(device.total_run_time_s()).to_bytes(4, "little") + device.tube.raw[44:48]
    return data.ljust(STATUS_BYTES, b"\0")


def _outputs(device: "Controller") -> int:
    on = device.output.on if device.shows_stuck else device.output.enabled
    flash = device.now_s % 1.0 < FLASH_ON_S
    accessory = (on, not on, on and flash)[device.accessory_mode % 3]
    return on << 7 | on << 5 | accessory << 4


def _modes(device: "Controller") -> int:
    """Build byte 18; bit 7 is 0 with the speaker on, as the guide says."""
    silent = not device.beeps
    return silent << 7 | device.checks_off << 6 | device.limits_off << 5 | device.previous_code


def _warm_up(device: "Controller") -> bytes:
    if device.warm_up is None:
        return bytes(3)
    return bytes([0x80 | device.warm_up.number]) + device.warm_up.left_s(device.now_s).to_bytes(2, "little")


def fault_record(device: "Controller", stamp: bytes, status_then: bytes) -> bytes:
    """Build what is kept of a fault."""
    tables = device.tube.raw + device.warm_up_table
    points = b"".join(fixed_point(value).to_bytes(2, "big") for value in (device.set_kv, device.set_ua))
    record = bytes([0]) + stamp + checksum(stamp) + status_then + tables + checksum(tables) + points
    return record + checksum(record)


def fixed_point(value: float) -> int:
    """Get a set-point in 1/256."""
    return min(round(value * 256), 0xFFFF)


def netfinder(device: "Controller") -> bytes:
    """Build the identity."""
    hours, seconds = divmod(math.floor(device.now_s - device.powered_s), 3600)
    days, hours = divmod(hours, 24)
    minutes, seconds = divmod(seconds, 60)
    head = bytearray(32)
    head[0] = 1
    head[4:8] = days.to_bytes(2, "big") + bytes([hours, minutes])
    head[12] = seconds
    texts = (
        f"Amptek Mini-X2 - S/N {device.serial}".encode(),
        b"Tube P/N " + device.tube.part_number[:19],
        b"Time Powered",
        b"none",
    )
    return bytes(head) + b"".join(text + b"\0" for text in texts)
