"""SOURce and OUTPut subsystems (User's Manual, section 18), with the conflicts of its section on ranges and limits."""

from collections.abc import Callable

from instruments.sim import scpi
from instruments.sim.keithley2400 import formats
from instruments.sim.keithley2400.command_kinds import Kept, action, query, setting
from instruments.sim.keithley2400.instrument import Instrument
from instruments.sim.keithley2400.ranges import holding
from instruments.sim.keithley2400.settings import LOW_POWER_CURRENT, MAX_CURRENT, MAX_READINGS, MAX_VOLTAGE, Source
from instruments.sim.scpi import Command, ScpiError

POWER = 826
MAX_LIST = 100
OVER_VOLTAGES = (20.0, 40.0, 60.0, 80.0, 100.0, 120.0, 160.0, MAX_VOLTAGE)


def commands(instrument: Instrument) -> list[Command]:
    """Build both subsystems."""
    kept = Kept(instrument)
    source = _SourceActions(instrument)
    return [
        *_one_source(instrument, source, "VOLTage", "volt", MAX_VOLTAGE),
        *_one_source(instrument, source, "CURRent", "curr", MAX_CURRENT),
        setting(
            "SOURce:FUNCtion[:MODE]", scpi.word("VOLTage", "CURRent"), source.set_function,
            lambda: instrument.settings.source_function,
        ),
        setting(
            "SOURce:VOLTage:PROTection[:LEVel]", _over_voltage,
            lambda v: setattr(instrument.settings, "over_voltage", v),
            lambda: formats.setting(instrument.settings.over_voltage),
        ),
        setting(
            "SOURce:DELay", scpi.number(0, 999.9999, 0.0), source.set_delay,
            lambda: formats.setting(instrument.settings.delay_s),
        ),
        kept.flag("SOURce:DELay:AUTO", "settings.delay_auto"),
        action("SOURce:CLEar[:IMMediate]", lambda: instrument.set_output(False)),
        kept.flag("SOURce:CLEar:AUTO", "settings.clear_auto"),
        kept.word("SOURce:CLEar:AUTO:MODE", "settings.clear_auto_mode", "ALWays", "TCOunt"),
        kept.word("SOURce:SWEep:SPACing", "settings.sweep_spacing", "LINear", "LOGarithmic"),
        kept.whole("SOURce:SWEep:POINts", "settings.sweep_points", 2, MAX_READINGS, MAX_READINGS),
        kept.word("SOURce:SWEep:DIRection", "settings.sweep_direction", "UP", "DOWn"),
        kept.word("SOURce:SWEep:RANGing", "settings.sweep_ranging", "BEST", "AUTO", "FIXed"),
        kept.word("SOURce:SWEep:CABort", "settings.sweep_abort", "NEVer", "EARLy", "LATE"),
        kept.whole("SOURce2:TTL[:LEVel]", "settings.digital_out", 0, 15, 15),
        setting(
            "OUTPut[:STATe]", scpi.boolean, instrument.set_output, lambda: formats.flag(instrument.settings.output)
        ),
        kept.word("OUTPut:SMODe", "settings.off_mode", "HIMPedance", "NORMal", "ZERO", "GUARd"),
        kept.flag("OUTPut:ENABle[:STATe]", "settings.interlock_used"),
        query("OUTPut:ENABle:TRIPped", lambda: formats.flag(instrument.interlock_closed)),
    ]  # fmt: skip


