"""Requests to a bridge, each with a number of its own, so that an answer belongs to its request or is dropped."""

import itertools
import logging
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pymeasure.adapters.adapter import Adapter
from pyvisa.constants import StatusCode
from pyvisa.errors import Error as VisaError
from pyvisa.errors import VisaIOError

from instruments.wire import accugold as wire
from xraydaq.clock import Clock
from xraydaq.errors import InstrumentError, InstrumentTimeout, Refused, WireError

log = logging.getLogger(__name__)

REPLY_S = 1.5
"""A bridge answers within 1 s."""

PING_S = 2.0
LOST_S = 6.0
"""Silence for so long means that the bridge is lost."""

_ALLOWED_LATER = (wire.NOT_NOW, wire.NOT_SUPPORTED, wire.ZERO_FIRST, wire.BUSY)
_TROUBLE = (VisaError, OSError, UnicodeDecodeError)


class BridgeRefusal(Refused):
    """The bridge understood the request and does not fulfil it now; `code` says why."""

    def __init__(self, message: str, code: int) -> None:
        self.code = code
        super().__init__(message)


class BridgeFailure(InstrumentError):
    """The bridge or the instrument behind it is in trouble; `code` says how."""

    def __init__(self, message: str, code: int) -> None:
        self.code = code
        super().__init__(message)


class BridgeClient:
    """One connection. Only questions are asked again after silence, once; `retries` counts them."""

    def __init__(self, adapter: Adapter, clock: Clock, name: str) -> None:
        self._adapter = adapter
        self._connection: Any = adapter.connection  # of VISA or alike; pymeasure promises only close()
        self._clock = clock
        self.name = name
        self.retries = 0
        self._ids = itertools.cycle(range(1, 65536))
        self._events: deque[wire.Event] = deque(maxlen=100)
        self._lock = threading.RLock()
        self._timeout_s = float("nan")
        self._closed = False

    def ask(self, verb: str, values: Mapping[str, str] | None = None) -> Mapping[str, str]:
        """Make a request and get the values of its answer.

        Raises:
            BridgeRefusal: not now, or not with this bridge.
            InstrumentTimeout: no answer.
            InstrumentError: the bridge reports a failure, or the connection is lost.
        """
        with self._lock:
            try:
                answer = self._exchange(verb, values or {})
            except (InstrumentTimeout, WireError) as error:
                if not (verb.endswith("?") or verb == "PING"):
                    raise
                self.retries += 1
                log.warning("%s: asked again: %s", self.name, error)
                answer = self._exchange(verb, values or {})
            if isinstance(answer, wire.Err) and answer.code == wire.CHECKSUM:
                self.retries += 1
                log.warning("%s: sent again: %s", self.name, answer.text)
                answer = self._exchange(verb, values or {})
        if isinstance(answer, wire.Ok):
            return answer.values
        kind = BridgeRefusal if answer.code in _ALLOWED_LATER else BridgeFailure
        raise kind(f"{self.name}: {verb}: error {answer.code}, {answer.text}", answer.code)

    def wait_event(self, name: str, duration_s: float) -> wire.Event:
        """Wait for an event; every 2 s the bridge is asked whether it is still there.

        Raises:
            InstrumentTimeout: it did not come, or the bridge is lost.
        """
        deadline_s = self._clock.now() + duration_s
        while True:
            with self._lock:
                found = next((each for each in self._events if each.name == name), None)
                if found is not None:
                    self._events.remove(found)
                    return found
                left_s = deadline_s - self._clock.now()
                if left_s <= 0:
                    raise InstrumentTimeout(f"{self.name}: no {name} within {duration_s:g} s")
                try:
                    self._take(min(PING_S, left_s), name)
                except InstrumentTimeout:
                    self.ask("PING")

    def forget_events(self) -> None:
        """Drop events that were not waited for."""
        self._events.clear()

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        if not self._closed:
            self._closed = True
            with suppress(*_TROUBLE):
                self._adapter.close()

    def _exchange(self, verb: str, values: Mapping[str, str]) -> wire.Ok | wire.Err:
        request = wire.Request(next(self._ids), verb, values)
        try:
            self._adapter.write(wire.format_request(request))
        except _TROUBLE as error:
            raise self._failure(verb, error) from error
        deadline_s = self._clock.now() + LOST_S
        while True:
            answer = self._take(REPLY_S, verb)
            if answer is not None and answer.request_id == request.request_id:
                return answer
            if isinstance(answer, wire.Err) and answer.request_id == 0:
                return answer  # the bridge could not read the number
            if self._clock.now() >= deadline_s:
                raise InstrumentTimeout(f"{self.name}: no answer to {verb} among what came within {LOST_S:g} s")

    def _take(self, timeout_s: float, verb: str) -> wire.Ok | wire.Err | None:
        """Read one line; an event is kept, and None returned."""
        try:
            if timeout_s != self._timeout_s:
                self._connection.timeout = round(timeout_s * 1000)
                self._timeout_s = timeout_s
            line = self._adapter.read().encode("ascii")
        except (UnicodeEncodeError, *_TROUBLE) as error:
            raise self._failure(verb, error) from error
        try:
            answer = wire.parse_answer(line, need_checksum=True)
        except WireError as error:
            log.warning("%s: dropped %s", self.name, error)
            return None
        if isinstance(answer, wire.Event):
            self._events.append(answer)
            return None
        return answer

    def _failure(self, verb: str, error: Exception) -> InstrumentError:
        if isinstance(error, (UnicodeDecodeError, UnicodeEncodeError)):
            return WireError(f"{self.name}: not text, in answer to {verb}", str(error.object).encode())
        if isinstance(error, VisaIOError) and error.error_code == StatusCode.error_timeout:
            return InstrumentTimeout(f"{self.name}: no answer to {verb} within {self._timeout_s:g} s")
        return InstrumentError(f"{self.name}: the connection to the bridge failed at {verb}: {error}")
