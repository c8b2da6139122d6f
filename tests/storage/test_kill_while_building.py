import pytest

from xraydaq.storage import read_run, recover

KILL_LINE_BY_LINE = """
import shutil
import h5py, numpy
from xraydaq.storage import Quantity, StoredAnalysis, add_analysis, build_result, recover
from xraydaq.storage import contents, disk, reading, recovery, result

WATCHED = {{module.__file__ for module in (disk, recovery, result)}}

def die_at(line, act):
    "Carry out `act`, but die before the `line`th line of the watched files; returns how many lines there were."
    count = 0
    def trace(frame, event, _argument):
        nonlocal count
        if frame.f_code.co_filename not in WATCHED:
            return None
        count += event == "line"
        if event == "line" and count == line:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace
    sys.settrace(trace)
    act()
    sys.settrace(None)
    return count

def ended_run():
    with RunWriter.create(root, header, wall=RealClock(), batch=True, publish=False) as writer:
        for i in range(50):
            writer.append(row(i))
        writer.finish("stopped", "by the user")
    return writer.folder

def analysis(name):
    return StoredAnalysis(name, "p", "1", "d", results={{"x": Quantity(1.0, 0.5, "A")}})

def build(folder):
    build_result(folder, [analysis("first")])

def act_on(folder):
    {act}

pattern = ended_run()
if {built}:
    build(pattern)

def copied(number):
    return Path(shutil.copytree(pattern, root / str(number) / pattern.name))

folder = copied(0)
lines = die_at(0, lambda: act_on(folder))
for line in range(1, lines + 1, 2):
    folder = copied(line)
    child = os.fork()
    if child == 0:
        die_at(line, lambda: act_on(folder))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    say(os.WTERMSIG(status), folder)
"""


def killed_runs(start_child, tmp_path, act, *, built):
    output, _ = start_child(KILL_LINE_BY_LINE.format(act=act, built=built)).communicate(timeout=120)
    signals, names = zip(*(line.split(" ", 1) for line in output.decode().splitlines()), strict=True)
    assert set(signals) == {"9"}
    assert len(names) > 15
    return [tmp_path / name for name in names]


def check_whole(folder):
    run = read_run(folder)
    assert (run.rows, run.state, run.reason) == (50, "stopped", "by the user")
    assert run.columns["current"].tolist() == [3.0 * i for i in range(50)]
    return run


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("act", ["build(folder)", "recover(folder)"])
def test_a_builder_killed_at_any_of_its_lines_leaves_a_run_that_recovers(start_child, tmp_path, act):
    folders = killed_runs(start_child, tmp_path, act, built=False)
    built = 0
    for folder in folders:
        check_whole(folder)
        report = recover(folder)
        built += report.built
        assert (report.rows, report.state) == (50, "stopped")
        check_whole(folder)
        assert sorted(path.name for path in folder.iterdir()) == [f"{folder.name}.h5", "run.lock", "run.wal.gz"]
        assert not recover(folder).built
    assert 0 < built < len(folders)


@pytest.mark.slow
def test_adding_an_analysis_is_done_or_not_done_whenever_it_is_killed(start_child, tmp_path):
    act = 'add_analysis(folder / f"{folder.name}.h5", analysis("second"))'
    found = set()
    for folder in killed_runs(start_child, tmp_path, act, built=True):
        names = tuple(stored.name for stored in check_whole(folder).analyses.values())
        found.add(names)
        assert recover(folder).built is False
        assert tuple(stored.name for stored in check_whole(folder).analyses.values()) == names
        assert sorted(path.name for path in folder.iterdir()) == [f"{folder.name}.h5", "run.lock", "run.wal.gz"]
    assert found == {("first",), ("first", "second")}
