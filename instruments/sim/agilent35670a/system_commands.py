"""Common commands, SYSTem, STATus, CALibration and INSTrument."""

from collections.abc import Callable
from functools import partial

from instruments.sim import scpi
from instruments.sim.agilent35670a import formats
from instruments.sim.agilent35670a.command_kinds import Waiting, setting
from instruments.sim.agilent35670a.errors import MISSING_HARDWARE
from instruments.sim.agilent35670a.instrument import Instrument
from instruments.sim.agilent35670a.status import ALL, CALIBRATION_FAILED, Register
from instruments.sim.scpi import Command, ScpiError

MODES = ("FFT", "OCTave", "ORDer", "SINE", "HISTogram", "CORRelation")


def commands(instrument: Instrument, message_available: Callable[[], bool]) -> list[Command]:
    """Build the subsystems."""
    return [*_common(instrument, message_available), *_system(instrument), *_status(instrument)]


def _common(instrument: Instrument, message_available: Callable[[], bool]) -> list[Command]:
    registers, byte = instrument.registers, scpi.whole(0, 255)
    return [
        Command("*IDN", query=lambda: instrument.unit.identity),
        Command("*OPT", query=lambda: formats.string(instrument.unit.options)),
        Command("*RST", set=instrument.reset, parse=scpi.nothing),
        Command("*CLS", set=registers.clear, parse=scpi.nothing),
        Command("*OPC", set=instrument.note_completion, parse=scpi.nothing, query=lambda: lambda: b"+1"),
        Waiting("*WAI", set=lambda: None, parse=scpi.nothing),
        Command("*TST", query=lambda: "+0"),
        Command("*CAL", query=partial(_calibrate, instrument)),
        setting("*ESE", byte, partial(setattr, registers, "standard_enable"),
                lambda: formats.integer(registers.standard_enable)),
        Command("*ESR", query=lambda: formats.integer(registers.take_standard())),
        setting("*SRE", byte, partial(setattr, registers, "service_enable"),
                lambda: formats.integer(registers.service_enable)),
        Command("*STB", query=lambda: formats.integer(registers.status_byte(message_available()))),
    ]  # fmt: skip


def _system(instrument: Instrument) -> list[Command]:
    return [
        Command("SYSTem:ERRor", query=instrument.registers.errors.pop),
        Command("SYSTem:PRESet", set=partial(instrument.reset, preset=True), parse=scpi.nothing),
        setting("INSTrument[:SELect]", scpi.word(*MODES), _select, lambda: "FFT"),
        setting("INSTrument:NSELect", scpi.whole(0, 5), _select_number, lambda: formats.integer(0)),
        setting("CALibration:AUTO", _on_off_once, partial(_set_calibration, instrument),
                lambda: formats.flag(instrument.settings.calibration_auto)),
    ]  # fmt: skip


def _status(instrument: Instrument) -> list[Command]:
    registers = instrument.registers
    found = [Command("STATus:PRESet", set=instrument.preset_status, parse=scpi.nothing)]
    for node, register in (
        ("OPERation", registers.operation), ("QUEStionable", registers.questionable),
        ("QUEStionable:VOLTage", registers.voltage), ("DEVice", registers.device),
    ):  # fmt: skip
        found += _register(f"STATus:{node}", register)
    return found


def _register(node: str, register: Register) -> list[Command]:
    mask = scpi.whole(0, ALL)
    return [
        Command(f"{node}[:EVENt]", query=lambda: formats.integer(register.take())),
        Command(f"{node}:CONDition", query=lambda: formats.integer(register.condition)),
        *(
            setting(f"{node}:{name}", mask, partial(setattr, register, field), partial(_told, register, field))
            for name, field in (("ENABle", "enable"), ("PTRansition", "positive"), ("NTRansition", "negative"))
        ),
    ]


def _told(register: Register, field: str) -> str:
    return formats.integer(getattr(register, field))


def _select(mode: str) -> None:
    """Only the FFT mode is there."""
    if mode != "FFT":
        raise ScpiError(MISSING_HARDWARE)


def _select_number(mode: int) -> None:
    if mode != 0:
        raise ScpiError(MISSING_HARDWARE)


def _calibrate(instrument: Instrument) -> Callable[[], bytes]:
    instrument.calibrate()

    def result() -> bytes:
        return b"+1" if instrument.registers.questionable.condition & CALIBRATION_FAILED else b"+0"

    return result


def _on_off_once(text: str) -> tuple[str]:
    if scpi.single(text).upper() == "ONCE":
        return ("ONCE",)
    return ("ON" if scpi.boolean(text)[0] else "OFF",)


def _set_calibration(instrument: Instrument, word: str) -> None:
    if word == "ONCE":
        instrument.calibrate()
    else:
        instrument.settings.calibration_auto = word == "ON"
