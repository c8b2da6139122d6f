"""What every driver of a noise analyser must do, in process and over TCP alike."""

import math
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from instruments.agilent35670a import LINE, Agilent35670A, NoiseSettings
from instruments.connect import open_adapter
from instruments.sim.adapter import SimAdapter
from instruments.sim.agilent35670a import SimAgilent35670a
from instruments.sim.faults import Fault
from instruments.sim.link import Link
from instruments.sim.transports import TcpServer
from xraydaq.clock import Clock, JumpingClock, ScaledClock
from xraydaq.errors import InstrumentError, Refused, StoppedByUser

SETTINGS = NoiseSettings(span_hz=1600.0, range_dbvrms=-51, averages=20, lines=400)
DENSITY = 1e-6
ACCURACY = 10 ** (0.15 / 20) - 1  # HP 35670A Technical Specifications: 0.15 dB
NEIGHBOURS = 1 + 2 * (4 / 9 + 1 / 36)  # correlation of the powers of neighbouring lines, Hann window
INDEPENDENT = 0.95  # of the records at 50 % overlap, Hann window


class Source:
    """White noise, a sine and an offset."""

    def __init__(self):
        self.density_v_per_rthz = DENSITY
        self.sine_vrms, self.sine_hz, self.offset_v = 0.0, 400.0, 0.0
        self._rng = np.random.default_rng(11)

    def voltages_v(self, start_s, spacing_s, count):
        times_s = start_s + spacing_s * np.arange(count)
        noise = self._rng.standard_normal(count) * self.density_v_per_rthz / math.sqrt(2 * spacing_s)
        return self.offset_v + noise + math.sqrt(2) * self.sine_vrms * np.sin(2 * math.pi * self.sine_hz * times_s)


@dataclass
class Rig:
    """A driver, and the world behind it."""

    analyser: Agilent35670A
    device: SimAgilent35670a
    source: Source
    link: Link
    clock: Clock
    lines: list[tuple[str, bytes]] = field(default_factory=list)


def build(stack: ExitStack, transport: str, *faults: Fault) -> Rig:
    source, lines = Source(), []
    clock = JumpingClock() if transport == "process" else ScaledClock(10.0)
    device = SimAgilent35670a(source, seed=3)
    link = Link(device, faults=faults, log=lambda _, direction, data: lines.append((direction, data)))
    if transport == "process":
        adapter = SimAdapter(link, clock)
    else:
        adapter = open_adapter(stack.enter_context(TcpServer(link, clock)).resource, LINE)
    analyser = Agilent35670A(adapter, clock=clock)
    stack.callback(analyser.close)
    return Rig(analyser, device, source, link, clock, lines)


@pytest.fixture(params=["process", "tcp"])
def rig(request):
    """No serial line: the instrument's own is for printers and plotters, not for control."""
    with ExitStack() as stack:
        yield build(stack, request.param)


@pytest.fixture
def near():
    """In this process, on simulated time."""
    with ExitStack() as stack:
        yield lambda *faults: build(stack, "process", *faults)


def mean_density(spectrum):
    """Root of the mean power, without the lines that the offset leaks into."""
    return math.sqrt(np.mean(spectrum.density_v_per_rthz[5:] ** 2))


def tolerance(spectrum):
    """Five standard deviations of `mean_density`, and the accuracy of the analyser."""
    records = INDEPENDENT * spectrum.averages
    return 5 * math.sqrt(NEIGHBOURS / (records * (len(spectrum.frequency_hz) - 5))) / 2 + ACCURACY


def test_construction_sends_no_byte(rig):
    assert rig.link.bytes_received == 0


def test_it_says_who_it_is(rig):
    assert rig.analyser.identify().model == "35670A"


def test_configuring_is_understood_word_for_word(rig):
    rig.analyser.configure(SETTINGS)
    assert rig.device.refused == []
    settings = rig.analyser.settings()
    assert float(settings["FREQ:SPAN?"]) == 1600
    assert float(settings["FREQ:STAR?"]) == 0
    assert settings["CALC1:UNIT:VOLT?"] == '"V/RTHZ"'
    assert rig.device.refused == []


