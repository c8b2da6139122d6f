"""What the guardian's process is told before anything else: its tube, its limits, what to do if its client dies."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from xraydaq.guardian.messages import (
    MOST_TEXT,
    VERSION,
    Checks,
    MessageError,
    encode_object,
    flag_field,
    number_field,
    parse_object,
    take_fields,
    take_header,
    text_field,
)
from xraydaq.safety.guard_events import GuardLimits
from xraydaq.safety.sessions import Owned

MOST_SETUP_BYTES = 20_000
MOST_OTHERS = 10
MOST_PATH = 4096


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the tube must say of itself; an empty text takes anything."""

    model: str = ""
    serial: str = ""
    firmware: str = ""


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything the guardian knows of the bench; it reads no file."""

    what: str
    """Names the run to a person, wherever somebody asks who has the tube."""

    resource: str
    usb_serial: str | None
    """Serial number of a tube on its own USB connection, None on any other cable."""

    baud: int | None
    frame: str | None
    wanted: Wanted
    limits: GuardLimits
    control: str
    """Path of the Unix socket at which anybody of this user may stop the beam."""

    log: str | None
    others: tuple[Owned, ...] = ()
    """Source and heater: switched off by the guardian when its client is dead, in this order."""


def encode_setup(setup: Setup) -> bytes:
    """Spell a setup as a line with its end.

    Raises:
        MessageError: a value that no setup may have.
    """
    line = encode_object({"v": VERSION, "n": 0, "do": "setup"} | asdict(setup))
    parse_setup(line.rstrip(b"\n"))
    return line


def parse_setup(line: bytes) -> Setup:
    """Turn the first line, without its end, into a setup.

    Raises:
        MessageError: anything else.
    """
    record = parse_object(line, MOST_SETUP_BYTES)
    take_header(record)
    if record.pop("do", None) != "setup":
        raise MessageError("the first line must be a setup")
    return Setup(**take_fields(record, _SETUP))


def _wanted(value: object) -> Wanted:
    return Wanted(**take_fields(_record(value), {each.name: _any_short_text for each in fields(Wanted)}))


def _limits(value: object) -> GuardLimits:
    checks: dict[str, Any] = {each.name: number_field for each in fields(GuardLimits)}
    found = GuardLimits(**take_fields(_record(value), checks | {"unattended": flag_field}))
    for name in ("max_voltage_v", "max_current_a", "max_power_w", "lease_s", "status_within_s", "look_every_s"):
        if not getattr(found, name) > 0:
            raise MessageError(f"limit {name} must be above 0")
    return found


def others_field(value: object) -> tuple[Owned, ...]:
    """Take the instruments that are to be switched off."""
    if not isinstance(value, list) or len(value) > MOST_OTHERS:
        raise MessageError("not a list of instruments")
    return tuple(Owned(**take_fields(_record(each), _OWNED)) for each in value)


def _record(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise MessageError("not an object")
    return value


def _any_short_text(value: object) -> str:
    if not isinstance(value, str) or len(value) > MOST_TEXT:
        raise MessageError("not a short text")
    return value


def _path(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MOST_PATH or "\0" in value or not Path(value).is_absolute():
        raise MessageError("not an absolute path")
    return value


def _or_none(check: Any) -> Any:
    return lambda value: None if value is None else check(value)


def _whole(value: object) -> int:
    if type(value) is not int or not 0 < value < 10**9:
        raise MessageError("not a whole number above 0")
    return value


def _frame(value: object) -> str:
    text = text_field(value)
    if len(text) != 3 or text[0] not in "5678" or text[1] not in "NOE" or text[2] not in "12":
        raise MessageError("not a frame such as 8N1")
    return text


_OWNED: Checks = {
    "role": text_field, "driver": text_field, "resource": text_field, "baud": _or_none(_whole),
    "frame": _or_none(_frame),
}  # fmt: skip
_SETUP: Checks = {
    "what": text_field,
    "resource": text_field,
    "usb_serial": _or_none(text_field),
    "baud": _or_none(_whole),
    "frame": _or_none(_frame),
    "wanted": _wanted,
    "limits": _limits,
    "control": _path,
    "log": _or_none(_path),
    "others": others_field,
}
