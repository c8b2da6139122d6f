import os
import random
import selectors
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
import pytest

from xraydaq.clock import RealClock
from xraydaq.storage import live_view, read_run, recover, verify

AT_ONCE = 20
SAFE_AFTER_S = 1.0
IN_FLIGHT = 20
"""Rows a writer is asked for before it has answered: it is at work at every instant, also when it dies."""

WRITE_ON_DEMAND = """
write, is_full = os.write, [False]
def full(descriptor, data):
    if is_full[0] and os.readlink("/proc/self/fd/%d" % descriptor).startswith(str(root)):
        raise OSError(28, "No space left on device")
    return write(descriptor, data)
os.write = full
writer = RunWriter.create(root, header, wall=RealClock(), batch={batch}, publish={publish})
say(writer.folder)
rows = 0
while asked := os.read(0, 100):
    for _ in asked:
        is_full[0] = rows >= {room_for}
        try:
            writer.append(row(rows))
        except StorageError as error:
            assert "disk full" in str(error)
        rows += 1
        say(rows, writer.committed_rows)
"""


@dataclass
class Victim:
    """A writer, what it said when, and the moment it is killed."""

    child: object
    lives_s: float
    publish: bool = False
    root: Path = Path()
    folder: str = ""
    text: bytes = b""
    heard: list[tuple[float, int]] = field(default_factory=list)
    acknowledged: int = 0
    killed_s: float | None = None

    def hear(self, now_s):
        self.text += os.read(self.child.stdout.fileno(), 65536)
        *lines, self.text = self.text.split(b"\n")
        for line in lines:
            self.take(now_s, line.decode())
        return len(lines)

    def take(self, now_s, line):
        if not self.folder:
            self.folder = line
            return
        rows, self.acknowledged = map(int, line.split())
        self.heard.append((now_s, rows))

    def ask(self, count):
        os.write(self.child.stdin.fileno(), b"." * count)

    @property
    def dies_s(self):
        if self.publish and not (self.root / self.folder / "run.live.h5").exists():
            return float("inf")  # a busy computer takes its time to start the second process
        return self.heard[0][0] + self.lives_s if self.heard else float("inf")

    @property
    def rows_that_must_be_there(self):
        old = [rows for heard_s, rows in self.heard if heard_s <= self.killed_s - SAFE_AFTER_S]
        return max(old, default=0)


def let_live_and_die(victims):
    clock = RealClock()
    with selectors.DefaultSelector() as replies:
        for victim in victims:
            replies.register(victim.child.stdout, selectors.EVENT_READ, victim)
        while replies.get_map():
            for key, _ in replies.select():
                victim = key.data
                was_silent = not victim.folder
                lines = victim.hear(clock.now())
                if clock.now() < victim.dies_s:
                    victim.ask(IN_FLIGHT if was_silent else lines)
                    continue
                victim.killed_s = clock.now()
                victim.child.kill()
                replies.unregister(victim.child.stdout)
    for victim in victims:
        victim.child.wait()


def check_survival(victim, folder, publish, until):
    run = read_run(folder)
    assert run.state == "interrupted"
    if "more rows wait" in run.reason:
        assert recover(folder).built
        run = read_run(folder)
    assert 0 < victim.rows_that_must_be_there <= run.rows
    assert victim.acknowledged <= run.rows
    index = np.arange(run.rows)
    expected = (index * 0.5, 1.7e9 + index * 0.5, 3.0 * index, -1.0 * index, index % 64)
    for values, wanted in zip(run.columns.values(), expected, strict=True):
        np.testing.assert_array_equal(values, wanted)
    if publish:
        check_live_view(folder, run, until)
    report = recover(folder)
    assert (report.rows, report.state) == (run.rows, "interrupted")
    assert verify(folder).problems == ()
    assert not (folder / "run.live.h5").exists()
    with h5py.File(report.result) as file:
        assert file["entry/daq/state"][()] == b"interrupted"
        np.testing.assert_array_equal(file["entry/data/current"][()], run.columns["current"])


def check_live_view(folder, run, until):
    """The publisher, which nobody killed, brings the view to the last journalled row and says what happened."""
    current = []
    with live_view(folder) as view:
        until(lambda: current.extend(view.poll().get("current", [])) or view.state == "interrupted")
    assert current == run.columns["current"].tolist()
    with h5py.File(folder / "run.live.h5", "r", swmr=True) as file:
        assert file["entry/daq/state"][0] == b"interrupted"
        assert file["entry/data/current"].shape == (run.rows,)


@pytest.mark.parametrize(
    "kills",
    [pytest.param(20, marks=pytest.mark.slow), pytest.param(200, marks=[pytest.mark.long, pytest.mark.timeout(1200)])],
)
def test_writers_killed_at_random_moments_lose_no_row_older_than_a_second(
    start_child, tmp_path, spill_place, until, kills
):
    """Every third of them finds its disk full at a random moment before that, and is killed while it spills."""
    rng = random.Random(kills)
    survived = spilled = 0
    for _ in range(0, kills, AT_ONCE):
        victims = []
        for number in range(AT_ONCE):
            ways = {"batch": rng.choice([True, False]), "publish": number == 1, "room_for": 10**9}
            if number % 3 == 0:
                ways["room_for"] = rng.choice([30, 300, 3000])
            child = start_child(WRITE_ON_DEMAND.format(**ways))
            victims.append(Victim(child, rng.uniform(1.1, 2.0), ways["publish"], tmp_path))
        let_live_and_die(victims)
        spilled += len(list(spill_place.iterdir()))
        for victim in victims:
            check_survival(victim, tmp_path / victim.folder, victim.publish, until)
            survived += 1
        assert list(spill_place.iterdir()) == []
    assert survived == kills
    assert spilled >= kills / 5
