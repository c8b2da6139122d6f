"""What every driver of a preamplifier that cannot answer must do, in process, over TCP and over a serial line."""

import itertools
from bisect import bisect_right
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace

import numpy as np
import pytest

from instruments.connect import open_adapter
from instruments.sim.adapter import SimAdapter
from instruments.sim.link import Link
from instruments.sim.sr570 import SimSr570
from instruments.sim.transports import SerialServer, TcpServer
from instruments.sr570 import LINE, Sr570, Sr570Settings
from xraydaq.clock import Clock, JumpingClock, ScaledClock
from xraydaq.errors import LimitError, Refused

SETTINGS = Sr570Settings(
    sensitivity_a_v=1e-8, gain_mode="high_bandwidth", filter="low_pass_12db", low_pass_hz=100.0, bias_v=0.5
)
AS_SET = {
    "sensitivity": 12,
    "gain_mode": 1,
    "filter_type": 4,
    "low_pass": 7,
    "high_pass": 0,
    "bias_on": True,
    "bias_mv": 500,
    "offset_on": False,
    "inverted": False,
    "blanked": False,
    "vernier_on": False,
    "offset_vernier_on": False,
}
RESISTANCE_OHM = 1e9
SETTLED_S = 0.5


class Resistor:
    """The sample: a resistance, and what the bias on it was at any time."""

    def __init__(self):
        self.times_s, self.levels_v = [-1e9], [0.0]

    def set_bias(self, time_s, bias_v):
        place = bisect_right(self.times_s, time_s)
        self.times_s.insert(place, time_s)
        self.levels_v.insert(place, bias_v)

    def currents_a(self, start_s, spacing_s, count):
        times_s = start_s + spacing_s * np.arange(count)
        places = np.searchsorted(self.times_s, times_s, side="right") - 1
        return np.array(self.levels_v)[places] / RESISTANCE_OHM

    @property
    def bias_v(self):
        return self.levels_v[-1]

    @property
    def worst_v(self):
        return max(abs(level_v) for level_v in self.levels_v)


@dataclass
class Rig:
    """A driver, and the world behind it."""

    preamplifier: Sr570
    device: SimSr570
    sample: Resistor
    link: Link
    clock: Clock
    lines: list[tuple[str, bytes]] = field(default_factory=list)

    def output_v(self):
        """A voltmeter at the output: the mean of 0.2 s."""
        now_s = self.clock.now()
        self.clock.sleep(0.2)
        return float(np.mean(self.device.voltages_v(now_s, 1e-3, 200)))

    def state(self):
        """The device, when the last byte is through a line that is faster than the clock of this computer."""
        self.clock.sleep(SETTLED_S)
        self.device.advance(self.clock.now())
        return asdict(self.device.state)


def build(stack: ExitStack, transport: str, **options) -> Rig:
    sample, lines = Resistor(), []
    clock = JumpingClock() if transport == "process" else ScaledClock(10.0)
    device = SimSr570(sample, seed=7)
    link = Link(device, log=lambda _, direction, data: lines.append((direction, data)))
    if transport == "process":
        adapter = SimAdapter(link, clock)
    else:
        server = stack.enter_context((TcpServer if transport == "tcp" else SerialServer)(link, clock))
        adapter = open_adapter(server.resource, LINE)
    preamplifier = Sr570(adapter, clock=clock, max_bias_v=2.0, **options)
    stack.callback(preamplifier.close)
    return Rig(preamplifier, device, sample, link, clock, lines)


@pytest.fixture(params=["process", "tcp", "serial"])
def rig(request):
    with ExitStack() as stack:
        yield build(stack, request.param)


@pytest.fixture
def near():
    """In this process, on simulated time."""
    with ExitStack() as stack:
        yield lambda **options: build(stack, "process", **options)


def test_construction_identity_and_settings_send_no_byte(rig):
    assert "cannot answer" in rig.preamplifier.identify().model
    assert rig.preamplifier.settings() == {"confidence": "unknown"}
    assert rig.link.bytes_received == 0


def test_everything_is_set_whatever_it_was_and_nothing_is_refused(rig):
    assert rig.state()["sensitivity"] != AS_SET["sensitivity"]
    rig.preamplifier.configure(SETTINGS)
    assert AS_SET.items() <= rig.state().items()
    assert rig.device.refused == []
    assert rig.preamplifier.confidence == "assumed"
    assert rig.sample.bias_v == 0.5


