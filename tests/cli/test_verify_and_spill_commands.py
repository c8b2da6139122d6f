import json
import shutil

import pytest

from xraydaq.clock import RealClock
from xraydaq.errors import StorageError
from xraydaq.storage import RunWriter, read_run
from xraydaq.storage.disk import OwnerLock
from xraydaq.storage.frames import scan


@pytest.fixture
def spill_place(tmp_path_factory, monkeypatch):
    place = tmp_path_factory.mktemp("spill")
    monkeypatch.setenv("XRAYDAQ_SPILL", str(place))
    return place


@pytest.fixture
def lost_run(stored_run, workplace, spill_place):
    """A run whose folder went away in the middle: where it was, where it is now, and the rows that were given."""
    header = read_run(stored_run(rows=1)).header
    row = (0.0, header.start_utc_s, 5.0, 1e-9, 1e-10, 0.0, 0, 0, 0.0)
    with RunWriter.create(workplace / "share", header, wall=RealClock(), batch=False, publish=False) as writer:
        for _ in range(2):
            writer.append(row)
            writer.commit()
        shutil.move(writer.folder, workplace / "gone")
        RealClock().sleep(0.1)  # the next row is committed at once
        with pytest.raises(StorageError, match="storage lost"):
            writer.append(row)
        writer.finish("failed", "lost")
    return writer.folder, workplace / "gone", 3


def test_runs_that_are_right_are_said_to_be(xraydaq, stored_run):
    first, second = stored_run(rows=10), stored_run(rows=5, state=None)
    xraydaq("recover")
    said = xraydaq("runs", "verify")
    assert (said.code, said.out.splitlines()) == (
        0,
        [
            f"{first.name}: right, finished, 10 readings",
            f"{second.name}: right, interrupted, 5 readings",
            "2 runs checked, none not right",
        ],
    )
    assert xraydaq("runs", "verify", first.name, "--json").code == 0


def test_a_run_without_a_result_is_not_right_until_it_is_recovered(xraydaq, stored_run):
    folder = stored_run(rows=10)
    said = xraydaq("runs", "verify")
    assert said.code == 6
    assert f"  ! no result: xraydaq recover {folder}" in said.out
    xraydaq("recover")
    assert xraydaq("runs", "verify").code == 0


def test_a_living_run_is_not_checked(xraydaq, stored_run):
    folder = stored_run(rows=10, state=None)
    with OwnerLock.take(folder):
        said = xraydaq("runs", "verify", folder)
    assert said.code == 0
    assert "being written, not checked" in said.out


def test_nothing_to_verify_is_said(xraydaq):
    said = xraydaq("runs", "verify")
    assert (said.code, said.out) == (0, "no runs in data/runs\n")


def test_what_was_altered_or_damaged_is_found_and_nothing_is_changed(xraydaq, stored_run):
    import h5py

    folders = [stored_run(rows=10) for _ in range(5)]
    xraydaq("recover")
    results = [folder / f"{folder.name}.h5" for folder in folders]
    for path in results:
        path.chmod(0o644)
    with h5py.File(results[0], "r+") as file:
        file["entry/data/current"][1] = 1.0
    with h5py.File(results[1], "r+") as file:
        del file["entry/daq/state"]
        file["entry/daq/state"] = b"interrupted"
    results[2].write_bytes(results[2].read_bytes()[:-2000])
    packed = folders[3] / "run.wal.gz"
    packed.chmod(0o644)
    packed.write_bytes(packed.read_bytes()[:-100])
    with h5py.File(results[4], "r+") as file:
        file["entry/acquisition/config_1/data"][()] = "bias = 6"
    before = {path: path.read_bytes() for folder in folders for path in folder.iterdir()}
    verdicts = json.loads(xraydaq("runs", "verify", "--json").out)
    problems = ["; ".join(each["problems"]) for each in verdicts]
    assert "the rows of the result are not those of the journal" in problems[0]
    assert "the result says interrupted, the journal finished" in problems[1]
    assert "cannot be read" in problems[2]
    assert "run.wal.gz: damaged" in problems[3]
    assert "the result says finished, the journal interrupted" in problems[3]
    assert "config_1: its text does not have its checksum" in problems[4]
    assert {path: path.read_bytes() for folder in folders for path in folder.iterdir()} == before


def test_rows_that_wait_for_a_lost_folder_are_told_until_it_is_back_and_then_put_into_it(
    xraydaq, lost_run, spill_place
):
    folder, gone, given = lost_run
    (spill,) = spill_place.iterdir()
    said = xraydaq("recover", "--root", "share")
    assert said.code == 6
    assert said.out == (
        f"{folder}: cannot be reached; rows of this run wait in {spill}, xraydaq recover puts them into it\n"
    )
    shutil.move(gone, folder)
    said = xraydaq("runs", "verify", "--root", "share")
    assert said.code == 6
    assert f"rows wait in {spill}" in said.out
    listed = xraydaq("runs", "list", "--root", "share").out
    assert f"more rows wait in {spill}" in listed
    said = xraydaq("recover", "--root", "share")
    assert said.code == 0
    assert f"{folder.name}: recovered, failed, {given} readings" in said.out
    assert xraydaq("runs", "verify", "--root", "share").code == 0
    assert list(spill_place.iterdir()) == []


def test_a_result_that_was_built_without_the_spilled_rows_is_set_aside(
    xraydaq, lost_run, spill_place, monkeypatch, tmp_path_factory
):
    folder, gone, given = lost_run
    shutil.move(gone, folder)
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("XRAYDAQ_SPILL", str(tmp_path_factory.mktemp("another computer")))
        assert "recovered, interrupted, 3 readings" in xraydaq("recover", "--root", "share").out
    assert read_run(folder).state == "interrupted"
    assert f"recovered, failed, {given} readings" in xraydaq("recover", "--root", "share").out
    assert (read_run(folder).rows, read_run(folder).state) == (given, "failed")
    assert (folder / f"{folder.name}.h5.incomplete").exists()
    assert list(spill_place.iterdir()) == []


def test_a_journal_that_lost_what_the_spill_counts_on_is_recovered_as_far_as_it_goes_and_the_spill_kept(
    xraydaq, lost_run, spill_place
):
    folder, gone, _ = lost_run
    shutil.move(gone, folder)
    journal = folder / "run.wal"
    data = journal.read_bytes()
    journal.write_bytes(data[: next(scan(data)).end + 5])  # the header, and what is left of the first row
    said = xraydaq("recover", "--root", "share")
    assert "the journal ends before frame 1" in said.out
    assert "recovered, interrupted, 0 readings" in said.out
    assert len(list(spill_place.iterdir())) == 1
