"""pymeasure's own SR570 driver drives the simulated preamplifier, and its mistakes show as what they would do."""

from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import pytest
from pymeasure.instruments.srs import SR570

from instruments.connect import open_adapter
from instruments.sim.adapter import SimAdapter
from instruments.sim.link import Link
from instruments.sim.sr570 import SimSr570
from instruments.sim.transports import SerialServer
from instruments.sr570 import LINE
from xraydaq.clock import Clock, JumpingClock, ScaledClock

pytestmark = pytest.mark.filterwarnings("ignore:It is not known whether:FutureWarning")

LINE_S = 1.0
"""More than the line needs for all commands of a test."""


class Sample:
    """Remembers the bias it was given."""

    def __init__(self):
        self.levels_v = [0.0]

    def set_bias(self, _time_s, bias_v):
        self.levels_v.append(bias_v)

    def currents_a(self, _start_s, _spacing_s, count):
        return np.zeros(count)

    @property
    def bias_v(self):
        return self.levels_v[-1]


@dataclass
class Rig:
    """A driver that this project did not write, and the world behind it."""

    amplifier: SR570
    device: SimSr570
    sample: Sample
    clock: Clock

    def state(self):
        self.clock.sleep(LINE_S)
        self.device.advance(self.clock.now())
        return self.device.state


def build(stack, transport):
    clock = JumpingClock() if transport == "process" else ScaledClock(10.0)
    sample = Sample()
    device = SimSr570(sample, seed=2)
    link = Link(device)
    if transport == "process":
        adapter = SimAdapter(link, clock)
    else:
        adapter = open_adapter(stack.enter_context(SerialServer(link, clock)).resource, LINE)
        stack.callback(adapter.close)
    return Rig(SR570(adapter), device, sample, clock)


@pytest.fixture(params=["process", "serial"])
def rig(request):
    with ExitStack() as stack:
        rig = build(stack, request.param)
        yield rig
        assert rig.device.refused == []


@pytest.fixture
def near():
    with ExitStack() as stack:
        rig = build(stack, "process")
        yield rig
        assert rig.device.refused == []


def test_what_it_sets_right_is_in_force(rig):
    amplifier = rig.amplifier
    amplifier.sensitivity = 1e-8
    amplifier.gain_mode = "Low Drift"
    amplifier.filter_type = "12dB Lowpass"
    amplifier.low_freq = 100
    amplifier.high_freq = 0.03
    amplifier.bias_level = 0.5
    amplifier.enable_bias()
    amplifier.signal_inverted = False
    amplifier.offset_current_sign = "negative"
    amplifier.enable_offset_current()
    amplifier.clear_overload()
    amplifier.blank_front()
    state = rig.state()
    assert (state.sensitivity, state.gain_mode, state.filter_type) == (12, 2, 4)
    assert (state.low_pass, state.high_pass) == (7, 0)
    assert (state.bias_on, state.bias_mv, rig.sample.bias_v) == (True, 500, 0.5)
    assert (state.inverted, state.blanked) == (False, True)
    assert (state.offset_on, state.offset_positive) == (True, False)
    amplifier.disable_bias()
    assert not rig.state().bias_on
    assert rig.sample.bias_v == 0


def test_its_offset_current_goes_to_the_bias_of_the_sample(near):
    near.amplifier.bias_level = 0.5
    near.amplifier.enable_bias()
    before = near.state()
    assert near.sample.bias_v == 0.5
    near.amplifier.offset_current = 1e-9
    after = near.state()
    assert after.offset_level == before.offset_level
    # the index of 1 nA among the offsets, taken for millivolts
    assert near.sample.bias_v == pytest.approx(9e-3)
    near.amplifier.offset_current = 5e-3
    assert near.state().offset_level == before.offset_level
    assert near.sample.bias_v == pytest.approx(29e-3)


@pytest.mark.parametrize("misspelt", ["6dB lowpass", "lowpass", "6 dB Lowpass ", "None"])
def test_a_misspelt_filter_is_another_filter_without_a_word(near, misspelt):
    near.amplifier.filter_type = "12dB Highpass"
    assert near.state().filter_type == 1
    near.amplifier.filter_type = misspelt
    assert near.state().filter_type != 1


def test_a_lower_case_letter_switches_the_filter_off(near):
    near.amplifier.filter_type = "6dB Lowpass"
    assert near.state().filter_type == 3
    near.amplifier.filter_type = "6dB lowpass"
    assert near.state().filter_type == 5


@pytest.mark.parametrize(("asked", "step"), [(3e-9, 11), (1.01e-9, 10), (1e-2, 27), (0.0, 0)])
def test_a_sensitivity_it_does_not_have_is_rounded_in_silence(near, asked, step):
    near.amplifier.sensitivity = asked
    assert near.state().sensitivity == step


@pytest.mark.parametrize(("asked_v", "found_v"), [(9.0, 5.0), (-9.0, -5.0), (1.001, 1.000), (0.0009, 0.0)])
def test_a_bias_it_cannot_set_is_clipped_and_one_it_can_is_cut_off_below_the_millivolt(near, asked_v, found_v):
    near.amplifier.enable_bias()
    near.amplifier.bias_level = asked_v
    near.state()
    assert near.sample.bias_v == pytest.approx(found_v, abs=1e-9)


def test_its_shutdown_leaves_the_bias_on(near):
    near.amplifier.bias_level = 0.5
    near.amplifier.enable_bias()
    near.amplifier.shutdown()
    assert near.state().bias_on
    assert near.sample.bias_v == 0.5
