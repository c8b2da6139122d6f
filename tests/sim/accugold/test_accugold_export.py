import csv
import math
import xml.etree.ElementTree as ET
import zipfile

import pytest

from instruments.sim.accugold import LogEntry, write_csv, write_xlsx

ENTRIES = [
    LogEntry(1_700_000_000.0, 10.0, 1.2345678e-5, 1.2345678e-6, 296.15, 99_800.0),
    LogEntry(1_700_000_060.0, 10.0, 2.5e-5, math.nan, 296.25, 99_810.0),
]
ROWS = [
    ["Date", "Duration (s)", "Dose (uGy)", "Dose rate (uGy/s)", "Temperature (C)", "Pressure (kPa)", "Sensor"],
    ["2023-11-14 22:13:20", "10.0", "12.346", "1.2346", "23.0", "99.8", "10X6-180"],
    ["2023-11-14 22:14:20", "10.0", "25.0", "", "23.1", "99.81", "10X6-180"],
]


def rows_of_csv(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def rows_of_sheet(path):
    """Read the sheet as any program does: from the workbook's relations to the cells."""
    main = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            ET.fromstring(archive.read(name))
        sheet = ET.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    return [["".join(cell.itertext()) for cell in row.iter(f"{main}c")] for row in sheet.iter(f"{main}row")]


@pytest.mark.parametrize(
    ("write", "read", "name"), [(write_csv, rows_of_csv, "log.csv"), (write_xlsx, rows_of_sheet, "log.xlsx")]
)
def test_a_log_has_a_row_for_each_measurement_and_an_empty_cell_for_a_missing_value(tmp_path, write, read, name):
    write(tmp_path / name, ENTRIES)
    assert read(tmp_path / name) == ROWS


@pytest.mark.parametrize("write", [write_csv, write_xlsx])
def test_an_existing_log_is_not_touched(tmp_path, write):
    path = tmp_path / "log"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        write(path, ENTRIES)
    assert path.read_text() == "mine"


def test_the_same_log_is_the_same_file(tmp_path):
    write_xlsx(tmp_path / "a.xlsx", ENTRIES)
    write_xlsx(tmp_path / "b.xlsx", ENTRIES)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
