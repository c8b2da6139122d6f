"""INPut, the rest of SENSe, INITiate, ABORt and TRIGger: what is measured and when."""

import math
from functools import partial

from instruments.sim import scpi
from instruments.sim.agilent35670a import formats
from instruments.sim.agilent35670a.command_kinds import (
    Kept,
    numbered,
    setting,
    suffixed,
)
from instruments.sim.agilent35670a.errors import ILLEGAL
from instruments.sim.agilent35670a.instrument import Instrument
from instruments.sim.agilent35670a.settings import (
    HIGHEST_RANGE_DB,
    LOWEST_RANGE_DB,
    allowed_range_db,
)
from instruments.sim.scpi import Command, ScpiError

RANGE_UNITS = dict.fromkeys(("", "V", "VPK", "VRMS", "DBVPK", "DBVRMS"), 1.0)


def commands(instrument: Instrument) -> list[Command]:
    """Build the subsystems."""
    return [
        *_input(instrument), *_range(instrument), *_average(instrument), *_start(instrument),
    ]  # fmt: skip


def _input(instrument: Instrument) -> list[Command]:
    kept = Kept(instrument)
    found = [setting("INPut2[:STATe]", scpi.boolean, partial(_set_second, instrument),
                     lambda: formats.flag(instrument.settings.second_input))]  # fmt: skip
    for node, _ in numbered("INPut#"):
        found += [
            setting(f"{node}[:STATe]", scpi.boolean, _keep_first_on, lambda: formats.flag(True)),
            kept.word(f"{node}:COUPling", "coupling", "AC", "DC", disturbs=True),
            kept.word(f"{node}:LOW", "low_terminal", "FLOat", "GROund", disturbs=True),
            kept.flag(f"{node}:BIAS[:STATe]", "bias_supply", disturbs=True),
            kept.flag(f"{node}:FILTer[:LPASs][:STATe]", "alias_filter", disturbs=True),
            kept.flag(f"{node}:FILTer:AWEighting[:STATe]", "a_weighting", disturbs=True),
        ]
    return found


def _range(instrument: Instrument) -> list[Command]:
    found = []
    for node, _ in numbered("[SENSe]:VOLTage#[:DC]:RANGe"):
        found += [
            setting(f"{node}[:UPPer]", _range_db, partial(_set_range, instrument),
                    lambda: formats.real(instrument.settings.range_db), "DBVRMS"),
            setting(f"{node}:AUTO", _on_off_once, partial(_set_auto, instrument),
                    lambda: formats.flag(instrument.settings.range_auto)),
            Kept(instrument).word(f"{node}:AUTO:DIRection", "range_direction", "UP", "EITHer"),
        ]  # fmt: skip
    return found


def _average(instrument: Instrument) -> list[Command]:
    kept = Kept(instrument)
    return [
        setting("[SENSe]:WINDow[:TYPE]", scpi.word("HANNing", "FLATtop", "UNIForm", "FORCe", "EXPonential"),
                partial(_set_imitated, instrument, "window", ("HANN", "FLAT", "UNIF")),
                lambda: instrument.settings.window),
        kept.flag("[SENSe]:AVERage[:STATe]", "average", disturbs=True),
        setting("[SENSe]:AVERage:TYPE", scpi.word("RMS", "VECTor", "TIME", "MAXimum", "ECONfidence"),
                partial(_set_imitated, instrument, "average_type", ("RMS", "MAX")),
                lambda: instrument.settings.average_type),
        kept.whole("[SENSe]:AVERage:COUNt", "average_count", 1, 9_999_999, disturbs=True),
        setting("[SENSe]:AVERage:TCONtrol", scpi.word("FREeze", "REPeat", "EXPonential"),
                partial(_set_imitated, instrument, "average_control", ("FRE", "REP")),
                lambda: instrument.settings.average_control),
        kept.flag("[SENSe]:AVERage:IRESult[:STATe]", "fast_average"),
        kept.whole("[SENSe]:AVERage:IRESult:RATE", "fast_average_rate", 1, 9_999_999),
        kept.flag("[SENSe]:REJect[:STATe]", "rejects_overload", disturbs=True),
    ]  # fmt: skip


def _start(instrument: Instrument) -> list[Command]:
    return [
        Command("INITiate[:IMMediate]", set=instrument.initiate, parse=scpi.nothing),
        setting("INITiate:CONTinuous", scpi.boolean, instrument.set_continuous,
                lambda: formats.flag(instrument.settings.continuous)),
        Command("ABORt", set=instrument.abort, parse=scpi.nothing),
        setting("TRIGger[:SEQuence]:SOURce", scpi.word("IMMediate", "BUS", "EXTernal", "INTernal1", "OUTPut"),
                partial(_set_imitated, instrument, "trigger_source", ("IMM",)),
                lambda: instrument.settings.trigger_source),
    ]  # fmt: skip


def _set_second(instrument: Instrument, on: bool) -> None:
    """Two inputs halve the widest span."""
    settings = instrument.settings
    if on != settings.second_input:
        settings.second_input = on
        settings.span_hz = min(settings.span_hz, settings.top_hz)
        instrument.changed()


def _keep_first_on(on: bool) -> None:
    if not on:
        raise ScpiError(scpi.CONFLICT)


def _set_imitated(instrument: Instrument, field: str, imitated: tuple[str, ...], value: str) -> None:
    """Keep a value; one that the instrument has and this simulator has not is refused as illegal."""
    if value not in imitated:
        raise ScpiError(ILLEGAL)
    if getattr(instrument.settings, field) != value:
        setattr(instrument.settings, field, value)
        instrument.changed()


def _range_db(text: str) -> tuple[int]:
    """Take a range, rounded up to a step; without a unit it is dBVrms, plain volts are a peak (both assumed)."""
    word = scpi.single(text).upper()
    if word in ("MIN", "MINIMUM", "MAX", "MAXIMUM"):
        return (LOWEST_RANGE_DB if word.startswith("MIN") else HIGHEST_RANGE_DB,)
    value, unit = suffixed(text, RANGE_UNITS)
    if unit in ("V", "VPK", "VRMS"):
        if not value > 0:
            raise ScpiError(scpi.OUT_OF_RANGE)
        value = 20 * math.log10(value)
    if unit in ("V", "VPK", "DBVPK"):
        value -= 10 * math.log10(2)
    if not -200 <= value <= HIGHEST_RANGE_DB + 1e-3:
        raise ScpiError(scpi.OUT_OF_RANGE)
    return (min(allowed_range_db(value), HIGHEST_RANGE_DB),)


def _set_range(instrument: Instrument, range_db: int) -> None:
    settings = instrument.settings
    if (range_db, False) != (settings.range_db, settings.range_auto):
        settings.range_db, settings.range_auto = range_db, False
        instrument.changed()


def _on_off_once(text: str) -> tuple[str]:
    if scpi.single(text).upper() == "ONCE":
        return ("ONCE",)
    return ("ON" if scpi.boolean(text)[0] else "OFF",)


def _set_auto(instrument: Instrument, word: str) -> None:
    if word == "ONCE":
        instrument.range_once()
        return
    was_on, instrument.settings.range_auto = instrument.settings.range_auto, word == "ON"
    if instrument.settings.range_auto and not was_on:
        instrument.changed()
