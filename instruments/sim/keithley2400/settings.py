"""Every setting of the instrument with its value after ``*RST`` (User's Manual, appendix of default conditions)."""

import math
from dataclasses import dataclass, field

from instruments.sim.keithley2400.ranges import CURRENT, VOLTAGE, Range

ELEMENTS = ("VOLT", "CURR", "RES", "TIME", "STAT")
FUNCTIONS = ("VOLT", "CURR", "RES")
MAX_READINGS = 2500
INFINITE = math.inf
MAX_VOLTAGE = 210.0
MAX_CURRENT = 1.05
LOW_POWER_CURRENT = 0.105
"""Largest current on the 200 V range."""


@dataclass
class Source:
    """One of the two sources."""

    ranges: tuple[Range, ...]
    range: Range
    protection: float
    """Limit of the other quantity while this one is sourced: amperes for the voltage source, and vice versa."""
    level: float = 0.0
    triggered_level: float | None = None
    """Level for the next trigger, None: the immediate one."""
    range_auto: bool = True
    mode: str = "FIX"
    start: float = 0.0
    stop: float = 0.0
    points: list[float] = field(default_factory=lambda: [0.0])

    @property
    def next_level(self) -> float:
        """Get the level that the next trigger sets."""
        return self.level if self.triggered_level is None else self.triggered_level


@dataclass
class Sense:
    """One measure function's range."""

    range: Range
    range_auto: bool = True
    lower_limit: float = 0.0


@dataclass
class Layer:
    """One layer of the trigger model."""

    source: str = "IMM"
    count: float = 1
    delay_s: float = 0.0
    timer_s: float = 0.1
    output: str = "NONE"
    input_line: int = 1
    output_line: int = 2


def _voltage_source() -> Source:
    return Source(VOLTAGE, VOLTAGE[2], protection=1.05e-4)


def _current_source() -> Source:
    return Source(CURRENT, CURRENT[2], protection=21.0)


@dataclass
class Settings:
    """What ``*RST`` resets and ``*SAV`` keeps."""

    output: bool = False
    off_mode: str = "NORM"
    interlock_used: bool = False
    source_function: str = "VOLT"
    volt: Source = field(default_factory=_voltage_source)
    curr: Source = field(default_factory=_current_source)
    over_voltage: float = MAX_VOLTAGE
    delay_s: float = 0.0
    delay_auto: bool = True
    clear_auto: bool = False
    clear_auto_mode: str = "ALW"
    sweep_spacing: str = "LIN"
    sweep_points: int = MAX_READINGS
    sweep_direction: str = "UP"
    sweep_ranging: str = "BEST"
    sweep_abort: str = "NEV"
    functions: tuple[str, ...] = ("CURR",)
    concurrent: bool = True
    sense_curr: Sense = field(default_factory=lambda: Sense(CURRENT[2], lower_limit=1e-6))
    sense_volt: Sense = field(default_factory=lambda: Sense(VOLTAGE[2], lower_limit=0.21))
    sense_ohms: float = 2.1e5
    ohms_auto_range: bool = True
    ohms_auto: bool = True
    synchronised_range: bool = False
    nplc: float = 1.0
    filter: bool = False
    filter_kind: str = "REP"
    filter_count: int = 10
    autozero: bool = True
    remote_sense: bool = False
    guard: str = "CABL"
    terminals: str = "FRON"
    arm: Layer = field(default_factory=Layer)
    trigger: Layer = field(default_factory=lambda: Layer(output_line=2))
    elements: tuple[str, ...] = ELEMENTS
    data_format: str = "ASC"
    byte_order: str = "NORM"
    register_format: str = "ASC"
    display: bool = True
    digits: int = 6
    time_reset_auto: bool = False
    math_format: str = "MEAN"
    digital_out: int = 15

    @property
    def source(self) -> Source:
        """Get the source in use."""
        return self.volt if self.source_function == "VOLT" else self.curr


@dataclass
class Kept:
    """What ``*RST`` leaves alone: buffer, status enables, line frequency, beeper, power-on choices."""

    trace_points: int = 100
    trace_feed: str = "SENS"
    trace_control: str = "NEV"
    trace_stamp: str = "ABS"
    line_frequency: int = 50
    line_frequency_auto: bool = True
    beeper: bool = True
    power_on: str = "RST"
    service_enable: int = 0
    standard_enable: int = 0
    measurement_enable: int = 0
    operation_enable: int = 0
    questionable_enable: int = 0
