"""SENSe, TRACe, CALCulate3 and FORMat subsystems (User's Manual, section 18)."""

from instruments.sim import scpi
from instruments.sim.keithley2400 import formats
from instruments.sim.keithley2400.command_kinds import Kept, action, query, setting
from instruments.sim.keithley2400.instrument import Instrument
from instruments.sim.keithley2400.ranges import CURRENT, VOLTAGE, holding
from instruments.sim.keithley2400.settings import ELEMENTS, FUNCTIONS, LOW_POWER_CURRENT, MAX_CURRENT, MAX_READINGS
from instruments.sim.scpi import Command, ScpiError

ASCII_ONLY, TOO_SMALL, SOURCED, OVER_COMPLIANCE, POWER = 701, 822, 823, 824, 826
SMALLEST_SHARE = 1e-3
SMALLEST_LIMITS = {"CURR": 1e-9, "VOLT": 2e-4}


def commands(instrument: Instrument) -> list[Command]:
    """Build the subsystems."""
    return [*_functions(instrument), *_current(instrument), *_voltage(instrument), *_data(instrument)]


def _functions(instrument: Instrument) -> list[Command]:
    kept, sense = Kept(instrument), _SenseActions(instrument)
    return [
        setting(
            "SENSe:FUNCtion[:ON]", _function_names, sense.add, lambda: formats.names(instrument.settings.functions)
        ),
        action("SENSe:FUNCtion[:ON]:ALL", sense.add_all),
        Command("SENSe:FUNCtion:OFF", parse=_function_names, set=sense.remove),
        action("SENSe:FUNCtion:OFF:ALL", lambda: setattr(instrument.settings, "functions", ())),
        setting(
            "SENSe:FUNCtion:CONCurrent", scpi.boolean, sense.set_concurrent,
            lambda: formats.flag(instrument.settings.concurrent),
        ),
        *(
            kept.number(f"SENSe:{node}[:DC]:NPLCycles", "settings.nplc", 0.01, 10, 1.0)
            for node in ("CURRent", "VOLTage")
        ),
        kept.number("SENSe:RESistance:NPLCycles", "settings.nplc", 0.01, 10, 1.0),
        kept.flag("SENSe:AVERage[:STATe]", "settings.filter"),
        kept.word("SENSe:AVERage:TCONtrol", "settings.filter_kind", "REPeat", "MOVing"),
        kept.whole("SENSe:AVERage:COUNt", "settings.filter_count", 1, 100, 10),
        setting(
            "SENSe:RESistance:MODE", scpi.word("MANual", "AUTO"),
            lambda mode: setattr(instrument.settings, "ohms_auto", mode == "AUTO"),
            lambda: "AUTO" if instrument.settings.ohms_auto else "MAN",
        ),
        kept.number("SENSe:RESistance:RANGe", "settings.sense_ohms", 0, 2.1e8),
        kept.flag("SENSe:RESistance:RANGe:AUTO", "settings.ohms_auto_range"),
        query("SENSe:DATA[:LATest]", instrument.last),
    ]  # fmt: skip


def _current(instrument: Instrument) -> list[Command]:
    sense = _SenseActions(instrument)
    node = "SENSe:CURRent[:DC]"
    return [
        setting(
            f"{node}:PROTection[:LEVel]", scpi.number(-MAX_CURRENT, MAX_CURRENT, 1.05e-4), sense.set_current_limit,
            lambda: formats.setting(instrument.settings.volt.protection),
        ),
        query(f"{node}:PROTection:TRIPped", lambda: formats.flag(instrument.in_limit())),
        setting(
            f"{node}:PROTection:RSYNchronize", scpi.boolean,
            lambda on: setattr(instrument.settings, "synchronised_range", on),
            lambda: formats.flag(instrument.settings.synchronised_range),
        ),
        setting(
            f"{node}:RANGe[:UPPer]", scpi.number(-MAX_CURRENT, MAX_CURRENT, 1.05e-4), sense.set_current_range,
            lambda: formats.setting(instrument.settings.sense_curr.range.full_scale),
        ),
        Kept(instrument).flag(f"{node}:RANGe:AUTO", "settings.sense_curr.range_auto"),
        Kept(instrument).number(f"{node}:RANGe:AUTO:LLIMit", "settings.sense_curr.lower_limit", 1e-6, MAX_CURRENT),
        query(
            f"{node}:RANGe:AUTO:ULIMit",
            lambda: formats.setting(holding(CURRENT, instrument.settings.volt.protection).full_scale),
        ),
    ]  # fmt: skip


