"""Exported logs: what is a new row, when a file is whole, and workbooks."""

import io
import math
import zipfile

import pytest

from instruments.accugold import AT_20_DEGC, Air, Chamber, ExportLog, ImportedDosimeter, Layout
from instruments.accugold.sheet import rows_of
from instruments.wire.accugold import DoseFlag
from xraydaq.clock import JumpingClock
from xraydaq.errors import InstrumentError, InstrumentTimeout, LimitError, Refused

LAYOUT = Layout("Dose", "uGy", "Duration", "s", "T", "degC", "P", "kPa")
HEAD = "Accu-Gold log,,,,\nNo,Dose,Duration,T,P\n"
ROWS = ("1,1.0,10,22.1,99.58\n", "2,2.0,10,22.1,99.58\n", "3,3.0,10,22.1,99.58\n")
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


class Exporting(JumpingClock):
    """Time in which somebody exports a file while it is waited."""

    def __init__(self):
        super().__init__()
        self.deeds = []

    def sleep(self, duration_s):
        super().sleep(duration_s)
        while self.deeds and self.deeds[0][0] <= self.now():
            self.deeds.pop(0)[1]()


@pytest.fixture
def clock():
    return Exporting()


@pytest.fixture
def dosimeter(tmp_path, clock):
    return ImportedDosimeter(
        ExportLog(tmp_path, LAYOUT, clock), clock=clock, chamber=Chamber(), corrected=False, reference=AT_20_DEGC,
        patience_s=60.0,
    )  # fmt: skip


def workbook(rows):
    """Make a workbook with shared and inline texts, and empty cells left out as Excel does."""
    cells = [
        "".join(
            f'<c r="{chr(65 + column)}{number}"' + (f"><v>{text}</v></c>" if text[:1].isdigit() else
            f' t="inlineStr"><is><t>{text}</t></is></c>' if column % 2 else f' t="s"><v>{column}</v></c>')
            for column, text in enumerate(row) if text
        ) for number, row in enumerate(rows, 1)
    ]  # fmt: skip
    shared = "".join(f"<si><t>{text}</t></si>" for text in rows[0])
    body = "".join(f'<row r="{number}">{each}</row>' for number, each in enumerate(cells, 1))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xl/sharedStrings.xml", f'<sst xmlns="{MAIN}">{shared}</sst>')
        sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{body}</sheetData></worksheet>'
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
    return buffer.getvalue()


def test_the_row_that_came_after_the_start_is_the_reading(tmp_path, clock, dosimeter):
    file = tmp_path / "log.csv"
    file.write_text(HEAD + ROWS[0])
    dosimeter.start("10 mm Al")
    clock.deeds = [(clock.now() + 5, lambda: file.write_text(HEAD + ROWS[0] + ROWS[1]))]
    reading = dosimeter.read()
    assert reading.raw_dose_gy == pytest.approx(2e-6, rel=1e-12)
    assert reading.dose_gy == pytest.approx(2 * 1.02481e-6, abs=1e-11)
    assert (reading.time_s, reading.label) == (10.0, "10 mm Al")
    assert "Dose=2.0" in reading.original


def test_a_later_export_under_another_name_repeats_the_old_rows(tmp_path, dosimeter):
    (tmp_path / "a.csv").write_text(HEAD + ROWS[0])
    dosimeter.start("x")
    (tmp_path / "b.csv").write_text(HEAD + ROWS[0] + ROWS[1])
    assert dosimeter.read().raw_dose_gy == pytest.approx(2e-6, rel=1e-12)


def test_two_equal_measurements_are_two(tmp_path, dosimeter):
    row = ",1.0,10,22.1,99.58\n"
    (tmp_path / "a.csv").write_text(HEAD + row)
    dosimeter.start("x")
    (tmp_path / "a.csv").write_text(HEAD + row + row)
    assert dosimeter.read().raw_dose_gy == pytest.approx(1e-6, rel=1e-12)


def test_two_new_rows_are_refused_as_nobody_knows_which(tmp_path, dosimeter):
    dosimeter.start("x")
    (tmp_path / "a.csv").write_text(HEAD + ROWS[0] + ROWS[1])
    with pytest.raises(Refused, match="2 new rows"):
        dosimeter.read()


def test_a_file_that_still_grows_is_not_read(tmp_path, clock, dosimeter):
    file = tmp_path / "log.csv"
    dosimeter.start("x")
    file.write_text(HEAD + "1,1")
    clock.deeds = [(clock.now() + 0.5, lambda: file.write_text(HEAD + "1,1.7,10,22.1,99.58\n"))]
    assert dosimeter.read().raw_dose_gy == pytest.approx(1.7e-6, rel=1e-12)


def test_no_export_ends_in_a_timeout(clock, dosimeter):
    dosimeter.start("x")
    start_s = clock.now()
    with pytest.raises(InstrumentTimeout):
        dosimeter.read()
    assert 60.0 <= clock.now() - start_s <= 62.0


def test_a_workbook_is_read_as_a_table(tmp_path, dosimeter):
    rows = [["No", "Dose", "Duration", "T", "P"], ["1", "1.5", "10", "22.1", "99.58"]]
    dosimeter.start("x")
    (tmp_path / "log.xlsx").write_bytes(workbook(rows))
    assert dosimeter.read().raw_dose_gy == pytest.approx(1.5e-6, rel=1e-12)


