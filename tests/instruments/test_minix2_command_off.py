"""Off as a chopped beam needs it: at once where the device acknowledges it, verified where it does not."""

from dataclasses import dataclass, field

import pytest

from instruments.minix2 import MiniX2
from instruments.sim.adapter import SimAdapter
from instruments.sim.faults import TimedFault
from instruments.sim.link import Link
from instruments.sim.minix2 import SimMiniX2, Unit
from tests.instruments.minix2_packets import whole
from xraydaq.clock import JumpingClock
from xraydaq.errors import InstrumentError, Refused

OFF = whole(0x20, 0x02, b"HVSE=OFF;CUSE=OFF;")
START_UTC_S = 1710408413.0
REPLY_S = 2e-3
"""From a request of the simulated device to its reply."""

FOREVER_S = 1e9


class Window:
    """Where the beam comes out; nobody stands there."""

    def set_beam(self, time_s, kv, ua):
        """Let it pass."""


@dataclass
class Rig:
    """A tube that is on, its driver, and every packet that is sent."""

    clock: JumpingClock = field(default_factory=lambda: JumpingClock(START_UTC_S))
    sent: list[bytes] = field(default_factory=list)

    def __post_init__(self):
        self.device = SimMiniX2(Window(), seed=5, unit=Unit(start_utc_s=START_UTC_S), start_s=self.clock.now())
        self.link = Link(self.device, log=lambda _, way, data: self.sent.append(data) if way == ">" else None)
        self.tube = MiniX2(
            SimAdapter(self.link, self.clock), clock=self.clock, max_voltage_v=50e3, max_current_a=200e-6,
            max_power_w=10.0,
        )  # fmt: skip
        self.tube.set_output(50e3, 150e-6)
        self.clock.sleep(0.5)
        assert self.is_on
        self.sent.clear()
        self.start_s = self.clock.now()

    @property
    def is_on(self):
        """Whether the device is truly on now."""
        self.device.advance(self.clock.now())
        return self.device.beam_on

    @property
    def took_s(self):
        """Time since the tube was on."""
        return self.clock.now() - self.start_s

    def spoil(self, fault, duration_s=FOREVER_S):
        """Have the replies of a while spoilt on the line."""
        self.link.add_fault(TimedFault(fault, self.start_s, self.start_s + duration_s))

    def lit_s(self):
        """How long the tube was on after `start_s`, by its own record."""
        return next(event.time_s for event in self.device.beam_log if not event.on) - self.start_s


@pytest.fixture
def rig():
    rig = Rig()
    yield rig
    rig.device.release_hv(rig.clock.now())
    rig.tube.close()


def test_an_acknowledged_off_returns_at_once_and_asks_nothing(rig):
    rig.tube.command_off()
    assert rig.took_s < 2 * REPLY_S
    assert not rig.is_on
    assert rig.lit_s() < 2 * REPLY_S
    assert rig.sent == [OFF]


def test_who_looks_on_after_it_sees_the_voltage_fall_until_the_tube_is_dark(rig):
    rig.tube.command_off()
    rig.clock.sleep(0.2)
    first = rig.tube.status()
    assert not first.hv_enabled
    assert not first.is_dark
    rig.clock.sleep(10.0)
    assert rig.tube.status().is_dark


@pytest.mark.parametrize("fault", ["missing", "cut", "garbage", "late"])
def test_an_off_that_is_not_acknowledged_is_verified_before_it_returns(rig, fault):
    rig.spoil(fault, duration_s=REPLY_S + 1e-3)  # this one reply
    rig.tube.command_off()
    assert rig.lit_s() < 2 * REPLY_S
    assert not rig.is_on
    assert rig.sent.count(OFF) >= 2
    assert rig.device.controller.output.kv_at(rig.clock.now()) < 1.0
    assert rig.tube.status().is_dark


def test_an_acknowledgement_that_comes_twice_is_no_answer_to_the_next_question(rig):
    rig.spoil("doubled", duration_s=REPLY_S + 1e-3)
    rig.tube.command_off()
    assert rig.sent == [OFF]
    assert not rig.tube.status().hv_enabled


@pytest.mark.parametrize("fault", ["missing", "cut", "garbage"])
def test_a_device_that_answers_nothing_is_off_but_not_said_to_be(rig, fault):
    rig.spoil(fault)
    with pytest.raises(InstrumentError, match="THE BEAM MAY BE ON"):
        rig.tube.command_off()
    assert not rig.is_on
    assert rig.lit_s() < 2 * REPLY_S


def test_a_cable_that_is_out_is_an_error_and_the_device_goes_off_by_itself(rig):
    rig.link.unplug(rig.start_s, FOREVER_S)
    with pytest.raises(InstrumentError, match="THE BEAM MAY BE ON"):
        rig.tube.command_off()
    assert rig.lit_s() <= 2.0  # without a word from its host


def test_high_voltage_that_stays_on_is_found_where_the_off_is_not_acknowledged(rig):
    rig.device.hv_stuck_on(rig.clock.now())
    rig.spoil("missing", duration_s=REPLY_S + 1e-3)
    with pytest.raises(InstrumentError, match="HV enabled"):
        rig.tube.command_off()
    assert rig.is_on


def test_high_voltage_that_stays_on_though_off_was_acknowledged_is_seen_by_who_looks_on(rig):
    rig.device.hv_stuck_on(rig.clock.now())
    rig.tube.command_off()
    rig.clock.sleep(1.0)
    assert rig.tube.status().hv_enabled
    assert not rig.tube.status().is_dark


def test_a_second_off_and_one_of_a_dark_tube_are_harmless(rig):
    for _ in range(2):
        rig.tube.command_off()
    rig.clock.sleep(10.0)
    rig.tube.command_off()
    assert rig.sent == [OFF] * 3
    assert [event.on for event in rig.device.beam_log][-1] is False
    assert not rig.is_on


def test_it_ends_a_warm_up_that_the_tube_does_by_itself(rig):
    rig.tube.safe_off()
    rig.tube.warm_up("daily")
    rig.clock.sleep(1.0)
    assert rig.is_on
    rig.tube.command_off()
    assert not rig.is_on
    with pytest.raises(Refused, match="ended by an off command"):
        rig.tube.warm_up_progress()
    rig.clock.sleep(60.0)
    assert not rig.is_on


def test_the_beam_can_be_set_again_right_after_it(rig):
    rig.tube.command_off()
    rig.tube.set_output(50e3, 150e-6, settle=False)
    assert rig.took_s < 0.5
    assert rig.is_on
    rig.tube.safe_off()
