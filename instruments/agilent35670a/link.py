"""Exchanges with an Agilent 35670A: one question, one answer, and back into step after a failure.

The output queue holds one reply ("GPIB Programming with the Agilent 35670A"), so questions are never put together. On
GPIB a new message discards an unread reply; behind a gateway nothing does, so after a failure the event enable
register is written and asked until its own value comes back. Not verified on hardware.
"""

import itertools
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pymeasure.adapters.adapter import Adapter
from pyvisa.constants import StatusCode
from pyvisa.errors import Error as VisaError
from pyvisa.errors import VisaIOError

from instruments.wire.agilent35670a import (
    BlockReader,
    ErrorMessage,
    message,
    parse_error,
    parse_whole,
    single_line,
)
from xraydaq.errors import InstrumentError, InstrumentTimeout, WireError

T = TypeVar("T")

TIMEOUT_S = 5.0
TOKEN_TIMEOUT_S = 2.0
TRIES = 5
MOST_STALE_LINES = 10
MOST_MESSAGES = 10  # the queue holds 5
QUERY_ERRORS = range(-499, -399)

_TROUBLE = (VisaError, OSError, UnicodeDecodeError)


class Link:
    """One connection; `in_step` is false from the start of an exchange to its believable end."""

    def __init__(self, adapter: Adapter, name: str) -> None:
        self._adapter = adapter
        self._connection: Any = adapter.connection  # of VISA or alike; pymeasure promises only close()
        self.name = name
        self._tokens = itertools.cycle(range(16, 256))  # never 0 or 1, which answer many questions
        self._timeout_s = float("nan")
        self._lock = threading.RLock()  # writing and reading must not be torn apart by another thread
        self._closed = False
        self._left: list[ErrorMessage] = []
        self.in_step = True

    def send(self, command: str) -> None:
        """Write a command, in step; whether the instrument took it is another question."""
        with self._lock:
            if not self.in_step:
                self.resynchronise()
            self.send_at_once(command)

    def send_at_once(self, command: str) -> None:
        """Write a command whatever the state of the connection is."""
        with self._lock:
            try:
                self._adapter.write(message(command))
            except _TROUBLE as error:
                self.in_step = False
                raise self._failure(command, error) from error

    def ask(self, command: str, parse: Callable[[str], T], timeout_s: float = TIMEOUT_S) -> T:
        """Ask and turn the one line of the answer into a value.

        Raises:
            InstrumentTimeout: no answer.
            WireError: an answer that `parse` refuses.
            InstrumentError: the connection is lost.
        """
        with self._lock:
            self._begin(timeout_s)
            self.send_at_once(command)
            value = parse(self._line(command))
            self.in_step = True
            return value

    def ask_block(self, command: str, timeout_s: float) -> NDArray[np.float64]:
        """Ask for a block of doubles; raises as `ask`."""
        with self._lock:
            self._begin(timeout_s)
            self.send_at_once(command)
            reader = BlockReader()
            values = None
            while values is None:
                try:
                    data = self._adapter.read_bytes(reader.missing)
                except _TROUBLE as error:
                    raise self._failure(command, error) from error
                values = reader.feed(data)
            self.in_step = True
            return values

    def drain(self) -> tuple[ErrorMessage, ...]:
        """Get and remove everything in the error queue.

        Raises:
            InstrumentError: it does not become empty, or no answer.
        """
        messages, self._left = self._left, []
        while len(messages) < MOST_MESSAGES:
            found = self.ask("SYST:ERR?", parse_error)
            if found.code == 0:
                return tuple(messages)
            messages.append(found)
        raise InstrumentError(f"{self.name}: the error queue does not become empty: {describe(messages[-1:])}")

    def set_checked(self, command: str) -> None:
        """Send a command and make sure that it was taken.

        Raises:
            InstrumentError: it was refused; the message names command and errors.
        """
        self.send(command)
        if messages := self.drain():
            raise InstrumentError(f"{self.name}: refused {command}: {describe(messages)}")

    def resynchronise(self) -> None:
        """Get back into step: whatever was said is dropped, what is being measured goes on.

        A reply that was lost leaves a query error in the queue; those are dropped, others are kept for `drain`. *CLS
        would also clear the events that tell the end of the averages.

        Raises:
            InstrumentError: no answer in `TRIES` tries; `InstrumentTimeout` if it was silence.
        """
        with self._lock:
            failure = InstrumentError("")
            for _ in range(TRIES):
                self.in_step = False
                try:
                    self._try_token()
                except InstrumentError as error:
                    failure = error
                    continue
                self.in_step = True
                self._left = [each for each in self.drain() if each.code not in QUERY_ERRORS]
                return
            kind = InstrumentTimeout if isinstance(failure, InstrumentTimeout) else InstrumentError
            raise kind(f"{self.name}: out of step after {TRIES} tries: {failure}") from failure

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        if not self._closed:
            self._closed = True
            with suppress(*_TROUBLE):
                self._adapter.close()

    def _begin(self, timeout_s: float) -> None:
        if not self.in_step:
            self.resynchronise()
        self.in_step = False
        self._set_timeout(timeout_s)

    def _set_timeout(self, timeout_s: float) -> None:
        if timeout_s != self._timeout_s:
            try:
                self._connection.timeout = round(timeout_s * 1000)
            except _TROUBLE as error:
                raise self._failure("set the timeout", error) from error
            self._timeout_s = timeout_s

    def _try_token(self) -> None:
        self._set_timeout(TOKEN_TIMEOUT_S)
        if getattr(self._connection, "resource_class", None) != "SOCKET":  # a plain socket has no device clear
            with suppress(NotImplementedError, *_TROUBLE):  # not every interface can; the token tells
                self._connection.clear()
        token = next(self._tokens)
        self.send_at_once(f"*ESE {token}")
        self.send_at_once("*ESE?")
        self._skip_to(token)
        self.send_at_once("*ESE 0")

    def _skip_to(self, token: int) -> None:
        for _ in range(MOST_STALE_LINES):
            with suppress(WireError):  # the rest of a block or a trace is no register
                if parse_whole(self._line("*ESE?")) == token:
                    return
        raise WireError(f"{self.name}: {MOST_STALE_LINES} replies and none to *ESE?", b"")

    def _line(self, command: str) -> str:
        try:
            reply = self._adapter.read()
        except _TROUBLE as error:
            raise self._failure(command, error) from error
        return single_line(reply)

    def _failure(self, command: str, error: Exception) -> InstrumentError:
        if isinstance(error, UnicodeDecodeError):
            return WireError(f"{self.name}: not text, in answer to {command}", bytes(error.object))
        if isinstance(error, VisaIOError) and error.error_code == StatusCode.error_timeout:
            return InstrumentTimeout(f"{self.name}: no answer to {command} within {self._timeout_s:g} s")
        return InstrumentError(f"{self.name}: the connection failed at {command}: {error}")


def describe(messages: tuple[ErrorMessage, ...] | list[ErrorMessage]) -> str:
    """Spell messages as the instrument does."""
    return "; ".join(f'{each.code}, "{each.text}"' for each in messages)
