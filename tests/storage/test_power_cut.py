import contextlib
import random

import pytest

from tests.storage.broken_disk import Disk
from tests.storage.power import file_after_cut, folders_after_cuts, record
from xraydaq.clock import RealClock
from xraydaq.errors import StorageError
from xraydaq.storage import Quantity, RunWriter, StoredAnalysis, add_analysis, build_result, read_run, recover
from xraydaq.storage.spill import bring_home

ROWS = 400


@pytest.fixture
def recorded_journal(open_run, row, monkeypatch):
    """Record a run of rows, events and an array, committed now and then, with what was acknowledged when."""
    recording, rng = record(monkeypatch), random.Random(7)
    with open_run() as writer:
        for i in range(ROWS):
            writer.append(row(i))
            if rng.random() < 0.1:
                writer.commit()
            if rng.random() < 0.02:
                writer.event("phase", "x" * 200, elapsed_s=float(i))
            recording.calls.append(("acknowledged", writer.folder / "run.wal", writer.committed_rows))
        writer.finish("finished")
        recording.calls.append(("ended", writer.folder / "run.wal", ROWS))
    monkeypatch.undo()
    return recording.of(writer.folder / "run.wal")


def test_the_names_of_a_new_run_are_safe_before_its_first_row_is(tmp_path, header, monkeypatch):
    recording = record(monkeypatch)
    with RunWriter.create(tmp_path, header, wall=RealClock(), batch=True, publish=False) as writer:
        monkeypatch.undo()
    synced = [path for name, path, _ in recording.calls if name == "sync"]
    assert synced.index(tmp_path) < synced.index(writer.folder / "run.wal") < synced.index(writer.folder)


def put(folder, files):
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def test_the_recording_is_the_file_that_was_written(recorded_journal, tmp_path):
    written = b"".join(details for name, _, details in recorded_journal if name == "write")
    (run,) = tmp_path.iterdir()
    assert (run / "run.wal").read_bytes() == written
    assert sum(name == "sync" for name, *_ in recorded_journal) > 20


def test_a_power_cut_at_any_point_costs_no_acknowledged_row(recorded_journal, tmp_path, row):
    rng, torn = random.Random(8), 0
    written = [index for index, call in enumerate(recorded_journal, 1) if call[0] == "write"]
    for number in range(200):
        cut = rng.choice(written) if number % 2 else rng.randint(1, len(recorded_journal))  # written, not yet synced
        before = recorded_journal[:cut]
        acknowledged = [details for name, _, details in before if name in ("acknowledged", "ended")]
        data = file_after_cut(before, rng)
        folder = put(tmp_path / f"cut-{number}", {"run.wal": data})
        if not acknowledged and not any(name == "sync" for name, *_ in before):
            continue  # not even the header was safe, and nobody was told that it is
        run = read_run(folder)
        torn += len(data) < sum(len(details) for name, _, details in before if name == "write")
        assert run.rows >= max(acknowledged, default=0)
        assert run.columns["current"].tolist() == [row(i)[2] for i in range(run.rows)]
        if before[-1][0] == "ended":
            assert run.state == "finished"
        if number % 10 == 0:
            report = recover(folder)
            assert (report.rows, report.state) == (run.rows, run.state)
    assert torn > 50


@pytest.fixture
def recorded_spill(open_run, row, spill_place, monkeypatch):
    """Record a run whose disk fills up in the middle, with what was acknowledged when, up to its closing."""
    recording, rng = record(monkeypatch), random.Random(9)
    writer = open_run()
    disk = Disk(writer.folder, monkeypatch)
    disk.fill(3_000)
    writer.append(row(0))
    for i in range(1, ROWS):
        with contextlib.suppress(StorageError):
            writer.append(row(i))
        if rng.random() < 0.1:
            with contextlib.suppress(StorageError):
                writer.commit()
        recording.calls.append(("acknowledged", None, writer.committed_rows))
    writer.finish("failed", "full")
    recording.calls.append(("ended", None, ROWS))
    writer.close()
    monkeypatch.undo()
    monkeypatch.setenv("XRAYDAQ_SPILL", str(spill_place))
    (spill,) = spill_place.iterdir()
    return recording, writer.folder, spill


