"""What one trigger can do: bursts at the present level, list sweeps, linear sweeps; as commands and their undoing.

UM is the Series 2400 SourceMeter User's Manual, 2400S-900-01.
"""

from dataclasses import dataclass
from typing import Protocol

from instruments.keithley2400.link import Link
from instruments.wire.keithley2400 import format_level_list, format_number, parse_whole
from xraydaq.errors import InstrumentError, LimitError

MOST_READINGS = 2500  # UM, trigger model: arm count times trigger count
LONGEST_DELAY_S = 999.9999  # UM, source delay and trigger delay


class Run(Protocol):
    """What one trigger does: how many readings, at which levels, and the settings that are changed for it."""

    @property
    def points(self) -> int:
        """Get the number of readings."""

    @property
    def wait_s(self) -> float:
        """Get the delay before each reading, beyond the automatic one."""

    @property
    def levels_v(self) -> tuple[float, ...]:
        """Get the level of each reading, nothing if the level stays."""

    def commands(self) -> tuple[str, ...]:
        """Get what is set before."""

    def undo(self, range_v: float, level_v: float) -> tuple[str, ...]:
        """Get what is set afterwards: the source, with its range and level from before, comes first."""

    def check(self, link: Link) -> None:
        """Make sure that the instrument has the points."""


@dataclass(frozen=True, slots=True)
class Burst:
    """Readings at the present level."""

    points: int
    wait_s: float
    levels_v: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        _check_points(self.points, 1)
        _check_delay(self.wait_s)

    def commands(self) -> tuple[str, ...]:
        return (f":TRIG:DEL {format_number(self.wait_s)}",)

    def undo(self, range_v: float, level_v: float) -> tuple[str, ...]:  # noqa: ARG002  # a burst leaves the source alone
        return (":TRIG:DEL 0",)

    def check(self, link: Link) -> None:
        """Nothing to check: the count was set."""


@dataclass(frozen=True, slots=True)
class ListSweep:
    """One reading at each level of a list."""

    levels_v: tuple[float, ...]
    delay_s: float | None

    def __post_init__(self) -> None:
        _check_points(len(self.levels_v), 1)
        _check_delay(self.wait_s)

    @property
    def points(self) -> int:
        return len(self.levels_v)

    @property
    def wait_s(self) -> float:
        return 0.0 if self.delay_s is None else self.delay_s

    def commands(self) -> tuple[str, ...]:
        return (*_delay(self.delay_s), *_FIXED_RANGE, *format_level_list(self.levels_v), ":SOUR:VOLT:MODE LIST")

    def undo(self, range_v: float, level_v: float) -> tuple[str, ...]:
        return _back_to_fixed(range_v, level_v)

    def check(self, link: Link) -> None:
        _check_count(link, ":SOUR:LIST:VOLT:POIN?", self.points)


@dataclass(frozen=True, slots=True)
class LinearSweep:
    """One reading at each of equal steps from start to stop."""

    start_v: float
    stop_v: float
    points: int
    delay_s: float | None

    def __post_init__(self) -> None:
        _check_points(self.points, 2)
        _check_delay(self.wait_s)
        if self.start_v == self.stop_v:
            raise LimitError(f"Keithley 2400: a linear sweep from {self.start_v} V to itself; take a burst")

    @property
    def wait_s(self) -> float:
        return 0.0 if self.delay_s is None else self.delay_s

    @property
    def levels_v(self) -> tuple[float, ...]:
        span_v, last = self.stop_v - self.start_v, self.points - 1
        return (*(self.start_v + span_v * index / last for index in range(last)), self.stop_v)

    def commands(self) -> tuple[str, ...]:
        return (
            *_delay(self.delay_s),
            *_FIXED_RANGE,
            ":SOUR:SWE:SPAC LIN",
            ":SOUR:SWE:DIR UP",  # from start to stop, whichever is higher
            f":SOUR:VOLT:STAR {format_number(self.start_v)}",
            f":SOUR:VOLT:STOP {format_number(self.stop_v)}",
            f":SOUR:SWE:POIN {self.points}",  # after both ends: sets the step (UM, sweep configuration)
            ":SOUR:VOLT:MODE SWE",
        )

    def undo(self, range_v: float, level_v: float) -> tuple[str, ...]:
        return _back_to_fixed(range_v, level_v)

    def check(self, link: Link) -> None:
        _check_count(link, ":SOUR:SWE:POIN?", self.points)


# on the range that is set, and to the end even in compliance: whoever reads the status decides
_FIXED_RANGE = (":SOUR:SWE:RANG FIX", ":SOUR:SWE:CAB NEV")


def _back_to_fixed(range_v: float, level_v: float) -> tuple[str, ...]:
    # which range and level the source keeps after a sweep is not verified in a document, so they are set
    return (
        ":SOUR:VOLT:MODE FIX",
        f":SOUR:VOLT:RANG {format_number(range_v)}",
        f":SOUR:VOLT {format_number(level_v)}",
        ":SOUR:DEL:AUTO ON",
    )


def _delay(delay_s: float | None) -> tuple[str, ...]:
    return (":SOUR:DEL:AUTO ON",) if delay_s is None else (f":SOUR:DEL {format_number(delay_s)}",)


def _check_points(points: int, fewest: int) -> None:
    if not fewest <= points <= MOST_READINGS or points != int(points):
        raise LimitError(f"Keithley 2400: {points} readings by one trigger; allowed: {fewest} to {MOST_READINGS}")


def _check_delay(delay_s: float) -> None:
    if not 0 <= delay_s <= LONGEST_DELAY_S:
        raise LimitError(f"Keithley 2400: a delay of {delay_s} s; allowed: 0 to {LONGEST_DELAY_S} s")


def _check_count(link: Link, query: str, points: int) -> None:
    found = parse_whole(link.query(query)[0])
    if found != points:
        raise InstrumentError(f"{link.name}: {query} answers {found} after {points} points were set")