def test_cells_left_out_of_a_workbook_keep_their_columns():
    rows = [["No", "Dose", "Duration"], ["1", "", "10"]]
    assert rows_of("x.xlsx", workbook(rows), ",") == [("No", "Dose", "Duration"), ("1", "", "10")]


@pytest.mark.parametrize("data", [b"", b"not a zip", b"PK\x03\x04 broken"])
def test_what_is_no_workbook_is_one_clear_error(tmp_path, dosimeter, data):
    dosimeter.start("x")
    (tmp_path / "log.xlsx").write_bytes(data)
    with pytest.raises(InstrumentError, match=r"log\.xlsx"):
        dosimeter.read()


@pytest.mark.parametrize("name", ["~$log.xlsx", ".log.csv", "notes.txt"])
def test_other_files_in_the_folder_are_left_alone(tmp_path, dosimeter, name):
    (tmp_path / name).write_text("whatever")
    dosimeter.start("x")
    (tmp_path / "a.csv").write_text(HEAD + ROWS[0])
    assert dosimeter.read().raw_dose_gy == pytest.approx(1e-6, rel=1e-12)
    assert (tmp_path / name).read_text() == "whatever"


def test_decimal_commas_and_units_in_cells(tmp_path, clock):
    layout = Layout("Dosis", "uGy", delimiter=";", decimal=",")
    log = ExportLog(tmp_path, layout, clock)
    (tmp_path / "a.csv").write_text("Dosis;kV\n1,5;50\n2,5 mGy;50\n0,25 mR/min;50\n")
    raws = [log.dose_of(row) for row in log.settle()]
    assert [raw.dose_gy for raw in raws[:2]] == pytest.approx([1.5e-6, 2.5e-3], rel=1e-12)
    assert math.isnan(raws[2].dose_gy)
    assert raws[2].rate_gy_s == pytest.approx(0.25 * 0.146e-6, rel=1e-12)
    assert raws[0].air is None


def test_a_table_without_the_column_names_it(tmp_path, dosimeter):
    (tmp_path / "a.csv").write_text("Kerma,Time\n1,2\n")
    with pytest.raises(InstrumentError, match="'Dose'"):
        dosimeter.start("x")


@pytest.mark.parametrize("head", ["Dose,Dose,T,P", "Dose,T,T,P"])
def test_two_columns_of_one_heading_are_refused(tmp_path, dosimeter, head):
    (tmp_path / "a.csv").write_text(f"{head}\n1,2,3,4\n")
    with pytest.raises(InstrumentError, match="more than one column"):
        dosimeter.start("x")


def test_a_point_among_decimal_commas_is_refused_where_a_number_is_read(tmp_path, clock):
    log = ExportLog(tmp_path, Layout("Dosis", "uGy", delimiter=";", decimal=","), clock)
    (tmp_path / "a.csv").write_text("Dosis;Datum\n1,5;25.11.2026\n")
    assert len(log.settle()) == 1
    (tmp_path / "b.csv").write_text("Dosis;Datum\n1.234;25.11.2026\n")
    with pytest.raises(InstrumentError, match=r"Dosis=1\.234"):
        log.settle()


def test_a_workbook_spells_numbers_with_a_point_whatever_the_decimal_sign(tmp_path, clock):
    log = ExportLog(tmp_path, Layout("Dosis", "uGy", delimiter=";", decimal=","), clock)
    (tmp_path / "a.xlsx").write_bytes(workbook([["No", "Dosis"], ["1", "1.5"]]))
    (row,) = log.settle()
    assert log.dose_of(row).dose_gy == pytest.approx(1.5e-6, rel=1e-12)


def test_a_cell_that_is_no_dose_is_an_error_that_shows_the_row(tmp_path, dosimeter):
    dosimeter.start("x")
    (tmp_path / "a.csv").write_text(HEAD + "1,OVER,10,22.1,99.58\n")
    with pytest.raises(InstrumentError, match="Dose=OVER"):
        dosimeter.read()


def test_a_folder_that_is_not_there_is_one_clear_error(tmp_path, clock):
    with pytest.raises(InstrumentError, match="nowhere"):
        ExportLog(tmp_path / "nowhere", LAYOUT, clock).rows()


def test_the_zero_is_confirmed_by_somebody_else(tmp_path, dosimeter):
    with pytest.raises(Refused):
        dosimeter.zero()
    dosimeter.set_air(Air(295.15, 1e5))
    for doing, missing in ((lambda: None, True), (dosimeter.zeroed, False)):
        doing()
        dosimeter.start("x")
        count = len(list(tmp_path.iterdir()))
        (tmp_path / f"{count}.csv").write_text(HEAD + ROWS[count])
        assert (DoseFlag.ZERO_MISSING in dosimeter.read().flags) is missing


@pytest.mark.parametrize(
    "change", [{"dose": ""}, {"dose_unit": ""}, {"delimiter": ",", "decimal": ","}, {"delimiter": "|"}]
)
def test_a_layout_that_cannot_be_is_refused(change):
    with pytest.raises(LimitError):
        Layout(**{"dose": "Dose", "dose_unit": "uGy", **change})
