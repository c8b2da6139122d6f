"""Text with a unit, as a person writes it, to SI and back.

pint knows the units and is imported by the first conversion, never by importing this module. Magnitudes are exact
fractions until the last step, so that ``"50 um"`` is the float 5e-5 and not its neighbour.
"""

import math
import re
from collections.abc import Callable
from difflib import get_close_matches
from fractions import Fraction
from functools import cache
from typing import Any

from xraydaq.errors import UnitError

LONGEST_TEXT = 80

KINDS = {
    "V": "a voltage", "A": "a current", "s": "a duration", "m": "a length", "m^2": "an area", "Hz": "a frequency",
    "V/m": "an electric field", "V/s": "a voltage rate", "K": "a temperature", "K/s": "a temperature rate",
    "ohm": "a resistance", "S": "a conductance", "W": "a power", "C": "a charge", "Gy": "an absorbed dose",
    "Gy/s": "a dose rate", "Pa": "a pressure", "": "a plain number",
}  # fmt: skip
"""SI unit -> what it measures, for messages."""

COMMON_UNITS = (
    "V", "mV", "kV", "A", "mA", "uA", "nA", "pA", "s", "ms", "min", "h", "m", "mm", "cm", "um", "nm", "Hz", "kHz",
    "K", "degC", "ohm", "S", "W", "C", "Gy", "Pa", "hPa", "kPa", "%",
)  # fmt: skip
PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T"}

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?(?![\d.])", re.ASCII)
_SEPARATOR = re.compile(r"[ ,_'](?=\d)", re.ASCII)
_GROUPS = re.compile(r"(?:[ ,_']\d{3})+(?:\.\d+)?(?![ .,_']?\d).*", re.ASCII)
_DECIMALS = re.compile(r",\d+(?![ .,_']?\d).*", re.ASCII)
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)\b", re.IGNORECASE)
_POWER = r"(?:\s*(?:\^|\*\*)\s*-?\d(?!\d)|⁻?[¹²³])?"
_FACTOR = rf"(?:1|%|°C|[A-Za-zµμΩ]+{_POWER})"
_UNIT = re.compile(rf"{_FACTOR}(?:(?:\s*[*/·]\s*|\s+){_FACTOR})*")
_SCALE = re.compile(r"°C|deg(?:ree)?[_ ]?(?:C|F|Re)\b|celsius|fahrenheit|reaumur", re.IGNORECASE)
_DOSE_EQUIVALENTS = ("sievert", "rem")
"""In pint's names; a sievert has the dimension of a gray and is another quantity."""

_RAD = re.compile(r"[mkuµμ]?rad\b")
_DASHES = ("\N{MINUS SIGN}", "\N{EN DASH}", "\N{EM DASH}", "\N{HYPHEN}")
_MISTAKEN = {("C", "K"): "degC", ("m", "s"): "min"}
"""Unit written for a dimension it does not have -> unit that is usually meant."""

_DEGREES_C = frozenset({"degC", "°C", "celsius", "Celsius", "degree_Celsius"})


def parse_quantity(text: str, unit: str, *, example_unit: str | None = None) -> float:
    """Get the SI value of `text`, which must have the dimension of `unit` (an SI unit without prefix, `""` for none).

    ``m`` is the metre, ``min`` the minute; ``u``, ``µ`` and ``μ`` are the same prefix. A temperature (`unit` ``K``) is
    absolute and may be written in degC; differences and rates must use K. `example_unit` is the unit that hints
    show instead of `unit`.

    Raises:
        UnitError: no number, no unit, an unknown unit, another dimension, or a value that is not finite.
    """
    shown = unit if example_unit is None else example_unit
    text = one_line(text)
    number, unit_text = _split(text, shown)
    if not unit_text and unit:
        raise UnitError(f'unit missing in "{text}"; write a number and a unit, for example "5 {shown}"')
    value = float_of(_convert(text, number, unit_text, unit, shown), text)
    if unit == "K" and not value >= 0:
        raise UnitError(f'"{text}" is below absolute zero; allowed: a temperature from 0 K, for example "298.15 K"')
    return value


def one_line(text: str) -> str:
    """Get `text` as it may stand in a message: one line, single blanks, nothing invisible."""
    return visible(" ".join(text.split()))


