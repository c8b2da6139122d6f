"""The client of the bridge against a simulated one: over every transport, and over a bad cable."""

import math
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from instruments.accugold import AT_20_DEGC, AT_22_DEGC, LINE, Air, BridgeDosimeter
from instruments.connect import open_adapter
from instruments.sim.accugold import Digitizer, SimAccuGoldBridge
from instruments.sim.adapter import SimAdapter
from instruments.sim.device import Reply
from instruments.sim.faults import Fault
from instruments.sim.link import Link
from instruments.sim.transports import SerialServer, TcpServer
from instruments.sim.twin.chamber import Chamber
from instruments.wire import accugold as wire
from instruments.wire.accugold import DoseFlag
from xraydaq.clock import Clock, JumpingClock, ScaledClock
from xraydaq.errors import InstrumentError, InstrumentTimeout, LimitError, Refused

RATE_GY_S = 20.3e-6
FAULTS = ("cut", "doubled", "late", "garbage", "missing")


@dataclass
class Rig:
    """A client, the bridge, and the beam that its chamber sees."""

    dosimeter: BridgeDosimeter
    bridge: SimAccuGoldBridge
    link: Link
    clock: Clock
    beam: dict[str, float]

    def air(self):
        room = self.bridge.digitizer.chamber.room
        now_s = self.clock.now()
        return Air(room.temperature_k(now_s), room.pressure_pa(now_s))


def build(stack, transport, *faults):
    beam = {"rate_gy_s": 0.0}
    clock = JumpingClock() if transport == "process" else ScaledClock(20.0)
    chamber = Chamber(lambda start_s, end_s: beam["rate_gy_s"], seed=6)
    bridge = SimAccuGoldBridge(Digitizer(chamber), baud=LINE.baud if transport == "serial" else None)
    link = Link(bridge, faults=faults)
    if transport == "process":
        adapter = SimAdapter(link, clock)
    else:
        server = stack.enter_context((TcpServer if transport == "tcp" else SerialServer)(link, clock))
        adapter = open_adapter(server.resource, LINE)
    dosimeter = BridgeDosimeter(adapter, clock=clock, reference=AT_20_DEGC)
    stack.callback(dosimeter.close)
    return Rig(dosimeter, bridge, link, clock, beam)


@pytest.fixture(params=["process", "tcp", "serial"])
def rig(request):
    with ExitStack() as stack:
        yield build(stack, request.param)


@pytest.fixture
def near():
    """In this process, on simulated time."""
    with ExitStack() as stack:
        yield lambda *faults: build(stack, "process", *faults)


def prepare(rig):
    rig.dosimeter.identify()
    rig.dosimeter.configure(mode="rate", period_s=0.5)
    rig.dosimeter.set_air(rig.air())
    rig.dosimeter.zero()


def measure(rig, rate_gy_s, duration_s=60.0):
    """Measure a beam that is on before and after, as a dosimeter must not be the one to switch it."""
    rig.beam["rate_gy_s"] = rate_gy_s
    rig.clock.sleep(5.0)
    rig.dosimeter.start("test")
    rig.clock.sleep(duration_s)
    reading = rig.dosimeter.read()
    rig.dosimeter.stop()
    return reading


def test_construction_sends_no_byte(rig):
    assert rig.link.bytes_received == 0


def test_it_names_instrument_and_chamber(rig):
    identity = rig.dosimeter.identify()
    assert (identity.manufacturer, identity.model, identity.source) == ("Radcal", "AGDM+", "bridge")
    assert identity.chamber.chamber == "10X6-180"
    assert identity.chamber.calibrated is not None
    assert rig.bridge.refused == []


