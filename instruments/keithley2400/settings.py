"""Source voltage, measure current: what is set, in which order, and what must be read back.

UM is the Series 2400 SourceMeter User's Manual, 2400S-900-01. Every setting a reading depends on is sent; nothing is
left to defaults, because the instrument is never reset.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from instruments.keithley2400.ranges import (
    HIGH_VOLTAGE_CURRENT_A,
    LOW_VOLTAGE_V,
    MAX_CURRENT_A,
    MIN_COMPLIANCE_A,
    OVERRANGE,
    SMALLEST_COMPLIANCE,
    Accuracy,
    current_accuracy,
    current_range_a,
    voltage_range_v,
    voltage_step_v,
)
from instruments.wire.keithley2400 import Reading, format_number, parse_name, parse_names, parse_number
from xraydaq.errors import InstrumentError, LimitError

READ_ELEMENTS = ("voltage", "current", "time", "status")
BYTE_ORDER: Literal["big"] = "big"
LINE_FREQUENCIES_HZ = (50.0, 60.0)
ROW_CHARACTERS = 14 * len(READ_ELEMENTS)
BITS_PER_CHARACTER = 10
OVERHEAD_S = 5e-3
"""Trigger 0.1 ms (UM), automatic source delay up to 3 ms, processing 0.4 ms (these two not verified in a document)."""

RANGE_TOLERANCE = 0.06  # range queries answer with 105 % of the name (seen on a real unit)
VALUE_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class SourceVoltageSettings:
    """A two-wire voltage bias with a current measurement, on fixed ranges.

    Ranges may be given by any value they hold; `source_range` and `current_range` are the names.
    """

    source_range_v: float
    current_range_a: float
    compliance_a: float
    nplc: float
    line_frequency_hz: float
    autozero: bool = False
    """Zero the converter before each reading, which takes three conversions instead of one."""

    def __post_init__(self) -> None:
        for problem in _problems(self):
            raise LimitError(f"Keithley 2400: {problem}")

    @property
    def source_range(self) -> float:
        """Get the name of the source range, in volt."""
        return voltage_range_v(self.source_range_v)

    @property
    def current_range(self) -> float:
        """Get the name of the measure range, in ampere."""
        return current_range_a(self.current_range_a)

    @property
    def largest_level_v(self) -> float:
        """Get the largest level the source range holds."""
        return self.source_range * OVERRANGE

    @property
    def level_step_v(self) -> float:
        """Get the programming resolution of the level."""
        return voltage_step_v(self.source_range_v)

    @property
    def accuracy(self) -> Accuracy:
        """Get the accuracy of the current readings."""
        return current_accuracy(self.current_range_a, self.nplc)

    @property
    def conversion_s(self) -> float:
        """Get the integration time of one conversion."""
        return self.nplc / self.line_frequency_hz

    @property
    def cycle_s(self) -> float:
        """Get the time of one reading, generously, without delays that were asked for."""
        return self.conversion_s * (3 if self.autozero else 1) + OVERHEAD_S


def _problems(wanted: SourceVoltageSettings) -> list[str]:
    problems: list[str] = []
    source_range_v = voltage_range_v(wanted.source_range_v)
    range_a = current_range_a(wanted.current_range_a)
    current_accuracy(wanted.current_range_a, wanted.nplc)  # refuses what no range and no integration time is
    if wanted.line_frequency_hz not in LINE_FREQUENCIES_HZ:
        problems.append(f"line frequency {wanted.line_frequency_hz} Hz; allowed: 50, 60")
    if not MIN_COMPLIANCE_A <= wanted.compliance_a <= MAX_CURRENT_A:
        problems.append(f"compliance {wanted.compliance_a} A; allowed: {MIN_COMPLIANCE_A} to {MAX_CURRENT_A} A")
        return problems
    if source_range_v > LOW_VOLTAGE_V and not max(range_a, wanted.compliance_a) <= HIGH_VOLTAGE_CURRENT_A:
        problems.append(f"more than {HIGH_VOLTAGE_CURRENT_A} A on the {source_range_v:g} V range (UM, ranges)")
    if not range_a <= current_range_a(wanted.compliance_a):
        problems.append(f"current range {range_a:g} A above that of the compliance {wanted.compliance_a:g} A (+824)")
    if not wanted.compliance_a >= SMALLEST_COMPLIANCE * range_a * (1 - 1e-9):
        problems.append(f"compliance {wanted.compliance_a:g} A below 0.1 % of the current range {range_a:g} A (+822)")
    return problems


def configuration(wanted: SourceVoltageSettings) -> tuple[str, ...]:
    """Get the commands in the order they must be sent in, with the output off."""
    return (
        ":SOUR:CLE:AUTO OFF",  # the output stays as it is set, between readings too
        ":SOUR:FUNC VOLT",
        ":SOUR:VOLT:MODE FIX",
        ":SOUR:VOLT 0",  # before the range: every range holds it
        f":SOUR:VOLT:RANG {format_number(wanted.source_range)}",
        ":SOUR:DEL:AUTO ON",
        ":SYST:RSEN OFF",
        ":SENS:FUNC:CONC OFF",  # off, so that the next line selects exactly one function
        ':SENS:FUNC "CURR"',
        ":SENS:CURR:PROT:RSYN OFF",  # on, it would tie the measure range to the compliance
        ":SENS:CURR:RANG:AUTO ON",  # this, compliance, range: the order that never conflicts (UM, compliance)
        f":SENS:CURR:PROT {format_number(wanted.compliance_a)}",
        f":SENS:CURR:RANG {format_number(wanted.current_range)}",
        f":SYST:LFR {format_number(wanted.line_frequency_hz)}",
        f":SENS:CURR:NPLC {format_number(wanted.nplc)}",
        ":SENS:AVER:STAT OFF",
        *_autozero(wanted.autozero),
        ":ARM:SOUR IMM",
        ":ARM:COUN 1",
        ":TRIG:SOUR IMM",
        ":TRIG:COUN 1",
        ":TRIG:DEL 0",
        ":TRAC:FEED:CONT NEV",
        ":FORM ASC",
        ":FORM:BORD NORM",  # :SYST:PRES would have left it swapped (UM, data format)
        ":FORM:SREG ASC",
        ":FORM:ELEM VOLT,CURR,TIME,STAT",
        ":SYST:TIME:RES:AUTO OFF",  # on, every reading would begin at 0 s
        ":SYST:TIME:RES",  # seven digits are finest near 0 s
    )


def _autozero(enabled: bool) -> tuple[str, ...]:
    return (":SYST:AZER:STAT ON",) if enabled else (":SYST:AZER:STAT ONCE", ":SYST:AZER:STAT OFF")


SETTINGS = (
    ":OUTP?", ":OUTP:SMOD?", ":ROUT:TERM?", ":SYST:RSEN?", ":SYST:LFR?", ":SYST:AZER:STAT?",
    ":SOUR:FUNC?", ":SOUR:VOLT:MODE?", ":SOUR:VOLT?", ":SOUR:VOLT:RANG?", ":SOUR:VOLT:RANG:AUTO?", ":SOUR:VOLT:PROT?",
    ":SOUR:DEL?", ":SOUR:DEL:AUTO?", ":SOUR:CLE:AUTO?", ":SENS:FUNC?", ":SENS:FUNC:CONC?",
    ":SENS:CURR:PROT?", ":SENS:CURR:RANG?", ":SENS:CURR:RANG:AUTO?", ":SENS:CURR:NPLC?",
    ":SENS:AVER:STAT?", ":SENS:AVER:TCON?", ":SENS:AVER:COUN?",
    ":ARM:COUN?", ":TRIG:COUN?", ":TRIG:DEL?", ":FORM?", ":FORM:ELEM?", ":FORM:BORD?",
)  # fmt: skip
"""What a run records: all that changes what a reading means."""

READ_BACK = (
    ":SOUR:FUNC?",
    ":SENS:FUNC?",
    ":FORM:ELEM?",
    ":SOUR:VOLT:RANG?",
    ":SENS:CURR:RANG?",
    ":SENS:CURR:PROT?",
    ":SENS:CURR:NPLC?",
    ":SYST:LFR?",
)


def differences(wanted: SourceVoltageSettings, found: Mapping[str, str]) -> tuple[str, ...]:
    """Compare what was read back (`READ_BACK`) with what was wanted; returns one text per difference.

    Raises:
        WireError: an answer that is none.
    """
    source = parse_name(found[":SOUR:FUNC?"])
    functions = parse_names(found[":SENS:FUNC?"])
    elements = parse_names(found[":FORM:ELEM?"])
    agrees = {
        ":SOUR:FUNC?": source == "VOLT",
        ":SENS:FUNC?": functions in (("CURR",), ("CURR:DC",)),
        ":FORM:ELEM?": sorted(elements) == ["CURR", "STAT", "TIME", "VOLT"],
    }
    for query, value, tolerance in (
        (":SOUR:VOLT:RANG?", wanted.source_range * OVERRANGE, RANGE_TOLERANCE),
        (":SENS:CURR:RANG?", wanted.current_range * OVERRANGE, RANGE_TOLERANCE),
        (":SENS:CURR:PROT?", wanted.compliance_a, VALUE_TOLERANCE),
        (":SENS:CURR:NPLC?", wanted.nplc, VALUE_TOLERANCE),
        (":SYST:LFR?", wanted.line_frequency_hz, VALUE_TOLERANCE),
    ):
        agrees[query] = math.isclose(parse_number(found[query]), value, rel_tol=tolerance)
    return tuple(f"{query} answers {found[query]}" for query, agreed in agrees.items() if not agreed)


def check_function(name: str, reading: Reading) -> None:
    """Make sure that a reading is a current under a voltage source, as was configured.

    Raises:
        InstrumentError: somebody changed the instrument meanwhile.
    """
    if not (reading.voltage_sourced and reading.current_measured):
        raise InstrumentError(
            f"{name}: status {reading.status} says that it no longer sources voltage and measures current; "
            "was it operated by hand?"
        )
