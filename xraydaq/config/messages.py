"""The words mistakes are reported in."""

from collections.abc import Iterable
from difflib import get_close_matches

from pydantic_core import PydanticCustomError

PROBLEM = "xraydaq_problem"
"""Type of the pydantic errors whose message is already one of ours."""


def problem(text: str) -> PydanticCustomError:
    """Build the error a validator raises; `text` says what was given and what is allowed."""
    return PydanticCustomError(PROBLEM, "{text}", {"text": text})


def shown(value: object) -> str:
    """Show a TOML value in a message, as short as possible."""
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    return str(value)


def did_you_mean(given: object, allowed: Iterable[str]) -> str:
    """Get ``; did you mean "x"?`` for the closest of `allowed`, or nothing."""
    names = {name.casefold(): name for name in allowed}
    close = get_close_matches(str(given).casefold(), names, n=1, cutoff=0.6)
    return f'; did you mean "{names[close[0]]}"?' if close else ""
