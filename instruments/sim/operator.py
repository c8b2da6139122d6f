"""The person at a simulated bench, as a line that other programs may dial into.

It exists on simulated benches only: ``DO open_lid`` is answered by ``DONE``. It does at once what it is told to.
"""

from collections import deque
from collections.abc import Callable, Mapping

from instruments.sim.device import Reply

Deed = Callable[[float, str], None]
"""Does something at a moment of the bench clock; raises ValueError for a value that cannot be."""


class SimOperator:
    """A device with one verb. `deeds` are what the person knows how to do."""

    terminator = b"\n"
    baud: int | None = None
    keeps_unread = True

    def __init__(self, deeds: Mapping[str, Deed]) -> None:
        self._deeds = deeds
        self._partial = b""
        self._outbox: deque[Reply] = deque()
        self.refused: list[str] = []

    def receive(self, data: bytes, now_s: float) -> None:
        """Take bytes from the host."""
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            self._outbox.append(Reply(self._answer(line.decode("ascii", "replace"), now_s).encode() + b"\n", now_s))

    def _answer(self, line: str, now_s: float) -> str:
        if line.strip() == "*IDN?":
            return "SIMULATED,OPERATOR,0,0"
        verb, _, rest = line.strip().partition(" ")
        kind, _, value = rest.partition(" ")
        if verb != "DO" or kind not in self._deeds:
            self.refused.append(line)
            return f"UNKNOWN; allowed: DO {'|'.join(self._deeds)}"
        try:
            self._deeds[kind](now_s, value)
        except ValueError as error:
            self.refused.append(line)
            return f"IMPOSSIBLE: {error}"
        return "DONE"

    def replies(self, _now_s: float) -> list[Reply]:
        """Give all replies made by now."""
        found = list(self._outbox)
        self._outbox.clear()
        return found

    def next_s(self) -> float | None:
        """Get when something will happen by itself: never."""
        return None

    def clear(self, _now_s: float) -> None:
        """Forget what was said."""
        self._partial = b""
        self._outbox.clear()

    def serial_poll(self, _now_s: float) -> int:
        """Get the status byte: there is none."""
        return 0

    def unread(self, _now_s: float) -> None:
        """Nothing depends on it."""

    def unasked(self, _now_s: float) -> None:
        """Nothing depends on it."""
