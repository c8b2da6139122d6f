import shutil
from itertools import count

import pytest

from tests.storage.broken_disk import Disk
from xraydaq.clock import RealClock
from xraydaq.errors import BusyError, StorageError
from xraydaq.storage import read_run, recover

LONGEST_S = 1.0
"""For so long a measuring loop may be held up by a disk."""
LOST_S = 5.0
"""After so long a lost folder must have ended the run."""


def append_until_refused(writer, row, first):
    """Append a row every 50 ms until one raises; returns how many there are, the longest call and the time in all."""
    clock, longest_s = RealClock(), 0.0
    start_s = clock.now()
    for i in count(first):
        called_s = clock.now()
        try:
            writer.append(row(i))
        except StorageError as error:
            given = i + 1 if str(error).startswith("storage lost: ") else str(error)
            return given, max(longest_s, clock.now() - called_s), clock.now() - start_s
        longest_s = max(longest_s, clock.now() - called_s)
        clock.sleep(0.05)
    return None


def check_rows(run, number, row):
    assert run.rows == number
    assert run.columns["current"].tolist() == [row(i)[2] for i in range(number)]


def test_a_folder_that_vanishes_ends_the_run_in_time_and_recover_puts_the_rows_together(
    open_run, row, spill_place, tmp_path
):
    writer = open_run(batch=False)
    for i in range(20):
        writer.append(row(i))
    writer.commit()
    shutil.move(writer.folder, tmp_path / "gone")
    given, longest_s, lost_s = append_until_refused(writer, row, 20)
    assert longest_s < LONGEST_S
    assert lost_s < LOST_S
    assert writer.finish("failed", "the share is gone") == "failed"
    assert writer.committed_rows == given
    writer.close()
    assert len(list(spill_place.iterdir())) == 1
    shutil.move(tmp_path / "gone", writer.folder)
    assert read_run(writer.folder).state == "interrupted"
    report = recover(writer.folder)
    assert (report.state, report.rows) == ("failed", given)
    assert report.reason.startswith("storage lost: ")
    check_rows(read_run(report.result), given, row)
    assert list(spill_place.iterdir()) == []


def test_a_share_that_comes_back_under_another_name_gets_its_rows(open_run, row, tmp_path, spill_place):
    writer = open_run(batch=False)
    writer.append(row(0))
    shutil.move(writer.folder, tmp_path / "gone")
    given, *_ = append_until_refused(writer, row, 1)
    writer.close()
    other = tmp_path / "other mount" / writer.folder.name
    shutil.move(tmp_path / "gone", other)
    report = recover(other)
    assert (report.state, report.rows) == ("interrupted", given)
    assert list(spill_place.iterdir()) == []


@pytest.mark.slow
def test_a_disk_that_does_not_answer_holds_up_no_row_for_a_second_and_ends_the_run(
    open_run, row, spill_place, monkeypatch
):
    writer, clock = open_run(batch=False), RealClock()
    disk = Disk(writer.folder, monkeypatch)
    try:
        for i in range(5):
            writer.append(row(i))
        disk.answers.clear()
        given, longest_s, lost_s = append_until_refused(writer, row, 5)
        assert longest_s < LONGEST_S
        assert lost_s < LOST_S
        called_s = clock.now()
        writer.event("way back", "output off", elapsed_s=1.0)
        assert clock.now() - called_s < LONGEST_S
        assert writer.finish("failed", "lost") == "failed"
        assert writer.committed_rows == given
        writer.close()
        with pytest.raises(BusyError, match="living process"):
            recover(writer.folder)  # a call to the disk may still write: nobody else may
    finally:
        disk.answers.set()
    writer._home._thread.join()
    writer.close()
    report = recover(writer.folder)
    assert (report.state, report.rows) == ("failed", given)
    assert "did not answer" in report.reason
    check_rows(read_run(report.result), given, row)
    assert list(spill_place.iterdir()) == []


def test_a_disk_that_is_slow_for_a_moment_costs_nothing_and_rows_are_safe_meanwhile(
    open_run, row, spill_place, monkeypatch, until, tmp_path
):
    writer, clock = open_run(batch=False), RealClock()
    disk = Disk(writer.folder, monkeypatch)
    writer.append(row(0))
    clock.sleep(0.1)
    disk.answers.clear()
    try:
        for i in range(1, 15):
            writer.append(row(i))
            clock.sleep(0.1)
        until(lambda: writer.committed_rows == 15, timeout_s=1.0)
        killed_here = shutil.copytree(writer.folder, tmp_path / "copy" / writer.folder.name)
        spilled = shutil.copytree(spill_place, tmp_path / "spilled")
    finally:
        disk.answers.set()
    until(lambda: list(spill_place.iterdir()) == [], timeout_s=5.0)
    writer.append(row(15))
    assert writer.finish("finished") == "finished"
    writer.close()
    run = read_run(writer.folder)
    check_rows(run, 16, row)
    assert [event.kind for event in run.events] == ["disk"]
    monkeypatch.setenv("XRAYDAQ_SPILL", str(spilled))
    report = recover(killed_here)
    assert (report.state, report.rows) == ("interrupted", 15)
