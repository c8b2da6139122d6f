"""What a run is made of, independent of how it is written: columns, header, events, analyses, summaries.

Nothing here imports numpy or h5py at run time, so that a process which only acquires or tails stays small.
"""

import json
import re
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from xraydaq.errors import StorageError

if TYPE_CHECKING:
    from xraydaq.storage.arrays import FloatArray

STRUCT_CODES = {"f8": "d", "u4": "I", "i4": "i"}
STATUS_FLAGS = {
    "overflow": 1, "compliance": 2, "range_change": 4, "timeout": 8, "paused": 16, "bad_reply": 32,
    "connection_failed": 64, "abandoned": 128,
}  # fmt: skip
"""Bits of the column `status`; several may be set in one row. `abandoned`: of a part that an interruption cut off and
that a later segment repeats."""

EndState = Literal["finished", "stopped", "failed", "interrupted"]
"""How a run ends by its own word; `interrupted` when the computer stood still meanwhile. It can also be `running`, or
`interrupted` without an END frame, its owner gone."""


@dataclass(frozen=True)
class Column:
    """One value per row. `unit` is UDUNITS text (``""`` if dimensionless), `flags` the bits of a status word."""

    name: str
    unit: str
    long_name: str
    dtype: Literal["f8", "u4", "i4"] = "f8"
    flags: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise StorageError(f"column {self.name!r}: a name is lower-case letters, digits and underscores")
        if self.dtype not in STRUCT_CODES:
            raise StorageError(f"column {self.name}: dtype {self.dtype!r} is not one of {', '.join(STRUCT_CODES)}")


@dataclass(frozen=True, kw_only=True)
class Header:
    """Everything known before the first row; all dicts must be JSON-able, values in SI."""

    procedure: str
    title: str
    columns: tuple[Column, ...]
    start_utc_s: float
    run_id: str = ""
    """Name of the folder and the result; empty: made from date, sample and procedure."""
    definition: str = "NXsensor_scan"
    signal: str = "current"
    axes: tuple[str, ...] = ("elapsed",)
    sample: dict[str, Any] = field(default_factory=dict)
    config_texts: dict[str, str] = field(default_factory=dict)
    resolved: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    software: dict[str, Any] = field(default_factory=dict)
    host: dict[str, Any] = field(default_factory=dict)
    seed: int | None = None
    simulated: bool = False
    served_simulation: bool = False
    """Simulators that another process serves; their seed and truth are not known here."""
    twin_truth: dict[str, Any] | None = None
    """What was true of the simulated world when the run began."""

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names):
            raise StorageError(f"two columns have one name: {', '.join(names)}")
        for name in (self.signal, *self.axes):
            if name not in names:
                raise StorageError(f"{name!r} is to be plotted and is no column; there are {', '.join(names)}")

    @property
    def row(self) -> struct.Struct:
        """Get the layout of one row in the journal: little-endian, unpadded, in the order of the columns."""
        return struct.Struct("<" + "".join(STRUCT_CODES[column.dtype] for column in self.columns))

    def to_json(self) -> bytes:
        """Get the payload of the HEAD frame."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, payload: bytes) -> Self:
        """Read a HEAD frame; keys of later versions are ignored.

        Raises:
            StorageError: the payload is not a header.
        """
        try:
            values = json.loads(payload)
            values = {key: value for key, value in values.items() if key in cls.__dataclass_fields__}
            values["columns"] = tuple(Column(**column) for column in values["columns"])
            values["axes"] = tuple(values["axes"])
            return cls(**values)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise StorageError(f"not the header of a run: {error}") from error


@dataclass(frozen=True)
class Event:
    """Something that happened; `row` is the number of rows that were there before it."""

    kind: str
    message: str
    elapsed_s: float
    epoch_s: float
    row: int
    severity: str = "info"
    source: str = ""


@dataclass(frozen=True)
class Block:
    """An array that is no row of the table: a spectrum or a burst."""

    name: str
    header: dict[str, Any]
    values: "FloatArray"


@dataclass(frozen=True)
class Quantity:
    """A result with its standard uncertainty (nan: not stated), SI value and UDUNITS text."""

    value: float
    u: float = float("nan")
    unit: str = ""


@dataclass(frozen=True)
class StoredAnalysis:
    """What an analysis leaves in the file; `curves` are name -> (array, unit)."""

    name: str
    program: str
    version: str
    date: str
    inputs: dict[str, Any] = field(default_factory=dict)
    results: dict[str, Quantity] = field(default_factory=dict)
    text: dict[str, str] = field(default_factory=dict)
    curves: "dict[str, tuple[FloatArray, str]]" = field(default_factory=dict)


@dataclass(frozen=True)
class StoredRun:
    """A run read back. `columns` are 1-D arrays of equal length, `analyses` by their number in the file."""

    path: Path
    header: Header
    columns: "dict[str, FloatArray]"
    state: str
    reason: str
    events: tuple[Event, ...] = ()
    blocks: tuple[Block, ...] = ()
    instruments: dict[str, dict[str, Any]] = field(default_factory=dict)
    analyses: dict[int, StoredAnalysis] = field(default_factory=dict)
    twin_truth: dict[str, Any] | None = None
    """What was true of the simulated world at the end; where that was not recorded, at the start."""

    @property
    def rows(self) -> int:
        """Get the number of rows."""
        return len(self.columns[self.header.columns[0].name])

    @property
    def complete(self) -> bool:
        """Get whether the run reached its planned end."""
        return self.state == "finished"


@dataclass(frozen=True)
class RunSummary:
    """One line of a list of runs; `title`, `procedure` and `sample` are empty where no header can be read."""

    folder: Path
    run_id: str
    state: str
    reason: str
    procedure: str = ""
    title: str = ""
    sample: str = ""
    start_utc_s: float = float("nan")
    result: Path | None = None


@dataclass(frozen=True)
class RecoveryReport:
    """What `recover` found; `result` is None where not even a header survived."""

    folder: Path
    rows: int
    state: str
    reason: str
    result: Path | None
    built: bool
    """False: the result was there already."""
    note: str = ""
    """What a person should know besides."""


def iso_utc(utc_s: float) -> str:
    """Write a date as ISO 8601 with offset and microseconds."""
    return datetime.fromtimestamp(utc_s, UTC).isoformat(timespec="microseconds")


def run_folder_name(utc_s: float, sample: str, procedure: str) -> str:
    """Name a run ``YYYYMMDDThhmmssZ_<sample>_<procedure>``; what a file name cannot hold becomes ``-``."""
    date = datetime.fromtimestamp(utc_s, UTC).strftime("%Y%m%dT%H%M%SZ")
    return "_".join([date, _file_word(sample), _file_word(procedure)])


def folder_name_of(header: Header) -> str:
    """Get the name a run's folder should have, before a suffix makes it unique.

    Raises:
        StorageError: `run_id` would leave the folder of all runs.
    """
    if not header.run_id:
        return run_folder_name(header.start_utc_s, str(header.sample.get("name", "")), header.procedure)
    if header.run_id in (".", "..") or Path(header.run_id).name != header.run_id:
        raise StorageError(f"run id {header.run_id!r} is not one name of a folder")
    return header.run_id


def _file_word(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:60] or "unnamed"
