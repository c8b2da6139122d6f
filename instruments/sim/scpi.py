"""How a strict SCPI instrument reads a line: headers in short or long form, branches, typed parameters.

SCPI-1999, volume 1, chapters 6 (program headers) and 7 (parameters). Nothing between short and long form is taken.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

SYNTAX, DATA_TYPE, NOT_ALLOWED, MISSING, UNDEFINED = -102, -104, -108, -109, -113
CHARACTER_NOT_ALLOWED, INVALID_STRING = -148, -151
PARAMETER, CONFLICT, OUT_OF_RANGE = -220, -221, -222

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_NODE = re.compile(r"\[:?(?P<optional>[A-Z]+[a-z]*\d?)\]|:?(?P<node>[A-Z]+[a-z]*\d?)")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")


class ScpiError(Exception):
    """A message the instrument refuses; `code` goes to its error queue."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(str(code))


@dataclass(frozen=True)
class Command:
    """One header, ``SOURce:VOLTage[:LEVel]``: what its setting form and its query form call, if it has them."""

    pattern: str
    set: Callable[..., None] | None = None
    parse: Callable[[str], tuple[Any, ...]] | None = None
    """Turns the parameter text into arguments of `set`; None takes no parameter."""
    query: Callable[[], str | bytes | Callable[[], bytes]] | None = None
    """Gives the reply, or what gives it when the device is idle again."""
    is_abort: bool = False
    """Executed at once, also while the trigger model is busy."""


@dataclass(frozen=True)
class Unit:
    """One message unit of a line, resolved; `error` instead of a command when it is not understood."""

    text: str
    command: Command | None
    parameters: str
    is_query: bool
    error: int = 0


class Tree:
    """All headers of an instrument."""

    def __init__(self, commands: Sequence[Command]) -> None:
        self._by_header: dict[tuple[str, ...], Command] = {}
        self._lines: dict[str, tuple[Unit, ...]] = {}
        for command in commands:
            for header in _spellings(command.pattern):
                if header in self._by_header:
                    raise ValueError(f"{command.pattern}: {':'.join(header)} is taken")
                self._by_header[header] = command

    def resolve(self, line: str) -> tuple[Unit, ...]:
        """Split a line into units; a unit without a leading colon stays on the branch of the one before it."""
        known = self._lines.get(line)
        if known is None:
            known = tuple(self._units(line))
            if len(self._lines) < 1000:
                self._lines[line] = known
        return known

    def _units(self, line: str) -> list[Unit]:
        branch: tuple[str, ...] = ()
        units = []
        for text in split_outside_quotes(line, ";"):
            if not text.strip():
                continue
            unit, branch = self._unit(text.strip(), branch)
            units.append(unit)
        return units

    def _unit(self, text: str, branch: tuple[str, ...]) -> tuple[Unit, tuple[str, ...]]:
        header, parameters = _split_header(text)
        is_query = header.endswith("?")
        name = header.rstrip("?").upper()
        if header.count("?") > is_query or not re.fullmatch(r"\*[A-Z]+|:?[A-Z][A-Z0-9]*(:[A-Z][A-Z0-9]*)*", name):
            return Unit(text, None, parameters, is_query, SYNTAX), branch
        if name.startswith("*"):
            path: tuple[str, ...] = (name,)
        else:
            path = tuple(name.lstrip(":").split(":"))
            path = path if name.startswith(":") else (*branch, *path)
            branch = path[:-1]
        command = self._by_header.get(path)
        form = None if command is None else (command.query if is_query else command.set)
        return Unit(text, command, parameters, is_query, 0 if form is not None else UNDEFINED), branch


def split_outside_quotes(text: str, separator: str) -> list[str]:
    """Split at `separator` where it stands outside quotes."""
    parts, start, at = [], 0, 0
    while at < len(text):
        quoted = _QUOTED.match(text, at)
        if quoted:
            at = quoted.end()
        elif text[at] == separator:
            parts.append(text[start:at])
            at = start = at + 1
        else:
            at += 1
    return [*parts, text[start:]]


