"""The table ``[dosimeter]`` of a bench file: what a dosimeter without a cable cannot say of itself."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from xraydaq.config.messages import dotted, shown
from xraydaq.config.source import Document
from xraydaq.config.values import Bounds, Model, Quantity
from xraydaq.config.words import Choice, Day, Switch, Text

OPERATOR = "OPERATOR"
FOLDER = "FOLDER::"
DOSE_UNITS = (
    "uGy", "nGy", "mGy", "cGy", "Gy", "uR", "mR", "R", "mrad", "rad",
    "uGy/s", "nGy/s", "mGy/s", "uGy/min", "mGy/min", "uGy/h", "mGy/h", "mR/s", "mR/min", "R/min", "mR/h", "R/h",
)  # fmt: skip
"""Of the numbers in an exported log; rad is the unit of dose here and is converted as such."""

Heading = Annotated[str, Text("Dose (uGy)", rule="the heading of a column, as it stands in the file")]
Word = Annotated[str, Text("10X6-180")]


class DosimeterTable(Model):
    """Chamber, air density correction, and the columns of an exported log."""

    digitizer: Word = "Accu-Gold+"
    chamber: Word | None = None
    chamber_serial: Annotated[str, Text("00-1234")] | None = None
    digitizer_serial: Annotated[str, Text("48-1234")] | None = None
    calibrated: Annotated[date, Day("2026-07-13")] | None = None
    corrected: Annotated[bool, Switch()] | None = None
    """Whether the instrument's program has put the air density correction into its values."""

    reference_temperature_k: (
        Annotated[float, Quantity("K", "20 degC", Bounds(at_least=273.15, at_most=323.15))] | None
    ) = Field(None, alias="reference_temperature")
    reference_pressure_pa: (
        Annotated[float, Quantity("Pa", "101.325 kPa", Bounds(at_least=50e3, at_most=110e3))] | None
    ) = Field(None, alias="reference_pressure")
    """Of the chamber's certificate."""

    dose_column: Heading | None = None
    dose_unit: Annotated[str, Choice(DOSE_UNITS)] | None = None
    time_column: Heading | None = None
    time_unit: Annotated[str, Choice(("s", "ms", "min", "h"))] = "s"
    temperature_column: Heading | None = None
    temperature_unit: Annotated[str, Choice(("degC", "K"))] = "degC"
    pressure_column: Heading | None = None
    pressure_unit: Annotated[str, Choice(("kPa", "hPa", "Pa", "mmHg"))] = "kPa"
    delimiter: Annotated[str, Choice((",", ";", "\t"))] = ","
    decimal: Annotated[str, Choice((".", ","))] = "."


TOLD = ("chamber", "chamber_serial", "digitizer_serial", "calibrated")
"""What a bridge tells and a person or a file does not."""

OF_A_PERSON = ("digitizer", *TOLD, "corrected")
OF_A_LOG = (
    "dose_column", "dose_unit", "time_column", "time_unit", "temperature_column", "temperature_unit",
    "pressure_column", "pressure_unit", "delimiter", "decimal",
)  # fmt: skip


def is_by_hand(resource: str) -> bool:
    """Get whether a person or a folder of files stands behind a resource, and no cable."""
    return resource == OPERATOR or resource.startswith(FOLDER)


def dosimeter_problems(document: Document, resource: str | None) -> Iterator[str]:
    """Find what the table lacks or says in vain; `resource` is that of the role, None without one."""
    said = document.data.get("dosimeter")
    if said is not None and not isinstance(said, dict):
        return  # told already
    where = f"{document.origin(('dosimeter',))}: dosimeter"
    if resource is None:
        if said is not None:
            yield f"{where}: there is no role dosimeter on this bench; add [roles.dosimeter] or remove the table"
        return
    said = said or {}
    for key in _needed(resource, said):
        yield f'{where}.{key}: missing; a dosimeter by "{_way(resource)}" needs it'
    yield from _in_vain(document, resource, said)
    yield from _columns(document, said)
    path = resource.removeprefix(FOLDER)
    if path != resource and not Path(path).is_absolute():
        yield (
            f"{document.origin(('roles', 'dosimeter', 'resource'))}: roles.dosimeter.resource: {shown(resource)} is "
            'no whole path; write it from the root, for example "FOLDER::/home/lab/dose"'
        )


def _way(resource: str) -> str:
    return OPERATOR if resource == OPERATOR else f"{FOLDER}<folder>" if resource.startswith(FOLDER) else "bridge"


def _needed(resource: str, said: dict[str, Any]) -> Iterator[str]:
    wanted: list[str] = []
    reference = ("reference_temperature", "reference_pressure")
    if is_by_hand(resource):
        wanted += TOLD
        if said.get("corrected") is not True:
            wanted += reference
    if any(key in said for key in reference):
        wanted += (key for key in reference if key not in wanted)
    if resource.startswith(FOLDER):
        wanted += ("corrected", "dose_column", "dose_unit")  # nobody can be asked at the reading
        if "/" not in str(said.get("dose_unit", "/")):
            wanted.append("time_column")
    yield from (key for key in wanted if key not in said)


def _in_vain(document: Document, resource: str, said: dict[str, Any]) -> Iterator[str]:
    for keys, is_used, reason in (
        (OF_A_PERSON, is_by_hand(resource), "the bridge tells it itself"),
        (OF_A_LOG, resource.startswith(FOLDER), f'only a dosimeter by "{FOLDER}<folder>" has a log'),
    ):
        for key in (each for each in keys if each in said and not is_used):
            yield f"{document.origin(('dosimeter', key))}: {dotted(('dosimeter', key))}: {reason}; remove it"


def _columns(document: Document, said: dict[str, Any]) -> Iterator[str]:
    air = ("temperature_column", "pressure_column")
    for key, other in (air, air[::-1]):
        if key in said and other not in said:
            yield f"{document.origin(('dosimeter', key))}: dosimeter.{other}: missing; {key} alone is of no use"
    if said.get("delimiter", ",") == said.get("decimal", "."):
        yield (
            f"{document.origin(('dosimeter', 'decimal'))}: dosimeter.decimal: {shown(said.get('decimal', '.'))} is "
            'the delimiter as well; write for example delimiter = ";"'
        )
