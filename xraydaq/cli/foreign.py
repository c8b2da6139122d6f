"""``xraydaq analyse FILE.csv --as PROCEDURE``: a table that another program wrote, by the analysis of one of ours.

What an analysis must know besides the readings (bias, gap, area, integration time) comes from a recipe and a sample
file, as for a run. The result goes into a folder of its own beside the table, never over anything.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from procedures import PROCEDURES
from xraydaq.analysis.outcome import Result
from xraydaq.analysis.values import Floats
from xraydaq.cli.foreign_csv import EXAMPLE, Table, column_si, parse_mapping, read_table
from xraydaq.cli.foreign_needs import (
    check_values,
    missing_text,
    refuse_missing,
    refuse_spectra,
    whole_numbers,
    whole_text,
    with_flags,
)
from xraydaq.cli.names import recipe_file, sample_file, shown
from xraydaq.cli.plain import json_text
from xraydaq.config import RunConfig, load_run
from xraydaq.config.messages import did_you_mean
from xraydaq.errors import ConfigError, StorageError, UnitError
from xraydaq.evaluation import evaluate_stored, figure_of
from xraydaq.report import save
from xraydaq.report.table import render
from xraydaq.runner.closing import stored_analysis
from xraydaq.storage import Column, Header, StoredAnalysis, StoredRun

MOST_FOLDERS = 10_000
NOTE = "measured with another program; read from a table"


@dataclass(frozen=True)
class Wanted:
    """What was written on the command line."""

    procedure: str
    columns: Sequence[str]
    constants: Sequence[str] = ()
    recipe: str | None = None
    sample: str | None = None
    overrides: Sequence[str] = ()
    into: Path | None = None


@dataclass(frozen=True)
class Kept:
    """The result and where it is."""

    result: Result
    folder: Path
    figures: tuple[Path, ...]
    warnings: tuple[str, ...]
    """What should be known of the numbers that did not come from the table."""


class _Columns(dict[str, Floats]):
    """Columns of a table; one that an analysis needs and nobody mapped is named with what can be done."""

    def __init__(self, columns: Mapping[str, Floats], said: str, described: Mapping[str, Column]) -> None:
        super().__init__(columns)
        self._said, self._described = said, described

    def __missing__(self, name: str) -> Floats:
        raise ConfigError(missing_text(self._said, [name], self._described))


def analyse_table(path: Path, wanted: Wanted) -> Kept:
    """Analyse a table and keep the result beside it.

    Raises:
        ConfigError: the mapping, the recipe or the table is wrong; each message has file and line, or the option.
        NotEnoughData: the readings do not allow the analysis.
        StorageError: the folder cannot be written.
    """
    described = columns_of(wanted.procedure)
    refuse_spectra(wanted.procedure)
    config = _config(wanted)
    mapping, constants = parse_mapping(wanted.columns), parse_mapping(wanted.constants)
    _check_names("--columns", mapping, described)
    _check_names("--constant", constants, described)
    if not mapping:
        raise ConfigError(f"{shown(path)}: which columns are what? write --columns, {EXAMPLE}")
    table = read_table(path)
    columns = _filled(table, mapping, constants, described)
    refuse_missing(_said(path, wanted.procedure), config, columns, described)
    stored = _stored(path, wanted.procedure, config, columns, described)
    result = evaluate_stored(stored)
    kept = stored_analysis(result, stored)
    folder = _new_folder(path, wanted)
    _write(folder / "result.json", json_text(_record(path, mapping, constants, config, kept), indent=1) + "\n")
    _write(folder / "table.txt", render(result))
    return Kept(result, folder, save(figure_of(result, stored), folder / "figure"), config.warnings)


def _said(path: Path, procedure: str) -> str:
    return f"{shown(path)}: {procedure} needs"


def columns_of(procedure: str) -> dict[str, Column]:
    """Get the columns of a procedure by name.

    Raises:
        ConfigError: there is no such procedure.
    """
    if procedure not in PROCEDURES:
        raise ConfigError(
            f'--as: no procedure "{procedure}"{did_you_mean(procedure, PROCEDURES)}; allowed: {", ".join(PROCEDURES)}'
        )
    return {column.name: column for column in PROCEDURES[procedure]().COLUMNS}


def _config(wanted: Wanted) -> RunConfig:
    recipe = recipe_file(wanted.procedure if wanted.recipe is None else wanted.recipe)
    config = load_run(recipe, sample=sample_file(wanted.sample), overrides=wanted.overrides)
    if config.recipe.procedure != wanted.procedure:
        raise ConfigError(
            f"{shown(recipe)}: a recipe of {config.recipe.procedure}; allowed: {wanted.procedure}, as --as says"
        )
    if config.calibration is not None and config.calibration.simulated:
        warning = (
            f"dose rates are those of {config.calibration.name!r}, which was made on a simulated bench; "
            "a calibration of your own: --set calibration=FILE"
        )
        config = replace(config, warnings=(*config.warnings, warning))
    return config


def _check_names(option: str, mapping: Mapping[str, str], described: Mapping[str, Column]) -> None:
    for name in mapping:
        if name not in described:
            raise ConfigError(
                f'{option}: no column "{name}"{did_you_mean(name, described)}; allowed: {", ".join(described)}'
            )


def _filled(
    table: Table, mapping: Mapping[str, str], constants: Mapping[str, str], described: Mapping[str, Column]
) -> dict[str, Floats]:
    """Convert what is mapped, repeat what is constant; a row without its reading is flagged as a bad one."""
    columns = {name: column_si(table, there, described[name].unit) for name, there in mapping.items()}
    for name, there in mapping.items():
        check_values(table, there, columns[name], described[name])
    for name, text in constants.items():
        if name in columns:
            raise ConfigError(f'--constant: "{name}" is in --columns too; allowed: one of them')
        value = _constant(name, text, described[name].unit)
        if (allowed := whole_numbers(described[name], len(table.lines))) and value not in allowed:
            raise ConfigError(f"--constant: {name}: {text} given; allowed: {whole_text(allowed)}")
        columns[name] = np.full(len(table.lines), value)
    return with_flags(columns, described, len(table.lines))


def _constant(name: str, text: str, unit: str) -> float:
    from xraydaq.units import parse_quantity

    try:
        return parse_quantity(text, unit)
    except UnitError as error:
        raise ConfigError(f"--constant: {name}: {error}") from None


def _stored(
    path: Path, procedure: str, config: RunConfig, columns: dict[str, Floats], described: Mapping[str, Column]
) -> StoredRun:
    kept = tuple(described[name] for name in columns)
    first = kept[0].name
    header = Header(
        procedure=procedure,
        title=f"{path.name}: {NOTE}",
        columns=kept,
        start_utc_s=0.0,
        run_id=path.stem,
        signal="current" if "current" in columns else first,
        axes=("elapsed" if "elapsed" in columns else first,),
        sample=config.sample.model_dump(mode="json"),
        config_texts=dict(config.texts),
        resolved=config.resolved(),
        origins=dict(config.origins),
        simulated=cast("bool", None),  # neither: the figure must not claim that one of our benches measured it
    )
    said = _Columns(columns, _said(path, procedure), described)
    return StoredRun(path, header, said, state="finished", reason=NOTE)


def _new_folder(path: Path, wanted: Wanted) -> Path:
    """Make the first folder ``<table>_<procedure>_<n>`` that is not there."""
    parent = path.resolve().parent if wanted.into is None else wanted.into
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for number in range(1, MOST_FOLDERS):
            folder = parent / f"{path.stem}_{wanted.procedure}_{number}"
            if not folder.exists():
                folder.mkdir()
                return folder
    except OSError as error:
        raise StorageError(f"{shown(parent)}: no folder for the result: {error.strerror}") from error
    raise StorageError(f"{shown(parent)}: {MOST_FOLDERS} results of this table are there already")


def _record(
    path: Path, mapping: Mapping[str, str], constants: Mapping[str, str], config: RunConfig, kept: StoredAnalysis
) -> dict[str, Any]:
    curves = {name: {"unit": unit, "values": values.tolist()} for name, (values, unit) in kept.curves.items()}
    content = path.read_bytes()
    return {
        "source": {
            "file": str(path.resolve()),
            "sha256": hashlib.sha256(content).hexdigest(),
            "note": NOTE,
            "columns": dict(mapping),
            "constants": dict(constants),
        },
        "analysis": {key: value for key, value in asdict(kept).items() if key != "curves"},
        "curves": curves,
        "resolved": config.resolved(),
        "config_texts": dict(config.texts),
    }


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise StorageError(f"{shown(path)} cannot be written: {error.strerror}") from error
