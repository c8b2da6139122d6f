"""Nothing of the base class can measure, set a level, or switch an output behind this driver's back."""

import inspect
import re

import pytest
from pymeasure.instruments.common_base import DynamicProperty
from pymeasure.instruments.keithley import Keithley2400 as Upstream

from instruments.keithley2400 import Keithley2400
from instruments.keithley2400.closed import CLOSED, ClosedMember
from tests.instruments.cable import Cable
from xraydaq.clock import JumpingClock
from xraydaq.errors import Refused

OWN = {"ask", "write", "read", "shutdown"}
QUERIES = {"complete", "id", "options", "status"}
HARMLESS = {"beep", "display_enabled"}
MACHINERY = {
    "BaseChannelCreator", "ChannelCreator", "MultiChannelCreator", "add_child", "remove_child", "get_channels",
    "get_channel_pairs", "control", "measurement", "setting", "values", "wait_for",
}  # fmt: skip

UPSTREAM = sorted(name for name, _ in inspect.getmembers(Upstream) if not name.startswith("_"))
MEASURES = re.compile(r":?(MEAS|CONF)", re.IGNORECASE)


@pytest.fixture
def cable():
    return Cable()


@pytest.fixture
def smu(cable):
    return Keithley2400(cable, clock=JumpingClock(0.0), max_bias_v=10.0)


def test_every_public_member_of_the_base_class_is_known_here_and_either_closed_or_harmless():
    assert set(UPSTREAM) == set(CLOSED) | OWN | QUERIES | HARMLESS | MACHINERY


def test_no_member_is_in_two_groups():
    groups = [set(CLOSED), OWN, QUERIES, HARMLESS, MACHINERY]
    assert sum(map(len, groups)) == len(set.union(*groups))


@pytest.mark.parametrize("name", sorted(CLOSED))
def test_a_closed_member_says_what_to_use_instead_and_sends_nothing(smu, cable, name):
    with pytest.raises(ClosedMember, match=re.escape(f"{name} is closed in this program; use {CLOSED[name]}")):
        getattr(smu, name)
    with pytest.raises(ClosedMember):
        setattr(smu, name, 1)
    assert cable.sent == []


def test_a_closed_member_is_both_refused_and_absent(smu):
    with pytest.raises(Refused):
        _ = smu.current
    assert not hasattr(smu, "current")


def uses(smu, name):
    yield lambda: getattr(smu, name)
    yield lambda: getattr(smu, name)()  # noqa: PLW0108  # a closed member raises when it is got
    yield lambda: setattr(smu, name, 1)


def test_no_measure_command_leaves_by_any_member_of_the_base_class(smu, cable):
    raised = 0
    for name in UPSTREAM:
        for use in uses(smu, name):
            try:
                use()
            except Exception:  # whatever it does, what counts is what left
                raised += 1
    assert raised >= 3 * len(CLOSED)
    assert cable.sent
    assert not [message for message in cable.sent for part in message.split(";") if MEASURES.match(part.strip())]
    assert not cable.output


@pytest.mark.parametrize(
    "command",
    [
        ":MEAS:CURR?", "meas?", ":MEASURE:CURRENT?", ":CONF:CURR", ":SYST:ERR?;:MEAS:CURR?", ":READ?", ":FETC?",
        ":INIT", ":SOUR:VOLT 200", ":SOUR:VOLT?;:SOUR:VOLT 200", ":DISP:ENAB 1;:OUTP ON", ":DISP:ENAB?;:OUTP ON",
        ":OUTP ON", "*RST", "*RCL 0", ":SYST:PRES", ":FORM REAL,32", "", ":SOUR:VOLT 200;*OPC?",
    ],
)  # fmt: skip
def test_raw_commands_that_set_or_measure_are_refused(smu, cable, command):
    with pytest.raises(Refused):
        smu.write(command)
    with pytest.raises(Refused):
        smu.ask(command)
    with pytest.raises(Refused):
        smu.values(command)
    assert cable.sent == []


def test_a_plain_query_the_display_and_the_beeper_are_open(smu, cable):
    assert smu.ask(":SYST:TIME?") == "1.0"
    assert smu.id.startswith("KEITHLEY")
    smu.display_enabled = False
    smu.beep(400, 0.1)
    assert cable.sent[2:] == [":DISPLAY:ENABLE 0", ":SYST:BEEP 400, 0.1"]


def test_the_shape_of_the_base_class_this_driver_relies_on_is_still_there():
    source = inspect.getsource(Upstream.__init__)
    assert "self.reset_data_format()" in source
    assert source.count("self.") == 1
    assert inspect.signature(Upstream.ask).parameters.keys() == {"self", "command", "query_delay"}
    assert not [name for name, member in inspect.getmembers(Upstream) if isinstance(member, DynamicProperty)]
    assert "_special_names" in inspect.getsource(Upstream.__getattribute__)


def test_leaving_a_with_block_switches_the_output_off(cable, smu):
    cable.output = True
    with smu:
        pass
    assert not cable.output
