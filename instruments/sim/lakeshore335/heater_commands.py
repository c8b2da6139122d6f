"""Commands of the control outputs."""

from collections.abc import Callable, Iterator

from instruments.sim.lakeshore335.arguments import count, not_possible, not_understood, number, whole
from instruments.sim.lakeshore335.formats import fixed, reading
from instruments.sim.lakeshore335.instrument import Instrument
from instruments.sim.lakeshore335.loop import OPEN_LOOP, Loop
from instruments.sim.lakeshore335.sensors import CURVE_ENDS_K

Row = tuple[str, Callable[[list[str]], None] | None, Callable[[list[str]], str] | None]
CELSIUS = 2
ZERO_CELSIUS_K = 273.15
ZONES = 10
ZONE_VALUES = 8


class HeaterCommands:
    """What can be said about an output; its number comes first, except where a model has one heater only."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument

    def rows(self) -> Iterator[Row]:
        """Give name, command and query."""
        yield "SETP", self._set_setpoint, self._setpoint
        yield "RAMP", self._set_ramp, self._ramp
        yield "RAMPST", None, lambda given: str(int(self._only(given).is_ramping))
        yield "PID", self._set_pid, self._pid
        yield "MOUT", self._set_manual, lambda given: fixed(self._only(given).settings.manual_percent, 3)
        yield "OUTMODE", self._set_mode, self._mode
        yield "HTRSET", self._set_heater, self._heater
        yield "ZONE", self._set_zone, self._zone
        yield "RANGE", self._set_range, lambda given: str(self._heater_loop(given).range)
        yield "HTR", None, lambda given: fixed(self._heater_loop(given).shown_percent, 1)
        yield "HTRST", None, lambda given: str(self._heater_loop(given).take_heater_status())

    def _loop(self, text: str) -> Loop:
        return self._instrument.loops[whole(text, 1, len(self._instrument.loops))]

    def _only(self, given: list[str]) -> Loop:
        return self._loop(count(given, 1)[0])

    def _heater_loop(self, given: list[str]) -> Loop:
        if self._instrument.model.numbers_heaters:
            return self._only(given)
        count(given, 0)
        return self._instrument.loops[1]

    def _zero_k(self, loop: Loop) -> float:
        """Get the zero of the preferred units of a loop."""
        number_of_input = loop.settings.input
        if number_of_input == 0:
            return 0.0
        name = self._instrument.model.inputs[number_of_input - 1]
        return ZERO_CELSIUS_K if self._instrument.inputs[name].settings.units == CELSIUS else 0.0

    def _set_setpoint(self, given: list[str]) -> None:
        """The setpoint is limited by the upper end of the curve; an open loop has the widest curve."""
        loop, value = self._loop(count(given, 2)[0]), given[1]
        number_of_input, zero_k = loop.settings.input, self._zero_k(loop)
        high_k = CURVE_ENDS_K[0][1]
        if number_of_input:
            high_k = self._instrument.inputs[self._instrument.model.inputs[number_of_input - 1]].ends_k[1]
        loop.set_target(zero_k + number(value, -zero_k, high_k - zero_k))

    def _setpoint(self, given: list[str]) -> str:
        loop = self._only(given)
        return reading(loop.setpoint_k - self._zero_k(loop))

    def _set_ramp(self, given: list[str]) -> None:
        loop, on, rate = self._loop(count(given, 3)[0]), whole(given[1], 0, 1), number(given[2], 0, 100)
        if 0 < rate < 0.1:
            raise not_possible()
        loop.set_ramp(bool(on), rate)

    def _ramp(self, given: list[str]) -> str:
        loop = self._only(given)
        return f"{loop.ramp_on:d},{loop.settings.ramp_k_per_min:+.1f}"

    def _set_pid(self, given: list[str]) -> None:
        settings = self._loop(count(given, 4)[0]).settings
        values = number(given[1], 0.1, 1000), number(given[2], 0.1, 1000), number(given[3], 0, 200)
        settings.proportional, settings.integral, settings.derivative_percent = values

    def _pid(self, given: list[str]) -> str:
        each = self._only(given).settings
        return ",".join(fixed(value, 1) for value in (each.proportional, each.integral, each.derivative_percent))

    def _set_manual(self, given: list[str]) -> None:
        self._loop(count(given, 2)[0]).settings.manual_percent = number(given[1], 0, 100)

    def _set_mode(self, given: list[str]) -> None:
        """Monitor output and warm-up are not imitated."""
        settings = self._loop(count(given, 4)[0]).settings
        mode, source = whole(given[1], 0, OPEN_LOOP), whole(given[2], 0, len(self._instrument.inputs))
        settings.power_up_on = bool(whole(given[3], 0, 1))
        settings.mode, settings.input = mode, source

    def _mode(self, given: list[str]) -> str:
        each = self._only(given).settings
        return f"{each.mode},{each.input},{each.power_up_on:d}"

    def _set_heater(self, given: list[str]) -> None:
        """Six values, or five without the type, as the two public drivers send them."""
        loop = self._loop(count(given, 5, 6)[0])
        kind = whole(given[1], 0, 0 if loop is self._instrument.loops[1] else 1) if len(given) == 6 else 0
        resistance, max_current, user_current_a, display = given[-4:]
        values = whole(resistance, 1, 2), whole(max_current, 0, 4), number(user_current_a, 0, 2), whole(display, 1, 2)
        if loop.range:
            raise not_possible()  # assumed: not while it heats
        settings = loop.settings
        settings.heater_type = kind
        settings.heater_resistance, settings.heater_max_current = values[:2]
        settings.heater_user_current_a, settings.heater_display = values[2:]

    def _heater(self, given: list[str]) -> str:
        each = self._only(given).settings
        return (
            f"{each.heater_type},{each.heater_resistance},{each.heater_max_current},"
            f"{each.heater_user_current_a:+.3f},{each.heater_display}"
        )

    def _set_zone(self, given: list[str]) -> None:
        """Zones are kept and have no effect."""
        key = self._zone_key(given)
        values = [number(text, -1e6, 1e6) for text in given[2:]]
        if len(values) != ZONE_VALUES:
            raise not_understood()
        self._instrument.stored.zones[key] = ",".join(f"{value:+g}" for value in values)

    def _zone(self, given: list[str]) -> str:
        return self._instrument.stored.zones.get(self._zone_key(count(given, 2)), ",".join(["+0"] * ZONE_VALUES))

    def _zone_key(self, given: list[str]) -> tuple[int, int]:
        if len(given) < 2:
            raise not_understood()
        return whole(given[0], 1, len(self._instrument.loops)), whole(given[1], 1, ZONES)

    def _set_range(self, given: list[str]) -> None:
        if self._instrument.model.numbers_heaters:
            loop, text = self._loop(count(given, 2)[0]), given[1]
        else:
            loop, text = self._instrument.loops[1], count(given, 1)[0]
        highest = 1 if loop.settings.heater_type == 1 else 3
        loop.range = whole(text, 0, highest)
