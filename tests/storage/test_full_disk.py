import itertools

import pytest

from tests.storage.broken_disk import Disk
from xraydaq.errors import StorageError
from xraydaq.storage import list_runs, read_run, recover

LIMITED = """
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
if not {spill}:
    os.environ["XRAYDAQ_SPILL"] = sys.executable + "/nowhere"
writer = RunWriter.create(root, header, wall=RealClock(), batch={batch}, publish=False)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
try:
    for i in itertools.count():
        writer.append(row(i))
except StorageError as error:
    say("refused", writer.rows, writer.committed_rows)
try:
    say(writer.finish("finished"))
except StorageError as error:
    say("downgraded")
writer.close()
say(writer.folder)
"""


@pytest.fixture
def disk_of(monkeypatch):
    return lambda writer: Disk(writer.folder, monkeypatch)


def append_until_refused(writer, row, first=0):
    """Append rows until one raises; returns how many were given, that one included."""
    for i in itertools.count(first):
        try:
            writer.append(row(i))
        except StorageError as error:
            return i + 1 if str(error).startswith("disk full: ") else str(error)
    return None


def check_rows(run, count, row):
    assert run.rows == count
    assert run.columns["current"].tolist() == [row(i)[2] for i in range(count)]


@pytest.mark.parametrize("batch", [False, True])
def test_rows_that_a_full_disk_does_not_take_go_to_the_spill_and_none_is_lost(
    open_run, row, spill_place, disk_of, batch
):
    writer = open_run(batch=batch)
    disk = disk_of(writer)
    disk.fill(400_000 if batch else 20_000)
    given = append_until_refused(writer, row)
    writer.event("way back", "bias at 0 V", elapsed_s=1.0)
    given = append_until_refused(writer, row, given)
    assert writer.finish("failed", "the reason of the procedure") == "failed"
    assert writer.committed_rows == given
    writer.close()
    (spill,) = spill_place.iterdir()
    here = read_run(writer.folder)  # the disk is still full: nothing was brought home
    assert (here.state, here.reason) == ("interrupted", f"no END was written; more rows wait in {spill}")
    assert 0 < here.rows < given
    with pytest.raises(StorageError, match="disk full"):
        recover(writer.folder)
    disk.room = None
    report = recover(writer.folder)
    assert (report.state, report.rows, report.built) == ("failed", given, True)
    assert report.reason.startswith("disk full: ")
    assert report.reason.endswith("; the reason of the procedure")
    run = read_run(report.result)
    check_rows(run, given, row)
    assert [event.kind for event in run.events] == ["way back"]
    assert list(spill_place.iterdir()) == []


def test_the_row_that_meets_a_full_disk_says_so_in_time_and_is_safe(open_run, row, spill_place, disk_of):
    writer = open_run(batch=False)
    writer.append(row(0))
    disk_of(writer).fill(0)
    writer._wall.sleep(0.1)  # the next one is committed at once
    with pytest.raises(StorageError, match=f"disk full: .*rows are kept in {spill_place}"):
        writer.append(row(1))
    assert writer.committed_rows == 2


def test_rows_of_the_spill_come_home_at_the_end_when_there_is_room_again(open_run, row, spill_place, disk_of):
    writer = open_run()
    disk = disk_of(writer)
    disk.fill(5_000)
    given = append_until_refused(writer, row)
    disk.room = None
    writer.finish("failed", "why")
    writer.close()
    run = read_run(writer.folder)
    check_rows(run, given, row)
    assert run.state == "failed"
    assert run.reason.startswith("disk full: ")
    assert list(spill_place.iterdir()) == []


def test_the_reserve_makes_room_for_the_last_rows_where_they_belong(open_run, row, spill_place, disk_of, monkeypatch):
    writer = open_run(batch=False)
    disk = disk_of(writer)
    reserve = writer.folder / "run.reserve"
    unlink = type(reserve).unlink

    def freeing(path, **options):
        unlink(path, **options)
        disk.room = 10**6 if path == reserve else disk.room

    monkeypatch.setattr(type(reserve), "unlink", freeing)
    disk.fill(2_000)
    given = append_until_refused(writer, row)
    assert not reserve.exists()
    assert writer.finish("failed", "stopped") == "failed"
    writer.close()
    run = read_run(writer.folder)
    check_rows(run, given, row)
    assert run.state == "failed"
    assert run.reason.startswith("disk full: ")
    assert list(spill_place.iterdir()) == []


@pytest.mark.parametrize(("batch", "spill"), [(False, True), (True, True), (False, False), (True, False)])
def test_a_run_that_nothing_takes_any_more_keeps_what_was_safe_and_is_never_called_finished(
    start_child, tmp_path, row, batch, spill
):
    """The limit of the kernel holds for all files of the process: neither reserve nor spill help for long."""
    output, _ = start_child(LIMITED.format(batch=batch, spill=spill)).communicate(timeout=60)
    refused, ended, folder = output.decode().splitlines()
    committed = int(refused.split()[2])
    assert ended == "downgraded"
    assert list_runs(tmp_path)[0].state in ("failed", "interrupted")
    report = recover(tmp_path / folder)
    assert report.state in ("failed", "interrupted")
    assert report.rows >= committed
    check_rows(read_run(report.result), report.rows, row)
    if report.state == "failed" and report.rows < int(refused.split()[1]):
        assert "rows could not be stored" in report.reason
