"""Lines between this program and a bridge that runs beside the dosimeter's own program, version 1.

This protocol is defined in docs/reference/accugold.md. It is not Radcal's: what the Accu-Gold+ digitizer itself speaks
is not published, and nothing here may be sent to it.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntFlag
from functools import reduce
from types import MappingProxyType

from xraydaq.errors import WireError

LONGEST_LINE = 512
"""Bytes, line feed included."""

CHECKSUM, NOT_A_LINE, MALFORMED, UNKNOWN_VERB, BAD_VALUE, UNKNOWN_KEY = 10, 11, 12, 20, 21, 22
NOT_NOW, NOT_SUPPORTED, NOT_CONNECTED, SENSOR, OVER_RANGE, ZERO_FIRST, BUSY, BACKEND = 23, 24, 30, 31, 32, 33, 34, 40

_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?(?:[eE][+-]?[0-9]{1,3})?")
_HEAD = re.compile(r"@([0-9]{1,5}) (.*)", re.DOTALL)
_VERB = re.compile(r"([A-Z]{1,16}\??)(?: (.+))?", re.DOTALL)
_ERR = re.compile(r"ERR ([0-9]{1,3}),([^=*@]*)")
_OK = re.compile(r"OK(?: (.+))?", re.DOTALL)
_EVENT = re.compile(r"!([A-Z]{1,16})(?: (.+))?", re.DOTALL)
_PAIR = re.compile(r"([A-Za-z][A-Za-z0-9_]{0,31})=([^,=*@]+)")
_NOTHING: Mapping[str, str] = MappingProxyType({})


class DoseFlag(IntFlag):
    """What is to be known about a reading."""

    BELOW_RANGE = 0x0001
    OVER_RATE = 0x0002
    OVER_DOSE = 0x0004
    ZERO_MISSING = 0x0008
    WARMING_UP = 0x0010
    ENVIRONMENT_MISSING = 0x0020
    SENSOR_CHANGED = 0x0040
    CALIBRATION_OLD = 0x0080
    LINK_LOST = 0x0100


class BadLine(WireError):
    """A line that is no message; `code` is what a bridge answers, `request_id` is 0 if it cannot be read."""

    def __init__(self, message: str, line: bytes, code: int, request_id: int = 0) -> None:
        self.code = code
        self.request_id = request_id
        super().__init__(message, line)


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks; verbs that end in ``?`` change nothing."""

    request_id: int
    verb: str
    values: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True, slots=True)
class Ok:
    """The answer to a request that was fulfilled."""

    request_id: int
    values: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True, slots=True)
class Err:
    """The answer to a request that was not."""

    request_id: int
    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Event:
    """What a bridge says by itself."""

    name: str
    values: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True, slots=True)
class Measured:
    """Values of ``READ?``. What was not sent is nan; `k_applied` None: nobody said whether it was applied."""

    number: int
    time_s: float
    dose_gy: float
    rate_gy_s: float
    temperature_k: float
    pressure_pa: float
    k_tp: float
    k_applied: bool | None
    flags: DoseFlag


