"""What the guardian hears beside its work: lines in pieces, callers, and the sleep of the computer."""

import json
import socket
import stat

import pytest

from tests.faults.bench import wait_for
from xraydaq.clock import RealClock
from xraydaq.guardian.ears import Ears, Gone, Line, Slept
from xraydaq.guardian.lines import Call, answer_call
from xraydaq.guardian.messages import MOST_REQUEST_BYTES


class SleepyClock(RealClock):
    """A clock of a computer that was suspended for a while."""

    slept_s = 0.0

    def asleep_s(self):
        return self.slept_s


@pytest.fixture
def line():
    near, far = socket.socketpair()
    yield near, far
    near.close()
    far.close()


@pytest.fixture
def offs():
    return []


@pytest.fixture
def ears(line, tmp_path, offs):
    found = Ears(line[1], tmp_path / "c.sock", SleepyClock(), lambda: offs.append("off"), stalled_after_s=1000.0)
    found._thread.start()  # without `start`, which takes the signals of the whole process
    yield found
    found.close()


def heard(ears):
    return wait_for(ears.next, 10.0, "something is heard")


def call(path, data):
    caller = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    caller.settimeout(10.0)
    caller.connect(str(path))
    caller.sendall(data)
    return caller


def test_lines_are_heard_however_they_are_cut(ears, line):
    for part in (b"on", b"e\ntw", b"o\n", b"\nfour\n"):
        line[0].sendall(part)
    assert [heard(ears) for _ in range(4)] == [Line(each) for each in (b"one", b"two", b"", b"four")]


def test_of_a_line_without_an_end_one_piece_is_heard_and_the_next_line_is_whole(ears, line):
    line[0].sendall(b"x" * 20_000 + b"\nnext\n")
    first = heard(ears)
    assert len(first.data) > MOST_REQUEST_BYTES
    assert set(first.data) == {ord("x")}
    assert heard(ears) == Line(b"next")


def test_a_client_that_is_gone_has_off_written_at_once(ears, line, offs):
    line[0].close()
    assert isinstance(heard(ears), Gone)
    wait_for(lambda: offs, 5.0, "off")
    assert ears.stopping.is_set()


def test_a_computer_that_slept_has_off_written_before_anything_else(ears, offs):
    ears.clock.slept_s = 60.0
    assert heard(ears) == Slept(60.0)
    wait_for(lambda: offs, 5.0, "off")


def test_a_main_thread_that_does_not_come_by_has_off_written_once(line, tmp_path, offs):
    ears = Ears(line[1], tmp_path / "c.sock", RealClock(), lambda: offs.append("off"), stalled_after_s=0.2)
    ears._thread.start()
    try:
        wait_for(lambda: offs, 5.0, "off")
        wait_for(lambda: ears.clock.now() - ears.came_by_s > 1.0, 5.0, "some time has passed")
        assert offs == ["off"]
    finally:
        ears.close()


def test_anybody_of_this_user_may_stop_or_look_and_nobody_else(ears, offs):
    assert stat.S_IMODE(ears.control.stat().st_mode) == 0o600
    looking = call(ears.control, b'{"view": true}\n')
    asked = heard(ears)
    assert isinstance(asked, Call)
    assert asked.stop == ""
    assert offs == []
    answer_call(asked.caller, {"off": True})
    assert json.loads(looking.recv(1000)) == {"off": True}
    looking.close()
    stopping = call(ears.control, b'{"stop": "a tester"}\n')
    asked = heard(ears)
    assert asked.stop == "a tester"
    wait_for(lambda: offs, 5.0, "off")
    for each in (asked.caller, stopping):
        each.close()


@pytest.mark.parametrize(
    "data", [b"stop\n", b"{}\n", b'{"stop": 5}\n', b'{"stop": "a", "view": true}\n', b"x" * 9000, b"\xff\n"]
)
def test_a_caller_who_says_something_else_is_told_how_and_changes_nothing(ears, offs, data):
    caller = call(ears.control, data)
    assert "refused" in json.loads(caller.recv(1000))
    assert ears.next() is None
    assert offs == []
    caller.close()


def test_callers_who_say_nothing_keep_nobody_out(ears):
    silent = [call(ears.control, b"") for _ in range(20)]
    caller = call(ears.control, b'{"stop": "a tester"}\n')
    asked = heard(ears)
    assert asked.stop == "a tester"
    for each in (*silent, caller, asked.caller):
        each.close()
