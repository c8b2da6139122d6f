"""What every experiment shares: a schedule without drift, waits that a stop interrupts, the way back.

A procedure is a pymeasure `Procedure`. The runner attaches a `RunContext` before it starts it; nothing here knows
whether the bench is simulated.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Event
from typing import ClassVar

from pymeasure.experiment import Procedure

from xraydaq.bench import OpenBench
from xraydaq.clock import Clock
from xraydaq.config import RunConfig
from xraydaq.errors import RunFailed, StoppedByUser
from xraydaq.safety import WayBack
from xraydaq.storage import Column


@dataclass(frozen=True)
class RunContext:
    """What a run hands to its procedure: the bench it owns, its clock, its stop event and where to note events."""

    bench: OpenBench
    clock: Clock
    stop: Event
    config: RunConfig
    note: Callable[[str, str, str], None]
    """Store an event: kind, message, severity (``info``, ``warning``, ``error``)."""
    snapshot: Callable[[str], None]
    """Store the settings of every instrument at a moment (``start``)."""


@dataclass(frozen=True, slots=True)
class Phase:
    """One part of a plan: what is applied, for how long, and how many readings it takes."""

    name: str
    bias_v: float
    duration_s: float
    points: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will do, computed without opening anything."""

    phases: tuple[Phase, ...]
    ramp_s: float

    @property
    def points(self) -> int:
        """Get the number of readings."""
        return sum(phase.points for phase in self.phases)

    @property
    def duration_s(self) -> float:
        """Get the time from the first reading to the output being off."""
        return sum(phase.duration_s for phase in self.phases) + self.ramp_s


class BenchProcedure(Procedure):  # type: ignore[misc]  # pymeasure is untyped
    """Base of the experiments: subclasses define `COLUMNS`, `plan`, `prepare` and `measure`."""

    COLUMNS: ClassVar[tuple[Column, ...]] = ()
    context: RunContext

    def attach(self, context: RunContext) -> None:
        """Hand over what the run owns; called once, before `startup`."""
        self.context = context
        self.way_back = WayBack()
        self.way_back_failures: tuple[str, ...] = ()
        self.start_s = math.nan

    def startup(self) -> None:
        """Register the way back, then prepare the instruments."""
        self.start_s = self.context.clock.now()
        self.prepare(self.way_back)
        self.context.snapshot("start")

    def execute(self) -> None:
        """Measure; the runner takes the way back whatever happens here."""
        self.measure_all()

    def shutdown(self) -> None:
        """Take the way back. Never raises: failures are stored as events and returned by `way_back_failures`."""
        self.way_back_failures = self.way_back.take()
        for failure in self.way_back_failures:
            self.context.note("way_back_failed", failure, "error")

    def prepare(self, way_back: WayBack) -> None:
        """Configure the instruments, after their way back is registered."""
        raise NotImplementedError

    def measure_all(self) -> None:
        """Take every reading of the plan."""
        raise NotImplementedError

    @property
    def elapsed_s(self) -> float:
        """Get the seconds since the run started, on the monotonic clock."""
        return self.context.clock.now() - self.start_s

    def wait_until(self, time_s: float) -> None:
        """Wait for a moment of the run's clock; a stop ends the wait at once.

        Raises:
            StoppedByUser: a stop was requested.
        """
        clock = self.context.clock
        if self.context.clock.wait(self.context.stop, time_s - clock.now()) or self.context.stop.is_set():
            raise StoppedByUser("stopped by request")

    def schedule(self, points: int, period_s: float) -> Iterator[float]:
        """Yield at each moment of a grid that starts now: the error of one reading never adds to the next.

        A slot that has wholly passed before it could begin is skipped and noted, not squeezed in late.
        """
        clock = self.context.clock
        first_s = clock.now()
        missed = 0
        for index in range(points):
            slot_s = first_s + index * period_s
            if clock.now() >= slot_s + period_s and index + 1 < points:
                missed += 1
                continue
            if missed:
                self.context.note("slots_missed", f"{missed} readings were not taken: the bench was late", "warning")
                missed = 0
            self.wait_until(slot_s)
            yield slot_s


class BadReadings:
    """Counts bad readings in a row and ends the run at the third."""

    LIMIT = 3

    def __init__(self) -> None:
        self._in_a_row = 0

    def good(self) -> None:
        """Note a reading that could be used."""
        self._in_a_row = 0

    def bad(self, error: Exception) -> None:
        """Note a reading that could not.

        Raises:
            RunFailed: it was the third in a row.
        """
        self._in_a_row += 1
        if self._in_a_row >= self.LIMIT:
            raise InstrumentLost(f"{self.LIMIT} readings in a row failed; the last: {error}") from error


class InstrumentLost(RunFailed):
    """An instrument stopped giving usable readings."""

    exit_code = 4
