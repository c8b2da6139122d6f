import re

import pytest

from instruments.sim.faults import parse_faults
from xraydaq.bench.asking import ping
from xraydaq.bench.opening import cabled, simulate
from xraydaq.clock import JumpingClock
from xraydaq.config import default_bench, load_bench
from xraydaq.errors import InstrumentError

NOBODY = """
name = "mine"
[roles.smu]
driver = "keithley2400"
resource = "TCPIP0::127.0.0.1::9::SOCKET"
[roles.preamplifier]
driver = "sr570"
resource = "ASRL/dev/no_such_port::INSTR"
[limits]
max_bias = "25 V"
max_current = "1 mA"
"""
NEEDS_BOTH = ("smu", "tube", "dosimeter", "analyser", "temperature")


@pytest.fixture
def config():
    return load_bench(default_bench())


def by_role(out):
    return dict(line.split(maxsplit=1) for line in out.splitlines()[1:])


def test_every_instrument_answers_as_often_as_it_is_asked(xraydaq):
    said = xraydaq("bench", "ping", "--count", "2")
    assert (said.code, said.err) == (0, "")
    shown = by_role(said.out)
    assert shown.pop("preamplifier") == "opened; this instrument cannot answer, nothing was sent"
    assert tuple(shown) == NEEDS_BOTH
    for text in shown.values():
        numbers = re.fullmatch(r"2 of 2 answered: (\S+) ms at least, (\S+) ms median, (\S+) ms at most", text)
        least, middle, most = map(float, numbers.groups())
        assert 0 < least <= middle <= most


def test_nobody_there_ends_with_4_and_a_sentence_for_each(xraydaq, workplace):
    (workplace / "mine.toml").write_text(NOBODY)
    said = xraydaq("bench", "ping", "--bench", "mine.toml")
    assert (said.code, said.err) == (4, "")
    lines = said.out.splitlines()[1:]
    assert lines[0] == "smu           0 of 1 answered"
    assert "FAILED: TCPIP0::127.0.0.1::9::SOCKET: cannot be opened: the connection was refused" in lines[1]
    assert lines[2] == "preamplifier  0 of 1 answered"
    assert "FAILED: ASRL/dev/no_such_port::INSTR: cannot be opened: there is no such port" in lines[3]
    assert len(lines) == 4


def test_asking_not_even_once_is_refused(xraydaq):
    said = xraydaq("bench", "ping", "--count", "0")
    assert said.code == 2
    assert said.out == ""
    assert "--count" in said.err


def test_a_lost_answer_does_not_end_the_series(config):
    clock = JumpingClock()
    simulation = simulate(config, clock, cabled(config))
    simulation.links["smu"].unplug(0.0, 8.0)  # as long as the driver tries: 3 s for the answer, then 5 times 1 s
    found = {each.name: each for each in ping(config, clock, 3, simulation)}
    smu = found.pop("smu")
    assert len(smu.times_s) == 2
    assert len(smu.errors) == 1
    assert isinstance(smu.errors[0], InstrumentError)
    assert all(not each.errors for each in found.values())


def test_the_time_is_that_of_the_answer(config):
    clock = JumpingClock()
    slow = simulate(config, clock, cabled(config), faults=parse_faults(["late@1"]))
    first, second = next(ping(config, clock, 2, slow)).times_s
    assert first > 3.0  # the fault holds the answer back for longer than the driver waits before it asks again
    assert 0 < second < 1.0


def test_an_instrument_that_cannot_answer_is_sent_nothing_and_others_are_not_changed(config):
    clock = JumpingClock()
    simulation = simulate(config, clock, cabled(config))
    names = [each.name for each in ping(config, clock, 2, simulation)]
    assert names == list(cabled(config))
    assert simulation.links["preamplifier"].bytes_received == 0
    assert all(simulation.links[name].bytes_received > 0 for name in NEEDS_BOTH)
    assert all(device.refused == [] for device in simulation.devices.values())