def test_the_density_of_white_noise_comes_back(rig):
    rig.analyser.configure(SETTINGS)
    spectrum = rig.analyser.measure()
    assert mean_density(spectrum) == pytest.approx(DENSITY, rel=tolerance(spectrum))
    assert len(spectrum.frequency_hz) == len(spectrum.density_v_per_rthz) == 401
    assert (spectrum.frequency_hz[0], spectrum.frequency_hz[-1]) == (0.0, 1600.0)
    assert not spectrum.overload
    assert rig.device.refused == []


@pytest.mark.parametrize("form", ["real64", "ascii"])
def test_both_formats_carry_the_same_spectrum(near, form):
    rig = near()
    rig.analyser.configure(replace(SETTINGS, format=form))
    spectrum = rig.analyser.measure()
    assert mean_density(spectrum) == pytest.approx(DENSITY, rel=tolerance(spectrum))
    assert rig.device.refused == []


@pytest.mark.parametrize(("window", "bandwidth_error"), [("UNIF", 0.0), ("HANN", 0.0), ("FLAT", 0.01)])
def test_a_tone_on_a_line_has_its_amplitude_by_the_noise_bandwidth(near, window, bandwidth_error):
    """The bandwidth of FLAT is known to two digits: 1 % in power, half of that in voltage."""
    rig = near()
    rig.source.sine_vrms = 1e-3
    rig.analyser.configure(replace(SETTINGS, window=window))
    spectrum = rig.analyser.measure()
    line = round(400.0 / spectrum.spacing_hz)
    amplitude_vrms = spectrum.density_v_per_rthz[line] * math.sqrt(spectrum.enbw_hz)
    # the noise in the same line: its sum with the tone varies by twice the product of the amplitudes
    noise = 5 * DENSITY * math.sqrt(spectrum.enbw_hz) / 1e-3 / math.sqrt(spectrum.averages)
    assert amplitude_vrms == pytest.approx(1e-3, rel=ACCURACY + bandwidth_error + noise)


@pytest.mark.parametrize("span_hz", [12.5, 102400.0])
def test_the_widest_and_a_narrow_span_give_the_same_density(near, span_hz):
    rig = near()
    rig.analyser.configure(replace(SETTINGS, span_hz=span_hz, range_dbvrms=-41))
    spectrum = rig.analyser.measure()
    assert spectrum.frequency_hz[-1] == span_hz
    assert mean_density(spectrum) == pytest.approx(DENSITY, rel=tolerance(spectrum))


def test_a_shorted_input_shows_a_floor_far_below(near):
    rig = near()
    rig.source.density_v_per_rthz = 0.0
    rig.analyser.configure(SETTINGS)
    assert 0 < mean_density(rig.analyser.measure()) < 1e-7


@pytest.mark.parametrize("moment", ["before", "during"])
def test_an_overload_is_flagged_whenever_it_began(near, moment):
    rig = near()
    rig.source.offset_v = 1.0 if moment == "before" else 0.0
    rig.analyser.configure(SETTINGS)
    rig.analyser.start()
    rig.clock.sleep(1.0)
    rig.analyser.finished()
    rig.source.offset_v = 1.0
    while not rig.analyser.finished():
        rig.clock.sleep(0.5)
    assert rig.analyser.fetch().overload


def test_an_overload_that_is_over_does_not_count_in_the_next_spectrum(near):
    rig = near()
    rig.source.offset_v = 1.0
    rig.analyser.configure(SETTINGS)
    assert rig.analyser.measure().overload
    rig.source.offset_v = 0.0
    assert not rig.analyser.measure().overload


def test_an_overload_of_a_range_that_was_left_does_not_count_on_the_next(near):
    rig = near()
    rig.source.offset_v = 1.0
    rig.analyser.configure(replace(SETTINGS, range_dbvrms=-51))
    assert rig.analyser.measure().overload
    rig.analyser.configure(replace(SETTINGS, range_dbvrms=27))
    assert not rig.analyser.measure().overload


def test_the_range_that_is_found_holds_the_signal(near):
    rig = near()
    rig.source.sine_vrms = 0.1
    range_dbvrms = rig.analyser.find_range(SETTINGS)
    # 0.1 V rms is -20 dBVrms; ranges are odd, room is 6 dB, and one step more may be taken by the analyser
    assert -19 + 6 <= range_dbvrms <= -17 + 6
    rig.analyser.configure(replace(SETTINGS, range_dbvrms=range_dbvrms))
    assert not rig.analyser.measure().overload
    assert rig.device.refused == []


