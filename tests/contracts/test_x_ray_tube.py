"""What every driver of an X-ray tube must do, in process, over TCP and over a serial line alike."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

import pytest

from instruments.connect import open_adapter
from instruments.minix2 import LINE, MiniX2
from instruments.sim.adapter import SimAdapter
from instruments.sim.faults import Fault
from instruments.sim.link import Link
from instruments.sim.minix2 import SimMiniX2, Unit
from instruments.sim.transports import SerialServer, TcpServer
from tests.instruments.minix2_packets import whole
from xraydaq.clock import JumpingClock, ScaledClock
from xraydaq.errors import InstrumentError, LimitError, Refused

BAUD = 115200
START_UTC_S = 1710408413.0
FAULTS = ("cut", "doubled", "late", "garbage", "missing")
OFF = whole(0x20, 0x02, b"HVSE=OFF;CUSE=OFF;")
DAY_S = 86400.0


@dataclass
class Window:
    """Where the beam comes out."""

    beams: list[tuple[float, float, float]] = field(default_factory=list)

    def set_beam(self, time_s, kv, ua):
        self.beams.append((time_s, kv, ua))

    @property
    def beam(self):
        return self.beams[-1][1:] if self.beams else (0.0, 0.0)


@dataclass
class Rig:
    """A driver, and the world behind it."""

    tube: MiniX2
    device: SimMiniX2
    window: Window
    link: Link
    clock: object
    lines: list[tuple[str, bytes]] = field(default_factory=list)

    def sent(self):
        return b"".join(data for direction, data in self.lines if direction == ">")

    @property
    def beam(self):
        self.device.advance(self.clock.now())
        return self.window.beam


def build(stack, transport, *faults, bench=(50e3, 200e-6, 10.0), **unit):
    window, lines = Window(), []
    clock = JumpingClock(START_UTC_S) if transport == "process" else ScaledClock(1.0, START_UTC_S)
    device = SimMiniX2(
        window,
        seed=5,
        baud=BAUD if transport == "serial" else None,
        unit=Unit(start_utc_s=START_UTC_S, **unit),
        start_s=clock.now(),
    )
    link = Link(device, faults=faults, log=lambda _, direction, data: lines.append((direction, data)))
    if transport == "process":
        adapter = SimAdapter(link, clock)
    else:
        server = stack.enter_context((TcpServer if transport == "tcp" else SerialServer)(link, clock))
        adapter = open_adapter(server.resource, LINE)
    max_voltage_v, max_current_a, max_power_w = bench
    tube = MiniX2(
        adapter, clock=clock, max_voltage_v=max_voltage_v, max_current_a=max_current_a, max_power_w=max_power_w
    )
    stack.callback(tube.close)
    return Rig(tube, device, window, link, clock, lines)


@pytest.fixture(params=["process", "tcp", "serial"])
def rig(request):
    with ExitStack() as stack:
        yield build(stack, request.param)


@pytest.fixture
def near():
    """In this process, on simulated time."""
    with ExitStack() as stack:
        yield partial(build, stack, "process")


def take(tube, count):
    for _ in range(count):
        tube.status()


def untouched(rig):
    return rig.device.refused == [] and rig.device.writes_that_must_not_happen == []


def test_construction_sends_no_byte(rig):
    assert rig.link.bytes_received == 0


def test_it_says_who_it_is(rig):
    identity = rig.tube.identify()
    assert (identity.manufacturer, identity.model, identity.serial) == ("Amptek", "Mini-X2", "12345")
    assert identity.firmware == "6.00.05"
    assert rig.beam == (0, 0)
    assert untouched(rig)


def test_a_beam_comes_out_as_asked_and_goes_off_twice(rig):
    status = rig.tube.set_output(40e3, 100e-6)
    assert rig.beam == pytest.approx((40, 100), rel=0.01)
    assert status.hv_enabled
    assert status.voltage_v == pytest.approx(40e3, rel=0.02)
    assert status.current_a == pytest.approx(100e-6, rel=0.02)
    for act in (rig.tube.safe_off, rig.tube.off, rig.tube.shutdown, rig.tube.shutdown):
        act()
        assert rig.beam == (0, 0)
    assert not rig.tube.status().hv_enabled
    assert untouched(rig)


def test_the_tables_and_records_are_read(rig):
    table, steps = rig.tube.tube_table(), rig.tube.warm_up_table()
    assert (table.max_voltage_v, table.max_power_w) == (50e3, 10)
    assert (steps.duration_s("daily"), steps.duration_s("monthly")) == (30, 2700)
    assert rig.tube.timestamp_record().lag_s >= 0
    assert rig.tube.fault_record().warm_up_table.daily
    assert untouched(rig)


def test_the_settings_are_a_snapshot_that_changes_nothing(rig):
    rig.tube.set_output(30e3, 50e-6)
    settings = rig.tube.settings()
    assert settings["limit_checks_disabled"] == "False"
    assert float(settings["HVSE"]) == pytest.approx(30, abs=1 / 128)
    assert all(isinstance(value, str) and value for value in settings.values())
    assert rig.beam == pytest.approx((30, 50), rel=0.01)
    assert untouched(rig)


BENCH = (45e3, 150e-6, 4.0)


@pytest.mark.parametrize(
    ("voltage_v", "current_a"),
    [
        (45.1e3, 10e-6), (20e3, 151e-6), (40e3, 101e-6), (float("nan"), 10e-6), (20e3, float("nan")),
        (float("inf"), 10e-6), (-20e3, 10e-6), (20e3, -10e-6),
    ],
)  # fmt: skip
def test_a_beam_over_a_bench_limit_sends_no_byte(near, voltage_v, current_a):
    rig = near(bench=BENCH)
    with pytest.raises(LimitError):
        rig.tube.set_output(voltage_v, current_a)
    assert rig.link.bytes_received == 0


@pytest.mark.parametrize(
    ("voltage_v", "current_a"), [(51e3, 10e-6), (20e3, 201e-6), (9e3, 10e-6), (20e3, 4e-6), (0, 0)]
)
def test_a_beam_outside_the_tubes_own_limits_is_not_set_and_a_running_one_stays(near, voltage_v, current_a):
    rig = near(bench=(70e3, 400e-6, 20.0))
    rig.tube.set_output(30e3, 50e-6)
    with pytest.raises(LimitError):
        rig.tube.set_output(voltage_v, current_a)
    assert rig.beam == pytest.approx((30, 50), rel=0.01)


@pytest.mark.parametrize("bench", [(float("nan"), 1e-6, 1), (0, 1e-6, 1), (1e3, -1e-6, 1), (1e3, 1e-6, float("nan"))])
def test_a_bench_without_limits_has_no_driver(near, bench):
    with pytest.raises(LimitError):
        near(bench=bench)


@pytest.mark.parametrize("target", [(50e3, 80e-6), (20e3, 200e-6), (10e3, 5e-6), (50e3, 40e-6)])
@pytest.mark.parametrize("start", [None, (50e3, 80e-6), (20e3, 200e-6), (25e3, 160e-6)])
def test_no_pair_on_the_way_has_more_power_than_its_ends(near, start, target):
    rig = near(bench=(50e3, 200e-6, 4.0))
    ends_w = [target[0] * target[1]]
    if start is not None:
        rig.tube.set_output(*start)
        ends_w.append(start[0] * start[1])
    rig.tube.set_output(*target)
    # 1/256 kV and 1/256 uA, the steps of a set-point
    most_w = max(ends_w) + 50e3 / 256e6 + 200e-6 * 1e3 / 256
    assert 0 < rig.device.worst.set_power_w <= most_w
    assert 0 < rig.device.worst.power_w <= most_w, "the ramps of both must not overlap at their larger ends"


def test_an_open_interlock_refuses_a_beam_and_leaves_no_set_point_behind(near):
    rig = near()
    rig.device.open_interlock(rig.clock.now())
    rig.clock.sleep(1)
    with pytest.raises(Refused, match="interlock open"):
        rig.tube.set_output(30e3, 50e-6)
    rig.device.close_interlock(rig.clock.now())
    rig.clock.sleep(1)
    assert rig.beam == (0, 0)
    assert rig.tube.set_points().is_off
    assert not rig.device.beam_log


def test_a_shorted_interlock_refuses_a_beam(near):
    rig = near()
    rig.device.short_interlock(rig.clock.now())
    rig.clock.sleep(1)
    with pytest.raises(Refused, match="interlock shorted"):
        rig.tube.set_output(30e3, 50e-6)
    assert not rig.device.beam_log


def test_an_interlock_opened_under_beam_is_told_by_the_status(near):
    rig = near()
    rig.tube.set_output(30e3, 50e-6)
    rig.device.open_interlock(rig.clock.now())
    rig.clock.sleep(0.3)
    status = rig.tube.status()
    assert not status.interlock_closed
    assert not status.hv_enabled
    rig.tube.safe_off()


@pytest.mark.parametrize("offset", [{"kv": 3.0}, {"ua": 5.0}])
def test_a_monitor_that_shows_something_else_ends_in_off(near, offset):
    rig = near(stopped_talking_s=None, fault_refreshes=10**6)
    rig.device.offset_monitors(rig.clock.now(), **offset)
    with pytest.raises(InstrumentError, match="not reached"):
        rig.tube.set_output(30e3, 50e-6)
    assert rig.beam == (0, 0)


def test_hv_that_stays_on_is_an_alarm_and_not_a_silence(near):
    rig = near()
    rig.tube.set_output(30e3, 50e-6)
    rig.device.hv_stuck_on(rig.clock.now())
    with pytest.raises(InstrumentError, match="THE BEAM MAY BE ON"):
        rig.tube.safe_off()
    rig.tube.shutdown()
    rig.device.release_hv(rig.clock.now())
    rig.tube.safe_off()
    assert rig.beam == (0, 0)


def test_overrides_refuse_a_beam_until_prepare_has_ended_them(near):
    rig = near()
    rig.link.send(whole(0x20, 0x02, b"LIOR=ON;FAOR=ON;"), rig.clock.now())
    rig.clock.sleep(1)
    assert rig.tube.status().overridden
    with pytest.raises(Refused, match="prepare"):
        rig.tube.set_output(30e3, 50e-6)
    assert not rig.device.beam_log
    assert not rig.tube.prepare().overridden
    rig.tube.set_output(30e3, 50e-6)
    assert b"=ON" not in rig.sent().replace(b"LIOR=ON;FAOR=ON;", b"", 1)


def test_prepare_switches_a_beam_off_that_was_on(near):
    rig = near()
    rig.tube.set_output(30e3, 50e-6)
    rig.tube.prepare()
    assert rig.beam == (0, 0)


def test_a_warm_up_runs_to_its_end(near):
    rig = near(last_off_utc_s=START_UTC_S - 3 * DAY_S)
    assert rig.tube.warm_up_due() == "daily"
    progress = rig.tube.warm_up("daily")
    assert (progress.running, progress.step) == (True, 0)
    assert 25 < progress.remaining_s <= 30
    while progress.running:
        rig.clock.sleep(0.25)
        progress = rig.tube.warm_up_progress()
    assert progress.complete
    assert rig.device.worst.kv == pytest.approx(50, rel=0.01)
    rig.tube.safe_off()
    assert rig.tube.warm_up_due() is None
    assert untouched(rig)


def test_a_warm_up_is_ended_by_off(near):
    rig = near()
    rig.tube.warm_up("monthly")
    rig.clock.sleep(1)
    rig.tube.safe_off()
    assert rig.beam == (0, 0)
    with pytest.raises(Refused):
        rig.tube.warm_up_progress()


def test_a_warm_up_that_was_cut_short_is_not_complete(near):
    rig = near()
    rig.tube.warm_up("daily")
    for _ in range(4):
        rig.clock.sleep(0.25)
        assert rig.tube.warm_up_progress().running
    rig.device.open_interlock(rig.clock.now())
    rig.clock.sleep(0.2)
    rig.device.close_interlock(rig.clock.now())
    rig.clock.sleep(60)
    progress = rig.tube.warm_up_progress()
    assert not progress.running
    assert not progress.complete


def test_a_warm_up_that_another_program_ended_is_not_complete(near):
    rig = near()
    rig.tube.warm_up("daily")
    rig.link.send(OFF, rig.clock.now())
    rig.clock.sleep(1)
    progress = rig.tube.warm_up_progress()
    assert not progress.running
    assert not progress.complete


def test_a_beam_is_not_set_into_a_warm_up(near):
    rig = near()
    rig.tube.warm_up("monthly")
    with pytest.raises(Refused, match="warm-up"):
        rig.tube.set_output(30e3, 50e-6)
    assert rig.beam == (0, 0)


def test_a_warm_up_over_a_bench_limit_is_not_started(near):
    rig = near(bench=BENCH)
    with pytest.raises(LimitError):
        rig.tube.warm_up("daily")
    assert not rig.device.beam_log


@pytest.mark.parametrize(
    ("off_days", "due"), [(0.5, None), (2, "daily"), (31, "monthly"), (None, "monthly"), (-3, "monthly")]
)
def test_a_warm_up_is_due_by_the_time_off_and_setting_the_clock_does_not_hide_it(near, off_days, due):
    rig = near(last_off_utc_s=None if off_days is None else START_UTC_S - off_days * DAY_S)
    assert rig.tube.warm_up_due() == due
    for _ in range(2):
        rig.tube.set_clock(rig.clock.utc())
        assert rig.tube.warm_up_due() == due
    assert untouched(rig)


def test_a_date_that_another_connection_wrote_is_no_use_of_the_tube(near):
    rig = near(last_off_utc_s=START_UTC_S - 3600)
    MiniX2(SimAdapter(rig.link, rig.clock), clock=rig.clock, max_voltage_v=50e3, max_current_a=200e-6,
           max_power_w=10.0).set_clock(rig.clock.utc())  # fmt: skip
    assert rig.tube.warm_up_due() == "monthly"
    rig.tube.set_output(30e3, 50e-6)
    rig.clock.sleep(1)
    rig.tube.safe_off()
    assert rig.tube.warm_up_due() is None


def test_the_clock_is_set(near):
    rig = near()
    rig.tube.set_clock(START_UTC_S + 100)
    assert rig.tube.timestamp_record().written_utc_s == START_UTC_S + 100


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("offset", range(4))
def test_a_spoilt_reply_is_asked_for_again_and_never_a_stale_one(near, name, offset):
    """The beam is changed behind the driver's back before each reading, so that a stale one gives itself away."""
    rig = near(Fault(name, 3 + offset, 3 + offset), stopped_talking_s=None)
    for index in range(12):
        rig.device.offset_monitors(rig.clock.now(), kv=float(index))
        rig.clock.sleep(0.5)
        try:
            status = rig.tube.status()
        except InstrumentError:
            assert name != "doubled"
            continue
        assert status.voltage_v == pytest.approx(index * 1e3, abs=100)
    assert untouched(rig)


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("reply", range(1, 8))
def test_a_spoilt_reply_while_the_beam_is_set_ends_on_as_asked_or_off(near, name, reply):
    rig = near(Fault(name, reply, reply))
    try:
        rig.tube.set_output(30e3, 50e-6)
    except InstrumentError:
        assert rig.beam == (0, 0)
    else:
        assert rig.beam == pytest.approx((30, 50), rel=0.01)
    on_commands = rig.sent().count(b"HVSE=30.000;CUSE=50.000;")
    assert on_commands <= 1, "a set command is never repeated"


def test_a_dead_cable_is_an_error_and_off_is_written_all_the_same(near):
    rig = near(Fault("missing", 10, 10**6), stopped_talking_s=None)
    rig.tube.set_output(30e3, 50e-6)
    with pytest.raises(InstrumentError):
        take(rig.tube, 20)
    before = len(rig.lines)
    with pytest.raises(InstrumentError, match="THE BEAM MAY BE ON"):
        rig.tube.safe_off()
    assert rig.lines[before] == (">", OFF)
    assert rig.beam == (0, 0)
    rig.tube.shutdown()


def test_off_is_the_first_that_is_written(near):
    rig = near()
    rig.tube.set_output(30e3, 50e-6)
    before = len(rig.lines)
    rig.tube.safe_off()
    assert rig.lines[before] == (">", OFF)


def test_a_silent_host_is_tripped_by_the_device_and_the_driver_sees_why(near):
    rig = near()
    rig.tube.set_output(30e3, 50e-6)
    rig.clock.sleep(10)
    status = rig.tube.status()
    assert not status.hv_enabled
    assert "HOST_SILENT" in (status.fault.name, status.previous_fault.name)
    assert rig.beam == (0, 0)
