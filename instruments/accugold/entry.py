"""Doses, times and air as a person or an exported table writes them, to SI.

Roentgen: 1 R is 8.76 mGy of air kerma. Rad: 10 mGy. Sievert is no air kerma and is refused.
"""

import re

from instruments.accugold.air import Air
from xraydaq.errors import UnitError
from xraydaq.units import parse_quantity

GRAY_PER_ROENTGEN = 8.76e-3
GRAY_PER_RAD = 1e-2
_OLD = re.compile(r"(?P<number>.*?[0-9.])\s*(?P<prefix>[mkunµμ]?)(?P<unit>R|rad)(?P<per>/(?:s|min|h))?", re.ASCII)
_SIEVERT = re.compile(r"Sv\b|sievert|rem\b", re.IGNORECASE)


def parse_dose(text: str) -> float:
    """Get an air kerma in gray.

    Raises:
        UnitError: it is none.
    """
    return _parse(text, "Gy")


def parse_rate(text: str) -> float:
    """Get an air kerma rate in gray per second; raises as `parse_dose`."""
    return _parse(text, "Gy/s")


def is_rate(text: str) -> bool:
    """Get whether the unit is one of a rate."""
    return "/" in text or text.rstrip().endswith(("s-1", "s⁻¹"))


def parse_air(temperature: str, pressure: str) -> Air:
    """Get the air from a temperature such as ``22.1 degC`` and a pressure such as ``99.58 kPa``.

    Raises:
        UnitError: one of them is none.
        LimitError: no chamber is used in such air.
    """
    return Air(
        parse_quantity(temperature, "K", example_unit="degC"), parse_quantity(pressure, "Pa", example_unit="kPa")
    )


def _parse(text: str, unit: str) -> float:
    text = text.strip()
    if _SIEVERT.search(text):
        raise UnitError(f'"{text}" is a dose equivalent; air kerma is wanted, for example "5 u{unit}"')
    old = _OLD.fullmatch(text)
    if old is None:
        return parse_quantity(text, unit, example_unit=f"u{unit}")
    factor = GRAY_PER_ROENTGEN if old["unit"] == "R" else GRAY_PER_RAD
    return factor * parse_quantity(f"{old['number']} {old['prefix']}Gy{old['per'] or ''}", unit)
