"""Exchanges with a Lake Shore 335 that keep its pace and stay in step: an answer belongs to its question.

The controller has no error queue and is silent to what it does not know. So every message carries a token (the
standard event enable register, written and read back in the same message), which makes a late or doubled reply
recognisable, and every command carries ``*ESR?``, as in Lake Shore's own Python driver ("LSDRV"), which shows refusal.
"""

import itertools
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from pymeasure.adapters.adapter import Adapter
from pyvisa.constants import StatusCode
from pyvisa.errors import Error as VisaError
from pyvisa.errors import VisaIOError

from instruments.wire.lakeshore335 import (
    FAILURES,
    parse_event_status,
    parse_identity,
    single_line,
)
from instruments.wire.replies import Identity
from xraydaq.clock import Clock
from xraydaq.errors import InstrumentError, InstrumentTimeout, Refused, WireError

log = logging.getLogger(__name__)

T = TypeVar("T")

PACE_S = 0.05
"""No new message for 50 ms after the end of the last one (218/340 manuals; the 335's own is said to agree)."""

SETTLE_S = 0.1
"""Without a reply nobody sees the end of a message, so twice the pace (EPICS ip module waits as long)."""

IDLE_S = 5.0
"""After this a harmless question goes first: in one reported case the first message after idle time was a command
error (LSDRV, issue 9)."""

TIMEOUT_S = 1.0
MOST_STALE_LINES = 8
_TROUBLE = (VisaError, OSError, UnicodeDecodeError)


class Link:
    """One connection. `retries` counts the questions that had to be asked twice."""

    def __init__(self, adapter: Adapter, clock: Clock, name: str) -> None:
        self._adapter = adapter
        self._connection: Any = adapter.connection  # of VISA or alike; pymeasure promises only close()
        self._clock = clock
        self.name = name
        self.retries = 0
        self._tokens = itertools.cycle(range(16, 256))  # never 0 or 1, which answer many questions
        self._lock = threading.RLock()
        self._timeout_set = False
        self._closed = False
        self._in_step = False
        self._free_s = clock.now()
        self._last_s: float | None = None

    def query(self, *queries: str) -> tuple[str, ...]:
        """Ask in one message; a question that is not answered properly is asked once more.

        Raises:
            InstrumentTimeout: no answer.
            WireError: an answer of another shape.
            InstrumentError: the connection is lost.
        """
        return self._asking(lambda: self._exchange(queries, len(queries)))

    def take(self, query: str) -> str:
        """Ask once what is cleared by asking; a lost answer is an error, since a second one would say nothing.

        Raises:
            InstrumentError: as `query`; what was to be told may be lost then.
        """
        with self._lock:
            self._wake()
            return self._exchange((query,), 1)[0]

    def identity(self) -> Identity:
        """Ask who is there, in a message without a token: older models take one question only; raises as `query`."""
        return self._asking(self._ask_identity)

    def set(self, command: str) -> None:
        """Send a command once and see that it was not refused.

        Raises:
            Refused: the event status shows an error.
            InstrumentError: as `query`; whether the command acted is then unknown.
        """
        with self._lock:
            self._wake()
            # asked before too: reading clears what was left by others
            before, after = self._exchange(("*ESR?", command, "*ESR?"), 2)
        if earlier := parse_event_status(before) & FAILURES:
            log.warning("%s: left in the event status before: %s", self.name, earlier.name)
        status = parse_event_status(after) & FAILURES
        if status:
            raise Refused(f"{self.name}: refused {command}: {status.name}")

    def send_at_once(self, command: str) -> None:
        """Write a command whatever the state of the connection is; only the pace is kept."""
        with self._lock:
            self._in_step = False
            self._write(command)

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        if not self._closed:
            self._closed = True
            with suppress(*_TROUBLE):
                self._adapter.close()

    def _wake(self) -> None:
        """Ask a harmless question first where the next message could be misunderstood and must not be repeated."""
        if not self._in_step or self._last_s is None or self._clock.now() - self._last_s > IDLE_S:
            self.query("*ESE?")

    def _asking(self, ask: Callable[[], T]) -> T:
        with self._lock:
            try:
                return ask()
            except (InstrumentTimeout, WireError) as error:
                self.retries += 1
                log.warning("%s: asked again: %s", self.name, error)
                return ask()

    def _ask_identity(self) -> Identity:
        self._discard()
        self._in_step = False  # and so it stays: only a token shows it
        self._set_timeout()
        self._write("*IDN?")
        for _ in range(MOST_STALE_LINES):
            line = self._line("*IDN?")
            with suppress(WireError):
                return parse_identity(line)
            log.warning("%s: dropped what is no identity: %r", self.name, line)
        raise WireError(f"{self.name}: {MOST_STALE_LINES} replies and no identity", b"")

    def _exchange(self, parts: tuple[str, ...], answers: int) -> tuple[str, ...]:
        if not self._in_step:
            self._discard()
        self._in_step = False
        token = next(self._tokens)
        self._set_timeout()
        self._write(";".join((f"*ESE {token}", "*ESE?", *parts)))
        fields = self._line_with(token, parts[0]).split(";")
        if len(fields) != answers + 1:
            raise WireError(f"{self.name}: not {answers} answers to {parts}", ";".join(fields).encode())
        self._last_s = self._clock.now()
        self._free_s = self._last_s + PACE_S
        self._in_step = True
        return tuple(field.strip() for field in fields[1:])

    def _write(self, text: str) -> None:
        self._clock.sleep_until(self._free_s)
        try:
            self._adapter.write(text)
        except _TROUBLE as error:
            raise self._failure(text, error) from error
        finally:
            self._free_s = self._clock.now() + SETTLE_S

    def _line_with(self, token: int, command: str) -> str:
        for _ in range(MOST_STALE_LINES):
            try:
                line = self._line(command)
            except WireError as error:
                log.warning("%s: dropped %s", self.name, error)
                continue
            first = line.partition(";")[0]
            if first.isdecimal() and int(first) == token:
                return line
            log.warning("%s: dropped a late, doubled or spoilt reply: %r", self.name, line)
        raise WireError(f"{self.name}: {MOST_STALE_LINES} replies and none to {command}", b"")

    def _line(self, command: str) -> str:
        try:
            return single_line(self._adapter.read())
        except _TROUBLE as error:
            raise self._failure(command, error) from error
        finally:
            self._free_s = self._clock.now() + SETTLE_S

    def _discard(self) -> None:
        """Drop what has come; pyvisa-py would loop for ever on a socket whose far end has closed."""
        if getattr(self._connection, "resource_class", None) != "SOCKET":
            with suppress(NotImplementedError, *_TROUBLE):
                self._adapter.flush_read_buffer()

    def _set_timeout(self) -> None:
        if not self._timeout_set:
            try:
                self._connection.timeout = round(TIMEOUT_S * 1000)
            except _TROUBLE as error:
                raise self._failure("set the timeout", error) from error
            self._timeout_set = True

    def _failure(self, command: str, error: Exception) -> InstrumentError:
        if isinstance(error, UnicodeDecodeError):
            return WireError(f"{self.name}: not text, in answer to {command}", bytes(error.object))
        if isinstance(error, VisaIOError) and error.error_code == StatusCode.error_timeout:
            return InstrumentTimeout(f"{self.name}: no answer to {command} within {TIMEOUT_S:g} s")
        return InstrumentError(f"{self.name}: the connection failed at {command}: {error}")
