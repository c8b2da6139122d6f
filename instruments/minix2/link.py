"""Exchanges with a Mini-X2 that stay in step: a reply belongs to its request or is not returned.

PG is the Amptek Digital Products Programmer's Guide, Rev B3. The device answers each request with one packet and says
nothing by itself. After an exchange that failed, its reply may still come: before the next one, an echo with a number
of its own (PG, comm test) is asked for until it comes back, and everything before it is dropped.
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

from instruments.wire.minix2.packet import ACK_PID1, Acknowledgement, Packet, PacketReader, encode, parse_ack
from instruments.wire.minix2.requests import DETECTOR_STATUS, ECHO, STATUS, Query
from xraydaq.clock import Clock
from xraydaq.errors import InstrumentError, InstrumentTimeout, Refused, WireError

log = logging.getLogger(__name__)

T = TypeVar("T")

QUERY_TRIES = 3
"""Of queries only; a request that sets something is sent once."""

BUSY_LOCK_S = 0.25
"""How long an off command lets another thread's exchange finish before it is written into it."""

MOST_STALE_PACKETS = 20
MOST_NOISE_BYTES = 4096
PACKET_GAP_S = 0.15
"""After 100 ms of silence the device forgets half a request (PG, RS-232)."""

_TROUBLE = (VisaError, OSError)


