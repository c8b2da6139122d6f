"""What a Mini-X2 may be set to, and in which order (Amptek Programmer's Guide Rev B3: "PG").

Power is checked here: PG does not say that the firmware checks it.
"""

from dataclasses import dataclass

from instruments.wire.minix2 import SetPoints, TubeTable, WarmUpStep, format_current, format_voltage
from xraydaq.errors import LimitError

ROUNDING = 1 + 1e-9
"""Allows for floats: 50e3 V times 200e-6 A is not exactly 10 W. Far below one step of a set-point."""


@dataclass(frozen=True)
class Limits:
    """The largest values, of a bench or of a tube."""

    owner: str
    max_voltage_v: float
    max_current_a: float
    max_power_w: float

    def check_allows_something(self) -> None:
        """Raise LimitError unless all are positive numbers."""
        if not all(largest > 0 for largest in (self.max_voltage_v, self.max_current_a, self.max_power_w)):
            raise LimitError(f"limits of {self}; each must be above 0")

    def check(self, name: str, voltage_v: float, current_a: float) -> None:
        """Raise LimitError unless a beam of these values is allowed."""
        power_w = voltage_v * current_a
        for value, largest, unit in (
            (voltage_v, self.max_voltage_v, "V"),
            (current_a, self.max_current_a, "A"),
            (power_w, self.max_power_w, "W"),
        ):
            if not 0 <= value <= largest * ROUNDING:
                raise LimitError(f"{name}: {value:g} {unit}; {self.owner} allows 0 to {largest:g} {unit}")


def tube_limits(table: TubeTable) -> Limits:
    """Get the limits a tube table states."""
    return Limits("the tube", table.max_voltage_v, table.max_current_a, table.max_power_w)


def check_beam(name: str, bench: Limits, table: TubeTable, voltage_v: float, current_a: float) -> None:
    """Raise LimitError unless bench and tube allow a beam; below its minimum the device would refuse and go off."""
    bench.check(name, voltage_v, current_a)
    tube_limits(table).check(name, voltage_v, current_a)
    if not voltage_v * ROUNDING >= table.min_voltage_v:
        raise LimitError(f"{name}: {voltage_v:g} V is below the least of the tube, {table.min_voltage_v:g} V")
    if not current_a * ROUNDING >= table.min_current_a:
        raise LimitError(f"{name}: {current_a:g} A is below the least of the tube, {table.min_current_a:g} A")


def check_steps(name: str, bench: Limits, table: TubeTable, steps: tuple[WarmUpStep, ...]) -> None:
    """Raise LimitError unless bench and tube allow every step: the device runs them without any check (PG)."""
    for step in steps:
        bench.check(name, step.voltage_v, step.current_a)
        tube_limits(table).check(name, step.voltage_v, step.current_a)


def stages(
    present: SetPoints, voltage_v: float, current_a: float, max_power_w: float
) -> tuple[tuple[float, float], ...]:
    """Get the pairs to set one after another, each reached before the next, so that power stays below the limit.

    Voltage and current may ramp at once (not published): where one rises and the other falls, the power on the way can
    be as large as that of both larger values. Then what falls goes first, alone.
    """
    target = (voltage_v, current_a)
    if (
        present.is_off
        or max(voltage_v, present.voltage_v) * max(current_a, present.current_a) <= max_power_w * ROUNDING
    ):
        return (target,)
    low = (min(voltage_v, present.voltage_v), min(current_a, present.current_a))
    return (target,) if low == target else (low, target)


def set_command(present: SetPoints, voltage_v: float, current_a: float) -> str:
    """Spell both set-points in an order in which no pair on the way has more power than the larger of its ends.

    The one that decreases comes first. From off the voltage does, as the vendor's program sends it: the current is
    zero until the second is taken.
    """
    voltage, current = format_voltage(voltage_v), format_current(current_a)
    current_decreases = not present.is_off and current_a < present.current_a
    if current_decreases and not voltage_v < present.voltage_v:
        return current + voltage
    return voltage + current
