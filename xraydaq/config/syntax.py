"""TOML text to a table, and TOML's own mistakes in words that help at the bench."""

import re
import tomllib
from typing import Any

from xraydaq.config.messages import shown
from xraydaq.errors import ConfigError

DEEPEST = 20
"""Tables in tables (or lists in lists) beyond which a text is no configuration."""

_WORDS = {
    r"Cannot overwrite a value": "a key that is already given above; give it once",
    r"Cannot declare \((.*?),?\) twice": "the table [{0}] is already given above; put its keys together",
    r"Duplicate inline table key '(.*)'": 'the key "{0}" is given twice; give it once',
    r"Illegal character '\\n'": "text that does not end on its line; is a quote missing?",
    r"(?:Unterminated string|Expected \"'\"|Expected '\"+').*": "text that does not end; is a quote missing?",
    r"Expected '=' after a key in a key/value pair": "a line must be a [table] or key = value",
    r"Invalid statement": "a line must be a [table] or key = value",
    r"Expected newline or end of document after a statement": "more than one value on a line",
    r"Expected '\]+' at the end of a table declaration": 'a table name must end with "]" on its line',
    r"Invalid value": "not a value",
}
"""What the standard library says -> what to say instead; ``{0}`` is the first group."""

_HINTS = {
    r"[+-]?\d+,\d+": "the decimal sign is a point",
    r"\d+[./]\d+[./]\d+": "a date is written year-month-day, for example 2027-03-31",
    r"[+-]?[\d.]+(e[+-]?\d+)?\s*[A-Za-z\u00b5\u03bc\u00b0%]": "a value with a unit stands in quotes: {0}",
    r"[A-Za-z./]": "text stands in quotes",
    r"$": "the value is missing",
}
"""Beginning of a value that is no TOML -> what was probably meant; ``{0}`` is the value."""


def parse_toml(text: str, name: str) -> dict[str, Any]:
    """Get the table of a TOML text; `name` is the file's, for messages.

    Raises:
        ConfigError: it is not TOML, with the line.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_problem(name, text, str(error))) from None
    except ValueError:  # the limit of Python on digits
        raise ConfigError(f"{name}:{_longest_line(text)}: TOML syntax: a number of too many digits") from None
    except RecursionError:
        raise ConfigError(_nested(name)) from None
    if is_too_deep(data):
        raise ConfigError(_nested(name))
    return data


def is_too_deep(data: object) -> bool:
    """Tell whether tables and lists are nested deeper than any configuration needs."""
    level = [data]
    for _ in range(DEEPEST):
        inner = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list)]
        level = [each for values in inner for each in values]
        if not level:
            return False
    return True


def _nested(name: str) -> str:
    return f"{name}:1: TOML syntax: nested too deeply; allowed: {DEEPEST} tables or lists inside each other"


def _longest_line(text: str) -> int:
    lines = text.split("\n")
    return max(range(len(lines)), key=lambda index: len(lines[index])) + 1


def _problem(name: str, text: str, message: str) -> str:
    found = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", message)
    if found is None:
        return f"{name}:1: TOML syntax: {message}"
    line = int(found.group(1)) if found.group(1) else len(text.rstrip().split("\n"))
    at = f"at column {found.group(2)}" if found.group(2) else "at the end of the file"
    words, value = message[: found.start()], text.split("\n")[line - 1].partition("=")[2].partition("#")[0].strip()
    hint = "" if value.startswith(('"', "'")) or "=" not in text.split("\n")[line - 1] else _hint(value)
    return f"{name}:{line}: TOML syntax {at}: {_translated(words)}{hint}"


def _translated(message: str) -> str:
    for pattern, words in _WORDS.items():
        found = re.fullmatch(pattern, message)
        if found is not None:
            return words.format(*(re.sub(r"', '", ".", group).strip("'") for group in found.groups()))
    return message


def _hint(value: str) -> str:
    for pattern, words in _HINTS.items():
        if re.match(pattern, value):
            return "; " + words.format(shown(value))
    return ""