def _voltage(instrument: Instrument) -> list[Command]:
    sense = _SenseActions(instrument)
    node = "SENSe:VOLTage[:DC]"
    return [
        setting(
            f"{node}:PROTection[:LEVel]", scpi.number(-210, 210, 21.0), sense.set_voltage_limit,
            lambda: formats.setting(instrument.settings.curr.protection),
        ),
        query(f"{node}:PROTection:TRIPped", lambda: formats.flag(instrument.in_limit())),
        setting(
            f"{node}:RANGe[:UPPer]", scpi.number(-210, 210, 21.0), sense.set_voltage_range,
            lambda: formats.setting(instrument.settings.sense_volt.range.full_scale),
        ),
        Kept(instrument).flag(f"{node}:RANGe:AUTO", "settings.sense_volt.range_auto"),
    ]  # fmt: skip


def _data(instrument: Instrument) -> list[Command]:
    kept, data = Kept(instrument), _DataActions(instrument)
    return [
        action("TRACe:CLEar", instrument.clear_trace),
        kept.whole("TRACe:POINts", "kept.trace_points", 1, MAX_READINGS, 100),
        query("TRACe:POINts:ACTual", lambda: str(len(instrument.trace))),
        query("TRACe:FREE", lambda: f"{48 * (MAX_READINGS - len(instrument.trace))},{48 * len(instrument.trace)}"),
        setting(
            "TRACe:FEED", scpi.word("SENSe", "CALCulate", "CALCulate2"), data.set_feed,
            lambda: instrument.kept.trace_feed,
        ),
        setting(
            "TRACe:FEED:CONTrol", scpi.word("NEXT", "NEVer"), data.set_feed_control,
            lambda: instrument.kept.trace_control,
        ),
        kept.word("TRACe:TSTamp:FORMat", "kept.trace_stamp", "ABSolute", "DELTa"),
        query("TRACe:DATA", instrument.trace_data),
        kept.word(
            "CALCulate3:FORMat", "settings.math_format", "MEAN", "SDEViation", "MAXimum", "MINimum", "PKPK"
        ),
        query("CALCulate3:DATA", instrument.statistics),
        setting("FORMat[:DATA]", data.parse_format, data.set_format, data.format),
        kept.word("FORMat:BORDer", "settings.byte_order", "NORMal", "SWAPped"),
        setting(
            "FORMat:ELEMents", _elements, lambda *names: setattr(instrument.settings, "elements", names),
            lambda: ",".join(instrument.settings.elements),
        ),
        kept.word("FORMat:SREGister", "settings.register_format", "ASCii", "HEXadecimal", "OCTal", "BINary"),
    ]  # fmt: skip


