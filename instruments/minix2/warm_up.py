"""Whether a tube needs a warm-up, and how one gets on (Amptek Programmer's Guide Rev B3: "PG")."""

from dataclasses import dataclass

from instruments.wire.minix2 import FaultCode, TimestampRecord, TubeStatus, WarmUpKind, WarmUpTable

DAILY_AFTER_S = 24 * 3600.0  # PG, warm-up
MONTHLY_AFTER_S = 30 * 24 * 3600.0  # PG, warm-up
CLOCK_SLACK_S = 24 * 3600.0
"""A date in the future by less may have been written as local time; by more, nothing is known."""

LEAST_SHARE = 0.9
"""Of its time, that a finished warm-up must have lasted: one cut short must not pass for one."""


@dataclass(frozen=True)
class WarmUpProgress:
    """How far a warm-up is; neither running nor complete means that it was cut short."""

    kind: WarmUpKind
    running: bool
    complete: bool
    step: int | None
    remaining_s: int


@dataclass(frozen=True)
class StartedWarmUp:
    """A warm-up this connection started, and what its end is judged by."""

    kind: WarmUpKind
    table: WarmUpTable
    started_s: float
    previous_fault: FaultCode

    def progress(self, status: TubeStatus, now_s: float) -> WarmUpProgress:
        """Judge a status."""
        running = status.warm_up
        if running is not None:
            later = self.table.steps(self.kind)[running.step + 1 :]
            remaining_s = running.remaining_in_step_s + sum(step.duration_s for step in later)
            return WarmUpProgress(self.kind, True, False, running.step, remaining_s)
        long_enough = now_s - self.started_s >= LEAST_SHARE * self.table.duration_s(self.kind)
        untroubled = status.previous_fault in (self.previous_fault, FaultCode.NONE, FaultCode.WARM_UP_COMPLETE)
        complete = long_enough and untroubled and not status.fault.is_fault
        return WarmUpProgress(self.kind, False, complete, None, 0)


def due(last_on_utc_s: float | None, utc_s: float) -> WarmUpKind | None:
    """Get which warm-up a tube needs that was last on then; None for never on, or not known."""
    if last_on_utc_s is None:
        return "monthly"
    off_s = utc_s - last_on_utc_s
    if not -CLOCK_SLACK_S <= off_s <= MONTHLY_AFTER_S:
        return "monthly"
    return "daily" if off_s > DAILY_AFTER_S else None


def latest_on_utc_s(remembered_utc_s: float | None, record: TimestampRecord) -> float | None:
    """Get when the tube was last on, after a new date was written over what `remembered_utc_s` keeps.

    Assumed: the lag of a record stays zero until the tube is switched off.
    """
    if record.last_on_utc_s is None:
        return remembered_utc_s
    return max(record.last_on_utc_s, record.last_on_utc_s if remembered_utc_s is None else remembered_utc_s)
