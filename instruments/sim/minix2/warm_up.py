"""The warm-up programs of the controller, and how long the tube has truly rested."""

import math
from dataclasses import dataclass

from instruments.sim.minix2.unit import STEPS_OF_A_KIND

DAILY, MONTHLY = 0, 1
NAMES = ("daily", "monthly")
DAY_S = 86400.0
MONTH_S = 30 * DAY_S


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the warm-up table."""

    kv: int
    ua: int
    seconds: int


class WarmUp:
    """A program under way: its step and when that ends."""

    def __init__(self, table: bytes, kind: int, now_s: float) -> None:
        rows = [table[at : at + 4] for at in range(0, len(table), 4)]
        self._steps = [Step(row[0], row[1], int.from_bytes(row[2:], "big")) for row in rows]
        self.kind = kind
        self.number = kind * STEPS_OF_A_KIND
        """As in the status: 0 to 5 daily, 6 to 11 monthly."""

        self.step_ends_s = now_s + self.step.seconds

    @property
    def step(self) -> Step:
        """Get the present step."""
        return self._steps[self.number]

    def next(self) -> bool:
        """Go to the next step; False at the end."""
        if self.number + 1 == (self.kind + 1) * STEPS_OF_A_KIND:
            return False
        self.number += 1
        self.step_ends_s += self.step.seconds
        return True

    def left_s(self, now_s: float) -> int:
        """Get the whole seconds left in the step."""
        return max(math.ceil(self.step_ends_s - now_s), 0)


class Rest:
    """What the tube needs before it is used; the controller itself does not ask for it."""

    def __init__(self, last_off_s: float) -> None:
        """`last_off_s` is on the bench clock and minus infinity for a new tube."""
        self._last_off_s = last_off_s
        self._owed = -1
        self._is_on = False
        self.skipped_s: list[float] = []
        """Moments at which the tube was switched on although a warm-up was due."""

    def due(self, now_s: float) -> str | None:
        """Get ``daily``, ``monthly`` or None."""
        owed = self._owed_at(now_s)
        return None if owed < 0 else NAMES[owed]

    def on(self, now_s: float, *, warming: bool) -> None:
        """Be told that the tube goes on."""
        if self._is_on:
            return
        self._owed = self._owed_at(now_s)
        self._is_on = True
        if self._owed >= 0 and not warming:
            self.skipped_s.append(now_s)

    def off(self, now_s: float) -> None:
        """Be told that the tube goes off."""
        if self._is_on:
            self._is_on, self._last_off_s = False, now_s

    def warmed(self, kind: int) -> None:
        """Be told that a program ran to its end."""
        if kind >= self._owed:
            self._owed = -1

    def _owed_at(self, now_s: float) -> int:
        rested_s = 0.0 if self._is_on else now_s - self._last_off_s
        fresh = MONTHLY if rested_s > MONTH_S else DAILY if rested_s > DAY_S else -1
        return max(self._owed, fresh)
