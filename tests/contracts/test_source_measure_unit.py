"""What every driver of a source-measure unit must do, in process, over TCP and over a serial line alike."""

from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np
import pytest

from instruments.connect import open_adapter
from instruments.keithley2400 import LINE, Keithley2400, SourceVoltageSettings
from instruments.sim.adapter import SimAdapter
from instruments.sim.faults import Fault
from instruments.sim.keithley2400 import SimKeithley2400
from instruments.sim.link import Link
from instruments.sim.transports import SerialServer, TcpServer
from tests.sim.keithley2400.conftest import Resistor
from xraydaq.clock import JumpingClock, ScaledClock
from xraydaq.errors import InstrumentError, LimitError, Refused

SETTINGS = SourceVoltageSettings(
    source_range_v=5.0, current_range_a=1e-6, compliance_a=5e-5, nplc=0.1, line_frequency_hz=50.0
)
BAUD = 57600
FAULTS = ("cut", "doubled", "late", "garbage", "missing")


@dataclass
class Rig:
    """A driver, and the world behind it."""

    smu: Keithley2400
    device: SimKeithley2400
    load: Resistor
    link: Link
    lines: list[tuple[str, bytes]] = field(default_factory=list)

    def sent(self) -> str:
        return b"".join(data for direction, data in self.lines if direction == ">").decode("latin-1").upper()


def build(stack: ExitStack, transport: str, *faults: Fault) -> Rig:
    load, lines = Resistor(), []
    clock = JumpingClock() if transport == "process" else ScaledClock(10.0)
    device = SimKeithley2400(load, seed=5, baud=BAUD if transport == "serial" else None)
    link = Link(device, faults=faults, log=lambda _, direction, data: lines.append((direction, data)))
    if transport == "process":
        adapter = SimAdapter(link, clock)
    else:
        server = stack.enter_context((TcpServer if transport == "tcp" else SerialServer)(link, clock))
        adapter = open_adapter(server.resource, LINE, baud=BAUD)
    smu = Keithley2400(adapter, clock=clock, max_bias_v=10.0)
    stack.callback(smu.close)
    return Rig(smu, device, load, link, lines)


@pytest.fixture(params=["process", "tcp", "serial"])
def rig(request):
    with ExitStack() as stack:
        yield build(stack, request.param)


@pytest.fixture
def near():
    """In this process, on simulated time."""
    with ExitStack() as stack:
        yield lambda *faults: build(stack, "process", *faults)


def turn_on(smu, bias_v=5.0):
    smu.configure(SETTINGS)
    smu.bias_v = bias_v
    smu.output_enabled = True


def take(smu, count):
    for _ in range(count):
        smu.read()


def test_construction_sends_no_byte(rig):
    assert rig.link.bytes_received == 0


def test_it_says_who_it_is(rig):
    identity = rig.smu.identify()
    assert (identity.model, identity.serial) == ("MODEL 2400", "1234567")


def test_configuring_leaves_the_output_off_and_nothing_is_refused(rig):
    rig.smu.configure(SETTINGS)
    assert not rig.smu.output_enabled
    assert rig.load.bias_v == 0
    assert rig.smu.read_errors() == ()
    assert rig.device.refused == []
    settings = rig.device.instrument.settings
    assert settings.functions == ("CURR",)
    assert (settings.volt.range.name, settings.volt.range_auto) == (20.0, False)
    assert (settings.sense_curr.range.name, settings.sense_curr.range_auto) == (1e-6, False)
    assert (settings.volt.protection, settings.nplc) == (5e-5, 0.1)
    assert (settings.filter, settings.autozero, settings.remote_sense) == (False, False, False)


def test_a_bias_reaches_the_crystal_and_its_current_comes_back(rig):
    turn_on(rig.smu)
    assert rig.load.bias_v == pytest.approx(5.0, rel=1e-3)
    reading = rig.smu.read()
    assert reading.current_a == pytest.approx(50e-9, rel=0.05)
    assert reading.voltage_v == 5.0
    assert not reading.in_compliance
    assert rig.smu.bias_v == 5.0
    assert rig.device.refused == []


def test_compliance_is_seen_in_its_reading(rig):
    turn_on(rig.smu)
    rig.load.siemens = 1e-3
    assert rig.smu.read().in_compliance
    rig.load.siemens = 1e-8
    assert not rig.smu.read().in_compliance


def test_off_is_off_and_twice_is_harmless(rig):
    turn_on(rig.smu)
    for _ in range(2):
        rig.smu.safe_off()
        assert rig.load.bias_v == 0
        rig.smu.shutdown()
    assert not rig.device.instrument.settings.output
    assert rig.device.refused == []


def test_a_burst_of_readings_has_time_stamps(rig):
    turn_on(rig.smu)
    readings = rig.smu.burst(50)
    times_s = np.array([reading.time_s for reading in readings])
    assert len(readings) == 50
    assert np.all(np.diff(times_s) > 0)
    assert [reading.current_a for reading in readings] == pytest.approx([50e-9] * 50, rel=0.05)
    assert rig.device.refused == []


