"""From runs and readings of a reference on disk to the arrays of a trend."""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from xraydaq.analysis.trend import TrendResult, evaluate
from xraydaq.analysis.values import Value
from xraydaq.cli.foreign_csv import column_si, read_table
from xraydaq.cli.names import folders_in, shown
from xraydaq.cli.sensitivities import sensitivity_of
from xraydaq.errors import ConfigError, Refused
from xraydaq.evaluation.sensitivity import UNIT, Sensitivity

HOUR_S = 3600.0
REFERENCE_COLUMNS = ("date", "ratio", "u")


@dataclass(frozen=True)
class Reading:
    """One reading of the reference: its date, its value over that at the calibration, and u of that."""

    utc_s: float
    ratio: float
    u: float


def evaluated(runs: Sequence[Sensitivity], readings: Sequence[Reading], within_s: float) -> TrendResult:
    """Evaluate runs; each takes the reading of the reference that is nearest in time.

    Raises:
        Refused: a run has no reading of the reference within this time.
        NotEnoughData: fewer than three runs.
    """
    start_s = np.array([run.start_utc_s for run in runs], dtype=np.float64)
    hours = (start_s - (start_s.min() if len(start_s) else 0.0)) / HOUR_S
    s = np.array([run.sensitivity.value for run in runs], dtype=np.float64)
    u = np.array([run.own_u for run in runs], dtype=np.float64)
    if not readings:
        return evaluate(hours, s, u)
    index = np.array([_nearest(run, readings, within_s) for run in runs], dtype=np.int64)
    return evaluate(
        hours,
        s,
        u,
        reference_ratio=np.array([reading.ratio for reading in readings])[index],
        reference_u=np.array([reading.u for reading in readings])[index],
        reference_index=index.astype(np.float64),
    )


def runs_of(texts: Sequence[str], root: Path, sample: str | None, name: str | None) -> list[Sensitivity]:
    """Get the sensitivities of the runs named, in order of date; none named takes every run of the sample in `root`.

    Raises:
        ConfigError: a run has no sensitivity, or none of this sample has one.
        Refused: the runs are of several samples.
    """
    if texts:
        found = [sensitivity_of(text, root, name) for text in texts]
    elif sample is None:
        raise ConfigError("name the runs, or a sample: xraydaq trend --sample atomistic")
    else:
        found = _all_of(root, name)
    found = sorted((run for run in found if sample in (None, run.sample)), key=lambda run: run.start_utc_s)
    samples = sorted({run.sample for run in found})
    if len(samples) > 1:
        raise Refused(
            f"a trend is that of one sample, these runs are of {', '.join(samples)}; choose one with --sample"
        )
    if not found:
        raise ConfigError(f"no run of {sample!r} in {shown(root)} has a sensitivity")
    return found


def _all_of(root: Path, name: str | None) -> list[Sensitivity]:
    found = []
    for folder in folders_in(root):
        try:
            found.append(sensitivity_of(str(folder), root, name))
        except ConfigError:
            continue  # a run of another kind, or one that is not finished
    return found


def read_reference(path: Path) -> list[Reading]:
    """Read a table of the reference (CSV): columns date (ISO 8601 with offset), ratio, u.

    Raises:
        ConfigError: a line is not such a reading; the message has file, line and column.
    """
    name = shown(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            missing = [column for column in REFERENCE_COLUMNS if column not in (rows.fieldnames or ())]
            if missing:
                there = ", ".join(rows.fieldnames or ()) or "nothing"
                raise ConfigError(f"{name}:1: column {', '.join(missing)} missing; there: {there}")
            return [_reading(row, f"{name}:{rows.line_num}") for row in rows]
    except OSError as error:
        raise ConfigError(f"{name}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{name}: not UTF-8 text; save the file with the encoding UTF-8") from None


def read_series(path: Path) -> tuple[list[Sensitivity], list[Reading]]:
    """Read sensitivities that somebody wrote down (CSV): date, sensitivity, u, and maybe reference and reference_u.

    The unit of sensitivity and u stands in the header, "sensitivity (uC/Gy/cm^2)".

    Raises:
        ConfigError: a column or a cell is not what it must be; the message has file, line and column.
    """
    table = read_table(path)
    dates = table.names.index("date") if "date" in table.names else None
    if dates is None:
        raise ConfigError(f"{table.name}:{table.header_line}: column date missing; there: {', '.join(table.names)}")
    places = [f"{table.name}:{line}" for line in table.lines]
    utc_s = [_date(text, where) for text, where in zip(table.cells[dates], places, strict=True)]
    s, u = (column_si(table, name, "C/Gy/m^2") for name in ("sensitivity", "u"))
    runs = [
        Sensitivity(path, path.stem, at_s, "sensitivity", Value(value, u_value, UNIT), u_value, None, (), False)
        for at_s, value, u_value in zip(utc_s, s.tolist(), u.tolist(), strict=True)
    ]
    if "reference" not in table.names:
        return runs, []
    ratio, ratio_u = (column_si(table, name, "") for name in ("reference", "reference_u"))
    return runs, [Reading(*each) for each in zip(utc_s, ratio.tolist(), ratio_u.tolist(), strict=True)]


def _reading(row: dict[str, str], where: str) -> Reading:
    utc_s = _date(row["date"] or "", where)
    ratio, u = (_number(row, column, where) for column in ("ratio", "u"))
    if not ratio > 0 or not u >= 0:
        raise ConfigError(f"{where}: ratio {ratio:g} with u {u:g} given; allowed: ratio above 0, u from 0")
    return Reading(utc_s, ratio, u)


def _date(text: str, where: str) -> float:
    try:
        date = datetime.fromisoformat(text.strip())
        if date.tzinfo is None:
            raise ValueError
    except ValueError:
        raise ConfigError(
            f'{where}: date: "{text}" given; allowed: ISO 8601 with offset, "2026-01-31T17:05:00+00:00"'
        ) from None
    return date.timestamp()


def _number(row: dict[str, str], column: str, where: str) -> float:
    try:
        number = float(row[column] or "")
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ConfigError(f'{where}: {column}: "{row[column] or ""}" given; allowed: a number, for example 1.012')
    return number


def _nearest(run: Sensitivity, readings: Sequence[Reading], within_s: float) -> int:
    index = min(range(len(readings)), key=lambda each: abs(readings[each].utc_s - run.start_utc_s))
    distance_s = abs(readings[index].utc_s - run.start_utc_s)
    if not distance_s <= within_s:
        raise Refused(
            f"{shown(run.path)}: the nearest reading of the reference is {distance_s / HOUR_S:.1f} h away; "
            f"allowed: {within_s / HOUR_S:g} h (--within)"
        )
    return index
