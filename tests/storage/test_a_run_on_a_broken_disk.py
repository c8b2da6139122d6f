import shutil

import pytest

from tests.runner.conftest import Watcher, config_of
from tests.storage.broken_disk import Disk
from xraydaq.runner import RunOptions, run
from xraydaq.storage import read_run, recover


class Breaker(Watcher):
    """Breaks the disk of a run as soon as there is a folder on it."""

    def __init__(self, act):
        super().__init__()
        self._act = act

    def started(self, config, plan, folder):
        super().started(config, plan, folder)
        self._act(folder)


@pytest.fixture
def full(monkeypatch, tmp_path):
    disk = Disk(tmp_path / "runs", monkeypatch)
    return disk, Breaker(lambda _folder: disk.fill(30_000))


def test_a_run_whose_disk_fills_up_takes_its_way_back_and_has_every_row(full, tmp_path):
    disk, watcher = full
    outcome = run(config_of("duration=4 h"), RunOptions(out=tmp_path / "runs"), watcher)
    assert (outcome.state, outcome.exit_code) == ("failed", 6)
    assert outcome.reason.startswith("disk full: ")
    disk.room = None
    report = recover(outcome.folder)
    assert (report.state, report.reason) == ("failed", outcome.reason)
    stored = read_run(report.result)
    assert stored.instruments["smu"]["settings_end"][":OUTP?"] == "0"
    assert (stored.columns["elapsed"][1:] > stored.columns["elapsed"][:-1]).all()
    assert 300 < stored.rows < 4 * 3600


def test_a_run_whose_folder_vanishes_takes_its_way_back_and_has_every_row(tmp_path):
    watcher = Breaker(lambda folder: shutil.move(folder, tmp_path / "gone"))
    outcome = run(config_of("duration=4 h"), RunOptions(out=tmp_path / "runs"), watcher)
    assert (outcome.state, outcome.exit_code) == ("failed", 6)
    assert outcome.reason.startswith("storage lost: ")
    shutil.move(tmp_path / "gone", outcome.folder)
    report = recover(outcome.folder)
    stored = read_run(report.result)
    assert (report.state, report.rows) == ("failed", stored.rows)
    assert stored.instruments["smu"]["settings_end"][":OUTP?"] == "0"
    assert (stored.columns["elapsed"][1:] > stored.columns["elapsed"][:-1]).all()
