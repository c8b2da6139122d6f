"""How an SR570 reads a command (manual, section on remote programming): a mnemonic and at most one number."""

import re
from dataclasses import dataclass, replace

from instruments.sim.sr570.state import HIGHEST_SENSITIVITY_INDEX, RESET, State

_COMMAND = re.compile(r"(?P<name>\*?[A-Z]+)(?P<blanks> *)(?P<number>[+-]?\d+(\.\d*)?)?")


@dataclass(frozen=True)
class Knob:
    """A setting, its lowest and highest number."""

    field: str
    low: int
    high: int


def _switch(field: str) -> Knob:
    return Knob(field, 0, 1)


KNOBS = {
    "SENS": Knob("sensitivity", 0, HIGHEST_SENSITIVITY_INDEX),
    "SUCM": _switch("vernier_on"),
    "SUCV": Knob("vernier_percent", 0, 100),
    "IOON": _switch("offset_on"),
    "IOLV": Knob("offset_level", 0, 29),
    "IOSN": _switch("offset_positive"),
    "IOUC": _switch("offset_vernier_on"),
    "IOUV": Knob("offset_vernier_permille", -1000, 1000),
    "BSON": _switch("bias_on"),
    "BSLV": Knob("bias_mv", -5000, 5000),
    "FLTT": Knob("filter_type", 0, 5),
    "LFRQ": Knob("low_pass", 0, 15),
    "HFRQ": Knob("high_pass", 0, 11),
    "GNMD": Knob("gain_mode", 0, 2),
    "INVT": _switch("inverted"),
    "BLNK": _switch("blanked"),
}
RESET_COMMAND, RESET_OVERLOAD = "*RST", "ROLD"
WITHOUT_NUMBER = (RESET_COMMAND, RESET_OVERLOAD)


@dataclass(frozen=True)
class Understood:
    """A command that means something."""

    name: str
    number: int | None

    def applied(self, state: State) -> State:
        """Get the settings after it."""
        if self.name == RESET_COMMAND:
            return RESET
        if self.number is None:
            return state
        knob = KNOBS[self.name]
        value = bool(self.number) if (knob.low, knob.high) == (0, 1) else self.number
        return replace(state, **{knob.field: value})  # type: ignore[arg-type]


def parse(text: str) -> Understood | None:
    """Understand a command; None is what the instrument ignores: unknown, lower case, out of range, a query."""
    match = _COMMAND.fullmatch(text.strip(" "))
    if match is None:
        return None
    name = match["name"]
    if name in WITHOUT_NUMBER:
        return Understood(name, None) if match["number"] is None else None
    knob = KNOBS.get(name)
    if knob is None or match["number"] is None:
        return None
    number = float(match["number"])
    if not knob.low <= number <= knob.high:
        return None
    return Understood(name, int(number))  # decimals are cut off (assumed)
