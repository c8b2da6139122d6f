import os
import signal
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.storage.nxdata import data_faults
from xraydaq.errors import StorageError
from xraydaq.storage import Event, build_result, live_view, read_run
from xraydaq.storage.live import CHUNK_ROWS, LiveFile
from xraydaq.storage.supervise import FIRST_PAUSE_S, MAX_STARTS, PublisherProcess


@pytest.fixture
def watched(open_run):
    """A run with a publisher, and what has been seen of it so far."""
    writer = open_run(publish=True)
    view = live_view(writer.folder)
    seen: list[float] = []

    def current():
        seen.extend(view.poll().get("current", []))
        return seen

    with view:
        yield writer, view, current


def kill(pid):
    os.kill(pid, signal.SIGKILL)


def test_rows_appear_while_the_run_goes_on_and_each_is_seen_once(watched, row, until):
    writer, view, current = watched
    wanted = []
    for first in (0, 10, 3000):
        for i in range(first, first + 1500):
            writer.append(row(i))
            wanted.append(row(i)[2])
        until(lambda: len(current()) == len(wanted))
    assert current() == wanted
    assert (view.rows, view.state) == (4500, "running")


def test_a_view_of_a_run_without_rows_is_empty_and_no_error(watched, until):
    writer, view, _ = watched
    until((writer.folder / "run.live.h5").exists)
    assert {name: len(values) for name, values in view.poll().items()} == dict.fromkeys(
        ["elapsed", "epoch", "current", "voltage", "status"], 0
    )


def test_the_live_file_says_how_the_run_ended_until_the_result_replaces_it(watched, row, until):
    writer, view, current = watched
    live_file = writer.folder / "run.live.h5"
    writer.append(row(0))
    until(lambda: len(current()) == 1)
    writer.append(row(1))
    writer.finish("stopped", "by the user")
    writer.close()
    assert current() == [row(0)[2], row(1)[2]]
    assert view.state == "stopped"
    assert live_file.exists()
    result = build_result(writer.folder)
    assert not live_file.exists()
    assert len(view.poll()["current"]) == 0
    assert read_run(result).rows == 2


def test_any_hdf5_program_can_plot_the_live_file(watched, row, until):
    writer, _, current = watched
    for i in range(5):
        writer.append(row(i))
    writer.event("phase", "bias on", elapsed_s=1.0, source="smu")
    until(lambda: len(current()) == 5)
    with h5py.File(writer.folder / "run.live.h5", "r", swmr=True) as file:
        data = file[file.attrs["default"]][file["entry"].attrs["default"]]
        assert data_faults(data) == []
        assert data[data.attrs["signal"]][()].tolist() == current()
        (event,) = file["entry/daq/events"][()]
        assert (event["kind"], event["message"], event["row"]) == (b"phase", b"bias on", 5)
        chunked = []
        file["entry"].visititems(lambda _, node: chunked.append(node.chunks) if node_grows(node) else None)
        assert len(chunked) == 8
        assert None not in chunked


def node_grows(node):
    return isinstance(node, h5py.Dataset) and node.shape != ()


def test_a_killed_publisher_is_started_again_and_the_view_goes_on(watched, row, until):
    writer, _, current = watched
    for i in range(100):
        writer.append(row(i))
    until(lambda: len(current()) == 100)
    first = writer.publisher_pid
    kill(first)
    for i in range(100, 200):
        writer.append(row(i))
    until(lambda: len(current()) == 200)
    assert writer.publisher_pid != first
    assert current() == [row(i)[2] for i in range(200)]


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSEGV], ids=["killed", "crashed in HDF5"])
def test_the_death_of_the_publisher_costs_no_row(watched, row, until, end):
    writer, _, current = watched
    for i in range(10):
        writer.append(row(i))
    until(lambda: len(current()) == 10)
    os.kill(writer.publisher_pid, end)
    for i in range(10, 20):
        writer.append(row(i))
    writer.finish("finished")
    writer.close()
    build_result(writer.folder)
    run = read_run(writer.folder)
    assert (run.state, run.columns["current"].tolist()) == ("finished", [row(i)[2] for i in range(20)])
    assert sorted(path.suffix for path in writer.folder.iterdir()) == [".gz", ".h5", ".lock"]


def test_a_publisher_that_hangs_is_killed_at_the_end(open_run, row, until):
    writer = open_run(publish=True)
    until((writer.folder / "run.live.h5").exists)
    os.kill(writer.publisher_pid, signal.SIGSTOP)
    writer.append(row(0))
    writer.finish("finished")
    writer.close()
    with pytest.raises(ProcessLookupError):
        os.kill(writer.publisher_pid, 0)
    assert read_run(build_result(writer.folder)).rows == 1


