"""Words of the Keithley 2400: lines, numbers, registers, the error queue, the identity; and how numbers are sent.

UM is the Series 2400 SourceMeter User's Manual, 2400S-900-01. Everything here is strict on purpose: `float` accepts
``1_0``, ``nan``, ``infinity``, and half of a number, and none of these is an answer of the instrument.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from instruments.wire.replies import Identity, bad_text, parse_error_entry, parse_name

_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:E[+-][0-9]{1,2})?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,9}")
_QUOTED = re.compile(r"[\"'][A-Z:]+[\"']")
_REGISTERS = (("#H", 16), ("#Q", 8), ("#B", 2))

STATUS_MESSAGES = range(100, 310)
"""Positive codes that tell and do not complain, such as +109 "buffer full" (UM, error and status messages)."""

LIST_VALUES = 50
"""Levels in one list message: UM (source list) allows 100; 50 keep a message with 15-character levels below 1 kB, a
length the interface takes in any case (not verified in a document)."""


@dataclass(frozen=True, slots=True)
class ErrorMessage:
    """One entry of the error queue; code 0 is the entry of an empty queue."""

    code: int
    text: str

    @property
    def is_failure(self) -> bool:
        """Get whether a command was refused or something broke, as opposed to a status message or an empty queue."""
        return self.code != 0 and self.code not in STATUS_MESSAGES


def single_line(reply: str) -> str:
    """Get the one line of a reply, without CR, LF, CRLF or LFCR around it (UM, RS-232: any of the four).

    Raises:
        WireError: no line, more than one, or characters that no reply has.
    """
    line = reply.strip("\r\n")
    if not line:
        raise bad_text("an empty reply", reply)
    if not (line.isascii() and line.isprintable()):
        raise bad_text("not one line of printable characters", reply)
    return line


def parse_number(text: str) -> float:
    """Get the value of a numeric setting, such as ``1.050000E-06``.

    Raises:
        WireError: anything else.
    """
    if _NUMBER.fullmatch(text) is None:
        raise bad_text("not a number", text)
    return float(text)


def parse_whole(text: str) -> int:
    """Get the value of a count; ``41`` and ``4.100000E+01`` are both in use.

    Raises:
        WireError: not a whole number.
    """
    value = parse_number(text)
    if value != math.floor(value) or not abs(value) < 1e9:
        raise bad_text("not a whole number", text)
    return int(value)


def parse_boolean(text: str) -> bool:
    """Get a state, which is ``0`` or ``1``.

    Raises:
        WireError: anything else.
    """
    if text not in ("0", "1"):
        raise bad_text("neither 0 nor 1", text)
    return text == "1"


def parse_names(text: str) -> tuple[str, ...]:
    """Get a list of names, quoted or not: ``VOLT,CURR,TIME,STAT`` and ``"VOLT:DC","CURR:DC"``.

    Raises:
        WireError: anything else.
    """
    fields = text.split(",")
    if all(_QUOTED.fullmatch(field) for field in fields):
        return tuple(field[1:-1] for field in fields)
    return tuple(parse_name(field) for field in fields)


def parse_register(text: str) -> int:
    """Get a status register, in any of the formats of ``:FORM:SREG``: ``37``, ``#H25``, ``#Q45``, ``#B100101``.

    Raises:
        WireError: anything else.
    """
    for prefix, base in _REGISTERS:
        digits = text.removeprefix(prefix)
        if digits != text and digits.isascii() and digits.isalnum():
            try:
                return int(digits, base)
            except ValueError:
                raise bad_text("not a register", text) from None
    if _WHOLE.fullmatch(text) is None:
        raise bad_text("not a register", text)
    return int(text)


def parse_error(line: str) -> ErrorMessage:
    """Get an entry of the error queue; positive codes come with or without a plus sign (depends on the firmware).

    Raises:
        WireError: anything else.
    """
    return ErrorMessage(*parse_error_entry(line))


def parse_identity(line: str) -> Identity:
    """Split a reply to ``*IDN?``: four fields, the last (firmware) may hold anything, commas included.

    Raises:
        WireError: fewer fields, empty ones, or a row of numbers (a reading that came late).
    """
    fields = [field.strip() for field in line.split(",", 3)]
    if len(fields) != 4 or not all(fields) or any(_NUMBER.fullmatch(field) for field in fields[:2]):
        raise bad_text("not an identity", line)
    return Identity(line, *fields)


def format_number(value: float) -> str:
    """Spell a number so that nothing the instrument resolves is lost (5 uV of 200 V are eight digits).

    Raises:
        ValueError: not finite. Limits are checked where they are known; this is the last gate.
    """
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot be sent")
    return f"{value:.9g}".replace("e", "E")


def format_level_list(levels_v: Sequence[float]) -> tuple[str, ...]:
    """Spell a source list as one message and as many appending ones as it takes (UM, list sweep)."""
    chunks = [levels_v[first : first + LIST_VALUES] for first in range(0, len(levels_v), LIST_VALUES)]
    heads = [":SOUR:LIST:VOLT", *[":SOUR:LIST:VOLT:APP"] * (len(chunks) - 1)]
    return tuple(f"{head} {','.join(map(format_number, chunk))}" for head, chunk in zip(heads, chunks, strict=True))
