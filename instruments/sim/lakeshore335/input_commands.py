"""Commands of the sensor inputs."""

from collections.abc import Callable, Iterator

from instruments.sim.lakeshore335.arguments import count, not_possible, number, one_of, whole
from instruments.sim.lakeshore335.formats import fixed, reading, register
from instruments.sim.lakeshore335.instrument import Instrument
from instruments.sim.lakeshore335.sensors import INVALID, UNITS_OVER, UNITS_ZERO, Input

Row = tuple[str, Callable[[list[str]], None] | None, Callable[[list[str]], str] | None]
HIGHEST_LIMIT_K = 1500.0
CURVES = 59


class InputCommands:
    """What can be said about an input; its letter comes first."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument

    def rows(self) -> Iterator[Row]:
        """Give name, command and query."""
        yield "KRDG", None, self._kelvin
        yield "CRDG", None, lambda given: reading(self._celsius(self._only(given)))
        yield "SRDG", None, lambda given: fixed(self._only(given).sensor_units, 5)
        yield "RDGST", None, lambda given: register(self._only(given).status)
        yield "INTYPE", self._set_type, self._type
        yield "INCRV", self._set_curve, lambda given: str(self._only(given).settings.curve)
        yield "FILTER", self._set_filter, self._filter
        yield "TLIMIT", self._set_limit, lambda given: fixed(self._only(given).settings.limit_k, 3)

    def _input(self, name: str) -> Input:
        return self._instrument.inputs[one_of(name, self._instrument.inputs)]

    def _only(self, given: list[str]) -> Input:
        return self._input(count(given, 1)[0])

    def _kelvin(self, given: list[str]) -> str:
        """``KRDG? 0`` gives all inputs of a model with four."""
        if given == ["0"] and len(self._instrument.inputs) > 2:
            return ",".join(reading(each.shown_k) for each in self._instrument.inputs.values())
        return reading(self._only(given).shown_k)

    @staticmethod
    def _celsius(each: Input) -> float:
        invalid = each.status & (INVALID | UNITS_ZERO | UNITS_OVER)
        return 0.0 if invalid else each.shown_k - 273.15

    def _set_type(self, given: list[str]) -> None:
        name, kind, auto_range, span, compensation, units = count(given, 6)
        settings = self._input(name).settings
        values = whole(kind, 0, 2), whole(auto_range, 0, 1), whole(span, 0, 8), whole(compensation, 0, 1)
        settings.units = whole(units, 1, 2)
        settings.type, settings.auto_range, settings.range, settings.compensation = values

    def _type(self, given: list[str]) -> str:
        each = self._only(given).settings
        return f"{each.type},{each.auto_range},{each.range},{each.compensation},{each.units}"

    def _set_curve(self, given: list[str]) -> None:
        name, curve = count(given, 2)
        self._input(name).settings.curve = whole(curve, 0, CURVES)

    def _set_filter(self, given: list[str]) -> None:
        name, on, points, window = count(given, 4)
        settings = self._input(name).settings
        values = bool(whole(on, 0, 1)), whole(points, 2, 64), whole(window, 1, 10)
        settings.filter_on, settings.filter_points, settings.filter_window_percent = values

    def _filter(self, given: list[str]) -> str:
        each = self._only(given).settings
        return f"{each.filter_on:d},{each.filter_points},{each.filter_window_percent}"

    def _set_limit(self, given: list[str]) -> None:
        name, limit = count(given, 2)
        limit_k = number(limit, 0, HIGHEST_LIMIT_K)
        if limit_k < 0:
            raise not_possible()
        self._input(name).settings.limit_k = limit_k
