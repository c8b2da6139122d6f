"""A table that another program wrote: found by its header, converted to SI, refused with file, line and column.

The first line that is no comment (``#``) is the header. A unit stands in the header, ``I (nA)`` or ``I [nA]``, or in
the mapping, ``current=I (nA)``; an empty cell and ``nan`` are a missing value.
"""

import csv
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xraydaq.analysis.values import Floats
from xraydaq.cli.names import shown
from xraydaq.config.messages import did_you_mean
from xraydaq.errors import ConfigError, UnitError

DELIMITERS = ("\t", ";", ",")
MISSING = frozenset({"", "nan", "NaN", "NAN", "NA", "-"})
DIMENSIONLESS = frozenset({"", "1", "-"})
SHOWN_NAMES = 8
EXAMPLE = 'for example --columns "elapsed=Time (s),current=I (nA)"'
_UNIT = re.compile(r"^(?P<name>.*?)\s*(?:\((?P<round>[^()]*)\)|\[(?P<square>[^\[\]]*)\])$")
_NEXT = re.compile(r",(?=\s*[a-z][a-z0-9_]*\s*=)")
_GERMAN = re.compile(r"^[+-]?\d*,\d+(?:[eE][+-]?\d+)?$")


@dataclass(frozen=True)
class Table:
    """Cells as text; `lines` holds the number of the line in the file for every row."""

    name: str
    header_line: int
    names: tuple[str, ...]
    cells: tuple[list[str], ...]
    lines: list[int]


def parse_mapping(texts: Sequence[str]) -> dict[str, str]:
    """Read ``column=name in the file`` texts, several in one with commas between them.

    Raises:
        ConfigError: one of them is none, or names a column twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        for part in _NEXT.split(text):
            column, equals, there = (each.strip() for each in part.partition("="))
            if not equals or not column or not there:
                raise ConfigError(f'--columns: "{part.strip()}" given; allowed: COLUMN=NAME IN THE FILE, {EXAMPLE}')
            if column in found:
                raise ConfigError(f'--columns: "{column}" is given twice; allowed: each column once')
            found[column] = there
    return found


def read_table(path: Path) -> Table:
    """Read a table with a header; the separator is the first of tab, semicolon, comma in the header.

    Raises:
        ConfigError: it cannot be read, holds no rows, or a line has another number of cells than the header.
    """
    name = shown(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise ConfigError(f"{name}:{line}: not UTF-8 text; save the file with the encoding UTF-8") from None
    except OSError as error:
        raise ConfigError(f"{name}: cannot be read: {error.strerror}") from None
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip() and line[0] != "#"]
    if len(lines) < 2:
        raise ConfigError(f"{name}: a header and at least one row are wanted; there are {len(lines)} lines that count")
    header_line, header = lines[0]
    delimiter = next((each for each in DELIMITERS if each in header), ",")
    numbers = [number for number, _ in lines[1:]]
    rows = _rows([line for _, line in lines], delimiter, name)
    names = tuple(cell.strip() for cell in rows[0])
    for number, row in zip(numbers, rows[1:], strict=True):
        if len(row) != len(names):
            raise ConfigError(
                f"{name}:{number}: {len(row)} cells given; allowed: {len(names)}, as in line {header_line}"
            )
    return Table(name, header_line, names, tuple(map(list, zip(*rows[1:], strict=True))), numbers)


def _rows(lines: list[str], delimiter: str, name: str) -> list[list[str]]:
    try:
        rows = list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
    except csv.Error as error:
        raise ConfigError(f"{name}: not a table: {error}") from None
    if len(rows) != len(lines):
        raise ConfigError(f"{name}: a cell in quotes spans several lines; allowed: one line for each row")
    return rows


def column_si(table: Table, there: str, unit: str) -> Floats:
    """Get a column of the table in `unit` (SI, "" for a plain number); nan where a cell is missing.

    `there` is the name in the header, with or without its unit; a unit written here counts where the header has none.

    Raises:
        ConfigError: no such column, several, no unit, a unit of another quantity, or a cell that is no number.
    """
    index, unit_there = _found(table, there)
    where = f'{table.name}:{table.header_line}: column "{table.names[index]}"'
    offset, factor = _to_si(unit_there, unit, where)
    return offset + factor * _numbers(table, index)


def index_of(table: Table, there: str) -> int:
    """Get which column of a table a name means.

    Raises:
        ConfigError: none, or several.
    """
    return _found(table, there)[0]


def _found(table: Table, there: str) -> tuple[int, str]:
    """Get the index of a column and the unit it has."""
    wanted_name, wanted_unit = _split(there)
    exact = [index for index, name in enumerate(table.names) if name == there]
    alike = [index for index, name in enumerate(table.names) if _split(name)[0] == wanted_name]
    chosen = exact or alike
    where = f"{table.name}:{table.header_line}"
    if len(chosen) != 1:
        names = ", ".join(f'"{name}"' for name in table.names[:SHOWN_NAMES])
        more = ", ..." if len(table.names) > SHOWN_NAMES else ""
        many = "no" if not chosen else str(len(chosen))
        hint = did_you_mean(there, table.names) if not chosen else ""
        raise ConfigError(f'{where}: {many} columns "{there}"{hint}; there: {names}{more}')
    unit = _split(table.names[chosen[0]])[1]
    if unit and wanted_unit and unit != wanted_unit:
        raise ConfigError(f'{where}: column "{table.names[chosen[0]]}" is in {unit}, --columns says {wanted_unit}')
    return chosen[0], unit or wanted_unit


def _split(name: str) -> tuple[str, str]:
    match = _UNIT.match(name.strip())
    if match is None:
        return name.strip(), ""
    return match["name"], (match["round"] if match["square"] is None else match["square"]).strip()


def _to_si(unit_there: str, unit: str, where: str) -> tuple[float, float]:
    """Get (offset, factor) from a unit to SI; the offset is that of a temperature scale."""
    from xraydaq.units import parse_quantity

    if not unit_there and unit:
        raise ConfigError(f'{where}: unit missing; write it behind the name in --columns, for example "({unit})"')
    try:
        if unit_there in DIMENSIONLESS:
            return 0.0, parse_quantity("1", unit)
        zero = parse_quantity(f"0 {unit_there}", unit) if unit == "K" else 0.0
        return zero, parse_quantity(f"1 {unit_there}", unit) - zero
    except UnitError as error:
        raise ConfigError(f"{where}: {error}") from None


def _numbers(table: Table, index: int) -> Floats:
    cells = [cell.strip() for cell in table.cells[index]]
    present = ["nan" if cell in MISSING else cell for cell in cells]
    try:
        numbers = np.array(present, dtype=np.float64)
    except ValueError:
        numbers = np.array([_as_float(cell) for cell in present])
    bad = [row for row, cell in enumerate(present) if cell != "nan" and not math.isfinite(numbers[row])]
    if bad:
        given = cells[bad[0]]
        hint = "; the decimal sign is a point" if _GERMAN.match(given) else ""
        raise ConfigError(
            f'{table.name}:{table.lines[bad[0]]}: column "{table.names[index]}": "{given}" given; '
            f"allowed: a finite number, or an empty cell where there is none{hint}"
        )
    return numbers


def _as_float(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan
