"""What every experiment shares: a plan, a schedule without drift, waits that a stop interrupts, the way back.

A procedure is a pymeasure `Procedure`. The runner attaches a `RunContext` before it starts it; nothing here knows
whether the bench is simulated.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pymeasure.experiment import Procedure

from xraydaq.bench import OpenBench
from xraydaq.clock import Clock
from xraydaq.config import RunConfig
from xraydaq.errors import RunFailed, StoppedByUser
from xraydaq.safety import WayBack
from xraydaq.safety.guard_events import Arm
from xraydaq.storage import Column

if TYPE_CHECKING:
    from xraydaq.analysis.values import Floats

CHECKPOINT = "checkpoint"
"""Kind of the event that says that a part of the plan is complete: its message is the part's key."""

TENDING_S = 0.5
"""At most so long nobody looks after what must be looked after: the tube trips when its host is silent for 2 s."""


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
    block: Callable[[str, Mapping[str, Any], "Floats"], None]
    """Store an array that is no row, a spectrum: name, header, values."""
    arm: Arm | None = None
    """Who takes the responsibility for a beam, and how much of it; None: nobody does."""

    done: frozenset[str] = frozenset()
    """Checkpoints that an earlier segment of this run has passed."""
    elapsed_before_s: float = 0.0
    """Time of the run that had passed when this segment began, 0 for the first."""


@dataclass(frozen=True, slots=True)
class Phase:
    """One part of a plan: what is applied, for how long, and how many readings it takes."""

    name: str
    bias_v: float
    duration_s: float
    points: int
    at: str = ""
    """What is applied, in words; empty: the bias."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will do, computed without opening anything."""

    phases: tuple[Phase, ...]
    ramp_s: float
    """Time of all changes of bias."""
    details: tuple[tuple[str, str], ...] = ()
    """(label, text) lines that describe the settings."""
    beam_s: float = 0.0
    """Time with X-rays on, warm-up included."""
    dose_gy: float = 0.0
    """Air kerma at the crystal, by the calibration; 0 without a beam."""
    warnings: tuple[str, ...] = ()
    """What the physics will not allow although the limits do: a current under the range accuracy, for one."""

    @property
    def points(self) -> int:
        """Get the number of readings."""
        return sum(phase.points for phase in self.phases)

    @property
    def duration_s(self) -> float:
        """Get the time from the first reading to the output being off."""
        return sum(phase.duration_s for phase in self.phases) + self.ramp_s


@dataclass
class Tended:
    """What must be looked after while a procedure waits, and when that was done last."""

    look: Callable[[], None]
    last_s: float = field(default=-math.inf)


class BenchProcedure(Procedure):  # type: ignore[misc]  # pymeasure is untyped
    """Base of the experiments: subclasses define `COLUMNS`, `plan`, `prepare` and `measure_all`."""

    COLUMNS: ClassVar[tuple[Column, ...]] = ()
    DATA_COLUMNS: ClassVar[list[str]] = []
    SIGNAL: ClassVar[str] = "current"
    """Column of the file's default plot."""
    AXES: ClassVar[tuple[str, ...]] = ("elapsed",)
    context: RunContext
    way_back_failures: tuple[str, ...] = ()
    """What of the way back failed; known before there is a way back, since opening the bench may fail as well."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.DATA_COLUMNS = [column.name for column in cls.COLUMNS]

    @classmethod
    def plan(cls, config: RunConfig) -> Plan:
        """Compute what a run will do; opens nothing."""
        raise NotImplementedError

    @classmethod
    def from_config(cls, config: RunConfig) -> Self:
        """Build the procedure of a checked configuration."""
        procedure = cls()
        wanted = config.recipe.parameters
        values = {name: getattr(wanted, name) for name in type(wanted).model_fields}
        procedure.set_parameters({name: value for name, value in values.items() if value is not None})
        return procedure

    def attach(self, context: RunContext) -> None:
        """Hand over what the run owns; called once, before `startup`."""
        self.context = context
        self.way_back = WayBack()
        self.way_back_failures = ()
        self.start_s = math.nan
        self._tended: list[Tended] = []

    def startup(self) -> None:
        """Register the way back, then prepare the instruments."""
        self.start_s = self.context.clock.now() - self.context.elapsed_before_s
        self.prepare(self.way_back)
        self.context.snapshot("start")

    def execute(self) -> None:
        """Measure; the runner takes the way back whatever happens here."""
        self.measure_all()

    def shutdown(self) -> None:
        """Take the way back. Never raises: failures are stored as events and returned by `way_back_failures`."""
        self._tended.clear()
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

    def emit_row(self, **values: float) -> None:
        """Store a row, by the names of the columns.

        Raises:
            KeyError: a column is missing.
        """
        self.emit("results", {name: values[name] for name in self.DATA_COLUMNS})

    def phase(self, name: str, text: str = "") -> None:
        """Note that a part of the plan begins."""
        self.context.note("phase", f"{name}: {text}" if text else name, "info")

    def is_done(self, key: str) -> bool:
        """Tell whether an earlier segment of this run has completed a part of the plan."""
        return key in self.context.done

    def checkpoint(self, key: str) -> None:
        """Note that a part of the plan is complete: a resumed run will not repeat it."""
        self.context.note(CHECKPOINT, key, "info")

    def tend(self, look: Callable[[], None]) -> None:
        """Have `look` called at least every half second while this procedure waits; it may raise."""
        self._tended.append(Tended(look))

    def look_after(self) -> None:
        """Call what must be tended and was not for half a second; between readings, where nothing else waits."""
        now_s = self.context.clock.now()
        for each in self._tended:
            if now_s - each.last_s >= TENDING_S:
                each.last_s = now_s
                each.look()

    def look_now(self) -> None:
        """Call what must be tended although it is not due, so that it is not for half a second."""
        for each in self._tended:
            each.last_s = -math.inf
        self.look_after()

    def wait_until(self, time_s: float) -> None:
        """Wait for a moment of the run's clock, looking after what must be tended; a stop ends the wait at once.

        Raises:
            StoppedByUser: a stop was requested.
        """
        clock, stop = self.context.clock, self.context.stop
        self.look_after()
        while self._tended and time_s - clock.now() > TENDING_S:
            if clock.wait(stop, TENDING_S) or stop.is_set():
                raise StoppedByUser("stopped by request")
            self.look_after()
        if clock.wait(stop, time_s - clock.now()) or stop.is_set():
            raise StoppedByUser("stopped by request")

    def wait(self, duration_s: float) -> None:
        """Wait for a time of the run's clock, as `wait_until`."""
        self.wait_until(self.context.clock.now() + duration_s)

    def schedule(self, points: int, period_s: float, first_s: float | None = None) -> Iterator[float]:
        """Yield at each moment of a grid: the error of one reading never adds to the next.

        It starts now, or has started at `first_s`. A slot that has wholly passed before it could begin is skipped and
        noted, not squeezed in late.
        """
        clock = self.context.clock
        first_s = clock.now() if first_s is None else first_s
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

    @property
    def any(self) -> bool:
        """Get whether the last reading could not be used."""
        return self._in_a_row > 0

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