def test_a_known_current_comes_out_as_it_should(rig):
    """Gain 0.5 % and offset 10 mV are the data sheet's; a step takes the offset away."""
    rig.preamplifier.configure(SETTINGS)
    witness = rig.preamplifier.witness_gain(rig.output_v, resistance_ohm=RESISTANCE_OHM, step_v=0.5)
    assert abs(witness.expected_v) == pytest.approx(0.05)
    assert witness.agrees
    assert rig.preamplifier.confidence == "witnessed"
    assert rig.state()["bias_mv"] == 500
    assert rig.device.refused == []


def test_off_is_off_and_twice_is_harmless(rig):
    rig.preamplifier.configure(SETTINGS)
    for _ in range(2):
        rig.preamplifier.safe_off()
        state = rig.state()
        assert (state["bias_on"], state["bias_mv"], state["blanked"]) == (False, 0, True)
        assert rig.sample.bias_v == 0
        rig.preamplifier.shutdown()
    assert rig.device.refused == []


def test_it_works_again_after_it_was_off(rig):
    rig.preamplifier.configure(SETTINGS)
    rig.preamplifier.safe_off()
    rig.preamplifier.configure(replace(SETTINGS, bias_v=None))
    state = rig.state()
    assert (state["bias_on"], state["blanked"]) == (False, False)


@pytest.mark.parametrize("bias_v", [2.001, -2.001, float("nan"), float("inf")])
def test_a_bias_over_the_limit_never_reaches_the_sample(near, bias_v):
    rig = near()
    rig.preamplifier.configure(replace(SETTINGS, bias_v=None))
    sent = rig.link.bytes_received
    with pytest.raises(LimitError):
        rig.preamplifier.set_bias(bias_v)
    with pytest.raises(LimitError):
        rig.preamplifier.configure(replace(SETTINGS, bias_v=bias_v))
    assert rig.link.bytes_received == sent
    assert rig.sample.worst_v == 0


def test_no_bias_but_the_one_asked_for_ever_reaches_the_sample(near):
    """The instrument comes up with another bias in its memory; switching it on before writing it would apply that."""
    rig = near()
    rig.preamplifier.configure(SETTINGS)
    rig.preamplifier.configure(replace(SETTINGS, bias_v=-0.25, offset_a=5e-3))
    rig.state()
    assert set(rig.sample.levels_v) == {0.0, 0.5, -0.25}


def test_no_query_ever_leaves_the_driver(near):
    rig = near()
    rig.preamplifier.configure(SETTINGS)
    for name in sorted(set(dir(type(rig.preamplifier))) - set(dir(object))):
        if name.startswith("_") or name == "close":
            continue
        try:
            member = getattr(rig.preamplifier, name)
            if callable(member):
                member()
        except (TypeError, Refused):  # most members want arguments; only the wire is looked at
            continue
    sent = b"".join(data for _, data in rig.lines)
    assert b"?" not in sent
    assert rig.device.refused == []


def test_a_lost_byte_anywhere_in_a_first_copy_does_no_harm(near):
    probe = near()
    probe.preamplifier.configure(SETTINGS)
    wanted = probe.state()
    ends = list(itertools.accumulate(len(data) for _, data in probe.lines))
    for start, end in zip([0, *ends[1::2]], ends[::2], strict=False):
        for place in {start, (start + end) // 2, end - 3}:
            rig = near()
            rig.device = losing(rig, place)
            rig.preamplifier.configure(SETTINGS)
            assert rig.state() == wanted, f"byte {place}"


def losing(rig, place):
    """Lose the byte number `place` on the line."""
    receive, device = rig.device.receive, rig.device
    count = itertools.count()

    def lossy(data, now_s):
        kept = bytes(byte for byte in data if next(count) != place)
        receive(kept, now_s)

    device.receive = lossy
    return device


def test_a_knob_turned_by_hand_is_noticed_by_the_witness(near):
    rig = near()
    rig.preamplifier.configure(SETTINGS)
    rig.device.turn_knobs(rig.clock.now(), sensitivity=13)
    rig.clock.sleep(5)
    witness = rig.preamplifier.witness_gain(rig.output_v, resistance_ohm=RESISTANCE_OHM, step_v=0.5)
    assert abs(witness.ratio) == pytest.approx(0.5, rel=0.02)
    assert rig.preamplifier.confidence == "unknown"
    rig.preamplifier.configure(SETTINGS)
    assert AS_SET.items() <= rig.state().items()
