"""What every driver of a temperature controller must do, in process, over TCP and over a serial line alike."""

import math
from contextlib import ExitStack
from dataclasses import dataclass, replace

import pytest

from instruments.connect import open_adapter
from instruments.lakeshore335 import (
    LINE,
    ControlSettings,
    HeaterRange,
    LakeShore335,
    StabilityCriterion,
    StabilityWatch,
)
from instruments.sim.adapter import SimAdapter
from instruments.sim.faults import Fault
from instruments.sim.lakeshore335 import SimLakeShore335
from instruments.sim.link import Link
from instruments.sim.transports import SerialServer, TcpServer
from xraydaq.clock import Clock, JumpingClock, ScaledClock
from xraydaq.errors import InstrumentError, LimitError, Refused

BAUD = 57600
START_K = 295.0
SETTINGS = ControlSettings(HeaterRange.HIGH, proportional=20.0, integral=20.0)
TERMINAL_LINE = replace(LINE, data_bits=8, parity="none")
"""A pseudo-terminal has neither parity nor seven bits and refuses both (Linux, pty(7))."""

FAULTS = ("cut", "doubled", "late", "garbage", "missing")


class Block:
    """A block of metal on a cold finger: one heat capacity, one conductance, exact between changes of the power."""

    capacity_j_k, conductance_w_k, cold_k = 80.0, 0.25, 220.0
    fall_k_s = conductance_w_k * (START_K - cold_k) / capacity_j_k
    """How fast it cools at most."""

    def __init__(self):
        self.time_s = 0.0
        self.block_k = START_K
        self.power_w = 0.0
        self.most_w = 0.0

    def sensor_k(self, time_s):
        final_k = self.cold_k + self.power_w / self.conductance_w_k
        share = math.exp(-(time_s - self.time_s) * self.conductance_w_k / self.capacity_j_k)
        self.block_k = final_k + (self.block_k - final_k) * share
        self.time_s = time_s
        return self.block_k

    def set_heater_w(self, time_s, power_w):
        self.sensor_k(time_s)
        self.power_w = power_w
        self.most_w = max(self.most_w, power_w)


@dataclass
class Rig:
    """A driver, and the world behind it."""

    controller: LakeShore335
    device: SimLakeShore335
    block: Block
    link: Link
    clock: Clock


def build(stack, transport, *faults, model="335", speed=10.0, **options):
    block = Block()
    clock = JumpingClock() if transport == "process" else ScaledClock(speed)
    device = SimLakeShore335(block, seed=4, baud=None if transport == "tcp" else BAUD, model=model, **options)
    link = Link(device, faults=faults)
    if transport == "process":
        adapter = SimAdapter(link, clock)
    else:
        server = stack.enter_context((TcpServer if transport == "tcp" else SerialServer)(link, clock))
        adapter = open_adapter(server.resource, TERMINAL_LINE if transport == "serial" else LINE)
    controller = LakeShore335(adapter, clock=clock, max_temperature_k=345.0, min_temperature_k=230.0)
    stack.callback(controller.close)
    return Rig(controller, device, block, link, clock)


@pytest.fixture(params=["process", "tcp", "serial"])
def rig(request):
    with ExitStack() as stack:
        yield build(stack, request.param)


@pytest.fixture
def near():
    """In this process, on simulated time."""
    with ExitStack() as stack:
        yield lambda *faults, **options: build(stack, "process", *faults, **options)


def take(rig, count):
    for _ in range(count):
        rig.controller.read()


def test_construction_sends_no_byte(rig):
    assert rig.link.bytes_received == 0


def test_it_says_who_it_is(rig):
    identity = rig.controller.identify()
    assert identity.manufacturer == "LSCI"
    assert identity.model == "MODEL335"
    assert rig.device.refused == []


def test_configuring_leaves_the_heater_off_and_nothing_is_refused(rig):
    rig.controller.configure(SETTINGS)
    assert rig.controller.heater_range is HeaterRange.OFF
    assert rig.block.most_w == 0
    assert rig.device.refused == []
    assert rig.controller.settings()["OUTMODE? 1"].replace("+", "") == "1,1,0"


def test_the_line_is_the_one_of_the_usb_port():
    assert (LINE.baud, LINE.data_bits, LINE.parity, LINE.stop_bits) == (57600, 7, "odd", 1)


def test_a_reading_is_the_temperature_of_the_stage(rig):
    reading = rig.controller.read()
    assert reading.good
    # five standard deviations of the sensor noise, its drift, one step of the display, and one update of the reading
    tolerance_k = 5 * 5e-3 + 4 * 2e-3 + 1e-3 + 0.1 * Block.fall_k_s
    assert abs(reading.temperature_k - rig.block.block_k) <= tolerance_k


def test_a_ramp_sets_out_from_the_present_temperature_and_heats(rig):
    rig.controller.configure(SETTINGS)
    rig.controller.start_ramp(305.0, 10.0)
    assert rig.controller.ramping
    first_k = rig.controller.setpoint_k
    rig.clock.sleep(6.0)
    second_k = rig.controller.setpoint_k
    assert second_k - first_k >= 1.0 - 2e-3  # 10 K/min for 6 s or more, both shown in millikelvin
    assert rig.block.cold_k < first_k < second_k <= 305.0
    assert rig.controller.target_k == 305.0
    assert rig.controller.heater_percent > 0
    rig.controller.read()
    assert rig.block.most_w > 0
    assert rig.device.refused == []