def _split_header(text: str) -> tuple[str, str]:
    parts = text.split(None, 1)
    return parts[0], parts[1].strip() if len(parts) > 1 else ""


def _spellings(pattern: str) -> list[tuple[str, ...]]:
    """Get every way to write a header: each node short or long, each optional node there or not."""
    if pattern.startswith("*"):
        return [(pattern,)]
    choices: list[list[str | None]] = []
    for node in _NODE.finditer(pattern):
        name = node["optional"] or node["node"]
        short = re.sub("[a-z]", "", name)
        forms: list[str | None] = list(dict.fromkeys([short, name.upper()]))
        choices.append([*forms, None] if node["optional"] else forms)
    return [tuple(word for word in words if word is not None) for words in product(*choices)]


def nothing(text: str) -> tuple[()]:
    """Take no parameter."""
    if text:
        raise ScpiError(NOT_ALLOWED)
    return ()


def number(low: float, high: float, default: float | None = None) -> Callable[[str], tuple[float]]:
    """Take a number, or MIN, MAX, DEF, within the range."""

    def parse(text: str) -> tuple[float]:
        word = single(text).upper()
        special = {"MIN": low, "MINIMUM": low, "MAX": high, "MAXIMUM": high, "DEF": default, "DEFAULT": default}
        if word in special:
            value = special[word]
            if value is None:
                raise ScpiError(PARAMETER)
            return (value,)
        value = real(word)
        if not low <= value <= high:
            raise ScpiError(OUT_OF_RANGE)
        return (value,)

    return parse


def whole(low: int, high: int, default: int | None = None) -> Callable[[str], tuple[int]]:
    """Take a whole number within the range; a fraction is rounded, as NRf says."""
    take = number(low, high, default)

    def parse(text: str) -> tuple[int]:
        return (round(take(text)[0]),)

    return parse


def boolean(text: str) -> tuple[bool]:
    """Take ON, OFF or a number; any number but zero is on."""
    word = single(text).upper()
    if word in ("ON", "OFF"):
        return (word == "ON",)
    return (round(real(word)) != 0,)


def word(*names: str) -> Callable[[str], tuple[str]]:
    """Take one of the names (``VOLTage``), short or long; gives the short form."""
    forms = {}
    for name in names:
        short = re.sub("[a-z]", "", name)
        forms[short] = forms[name.upper()] = short

    def parse(text: str) -> tuple[str]:
        return (one_of(single(text), forms),)

    return parse


def one_of(text: str, forms: dict[str, str]) -> str:
    """Look up a name; a number or a string in its place is another kind of mistake."""
    if _QUOTED.fullmatch(text):
        raise ScpiError(DATA_TYPE)
    try:
        return forms[text.upper()]
    except KeyError:
        raise ScpiError(DATA_TYPE if _NUMBER.fullmatch(text) else PARAMETER) from None


def single(text: str) -> str:
    """Take exactly one parameter."""
    if not text:
        raise ScpiError(MISSING)
    if len(split_outside_quotes(text, ",")) > 1:
        raise ScpiError(NOT_ALLOWED)
    return text


def parameters(text: str) -> list[str]:
    """Take one or more parameters."""
    if not text:
        raise ScpiError(MISSING)
    return [each.strip() for each in split_outside_quotes(text, ",")]


def real(text: str) -> float:
    """Take a number in NRf form."""
    if not _NUMBER.fullmatch(text):
        raise ScpiError(CHARACTER_NOT_ALLOWED if re.fullmatch(r"[A-Za-z]\w*", text) else DATA_TYPE)
    return float(text)


def quoted(text: str) -> str:
    """Take a string in single or double quotes."""
    if not _QUOTED.fullmatch(text):
        raise ScpiError(INVALID_STRING)
    return text[1:-1]
