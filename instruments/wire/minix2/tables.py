"""The tables stored in a Mini-X2: the limits of its tube and its warm-up steps (Amptek Programmer's Guide Rev B3)."""

from dataclasses import dataclass
from typing import Literal

from instruments.wire.minix2.status import FIXED_POINT, STEPS_PER_SEQUENCE
from xraydaq.errors import WireError

TUBE_TABLE_BYTES = 94
WARM_UP_TABLE_BYTES = 48
STEP_BYTES = 4

WarmUpKind = Literal["daily", "monthly"]


@dataclass(frozen=True)
class TubeTable:
    """What the controller knows of its tube: the authority for limits."""

    part_number: str
    tube_serial: str
    description: str
    min_voltage_v: float
    max_voltage_v: float
    min_current_a: float
    max_current_a: float
    max_power_w: float
    volts_per_monitor_v: float
    amperes_per_monitor_v: float
    interlock_bias_v: float
    min_interlock_current_a: float
    max_interlock_current_a: float
    min_supply_v: float
    max_supply_v: float
    accessory_mode: int


@dataclass(frozen=True)
class WarmUpStep:
    """One step of a warm-up."""

    voltage_v: float
    current_a: float
    duration_s: int


@dataclass(frozen=True)
class WarmUpTable:
    """The steps of both warm-ups."""

    daily: tuple[WarmUpStep, ...]
    monthly: tuple[WarmUpStep, ...]

    def steps(self, kind: WarmUpKind) -> tuple[WarmUpStep, ...]:
        """Get the steps of one of them."""
        return self.daily if kind == "daily" else self.monthly

    def duration_s(self, kind: WarmUpKind) -> int:
        """Get how long one of them takes."""
        return sum(step.duration_s for step in self.steps(kind))


def parse_tube_table(data: bytes) -> TubeTable:
    """Turn the data of a tube table reply into a value.

    Raises:
        WireError: another size, text that is none, or limits that leave no room (an empty table).
    """
    if len(data) != TUBE_TABLE_BYTES:
        raise WireError(f"a tube table of {len(data)} bytes instead of {TUBE_TABLE_BYTES}", data)
    table = TubeTable(
        part_number=_text(data, 0, 20),
        tube_serial=_text(data, 20, 32),
        description=_text(data, 62, 94),
        min_voltage_v=data[32] * 1e3,
        max_voltage_v=data[33] * 1e3,
        min_current_a=data[34] / 1e6,
        max_current_a=_whole(data, 35) / 1e6,
        max_power_w=data[37] / 4,
        volts_per_monitor_v=_whole(data, 44) / FIXED_POINT * 1e3,
        amperes_per_monitor_v=_whole(data, 46) / FIXED_POINT / 1e6,
        interlock_bias_v=data[48] * 0.02,
        min_interlock_current_a=_whole(data, 49) * 12.44e-6,
        max_interlock_current_a=_whole(data, 51) * 12.44e-6,
        min_supply_v=data[53] / 16,
        max_supply_v=data[54] / 16,
        accessory_mode=data[55],
    )
    voltage_room = table.min_voltage_v <= table.max_voltage_v > 0
    current_room = table.min_current_a <= table.max_current_a > 0
    if not (voltage_room and current_room and table.max_power_w > 0):
        raise WireError("a tube table whose limits leave no room", data)
    return table


def parse_warm_up_table(data: bytes) -> WarmUpTable:
    """Turn the data of a warm-up table reply into a value.

    Raises:
        WireError: another size.
    """
    if len(data) != WARM_UP_TABLE_BYTES:
        raise WireError(f"a warm-up table of {len(data)} bytes instead of {WARM_UP_TABLE_BYTES}", data)
    steps = tuple(
        WarmUpStep(data[at] * 1e3, data[at + 1] / 1e6, _whole(data, at + 2)) for at in range(0, len(data), STEP_BYTES)
    )
    return WarmUpTable(steps[:STEPS_PER_SEQUENCE], steps[STEPS_PER_SEQUENCE:])


def _whole(data: bytes, offset: int) -> int:
    return int.from_bytes(data[offset : offset + 2], "big")


def _text(data: bytes, first: int, end: int) -> str:
    field = data[first:end].partition(b"\0")[0]
    if not all(32 <= byte < 127 for byte in field):
        raise WireError("a tube table with text that is not ASCII", data)
    return field.decode("ascii").strip()
