"""Time as an argument: real, scaled and jumping clocks.

The only module that calls `time`. Durations are differences of `now`, which is monotonic; the date comes
from `utc` and is recorded, never subtracted.
"""

import math
import threading
import time
from typing import Protocol


class Clock(Protocol):
    """What code that waits or measures durations is given."""

    simulated: bool

    def now(self) -> float:
        """Get monotonic seconds from an arbitrary origin."""

    def utc(self) -> float:
        """Get seconds since 1970-01-01T00:00:00Z of the date this clock shows."""

    def sleep(self, duration_s: float) -> None:
        """Let `duration_s` seconds of this clock pass; zero or negative returns at once."""

    def sleep_until(self, time_s: float) -> None:
        """Return when `now` has reached `time_s`."""

    def wait(self, event: threading.Event, duration_s: float) -> bool:
        """Let `duration_s` pass unless `event` is set first; returns whether it is set."""

    def asleep_s(self) -> float:
        """Get for how long the computer has been suspended since it was started; `now` does not count that."""


def _checked(duration_s: float) -> float:
    if not math.isfinite(duration_s):
        raise ValueError(f"a duration must be finite, not {duration_s}")
    return max(duration_s, 0.0)


class ScaledClock:
    """Runs `factor` times as fast as real time (``--speed 600``).

    `start_utc_s` is the date shown at construction, by default the present one.
    """

    simulated = True

    def __init__(self, factor: float, start_utc_s: float | None = None) -> None:
        if not factor > 0 or not math.isfinite(factor):
            raise ValueError(f"a speed factor must be positive and finite, not {factor}")
        self.factor = factor
        self._origin_s = time.monotonic()
        self._start_utc_s = time.time() if start_utc_s is None else start_utc_s

    def now(self) -> float:
        return (time.monotonic() - self._origin_s) * self.factor

    def utc(self) -> float:
        return self._start_utc_s + self.now()

    def sleep(self, duration_s: float) -> None:
        time.sleep(_checked(duration_s) / self.factor)

    def sleep_until(self, time_s: float) -> None:
        self.sleep(time_s - self.now())

    def wait(self, event: threading.Event, duration_s: float) -> bool:
        return event.wait(_checked(duration_s) / self.factor)

    def asleep_s(self) -> float:
        return 0.0


class RealClock:
    """The bench's clock: the computer's monotonic clock and its date."""

    simulated = False

    def now(self) -> float:
        return time.monotonic()

    def utc(self) -> float:
        return time.time()

    def sleep(self, duration_s: float) -> None:
        time.sleep(_checked(duration_s))

    def sleep_until(self, time_s: float) -> None:
        self.sleep(time_s - self.now())

    def wait(self, event: threading.Event, duration_s: float) -> bool:
        return event.wait(_checked(duration_s))

    def asleep_s(self) -> float:
        if not hasattr(time, "CLOCK_BOOTTIME"):
            return 0.0  # not Linux: only the hole in the run is seen
        return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)


class JumpingClock:
    """Simulated time that moves only when somebody waits: 800 minutes pass as fast as they can be computed."""

    simulated = True

    def __init__(self, start_utc_s: float | None = None) -> None:
        self._now_s = 0.0
        self._start_utc_s = time.time() if start_utc_s is None else start_utc_s

    def now(self) -> float:
        return self._now_s

    def utc(self) -> float:
        return self._start_utc_s + self._now_s

    def sleep(self, duration_s: float) -> None:
        self._now_s += _checked(duration_s)

    def sleep_until(self, time_s: float) -> None:
        if not math.isfinite(time_s):
            raise ValueError(f"cannot wait until {time_s}")
        self._now_s = max(self._now_s, time_s)

    def wait(self, event: threading.Event, duration_s: float) -> bool:
        if event.is_set():
            return True
        self.sleep(duration_s)
        return event.is_set()

    def asleep_s(self) -> float:
        return 0.0