def test_the_beam_comes_back_as_air_kerma_corrected_once(rig):
    prepare(rig)
    reading = measure(rig, RATE_GY_S, 20.0)
    # 0.02 % recombination and the drift of the air meanwhile; k_TP twice or never would be 1 % and more off
    assert reading.kerma_rate_gy_s == pytest.approx(RATE_GY_S, rel=2e-3)
    assert abs(reading.k_tp - 1) > 0.01
    assert reading.dose_gy == pytest.approx(reading.kerma_rate_gy_s * reading.time_s, rel=1e-9)
    assert reading.air_density_corrected
    assert reading.for_record
    assert rig.bridge.refused == []


def test_a_second_measurement_begins_at_zero(near):
    rig = near()
    prepare(rig)
    first = measure(rig, RATE_GY_S, 20.0)
    second = measure(rig, RATE_GY_S / 10, 20.0)
    assert second.dose_gy == pytest.approx(first.dose_gy / 10, rel=0.2)  # 20 s and up to 3 s of exchanges
    assert second.kerma_rate_gy_s == pytest.approx(RATE_GY_S / 10, rel=5e-3)


def test_without_a_zero_a_reading_is_not_for_record(near):
    rig = near()
    rig.dosimeter.identify()
    rig.dosimeter.set_air(rig.air())
    reading = measure(rig, RATE_GY_S)
    assert DoseFlag.ZERO_MISSING in reading.flags
    assert not reading.for_record


def test_without_the_air_a_reading_of_an_uncorrected_instrument_is_refused(near):
    rig = near()
    with pytest.raises(Refused, match="air"):
        measure(rig, RATE_GY_S)


def test_over_rate_is_unknown(near):
    rig = near()
    prepare(rig)
    reading = measure(rig, 20e-3)
    assert DoseFlag.OVER_RATE in reading.flags
    assert reading.kerma_rate_gy_s != reading.kerma_rate_gy_s
    assert not reading.for_record


def test_a_digitizer_that_is_unplugged_is_an_error_and_not_an_old_value(near):
    rig = near()
    prepare(rig)
    rig.dosimeter.start("x")
    rig.clock.sleep(10.0)
    rig.bridge.set_cables(rig.clock.now(), digitizer=False)
    for look in (rig.dosimeter.read, rig.dosimeter.rate_gy_s):
        with pytest.raises(InstrumentError, match="old value"):
            look()
    rig.dosimeter.shutdown()


def test_a_zero_that_fails_is_an_error(near):
    rig = near()
    rig.dosimeter.identify()
    rig.beam["rate_gy_s"] = RATE_GY_S
    rig.bridge.set_cables(0.0, sensor=False)
    with pytest.raises(InstrumentError):
        rig.dosimeter.zero()


def test_the_settings_change_nothing(rig):
    prepare(rig)
    settings = rig.dosimeter.settings()
    assert settings["CONF? mode"] == "rate"
    assert rig.dosimeter.settings().keys() == settings.keys()
    assert rig.bridge.refused == []


@pytest.mark.parametrize(("mode", "period_s"), [("warp", 1.0), ("rate", 0.05), ("rate", float("nan")), ("rate", 61.0)])
def test_what_the_protocol_has_no_place_for_is_not_sent(near, mode, period_s):
    rig = near()
    with pytest.raises(LimitError):
        rig.dosimeter.configure(mode=mode, period_s=period_s)
    assert rig.link.bytes_received == 0


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("offset", range(3))
def test_a_spoilt_answer_is_asked_again_and_no_reading_is_of_another_beam(near, name, offset):
    """Each measurement has a rate of its own, so that a stale answer gives itself away."""
    probe = near()
    prepare(probe)
    before = probe.link._line.count
    rig = near(Fault(name, before + 2 + offset, before + 2 + offset))
    prepare(rig)
    failed = 0
    for index in range(1, 7):
        try:
            reading = measure(rig, index * 1e-6)
        except InstrumentError:
            failed += 1
            continue
        assert reading.kerma_rate_gy_s == pytest.approx(index * 1e-6, rel=0.01)
    assert failed <= 1
    assert failed + rig.dosimeter.retries >= 1 or name == "doubled"


