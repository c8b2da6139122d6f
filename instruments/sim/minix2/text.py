"""The text configuration: ``HVSE=15.0;CUSE=15.0;`` and its read-back ``HVSE=?;CUSE=?;``.

Commands act from left to right; of several bad ones the last is reported (Programmer's Guide B3).
"""

import re
from collections.abc import Callable

from instruments.sim.minix2.controller import Controller
from instruments.sim.minix2.packets import BAD_PARAMETER, OK, UNRECOGNIZED

CEILING = 255.996
LONGEST_PARAMETER = 10
NUMBER = re.compile(r"(\d{1,3}(?:\.\d*)?|\.\d+)[A-Za-z]*")
"""Three digits before the point, a unit behind it; a sign or an exponent is no number (assumed)."""

ACCESSORY_MODES = ("NO", "IN", "FL")
"""First letters of normal, inverted, flash: the spelling is not published (assumed)."""


class BadParameter(Exception):
    """A known command that does not take this value."""


class TextCommands:
    """Executes text on a controller."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._setters: dict[str, Callable[[str], None]] = {
            "HVSE": lambda text: self._set_point("kv", controller.tube.kv_limits, text),
            "CUSE": lambda text: self._set_point("ua", controller.tube.ua_limits, text),
            "FAOR": self._set_checks_off,
            "LIOR": self._set_limits_off,
            "VOLU": self._set_beeps,
            "ADMO": self._set_accessory,
        }
        self._getters: dict[str, Callable[[], str]] = {
            "HVSE": lambda: self._number(controller.set_kv),
            "CUSE": lambda: self._number(controller.set_ua),
            "FAOR": lambda: _switch(controller.checks_off),
            "LIOR": lambda: _switch(controller.limits_off),
            "VOLU": lambda: _switch(controller.beeps),
            "ADMO": lambda: ACCESSORY_MODES[controller.accessory_mode % 3],
        }

    def configure(self, data: bytes) -> tuple[int, bytes]:
        """Execute every command; returns the acknowledge code and the offending text."""
        outcome = (OK, b"")
        for raw in _split(data):
            code = self._do(raw)
            if code != OK:
                outcome = (code, raw)
        return outcome

    def read_back(self, data: bytes) -> bytes:
        """Get the values of the named commands; an unknown one comes back as ``XXXX=??;``."""
        replies = []
        for raw in _split(data):
            name = raw.rstrip(b";").split(b"=")[0]
            getter = self._getters.get(name.decode("latin-1"))
            replies.append(name + b"=" + (b"??" if getter is None else getter().encode()) + b";")
        return b"".join(replies)

    def _do(self, raw: bytes) -> int:
        name, equals, value = raw.removesuffix(b";").decode("latin-1").partition("=")
        setter = self._setters.get(name)
        if setter is None or not equals or not raw.endswith(b";"):
            return UNRECOGNIZED
        try:
            if len(value) > LONGEST_PARAMETER:
                raise BadParameter
            setter(value)
        except BadParameter:
            return BAD_PARAMETER
        return OK

    def _set_point(self, quantity: str, limits: tuple[float, float], text: str) -> None:
        """Set voltage or current. One below the range is refused and zeroes both; one above changes nothing."""
        self._controller.stop_warm_up()
        value = 0.0 if text.startswith("OF") else _parse_number(text)
        value = round(value * 256) / 256
        if value and not self._controller.limits_off:
            if value < limits[0]:
                self._controller.set_output(**{quantity: 0.0})
                raise BadParameter
            if not value <= limits[1]:
                raise BadParameter
        self._controller.set_output(**{quantity: value})

    def _set_checks_off(self, text: str) -> None:
        self._controller.checks_off = self._override("FAOR", text)

    def _set_limits_off(self, text: str) -> None:
        self._controller.limits_off = self._override("LIOR", text)

    def _override(self, name: str, text: str) -> bool:
        is_on = _parse_switch(text)
        if is_on:
            self._controller.writes.append((self._controller.now_s, f"{name}=ON"))
        return is_on

    def _set_beeps(self, text: str) -> None:
        self._controller.beeps = _parse_switch(text)

    def _set_accessory(self, text: str) -> None:
        if self._controller.unit.firmware < (6, 0, 5) or text[:2] not in ACCESSORY_MODES:
            raise BadParameter
        self._controller.accessory_mode = ACCESSORY_MODES.index(text[:2])

    def _number(self, value: float) -> str:
        return f"{value:.3f}" if value else self._controller.unit.zero_text


def _split(data: bytes) -> list[bytes]:
    """Cut behind every semicolon; what is left behind the last one counts as a command, too."""
    return [part for part in re.split(rb"(?<=;)", data) if part]


def _parse_number(text: str) -> float:
    match = NUMBER.fullmatch(text)
    if match is None or not float(match[1]) <= CEILING:
        raise BadParameter
    return float(match[1])


def _parse_switch(text: str) -> bool:
    if text == "ON":
        return True
    if text.startswith("OF"):
        return False
    raise BadParameter


def _switch(is_on: bool) -> str:
    return "ON" if is_on else "OFF"
