"""CALCulate, DISPlay and FORMat: what the four traces show and how it leaves."""

from collections.abc import Callable
from functools import partial

from instruments.sim import scpi
from instruments.sim.agilent35670a import formats
from instruments.sim.agilent35670a.command_kinds import Kept, numbered, setting
from instruments.sim.agilent35670a.errors import ILLEGAL
from instruments.sim.agilent35670a.instrument import Instrument
from instruments.sim.agilent35670a.settings import Trace
from instruments.sim.scpi import Command, ScpiError

TRACES = 4
FEEDS = ("XFR:POW 1", "XTIM:VOLT 1")
FORMS = ("MLOGarithmic", "MLINear", "REAL", "IMAGinary", "PHASe", "UPHase", "GDELay", "NYQuist", "POLar")
IMITATED_FORMS = ("MLOG", "MLIN", "REAL", "IMAG", "PHAS")
VOLTAGE_UNITS = ("V", "V2", "V/RTHZ", "V2/HZ", "V2S/HZ")
REFERENCES = ("DBV", "DBVRMS")


def commands(instrument: Instrument) -> list[Command]:
    """Build the subsystems."""
    found = [
        setting("FORMat[:DATA]", _data_format, partial(_set_format, instrument),
                lambda: f"{instrument.settings.data_format[0]},{instrument.settings.data_format[1]:+d}"),
        Kept(instrument).flag("DISPlay:ENABle", "display"),
    ]  # fmt: skip
    for node, index in numbered("CALCulate#", TRACES):
        found += _trace(instrument, node, index)
    return found


def _trace(instrument: Instrument, node: str, index: int) -> list[Command]:
    def trace() -> Trace:
        return instrument.settings.traces[index]

    def put(field: str, value: str) -> None:
        setattr(trace(), field, value)
        instrument.update_trace(index)

    return [
        setting(f"{node}:FEED", _string(FEEDS), partial(put, "feed"), lambda: formats.string(trace().feed)),
        setting(f"{node}:FORMat", _form, partial(put, "form"), lambda: trace().form),
        setting(f"{node}:UNIT:VOLTage", _string(VOLTAGE_UNITS), partial(put, "voltage_unit"),
                lambda: formats.string("" if trace().feed.startswith("XTIM") else trace().voltage_unit)),
        setting(f"{node}:UNIT:AMPLitude", scpi.word("PEAK", "RMS"), partial(put, "amplitude"),
                lambda: trace().amplitude),
        setting(f"{node}:UNIT:DBReference", _string(REFERENCES), partial(put, "reference"),
                lambda: formats.string(trace().reference)),
        Command(f"{node}:DATA", query=partial(instrument.data, index)),
        Command(f"{node}:X:DATA", query=partial(instrument.abscissa, index)),
        Command(f"{node}:DATA:HEADer:POINts", query=lambda: formats.integer(instrument.points(index))),
    ]  # fmt: skip


def _string(allowed: tuple[str, ...]) -> Callable[[str], tuple[str]]:
    def parse(text: str) -> tuple[str]:
        value = scpi.quoted(scpi.single(text)).upper()
        if value not in allowed:
            raise ScpiError(ILLEGAL)
        return (value,)

    return parse


def _form(text: str) -> tuple[str]:
    (form,) = scpi.word(*FORMS)(text)
    if form not in IMITATED_FORMS:
        raise ScpiError(ILLEGAL)
    return (form,)


def _data_format(text: str) -> tuple[str, int]:
    """Take ``ASC,3`` to ``ASC,12`` or ``REAL,32`` or ``REAL,64``."""
    words = scpi.parameters(text)
    (kind,) = scpi.word("ASCii", "REAL")(words[0])
    if len(words) > 2:
        raise ScpiError(scpi.NOT_ALLOWED)
    length = round(scpi.real(words[1])) if len(words) == 2 else {"ASC": 12, "REAL": 64}[kind]
    if length not in (range(3, 13) if kind == "ASC" else (32, 64)):
        raise ScpiError(ILLEGAL)
    return kind, length


def _set_format(instrument: Instrument, kind: str, length: int) -> None:
    instrument.settings.data_format = (kind, length)
