import hashlib
import json
import shutil
from dataclasses import replace
from datetime import datetime

import h5py
import numpy as np
import pytest

from tests.storage.nxdata import faults_of
from xraydaq.clock import RealClock
from xraydaq.errors import StorageError
from xraydaq.storage import Column, RunWriter, build_result, read_run
from xraydaq.storage.contents import replay


@pytest.fixture
def result(full_run):
    return build_result(full_run)


@pytest.fixture
def spoilt(result, tmp_path):
    """Change a copy of the result and see what the checker says."""

    def change(how):
        copy = tmp_path / "copy.h5"
        shutil.copy(result, copy)
        copy.chmod(0o644)
        with h5py.File(copy, "r+") as file:
            how(file)
            return faults_of(file)

    return change


def test_a_result_is_a_file_a_nexus_viewer_can_plot(result):
    with h5py.File(result) as file:
        assert faults_of(file) == []


@pytest.mark.parametrize("rows", [0, 1])
def test_a_result_of_no_or_one_row_is_one_too(finished_run, rows):
    with h5py.File(build_result(finished_run(rows))) as file:
        assert faults_of(file) == []
        assert file["entry/data/current"].shape == (rows,)


def test_uncertainties_stand_beside_their_values(tmp_path, header):
    columns = (*header.columns[:3], Column("current_errors", "A", "standard uncertainty of the current"))
    with RunWriter.create(
        tmp_path, replace(header, columns=columns), wall=RealClock(), batch=True, publish=False
    ) as run:
        run.append((0.0, 1.7e9, 1e-9, 1e-12))
        run.finish("finished")
    with h5py.File(build_result(run.folder)) as file:
        assert faults_of(file) == []
        assert file["entry/data/current_errors"][()].tolist() == [1e-12]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (lambda f: f["entry"].attrs.__delitem__("default"), "default '' is not there"),
        (lambda f: f["entry/data"].attrs.modify("signal", "absent"), "signal 'absent' is not there"),
        (lambda f: f["entry/data"].attrs.modify("axes", ["absent"]), "axis 'absent' is not there"),
        (lambda f: f["entry/data"].attrs.modify("elapsed_indices", [1]), "elapsed_indices is [1], not 0"),
        (lambda f: f["entry/data/current"].attrs.__delitem__("units"), "/entry/data/current: no units"),
        (lambda f: f["entry/data"].create_dataset("x_errors", data=[1.0]), "the errors of nothing"),
        (lambda f: f["entry/daq"].create_group("plain"), "entry/daq/plain: a group without NX_class"),
        (lambda f: f["entry"].__delitem__("definition"), "definition '' is unknown"),
        (lambda f: f["entry/user"].__delitem__("name"), "NXsensor_scan: no user/name"),
        (lambda f: f["entry/data"].__delitem__("voltage"), "voltage: value leads nowhere"),
    ],
)
def test_the_checker_sees_what_is_wrong(spoilt, how, said):
    assert any(said in fault for fault in spoilt(how))


def test_the_program_that_acquired_names_itself_and_nobody_elses_page(result):
    with h5py.File(result) as file:
        program = file["entry/acquisition/program"]
        assert program.asstr()[()] == "xraydaq"
        assert set(program.attrs) == {"version"}


def test_columns_are_packed_and_carry_units_names_and_the_meaning_of_flags(result, header):
    with h5py.File(result) as file:
        for column in header.columns:
            field = file["entry/data"][column.name]
            assert (field.attrs["units"], field.attrs["long_name"]) == (column.unit, column.long_name)
            assert (field.compression, field.compression_opts, field.shuffle) == ("gzip", 4, True)
        flags = file["entry/data/status"].attrs
        assert dict(zip(flags["flag_meanings"].split(), flags["flag_masks"], strict=True)) == header.columns[4].flags
        assert np.isnan(file["entry/data/current"].fillvalue)


def test_dates_carry_their_offset_and_the_end_is_that_of_the_last_row(result):
    with h5py.File(result) as file:
        start, end = (datetime.fromisoformat(file["entry"][name].asstr()[()]) for name in ("start_time", "end_time"))
        assert (start.timestamp(), (end - start).total_seconds()) == (1.7e9, 49.5)
        assert start.utcoffset() is not None
        assert file["entry/daq/end_time"][()].decode() == file["entry/end_time"].asstr()[()]


def test_configuration_is_kept_verbatim_with_its_checksum(result, header):
    with h5py.File(result) as file:
        notes = [file[f"entry/acquisition/config_{number}"] for number in (1, 2)]
        assert {note["file_name"].asstr()[()]: note["data"].asstr()[()] for note in notes} == header.config_texts
        for note in notes:
            assert note["sha256"].asstr()[()] == hashlib.sha256(note["data"].asstr()[()].encode()).hexdigest()
        assert json.loads(file["entry/acquisition/origins/data"].asstr()[()]) == header.origins


def test_the_sample_has_its_geometry_with_units_and_uncertainty(result):
    with h5py.File(result) as file:
        area = file["entry/sample/electrode_area"]
        assert (area[()], area.attrs["units"], area.attrs["uncertainty"]) == (4e-6, "m^2", 1e-7)
        assert file["entry/sample/atom_types"].asstr()[()] == "C, H, N, Pb, Br"


