"""Watches the clocks of the computer during a run: a date that is set, a computer that sleeps or stands still."""

from dataclasses import dataclass

from xraydaq.clock import Clock

STEP_S = 1.0
HOLE_S = 10.0
"""Nobody looked for so long: the program, or the whole virtual computer, was stopped."""


@dataclass(frozen=True)
class Oddity:
    """What the clocks show. `ends_run`: readings are missing for a time that nobody watched."""

    kind: str
    message: str
    ends_run: bool


class ClockWatch:
    """Compares three clocks from one `look` to the next: monotonic time, the date, and time spent asleep."""

    def __init__(self, wall: Clock) -> None:
        self._wall = wall
        self._last = self._read()

    def _read(self) -> tuple[float, float, float]:
        return self._wall.now(), self._wall.utc(), self._wall.asleep_s()

    def look(self) -> list[Oddity]:
        """Get what has happened since the last look."""
        before, self._last = self._last, self._read()
        now_s, utc_s, asleep_s = (new - old for new, old in zip(self._last, before, strict=True))
        found = []
        if asleep_s > STEP_S:
            found.append(Oddity("suspended", f"the computer was suspended for {asleep_s:.0f} s", ends_run=True))
        if now_s > HOLE_S:
            found.append(Oddity("stood_still", f"the program stood still for {now_s:.0f} s", ends_run=True))
        step_s = utc_s - now_s - asleep_s
        if abs(step_s) > STEP_S:
            message = f"the date of the computer was changed by {step_s:+.0f} s; times of readings are not affected"
            found.append(Oddity("clock_step", message, ends_run=False))
        return found
