"""The usual kinds of command of this instrument: settings with their query, numbers with a suffix, numbered nodes."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from instruments.sim import scpi
from instruments.sim.agilent35670a import formats
from instruments.sim.agilent35670a.errors import INVALID_SUFFIX
from instruments.sim.agilent35670a.instrument import Instrument
from instruments.sim.scpi import Command, ScpiError

Parse = Callable[[str], tuple[Any, ...]]
HERTZ = {"": 1.0, "HZ": 1.0, "KHZ": 1e3, "MHZ": 1e-3}
SECONDS = {"": 1.0, "S": 1.0, "MS": 1e-3}
PERCENT = {"": 1.0, "PCT": 1.0}

_SUFFIXED = re.compile(r"(?P<number>[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?)\s*(?P<suffix>[A-Za-z]*)", re.ASCII)


@dataclass(frozen=True)
class UnitQuery(Command):
    """A command whose query also takes the word UNIT."""

    unit: str = ""


@dataclass(frozen=True)
class Waiting(Command):
    """A command after which the line waits until nothing is pending."""


def numbered(pattern: str, count: int = 1) -> list[tuple[str, int]]:
    """Get the spellings of ``NODE#`` and the index meant: without a number it is the first."""
    return [(pattern.replace("#", ""), 0), *((pattern.replace("#", str(n + 1)), n) for n in range(count))]


def setting(pattern: str, parse: Parse, put: Callable[..., None], get: Callable[[], str], unit: str = "") -> Command:
    """Make a command that sets and a query that tells, with its unit if there is one."""
    if unit:
        return UnitQuery(pattern, set=put, parse=parse, query=get, unit=unit)
    return Command(pattern, set=put, parse=parse, query=get)


def suffixed(text: str, units: dict[str, float]) -> tuple[float, str]:
    """Take a number with one of these suffixes; gives it in the unit of factor 1, and the suffix."""
    match = _SUFFIXED.fullmatch(scpi.single(text))
    if match is None:
        return scpi.real(text), ""
    suffix = match["suffix"].upper()
    if suffix not in units:
        raise ScpiError(INVALID_SUFFIX)
    value = float(match["number"]) * units[suffix]
    if not math.isfinite(value):
        raise ScpiError(scpi.OUT_OF_RANGE)
    return value, suffix


def measured(units: dict[str, float], low: float, high: float) -> Parse:
    """Take a number with a suffix within a range."""

    def parse(text: str) -> tuple[float]:
        value, _ = suffixed(text, units)
        if not low <= value <= high:
            raise ScpiError(scpi.OUT_OF_RANGE)
        return (value,)

    return parse


class Kept:
    """Commands that keep one field of the settings; a measurement begins anew when it `disturbs`."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument

    def flag(self, pattern: str, field: str, *, disturbs: bool = False) -> Command:
        """Keep a boolean."""
        return setting(pattern, scpi.boolean, self._put(field, disturbs), lambda: formats.flag(self._get(field)))

    def word(self, pattern: str, field: str, *names: str, disturbs: bool = False) -> Command:
        """Keep one of the names."""
        return setting(pattern, scpi.word(*names), self._put(field, disturbs), lambda: str(self._get(field)))

    def whole(self, pattern: str, field: str, low: int, high: int, *, disturbs: bool = False) -> Command:
        """Keep a whole number."""
        return setting(
            pattern, scpi.whole(low, high), self._put(field, disturbs), lambda: formats.integer(self._get(field))
        )

    def _get(self, field: str) -> Any:
        return getattr(self._instrument.settings, field)

    def _put(self, field: str, disturbs: bool) -> Callable[[Any], None]:
        def put(value: Any) -> None:
            if self._get(field) != value:
                setattr(self._instrument.settings, field, value)
                if disturbs:
                    self._instrument.changed()

        return put
