import shutil
from collections import namedtuple

import pytest

from xraydaq.clock import RealClock
from xraydaq.errors import StorageError
from xraydaq.storage import RunWriter, build_result, read_run, recover
from xraydaq.storage.contents import replay
from xraydaq.storage.disk import SPARE_BYTES, check_free

Usage = namedtuple("Usage", "total used free")

BUILD_WITHOUT_ROOM = """
from xraydaq.storage import StoredAnalysis, add_analysis, build_result
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with RunWriter.create(root, header, wall=RealClock(), batch=True, publish=False) as writer:
    for i in range(2000):
        writer.append(row(i))
    writer.finish("finished")
say(writer.folder)
path = writer.folder / f"{{writer.folder.name}}.h5"
if {built}:
    build_result(writer.folder)
resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, resource.RLIM_INFINITY))
try:
    if {built}:
        add_analysis(path, StoredAnalysis("drift", "p", "1", "d"))
    else:
        build_result(writer.folder)
    say("done")
except StorageError:
    say("refused")
"""


class Later(RealClock):
    """Real time that can be put forward."""

    ahead_s = 0.0

    def now(self):
        return super().now() + self.ahead_s


@pytest.fixture
def free_bytes(monkeypatch):
    """Set how much room the file system says it has."""
    return lambda free: monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(10**12, 0, free))


def without_room(start_child, tmp_path, **choices):
    output, _ = start_child(BUILD_WITHOUT_ROOM.format(**choices)).communicate(timeout=60)
    name, answer = output.decode().splitlines()
    return tmp_path / name, answer


def test_three_times_the_estimate_and_a_spare_must_be_free(tmp_path, free_bytes):
    free_bytes(3 * 1000 + SPARE_BYTES)
    check_free(tmp_path, 1000)
    free_bytes(3 * 1000 + SPARE_BYTES - 1)
    with pytest.raises(StorageError, match="make room"):
        check_free(tmp_path, 1000)


def test_a_disk_that_fills_up_during_a_run_is_noted_in_it(tmp_path, header, free_bytes, until):
    wall = Later()
    with RunWriter.create(tmp_path, header, wall=wall, batch=True, publish=False) as writer:

        def a_minute_later(free, events):
            free_bytes(free)
            wall.ahead_s += 61.0
            until(lambda: len(replay(writer.folder / "run.wal").events) == events, timeout_s=5.0)

        for free, events in ((10**9, 0), (999 * 10**6, 1), (501 * 10**6, 1), (499 * 10**6, 2), (5 * 10**6, 3)):
            a_minute_later(free, events)
            if free in (10**9, 501 * 10**6):
                wall.sleep(1.2)  # the disk was looked at, and there was nothing to say
                assert len(replay(writer.folder / "run.wal").events) == events
    noted = [(event.kind, event.severity, event.message) for event in read_run(writer.folder).events]
    assert noted == [("disk", "warning", f"only {free} MB are free") for free in (999, 499, 5)]


def test_little_room_at_the_start_is_noted_at_once(tmp_path, header, free_bytes):
    free_bytes(900 * 10**6)
    with RunWriter.create(tmp_path, header, wall=RealClock(), batch=True, publish=False) as writer:
        writer.finish("finished")
    assert [event.message for event in read_run(writer.folder).events] == ["only 900 MB are free"]


def test_runs_cannot_be_stored_where_a_file_is(tmp_path, header):
    (tmp_path / "runs").write_text("")
    with pytest.raises(StorageError):
        RunWriter.create(tmp_path / "runs", header, wall=RealClock(), batch=True)
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_a_result_that_finds_no_room_leaves_the_journal_as_it_was(start_child, tmp_path):
    folder, answer = without_room(start_child, tmp_path, built=False, room=10_000)
    assert answer == "refused"
    assert sorted(path.name for path in folder.iterdir()) == ["run.lock", "run.wal"]
    assert (read_run(folder).rows, read_run(folder).state) == (2000, "finished")
    assert (recover(folder).rows, recover(folder).state) == (2000, "finished")


def test_a_journal_that_cannot_be_packed_stays_as_it_is(finished_run):
    folder = finished_run()
    (folder / "run.wal.gz").mkdir()  # nothing can be given this name
    assert read_run(build_result(folder)).rows == 100
    assert replay(folder / "run.wal").rows == 100


def test_an_analysis_that_finds_no_room_leaves_the_result_as_it_was(start_child, tmp_path):
    folder, answer = without_room(start_child, tmp_path, built=True, room=10_000)
    assert answer == "refused"
    assert sorted(path.name for path in folder.iterdir()) == [f"{folder.name}.h5", "run.lock", "run.wal.gz"]
    assert (read_run(folder).rows, read_run(folder).analyses) == (2000, {})
