import pytest

from instruments.sim.device import Reply
from instruments.sim.faults import LATE_S, Fault, FaultyLine, TimedFault, parse_faults
from xraydaq.errors import ConfigError

ROW = Reply(b"+1.0,+2.0\n", 5.0)


def carried(name):
    return FaultyLine([Fault(name, 1, 1)], b"\n", seed=1).carry(ROW)


def test_faults_are_read_from_text():
    assert parse_faults(["cut@100", "missing@5-7"]) == (Fault("cut", 100, 100), Fault("missing", 5, 7))


@pytest.mark.parametrize("text", ["cut", "cut@0", "bent@3", "cut@7-5", "cut@1.5", "cut@-1"])
def test_other_texts_are_refused(text):
    with pytest.raises(ConfigError, match=f'--fault: "{text}"'):
        parse_faults([text])


def test_each_fault_does_what_its_name_says():
    assert carried("missing") == []
    assert carried("doubled") == [ROW, ROW]
    assert carried("late") == [Reply(ROW.data, ROW.ready_s + LATE_S, held_back=True)]
    assert carried("cut") == [Reply(b"+1.0\n", 5.0)]
    (garbage,) = carried("garbage")
    assert garbage.data != ROW.data
    assert garbage.data.count(b"\n") == 1


def test_only_the_replies_that_were_named_are_hit():
    line = FaultyLine([Fault("missing", 2, 3)], b"\n", seed=1)
    assert [len(line.carry(ROW)) for _ in range(5)] == [1, 0, 0, 1, 1]


def test_a_fault_with_a_time_hits_what_is_ready_within_it():
    line = FaultyLine([], b"\n", seed=1)
    line.add(TimedFault("missing", 2.0, 3.0))
    assert [len(line.carry(Reply(b"1\n", ready_s))) for ready_s in (1.9, 2.0, 2.9, 3.0)] == [1, 0, 0, 1]


def test_garbage_in_place_of_a_packet_is_as_long_as_the_packet():
    (garbage,) = FaultyLine([Fault("garbage", 1, 1)], b"", seed=1).carry(Reply(b"packet", 0.0))
    assert len(garbage.data) == len(b"packet")
    assert garbage.data != b"packet"
