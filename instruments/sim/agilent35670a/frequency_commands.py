"""SENSe:FREQuency and SENSe:SWEep: which lines there are, and how long a record lasts."""

from functools import partial

from instruments.sim import scpi
from instruments.sim.agilent35670a import formats
from instruments.sim.agilent35670a.command_kinds import HERTZ, PERCENT, SECONDS, Kept, measured, setting
from instruments.sim.agilent35670a.instrument import Instrument
from instruments.sim.agilent35670a.settings import (
    HIGHEST_START_HZ,
    LINES,
    SPAN_HALVINGS,
    TWO_CHANNELS_HZ,
    allowed_span_hz,
)
from instruments.sim.scpi import Command, ScpiError

TOLERANCE = 1 + 1e-9
LONGEST_RECORD_S = 8192.0


def commands(instrument: Instrument) -> list[Command]:
    """Build the subsystems."""
    kept, hertz = Kept(instrument), measured(HERTZ, 0, HIGHEST_START_HZ[False])

    def asked(name: str) -> str:
        settings = instrument.settings
        return formats.real({
            "SPAN": settings.span_hz, "STAR": settings.start_hz, "STOP": settings.start_hz + settings.span_hz,
            "CENT": settings.start_hz + settings.span_hz / 2,
        }[name])  # fmt: skip

    return [
        setting("[SENSe]:FREQuency:SPAN", hertz, partial(_set_span, instrument), partial(asked, "SPAN"), "HZ"),
        Command("[SENSe]:FREQuency:SPAN:FULL", set=partial(_full_span, instrument), parse=scpi.nothing),
        kept.word("[SENSe]:FREQuency:SPAN:LINK", "span_link", "CENTer", "STARt"),
        setting("[SENSe]:FREQuency:STARt", hertz, partial(_set_start, instrument), partial(asked, "STAR"), "HZ"),
        setting("[SENSe]:FREQuency:STOP", hertz, partial(_set_stop, instrument), partial(asked, "STOP"), "HZ"),
        setting("[SENSe]:FREQuency:CENTer", hertz, partial(_set_center, instrument), partial(asked, "CENT"), "HZ"),
        setting("[SENSe]:FREQuency:RESolution", scpi.number(1, 1600), partial(_set_lines, instrument),
                lambda: formats.integer(instrument.settings.lines)),
        kept.flag("[SENSe]:FREQuency:RESolution:AUTO", "lines_auto"),
        setting("[SENSe]:SWEep:TIME", measured(SECONDS, 1e-3, LONGEST_RECORD_S), partial(_set_record, instrument),
                lambda: formats.real(instrument.settings.record_s), "S"),
        setting("[SENSe]:SWEep:OVERlap", measured(PERCENT, 0, 99), partial(_set_overlap, instrument),
                lambda: formats.real(instrument.settings.overlap_percent), "PCT"),
    ]  # fmt: skip


def _move(instrument: Instrument, start_hz: float, span_hz: float) -> None:
    """Take a start and a span, whole lines from zero, inside what the inputs in use allow."""
    settings = instrument.settings
    spacing_hz = span_hz / settings.lines
    start_hz = max(round(start_hz / spacing_hz), 0) * spacing_hz
    if start_hz > (HIGHEST_START_HZ[settings.second_input] - span_hz / 2) * TOLERANCE:
        raise ScpiError(scpi.OUT_OF_RANGE)
    if (start_hz, span_hz) != (settings.start_hz, settings.span_hz):
        settings.start_hz, settings.span_hz = start_hz, span_hz
        instrument.changed()


def _set_span(instrument: Instrument, wanted_hz: float) -> None:
    """Round up to an allowed span; what it is linked to stays where it is."""
    settings = instrument.settings
    span_hz = allowed_span_hz(wanted_hz, settings.top_hz)
    start_hz = settings.start_hz
    if settings.span_link == "CENT":
        start_hz += (settings.span_hz - span_hz) / 2
    _move(instrument, start_hz, span_hz)


def _full_span(instrument: Instrument) -> None:
    _move(instrument, 0.0, instrument.settings.top_hz)


def _set_start(instrument: Instrument, start_hz: float) -> None:
    _move(instrument, start_hz, instrument.settings.span_hz)


def _set_center(instrument: Instrument, center_hz: float) -> None:
    _move(instrument, center_hz - instrument.settings.span_hz / 2, instrument.settings.span_hz)


def _set_stop(instrument: Instrument, stop_hz: float) -> None:
    """The start stays, the span follows."""
    settings = instrument.settings
    if not stop_hz > settings.start_hz:
        raise ScpiError(scpi.OUT_OF_RANGE)
    _move(instrument, settings.start_hz, allowed_span_hz(stop_hz - settings.start_hz, settings.top_hz))


def _set_lines(instrument: Instrument, wanted: float) -> None:
    """Round up to an allowed number; 1600 only with the firmware that has it."""
    choices = (*LINES, 1600) if instrument.unit.has_1600_lines else LINES
    lines = next((each for each in choices if each >= wanted), None)
    if lines is None:
        raise ScpiError(scpi.OUT_OF_RANGE)
    settings = instrument.settings
    settings.lines_auto = False
    if lines != settings.lines:
        settings.lines = lines
        settings.start_hz = round(settings.start_hz / settings.line_spacing_hz) * settings.line_spacing_hz
        instrument.changed()


def _set_record(instrument: Instrument, record_s: float) -> None:
    """The span follows the length of the record, which is never longer than asked for."""
    settings = instrument.settings
    shortest_hz = TWO_CHANNELS_HZ / 2**SPAN_HALVINGS
    _set_span(instrument, max(settings.lines / record_s, shortest_hz))


def _set_overlap(instrument: Instrument, percent: float) -> None:
    if percent != instrument.settings.overlap_percent:
        instrument.settings.overlap_percent = percent
        instrument.changed()
