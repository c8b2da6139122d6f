"""Exchanges with a Keithley 2400 that stay in step: an answer belongs to its question or is not returned.

UM is the Series 2400 SourceMeter User's Manual, 2400S-900-01. Settings are asked together with a token (the standard
event enable register, written and read in the same message), so that a late or doubled reply is recognised and
dropped. Readings carry a time stamp instead, which costs nothing (`keithley2400_stale`).
"""

import itertools
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from pymeasure.adapters.adapter import Adapter
from pyvisa.constants import InterfaceType, StatusCode
from pyvisa.errors import Error as VisaError
from pyvisa.errors import VisaIOError

from instruments.wire.keithley2400 import parse_register, single_line
from instruments.wire.keithley2400.reading import Reading
from instruments.wire.keithley2400.stream import BlockReader
from xraydaq.errors import ConnectionFailed, InstrumentError, InstrumentTimeout, WireError

log = logging.getLogger(__name__)

T = TypeVar("T")

TIMEOUT_S = 3.0
"""For settings; the slowest is one zeroing of the converter at 10 PLC, 0.6 s, then waiting in the input buffer."""

TOKEN_TIMEOUT_S = 1.0
TRIES = 5
MOST_STALE_LINES = 20
CTRL_C = b"\x03"  # UM, RS-232: acts as device clear
SLOWEST_BAUD = 9600
"""Assumed where the line speed is unknown (a socket may lead to a serial line): it is the speed from the factory."""

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
        self.in_step = True

    @property
    def serial(self) -> bool:
        """Get whether the connection is a serial line, which carries text only."""
        return bool(self._interface == InterfaceType.asrl)

    @property
    def baud(self) -> int:
        """Get the line speed a reply may be slowed down to."""
        baud = getattr(self._connection, "baud_rate", None)
        return baud if isinstance(baud, int) else SLOWEST_BAUD

    def send(self, command: str) -> None:
        """Write a command, in step; whether the instrument took it is another question."""
        with self._lock:
            if not self.in_step:
                self.resynchronise()
            self.send_at_once(command)

    def send_at_once(self, command: str) -> None:
        """Write a command whatever the state of the connection is."""
        try:
            self._adapter.write(command)
        except _TROUBLE as error:
            self.in_step = False
            raise self._failure(command, error) from error

    def ask(self, command: str, parse: Callable[[str], T], timeout_s: float = TIMEOUT_S) -> T:
        """Ask and turn the one line of the answer into a value.

        Raises:
            InstrumentTimeout: no answer.
            WireError: an answer that `parse` refuses.
            ConnectionFailed: the connection is lost.
        """
        with self._lock:
            self._begin(timeout_s)
            self.send_at_once(command)
            value = parse(self._line(command))
            self.in_step = True
            return value

    def ask_block(self, command: str, reader: BlockReader, timeout_s: float) -> tuple[Reading, ...]:
        """Ask for a binary block; raises as `ask`."""
        with self._lock:
            self._begin(timeout_s)
            self.send_at_once(command)
            try:
                data = self._adapter.read_bytes(reader.missing)
            except _TROUBLE as error:
                raise self._failure(command, error) from error
            readings = reader.feed(data)
            if readings is None:
                raise WireError(f"{self.name}: half a binary block", data)
            self.in_step = True
            return readings

    def query(self, *queries: str, timeout_s: float = TIMEOUT_S) -> tuple[str, ...]:
        """Ask for settings in one message, with a token; returns one text per query.

        Raises: as `ask`.
        """
        with self._lock:
            self._begin(timeout_s)
            token = next(self._tokens)
            self.send_at_once(f"*ESE {token};*ESE?;{';'.join(queries)};*ESE 0")
            line = self._line_with(token, queries[0])
            # one answer may hold semicolons in its text (error queue), so a single one is not cut again
            fields = line.split(";", 1) if len(queries) == 1 else line.split(";")
            if len(fields) != len(queries) + 1:
                raise WireError(f"{self.name}: not {len(queries)} answers to {queries[0]}, ...", line.encode())
            self.in_step = True
            return tuple(fields[1:])

    def resynchronise(self) -> None:
        """Get back into step: whatever was under way is aborted and whatever was said is dropped.

        Device clear and :ABOR are executed even while the instrument measures (UM, trigger model); a question with a
        new token is then asked until its own answer comes. The event enable register is left at 0, as after power-on.

        Raises:
            InstrumentError: no answer in `TRIES` tries; `InstrumentTimeout` if it was silence, `ConnectionFailed` if
                the line failed.
        """
        with self._lock:
            failure: InstrumentError = InstrumentError("")
            for _ in range(TRIES):
                self.in_step = False
                try:
                    self._try_token()
                except InstrumentError as error:
                    failure = error
                    continue
                self.in_step = True
                return
            kinds = (InstrumentTimeout, ConnectionFailed)
            kind = next((each for each in kinds if isinstance(failure, each)), InstrumentError)
            raise kind(f"{self.name}: out of step after {TRIES} tries: {failure}") from failure

    def discard(self) -> None:
        """Drop what has arrived and was not asked for."""
        if self._is_socket:
            return  # pyvisa-py loops for ever on a socket whose far end has closed; tokens drop old lines anyway
        with suppress(NotImplementedError, *_TROUBLE):
            self._adapter.flush_read_buffer()

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        if not self._closed:
            self._closed = True
            with suppress(*_TROUBLE):
                self._adapter.close()

    @property
    def _interface(self) -> object:
        return getattr(self._connection, "interface_type", None)

    @property
    def _is_socket(self) -> bool:
        return getattr(self._connection, "resource_class", None) == "SOCKET"

    def _begin(self, timeout_s: float) -> None:
        if not self.in_step:
            self.resynchronise()
        self.in_step = False
        self._set_timeout(timeout_s)

    def _set_timeout(self, timeout_s: float) -> None:
        if timeout_s != self._timeout_s:
            self._timeout_s = timeout_s
            try:
                self._connection.timeout = round(timeout_s * 1000)
            except _TROUBLE as error:
                raise self._failure("set the timeout", error) from error

    def _try_token(self) -> None:
        self._set_timeout(TOKEN_TIMEOUT_S)
        self._device_clear()
        self.send_at_once(":ABOR")
        self.discard()
        token = next(self._tokens)
        self.send_at_once(f"*ESE {token};*ESE?;*ESE 0")
        self._line_with(token, "*ESE?")
        self.discard()

    def _device_clear(self) -> None:
        if self._is_socket:
            return  # a plain socket has none
        with suppress(NotImplementedError, *_TROUBLE):  # not every interface can; the token tells whether it helped
            if self.serial:
                self._adapter.write_bytes(CTRL_C)
            else:
                self._connection.clear()

    def _line(self, command: str) -> str:
        try:
            reply = self._adapter.read()
        except _TROUBLE as error:
            raise self._failure(command, error) from error
        return single_line(reply)

    def _line_with(self, token: int, command: str) -> str:
        for _ in range(MOST_STALE_LINES):
            try:
                line = self._line(command)
                if parse_register(line.partition(";")[0]) == token:
                    return line
                log.warning("%s: dropped a late or doubled reply: %r", self.name, line)
            except WireError as error:
                # a late reading is no register; what is neither printable nor one line is worse
                log.warning("%s: dropped %s", self.name, error)
        raise WireError(f"{self.name}: {MOST_STALE_LINES} replies and none to {command}", b"")

    def _failure(self, command: str, error: Exception) -> InstrumentError:
        if isinstance(error, UnicodeDecodeError):
            return WireError(f"{self.name}: not text, in answer to {command}", bytes(error.object))
        if isinstance(error, VisaIOError) and error.error_code == StatusCode.error_timeout:
            return InstrumentTimeout(f"{self.name}: no answer to {command} within {self._timeout_s:g} s")
        return ConnectionFailed(f"{self.name}: the connection failed at {command}: {error}")