def visible(text: str) -> str:
    """Get `text` with line breaks and everything invisible written as escapes."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def float_of(value: Fraction, text: str) -> float:
    """Round an exact value once; refuses what no float holds, and what would become zero without being it."""
    try:
        rounded = float(value)
    except OverflowError:
        raise UnitError(f'"{text}" is too large for any quantity') from None
    if rounded == 0 and value != 0:
        raise UnitError(f'"{text}" is too small for any quantity; write 0 if zero is meant')
    return rounded


def format_quantity(value_si: float, unit: str, digits: int = 4) -> str:
    """Write an SI value with a prefix and at most `digits` significant digits, 1.502e-7 A as ``150.2 nA``.

    The prefix goes to the first factor of `unit` and knows its power (``3.142 mm^2``). Temperatures and long
    durations keep their unit. What this writes, `parse_quantity` reads.
    """
    if not math.isfinite(value_si) or value_si == 0:
        return f"{value_si:g} {unit}".rstrip()
    rounded = float(f"{value_si:.{digits - 1}e}")
    power = _leading_power(unit)
    candidates = [exponent for exponent in PREFIXES if _may_prefix(unit, exponent)]
    size = math.floor(math.log10(abs(rounded)) + 1e-12)
    exponent = max((each for each in candidates if each * power <= size), default=candidates[0])
    # the exact quotient, so that no digit comes from the division
    scaled = Fraction(f"{rounded:.{digits - 1}e}") / Fraction(10) ** (exponent * power)
    return f"{_plain(float(scaled), digits)} {PREFIXES[exponent]}{unit}".rstrip()


def _split(text: str, shown: str) -> tuple[str, str]:
    example = f'for example "{f"5 {shown}".rstrip()}"'
    if len(text) > LONGEST_TEXT:
        raise UnitError(f'"{text[:20]}..." is too long for a quantity; write a number and a unit, {example}')
    if _NOT_FINITE.match(text):
        raise UnitError(f'"{text}" is not a finite number; write a number and a unit, {example}')
    number = _NUMBER.match(text)
    if number is None and text[:1] in _DASHES:
        raise UnitError(f'"{text}" starts with a dash; the minus sign is "-": write "-{text[1:]}"')
    if number is None:
        raise UnitError(f'"{text}" does not start with a number; write a number and a unit, {example}')
    rest = text[number.end() :]
    if _SEPARATOR.match(rest):
        raise UnitError(_separator_problem(text, number.group(), rest))
    return number.group(), rest.strip()


def _separator_problem(text: str, number: str, rest: str) -> str:
    has_point = "." in number
    grouped = f'"{number}{_SEPARATOR.sub("", rest)}"' if _GROUPS.fullmatch(rest) and not has_point else ""
    decimal = f'"{number}.{rest[1:]}"' if _DECIMALS.fullmatch(rest) and not has_point else ""
    if grouped and decimal:
        return f'"{text}": a comma may mean a decimal sign or a thousand; write {decimal} or {grouped}'
    if grouped:
        return f'"{text}": digits are not grouped; write {grouped}'
    hint = f"; write {decimal}" if decimal else ", and nothing else separates digits"
    return f'"{text}": the decimal sign is a point{hint}'


def _convert(text: str, number: str, unit_text: str, unit: str, shown: str) -> Fraction:
    if _SCALE.search(unit_text):
        return _from_degrees(text, number, unit_text, unit)
    if unit_text and not _UNIT.fullmatch(unit_text):
        raise UnitError(f'"{text}": "{unit_text}" is not a unit; allowed: units like "{shown}", with * / and ^')
    factor = _factor_to_si(unit_text, unit)
    if factor is None:
        raise UnitError(f'"{text}": unknown unit "{unit_text}"{_did_you_mean(number, unit_text, unit, shown)}')
    if isinstance(factor, str):
        wanted = KINDS.get(unit, f"a quantity in {unit}")
        # differing only in case: "pa" is a tiny year, "Min" a million inches
        meant = _MISTAKEN.get((unit_text, unit)) or next(iter(_same_but_for_case(unit_text, unit)), "")
        hint = f'did you mean "{number} {meant}"?' if meant else f"allowed: {_allowed(unit, shown)}"
        if "Gy" in unit and _RAD.match(unit_text):
            hint = f"rad is the radian here, 1 rad of absorbed dose is 0.01 Gy; {hint}"
        raise UnitError(f'"{text}" is {factor}, not {wanted}; {hint}')
    return Fraction(number) * factor


def _from_degrees(text: str, number: str, unit_text: str, unit: str) -> Fraction:
    if unit_text in _DEGREES_C and unit == "K":
        return Fraction(number) + Fraction("273.15")
    if unit == "K" and re.fullmatch(r"deg(?:ree)?[_ ]?c", unit_text, re.IGNORECASE):
        raise UnitError(f'"{text}": unknown unit "{unit_text}"; did you mean "{number} degC"?')
    if unit_text in _DEGREES_C:
        wanted = KINDS.get(unit, f"a quantity in {unit}")
        raise UnitError(f'"{text}" is a temperature, not {wanted}; allowed: {_allowed(unit, unit)}')
    hint = "absolute temperatures in K or degC" if unit == "K" else "differences and rates in K"
    raise UnitError(f'"{text}": "{unit_text}" is not allowed, its zero is arbitrary; use K ({hint})')


def _allowed(unit: str, shown: str) -> str:
    return f'a value in {shown}, for example "5 {shown}"' if unit else 'a plain number or "5 %"'


def _did_you_mean(number: str, unit_text: str, unit: str, shown: str) -> str:
    """Get a hint in the unit that differs only in case, else looks alike, else is the usual one."""
    close = _same_but_for_case(unit_text, unit) or get_close_matches(unit_text, _usual_units(unit), n=1, cutoff=0.6)
    if close:
        return f'; did you mean "{number} {close[0]}"?'
    return f'; write for example "{f"{number} {shown}".rstrip()}"'


def _same_but_for_case(unit_text: str, unit: str) -> list[str]:
    return [each for each in _usual_units(unit) if each.casefold() == unit_text.casefold()]


def _usual_units(unit: str) -> list[str]:
    return [each for each in COMMON_UNITS if isinstance(_factor_to_si(each, unit), Fraction)]


@cache
def _registry() -> Any:
    import pint

    return pint.UnitRegistry(non_int_type=Fraction)


@cache
def _factor_to_si(unit_text: str, unit: str) -> Fraction | str | None:
    """Get the exact factor from `unit_text` to `unit`, the kind of quantity it is if another one, None if unknown."""
    parse: Callable[[str], Any] = _registry().parse_units
    try:
        given = parse(unit_text.replace("^", "**"))
        if other := _looks_alike(given):
            return other
        if given.is_compatible_with(parse(unit)):
            one, two = (_registry().Quantity(Fraction(each), given).to(parse(unit)).magnitude for each in (1, 2))
            return Fraction(one) if two == 2 * one else None  # shifted scales have no factor
        kinds = (kind for si, kind in KINDS.items() if given.is_compatible_with(parse(si)))
        return next(kinds, f"a value in {unit_text}")
    except Exception:  # AttributeError, ValueError, tokenizer errors, TypeError for decibels: all mean the same here
        return None


def _looks_alike(given: Any) -> str:
    """Get what a unit measures that pint converts to a quantity it is not: Sv to Gy, rad/s to Hz."""
    one = _registry().Quantity(Fraction(1), given)
    if any(name.endswith(_DOSE_EQUIVALENTS) for name, _power in one.unit_items()):
        return "a dose equivalent"
    if "radian" in dict(one.to_root_units().unit_items()):
        return "an angle or a rate of rotation"
    return ""


def _leading_power(unit: str) -> int:
    power = re.match(r"[A-Za-z]+\^(\d)", unit)
    return int(power.group(1)) if power else 1


def _may_prefix(unit: str, exponent: int) -> bool:
    if unit in ("", "%", "K", "PLC") or unit.startswith(("1/", "K/")):
        return exponent == 0
    return not (unit in ("s", "m", "m^2", "m^3") and exponent > 0)


def _plain(value: float, digits: int) -> str:
    if not 1e-4 <= abs(value) < 1e9:
        return f"{value:.{digits - 1}e}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value)) + 1e-12))
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
