"""What a plan says of the meter: from which current on a range is accurate, and what to expect below that."""

from collections.abc import Iterator

from instruments.keithley2400.ranges import CURRENT_RANGES_A, OVERRANGE, current_accuracy
from xraydaq.config.recipes.parts import SourceParameters
from xraydaq.units import format_quantity

CURRENT_U_REL = 0.02
"""A current known worse than this is said so."""


def smallest_range_a(wanted: SourceParameters) -> float:
    """Get the smallest range that a procedure takes which follows the current down to it."""
    return min(CURRENT_RANGES_A[0], _range_a(wanted, None))


def accuracy_text(wanted: SourceParameters, range_a: float | None = None) -> str:
    """Say in a plan from which current on readings are accurate; the range is the recipe's where none is given."""
    range_a = _range_a(wanted, range_a)
    offset_a = current_accuracy(range_a, wanted.nplc).offset_u_a
    return (
        f"offset {format_quantity(offset_a, 'A', 2)} (k = 1) in the range of {format_quantity(range_a, 'A')}: "
        f"currents above {format_quantity(offset_a / CURRENT_U_REL, 'A', 2)} are known to {100 * CURRENT_U_REL:g} %"
    )


def of_the_dark_current(
    wanted: SourceParameters, largest_a: float, where: str, *, range_a: float | None = None, mended: str = ""
) -> Iterator[str]:
    """Warn of a dark current that even at its largest is not resolved, or little above the accuracy of its range.

    The sample file bounds the dark current from above only: one that is smaller is known worse. `mended` says what
    takes out the constant part of the offset.
    """
    range_a = _range_a(wanted, range_a)
    accuracy = current_accuracy(range_a, wanted.nplc)
    shown = f"dark current {where}: {format_quantity(largest_a, 'A', 2)} at most"
    if accuracy.resolution_a > largest_a / 3:
        yield f"{shown}: a step of the display, {format_quantity(accuracy.resolution_a, 'A')}, exceeds a third of it"
    range_text = (
        f"offset {format_quantity(accuracy.offset_u_a, 'A', 2)} in the range of {format_quantity(range_a, 'A')}"
    )
    also = f"; {mended}" if mended else ""
    if accuracy.offset_u_a > largest_a:
        yield f"{shown}: under the range accuracy ({range_text}){also}"
    elif accuracy.offset_u_a > CURRENT_U_REL * largest_a:
        share = f"{100 * accuracy.offset_u_a / largest_a:.2g} %"
        yield f"{shown}: known to {share} or worse ({range_text}){also}"


def of_the_range(wanted: SourceParameters, largest_a: float, what: str) -> Iterator[str]:
    """Warn of a current that the range does not hold."""
    range_a = _range_a(wanted, None)
    if largest_a > OVERRANGE * range_a:
        yield (
            f"{what}, about {format_quantity(largest_a, 'A', 2)} in all, exceed the range of "
            f"{format_quantity(range_a, 'A')}: readings above it are lost"
        )


def _range_a(wanted: SourceParameters, range_a: float | None) -> float:
    found = wanted.current_range_a if range_a is None else range_a
    assert found is not None, "a loaded run has a current range"
    return found