class _SenseActions:
    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument

    def add(self, *names: str) -> None:
        settings = self._instrument.settings
        wanted = {*settings.functions, *names} if settings.concurrent else {names[-1]}
        settings.functions = tuple(name for name in FUNCTIONS if name in wanted)

    def add_all(self) -> None:
        self._instrument.settings.concurrent = True
        self._instrument.settings.functions = FUNCTIONS

    def remove(self, *names: str) -> None:
        settings = self._instrument.settings
        settings.functions = tuple(name for name in settings.functions if name not in names)

    def set_concurrent(self, on: bool) -> None:
        settings = self._instrument.settings
        settings.concurrent = on
        if not on and len(settings.functions) > 1:
            settings.functions = ("CURR",) if "CURR" in settings.functions else settings.functions[:1]

    def set_current_limit(self, amps: float) -> None:
        settings = self._instrument.settings
        sense, amps = settings.sense_curr, abs(amps)
        smallest = SMALLEST_LIMITS["CURR"] if sense.range_auto else SMALLEST_SHARE * sense.range.name
        if not amps >= smallest * (1 - 1e-9):
            raise ScpiError(TOO_SMALL)
        if settings.volt.range.name > 20 and amps > LOW_POWER_CURRENT * (1 + 1e-9):
            raise ScpiError(POWER)
        settings.volt.protection = amps
        upper = holding(CURRENT, amps)
        if settings.synchronised_range or (sense.range_auto and sense.range.name > upper.name):
            sense.range = upper
        self._instrument.apply()

    def set_current_range(self, amps: float) -> None:
        settings = self._instrument.settings
        if settings.source_function == "CURR":
            raise ScpiError(SOURCED)
        wanted = holding(CURRENT, amps)
        if wanted.name > holding(CURRENT, settings.volt.protection).name:
            raise ScpiError(OVER_COMPLIANCE)
        settings.sense_curr.range, settings.sense_curr.range_auto = wanted, False
        self._instrument.apply()

    def set_voltage_limit(self, volts: float) -> None:
        if not abs(volts) >= SMALLEST_LIMITS["VOLT"]:
            raise ScpiError(TOO_SMALL)
        self._instrument.settings.curr.protection = abs(volts)
        self._instrument.apply()

    def set_voltage_range(self, volts: float) -> None:
        settings = self._instrument.settings
        if settings.source_function == "VOLT":
            raise ScpiError(SOURCED)
        settings.sense_volt.range, settings.sense_volt.range_auto = holding(VOLTAGE, volts), False


class _DataActions:
    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument

    def set_feed(self, feed: str) -> None:
        self._instrument.need_no_storage()
        self._instrument.kept.trace_feed = feed

    def set_feed_control(self, control: str) -> None:
        self._instrument.need_no_storage()
        self._instrument.kept.trace_control = control

    def parse_format(self, text: str) -> tuple[str]:
        name, *length = scpi.parameters(text)
        kind = scpi.word("ASCii", "REAL", "SREal")(name)[0]
        if length and (kind == "SRE" or len(length) > 1):
            raise ScpiError(scpi.NOT_ALLOWED)
        if length and scpi.real(length[0]) != 32 and not (kind == "ASC" and scpi.real(length[0]) == 0):
            raise ScpiError(scpi.OUT_OF_RANGE)
        return ("ASC" if kind == "ASC" else "REAL",)

    def set_format(self, kind: str) -> None:
        if kind == "REAL" and self._instrument.is_serial:
            raise ScpiError(ASCII_ONLY)
        self._instrument.settings.data_format = kind

    def format(self) -> str:
        return "REAL,32" if self._instrument.settings.data_format == "REAL" else "ASC"


def _function_names(text: str) -> tuple[str, ...]:
    forms = {}
    for name, long in (("VOLT", "VOLTAGE"), ("CURR", "CURRENT"), ("RES", "RESISTANCE")):
        for form in (name, long) if name == "RES" else (name, long, f"{name}:DC", f"{long}:DC"):
            forms[form] = name
    return tuple(scpi.one_of(scpi.quoted(each), forms) for each in scpi.parameters(text))


def _elements(text: str) -> tuple[str, ...]:
    parse = scpi.word("VOLTage", "CURRent", "RESistance", "TIME", "STATus")
    wanted = [parse(each)[0] for each in scpi.parameters(text)]
    return tuple(name for name in ELEMENTS if name in wanted)
