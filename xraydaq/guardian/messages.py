"""What is said to the guardian's process: one JSON object per line, each with the version and a number of its own.

Strict: every field of a request must be there, of its type, and no other. What cannot be read is a `MessageError`,
whatever was sent. Numbers are finite, except where a table here says that ``null`` stands for "no number".
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from xraydaq.errors import XraydaqError
from xraydaq.safety.guard_events import Arm, Disarm, DoseSeen, Off, Renew, SetBeam, Stop

VERSION = 1
MOST_REQUEST_BYTES = 4096
MOST_TEXT = 300
MOST_NUMBER = 2**53
"""Of a message; beyond it two whole numbers could be one as a float."""


class MessageError(XraydaqError):
    """Bytes that are no message; nothing is done because of them."""


@dataclass(frozen=True, slots=True)
class WarmUp:
    """Start the tube's own warm-up of a kind; its steps are read from the tube."""

    kind: str


@dataclass(frozen=True, slots=True)
class View:
    """Tell what is known of the beam, which is no sign of life."""


@dataclass(frozen=True, slots=True)
class AskSettings:
    """Read the tube's settings."""


@dataclass(frozen=True, slots=True)
class AskIdentity:
    """Read who the tube is."""


@dataclass(frozen=True, slots=True)
class AskWarmUpDue:
    """Read which warm-up the tube needs."""


@dataclass(frozen=True, slots=True)
class AskWarmUpProgress:
    """Tell how far the warm-up is."""


@dataclass(frozen=True, slots=True)
class Bye:
    """No more beam is wanted, ever: off, and end."""


Asked = (
    Arm | Disarm | Renew | SetBeam | WarmUp | Off | Stop | DoseSeen
    | View | AskSettings | AskIdentity | AskWarmUpDue | AskWarmUpProgress | Bye
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """A request and the number that its reply repeats."""

    number: int
    asked: Asked


def parse_request(line: bytes) -> Request:
    """Turn a line, without its end, into a request.

    Raises:
        MessageError: anything else, and nothing but that.
    """
    record = parse_object(line, MOST_REQUEST_BYTES)
    number = take_header(record)
    word = record.pop("do", None)
    known = _KINDS.get(word) if isinstance(word, str) else None
    if known is None:
        raise MessageError("no such request")
    return Request(number, _built(*known, record))


def encode_request(request: Request) -> bytes:
    """Spell a request as a line with its end.

    Raises:
        MessageError: a value that no request may have.
    """
    word, (_, fields) = next(item for item in _KINDS.items() if item[1][0] is type(request.asked))
    values = {key: _or_null(value) for key, value in asdict(request.asked).items()}
    line = encode_object({"v": VERSION, "n": request.number, "do": word} | {key: values[key] for key in fields})
    parse_request(line.rstrip(b"\n"))
    return line


def parse_object(line: bytes, most_bytes: int) -> dict[str, Any]:
    """Turn a line into a JSON object without repeated keys and without numbers that are none.

    Raises:
        MessageError: anything else.
    """
    if len(line) > most_bytes:
        raise MessageError(f"a line of more than {most_bytes} bytes")
    try:
        found = json.loads(line.decode("utf-8"), object_pairs_hook=_without_repeats, parse_constant=_no_number)
    except (ValueError, RecursionError):  # of which the errors of JSON and UTF-8 are two
        raise MessageError("not one JSON object") from None
    if not isinstance(found, dict):
        raise MessageError("not a JSON object")
    return found


def encode_object(record: Mapping[str, Any]) -> bytes:
    """Spell an object as a line with its end.

    Raises:
        MessageError: it holds what JSON does not have.
    """
    try:
        return json.dumps(record, allow_nan=False, separators=(",", ":")).encode() + b"\n"
    except (TypeError, ValueError):
        raise MessageError("this cannot be sent") from None


def take_header(record: dict[str, Any]) -> int:
    """Take version and number out of an object.

    Raises:
        MessageError: another version, or no number.
    """
    version, number = record.pop("v", None), record.pop("n", None)
    if type(version) is not int or version != VERSION:
        raise MessageError(f"not a message of version {VERSION}")
    if type(number) is not int or not 0 <= number <= MOST_NUMBER:
        raise MessageError("a message without its number")
    return number


def number_field(value: object) -> float:
    """Check a finite number.

    Raises:
        MessageError: it is none.
    """
    if type(value) not in (int, float) or not abs(value) <= MOST_NUMBER:  # type: ignore[arg-type]  # checked
        raise MessageError("not a number, or too large")
    return float(value)  # type: ignore[arg-type]


def number_or_nan(value: object) -> float:
    """Check a finite number; ``null`` is nan.

    Raises:
        MessageError: it is neither.
    """
    return math.nan if value is None else number_field(value)


def flag_field(value: object) -> bool:
    """Check a truth value.

    Raises:
        MessageError: it is none.
    """
    if not isinstance(value, bool):
        raise MessageError("neither true nor false")
    return value


def text_field(value: object) -> str:
    """Check a text of one line.

    Raises:
        MessageError: it is none, or too long.
    """
    if not isinstance(value, str) or len(value) > MOST_TEXT or not (value.isprintable() and value.strip()):
        raise MessageError("not a text of one line")
    return value


def warm_up_kind(value: object) -> str:
    """Check a kind of warm-up.

    Raises:
        MessageError: it is none.
    """
    if value not in ("daily", "monthly"):
        raise MessageError("no kind of warm-up")
    return str(value)


Checks = Mapping[str, Callable[[object], Any]]


def take_fields(record: dict[str, Any], checks: Checks) -> dict[str, Any]:
    """Check that an object has these fields and no other.

    Raises:
        MessageError: one is missing, unknown, or not of its kind.
    """
    if record.keys() != checks.keys():
        raise MessageError("fields are missing, or unknown")
    return {key: check(record[key]) for key, check in checks.items()}


def _built(kind: Callable[..., Asked], checks: Checks, record: dict[str, Any]) -> Asked:
    return kind(**take_fields(record, checks))


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_number(_text: str) -> float:
    raise ValueError("not a number")


def _or_null(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


_KINDS: dict[str, tuple[Callable[..., Asked], Checks]] = {
    "arm": (
        Arm,
        {"name": text_field, "attended": flag_field, "on_s": number_field, "dose_gy": number_field,
         "expects_dose": flag_field},
    ),
    "disarm": (Disarm, {}),
    "renew": (Renew, {}),
    "set": (SetBeam, {"voltage_v": number_field, "current_a": number_field, "dose_rate_gy_s": number_field}),
    "warm_up": (WarmUp, {"kind": warm_up_kind}),
    "off": (Off, {}),
    "stop": (Stop, {"who": text_field}),
    "dose": (DoseSeen, {"rate_gy_s": number_or_nan, "sigma_gy_s": number_or_nan, "integration_s": number_field}),
    "view": (View, {}),
    "settings": (AskSettings, {}),
    "identify": (AskIdentity, {}),
    "warm_up_due": (AskWarmUpDue, {}),
    "warm_up_progress": (AskWarmUpProgress, {}),
    "bye": (Bye, {}),
}  # fmt: skip
"""Word -> what it becomes, and the check of each field; ``null`` of a dose is a reading that is none."""
