"""The measurement log that the dosimeter's own program saves, watched for new rows.

The program saves its log as an Excel file when a person tells it to; the layout is not published, so the columns are
named in the bench file. A later export repeats the rows of the earlier ones, in the same file or another: a row is new
if it occurs more often than before.
"""

import math
from collections import Counter
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from instruments.accugold.dosimeter import RawDose
from instruments.accugold.entry import is_rate, parse_air, parse_dose, parse_rate
from instruments.accugold.sheet import Rows, rows_of
from instruments.wire.accugold import DoseFlag
from xraydaq.clock import Clock
from xraydaq.errors import InstrumentError, LimitError, UnitError
from xraydaq.units import parse_quantity

SETTLE_S = 1.0
"""A file that did not change for this long is whole."""

SETTLE_TRIES = 60
HEADER_ROWS = 50
SUFFIXES = (".csv", ".xlsx")


@dataclass(frozen=True, slots=True)
class Layout:
    """Headings of the columns, and the units of their numbers; an empty heading: there is no such column.

    A cell that carries a unit itself is taken with it.
    """

    dose: str
    dose_unit: str
    time: str = ""
    time_unit: str = "s"
    temperature: str = ""
    temperature_unit: str = "degC"
    pressure: str = ""
    pressure_unit: str = "kPa"
    delimiter: str = ","
    decimal: str = "."

    def __post_init__(self) -> None:
        if not self.dose or not self.dose_unit:
            raise LimitError("exported log: the heading of the dose column and its unit are needed")
        if self.decimal not in (".", ",") or self.delimiter not in (",", ";", "\t") or self.decimal == self.delimiter:
            raise LimitError(
                f"exported log: decimal {self.decimal!r} and delimiter {self.delimiter!r} do not go together"
            )


Row = tuple[tuple[str, str], ...]
"""Headings and cells of one measurement."""


class ExportLog:
    """The files of one folder. Nothing is ever written into it."""

    def __init__(self, folder: Path, layout: Layout, clock: Clock) -> None:
        self._folder = folder
        self._layout = layout
        self._clock = clock
        self._seen: dict[Path, tuple[tuple[int, int], float]] = {}
        self.settled = False
        """Whether all files were whole at the last look."""

    def settle(self) -> Counter[Row]:
        """Wait until no file changes any more, and get the rows.

        Raises:
            InstrumentError: as `rows`; also if files change for a minute.
        """
        for _ in range(SETTLE_TRIES):
            rows = self.rows()
            if self.settled:
                return rows
            self._clock.sleep(SETTLE_S)
        raise InstrumentError(f"{self._folder}: files change all the time; export into a folder of its own")

    def rows(self) -> Counter[Row]:
        """Get the rows of all whole files, each as often as it occurs in the file that has it most often.

        Raises:
            InstrumentError: the folder or a file in it cannot be read.
        """
        found: Counter[Row] = Counter()
        for path in self._whole_files():
            try:
                data = path.read_bytes()
            except OSError as error:
                raise InstrumentError(f"{path}: cannot be read: {error.strerror}") from error
            found |= Counter(self._measurements(path, rows_of(path.name, data, self._layout.delimiter)))
        return found

    def dose_of(self, row: Row) -> RawDose:
        """Get the values of a row.

        Raises:
            InstrumentError: a cell is not what its heading says.
        """
        layout, cells = self._layout, dict(row)
        original = "; ".join(f"{heading}={cell}" for heading, cell in row if cell)
        try:
            dose = self._with_unit(cells[layout.dose], layout.dose_unit)
            time = cells.get(layout.time, "") if layout.time else ""
            time_s = parse_quantity(self._with_unit(time, layout.time_unit), "s") if time else math.nan
            temperature, pressure = (cells.get(each, "") for each in (layout.temperature, layout.pressure))
            air = None
            if temperature and pressure:
                air = parse_air(
                    self._with_unit(temperature, layout.temperature_unit),
                    self._with_unit(pressure, layout.pressure_unit),
                )
            dose_gy, rate_gy_s = (math.nan, parse_rate(dose)) if is_rate(dose) else (parse_dose(dose), math.nan)
        except (UnitError, LimitError) as error:
            raise InstrumentError(f"exported log: {error} (in the row {original})") from error
        return RawDose(dose_gy, rate_gy_s, time_s, air, DoseFlag(0), original)

    def _whole_files(self) -> list[Path]:
        now_s = self._clock.now()
        whole = []
        try:
            paths = sorted(each for each in self._folder.iterdir() if each.suffix.lower() in SUFFIXES)
            stats = [(path, path.stat()) for path in paths if not path.name.startswith(("~$", "."))]
        except OSError as error:
            raise InstrumentError(f"{self._folder}: cannot be read: {error.strerror}") from error
        for path, stat in stats:
            state = (stat.st_mtime_ns, stat.st_size)
            before, since_s = self._seen.get(path, (None, now_s))
            if before != state:
                since_s = now_s
            self._seen[path] = (state, since_s)
            if now_s - since_s >= SETTLE_S:
                whole.append(path)
        self.settled = len(whole) == len(stats)
        return whole

    def _measurements(self, path: Path, rows: Rows) -> list[Row]:
        layout = self._layout
        head = next((index for index, row in enumerate(rows[:HEADER_ROWS]) if layout.dose in row), None)
        if head is None:
            raise InstrumentError(f"{path}: no column {layout.dose!r}; name the headings in the bench file")
        headings = rows[head]
        used = {each for each in (layout.dose, layout.time, layout.temperature, layout.pressure) if each}
        if twice := sorted(each for each in used if headings.count(each) > 1):
            raise InstrumentError(f"{path}: more than one column {', '.join(twice)}; nobody knows which is meant")
        place = headings.index(layout.dose)
        filled = [row for row in rows[head + 1 :] if len(row) > place and row[place]]
        measurements = [tuple(zip(headings, row, strict=False)) for row in filled]
        if layout.decimal == "," and path.suffix.lower() == ".csv":  # a workbook spells numbers with a point always
            for heading, cell in chain.from_iterable(measurements):
                if heading in used and "." in cell:
                    raise InstrumentError(f"{path}: {heading}={cell}: a point where the decimal sign is a comma")
        return measurements

    def _with_unit(self, cell: str, unit: str) -> str:
        if self._layout.decimal == ",":
            cell = cell.replace(",", ".")
        return cell if cell[-1:].isalpha() else f"{cell} {unit}"
