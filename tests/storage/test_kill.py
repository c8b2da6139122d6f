import random

import numpy as np
import pytest

from xraydaq.clock import RealClock
from xraydaq.errors import BusyError
from xraydaq.storage import list_runs, read_run, recover

WRITE = """
writer = RunWriter.create(root, header, wall=RealClock(), batch={batch}, publish=False)
say(writer.folder)
known = 0
for i in itertools.count():
    writer.append(row(i))
    if i % {commit_every} == 0:
        writer.commit()
    if writer.committed_rows != known:
        known = writer.committed_rows
        say(known)
"""


def killed_run(start_child, rng):
    batch, commit_every = rng.choice([True, False]), rng.choice([1, 7, 500, 10**9])
    child = start_child(WRITE.format(batch=batch, commit_every=commit_every))
    folder = child.stdout.readline().decode().strip()
    for _ in range(rng.randint(0, 3)):
        child.stdout.readline()
    RealClock().sleep(rng.uniform(0.0, 0.05))
    child.kill()
    acknowledged = [int(line) for line in child.stdout.read().split(b"\n")[:-1]]
    child.wait()
    return folder, max(acknowledged, default=0)


@pytest.mark.parametrize("seed", range(20))
def test_a_killed_writer_loses_nothing_it_acknowledged(start_child, tmp_path, row, seed):
    folder, acknowledged = killed_run(start_child, random.Random(seed))
    run = read_run(tmp_path / folder)
    assert run.rows >= acknowledged
    assert run.state == "interrupted"
    expected = np.array([row(i) for i in range(run.rows)]).reshape(-1, 5)
    for index, name in enumerate(run.columns):
        np.testing.assert_array_equal(run.columns[name], expected[:, index])
    report = recover(tmp_path / folder)
    assert (report.rows, report.state, report.built) == (run.rows, "interrupted", True)
    before = report.result.read_bytes()
    again = recover(tmp_path / folder)
    assert (again.rows, again.state, again.built) == (run.rows, "interrupted", False)
    assert report.result.read_bytes() == before
    np.testing.assert_array_equal(read_run(report.result).columns["current"], run.columns["current"])


def test_a_run_is_running_while_its_owner_lives_and_interrupted_when_it_is_killed(start_child, tmp_path):
    child = start_child(WRITE.format(batch=False, commit_every=1) + "\n")
    folder = tmp_path / child.stdout.readline().decode().strip()
    child.stdout.readline()
    (summary,) = list_runs(tmp_path)
    assert (summary.state, summary.sample) == ("running", "mai 3")
    with pytest.raises(BusyError):
        recover(folder)
    child.kill()
    child.wait()
    assert list_runs(tmp_path)[0].state == "interrupted"
    assert recover(folder).state == "interrupted"
