"""Words of the Lake Shore 335: numbers, registers, settings, the identity; and how numbers are sent.

Sources: Lake Shore Model 335 User's Manual; Lake Shore's own Python driver ("LSDRV"); EPICS ip module, protocol files
of the 335/336 ("EPICS"). How many digits a reply has is not stated there for every command, so any number of digits
is taken; what is no plain decimal number is refused (`float` would accept ``nan``, ``1_0`` and half of a number).
"""

import math
import re
from enum import IntFlag

from instruments.wire.replies import Identity, bad_text

_NUMBER = re.compile(r"[+-]?[0-9]{1,7}(?:\.[0-9]{1,7})?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,3}")
_CODE = re.compile(r"[0-9]{1,3}")

INPUTS = ("A", "B", "C", "D")
"""In the order of their numbers in OUTMODE, 1 for A; the 335 has the first two, the 336 all four."""

LONGEST_REPLY = 255


class SensorStatus(IntFlag):
    """Reading status of an input, reply to ``RDGST?``; only 0 is a valid reading (331/340/350 manuals, same bits)."""

    INVALID = 1
    OLD = 2
    UNDER_TEMPERATURE = 16
    OVER_TEMPERATURE = 32
    ZERO_UNITS = 64
    OVER_UNITS = 128


class EventStatus(IntFlag):
    """Standard event status, reply to ``*ESR?``; reading clears it (LSDRV)."""

    OPERATION_COMPLETE = 1
    QUERY_ERROR = 4
    EXECUTION_ERROR = 16
    COMMAND_ERROR = 32
    POWER_ON = 128


FAILURES = EventStatus.QUERY_ERROR | EventStatus.EXECUTION_ERROR | EventStatus.COMMAND_ERROR


class HeaterFault(IntFlag):
    """Reply to ``HTRST?``, which reading clears: 0 ok, 1 open, 2 short (LSDRV)."""

    OPEN = 1
    SHORT = 2


def single_line(reply: str) -> str:
    """Get the one line of a reply without its CR LF.

    Raises:
        WireError: no line, more than one, too long, or characters that no reply has.
    """
    line = reply.strip("\r\n")
    if not line or len(line) > LONGEST_REPLY or not (line.isascii() and line.isprintable()):
        raise bad_text("not one line of printable characters", reply)
    return line


def parse_number(text: str) -> float:
    """Get a number such as ``+273.150``.

    Raises:
        WireError: anything else.
    """
    if _NUMBER.fullmatch(text) is None:
        raise bad_text("not a number", text)
    return float(text)


def parse_numbers(text: str, *counts: int) -> tuple[float, ...]:
    """Get a row of as many numbers as one of `counts` says, such as ``+50.0,+20.0,+0.0``.

    Raises:
        WireError: anything else.
    """
    fields = text.split(",")
    if len(fields) not in counts:
        raise bad_text(f"{len(fields)} numbers instead of {' or '.join(map(str, counts))}", text)
    return tuple(map(parse_number, fields))


def parse_code(text: str, *allowed: int) -> int:
    """Get a choice such as ``0``; `allowed` names the choices, none means any from 0 to 999.

    Raises:
        WireError: anything else.
    """
    if _WHOLE.fullmatch(text) is None or (allowed and int(text) not in allowed) or int(text) < 0:
        raise bad_text("not one of its codes", text)
    return int(text)


def parse_sensor_status(text: str) -> SensorStatus:
    """Get a reading status, decimal digits such as ``065``.

    Raises:
        WireError: anything else.
    """
    return SensorStatus(_register(text))


def parse_event_status(text: str) -> EventStatus:
    """Get an event status, decimal digits such as ``032``.

    Raises:
        WireError: anything else.
    """
    return EventStatus(_register(text))


def parse_identity(line: str) -> Identity:
    """Split a reply to ``*IDN?``, such as ``LSCI,MODEL335,1234567/1234567,1.0``.

    Raises:
        WireError: not four fields, or an empty one.
    """
    fields = [field.strip() for field in line.split(",", 3)]
    if len(fields) != 4 or not all(fields) or _NUMBER.fullmatch(fields[0]):
        raise bad_text("not an identity", line)
    return Identity(line, *fields)


def temperature_k(shown: float, status: SensorStatus) -> float:
    """Get a kelvin reading, nan unless its status is good: an open sensor reads 0 or the end of its curve."""
    return shown if status == 0 and shown > 0 else math.nan


def format_number(value: float) -> str:
    """Spell a number to a tenth of the last digit the instrument knows.

    Raises:
        ValueError: not finite. Limits are checked where they are known; this is the last gate.
    """
    if not abs(value) < 1e6:
        raise ValueError(f"{value} cannot be sent")
    text = f"{value:.4f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _register(text: str) -> int:
    if _CODE.fullmatch(text) is None or int(text) > 255:
        raise bad_text("not a status register", text)
    return int(text)
