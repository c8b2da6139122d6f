"""Off for the Mini-X2, and what it says then (Amptek Programmer's Guide Rev B3: "PG")."""

import math

from instruments.emergency import Shown
from instruments.emergency.lines import PlainLine, Wiring
from instruments.wire.minix2 import PacketReader, TubeStatus, encode, parse_ack, parse_status, text
from instruments.wire.minix2.packet import ACK_PID1, Packet
from instruments.wire.minix2.requests import STATUS, text_request
from xraydaq.clock import Clock
from xraydaq.errors import WireError
from xraydaq.safety.guard_rules import DARK_WITHIN_S

WIRING = Wiring(baud=115200)
OFF = encode(text_request(text.OFF))
REPLY_TIMEOUT_S = 0.5
"""After a set the device may write its flash for 0.4 s."""

MOST_READS = 200
PACKET_GAP_S = 0.15
"""After 100 ms of silence the device forgets half a request (PG, RS-232): the rest of one of its last owner, too."""

LOOKS_APART_S = 0.12
"""Longer than a refresh of the monitors, 10 Hz (PG): of two looks so far apart, one is not older than the off."""


def write_off(line: PlainLine) -> None:
    """Write the off command, and nothing before it.

    Raises:
        OSError: the line failed.
    """
    line.write(OFF)


def see_off(line: PlainLine, clock: Clock, *, timeout_s: float = DARK_WITHIN_S) -> Shown:
    """Find out whether the tube is off, after `write_off`, which is repeated until it is taken.

    Off is shown by two looks that are apart: high voltage disabled and both monitors near zero. Never raises.
    """
    deadline_s = clock.now() + timeout_s
    is_taken, dark_since_s, last = False, math.inf, "it said nothing"
    try:
        is_taken = _is_acknowledged(line, clock)
        while True:
            if not is_taken:
                clock.sleep(PACKET_GAP_S)
                write_off(line)
                is_taken = _is_acknowledged(line, clock)
            asked_s = clock.now()
            status = _status(line, clock)
            if status is not None:
                last = _spoken(status)
            if status is None or not status.is_dark:
                dark_since_s = math.inf
            elif asked_s - dark_since_s >= LOOKS_APART_S:
                return Shown(True, last)
            else:
                dark_since_s = min(dark_since_s, clock.now())
            if clock.now() > deadline_s:
                return Shown(False, last)
            is_taken = is_taken and (status is None or not status.hv_enabled)
            clock.sleep(PACKET_GAP_S)
    except OSError as error:
        return Shown(False, f"{last}, then the line failed: {error}")


def _is_acknowledged(line: PlainLine, clock: Clock) -> bool:
    packet = _packet(line, clock, ACK_PID1)
    try:
        return packet is not None and parse_ack(packet).code.is_ok
    except WireError:
        return False


def _status(line: PlainLine, clock: Clock) -> TubeStatus | None:
    line.write(encode(STATUS.packet()))
    packet = _packet(line, clock, *STATUS.reply)
    try:
        return None if packet is None else parse_status(packet.data)
    except WireError:
        return None


def _packet(line: PlainLine, clock: Clock, pid1: int, pid2: int | None = None) -> Packet | None:
    """Wait for a packet of this kind; all else that comes is dropped."""
    reader, deadline_s = PacketReader(), clock.now() + REPLY_TIMEOUT_S
    for _ in range(MOST_READS):
        while (packet := _next(reader)) is not None:
            if packet.pid1 == pid1 and pid2 in (None, packet.pid2):
                return packet
        left_s = deadline_s - clock.now()
        if not left_s > 0:
            break
        reader.feed(line.read(left_s))
    return None


def _next(reader: PacketReader) -> Packet | None:
    while True:
        try:
            return reader.next_packet()
        except WireError:
            continue  # it has dropped what it refused and looks behind it


def _spoken(status: TubeStatus) -> str:
    hv = "on" if status.hv_enabled else "off"
    return f"HV {hv}, {status.voltage_v / 1e3:.1f} kV, {status.current_a * 1e6:.0f} uA, {_fault(status)}"


def _fault(status: TubeStatus) -> str:
    if status.fault.is_fault:
        return f"fault: {status.fault.name.lower().replace('_', ' ')}"
    return "interlock closed"