def test_a_simulated_run_says_so_where_people_look(result):
    with h5py.File(result) as file:
        assert "simulated" in file["entry/experiment_description"].asstr()[()]
        assert "simulated" in file["entry/instrument/name"].asstr()[()]


def test_the_drift_of_the_date_is_logged_once_a_minute(finished_run):
    with h5py.File(build_result(finished_run(rows=481))) as file:
        clock = file["entry/daq/clock"]
        assert clock["time"][()].tolist() == [0.0, 60.0, 120.0, 180.0, 240.0]
        assert clock["value"][()].tolist() == [1.7e9] * 5


def test_a_result_that_is_built_in_many_pieces_has_every_row_and_every_minute(finished_run, row):
    rows = 30_001  # of 36 bytes: several of the largest frames, and a last one that is not full
    with h5py.File(build_result(finished_run(rows=rows))) as file:
        for index, column in enumerate(("elapsed", "epoch", "current", "voltage", "status")):
            assert file["entry/data"][column][()].tolist() == [row(i)[index] for i in range(rows)]
        assert file["entry/daq/clock/time"][()].tolist() == [60.0 * minute for minute in range(251)]


def test_the_truth_of_the_end_stands_in_the_result_and_that_of_the_start_in_its_header(open_run, row):
    with open_run() as writer:
        writer.append(row(0))
        assert read_run(writer.folder).twin_truth == {"temperature_k": 298.15}  # a run that is cut off has no other
        writer.twin_truth({"temperature_k": 298.15, "dose_gy": 0.25})
        writer.finish("finished")
    from_journal = read_run(writer.folder)
    stored = read_run(build_result(writer.folder))
    assert stored.twin_truth == from_journal.twin_truth == {"temperature_k": 298.15, "dose_gy": 0.25}
    assert stored.header.twin_truth == {"temperature_k": 298.15}
    with h5py.File(stored.path) as file:
        assert json.loads(file["entry/daq/twin_truth/data"].asstr()[()])["dose_gy"] == 0.25


def test_every_field_comes_back(full_run, result, header, row):
    run = read_run(full_run)
    assert run.path == result
    assert run.header == replace(header, run_id=full_run.name)
    assert (run.state, run.reason, run.rows, run.complete) == ("stopped", "by the user", 100, False)
    for index, column in enumerate(header.columns):
        assert run.columns[column.name].dtype == column.dtype
        assert run.columns[column.name].tolist() == [row(i)[index] for i in range(100)]
    phase, reply = run.events
    assert (phase.kind, phase.message) == ("phase", "bias on: 5 V across 50 µm")
    assert (phase.elapsed_s, phase.epoch_s, phase.row) == (3.0, 1.7e9 + 3.0, 50)
    assert (reply.severity, reply.source) == ("warning", "smu")
    assert reply.message == r"garbage \x00 \udcff " + "x" * 400
    asd, counts = run.blocks
    assert (asd.name, asd.header) == ("asd", {"window": "hann", "averages": 8})
    np.testing.assert_array_equal(asd.values, np.linspace(0.0, 1.0, 12).reshape(3, 4))
    assert (counts.name, counts.values.dtype, counts.values.tolist()) == ("counts", np.dtype("u2"), [0, 1, 2, 3, 4])
    assert run.instruments["chamber"] == {"idn": "as set"}
    assert run.instruments["smu"]["settings_start"] == {":SOUR:FUNC?": "VOLT"}
    assert np.isnan(run.instruments["smu"]["room_k"])
    assert run.analyses == {}


def test_result_and_journal_tell_the_same(full_run):
    before = read_run(full_run)
    build_result(full_run)
    after, packed = read_run(full_run), read_run(full_run / "run.wal.gz")
    for run in (after, packed):
        assert (run.header, run.state, run.reason, run.rows) == (before.header, "stopped", before.reason, 100)
        for name, values in before.columns.items():
            assert run.columns[name].tobytes() == values.tobytes()
    assert packed.events == before.events
    assert [event.row for event in after.events] == [event.row for event in before.events]


def test_the_same_journal_gives_the_same_result_byte_for_byte(full_run, tmp_path):
    twin = tmp_path / "elsewhere" / full_run.name
    shutil.copytree(full_run, twin)
    assert build_result(full_run).read_bytes() == build_result(twin).read_bytes()


def test_after_the_result_only_it_the_packed_journal_and_the_lock_are_left(full_run, result):
    assert sorted(path.name for path in full_run.iterdir()) == [f"{full_run.name}.h5", "run.lock", "run.wal.gz"]
    assert result.stat().st_mode & 0o222 == 0
    assert replay(full_run / "run.wal.gz").rows == 100


def test_facts_of_any_name_are_kept(open_run):
    facts = {"record": "taken", "settings/start": {"a/b": 1}, "reply": "\0", "nothing": None, "µ": [1, "x"]}
    with open_run() as writer:
        writer.instrument("smu", facts)
        writer.finish("finished")
    result = build_result(writer.folder)
    assert read_run(result).instruments == {"smu": facts}
    with h5py.File(result) as file:
        assert faults_of(file) == []


@pytest.mark.parametrize("role", ["", "a/b", ".", "..x"])
def test_a_role_that_cannot_be_stored_is_refused_when_it_comes(open_run, role):
    with open_run() as writer, pytest.raises(StorageError, match="one word"):
        writer.instrument(role, {})
