import pytest

from xraydaq.storage import read_run, recover

FILL = """
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
writer = RunWriter.create(root, header, wall=RealClock(), batch={batch}, publish=False)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
try:
    for i in itertools.count():
        writer.append(row(i))
except StorageError as error:
    say("refused", writer.committed_rows)
try:
    writer.append(row(0))
except StorageError:
    say("still refused", writer.committed_rows)
if {freed}:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
try:
    writer.finish("{state}", "disk full")
    say("ended", writer.committed_rows)
except StorageError as error:
    say("downgraded", writer.committed_rows)
writer.close()
say(writer.folder)
"""


def fill(start_child, **choices):
    output, _ = start_child(FILL.format(**choices)).communicate(timeout=60)
    *lines, folder = output.decode().splitlines()
    return [line.rsplit(" ", 1) for line in lines], folder


@pytest.mark.parametrize("batch", [False, True])
def test_a_full_disk_costs_no_acknowledged_row_and_the_end_says_failed(start_child, tmp_path, row, batch):
    (refused, still, ended), folder = fill(start_child, batch=batch, freed=False, state="failed")
    assert [refused[0], still[0], ended[0]] == ["refused", "still refused", "ended"]
    run = read_run(tmp_path / folder)
    assert run.state == "failed"
    assert "rows could not be stored" in run.reason
    assert run.rows == int(ended[1]) >= int(refused[1])
    assert run.columns["current"].tolist() == [row(i)[2] for i in range(run.rows)]


def test_space_that_comes_back_takes_the_rows_that_waited(start_child, tmp_path, row):
    (refused, _, ended), folder = fill(start_child, batch=True, freed=True, state="failed")
    run = read_run(tmp_path / folder)
    assert run.rows == int(ended[1]) > int(refused[1])
    assert run.reason == "disk full"
    assert run.columns["current"].tolist() == [row(i)[2] for i in range(run.rows)]


def test_a_run_with_rows_missing_is_never_called_finished(start_child, tmp_path):
    (*_, ended), folder = fill(start_child, batch=True, freed=False, state="finished")
    assert ended[0] == "downgraded"
    assert read_run(tmp_path / folder).state == "failed"
    assert recover(tmp_path / folder).state == "failed"
