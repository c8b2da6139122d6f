"""Settings of a noise spectrum on the 35670A, how they are sent, and how they read back. Not verified on hardware.

PROG is "GPIB Programming with the Agilent 35670A". The instrument rounds a span to the next it has and says nothing;
here a request that it does not have is refused, and every setting is read back.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from instruments.wire.agilent35670a import format_number, parse_name, parse_number, parse_string, parse_whole
from xraydaq.errors import LimitError

Window = Literal["HANN", "FLAT", "UNIF"]
Coupling = Literal["DC", "AC"]
Low = Literal["FLO", "GRO"]
Format = Literal["real64", "ascii"]

WIDEST_SPAN_HZ = 102_400.0  # one channel (PROG)
SPANS_HZ = tuple(WIDEST_SPAN_HZ / 2**n for n in range(20))
LINES = (100, 200, 400, 800, 1600)
"""1600 on later firmware only; others refuse it or take 800, which the reading back shows."""

RANGES_DBVRMS = tuple(range(-51, 28, 2))
MOST_AVERAGES = 9_999_999
LARGEST_OVERLAP_PERCENT = 99
ENBW_BINS: dict[Window, float] = {"UNIF": 1.0, "HANN": 1.5, "FLAT": 3.8}
"""Equivalent noise bandwidth in lines; that of FLAT is approximate (engineering knowledge)."""

DENSITY_UNIT = "V/RTHZ"
SPAN_TOLERANCE = 1e-6
CALIBRATING, MEASURING, AVERAGING = 1 << 0, 1 << 4, 1 << 8
"""Bits of the operation status register (PROG)."""

REAL_TIME_HZ = 25_600.0  # widest span with no gaps between records, one channel (HP 35670A Technical Specifications)
SETTLING_RECORDS = 3
SLOWER, SLOWER_ABOVE_REAL_TIME = 2.0, 5.0
SLACK_S = 30.0


@dataclass(frozen=True, slots=True)
class NoiseSettings:
    """One spectrum of channel 1 from 0 Hz to `span_hz`, averaged in power; the other input is off."""

    span_hz: float
    range_dbvrms: int
    """Fixed for the whole measurement; a range that the analyser chooses itself would change in the middle."""

    averages: int
    lines: int = 400
    window: Window = "HANN"
    overlap_percent: int = 50
    coupling: Coupling = "DC"
    """AC rolls off near 1 Hz."""

    low: Low = "FLO"
    """Low terminal floating (1 Mohm) or grounded (55 ohm): changes mains pickup a lot."""

    format: Format = "real64"

    def __post_init__(self) -> None:
        """Refuse what the instrument does not have.

        Raises:
            LimitError: with what was asked and what is allowed.
        """
        if not any(math.isclose(self.span_hz, span_hz, rel_tol=SPAN_TOLERANCE) for span_hz in SPANS_HZ):
            raise LimitError(f"35670A: span {self.span_hz} Hz; allowed: 102400 Hz halved up to 19 times{self._hint()}")
        for what, value, allowed in (
            ("range in dBVrms", self.range_dbvrms, RANGES_DBVRMS),
            ("lines", self.lines, LINES),
            ("window", self.window, tuple(ENBW_BINS)),
            ("coupling", self.coupling, ("DC", "AC")),
            ("low terminal", self.low, ("FLO", "GRO")),
            ("format", self.format, ("real64", "ascii")),
        ):
            if value not in allowed:
                raise LimitError(f"35670A: {what} {value}; allowed: {', '.join(map(str, allowed))}")
        self._check_whole("averages", self.averages, 1, MOST_AVERAGES)
        self._check_whole("overlap in percent", self.overlap_percent, 0, LARGEST_OVERLAP_PERCENT)

    @property
    def spacing_hz(self) -> float:
        """Get the distance of two lines."""
        return self.span_hz / self.lines

    @property
    def record_s(self) -> float:
        """Get the duration of one record (PROG: lines by span)."""
        return self.lines / self.span_hz

    @property
    def shortest_s(self) -> float:
        """Get how long the averages take at least; longer above the real-time limit and for settling."""
        return self.averages * self.record_s * (1 - self.overlap_percent / 100)

    @property
    def longest_s(self) -> float:
        """Get how long to wait for the averages before they are given up: generous, no overlap assumed."""
        slower = SLOWER if self.span_hz <= REAL_TIME_HZ else SLOWER_ABOVE_REAL_TIME
        return SLACK_S + slower * self.record_s * (self.averages + SETTLING_RECORDS)

    def _hint(self) -> str:
        if not 0 < self.span_hz < math.inf:
            return ""
        nearest = min(SPANS_HZ, key=lambda span_hz: abs(math.log(span_hz / self.span_hz)))
        return f", for example {nearest:.10g} Hz"

    @staticmethod
    def _check_whole(what: str, value: int, low: int, high: int) -> None:
        if type(value) is not int or not low <= value <= high:
            raise LimitError(f"35670A: {what} {value}; allowed: whole numbers from {low} to {high}")


def configuration(settings: NoiseSettings) -> tuple[str, ...]:
    """Get the commands in the order they are sent, each short enough for the input buffer."""
    return (
        "INIT:CONT OFF",
        "CAL:AUTO OFF",
        "INST:SEL FFT",
        "INP2 OFF",
        f"INP1:COUP {settings.coupling}",
        f"INP1:LOW {settings.low}",
        "INP1:BIAS OFF",
        "REJ:STAT OFF",  # with it a run on an overloaded input may never end
        "TRIG:SOUR IMM",
        "FREQ:SPAN:LINK STAR",  # after *RST the centre is kept instead, and the start moves (PROG)
        f"FREQ:RES {settings.lines}",
        "FREQ:STAR 0",
        f"FREQ:SPAN {format_number(settings.span_hz)}",
        f"SWE:OVER {settings.overlap_percent}",
        f"WIND {settings.window}",
        "AVER:TYPE RMS",
        f"AVER:COUN {settings.averages}",
        "AVER:TCON FRE",
        "AVER ON",
        f"VOLT1:RANG {settings.range_dbvrms} DBVRMS",
        "CALC1:FEED 'XFR:POW 1'",
        "CALC1:FORM MLIN",
        f'CALC1:UNIT:VOLT "{DENSITY_UNIT}"',
        "CALC1:UNIT:AMPL RMS",
        "FORM REAL,64" if settings.format == "real64" else "FORM ASC,12",
        # the end of the averages is the fall of their bit; an event cannot be missed between two looks, a state can
        f"STAT:OPER:PTR {CALIBRATING}",
        f"STAT:OPER:NTR {AVERAGING}",
    )


def expectations(settings: NoiseSettings) -> dict[str, Callable[[str], bool]]:
    """Get what each setting that matters must read back as."""

    def near(value: float) -> Callable[[str], bool]:
        return lambda text: math.isclose(parse_number(text), value, rel_tol=SPAN_TOLERANCE, abs_tol=1e-9)

    def whole(value: int) -> Callable[[str], bool]:
        return lambda text: parse_whole(text) == value

    def name(value: str) -> Callable[[str], bool]:
        return lambda text: parse_name(text) == value

    def string(value: str) -> Callable[[str], bool]:
        return lambda text: parse_string(text) == value

    return {
        "INST:SEL?": name("FFT"),
        "INIT:CONT?": whole(0),
        "CAL:AUTO?": whole(0),
        "INP1:BIAS?": whole(0),
        "REJ:STAT?": whole(0),
        "TRIG:SOUR?": name("IMM"),
        "AVER:TCON?": name("FRE"),
        "CALC1:FEED?": string("XFR:POW 1"),  # how the reply is spelt is in no document
        "FREQ:SPAN?": near(settings.span_hz),
        "FREQ:STAR?": near(0.0),
        "FREQ:RES?": near(settings.lines),
        "SWE:TIME?": near(settings.record_s),
        "SWE:OVER?": near(settings.overlap_percent),
        "WIND?": name(settings.window),
        "AVER?": whole(1),
        "AVER:TYPE?": name("RMS"),
        "AVER:COUN?": near(settings.averages),
        "INP1:COUP?": name(settings.coupling),
        "INP1:LOW?": name(settings.low),
        "VOLT1:RANG? UNIT": string("DBVRMS"),
        "VOLT1:RANG?": near(settings.range_dbvrms),
        "VOLT1:RANG:AUTO?": whole(0),
        "CALC1:FORM?": name("MLIN"),
        "CALC1:UNIT:VOLT?": string(DENSITY_UNIT),
        "CALC1:UNIT:AMPL?": name("RMS"),
    }


SETTINGS = (
    "*IDN?",
    "INST:SEL?",
    "INP1:COUP?",
    "INP1:LOW?",
    "INP1:BIAS?",
    "VOLT1:RANG?",
    "VOLT1:RANG:AUTO?",
    "FREQ:STAR?",
    "FREQ:SPAN?",
    "FREQ:RES?",
    "SWE:TIME?",
    "SWE:OVER?",
    "WIND?",
    "AVER?",
    "AVER:TYPE?",
    "AVER:COUN?",
    "AVER:TCON?",
    "REJ:STAT?",
    "TRIG:SOUR?",
    "INIT:CONT?",
    "CAL:AUTO?",
    "CALC1:FEED?",
    "CALC1:FORM?",
    "CALC1:UNIT:VOLT?",
    "CALC1:UNIT:AMPL?",
)
"""Stored with a run."""
