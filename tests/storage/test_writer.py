import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest

from xraydaq.clock import JumpingClock, RealClock
from xraydaq.errors import BusyError, StorageError
from xraydaq.storage import Column, Header, RunWriter, build_result, read_run, recover, run_folder_name
from xraydaq.storage.contents import replay
from xraydaq.storage.disk import RESERVE_BYTES, check_free


def test_a_row_is_safe_when_append_returns(open_run, row):
    with open_run(batch=False) as writer:
        writer.append(row(0))
        assert writer.committed_rows == 1
        assert replay(writer.folder / "run.wal").rows == 1


@pytest.mark.parametrize("batch", [False, True])
def test_rows_that_come_fast_are_safe_soon_without_another_append(open_run, row, until, batch):
    with open_run(batch=batch) as writer:
        for i in range(10):
            writer.append(row(i))
        until(lambda: writer.committed_rows == 10, timeout_s=2.0)
        assert replay(writer.folder / "run.wal").rows == 10


def test_an_event_in_real_time_is_safe_when_it_returns_and_knows_its_row(open_run, row):
    with open_run(batch=False) as writer:
        writer.append(row(0))
        writer.append(row(1))
        writer.event("compliance", "reached", elapsed_s=1.5, severity="warning", source="smu")
        (event,) = replay(writer.folder / "run.wal").events
    assert (event.kind, event.row, event.elapsed_s, event.epoch_s) == ("compliance", 2, 1.5, 1.7e9 + 1.5)


def test_rows_events_and_blocks_come_back_as_they_went_in(open_run, row):
    spectrum = np.linspace(0, 1, 12).reshape(3, 4)
    with open_run() as writer:
        rows = 20_000
        for i in range(rows):
            writer.append(row(i))
        writer.block("asd", {"window": "hann"}, spectrum)
        writer.append((math.nan, math.inf, -0.0, 1e-300, 2**32 - 1))
        writer.instrument("smu", {"idn": "A"})
        writer.instrument("smu", {"errors": ["0"]})
        writer.finish("finished")
    run = read_run(writer.folder)
    expected = np.array([row(i) for i in range(rows)])
    for index, name in enumerate(run.columns):
        np.testing.assert_array_equal(run.columns[name][:-1], expected[:, index])
    assert math.isnan(run.columns["elapsed"][-1])
    assert math.copysign(1, run.columns["current"][-1]) == -1
    assert run.columns["status"][-1] == 2**32 - 1
    np.testing.assert_array_equal(run.blocks[0].values, spectrum)
    assert run.instruments == {"smu": {"idn": "A", "errors": ["0"]}}
    assert run.complete


@pytest.mark.parametrize(
    "bad", [(1.0,), (1.0,) * 6, (0, 0, 0, 0, math.nan), (0, 0, 0, 0, 1.5), (0, 0, 0, 0, -1), "abcde"]
)
def test_a_row_that_does_not_fit_is_refused_and_the_run_goes_on(open_run, row, bad):
    with open_run() as writer:
        with pytest.raises(StorageError):
            writer.append(bad)
        writer.append(row(0))
        writer.finish("finished")
    assert read_run(writer.folder).rows == 1


def test_whole_numbers_as_floats_fit_an_integer_column(open_run):
    with open_run() as writer:
        writer.append((0.0, 0.0, 0.0, 0.0, 3.0))
        writer.finish("finished")
    assert read_run(writer.folder).columns["status"].tolist() == [3]


def test_an_existing_folder_is_never_written_to(open_run, row):
    folders = []
    for i in range(3):
        with open_run() as writer:
            writer.append(row(i))
            writer.finish("finished")
            folders.append(writer.folder)
    first = folders[0]
    assert [folder.name for folder in folders] == [first.name, f"{first.name}-2", f"{first.name}-3"]
    assert [read_run(folder).columns["current"].tolist() for folder in folders] == [[0.0], [3.0], [6.0]]
    assert read_run(folders[1]).header.run_id == folders[1].name


def test_a_folder_is_named_after_date_sample_and_procedure():
    assert run_folder_name(1.7e9, "mai 3/b", "bias_stability") == "20231114T221320Z_mai-3-b_bias_stability"
    assert run_folder_name(0.0, "../..", "x") == "19700101T000000Z_unnamed_x"


@pytest.mark.parametrize("run_id", ["..", "a/b", "/etc"])
def test_a_run_id_cannot_leave_the_folder_of_runs(tmp_path, header, run_id):
    values = json.loads(header.to_json()) | {"run_id": run_id}
    with pytest.raises(StorageError, match="not one name"):
        RunWriter.create(tmp_path, Header.from_json(json.dumps(values).encode()), wall=RealClock(), batch=True)
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_would_not_fit_is_refused_before_anything_is_created(tmp_path, header):
    with pytest.raises(StorageError, match="make room") as refused:
        RunWriter.create(tmp_path, header, wall=RealClock(), batch=True, expected_rows=10**13)
    assert refused.value.exit_code == 6
    assert list(tmp_path.iterdir()) == []


def test_an_estimate_that_is_not_a_number_is_refused(tmp_path):
    with pytest.raises(StorageError):
        check_free(tmp_path, math.nan)


def test_the_reserve_holds_real_space_until_the_run_is_closed(open_run):
    with open_run() as writer:
        reserve = writer.folder / "run.reserve"
        assert reserve.stat().st_blocks * 512 >= RESERVE_BYTES
        writer.finish("finished")
    assert not reserve.exists()


def test_nothing_is_taken_after_the_end(open_run, row):
    with open_run() as writer:
        writer.finish("stopped", "by the user")
        for act in (lambda: writer.append(row(0)), lambda: writer.event("a", "b", elapsed_s=0.0)):
            with pytest.raises(StorageError, match="ended"):
                act()
        with pytest.raises(StorageError, match="ended"):
            writer.finish("finished")
    run = read_run(writer.folder)
    assert (run.state, run.reason, run.rows) == ("stopped", "by the user", 0)


def test_a_run_closed_without_an_end_keeps_its_rows_and_is_interrupted(open_run, row):
    with open_run() as writer:
        writer.append(row(0))
        assert read_run(writer.folder).state == "running"
    run = read_run(writer.folder)
    assert (run.state, run.rows) == ("interrupted", 1)


def test_a_folder_whose_owner_lives_is_left_alone(open_run, row):
    with open_run(batch=False) as writer:
        writer.append(row(0))
        for act in (recover, build_result):
            with pytest.raises(BusyError, match=str(os.getpid())):
                act(writer.folder)
        assert sorted(path.name for path in writer.folder.iterdir()) == ["run.lock", "run.reserve", "run.wal"]


def test_a_simulated_clock_cannot_time_commits(tmp_path, header):
    with pytest.raises(ValueError, match="RealClock"):
        RunWriter.create(tmp_path, header, wall=JumpingClock(), batch=True)


def test_columns_that_make_no_table_are_refused(header):
    with pytest.raises(StorageError, match="one name"):
        Header(procedure="p", title="t", columns=(header.columns[0],) * 2, start_utc_s=0.0)
    with pytest.raises(StorageError, match="no column"):
        Header(procedure="p", title="t", columns=header.columns, start_utc_s=0.0, signal="absent")
    with pytest.raises(StorageError, match="lower-case"):
        Column("Current (A)", "A", "")


def test_acquiring_loads_neither_numpy_nor_hdf5():
    code = "import sys, xraydaq.storage; print({'numpy', 'h5py'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