def test_off_is_off_and_twice_is_harmless(rig):
    rig.controller.configure(SETTINGS)
    rig.controller.start_ramp(305.0, 10.0)
    rig.clock.sleep(3.0)
    for _ in range(2):
        rig.controller.safe_off()
        assert rig.block.power_w == 0
        rig.controller.shutdown()
    assert rig.controller.heater_range is HeaterRange.OFF
    assert rig.device.refused == []


def test_the_settings_are_a_snapshot_that_changes_nothing(rig):
    rig.controller.configure(SETTINGS)
    settings = rig.controller.settings()
    assert len(settings) > 8
    assert all("?" in query and reply for query, reply in settings.items())
    assert rig.controller.settings() == settings
    assert rig.device.refused == []


def test_a_loop_brings_the_stage_to_its_target_and_is_called_stable_when_it_is(near):
    rig = near()
    rig.controller.configure(SETTINGS)
    rig.controller.start_ramp(300.0, 2.0)
    criterion = StabilityCriterion(0.1, 60.0, 0.03, 0.1, dwell_s=30.0, crystal_lag_s=25.0)
    watch = StabilityWatch(criterion, 300.0)
    deadline_s = rig.clock.now() + 3600.0
    while rig.clock.now() < deadline_s:
        rig.clock.sleep(1.0)
        ramping = rig.controller.ramping
        reading = rig.controller.read()
        if watch.feed(reading.time_s, reading.temperature_k, good=reading.good, ramping=ramping).stable:
            break
    # the ramp of 5 K at 2 K/min, then window and dwell or five lags at least
    assert rig.clock.now() >= 150.0 + 125.0
    assert rig.clock.now() < deadline_s
    assert abs(rig.block.sensor_k(rig.clock.now()) - 300.0) <= 0.1 + 5 * 5e-3
    assert rig.controller.retries == 0
    assert rig.device.refused == []


@pytest.mark.parametrize("target_k", [345.5, 229.5, float("nan"), float("inf")])
def test_a_target_over_the_limit_never_reaches_the_wire(near, target_k):
    rig = near()
    rig.controller.configure(SETTINGS)
    sent = rig.link.bytes_received
    with pytest.raises(LimitError):
        rig.controller.start_ramp(target_k, 2.0)
    assert rig.link.bytes_received == sent
    assert rig.block.most_w == 0


def test_a_live_heater_is_not_reconfigured(near):
    rig = near()
    rig.controller.configure(SETTINGS)
    rig.controller.start_ramp(300.0, 2.0)
    with pytest.raises(Refused):
        rig.controller.configure(SETTINGS)


def test_another_personality_is_refused_before_anything_heats(near):
    rig = near(model="331")
    with pytest.raises(InstrumentError, match="331"):
        rig.controller.configure(SETTINGS)
    rig.controller.shutdown()
    assert rig.block.most_w == 0


def test_the_336_speaks_the_same_words(near):
    rig = near(model="336")
    rig.controller.configure(SETTINGS)
    rig.controller.start_ramp(300.0, 2.0)
    assert rig.controller.read().good
    assert rig.device.refused == []


def test_the_first_message_after_idle_time_may_be_lost(near):
    rig = near(stumbles_after_idle_s=10.0)
    rig.controller.configure(SETTINGS)
    rig.clock.sleep(100.0)
    rig.controller.start_ramp(300.0, 2.0)
    rig.clock.sleep(100.0)
    assert rig.controller.read().good
    rig.clock.sleep(100.0)
    rig.controller.safe_off()
    assert rig.block.power_w == 0


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("offset", range(4))
def test_a_spoilt_reply_is_asked_again_and_no_reading_is_of_the_past(near, name, offset):
    """The stage cools by some millikelvin per reading; a stale reading would be of 20 s ago, 1 K off."""
    rig = near(Fault(name, 3 + offset, 3 + offset), noise_k=0.0, drift_k=0.0)
    failed = 0
    for _ in range(20):
        rig.clock.sleep(20.0)
        try:
            reading = rig.controller.read()
        except InstrumentError:
            failed += 1
            continue
        # the exchange may take two timeouts; the block cools by at most 0.23 K/s
        assert abs(reading.temperature_k - rig.block.sensor_k(rig.clock.now())) <= 3.0 * Block.fall_k_s + 1e-3
    assert failed <= 1
    assert failed + rig.controller.retries >= 1 or name == "doubled"


def test_a_dead_cable_is_an_error_and_off_is_written_all_the_same(near):
    rig = near(Fault("missing", 60, 10**6))
    rig.controller.configure(SETTINGS)
    rig.controller.start_ramp(320.0, 10.0)
    with pytest.raises(InstrumentError):
        take(rig, 100)
    with pytest.raises(InstrumentError, match="MAY BE ON"):
        rig.controller.safe_off()
    rig.device.replies(rig.clock.now())
    assert rig.block.power_w == 0
    rig.controller.shutdown()