def _one_source(
    instrument: Instrument, actions: "_SourceActions", node: str, name: str, limit: float
) -> list[Command]:
    def source() -> Source:
        found: Source = getattr(instrument.settings, name)
        return found

    prefix = f"SOURce:{node}"
    return [
        setting(
            f"{prefix}[:LEVel][:IMMediate][:AMPLitude]", _level(source), lambda v: actions.set_level(name, v),
            lambda: formats.setting(source().level),
        ),
        setting(
            f"{prefix}[:LEVel]:TRIGgered[:AMPLitude]", _level(source),
            lambda v: setattr(source(), "triggered_level", v),
            lambda: formats.setting(source().next_level),
        ),
        setting(
            f"{prefix}:RANGe", scpi.number(-limit, limit), lambda v: actions.set_range(name, v),
            lambda: formats.setting(source().range.full_scale),
        ),
        setting(
            f"{prefix}:RANGe:AUTO", scpi.boolean, lambda on: actions.set_range_auto(name, on),
            lambda: formats.flag(source().range_auto),
        ),
        setting(
            f"{prefix}:MODE", scpi.word("FIXed", "SWEep", "LIST"), lambda v: setattr(source(), "mode", v),
            lambda: source().mode,
        ),
        setting(
            f"{prefix}:STARt", scpi.number(-limit, limit, 0.0), lambda v: setattr(source(), "start", v),
            lambda: formats.setting(source().start),
        ),
        setting(
            f"{prefix}:STOP", scpi.number(-limit, limit, 0.0), lambda v: setattr(source(), "stop", v),
            lambda: formats.setting(source().stop),
        ),
        setting(
            f"{prefix}:STEP", scpi.number(-2 * limit, 2 * limit), lambda v: actions.set_step(source(), v),
            lambda: formats.setting((source().stop - source().start) / (instrument.settings.sweep_points - 1)),
        ),
        setting(
            f"SOURce:LIST:{node}", _points(limit), lambda *v: actions.set_points(source(), [*v]),
            lambda: ",".join(map(formats.element, source().points)),
        ),
        Command(
            f"SOURce:LIST:{node}:APPend", parse=_points(limit),
            set=lambda *v: actions.set_points(source(), [*source().points, *v]),
        ),
        query(f"SOURce:LIST:{node}:POINts", lambda: str(len(source().points))),
    ]  # fmt: skip


class _SourceActions:
    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument

    def set_function(self, function: str) -> None:
        if function != self._instrument.settings.source_function:
            self._instrument.settings.output = False
            self._instrument.settings.source_function = function
        self._instrument.apply()

    def set_level(self, name: str, level: float) -> None:
        source: Source = getattr(self._instrument.settings, name)
        if source.range_auto:
            self._check_power(name, holding(source.ranges, level).name)
            source.range = holding(source.ranges, level)
        elif not abs(level) <= source.range.full_scale * (1 + 1e-9):
            raise ScpiError(scpi.OUT_OF_RANGE)
        source.level = level
        self._instrument.apply()

    def set_range(self, name: str, value: float) -> None:
        source: Source = getattr(self._instrument.settings, name)
        wanted = holding(source.ranges, value)
        if abs(source.level) > wanted.full_scale * (1 + 1e-9):
            raise ScpiError(scpi.CONFLICT)
        self._check_power(name, wanted.name)
        source.range, source.range_auto = wanted, False
        self._instrument.apply()

    def set_range_auto(self, name: str, on: bool) -> None:
        source: Source = getattr(self._instrument.settings, name)
        source.range_auto = on
        if on:
            source.range = holding(source.ranges, source.level)

    def set_delay(self, delay_s: float) -> None:
        self._instrument.settings.delay_s, self._instrument.settings.delay_auto = delay_s, False

    def set_step(self, source: Source, step: float) -> None:
        """Step and number of points are coupled."""
        span = source.stop - source.start
        if step == 0 or not 1 <= span / step <= MAX_READINGS - 1:
            raise ScpiError(scpi.CONFLICT)
        self._instrument.settings.sweep_points = round(span / step) + 1

    def set_points(self, source: Source, points: list[float]) -> None:
        if len(points) > MAX_READINGS:
            raise ScpiError(scpi.OUT_OF_RANGE)
        source.points = points

    def _check_power(self, name: str, range_name: float) -> None:
        """Above 20 V the limit is 105 mA, whichever is set first."""
        if name == "volt" and range_name > 20 and abs(self._instrument.settings.volt.protection) > LOW_POWER_CURRENT:
            raise ScpiError(POWER)


def _level(source: Callable[[], Source]) -> Callable[[str], tuple[float]]:
    """Parse a level; MIN and MAX are taken only on the highest range."""

    def parse(text: str) -> tuple[float]:
        present = source()
        top = present.ranges[-1]
        if scpi.single(text).upper().startswith(("MIN", "MAX")) and present.range is not top:
            raise ScpiError(scpi.CONFLICT)
        return scpi.number(-top.full_scale, top.full_scale, 0.0)(text)

    return parse


def _points(limit: float) -> Callable[[str], tuple[float, ...]]:
    def parse(text: str) -> tuple[float, ...]:
        texts = scpi.parameters(text)
        if len(texts) > MAX_LIST:
            raise ScpiError(scpi.NOT_ALLOWED)
        return tuple(scpi.number(-limit, limit)(each)[0] for each in texts)

    return parse


def _over_voltage(text: str) -> tuple[float]:
    if scpi.single(text).upper() == "NONE":
        return (MAX_VOLTAGE,)
    (volts,) = scpi.number(-MAX_VOLTAGE, MAX_VOLTAGE)(text)
    return (next(each for each in OVER_VOLTAGES if abs(volts) <= each),)
