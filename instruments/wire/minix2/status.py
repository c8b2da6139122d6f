"""The status packet of the Mini-X2 (Amptek Programmer's Guide Rev B3, Mini-X2 status)."""

from dataclasses import dataclass
from enum import IntEnum

from xraydaq.errors import WireError
from xraydaq.safety.guard_events import DARK_CURRENT_A, DARK_VOLTAGE_V

STATUS_BYTES = 64
MONITOR_MASK = 0x0FFF  # 12 bits
INTERLOCK_COUNTS_PER_MA = 80.39
SUPPLY_COUNTS_PER_V = 306.7
FIXED_POINT = 256.0  # 8.8
STEPS_PER_SEQUENCE = 6


class FaultCode(IntEnum):
    """State of the interlock, or what switched the tube off; 12 to 15 are undefined and count as faults."""

    NONE = 0
    INTERLOCK_OPEN = 1
    INTERLOCK_SHORTED = 2
    SUPPLY_TOO_LOW = 3
    SUPPLY_TOO_HIGH = 4
    VOLTAGE_TOO_LOW = 5
    VOLTAGE_TOO_HIGH = 6
    CURRENT_TOO_LOW = 7
    CURRENT_TOO_HIGH = 8
    HOST_DISCONNECTED = 9
    HOST_SILENT = 10
    WARM_UP_COMPLETE = 11
    UNDEFINED_12 = 12
    UNDEFINED_13 = 13
    UNDEFINED_14 = 14
    UNDEFINED_15 = 15

    @property
    def is_fault(self) -> bool:
        """Get whether it forbids a beam."""
        return self not in (FaultCode.NONE, FaultCode.WARM_UP_COMPLETE)


@dataclass(frozen=True)
class WarmUpState:
    """A warm-up that is running; `step` counts from 0 to 5."""

    monthly: bool
    step: int
    remaining_in_step_s: int


@dataclass(frozen=True)
class TubeStatus:
    """What the controller measures and says; refreshed ten times per second."""

    serial: int
    firmware: str
    first_since_reboot: bool
    voltage_v: float
    current_a: float
    interlock_current_a: float
    tube_supply_v: float
    controller_supply_v: float
    hv_enabled: bool
    tube_powered: bool
    accessory_on: bool
    fault: FaultCode
    previous_fault: FaultCode
    board_temperature_c: int
    """Of the controller's board, not of the tube housing."""

    fault_checks_disabled: bool
    limit_checks_disabled: bool
    tube_control_by_i2c: bool
    warm_up: WarmUpState | None
    run_time_s: int

    @property
    def interlock_closed(self) -> bool:
        """Get whether the interlock is known to be closed: other faults take the place of its state."""
        return not self.fault.is_fault

    @property
    def is_dark(self) -> bool:
        """Get whether nothing is on: high voltage disabled and both monitors near zero."""
        return not self.hv_enabled and self.voltage_v < DARK_VOLTAGE_V and self.current_a < DARK_CURRENT_A

    @property
    def overridden(self) -> bool:
        """Get whether a check of the device is switched off."""
        return self.fault_checks_disabled or self.limit_checks_disabled

    @property
    def power_w(self) -> float:
        """Get the power in the tube by its monitors."""
        return self.voltage_v * self.current_a


def parse_status(data: bytes) -> TubeStatus:
    """Turn the data of a status reply into a value. Monitor fields come low byte first, scale factors high byte first.

    Raises:
        WireError: another size, no scale factors (every monitor would read zero), or a warm-up step that is none.
    """
    if len(data) != STATUS_BYTES:
        raise WireError(f"a status of {len(data)} bytes instead of {STATUS_BYTES}", data)
    kv_per_v, ua_per_v = _scale(data, 26), _scale(data, 28)
    if not (kv_per_v > 0 and ua_per_v > 0):
        raise WireError("a status without scale factors", data)
    return TubeStatus(
        serial=int.from_bytes(data[0:4], "little") & 0x7FFFFFFF,  # the vendor's program masks the top bit
        firmware=f"{data[4] >> 4}.{data[4] & 15:02d}.{data[5] & 15:02d}",
        first_since_reboot=bool(data[5] & 0x80),
        voltage_v=_monitor(data, 6) / 1000 * kv_per_v * 1e3,
        current_a=_monitor(data, 8) / 1000 * ua_per_v * 1e-6,
        interlock_current_a=_monitor(data, 10) / INTERLOCK_COUNTS_PER_MA * 1e-3,
        tube_supply_v=_monitor(data, 12) / SUPPLY_COUNTS_PER_V,
        controller_supply_v=_monitor(data, 14) / SUPPLY_COUNTS_PER_V,
        hv_enabled=bool(data[16] & 0x80),
        tube_powered=bool(data[16] & 0x20),
        accessory_on=bool(data[16] & 0x10),
        fault=FaultCode(data[16] & 15),
        previous_fault=FaultCode(data[18] & 15),
        board_temperature_c=int.from_bytes(data[17:18], "big", signed=True),
        fault_checks_disabled=bool(data[18] & 0x40),
        limit_checks_disabled=bool(data[18] & 0x20),
        tube_control_by_i2c=bool(data[18] & 0x10),
        warm_up=_warm_up(data),
        run_time_s=int.from_bytes(data[22:26], "little"),
    )


def _monitor(data: bytes, offset: int) -> int:
    return int.from_bytes(data[offset : offset + 2], "little") & MONITOR_MASK


def _scale(data: bytes, offset: int) -> float:
    return int.from_bytes(data[offset : offset + 2], "big") / FIXED_POINT


def _warm_up(data: bytes) -> WarmUpState | None:
    if not data[19] & 0x80:
        return None
    monthly, step = divmod(data[19] & 15, STEPS_PER_SEQUENCE)
    if monthly > 1:
        raise WireError(f"a warm-up at step {data[19] & 15}; steps are 0 to 11", data)
    return WarmUpState(bool(monthly), step, int.from_bytes(data[20:22], "little"))
