"""Measurement logs as the operator would export them, for readers that watch a folder.

The vendor's program exports an Excel sheet; its layout is not published. The columns here are this project's own.
"""

import csv
import datetime
import math
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

COLUMNS = ("Date", "Duration (s)", "Dose (uGy)", "Dose rate (uGy/s)", "Temperature (C)", "Pressure (kPa)", "Sensor")
SENSOR = "10X6-180"
_ZIP_DATE = (2024, 1, 1, 0, 0, 0)
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_DOCUMENT = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_PARTS = {
    "[Content_Types].xml": (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Override PartName="/xl/workbook.xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
        '<Override PartName="/xl/worksheets/sheet1.xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_DOCUMENT}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_DOCUMENT}">'
        '<sheets><sheet name="Measurements" sheetId="1" r:id="rId1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_DOCUMENT}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
    ),
}


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One measurement of the log; nan is a missing value and an empty cell."""

    utc_s: float
    duration_s: float
    dose_gy: float
    rate_gy_s: float
    temperature_k: float
    pressure_pa: float


def write_csv(path: Path, entries: Iterable[LogEntry]) -> None:
    """Write a log as CSV; an existing file is not touched."""
    with path.open("x", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(_cells(entry) for entry in entries)


def write_xlsx(path: Path, entries: Iterable[LogEntry]) -> None:
    """Write a log as an Excel sheet; an existing file is not touched."""
    rows = "".join(_row(cells) for cells in [COLUMNS, *(_cells(entry) for entry in entries)])
    sheet = f'<worksheet xmlns="{_MAIN}"><sheetData>{rows}</sheetData></worksheet>'
    with zipfile.ZipFile(path, "x", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {**_PARTS, "xl/worksheets/sheet1.xml": sheet}.items():
            archive.writestr(zipfile.ZipInfo(name, _ZIP_DATE), _HEAD + text)


def _cells(entry: LogEntry) -> tuple[str | float, ...]:
    date = datetime.datetime.fromtimestamp(entry.utc_s, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")
    values = (
        round(entry.duration_s, 3), _digits(entry.dose_gy * 1e6), _digits(entry.rate_gy_s * 1e6),
        round(entry.temperature_k - 273.15, 1), round(entry.pressure_pa / 1000, 2),
    )  # fmt: skip
    return (date, *("" if math.isnan(value) else value for value in values), SENSOR)


def _digits(value: float) -> float:
    return float(f"{value:.5g}")


def _row(cells: Sequence[str | float]) -> str:
    written = "".join(
        f'<c t="inlineStr"><is><t>{escape(cell)}</t></is></c>' if isinstance(cell, str) else f"<c><v>{cell!r}</v></c>"
        for cell in cells
    )
    return f"<row>{written}</row>"