def test_a_sweep_goes_through_its_levels_and_leaves_a_fixed_source(rig):
    turn_on(rig.smu, 0.0)
    levels_v = [0.0, 1.0, -2.0, 3.0]
    readings = rig.smu.sweep(levels_v)
    assert [reading.voltage_v for reading in readings] == levels_v
    linear = rig.smu.linear_sweep(0.0, 2.0, 5)
    assert [reading.voltage_v for reading in linear] == [0.0, 0.5, 1.0, 1.5, 2.0]
    assert rig.device.instrument.settings.volt.mode == "FIX"
    assert rig.device.refused == []
    assert rig.smu.read_errors() == ()


def test_the_settings_are_a_snapshot_that_changes_nothing(rig):
    turn_on(rig.smu)
    before = rig.load.bias_v
    settings = rig.smu.settings()
    assert len(settings) > 15
    assert all(command.endswith("?") and reply for command, reply in settings.items())
    assert rig.load.bias_v == before
    assert rig.device.refused == []


@pytest.mark.parametrize("bias_v", [10.1, -10.1, float("nan"), float("inf")])
def test_a_bias_over_the_limit_never_reaches_the_wire(near, bias_v):
    rig = near()
    turn_on(rig.smu, 0.0)
    sent = rig.link.bytes_received
    with pytest.raises(LimitError):
        rig.smu.bias_v = bias_v
    for act in (lambda: rig.smu.sweep([0.0, bias_v]), lambda: rig.smu.linear_sweep(0.0, bias_v, 5)):
        with pytest.raises(LimitError):
            act()
    assert rig.link.bytes_received == sent
    assert rig.load.bias_v == 0


def test_a_level_found_above_the_limit_can_be_lowered_and_nothing_else(near):
    rig = near()
    for command in (":SOUR:VOLT:RANG 200", ":SOUR:VOLT -150", ":OUTP ON"):
        rig.link.send(command.encode() + rig.device.terminator, 0.0)
    assert rig.load.bias_v == pytest.approx(-150, rel=1e-3)
    for refused_v in (-151.0, 100.0, 10.1, float("nan"), float("-inf")):
        with pytest.raises(LimitError):
            rig.smu.lower_bias(refused_v)
    assert rig.load.bias_v == pytest.approx(-150, rel=1e-3)
    for level_v in (-150.0, -149.9033333, -149.9033333, -40.0, -9.0, 0.0):
        rig.smu.lower_bias(level_v)
        assert rig.load.bias_v == pytest.approx(level_v, rel=1e-3, abs=1e-2)
    with pytest.raises(LimitError):
        rig.smu.lower_bias(-10.1)
    assert rig.device.refused == []


def test_a_live_output_is_not_reconfigured(near):
    rig = near()
    turn_on(rig.smu)
    with pytest.raises((Refused, InstrumentError)):
        rig.smu.configure(SETTINGS)
    assert rig.load.bias_v == pytest.approx(5.0, rel=1e-3)


def test_no_measure_command_ever_leaves_the_driver(near):
    rig = near()
    turn_on(rig.smu)
    rig.smu.read()
    rig.smu.burst(10)
    rig.smu.sweep([0.0, 1.0])
    rig.smu.settings()
    for name in sorted(set(dir(type(rig.smu))) - set(dir(object))):
        if name.startswith("_") or name in ("close", "write", "write_bytes", "write_binary_values"):
            continue
        try:
            member = getattr(rig.smu, name)
            if callable(member):
                member()
        except Exception:  # most members want arguments or are closed; only the wire is looked at
            continue
    assert ":MEAS" not in rig.sent()
    assert ":CONF" not in rig.sent()
    assert "*RST" not in rig.sent()


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("offset", range(4))
def test_a_spoilt_reply_is_an_error_and_the_next_reading_is_of_the_present(near, name, offset):
    """Each reading is taken at a conductance of its own, so that a stale one gives itself away."""
    probe = near()
    turn_on(probe.smu)
    replies = probe.link._line.count
    rig = near(Fault(name, replies + 3 + offset, replies + 3 + offset))
    turn_on(rig.smu)
    failed = 0
    for index in range(20):
        rig.load.siemens = (index + 1) * 5e-9
        try:
            reading = rig.smu.read()
        except InstrumentError:
            failed += 1
            continue
        assert reading.current_a == pytest.approx(5 * rig.load.siemens, rel=0.05, abs=2e-9), (
            f"reading {index} is stale"
        )
    assert failed <= 3
    assert failed >= 1 or name == "doubled"
    assert rig.load.bias_v != 0


def test_a_dead_cable_is_an_error_and_off_is_written_all_the_same(near):
    rig = near(Fault("missing", 60, 10**6))
    turn_on(rig.smu)
    with pytest.raises(InstrumentError):
        take(rig.smu, 100)
    with pytest.raises(InstrumentError):
        rig.smu.safe_off()
    assert rig.load.bias_v == 0
    rig.smu.shutdown()
