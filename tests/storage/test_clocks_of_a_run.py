import pytest

from xraydaq.clock import RealClock
from xraydaq.errors import RunFailed
from xraydaq.storage import RunWriter, build_result, read_run
from xraydaq.storage.contents import replay


class Computer(RealClock):
    """A computer whose date can be set, which can be put to sleep, and whose programs can be stopped."""

    def __init__(self):
        self.date_off_s = self.slept_s = self.stood_s = 0.0

    def now(self):
        return super().now() + self.stood_s

    def utc(self):
        return super().utc() + self.date_off_s + self.slept_s + self.stood_s

    def asleep_s(self):
        return self.slept_s


@pytest.fixture
def computer():
    return Computer()


@pytest.fixture
def writer(tmp_path, header, computer, row):
    with RunWriter.create(tmp_path, header, wall=computer, batch=False, publish=False) as made:
        made.append(row(0))
        yield made


def events(writer):
    return replay(writer.folder / "run.wal").events


@pytest.mark.parametrize("step_s", [3600.0, -3600.0])
def test_a_date_that_is_set_is_noted_and_the_run_goes_on(writer, computer, row, until, step_s):
    computer.date_off_s += step_s
    until(lambda: bool(events(writer)), timeout_s=5.0)
    writer.append(row(1))
    until(lambda: writer.committed_rows == 2, timeout_s=1.0)
    assert writer.finish("finished") == "finished"
    (event,) = events(writer)
    assert (event.kind, event.severity) == ("clock_step", "warning")
    assert event.message.startswith(f"the date of the computer was changed by {step_s:+.0f} s")
    assert 0.0 <= event.elapsed_s < 5.0  # of the run, however the date was set


@pytest.mark.parametrize(
    ("stop", "kind"), [("slept_s", "suspended"), ("stood_s", "stood_still")], ids=["suspended", "stopped"]
)
def test_a_run_during_which_the_computer_slept_or_stood_still_ends_interrupted(
    writer, computer, row, until, stop, kind
):
    setattr(computer, stop, 600.0)
    until(lambda: bool(events(writer)), timeout_s=5.0)
    with pytest.raises(RunFailed, match="600 s"):
        writer.append(row(1))
    until(lambda: writer.committed_rows == 2, timeout_s=1.0)
    assert writer.finish("failed", "what the procedure says") == "interrupted"
    writer.close()
    run = read_run(build_result(writer.folder))
    assert (run.state, run.rows, [event.kind for event in run.events]) == ("interrupted", 2, [kind])
    assert "600 s" in run.reason


def test_simulated_time_does_not_care_for_the_clocks_of_the_computer(tmp_path, header, computer, row, until):
    with RunWriter.create(tmp_path, header, wall=computer, batch=True, publish=False) as writer:
        computer.slept_s, computer.date_off_s = 3600.0, -3600.0
        computer.sleep(0.6)  # more than two looks
        writer.append(row(0))
        assert writer.finish("finished") == "finished"
    assert read_run(writer.folder).events == ()


def test_the_computer_tells_how_long_it_slept():
    assert RealClock().asleep_s() == pytest.approx(RealClock().asleep_s(), abs=0.1)
    assert RealClock().asleep_s() >= -1e-3