@pytest.mark.parametrize("cuts", [24, pytest.param(400, marks=pytest.mark.long)])
def test_a_power_cut_at_any_point_of_a_run_that_spills_costs_no_acknowledged_row(
    recorded_spill, tmp_path, row, monkeypatch, cuts
):
    recording, home, spill = recorded_spill
    rng, spilled = random.Random(10), 0
    first = next(index for index, call in enumerate(recording.calls) if call[0] == "acknowledged")
    for number in range(cuts):
        before = recording.calls[: rng.randint(first, len(recording.calls))]
        told = [details for name, _, details in before if name in ("acknowledged", "ended")]
        folder = put(tmp_path / f"cut-{number}" / home.name, {"run.wal": cut_file(home, before, rng)})
        monkeypatch.setenv("XRAYDAQ_SPILL", str(tmp_path / f"spill-{number}"))
        if ("sync", spill, None) in before or rng.random() < 0.5:  # else its name is not safe
            put(tmp_path / f"spill-{number}" / spill.name, {"run.wal": cut_file(spill, before, rng)})
        report = recover(folder)
        run = read_run(folder)
        assert run.rows == report.rows >= max(told, default=0)
        assert run.columns["current"].tolist() == [row(i)[2] for i in range(run.rows)]
        assert report.state == ("failed" if before[-1][0] == "ended" else report.state)
        assert report.state in ("failed", "interrupted")
        spilled += report.rows > 80
    assert spilled > cuts / 5


def cut_file(folder, before, rng):
    return file_after_cut([call for call in before if call[1] == folder / "run.wal"], rng)


def test_a_power_cut_while_the_spill_is_brought_home_costs_no_row(recorded_spill, tmp_path, monkeypatch):
    _, home, spill = recorded_spill
    before, kept = folder_files(home), folder_files(spill)
    recording = record(monkeypatch)
    bring_home(home)
    monkeypatch.undo()
    merged, names = (home / "run.wal").read_bytes(), [(call[0], call[1].name, call[1]) for call in recording.calls]
    synced = names.index(("sync", "run.wal", home / "run.wal"))
    assert synced < min(index for index, (name, *_) in enumerate(names) if name == "unlink")
    calls, rng = [("write", home / "run.wal", before["run.wal"]), ("sync", home / "run.wal", None)], random.Random(11)
    calls += recording.of(home / "run.wal")[:-1]
    for number in range(16):
        data = file_after_cut(calls[: rng.randint(2, len(calls))], rng)
        assert data[:1000] == merged[:1000]
        folder = put(tmp_path / f"cut-{number}" / home.name, {"run.wal": data})
        put(tmp_path / f"spill-{number}" / spill.name, kept)
        monkeypatch.setenv("XRAYDAQ_SPILL", str(tmp_path / f"spill-{number}"))
        report = recover(folder)
        assert (report.rows, report.state) == (ROWS, "failed")


def folder_files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def states_after_cuts(folder, act, monkeypatch):
    files, recording = folder_files(folder), record(monkeypatch)
    act()
    monkeypatch.undo()
    after_each_call = list(folders_after_cuts(folder, files, recording.calls))
    assert after_each_call[-1] == [folder_files(folder)]  # what was promised by returning is safe
    return list({tuple(sorted(state.items())): state for states in after_each_call for state in states}.values())


def test_a_power_cut_while_the_result_is_built_leaves_a_journal_or_a_whole_result(finished_run, tmp_path, monkeypatch):
    folder = finished_run()
    (folder / "run.live.h5").write_bytes(b"disposable")
    states = states_after_cuts(folder, lambda: build_result(folder), monkeypatch)
    for number, state in enumerate(states):
        cut = put(tmp_path / f"cut-{number}" / folder.name, state)
        assert (read_run(cut).rows, read_run(cut).state) == (100, "finished")
        assert (recover(cut).rows, recover(cut).state) == (100, "finished")
        assert not any(path.suffix == ".damaged" for path in cut.iterdir())
    assert len({tuple(sorted(state)) for state in states}) >= 3


def test_a_power_cut_while_an_analysis_is_added_leaves_the_result_before_or_after(finished_run, tmp_path, monkeypatch):
    folder = finished_run()
    result = build_result(folder)
    added = StoredAnalysis("drift", "p", "1", "d", results={"x": Quantity(1.0)})
    states = states_after_cuts(folder, lambda: add_analysis(result, added), monkeypatch)
    found = [len(read_run(put(tmp_path / f"cut-{n}" / folder.name, state)).analyses) for n, state in enumerate(states)]
    assert set(found) == {0, 1}


def test_the_disk_that_forgets_would_notice_a_missing_sync(tmp_path, monkeypatch):
    folder = put(tmp_path / "run", {"kept": b"data"})

    def careless():
        (folder / "new").write_bytes(b"data")
        (folder / "new").replace(folder / "result.h5")

    recording = record(monkeypatch)
    careless()
    monkeypatch.undo()
    *_, states = folders_after_cuts(folder, {"kept": b"data"}, recording.calls)
    assert states == [{"kept": b"data"}, {"kept": b"data", "result.h5": b""}]
    with pytest.raises(StorageError):
        read_run(put(tmp_path / "cut", {"result.h5": b""}))
