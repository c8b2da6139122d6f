"""SIGINT, SIGTERM and SIGHUP become a request to stop; a second one never skips the way back.

The handlers only note the signal. The main thread looks at the note and sets the stop event, because setting an event
inside a handler can deadlock with the interrupted code.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Handler = Callable[[int, FrameType | None], None] | signal.Handlers


class StopRequests:
    """The signals received so far, in order."""

    def __init__(self) -> None:
        self._received: list[int] = []
        self._announced = 0

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """Note a signal (the handler)."""
        self._received.append(number)

    @property
    def first(self) -> int | None:
        """Get the first signal received, None without one."""
        return self._received[0] if self._received else None

    def unannounced(self) -> int:
        """Get how many signals came in since the last call."""
        count = len(self._received) - self._announced
        self._announced += count
        return count


@contextmanager
def stop_requests() -> Iterator[StopRequests]:
    """Catch the stopping signals for the time of a run; in another thread than the main one nothing is caught."""
    requests = StopRequests()
    if threading.current_thread() is not threading.main_thread():
        yield requests
        return
    with stopping_signals_to(requests.handle):
        yield requests


@contextmanager
def stopping_signals_to(handler: Handler) -> Iterator[None]:
    """Give the stopping signals to `handler`, and back to whom they belonged; for the main thread only."""
    before = {number: signal.signal(number, handler) for number in STOPPING}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
