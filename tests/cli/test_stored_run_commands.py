import json
import shutil

import pytest

from xraydaq.storage import read_run
from xraydaq.storage.disk import OwnerLock


@pytest.fixture
def closed_run(stored_run, xraydaq):
    folder = stored_run()
    said = xraydaq("recover")
    assert said.code == 0
    return folder


def test_an_empty_place_has_no_runs(xraydaq):
    assert xraydaq("runs", "list").out == "no runs in data/runs\n"
    assert xraydaq("runs", "list", "--json").out == "[]\n"
    assert xraydaq("recover").out == "nothing to recover in data/runs\n"


def test_the_list_shows_id_state_and_reason(xraydaq, stored_run):
    first, second, third = stored_run(), stored_run(rows=50, state="stopped"), stored_run(rows=50, state=None)
    said = xraydaq("runs", "list")
    assert said.code == 0
    words = [line.split(maxsplit=2) for line in said.out.splitlines()]
    assert words == [
        [first.name, "finished"],
        [second.name, "stopped", "stopped by SIGINT"],
        [third.name, "interrupted", "no END was written"],
    ]
    listed = json.loads(xraydaq("runs", "list", "--json").out)
    assert [each["state"] for each in listed] == ["finished", "stopped", "interrupted"]
    assert listed[0]["sample"] == "atomistic"
    assert listed[0]["result"] is None


def test_a_root_that_is_no_folder_is_named(xraydaq, workplace):
    (workplace / "file").write_text("")
    said = xraydaq("runs", "list", "--root", "file")
    assert (said.code, said.out) == (2, "")
    assert said.err == "error: file: Not a directory; a folder that holds runs is wanted here\n"


def test_recover_builds_analyses_and_draws_and_does_nothing_the_second_time(xraydaq, stored_run):
    folder = stored_run(state=None)
    said = xraydaq("recover")
    assert said.code == 0
    result = f"data/runs/{folder.name}/{folder.name}.h5"
    assert said.out == f"{folder.name}: recovered, interrupted, {read_run(folder).rows} readings, {result}\n"
    assert list(read_run(folder).analyses) == [1]
    assert (folder / f"{folder.name}.png").exists()
    assert xraydaq("recover").out == "nothing to recover in data/runs\n"
    again = xraydaq("recover", folder.name)
    assert (again.code, again.out) == (
        0,
        f"{folder.name}: interrupted, {read_run(folder).rows} readings; the result was there already\n",
    )


def test_recover_says_why_there_are_no_numbers(xraydaq, stored_run):
    stored_run(rows=10, state=None)
    said = xraydaq("recover")
    assert said.code == 0
    assert "recovered, interrupted, 10 readings" in said.out
    assert "(no analysis: no row at the bias of 5 V: nothing to evaluate)" in said.out


def test_recover_leaves_a_living_run_alone_and_says_so_when_asked_for_it(xraydaq, stored_run):
    folder = stored_run(rows=10, state=None)
    with OwnerLock.take(folder):
        assert xraydaq("recover").out == "nothing to recover in data/runs\n"
        said = xraydaq("recover", folder)
    assert said.code == 5
    assert "the run belongs to a living process" in said.err
    assert not (folder / f"{folder.name}.h5").exists()


def test_recover_tells_of_a_folder_whose_journal_is_rubbish(xraydaq, stored_run):
    folder = stored_run(rows=10, state=None)
    (folder / "run.wal").write_bytes(b"rubbish")
    said = xraydaq("recover")
    assert said.code == 0
    assert said.out.startswith(f"{folder.name}: nothing can be recovered: no header of a run can be read")


def test_analyse_prints_the_table_and_keeps_the_analysis_beside_the_first(xraydaq, closed_run):
    said = xraydaq("analyse", closed_run)
    assert (said.code, said.err) == (0, "")
    for words in ("mean dark current", "verdict: stable", "simulated bench", "Uncertainties are standard"):
        assert words in said.out
    name = closed_run.name
    assert said.out.splitlines()[-3:] == [
        f"file    data/runs/{name}/{name}.h5",
        f"figure  data/runs/{name}/{name}.2.png",
        f"figure  data/runs/{name}/{name}.2.pdf",
    ]
    assert max(len(line) for line in said.out.splitlines()[:-3]) <= 80
    assert list(read_run(closed_run).analyses) == [1, 2]


def test_analyse_goes_on_after_a_file_that_cannot_be_read(xraydaq, closed_run, workplace):
    (workplace / "damaged.h5").write_bytes(b"\x89HDF but no more")
    said = xraydaq("analyse", "damaged.h5", "nowhere.h5", closed_run)
    assert said.code == 6
    assert "error: damaged.h5: not a readable result" in said.err
    assert "error: nowhere.h5: no such file, and no run in data/runs begins so; see xraydaq runs list" in said.err
    assert "verdict: stable" in said.out
    assert "Traceback" not in said.err


def test_analyse_of_a_copied_result_draws_beside_the_copy(xraydaq, closed_run, workplace):
    (workplace / "copies").mkdir()
    shutil.copy(closed_run / f"{closed_run.name}.h5", workplace / "copies" / "mine.h5")
    said = xraydaq("analyse", "copies/mine.h5")
    assert said.code == 0
    assert f"figure  copies/{closed_run.name}.2.png" in said.out


def test_analyse_of_a_run_without_result_says_how_to_get_one(xraydaq, stored_run):
    folder = stored_run(rows=100, state=None)
    said = xraydaq("analyse", folder)
    assert said.code == 6
    assert f"the run is interrupted and has no result file yet; build it with: xraydaq recover {folder}" in said.err


def test_show_finds_a_run_by_the_beginning_of_its_id(xraydaq, closed_run):
    said = xraydaq("runs", "show", closed_run.name[:10])
    assert said.code == 0
    for words in (closed_run.name, "finished", "KEITHLEY", "verdict: stable", "phase: baseline", "mean_dark_current"):
        assert words in said.out


def test_an_id_that_several_runs_begin_with_is_refused_with_their_names(xraydaq, stored_run):
    first, second = stored_run(rows=10), stored_run(rows=10)
    said = xraydaq("runs", "show", "2027")
    assert said.code == 2
    assert said.err == f"error: 2027: 2 runs begin so: {first.name}, {second.name}; write more of the id\n"
    assert xraydaq("runs", "show", first.name).code == 0


def test_show_as_json_has_null_where_there_is_no_number(xraydaq, closed_run):
    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    shown = json.loads(xraydaq("runs", "show", closed_run, "--json").out, parse_constant=refuse)
    assert shown["state"] == "finished"
    assert shown["resolved"]["recipe"]["parameters"]["bias_v"] == 5.0
    results = shown["analyses"]["1"]["results"]
    assert results["mean_dark_current"]["unit"] == "A"
    assert results["u_of_mean_current_from_resolution"]["u"] is None


def test_show_works_on_a_run_without_result(xraydaq, stored_run):
    folder = stored_run(rows=10, state=None)
    said = xraydaq("runs", "show", folder)
    assert said.code == 0
    assert "interrupted: no END was written" in said.out
    assert said.out.splitlines()[-1] == "no result file yet"
