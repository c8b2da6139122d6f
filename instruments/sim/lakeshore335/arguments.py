"""How arguments are read: a wrong one leaves everything as it was and sets a bit of the event register."""

import math
import re
from collections.abc import Iterable

from instruments.sim.lakeshore335.instrument import COMMAND_ERROR, EXECUTION_ERROR

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


class RefusalError(Exception):
    """A message the instrument does not carry out; `bit` is set in the standard event register."""

    def __init__(self, bit: int) -> None:
        self.bit = bit
        super().__init__(str(bit))


def not_understood() -> RefusalError:
    """Get the refusal of an unknown command or a wrong number of arguments."""
    return RefusalError(COMMAND_ERROR)


def not_possible() -> RefusalError:
    """Get the refusal of an argument out of range."""
    return RefusalError(EXECUTION_ERROR)


def count(arguments: list[str], *allowed: int) -> list[str]:
    """Check how many arguments there are."""
    if len(arguments) not in allowed:
        raise not_understood()
    return arguments


def number(text: str, low: float, high: float) -> float:
    """Read a number within the range."""
    if not _NUMBER.fullmatch(text):
        raise not_understood()
    value = float(text)
    if not (math.isfinite(value) and low <= value <= high):
        raise not_possible()
    return value


def whole(text: str, low: int, high: int) -> int:
    """Read a whole number within the range; a fraction cannot be."""
    value = number(text, low, high)
    if value != round(value):
        raise not_possible()
    return round(value)


def one_of(text: str, allowed: Iterable[str]) -> str:
    """Read one of some letters."""
    if text.upper() not in allowed:
        raise not_possible()
    return text.upper()
