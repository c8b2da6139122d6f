"""What must be true before the beam is set, and after."""

from instruments.wire.minix2 import FaultCode, SetPoints, TubeStatus, TubeTable
from xraydaq.errors import InstrumentError, Refused

SET_POINT_TOLERANCE = 1 / 128
"""In kV and in uA: two steps of the 8.8 fixed point format."""


def spoken(fault: FaultCode) -> str:
    """Get the name of a fault as words."""
    return fault.name.lower().replace("_", " ")


def check_ready(name: str, table: TubeTable, status: TubeStatus) -> None:
    """Raise Refused unless the device is fit to be switched on."""
    if not status.interlock_closed:
        raise Refused(f"{name}: no beam: {spoken(status.fault)}")
    if not table.min_interlock_current_a <= status.interlock_current_a <= table.max_interlock_current_a:
        raise Refused(
            f"{name}: no beam: interlock current {status.interlock_current_a:.4f} A; allowed: "
            f"{table.min_interlock_current_a:.4f} to {table.max_interlock_current_a:.4f} A"
        )
    if status.overridden:
        raise Refused(f"{name}: no beam: the checks of the device are switched off; prepare() first")
    if status.warm_up is not None:
        raise Refused(f"{name}: no beam: a warm-up was running")


def check_read_back(name: str, found: SetPoints, voltage_v: float, current_a: float) -> None:
    """Raise InstrumentError unless the set-points are what was asked for."""
    if not abs(found.voltage_v - voltage_v) <= SET_POINT_TOLERANCE * 1e3:
        raise InstrumentError(f"{name}: set to {voltage_v:g} V, reads back {found.voltage_v:g} V")
    if not abs(found.current_a - current_a) <= SET_POINT_TOLERANCE * 1e-6:
        raise InstrumentError(f"{name}: set to {current_a:g} A, reads back {found.current_a:g} A")