def test_a_stop_is_obeyed_and_the_next_spectrum_is_whole(rig):
    rig.analyser.configure(SETTINGS)
    with pytest.raises(StoppedByUser):
        rig.analyser.measure(should_stop=lambda: True)
    with pytest.raises(Refused):
        rig.analyser.fetch()
    spectrum = rig.analyser.measure()
    assert mean_density(spectrum) == pytest.approx(DENSITY, rel=tolerance(spectrum))


def test_a_spectrum_takes_its_records_long(near):
    rig = near()
    rig.analyser.configure(SETTINGS)
    start_s = rig.clock.now()
    rig.analyser.measure()
    shortest_s = SETTINGS.averages * SETTINGS.record_s * 0.5
    assert shortest_s <= rig.clock.now() - start_s <= shortest_s + 5 * SETTINGS.record_s + 1


def test_a_calibration_leaves_automatic_calibration_off(near):
    rig = near()
    rig.analyser.configure(SETTINGS)
    rig.analyser.calibrate()
    assert float(rig.analyser.settings()["CAL:AUTO?"]) == 0
    rig.analyser.measure()
    assert rig.device.refused == []


def test_off_twice_is_harmless_also_before_anything_else(rig):
    for _ in range(2):
        rig.analyser.safe_off()
        rig.analyser.shutdown()
    assert rig.device.refused == []


def test_no_message_is_longer_than_the_input_buffer_or_holds_two_queries(near):
    rig = near()
    rig.analyser.identify()
    rig.analyser.find_range(SETTINGS)
    rig.analyser.configure(SETTINGS)
    rig.analyser.measure()
    rig.analyser.settings()
    rig.analyser.safe_off()
    sent = [data for direction, data in rig.lines if direction == ">"]
    assert max(map(len, sent)) <= 128
    assert max(data.count(b"?") for data in sent) == 1
    assert rig.device.refused == []


@pytest.mark.parametrize("name", ["cut", "late", "garbage", "missing"])
@pytest.mark.parametrize("offset", [1, 5, 9, 14, 30])
def test_a_spoilt_reply_is_an_error_and_the_next_spectrum_is_of_the_present(near, name, offset):
    """Half of a whole number is one, and a late reply may be in time: then the spectrum must be right at once."""
    probe = near()
    probe.analyser.configure(SETTINGS)
    replies = sum(direction == "<" for direction, _ in probe.lines)
    rig = near(Fault(name, replies + offset, replies + offset))
    rig.analyser.configure(SETTINGS)
    failed = False
    for density in (DENSITY, 3 * DENSITY):
        rig.source.density_v_per_rthz = density
        try:
            spectrum = rig.analyser.measure()
        except InstrumentError:
            assert not failed
            failed = True
            continue
        assert mean_density(spectrum) == pytest.approx(density, rel=tolerance(spectrum))
    assert failed or name in ("cut", "late")


@pytest.mark.parametrize("name", ["cut", "garbage", "missing"])
@pytest.mark.parametrize("trace", [1, 2])
def test_a_spoilt_trace_is_never_a_spectrum(near, name, trace):
    probe = near()
    probe.analyser.configure(SETTINGS)
    probe.analyser.measure()
    replies = [data for direction, data in probe.lines if direction == "<"]
    number = [index for index, data in enumerate(replies, start=1) if data.startswith(b"#")][trace - 1]
    rig = near(Fault(name, number, number))
    rig.analyser.configure(SETTINGS)
    with pytest.raises(InstrumentError):
        rig.analyser.measure()
    spectrum = rig.analyser.measure()
    assert mean_density(spectrum) == pytest.approx(DENSITY, rel=tolerance(spectrum))


def test_a_dead_cable_is_an_error_and_shutdown_never_raises(near):
    rig = near(Fault("missing", 1, 10**6))
    with pytest.raises(InstrumentError):
        rig.analyser.configure(SETTINGS)
    with pytest.raises(InstrumentError):
        rig.analyser.safe_off()
    rig.analyser.shutdown()
