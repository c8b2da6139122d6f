"""The words mistakes are reported in."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

from pydantic_core import PydanticCustomError

from xraydaq.units import visible

LONGEST_SHOWN = 60
PROBLEM = "xraydaq_problem"
"""Type of the pydantic errors whose message is already one of ours."""


def problem(text: str) -> PydanticCustomError:
    """Build the error a validator raises; `text` says what was given and what is allowed."""
    return PydanticCustomError(PROBLEM, "{text}", {"text": text})


def shown(value: object) -> str:
    """Show a TOML value in a message, as short as possible."""
    if isinstance(value, str):
        text = visible(value)
        return f'"{text[:LONGEST_SHOWN]}..."' if len(text) > LONGEST_SHOWN else f'"{text}"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, int) and not abs(value) < 10**LONGEST_SHOWN:
        return "a number of many digits"  # Python itself refuses to write thousands of them
    return str(value)


def dotted(path: Iterable[str]) -> str:
    """Write a key path the way TOML does: ``roles.smu``, quotes only where a part needs them."""
    return ".".join(part if re.fullmatch(r"[A-Za-z0-9_-]{1,60}", part) else shown(part) for part in path)


def did_you_mean(given: object, allowed: Iterable[str]) -> str:
    """Get ``; did you mean "x"?`` for the closest of `allowed`, or nothing."""
    name = closest(given, allowed)
    return f'; did you mean "{name}"?' if name else ""


def closest(given: object, allowed: Iterable[str]) -> str:
    """Get the name of `allowed` that looks most like `given`, "" when none does."""
    names = {name.casefold(): name for name in allowed}
    close = get_close_matches(str(given).casefold(), names, n=1, cutoff=0.6)
    return names[close[0]] if close else ""
