"""Common commands, SYSTem, STATus, ARM, TRIGger, ROUTe, DISPlay and the commands that start readings."""

from collections.abc import Callable
from functools import partial

from instruments.sim import scpi
from instruments.sim.keithley2400 import formats
from instruments.sim.keithley2400.command_kinds import Kept, action, query, setting
from instruments.sim.keithley2400.instrument import Instrument
from instruments.sim.keithley2400.settings import INFINITE, MAX_READINGS, Layer
from instruments.sim.keithley2400.status import IDLE, Event
from instruments.sim.scpi import Command, ScpiError

VERSION = "1996.0"
MEMORIES = 4
ARM_SOURCES = ("IMMediate", "TLINk", "TIMer", "MANual", "BUS", "NSTest", "PSTest", "BSTest")


def commands(instrument: Instrument, message_available: Callable[[], bool]) -> list[Command]:
    """Build the subsystems."""
    return [
        *_common(instrument, message_available), *_system(instrument), *_status(instrument),
        *_trigger_model(instrument), *_panel(instrument),
    ]  # fmt: skip


def _common(instrument: Instrument, message_available: Callable[[], bool]) -> list[Command]:
    kept, registers = Kept(instrument), instrument.registers
    memory = scpi.whole(0, MEMORIES)
    return [
        query("*IDN", lambda: instrument.unit.identity),
        action("*RST", instrument.reset, is_abort=True),
        action("*CLS", registers.clear),
        Command(
            "*OPC", set=instrument.note_completion, parse=scpi.nothing, query=lambda: "1"
        ),  # the query is executed when idle
        action("*WAI", lambda: None),
        action("*TRG", lambda: _trigger(instrument), is_abort=True),
        query("*TST", lambda: "0"),
        Command("*SAV", parse=memory, set=instrument.save),
        Command("*RCL", parse=memory, set=instrument.recall, is_abort=True),
        kept.whole("*ESE", "kept.standard_enable", 0, 255),
        query("*ESR", lambda: _register(instrument, registers.standard)),
        kept.whole("*SRE", "kept.service_enable", 0, 255),
        query("*STB", lambda: str(registers.status_byte(instrument.kept, message_available()))),
    ]


def _system(instrument: Instrument) -> list[Command]:
    kept, errors = Kept(instrument), instrument.registers.errors
    system = [
        query("SYSTem:ERRor[:NEXT]", errors.pop),
        query("SYSTem:ERRor:ALL", errors.pop_all),
        query("SYSTem:ERRor:COUNt", lambda: str(len(errors))),
        query("SYSTem:ERRor:CODE[:NEXT]", errors.pop_code),
        query("SYSTem:ERRor:CODE:ALL", lambda: errors.pop_all(only_codes=True)),
        action("SYSTem:CLEar", errors.clear),
        query("STATus:QUEue[:NEXT]", errors.pop),
        action("STATus:QUEue:CLEar", errors.clear),
        action("SYSTem:PRESet", lambda: instrument.reset(preset=True), is_abort=True),
        query("SYSTem:VERSion", lambda: VERSION),
        query("SYSTem:TIME", lambda: formats.setting(instrument.clock_s(instrument.now_s))),
        action("SYSTem:TIME:RESet", instrument.reset_clock),
        kept.flag("SYSTem:TIME:RESet:AUTO", "settings.time_reset_auto"),
        Command("SYSTem:BEEPer[:IMMediate]", parse=_beep, set=lambda *_: None),
        kept.flag("SYSTem:BEEPer:STATe", "kept.beeper"),
        setting(
            "SYSTem:AZERo[:STATe]", _autozero, lambda word: _set_autozero(instrument, word),
            lambda: formats.flag(instrument.settings.autozero),
        ),
        kept.flag("SYSTem:RSENse", "settings.remote_sense"),
        kept.word("SYSTem:GUARd", "settings.guard", "OHMS", "CABLe"),
        setting(
            "SYSTem:LFRequency", _line_frequency, lambda hz: setattr(instrument.kept, "line_frequency", hz),
            lambda: str(instrument.kept.line_frequency),
        ),
        kept.flag("SYSTem:LFRequency:AUTO", "kept.line_frequency_auto"),
        kept.word("SYSTem:POSetup", "kept.power_on", "RST", "PRESet", "SAV0", "SAV1", "SAV2", "SAV3", "SAV4"),
    ]  # fmt: skip
    serial_only = [action(f"SYSTem:{node}", lambda: None) for node in ("LOCal", "REMote", "RWLock")]
    return [*system, *(serial_only if instrument.is_serial else [])]


def _status(instrument: Instrument) -> list[Command]:
    kept, registers = Kept(instrument), instrument.registers
    conditions: dict[str, Callable[[], int]] = {
        "measurement": lambda: registers.measurement_condition,
        "operation": lambda: IDLE if instrument.is_idle else 0,
        "questionable": lambda: 0,
    }
    found = [action("STATus:PRESet", lambda: _preset_status(instrument))]
    for node, name in (
        ("MEASurement", "measurement"), ("OPERation", "operation"), ("QUEStionable", "questionable"),
    ):  # fmt: skip
        event: Event = getattr(registers, name)
        found += [
            query(f"STATus:{node}[:EVENt]", partial(_register, instrument, event)),
            query(f"STATus:{node}:CONDition", partial(_number, conditions[name])),
            kept.whole(f"STATus:{node}:ENABle", f"kept.{name}_enable", 0, 65535),
        ]
    return found


