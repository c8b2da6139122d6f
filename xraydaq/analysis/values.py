"""A value with its standard uncertainty, and how it is written.

Rounding and the two notations follow JCGM 100:2008 (GUM), section 7.2: two significant digits of u, "150.23(12) nA"
with the digits of u standing for the last digits of the value, or "150.23 ± 0.12 nA (k=1)".
"""

import math
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from xraydaq.errors import UnitError, XraydaqError

Floats: TypeAlias = NDArray[np.float64]
Booleans: TypeAlias = NDArray[np.bool_]


class NotEnoughData(XraydaqError, ValueError):
    """The rows cannot be evaluated: too few, out of order, or without a bias phase."""


# unit written -> (SI unit, one of it in SI)
DISPLAY_UNITS: dict[str, tuple[str, float]] = {
    "nA cm^-2": ("A m^-2", 1e-5),
    "nA cm^-1 s^-1 V^-1": ("A m^-1 s^-1 V^-1", 1e-7),
    "V/mm": ("V m^-1", 1e3),
    "h": ("s", 3600.0),
    "min": ("s", 60.0),
    "%": ("1", 1e-2),
    "%/h": ("s^-1", 1e-2 / 3600.0),
    "eV": ("J", 1.602176634e-19),
    "cm^-2": ("m^-2", 1e4),
    "cm^2": ("m^2", 1e-4),
    "cm^-1": ("m^-1", 1e2),
    "mm": ("m", 1e-3),
    "um": ("m", 1e-6),
    "uC Gy^-1 cm^-2": ("C Gy^-1 m^-2", 1e-2),
    "nGy/s": ("Gy/s", 1e-9),
    "uGy/s": ("Gy/s", 1e-6),
    "nGy/s/uA": ("Gy/s/A", 1e-3),
    "S/cm": ("S/m", 1e2),
    "uA": ("A", 1e-6),
}
PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M"}
PREFIXED_UNITS = ("A s^-1", "A/√Hz", "A", "V", "s", "S", "Gy/s", "Gy", "C")


@dataclass(frozen=True)
class Value:
    """A quantity: `value` and standard uncertainty `u` (k = 1) in `unit`; `dof` of u, None for many."""

    value: float
    u: float
    unit: str
    dof: float | None = None

    def to(self, unit: str) -> "Value":
        """Convert to a display unit of the same quantity ("nA", "nA cm^-2"); raises UnitError if it is none."""
        factor = _factor(self.unit, unit)
        return replace(self, value=self.value / factor, u=self.u / factor, unit=unit)

    def prefixed(self) -> "Value":
        """Convert to the SI prefix that leaves one to three digits before the point, where the unit takes a prefix."""
        if self.unit not in PREFIXED_UNITS:
            return self
        return self.to(prefix_of(max(abs(self.value), self.u)) + self.unit)

    def __str__(self) -> str:
        """Short notation, "150.23(12) nA"."""
        value, u, exponent = _digits(self.value, self.u)
        if u is None:
            return f"{value}{exponent} {_shown(self.unit)}".strip()
        return f"{value}({_last_digits(u)}){exponent} {_shown(self.unit)}".strip()

    def number(self) -> str:
        """Return the long notation without unit, "150.23 ± 0.12"; without ± where u is zero or not known."""
        value, u, exponent = _digits(self.value, self.u)
        if u is None:
            return value
        return f"({value} ± {u}){exponent}" if exponent else f"{value} ± {u}"

    def plus_minus(self) -> str:
        """Long notation, "150.23 ± 0.12 nA (k=1)"."""
        factor = "(k=1)" if "±" in self.number() else ""
        return " ".join(f"{self.number()} {_shown(self.unit)} {factor}".split())


def prefix_of(magnitude: float) -> str:
    """Return the SI prefix ("n", "µ", "") for a magnitude; "" when it is zero or not finite."""
    if not (math.isfinite(magnitude) and magnitude > 0):
        return ""
    exponent = 3 * math.floor(math.log10(magnitude * (1 + 1e-12)) / 3)
    return PREFIXES[min(max(exponent, min(PREFIXES)), max(PREFIXES))]


def _factor(unit: str, wanted: str) -> float:
    if wanted == unit:
        return 1.0
    si_unit, factor = DISPLAY_UNITS.get(wanted, ("", math.nan))
    if si_unit == unit:
        return factor
    for exponent, prefix in PREFIXES.items():
        if prefix + unit == wanted and unit in PREFIXED_UNITS:
            return float(10.0**exponent)
    raise UnitError(f"a value in {unit!r} cannot be shown in {wanted!r}")


def _shown(unit: str) -> str:
    return "" if unit == "1" else unit


def _last_digits(u: str) -> str:
    return u.replace(".", "").lstrip("0") or "0"


def _digits(value: float, u: float) -> tuple[str, str | None, str]:
    """Split into value and u, rounded alike, and a common power of ten ("" where the number is read at a glance)."""
    if not (math.isfinite(value) and math.isfinite(u) and u > 0):
        return (f"{value:.6g}" if math.isfinite(value) else "not known"), None, ""
    exponent = math.floor(math.log10(max(abs(value), u)))
    power = exponent if exponent < -3 or exponent > 5 else 0
    value, u = value / 10.0**power, u / 10.0**power
    decimals = 1 - math.floor(math.log10(u))
    if round(u, decimals) >= 10.0 ** (2 - decimals):  # 0.0996 becomes 0.10, not 0.100
        decimals -= 1
    value, u = round(value, decimals) + 0.0, round(u, decimals)  # + 0.0: never "-0.0"
    places = max(decimals, 0)
    return f"{value:.{places}f}", f"{u:.{places}f}", f"e{power}" if power else ""