def test_a_publisher_outlives_a_killed_writer_just_long_enough_to_say_so(start_child, tmp_path, row, until):
    child = start_child("""
writer = RunWriter.create(root, header, wall=RealClock(), batch=False, publish=True)
for i in range(20):
    writer.append(row(i))
writer.commit()
say(writer.folder)
say(writer.publisher_pid)
sys.stdin.read()
""")
    folder, pid = child.stdout.readline().decode().strip(), int(child.stdout.readline())
    with live_view(tmp_path / folder) as view:
        until(lambda: bool(view.poll()) and view.rows == 20)
        child.kill()
        child.wait()
        until(lambda: not is_alive(pid))
        view.poll()
        assert (view.rows, view.state) == (20, "interrupted")
    with h5py.File(tmp_path / folder / "run.live.h5", "r", swmr=True) as file:
        assert file["entry/data/current"][()].tolist() == [row(i)[2] for i in range(20)]


def is_alive(pid):
    """A process whose parent was killed is a zombie until somebody takes note of it: that counts as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_dead_publisher_is_started_a_few_times_after_growing_pauses_then_left_alone(tmp_path, until):
    publisher, now_s, pids = PublisherProcess(tmp_path), 0.0, []  # no journal is there: it ends at once, each time
    try:
        pauses = []
        for _ in range(MAX_STARTS + 2):
            pids.append(publisher.pid)
            until(lambda: not is_alive(pids[-1]))
            waited_s = 0.0
            while publisher.pid == pids[-1] and waited_s < 1000.0:
                publisher.keep_alive(now_s + waited_s)
                waited_s += FIRST_PAUSE_S
            now_s += waited_s
            pauses.append(waited_s)
    finally:
        publisher.stop()
    assert len(set(pids)) == MAX_STARTS
    assert pauses[0] < pauses[1] < pauses[2] < pauses[3] == 1000.0


def test_a_live_file_refuses_what_would_break_it_for_its_readers(tmp_path, header):
    live = LiveFile.create(tmp_path, header)
    for act in (
        lambda: live.add_group("entry/late", "NXcollection"),
        lambda: live.add_attributes("entry", late="x"),
        lambda: live.add_text("entry/late", "x"),
        lambda: live.add_fixed("entry/late", np.zeros(1)),
        lambda: live.add_table("entry/late", "f8", 8),
        lambda: live.add_column("entry/data/late", "f8"),
    ):
        with pytest.raises(StorageError, match="while others read"):
            act()
    live.close()


def test_rows_are_visible_only_after_a_flush_and_then_all_columns_of_them(tmp_path, header):
    live = LiveFile.create(tmp_path, header)
    columns = [np.arange(CHUNK_ROWS + 7, dtype=column.dtype) for column in header.columns]
    with live_view(tmp_path) as view:
        live.append(columns)
        assert len(view.poll()["current"]) == 0
        live.flush()
        seen = view.poll()
        assert [seen[c.name].tolist() for c in header.columns] == [values.tolist() for values in columns]
        assert len(view.poll()["current"]) == 0
        live.close()


def test_texts_too_long_for_the_live_file_are_cut_and_do_not_break_it(tmp_path, header):
    live = LiveFile.create(tmp_path, replace(header, title="with \0 inside"))
    live.append_events([Event("k" * 100, "µ" * 300, 1.0, 2.0, 3, "error", "\udcff" * 50)])
    live.flush("stopped")
    live.close()
    with h5py.File(tmp_path / "run.live.h5", "r") as file:
        (event,) = file["entry/daq/events"][()]
        assert event["kind"] == b"k" * 32
        assert file["entry/daq/state"][0] == b"stopped"


def test_a_live_file_that_is_no_hdf5_is_an_error_with_its_path_and_may_be_replaced(tmp_path, header):
    path = tmp_path / "run.live.h5"
    path.write_bytes(b"garbage")
    with live_view(path) as view:
        with pytest.raises(StorageError, match=r"run\.live\.h5"):
            view.poll()
        live = LiveFile.create(tmp_path, header)
        live.append([np.zeros(3, column.dtype) for column in header.columns])
        live.flush()
        assert len(view.poll()["current"]) == 3
        live.close()


def test_there_is_nothing_to_see_before_there_is_a_live_file(tmp_path):
    with live_view(tmp_path) as view:
        assert view.poll() == {}
        assert view.state == "running"