class LineCutter:
    """Cuts a stream at line feeds; a line that is too long comes out cut to one byte too many."""

    def __init__(self) -> None:
        self._partial = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Take what arrived and give the whole lines, without their ends."""
        *lines, partial = (self._partial + data).split(b"\n")
        self._partial = partial[: LONGEST_LINE + 1]
        return [line[: LONGEST_LINE + 1] for line in lines]


def checksum(body: str) -> str:
    """Get the two digits that follow ``*``: all bytes before it, exclusive-ored."""
    return f"{reduce(lambda total, byte: total ^ byte, body.encode('ascii'), 0):02X}"


def format_request(request: Request) -> str:
    """Spell a request with its checksum, without line feed.

    Raises:
        ValueError: a value that the format has no room for.
    """
    return _checked(f"@{request.request_id} {request.verb}{_spell(request.values)}")


def format_answer(answer: Ok | Err | Event, *, with_checksum: bool = True) -> str:
    """Spell an answer or event, without line feed; raises as `format_request`."""
    if isinstance(answer, Event):
        body = f"!{answer.name}{_spell(answer.values)}"
    elif isinstance(answer, Ok):
        body = f"@{answer.request_id} OK{_spell(answer.values)}"
    else:
        body = f"@{answer.request_id} ERR {answer.code},{re.sub(r'[^ -~]|[=*@]', ' ', answer.text)}"
    return _checked(body) if with_checksum else body


def parse_request(line: bytes) -> tuple[Request, bool]:
    """Get a request, and whether it carried a checksum.

    Raises:
        BadLine: it is none.
    """
    body, checked = _body(line)
    request_id, rest = _split_id(body, line)
    match = _VERB.fullmatch(rest)
    if match is None:
        raise BadLine("no verb", line, MALFORMED, request_id)
    return Request(request_id, match[1], _values(match[2], line, request_id)), checked


def parse_answer(line: bytes, *, need_checksum: bool = False) -> Ok | Err | Event:
    """Get what a bridge said; it must add checksums once it was sent one.

    Raises:
        BadLine: it is no answer and no event.
    """
    body, checked = _body(line)
    if need_checksum and not checked:
        raise BadLine("no checksum", line, CHECKSUM)
    if event := _EVENT.fullmatch(body):
        return Event(event[1], _values(event[2], line, 0))
    request_id, rest = _split_id(body, line, least=0)
    if ok := _OK.fullmatch(rest):
        return Ok(request_id, _values(ok[1], line, request_id))
    if err := _ERR.fullmatch(rest):
        return Err(request_id, int(err[1]), err[2])
    raise BadLine("neither OK nor ERR", line, MALFORMED, request_id)


def parse_number(text: str) -> float:
    """Get a number, such as ``1.048E-06``.

    Raises:
        WireError: anything else.
    """
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise WireError("not a number", text.encode("utf-8", "backslashreplace"))
    return value


def parse_measured(values: Mapping[str, str]) -> Measured:
    """Get a reading. A number that is too high to be known (flags) is nan, and so is one that is not there.

    Raises:
        WireError: flags or number missing, or a value that is none.
    """
    numbers = {key: parse_number(values[key]) if key in values else math.nan for key in _MEASURED}
    flags = _flags(values.get("flags", ""))
    count = values.get("n", "")
    k_applied = values.get("k_app")
    if not (count.isascii() and count.isdigit() and len(count) < 16) or k_applied not in (None, "0", "1"):
        raise WireError("not a reading", repr(dict(values)).encode())
    over_rate = DoseFlag.OVER_RATE in flags
    return Measured(
        int(count),
        numbers["time_s"],
        math.nan if over_rate or DoseFlag.OVER_DOSE in flags else numbers["dose_Gy"],
        math.nan if over_rate else numbers["rate_Gy_s"],
        numbers["t_C"] + 273.15,
        numbers["p_kPa"] * 1000,
        numbers["k_tp"],
        None if k_applied is None else k_applied == "1",
        flags,
    )


_MEASURED = ("time_s", "dose_Gy", "rate_Gy_s", "t_C", "p_kPa", "k_tp")


def _flags(text: str) -> DoseFlag:
    if re.fullmatch(r"[0-9A-Fa-f]{4}", text) is None:
        raise WireError("not four digits of flags", text.encode("utf-8", "backslashreplace"))
    return DoseFlag(int(text, 16))


def _checked(body: str) -> str:
    line = f"{body}*{checksum(body)}"
    if len(line) >= LONGEST_LINE:
        raise ValueError(f"a line of {len(line)} characters; allowed: {LONGEST_LINE - 1}")
    return line


def _spell(values: Mapping[str, str]) -> str:
    pairs = [f"{key}={value}" for key, value in values.items()]
    for pair in pairs:
        if _PAIR.fullmatch(pair) is None or not (pair.isascii() and pair.isprintable()):
            raise ValueError(f"{pair!r} cannot be sent")
    return f" {','.join(pairs)}" if pairs else ""


def _body(line: bytes) -> tuple[str, bool]:
    line = line.removesuffix(b"\n").removesuffix(b"\r")
    if len(line) >= LONGEST_LINE or any(not 32 <= byte <= 126 for byte in line):
        raise BadLine("too long, or not printable ASCII", line, NOT_A_LINE)
    text = line.decode("ascii")
    body, star, digits = text.partition("*")
    if star and digits != checksum(body):
        match = _HEAD.match(body)
        raise BadLine("wrong checksum", line, CHECKSUM, int(match[1]) if match else 0)
    return body, bool(star)


def _split_id(body: str, line: bytes, *, least: int = 1) -> tuple[int, str]:
    match = _HEAD.fullmatch(body)
    if match is None or not least <= int(match[1]) <= 65535:
        raise BadLine("no number of a request", line, MALFORMED)
    return int(match[1]), match[2]


def _values(text: str | None, line: bytes, request_id: int) -> Mapping[str, str]:
    if text is None:
        return _NOTHING
    matches = [_PAIR.fullmatch(pair) for pair in text.split(",")]
    pairs = [(match[1], match[2]) for match in matches if match]
    if len(pairs) < len(matches) or len(dict(pairs)) < len(pairs):
        raise BadLine("not key=value,...", line, MALFORMED, request_id)
    return MappingProxyType(dict(pairs))
