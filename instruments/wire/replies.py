"""What replies of several instruments have in common: the identity, the error queue of SCPI, names, and what is none.

The form of ``*IDN?`` is that of IEEE 488.2, that of an error entry and of names that of SCPI 1999.
"""

import re
from dataclasses import dataclass

from xraydaq.errors import WireError

_NAME = re.compile(r"[A-Z][A-Z0-9]*")
_ERROR = re.compile(r'([+-]?[0-9]{1,5}),"((?:[^"]|"")*)"')


@dataclass(frozen=True, slots=True)
class Identity:
    """Reply to ``*IDN?``: the whole text and its four fields."""

    text: str
    manufacturer: str
    model: str
    serial: str
    firmware: str


def bad_text(message: str, text: str) -> WireError:
    """Make the error of a text that is not what it must be."""
    return WireError(message, text.encode("utf-8", "backslashreplace"))


def parse_name(text: str) -> str:
    """Get a name in its short upper-case form, such as ``VOLT``.

    Raises:
        WireError: anything else.
    """
    if _NAME.fullmatch(text) is None:
        raise bad_text("not a name", text)
    return text


def parse_error_entry(line: str) -> tuple[int, str]:
    """Get code and text of an entry of the error queue, such as ``-113,"Undefined header"``.

    Raises:
        WireError: anything else.
    """
    match = _ERROR.fullmatch(line)
    if match is None:
        raise bad_text("not an entry of the error queue", line)
    return int(match[1]), match[2].replace('""', '"')