def _trigger_model(instrument: Instrument) -> list[Command]:
    kept = Kept(instrument)
    return [
        action("INITiate[:IMMediate]", instrument.initiate),
        action("ABORt", instrument.abort, is_abort=True),
        query("FETCh", instrument.fetch),
        *_layer(instrument, "ARM", "arm", ARM_SOURCES),
        *_layer(instrument, "TRIGger", "trigger", ("IMMediate", "TLINk")),
        kept.number("ARM[:SEQuence][:LAYer]:TIMer", "settings.arm.timer_s", 0.001, 99999.99, 0.1),
        kept.number("TRIGger[:SEQuence]:DELay", "settings.trigger.delay_s", 0, 999.9999, 0.0),
        action("TRIGger[:SEQuence]:CLEar", lambda: None),
    ]  # fmt: skip


def _layer(instrument: Instrument, node: str, name: str, sources: tuple[str, ...]) -> list[Command]:
    kept = Kept(instrument)
    prefix = "ARM[:SEQuence][:LAYer]" if node == "ARM" else "TRIGger[:SEQuence]"
    outputs = ("TENTer", "TEXit", "NONE") if node == "ARM" else ("SOURce", "DELay", "SENSe", "NONE")

    def layer() -> Layer:
        found: Layer = getattr(instrument.settings, name)
        return found

    return [
        setting(
            f"{prefix}:COUNt", _arm_count if node == "ARM" else scpi.whole(1, MAX_READINGS, 1),
            lambda count: setattr(layer(), "count", count),
            lambda: "+9.900000E+37" if layer().count == INFINITE else str(round(layer().count)),
        ),
        kept.word(f"{prefix}:SOURce", f"settings.{name}.source", *sources),
        kept.word(f"{prefix}:OUTPut", f"settings.{name}.output", *outputs),
        kept.whole(f"{prefix}:ILINe", f"settings.{name}.input_line", 1, 4),
        kept.whole(f"{prefix}:OLINe", f"settings.{name}.output_line", 1, 4),
    ]  # fmt: skip


def _panel(instrument: Instrument) -> list[Command]:
    kept = Kept(instrument)
    return [
        setting(
            "ROUTe:TERMinals", scpi.word("FRONt", "REAR"), lambda word: _set_terminals(instrument, word),
            lambda: instrument.settings.terminals,
        ),
        kept.flag("DISPlay:ENABle", "settings.display"),
        kept.whole("DISPlay:DIGits", "settings.digits", 4, 7),
    ]  # fmt: skip


def configure(instrument: Instrument, function: str) -> None:
    """``:CONFigure``: that function to its defaults, one reading per trigger, no storage, output ON."""
    settings = instrument.settings
    settings.functions = (function,)
    settings.nplc, settings.autozero, settings.filter = 1.0, True, False
    settings.arm.source, settings.arm.count, settings.trigger.count = "IMM", 1, 1
    settings.trigger.source, settings.trigger.delay_s = "IMM", 0.0
    instrument.kept.trace_control = "NEV"
    if settings.source_function == "VOLT":
        settings.volt.protection, settings.sense_curr.range_auto = 1.05e-4, True
    else:
        settings.curr.protection, settings.sense_volt.range_auto = 21.0, True
    instrument.set_output(True)


def _trigger(instrument: Instrument) -> None:
    if instrument.run is not None:
        instrument.run.trigger(instrument.now_s)


def _register(instrument: Instrument, event: Event) -> str:
    return formats.register(event.take(), instrument.settings.register_format)


def _number(get: Callable[[], int]) -> str:
    return str(get())


def _preset_status(instrument: Instrument) -> None:
    for name in ("measurement", "operation", "questionable"):
        setattr(instrument.kept, f"{name}_enable", 0)


def _set_autozero(instrument: Instrument, word: str) -> None:
    if word == "ONCE":
        instrument.meter.zero(instrument.now_s)
    else:
        instrument.settings.autozero = word == "ON"
        instrument.meter.zero(instrument.now_s)


def _set_terminals(instrument: Instrument, word: str) -> None:
    """Switching terminals drops the output (assumed)."""
    if word != instrument.settings.terminals:
        instrument.set_output(False)
        instrument.settings.terminals = word


def _autozero(text: str) -> tuple[str]:
    if scpi.single(text).upper() == "ONCE":
        return ("ONCE",)
    return ("ON" if scpi.boolean(text)[0] else "OFF",)


def _line_frequency(text: str) -> tuple[int]:
    hertz = scpi.real(scpi.single(text))
    if hertz not in (50, 60):
        raise ScpiError(scpi.OUT_OF_RANGE)
    return (round(hertz),)


def _arm_count(text: str) -> tuple[float]:
    if scpi.single(text).upper() in ("INF", "INFINITE"):
        return (INFINITE,)
    return scpi.whole(1, MAX_READINGS, 1)(text)


def _beep(text: str) -> tuple[float, ...]:
    texts = scpi.parameters(text)
    if len(texts) != 2:
        raise ScpiError(scpi.MISSING if len(texts) < 2 else scpi.NOT_ALLOWED)
    return (scpi.number(65, 2e6)(texts[0])[0], scpi.number(0, 512)(texts[1])[0])
