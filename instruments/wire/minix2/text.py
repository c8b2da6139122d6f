"""Text commands and the identity of the Mini-X2 (Amptek Programmer's Guide Rev B3)."""

import math
import re
from dataclasses import dataclass

from xraydaq.errors import WireError

OFF = "HVSE=OFF;CUSE=OFF;"
CHECKS_ON = "LIOR=OFF;FAOR=OFF;"
"""Ends the overrides of the limit and fault checks. There is no spelling for the opposite here."""

ASK_SET_POINTS = "HVSE=?;CUSE=?;"
LARGEST_SET_POINT = 255.996  # 8.8 fixed point
DECIMALS = 1000
MODEL = "Amptek Mini-X2"
TEXTS_OFFSET = 32

_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[Ee][+-]?\d+)?) ?(?:[A-Za-z\u00b5\u03bc]{0,4})")
_ITEM = re.compile(r"([A-Z]{4})=([^=;]*)")


@dataclass(frozen=True)
class SetPoints:
    """What the tube is told to do; both zero is off."""

    voltage_v: float
    current_a: float

    @property
    def is_off(self) -> bool:
        """Get whether they ask for no beam: one zero is enough."""
        return self.voltage_v == 0 or self.current_a == 0


@dataclass(frozen=True)
class Identity:
    """What the device says of itself; `text` is all of it, for instruments of another kind too."""

    manufacturer: str
    model: str
    serial: str
    tube_part_number: str
    powered_s: int
    """How long the controller, not the tube, has been powered."""

    text: str
    firmware: str = ""
    """Known from the status only."""

    @property
    def is_mini_x2(self) -> bool:
        """Get whether it is one; spectrometers of the maker have the same USB identity."""
        return self.text.startswith(MODEL)


def format_voltage(voltage_v: float) -> str:
    """Spell a voltage set-point, in kV, rounded down: never above a limit it was checked against."""
    return f"HVSE={_set_point(voltage_v / 1e3)};"


def format_current(current_a: float) -> str:
    """Spell a current set-point, in uA, rounded down."""
    return f"CUSE={_set_point(current_a * 1e6)};"


def parse_read_back(data: bytes) -> dict[str, str]:
    """Get the settings of a read-back reply by name, as the device spells them.

    Raises:
        WireError: not a list of settings, or one name twice.
    """
    items = [_ITEM.fullmatch(item) for item in data.decode("latin-1").removesuffix(";").split(";")]
    found = {item[1]: item[2].strip() for item in items if item is not None}
    if len(found) != len(items):
        raise WireError("a read-back that is not a list of settings", data)
    return found


def parse_set_points(data: bytes) -> SetPoints:
    """Get the set-points of a read-back reply. Number format is not documented: units and OFF are understood.

    Raises:
        WireError: one is missing, unknown to the device (??), or no number.
    """
    found = parse_read_back(data)
    return SetPoints(_number(found.get("HVSE"), data) * 1e3, _number(found.get("CUSE"), data) / 1e6)


def parse_identity(data: bytes) -> Identity:
    """Turn the data of an identity reply into a value, that of a detector too.

    Raises:
        WireError: too short, or no text.
    """
    texts = [text.decode("latin-1").strip() for text in data[TEXTS_OFFSET:].split(b"\0")]
    if not texts or not texts[0]:
        raise WireError("an identity without a name", data)
    model, _, serial = texts[0].partition("S/N")
    return Identity(
        manufacturer="Amptek",
        model=_without_dash(model).removeprefix("Amptek").strip(),
        serial=serial.strip(),
        tube_part_number=next((text[8:].strip() for text in texts if text.startswith("Tube P/N")), ""),
        powered_s=((int.from_bytes(data[4:6], "big") * 24 + data[6]) * 60 + data[7]) * 60 + data[12],
        text=texts[0],
    )


def _set_point(value: float) -> str:
    if not 0 < value <= LARGEST_SET_POINT:
        raise ValueError(f"a set-point of {value}; allowed: above 0, to {LARGEST_SET_POINT}")
    # a ten-millionth of a unit allows for kV and uA that are no round binary numbers in V and A
    return f"{math.floor(value * DECIMALS + 1e-4) / DECIMALS:.3f}"


def _number(text: str | None, data: bytes) -> float:
    if text == "OFF":
        return 0.0
    match = _NUMBER.fullmatch(text or "")
    if match is None or not math.isfinite(float(match[1])):
        raise WireError("a read-back without a set-point", data)
    return float(match[1])


def _without_dash(text: str) -> str:
    """Drop the dash before the serial number: printed as an en dash, in which coding is not said."""
    return re.sub(r"[^A-Za-z0-9]+$", "", text)