def test_a_dead_line_is_an_error_and_shutdown_does_not_raise(near):
    rig = near(Fault("missing", 0, 10**6))
    with pytest.raises(InstrumentTimeout):
        rig.dosimeter.identify()
    with pytest.raises(InstrumentTimeout):
        rig.dosimeter.safe_off()
    rig.dosimeter.shutdown()


class Told:
    """A bridge that answers each verb with what it was told to, else with a bare OK."""

    terminator = b"\n"
    baud = None
    keeps_unread = True

    def __init__(self, **answers):
        self.answers = answers
        self._cutter = wire.LineCutter()
        self._replies = []

    def receive(self, data, now_s):
        for line in self._cutter.feed(data):
            request, _ = wire.parse_request(line)
            answer = self.answers.get(request.verb, {})
            if isinstance(answer, int):
                text = wire.format_answer(wire.Err(request.request_id, answer, "no"))
            else:
                text = wire.format_answer(wire.Ok(request.request_id, answer))
            self._replies.append(Reply(text.encode() + b"\n", now_s))

    def replies(self, now_s):
        found, self._replies = self._replies, []
        return found

    def next_s(self):
        return None

    def clear(self, now_s):
        self._replies.clear()

    def serial_poll(self, now_s):
        return 0

    def unread(self, now_s):
        pass

    def unasked(self, now_s):
        pass


@pytest.fixture
def told():
    with ExitStack() as stack:

        def make(reference=AT_20_DEGC, **answers):
            clock = JumpingClock()
            dosimeter = BridgeDosimeter(SimAdapter(Link(Told(**answers)), clock), clock=clock, reference=reference)
            stack.callback(dosimeter.close)
            return dosimeter

        yield make


@pytest.mark.parametrize("code", [wire.NOT_NOW, wire.NOT_SUPPORTED])
def test_nothing_to_stop_is_off(told, code):
    told(STOP=code).safe_off()


@pytest.mark.parametrize("code", [wire.BUSY, wire.ZERO_FIRST, wire.BACKEND])
def test_a_stop_that_is_refused_for_another_reason_is_an_error(told, code):
    with pytest.raises(InstrumentError):
        told(STOP=code).safe_off()


@pytest.mark.parametrize("eta_s", ["-1", "601", "1e4"])
def test_a_zero_that_takes_an_impossible_time_is_not_waited_for(told, eta_s):
    with pytest.raises(InstrumentError, match="would take"):
        told(ZERO={"eta_s": eta_s}).zero()


@pytest.mark.parametrize("reference", [AT_20_DEGC, AT_22_DEGC])
@pytest.mark.parametrize(
    "answer",
    [{"t_ref_C": "20.06"}, {"t_ref_C": "21.94"}, {"p_ref_kPa": "101.3"}, {"t_ref_C": "0.0", "p_ref_kPa": "101.325"}],
)
def test_a_bridge_of_another_reference_is_refused(told, reference, answer):
    with pytest.raises(InstrumentError, match="refers to"):
        told(reference, ENV=answer).set_air(Air(295.0, 99e3))


@pytest.mark.parametrize(
    ("reference", "answer"),
    [
        (AT_20_DEGC, {"t_ref_C": "20.0", "p_ref_kPa": "101.325"}),
        (AT_22_DEGC, {"t_ref_C": "22.0", "p_ref_kPa": "101.33"}),
        (AT_22_DEGC, {}),
        (AT_22_DEGC, wire.NOT_SUPPORTED),
        (None, {"t_ref_C": "0.0"}),
    ],
)
def test_the_same_reference_or_none_is_taken(told, reference, answer):
    told(reference, ENV=answer).set_air(Air(295.0, 99e3))


def test_the_mere_rate_is_nan_over_rate(told):
    measured = {"n": "1", "rate_Gy_s": "4.9E-03", "flags": "0002"}
    assert math.isnan(told(**{"READ?": measured}).rate_gy_s())
