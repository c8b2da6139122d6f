"""What the analysis of each procedure must find in a table, and what a column may hold."""

from collections.abc import Mapping, Sequence

import numpy as np

from xraydaq.analysis.values import Booleans, Floats
from xraydaq.cli.foreign_csv import Table, index_of
from xraydaq.config import RunConfig
from xraydaq.errors import ConfigError
from xraydaq.storage import STATUS_FLAGS, Column

BEAM = ("point", "beam_on", "tube_current_set", "total_aluminium")
NEEDED = {
    "bias_stability": ("elapsed", "voltage", "current"),
    "temperature_sweep": ("elapsed", "voltage", "current", "temperature", "point", "pulse", "current_range"),
    "dose_calibration": (
        "elapsed", "duration", "kerma_rate", "beam_on", "tube_current_set", "total_aluminium", "reference",
        "corrected_by",
    ),
    "dose_rate_sweep": ("elapsed", "current", *BEAM),
    "field_sweep": ("elapsed", "voltage", "current", *BEAM),
    "photoresponse": ("elapsed", "current", *BEAM, "switched"),
    "sclc_sweep": ("elapsed", "voltage", "current", "current_errors", "voltage_errors", "direction"),
}  # fmt: skip
"""Columns that the analysis cannot do without; the flags of rows are filled in where they are missing."""

ONLY_OF_A_CRYSTAL = ("switched",)
LARGEST_CODE = 2**32 - 1


def refuse_spectra(procedure: str) -> None:
    """Refuse a procedure whose analysis needs more than readings.

    Raises:
        ConfigError: it does.
    """
    if procedure not in NEEDED:
        raise ConfigError(
            f"--as {procedure}: its analysis needs spectra, which a table of readings does not hold; "
            f"allowed: {', '.join(NEEDED)}"
        )


def refuse_missing(
    said: str, config: RunConfig, columns: Mapping[str, Floats], described: Mapping[str, Column]
) -> None:
    """Refuse a table without what its analysis needs; all that is missing is named at once.

    Raises:
        ConfigError: columns are missing.
    """
    needed = NEEDED[config.recipe.procedure]
    if config.sample.treatment == "glass":
        needed = tuple(name for name in needed if name not in ONLY_OF_A_CRYSTAL)
    missing = [name for name in needed if name not in columns]
    if missing:
        raise ConfigError(missing_text(said, missing, described))


def missing_text(said: str, missing: Sequence[str], described: Mapping[str, Column]) -> str:
    """Name columns that are missing, and how to give them."""
    named = ", ".join(f'"{name}"{_meaning(described.get(name))}' for name in missing)
    one = missing[0] if len(missing) == 1 else "COLUMN"
    columns, each = ("column", "") if len(missing) == 1 else ("columns", "for each ")
    return f'{said} the {columns} {named}; write {each}--columns "{one}=NAME IN THE FILE" or --constant "{one}=VALUE"'


def _meaning(column: Column | None) -> str:
    return "" if column is None else f" ({column.long_name}, {column.unit or 'a plain number'})"


def with_flags(columns: dict[str, Floats], described: Mapping[str, Column], rows: int) -> dict[str, Floats]:
    """Add the flags of rows that a table does not have: a row without its reading is a bad one."""
    if "dose_flags" in described and "dose_flags" not in columns:
        columns["dose_flags"] = np.zeros(rows)
    if "status" in described and "status" not in columns:
        measured = [columns[name] for name in ("current", "kerma_rate") if name in columns]
        missing = ~np.all(np.isfinite(measured), axis=0) if measured else np.zeros(rows, dtype=bool)
        columns["status"] = np.where(missing, float(STATUS_FLAGS["bad_reply"]), 0.0)
    return columns


def check_values(table: Table, there: str, values: Floats, column: Column) -> None:
    """Refuse times that are missing or fall, and codes and counts that are no whole numbers.

    Raises:
        ConfigError: a cell is one of these.
    """
    if column.name == "elapsed":
        fallen = np.concatenate(([False], np.diff(values) < 0))
        _refuse_first(table, there, ~np.isfinite(values) | fallen, "a time that is not before the one above it")
    if allowed := whole_numbers(column, len(values)):
        whole = (values == np.round(values)) & (values >= allowed[0]) & (values <= allowed[-1])
        _refuse_first(table, there, ~whole, whole_text(allowed))


def whole_numbers(column: Column, rows: int) -> range | None:
    """Get what a column of counts or codes may hold in a table of so many rows; None for any number."""
    if column.dtype == "f8":
        return None
    return range(-1, rows + 1) if column.dtype == "i4" else range(LARGEST_CODE + 1)


def whole_text(allowed: range) -> str:
    """Say which whole numbers are allowed."""
    return f"a whole number from {allowed[0]} to {allowed[-1]}"


def _refuse_first(table: Table, there: str, bad: Booleans, allowed: str) -> None:
    if bad.any():
        row = int(np.argmax(bad))
        index = index_of(table, there)
        raise ConfigError(
            f'{table.name}:{table.lines[row]}: column "{table.names[index]}": "{table.cells[index][row].strip()}" '
            f"given; allowed: {allowed}"
        )
