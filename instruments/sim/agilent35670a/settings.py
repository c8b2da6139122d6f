"""Settings of the instrument and the values they may take (GPIB Programming, chapters on SENSe and CALCulate)."""

import math
from dataclasses import dataclass, field

ONE_CHANNEL_HZ, TWO_CHANNELS_HZ = 102.4e3, 51.2e3
HIGHEST_START_HZ = {True: 57.5e3, False: 115e3}
SPAN_HALVINGS = 19
LINES = (100, 200, 400, 800)
LOWEST_RANGE_DB, HIGHEST_RANGE_DB, RANGE_STEP_DB = -51, 27, 2
REAL_TIME_HZ = {True: 12.8e3, False: 25.6e3}
SLOWER_THAN_REAL_TIME = 3
"""Above the real-time bandwidth a record takes so many times as long as it lasts (assumed: two to four are told)."""
LARGEST_ZOOM = 64


@dataclass
class Trace:
    """One of the four traces: what is fed to it, and in which coordinates it is shown."""

    feed: str = "XFR:POW 1"
    form: str = "MLOG"
    voltage_unit: str = "V2"
    amplitude: str = "RMS"
    reference: str = "DBVRMS"


def _traces() -> list[Trace]:
    return [Trace(), Trace(form="REAL"), Trace(), Trace(form="REAL")]


@dataclass
class Settings:
    """What ``*RST`` brings to its default."""

    second_input: bool = True
    coupling: str = "DC"
    low_terminal: str = "FLO"
    bias_supply: bool = False
    a_weighting: bool = False
    alias_filter: bool = True
    range_db: int = LOWEST_RANGE_DB
    range_auto: bool = True
    range_direction: str = "EITH"
    average: bool = False
    average_type: str = "RMS"
    average_count: int = 10
    average_control: str = "FRE"
    fast_average: bool = False
    fast_average_rate: int = 5
    rejects_overload: bool = False
    overlap_percent: float = 0.0
    window: str = "FLAT"
    lines: int = 400
    lines_auto: bool = True
    span_hz: float = TWO_CHANNELS_HZ
    start_hz: float = 0.0
    span_link: str = "CENT"
    trigger_source: str = "IMM"
    continuous: bool = False
    calibration_auto: bool = False
    data_format: tuple[str, int] = ("ASC", 12)
    display: bool = True
    traces: list[Trace] = field(default_factory=_traces)

    @property
    def top_hz(self) -> float:
        """Get the widest span that the inputs in use allow."""
        return TWO_CHANNELS_HZ if self.second_input else ONE_CHANNEL_HZ

    @property
    def line_spacing_hz(self) -> float:
        """Get the distance of two lines."""
        return self.span_hz / self.lines

    @property
    def record_s(self) -> float:
        """Get how long a time record lasts."""
        return self.lines / self.span_hz

    @property
    def zoom(self) -> int:
        """Get how many spans there are from zero to the end of the span, rounded up."""
        return math.ceil((self.start_hz + self.span_hz) / self.span_hz - 1e-9)

    @property
    def samples(self) -> int:
        """Get the number of samples of a record; above the zero start it is transformed without mixing it down."""
        return round(2.56 * self.lines) * self.zoom

    @property
    def is_real_time(self) -> bool:
        """Tell whether records follow each other without gaps."""
        return self.span_hz <= REAL_TIME_HZ[self.second_input]

    @property
    def hop(self) -> int:
        """Get how many samples there are from the start of a record to the start of the next."""
        if not self.is_real_time:
            return self.samples * SLOWER_THAN_REAL_TIME
        return max(round(self.samples * (1 - self.overlap_percent / 100)), 1)

    @property
    def full_scale_v(self) -> float:
        """Get the peak that the range can take."""
        return full_scale_v(self.range_db)

    @property
    def wanted_records(self) -> int:
        """Get how many records one measurement takes."""
        return self.average_count if self.average else 1


def full_scale_v(range_db: int) -> float:
    """Get the peak of a range given in dB relative to 1 V rms."""
    return math.sqrt(2) * 10 ** (range_db / 20)


def allowed_span_hz(wanted_hz: float, top_hz: float) -> float:
    """Get the smallest span that is not below the wanted one."""
    spans = [top_hz / 2**halvings for halvings in range(SPAN_HALVINGS, -1, -1)]
    return next((span for span in spans if span >= wanted_hz * (1 - 1e-9)), top_hz)


def allowed_range_db(wanted_db: float) -> int:
    """Get the smallest range that is not below the wanted one."""
    steps = math.ceil((wanted_db - LOWEST_RANGE_DB) / RANGE_STEP_DB - 1e-6)
    return LOWEST_RANGE_DB + RANGE_STEP_DB * max(steps, 0)
