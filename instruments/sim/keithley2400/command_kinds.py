"""The usual kinds of command: a setting with its query, and settings that are only kept."""

from collections.abc import Callable
from functools import reduce
from typing import Any

from instruments.sim import scpi
from instruments.sim.keithley2400 import formats
from instruments.sim.keithley2400.instrument import Instrument
from instruments.sim.scpi import Command

Parse = Callable[[str], tuple[Any, ...]]


def setting(pattern: str, parse: Parse, put: Callable[..., None], get: Callable[[], str]) -> Command:
    """Make a command that sets and a query that tells."""
    return Command(pattern, set=put, parse=parse, query=get)


def action(pattern: str, act: Callable[[], None], *, is_abort: bool = False) -> Command:
    """Make a command without parameter and query."""
    return Command(pattern, set=act, parse=scpi.nothing, is_abort=is_abort)


def query(pattern: str, get: Callable[[], str | bytes]) -> Command:
    """Make a command that can only be asked."""
    return Command(pattern, query=get)


class Kept:
    """Commands that keep one value of the instrument, named by its dotted path (``settings.volt.delay_s``)."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument

    def number(self, pattern: str, path: str, low: float, high: float, default: float | None = None) -> Command:
        """Keep a number."""
        return setting(
            pattern, scpi.number(low, high, default), self._put(path), lambda: formats.setting(self._get(path))
        )

    def whole(self, pattern: str, path: str, low: int, high: int, default: int | None = None) -> Command:
        """Keep a whole number."""
        return setting(pattern, scpi.whole(low, high, default), self._put(path), lambda: str(round(self._get(path))))

    def flag(self, pattern: str, path: str) -> Command:
        """Keep a boolean."""
        return setting(pattern, scpi.boolean, self._put(path), lambda: formats.flag(self._get(path)))

    def word(self, pattern: str, path: str, *names: str) -> Command:
        """Keep one of the names."""
        return setting(pattern, scpi.word(*names), self._put(path), lambda: str(self._get(path)))

    def _get(self, path: str) -> Any:
        return reduce(getattr, path.split("."), self._instrument)

    def _put(self, path: str) -> Callable[[Any], None]:
        *owner, name = path.split(".")

        def put(value: Any) -> None:
            setattr(reduce(getattr, owner, self._instrument), name, value)

        return put
