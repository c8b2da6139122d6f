"""Rows of text out of an exported table: CSV, or the first sheet of an Excel workbook (Office Open XML, ISO 29500)."""

import csv
import io
import re
import zipfile
from pathlib import PurePath
from xml.etree import ElementTree

from xraydaq.errors import InstrumentError

LARGEST_BYTES = 50_000_000
"""Unpacked. A measurement log is a thousandth of this."""

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_SHEET = re.compile(r"xl/worksheets/sheet(\d+)\.xml")
_COLUMN = re.compile(r"[A-Z]{1,3}")

Rows = list[tuple[str, ...]]


def rows_of(name: str, data: bytes, delimiter: str) -> Rows:
    """Get all rows of a file's content; numbers of a workbook as it spells them.

    Raises:
        InstrumentError: it is neither kind of table.
    """
    try:
        if PurePath(name).suffix.lower() == ".xlsx":
            return _workbook_rows(data)
        text = data.decode("utf-8-sig")
        return [tuple(cell.strip() for cell in row) for row in csv.reader(io.StringIO(text), delimiter=delimiter)]
    except (UnicodeDecodeError, csv.Error, zipfile.BadZipFile, ElementTree.ParseError, KeyError, ValueError) as error:
        raise InstrumentError(f"{name}: is no table that can be read: {error}") from error


def _workbook_rows(data: bytes) -> Rows:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > LARGEST_BYTES:
            raise ValueError(f"more than {LARGEST_BYTES} bytes")
        names = archive.namelist()
        sheets = sorted((int(match[1]), name) for name in names if (match := _SHEET.fullmatch(name)))
        if not sheets:
            raise ValueError("no sheet")
        shared: list[str] = []
        if "xl/sharedStrings.xml" in names:
            root = ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))
            shared = [_text(item) for item in root.iter(f"{_MAIN}si")]
        sheet = ElementTree.fromstring(archive.read(sheets[0][1]))
    return [_cells(row, shared) for row in sheet.iter(f"{_MAIN}row")]


def _cells(row: ElementTree.Element, shared: list[str]) -> tuple[str, ...]:
    cells: list[str] = []
    for cell in row.iter(f"{_MAIN}c"):
        column = _column(cell.get("r", ""), len(cells))
        cells.extend([""] * (column - len(cells)))
        value = cell.findtext(f"{_MAIN}v", "")
        if cell.get("t") == "s":
            value = shared[int(value)] if int(value) < len(shared) else ""
        elif cell.get("t") == "inlineStr":
            value = _text(cell)
        cells.append(value.strip())
    return tuple(cells)


def _column(reference: str, following: int) -> int:
    """Get the place of a cell: empty ones are left out of a workbook."""
    match = _COLUMN.match(reference)
    if match is None:
        return following
    number = 0
    for letter in match[0]:
        number = number * 26 + ord(letter) - ord("A") + 1
    return max(number - 1, following)


def _text(element: ElementTree.Element) -> str:
    return "".join(part.text or "" for part in element.iter(f"{_MAIN}t"))
