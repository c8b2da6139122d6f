"""Keeps a warning that comes again and again from covering everything else."""

from dataclasses import dataclass

from xraydaq.clock import Clock

SHOWN_AT_FIRST = 5
THEN_EVERY_S = 60.0
ALL_SHOWN = ("configuration", "plan")
"""Kinds of what is known before a run: each comes once, however many there are."""


@dataclass
class _Kind:
    shown: int = 0
    withheld: int = 0
    next_s: float = 0.0


class Repeats:
    """Lets the first few warnings of each kind through, then one a minute that says how many it stands for."""

    def __init__(self, wall: Clock) -> None:
        self._wall = wall
        self._kinds: dict[str, _Kind] = {}

    def admit(self, kind: str, message: str) -> str | None:
        """Get the message to show, None when this one is only counted."""
        if kind in ALL_SHOWN:
            return message
        seen = self._kinds.setdefault(kind, _Kind())
        now_s = self._wall.now()
        if seen.shown >= SHOWN_AT_FIRST and now_s < seen.next_s:
            seen.withheld += 1
            return None
        seen.shown += 1
        seen.next_s = now_s + THEN_EVERY_S
        more, seen.withheld = seen.withheld, 0
        return f"{message} (and {more} before it)" if more else message

    def withheld(self) -> list[str]:
        """Get a line for each kind of which warnings were counted and not shown."""
        return [
            f"{kind}: {seen.withheld} more, all are in the file" for kind, seen in self._kinds.items() if seen.withheld
        ]
