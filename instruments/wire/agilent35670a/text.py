"""Words of the Agilent 35670A: numbers, strings, error queue, identity; and how messages are spelt.

PROG is "GPIB Programming with the Agilent 35670A". Strict on purpose: `float` accepts ``1_0``, ``nan`` and half of a
number, and none of these is an answer of the instrument.
"""

import math
import re
from dataclasses import dataclass

from instruments.wire.replies import Identity, bad_text, parse_error_entry

LARGEST = 1e30
"""Beyond any voltage, density or frequency; SCPI spells "not a number" and infinity as 9.9E37 and more."""

LONGEST_MESSAGE = 128
"""Bytes of the input buffer, terminator included (PROG); more are lost with everything around them."""

# PROG: mantissa digits vary with the query, the exponent has three. Exact, so that half a number is none.
_REAL = re.compile(r"[+-]?[0-9]\.[0-9]+E[+-][0-9]{3}")
_WHOLE = re.compile(r"[+-]?[0-9]{1,9}")
_STRING = re.compile(r'"([^"]*)"')


@dataclass(frozen=True, slots=True)
class ErrorMessage:
    """One entry of the error queue; code 0 is the entry of an empty queue."""

    code: int
    text: str


def message(command: str) -> str:
    """Get a command that fits into the input buffer and holds at most one query.

    Raises:
        ValueError: it does not; the output queue holds one reply (PROG), a second query loses it.
    """
    fits = len(command) + 1 <= LONGEST_MESSAGE
    if not (fits and command.isascii() and command.isprintable() and command.count("?") <= 1):
        raise ValueError(
            f"{command[:LONGEST_MESSAGE]!r} is no message of up to {LONGEST_MESSAGE} bytes with one query"
        )
    return command


def single_line(reply: str) -> str:
    """Get the one line of a reply without its end.

    Raises:
        WireError: no line, more than one, or characters that no reply has.
    """
    line = reply.removesuffix("\n").removesuffix("\r")
    if not line:
        raise bad_text("an empty reply", reply)
    if not (line.isascii() and line.isprintable()):
        raise bad_text("not one line of printable characters", reply)
    return line


def parse_real(text: str) -> float:
    """Get a real number, such as ``+1.02400000000E+005``.

    Raises:
        WireError: anything else, or beyond what any value is (the codes of SCPI for nan and infinity).
    """
    if _REAL.fullmatch(text) is None or not abs(float(text)) < LARGEST:
        raise bad_text("not a real number", text)
    return float(text)


def parse_number(text: str) -> float:
    """Get the value of a setting, real or whole: ``+1.02400000000E+005``, ``+400``.

    Raises:
        WireError: anything else.
    """
    return float(text) if _WHOLE.fullmatch(text) is not None else parse_real(text)


def parse_whole(text: str) -> int:
    """Get a count, state or register, such as ``+272``; a whole real is one, too.

    Raises:
        WireError: not a whole number.
    """
    value = parse_number(text)
    if value != math.floor(value) or not abs(value) < 1e9:
        raise bad_text("not a whole number", text)
    return int(value)


def parse_string(text: str) -> str:
    """Get a quoted string without its quotes, such as ``"V/RTHZ"``.

    Raises:
        WireError: anything else.
    """
    match = _STRING.fullmatch(text)
    if match is None:
        raise bad_text("not a quoted string", text)
    return match[1]


def parse_error(line: str) -> ErrorMessage:
    """Get an entry of the error queue, such as ``-113,"Undefined header"``.

    Raises:
        WireError: anything else.
    """
    return ErrorMessage(*parse_error_entry(line))


def parse_identity(line: str) -> Identity:
    """Split a reply to ``*IDN?``; the last field (firmware) may hold anything, commas included.

    Raises:
        WireError: fewer fields, empty ones, or a row of numbers (a trace that came late).
    """
    fields = [field.strip() for field in line.split(",", 3)]
    if len(fields) != 4 or not all(fields) or _REAL.fullmatch(fields[0]):
        raise bad_text("not an identity", line)
    return Identity(line, *fields)


def format_number(value: float) -> str:
    """Spell a number; twelve digits are what the instrument itself shows.

    Raises:
        ValueError: not finite. Limits are checked where they are known; this is the last gate.
    """
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot be sent")
    return f"{value:.12g}".replace("e", "E")
