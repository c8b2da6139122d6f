import shutil

import numpy as np
import pytest

from xraydaq.errors import StorageError
from xraydaq.storage import Quantity, StoredAnalysis, add_analysis, build_result, list_runs, read_run, recover


def analysis(name="drift", value=1.0):
    return StoredAnalysis(
        name=name,
        program="xraydaq",
        version="0.1.0",
        date="2023-11-14T22:13:20+00:00",
        inputs={"rows": [0, 100], "method": "least squares"},
        results={"drift": Quantity(value, 0.25, "A s-1"), "lines": Quantity(3.0)},
        text={"verdict": "stable ± nothing"},
        curves={"fit": (np.linspace(0.0, 1.0, 7), "A"), "empty": (np.empty(0), "")},
    )


def files_in(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def cut_off(open_run, row):
    """The folder of a run without an END."""
    with open_run() as writer:
        for i in range(30):
            writer.append(row(i))
    return writer.folder


def test_recovering_twice_changes_nothing(cut_off):
    first = recover(cut_off)
    before = files_in(cut_off)
    second = recover(cut_off)
    assert (first.built, second.built) == (True, False)
    assert (second.rows, second.state, second.reason) == (30, "interrupted", first.reason)
    assert "killed" in first.reason
    assert files_in(cut_off) == before


def test_recovering_a_run_that_ended_keeps_its_state_and_its_analyses(finished_run):
    folder = finished_run()
    build_result(folder, [analysis()])
    before = files_in(folder)
    report = recover(folder)
    assert (report.built, report.state, report.rows) == (False, "finished", 100)
    assert files_in(folder) == before
    assert set(read_run(folder).analyses) == {1}


@pytest.mark.parametrize("damage", [b"", b"garbage" * 100, None])
def test_a_damaged_result_is_set_aside_and_built_again(finished_run, damage):
    folder = finished_run()
    result = build_result(folder)
    whole = result.read_bytes()
    damaged = whole[: len(whole) // 2] if damage is None else damage
    result.unlink()
    result.write_bytes(damaged)
    assert read_run(folder).rows == 100
    report = recover(folder)
    assert (report.built, report.rows, report.state) == (True, 100, "finished")
    assert result.read_bytes() == whole
    assert (folder / f"{result.name}.damaged").read_bytes() == damaged
    assert recover(folder).built is False


def test_what_a_killed_builder_left_is_tidied_up(cut_off):
    for name in (f"{cut_off.name}.h5.123.part", "run.wal.gz.123.part", "run.live.h5", "run.reserve"):
        (cut_off / name).write_bytes(b"left over")
    recover(cut_off)
    assert sorted(files_in(cut_off)) == [f"{cut_off.name}.h5", "run.lock", "run.wal.gz"]


def test_a_lock_file_that_is_lost_does_not_keep_a_run_from_being_recovered(cut_off):
    (cut_off / "run.lock").unlink()
    assert list_runs(cut_off.parent)[0].state == "interrupted"
    assert recover(cut_off).rows == 30


def test_both_forms_of_the_journal_give_the_plain_one_first(cut_off):
    plain = (cut_off / "run.wal").read_bytes()
    recover(cut_off)
    (cut_off / "run.wal").write_bytes(plain)
    assert recover(cut_off).rows == 30
    assert sorted(files_in(cut_off)) == [f"{cut_off.name}.h5", "run.lock", "run.wal.gz"]


def test_a_folder_that_is_no_run_is_left_as_it_was(tmp_path):
    (tmp_path / "notes.txt").write_text("keep")
    report = recover(tmp_path)
    assert (report.result, report.rows, report.built) == (None, 0, False)
    assert files_in(tmp_path) == {"notes.txt": b"keep"}
    with pytest.raises(StorageError, match="no such run"):
        recover(tmp_path / "absent")


def test_a_result_is_never_built_over_another(finished_run):
    folder = finished_run()
    result = build_result(folder)
    before = result.read_bytes()
    with pytest.raises(StorageError, match="never overwritten"):
        build_result(folder)
    assert result.read_bytes() == before


def test_analyses_stand_beside_each_other_and_come_back_whole(finished_run):
    folder = finished_run()
    result = build_result(folder, [analysis(value=1.0)])
    data = read_run(result)
    assert [add_analysis(result, analysis("allan", value)) for value in (2.0, float("nan"))] == [2, 3]
    run = read_run(folder)
    assert list(run.analyses) == [1, 2, 3]
    assert [stored.name for stored in run.analyses.values()] == ["drift", "allan", "allan"]
    first, wanted = run.analyses[1], analysis(value=1.0)
    assert first.results["drift"] == Quantity(1.0, 0.25, "A s-1")
    assert np.isnan(first.results["lines"].u)
    assert np.isnan(run.analyses[3].results["drift"].value)
    assert (first.program, first.version, first.date) == (wanted.program, wanted.version, wanted.date)
    assert (first.inputs, first.text) == (wanted.inputs, wanted.text)
    np.testing.assert_array_equal(first.curves["fit"][0], wanted.curves["fit"][0])
    assert (first.curves["fit"][1], first.curves["empty"][0].tolist()) == ("A", [])
    for name, values in data.columns.items():
        assert run.columns[name].tobytes() == values.tobytes()
    assert result.stat().st_mode & 0o222 == 0


def test_more_than_nine_analyses_stay_in_order(finished_run):
    result = build_result(finished_run(), [analysis(f"n{index}") for index in range(1, 12)])
    assert [stored.name for stored in read_run(result).analyses.values()] == [f"n{index}" for index in range(1, 12)]


@pytest.mark.parametrize("name", ["", "a/b", ".", "..hidden"])
def test_an_analysis_that_cannot_be_stored_leaves_the_result_as_it_was(finished_run, name):
    result = build_result(finished_run(), [analysis()])
    before = files_in(result.parent)
    bad = StoredAnalysis("bad", "p", "1", "d", results={"fine": Quantity(1.0)}, text={name: "x"})
    with pytest.raises(StorageError, match="cannot be a name"):
        add_analysis(result, bad)
    assert files_in(result.parent) == before


def test_nothing_can_be_added_to_what_is_no_result(finished_run, tmp_path):
    folder = finished_run()
    with pytest.raises(StorageError, match="no such result"):
        add_analysis(folder / f"{folder.name}.h5", analysis())
    (folder / "other.h5").write_bytes(b"garbage")
    with pytest.raises(StorageError):
        add_analysis(folder / "other.h5", analysis())
    assert (folder / "other.h5").read_bytes() == b"garbage"


def test_a_list_shows_every_run_also_the_broken_ones(finished_run, cut_off, full_run, tmp_path):
    finished = finished_run()
    result = build_result(finished)
    names = {"empty journal": b"", "garbage": b"\xff" * 100}
    for name, data in names.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.wal").write_bytes(data)
    (tmp_path / "a journal that is a folder" / "run.wal").mkdir(parents=True)
    (tmp_path / "packed garbage").mkdir()
    (tmp_path / "packed garbage" / "run.wal.gz").write_bytes(b"not gzip")
    (tmp_path / "broken result").mkdir()
    (tmp_path / "broken result" / "broken result.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    (tmp_path / "no run").mkdir()
    (tmp_path / "a file").write_text("")
    runs = {run.folder: run for run in list_runs(tmp_path)}
    assert list(runs) == sorted(runs)
    assert runs[finished].result == result
    assert (runs[finished].state, runs[finished].sample, runs[finished].procedure) == (
        "finished", "mai 3", "bias_stability",
    )  # fmt: skip
    assert (runs[cut_off].state, runs[cut_off].result) == ("interrupted", None)
    assert (runs[full_run].state, runs[full_run].reason) == ("stopped", "by the user")
    broken = {folder.name for folder, run in runs.items() if run.reason == "no header can be read"}
    assert broken == {*names, "a journal that is a folder", "packed garbage", "broken result"}


def test_a_run_whose_result_is_damaged_is_listed_from_its_journal(finished_run):
    folder = finished_run()
    result = build_result(folder)
    result.chmod(0o644)
    result.write_bytes(result.read_bytes()[:1000])
    (run,) = list_runs(folder.parent)
    assert (run.state, run.result, run.title) == ("finished", None, "Dark current of a crystal")


def test_there_are_no_runs_where_there_is_no_folder(tmp_path):
    assert list_runs(tmp_path / "absent") == []


def test_listing_and_reading_write_nothing(cut_off, tmp_path):
    for path in (cut_off / "run.lock", cut_off / "run.wal", cut_off):
        path.chmod(0o555)
    before = files_in(cut_off)
    assert list_runs(tmp_path)[0].state == "interrupted"
    assert read_run(cut_off).rows == 30
    assert files_in(cut_off) == before
    cut_off.chmod(0o755)


def test_a_copied_run_is_read_from_its_result_or_its_journal_alone(finished_run, tmp_path):
    folder = finished_run()
    result = build_result(folder)
    for name in (result.name, "run.wal.gz"):
        run = read_run(shutil.copy(folder / name, tmp_path / name))
        assert (run.rows, run.state, run.header.title) == (100, "finished", "Dark current of a crystal")
    (tmp_path / "empty").mkdir()
    with pytest.raises(StorageError, match="neither"):
        read_run(tmp_path / "empty")
