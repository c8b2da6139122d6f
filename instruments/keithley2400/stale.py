"""Recognises a reading that was taken before it was asked for, by the instrument's own time stamp.

UM is the Series 2400 SourceMeter User's Manual, 2400S-900-01.
"""

import math

from instruments.wire.keithley2400 import CLOCK_WRAP_S
from xraydaq.errors import WireError

CLOCK_DRIFT = 1e-3
"""Generous: the manual calls the time stamps approximate (UM, timestamp)."""

SLACK_S = 1.0


def printed_step_s(time_s: float) -> float:
    """Get the last digit of a time stamp: seven are printed, 1 us below 10 s and 10 ms above 10 000 s."""
    return 1e-6 if time_s < 10 else float(10.0 ** (math.floor(math.log10(time_s)) - 6))


class StaleGuard:
    """Remembers the last reading; the next must be a later one."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget: the instrument's clock was reset."""
        self._line = ""
        self._time_s = -math.inf
        self._seen_s = -math.inf

    def check(self, line: str, time_s: float, *, now_s: float, conversion_s: float) -> None:
        """Accept a reading, or refuse one that is not later than the last.

        Two different rows may show one stamp if the conversion is shorter than the last printed digit.

        Raises:
            WireError: it was there before it was asked for.
        """
        same_digit = time_s == self._time_s and line != self._line and conversion_s <= printed_step_s(time_s)
        if not (time_s > self._time_s or same_digit or self._has_wrapped(time_s, now_s)):
            raise WireError(f"a reading stamped {time_s} s after one stamped {self._time_s} s", line.encode())
        self._line, self._time_s, self._seen_s = line, time_s, now_s

    def _has_wrapped(self, time_s: float, now_s: float) -> bool:
        """Get whether the stamp passed 99 999.999 s and began again at 0 since the last reading (UM, timestamp)."""
        longest_s = (now_s - self._seen_s) * (1 + CLOCK_DRIFT) + SLACK_S
        return time_s < self._time_s and self._time_s + longest_s >= CLOCK_WRAP_S and time_s <= longest_s