class Link:
    """One connection; `in_step` is false from the start of an exchange to its believable end."""

    def __init__(self, adapter: Adapter, clock: Clock, name: str, timeout_s: float) -> None:
        self._adapter = adapter
        self._connection: Any = adapter.connection  # of VISA or alike; pymeasure promises only close()
        self._clock = clock
        self.name = name
        self._timeout_s = timeout_s
        self._timeout_set = False
        self._tokens = itertools.count(1)
        self._lock = threading.RLock()  # writing and reading must not be torn apart by another thread
        self._closed = False
        self.in_step = True
        self.offs = 0
        """How many off commands were asked for: what was checked before one may not switch on after it."""

    def query(
        self, query: Query, parse: Callable[[bytes], T], data: bytes = b"", *, tries: int = QUERY_TRIES
    ) -> T:  # fmt: skip
        """Ask, at most `tries` times, and turn the data of the reply into a value.

        Raises:
            InstrumentTimeout: no reply.
            WireError: a reply that is not one to this request.
            InstrumentError: the device refuses the request, or the connection is lost.
        """
        for attempt in range(1, tries + 1):
            try:
                return self._query_once(query, parse, data, tries)
            except _Worthwhile as error:
                if attempt == tries:
                    raise error.cause from error.cause.__cause__
                log.warning("%s: %s asked again: %s", self.name, query.name, error.cause)
        raise AssertionError("a query is tried at least once")

    def command(self, packet: Packet, *, offs: int | None = None) -> None:
        """Send a request that sets something, once, and make sure that it was taken.

        Raises:
            Refused: an off command was asked for since `offs` was counted; nothing is sent.
            InstrumentError: it was not taken, or whether it was is not known.
        """
        with self._lock:
            self._begin()
            if offs is not None and offs != self.offs:
                raise Refused(f"{self.name}: it was switched off meanwhile; nothing was sent")
            self.in_step = False
            self._write(packet)
            reply = self._read(PacketReader(), packet.kind)
            acknowledgement = parse_ack(reply)
            self.in_step = True
            if not acknowledgement.code.is_ok:
                raise InstrumentError(f"{self.name}: refused {_shown(packet)}: {acknowledgement}")

    def write_off(self, packet: Packet) -> None:
        """Write a request at once, whatever the state of the connection is, then wait for its acknowledgement.

        If another thread's exchange does not end, this is written into it: off is more important than its reply.

        Raises:
            InstrumentError: it could not be written, was refused, or was not acknowledged.
        """
        self.offs += 1
        locked = self._lock.acquire(timeout=BUSY_LOCK_S)
        try:
            self.in_step = False
            self._write(packet)
            if locked:
                acknowledgement = self._await_acknowledgement(packet)
                if not acknowledgement.code.is_ok:
                    raise InstrumentError(f"{self.name}: refused {_shown(packet)}: {acknowledgement}")
        finally:
            if locked:
                self._lock.release()

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        if not self._closed:
            self._closed = True
            with suppress(*_TROUBLE):
                self._adapter.close()

    def _query_once(self, query: Query, parse: Callable[[bytes], T], data: bytes, tries: int) -> T:
        with self._lock:
            self._begin(tries)
            self.in_step = False
            try:
                self._write(query.packet(data))
                reply = self._read(PacketReader(), query.name)
                value = parse(self._data_of(reply, query))
            except (InstrumentTimeout, WireError) as error:
                raise _Worthwhile(error) from error
            self.in_step = True
            return value

    def _data_of(self, reply: Packet, query: Query) -> bytes:
        if (reply.pid1, reply.pid2) == query.reply:
            if query.reply_bytes not in (None, len(reply.data)):
                raise WireError(f"{self.name}: a reply of wrong size to {query.name}", encode(reply))
            return reply.data
        if query is STATUS and (reply.pid1, reply.pid2) == DETECTOR_STATUS:
            self.in_step = True
            raise InstrumentError(f"{self.name}: this is a detector, not a Mini-X2; they have the same USB identity")
        if reply.pid1 == ACK_PID1:
            acknowledgement = parse_ack(reply)
            if not (acknowledgement.code.damaged_on_the_way or acknowledgement.code.is_ok):
                self.in_step = True
                raise InstrumentError(f"{self.name}: refused to give its {query.name}: {acknowledgement}")
        raise WireError(f"{self.name}: {reply.kind} is no reply to {query.name}", encode(reply))

    def _begin(self, tries: int = QUERY_TRIES) -> None:
        if self.in_step and self._can_discard:
            self._discard()  # a doubled reply, or one to another program
        else:
            self._resynchronise(tries)

    def _resynchronise(self, tries: int) -> None:
        for attempt in range(1, tries + 1):
            self.in_step = False
            try:
                self._discard()
                self._echo(next(self._tokens).to_bytes(4, "big"))
            except (InstrumentTimeout, WireError) as error:
                if attempt == tries:
                    raise type(error)(*_again(error, self.name, tries)) from error
                self._clock.sleep(PACKET_GAP_S)
                continue
            self.in_step = True
            return

    def _echo(self, token: bytes) -> None:
        self._write(ECHO.packet(token))
        reader = PacketReader()
        for _ in range(MOST_STALE_PACKETS):
            try:
                reply = self._read(reader, ECHO.name, noise_allowed=True)
            except WireError as error:
                log.warning("%s: dropped %s", self.name, error)
                continue
            if (reply.pid1, reply.pid2) == ECHO.reply and reply.data == token:
                return
            log.warning("%s: dropped a late or doubled reply %s", self.name, reply.kind)
        raise WireError(f"{self.name}: {MOST_STALE_PACKETS} packets and none the echo", b"")

    def _await_acknowledgement(self, packet: Packet) -> Acknowledgement:
        reader = PacketReader()
        for _ in range(MOST_STALE_PACKETS):
            reply = self._read(reader, _shown(packet), noise_allowed=True)
            if reply.pid1 == ACK_PID1:
                return parse_ack(reply)
        raise WireError(f"{self.name}: {MOST_STALE_PACKETS} packets and no acknowledgement", b"")

    def _write(self, packet: Packet) -> None:
        try:
            if not self._timeout_set:
                self._connection.timeout = round(self._timeout_s * 1000)
                self._timeout_set = True
            self._adapter.write_bytes(encode(packet))
        except _TROUBLE as error:
            raise self._failure(_shown(packet), error) from error

    def _read(self, reader: PacketReader, asked: str, *, noise_allowed: bool = False) -> Packet:
        deadline_s = self._clock.now() + 2 * self._timeout_s
        while True:
            packet = reader.next_packet()
            if reader.dropped_bytes and not noise_allowed:
                raise WireError(f"{self.name}: {reader.dropped_bytes} bytes of noise in answer to {asked}", b"")
            if packet is not None:
                return packet
            if reader.dropped_bytes > MOST_NOISE_BYTES or self._clock.now() > deadline_s:
                raise InstrumentTimeout(f"{self.name}: no answer to {asked} but noise")
            try:
                reader.feed(self._adapter.read_bytes(reader.missing))
            except _TROUBLE as error:
                raise self._failure(asked, error) from error

    @property
    def _can_discard(self) -> bool:
        """Get whether what has come can be dropped at no risk.

        pyvisa-py would read without a timeout on a socket whose far end has closed and on raw USB: the echo stands in.
        """
        return getattr(self._connection, "interface_type", None) in (None, InterfaceType.asrl)

    def _discard(self) -> None:
        if self._can_discard:
            with suppress(NotImplementedError, *_TROUBLE):
                self._adapter.flush_read_buffer()

    def _failure(self, asked: str, error: Exception) -> InstrumentError:
        if isinstance(error, VisaIOError) and error.error_code == StatusCode.error_timeout:
            return InstrumentTimeout(f"{self.name}: no answer to {asked} within {self._timeout_s:g} s")
        return InstrumentError(f"{self.name}: the connection failed at {asked}: {error}")


class _Worthwhile(Exception):  # carries an error, is none of its own
    """A query failed in a way that another try may mend."""

    def __init__(self, cause: InstrumentTimeout | WireError) -> None:
        super().__init__(str(cause))
        self.cause = cause


def _again(error: InstrumentTimeout | WireError, name: str, tries: int) -> tuple[Any, ...]:
    text = f"{name}: out of step after {tries} {'try' if tries == 1 else 'tries'}: {error}"
    return (text, error.data) if isinstance(error, WireError) else (text,)


def _shown(packet: Packet) -> str:
    printable = packet.data.isascii() and packet.data.decode("ascii").isprintable()
    return packet.data.decode("ascii") if packet.data and printable else packet.kind
