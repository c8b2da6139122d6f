import pytest
from pyvisa.errors import VisaIOError

from instruments.sim.minix2 import Unit
from tests.sim.minix2.conftest import FAULT_RECORD, STATUS, Host

NEVER_SILENT = Unit(stopped_talking_s=None)


def test_an_open_interlock_cuts_at_its_own_moment_however_late_somebody_looks():
    host = Host(unit=NEVER_SILENT)
    host.beam()
    at_s = host.clock.now() + 0.123
    host.device.open_interlock(at_s)
    host.clock.sleep(1000)
    status = host.status()
    assert host.crystal.beams[-1] == (at_s, 0, 0)
    assert (status.fault, status.previous, status.enabled) == (1, 1, False)
    assert int.from_bytes(status.data[10:12], "little") < 10
    assert host.causes[-1] == "fault 1"


def test_a_closed_interlock_does_not_bring_the_beam_back(host):
    host.beam()
    host.device.open_interlock(host.clock.now())
    host.device.close_interlock(host.clock.now() + 1)
    status = host.poll(5)
    assert not host.device.beam_on
    assert (status.fault, status.previous) == (0, 1)
    assert host.read_back("HVSE;CUSE;") == "HVSE=0.000;CUSE=0.000;"


def test_a_unit_that_keeps_its_set_points_does_bring_the_beam_back():
    host = Host(unit=Unit(restarts_when_closed=True))
    host.beam()
    host.device.open_interlock(host.clock.now())
    host.device.close_interlock(host.clock.now() + 1)
    host.poll(5)
    assert host.crystal.beam == (40, 100)
    assert host.causes == ["set-points", "fault 1", "interlock closed"]


def test_with_an_open_interlock_nothing_goes_on(host):
    host.device.open_interlock(0.0)
    assert host.tell("HVSE=40.0;CUSE=100.0;") == (0, "")
    host.poll(1)
    assert host.device.beam_log == []
    assert host.status().fault == 1


def test_a_unit_that_keeps_its_set_points_goes_on_when_the_interlock_closes():
    host = Host(unit=Unit(restarts_when_closed=True, interlock_ma=0.0))
    host.tell("HVSE=40.0;CUSE=100.0;")
    assert not host.device.beam_on
    host.device.close_interlock(host.clock.now() + 1)
    host.poll(1.5)
    assert host.device.beam_on


@pytest.mark.parametrize(
    ("happen", "code"),
    [
        (lambda device, at_s: device.short_interlock(at_s), 2),
        (lambda device, at_s: device.set_interlock(at_s, 19.8), 1),
        (lambda device, at_s: device.set_interlock(at_s, 30.0), 2),
        (lambda device, at_s: device.set_supply(at_s, 8.9), 3),
        (lambda device, at_s: device.set_supply(at_s, 13.1), 4),
    ],
)
def test_what_is_outside_its_window_cuts_and_says_why(host, happen, code):
    host.beam()
    happen(host.device, host.clock.now() + 0.5)
    status = host.poll(1)
    assert (status.fault, status.previous) == (code, code)
    assert host.crystal.beam == (0, 0)


@pytest.mark.parametrize(
    ("offset", "code"), [({"kv": -1.0}, 5), ({"kv": 1.0}, 6), ({"ua": -2.1}, 7), ({"ua": 2.7}, 8)]
)
def test_a_monitor_two_percent_off_cuts_and_is_recorded(host, offset, code):
    host.beam()
    moved_s = host.clock.now()
    host.device.offset_monitors(moved_s, **offset)
    status = host.poll(2)
    assert (status.fault, status.previous) == (code, code)
    assert 0.2 <= host.crystal.beams[-1][0] - moved_s <= 0.3 + 1e-9
    record = host.ask(FAULT_RECORD)[6:-2]
    assert len(record) == 232
    assert record[0] == 0
    assert record[18 + 16] & 0x0F == code
    assert record[18 + 16] & 0xA0 == 0xA0
    assert record[226:230] == bytes([40, 0, 100, 0])
    host.tell("HVSE=0;")
    status = host.status()
    assert (status.fault, status.previous) == (0, code)


@pytest.mark.parametrize("offset", [{"kv": 0.6}, {"ua": -1.4}])
def test_a_monitor_within_two_percent_does_not_cut(host, offset):
    host.beam()
    host.device.offset_monitors(host.clock.now(), **offset)
    host.poll(60)
    assert host.device.beam_on


def test_without_checks_a_monitor_may_be_anywhere(host):
    host.tell("FAOR=ON;")
    host.beam()
    host.device.offset_monitors(host.clock.now(), kv=-20)
    assert host.poll(5).enabled


def test_a_change_has_its_time_of_grace(host):
    host.beam("HVSE=10.0;CUSE=200.0;")
    for text in ("HVSE=50.0;", "CUSE=5.0;", "HVSE=10.0;CUSE=200.0;"):
        host.tell(text)
        host.poll(5)
    assert host.device.beam_on
    assert host.status().previous == 0


@pytest.mark.parametrize("period_s", [0.5, 2.0])
def test_a_host_that_stopped_talking_loses_the_beam(period_s):
    host = Host(unit=Unit(stopped_talking_s=period_s, reply_s=0.0))
    host.beam()
    last_s = host.clock.now()
    host.clock.sleep(100)
    host.device.advance(host.clock.now())
    assert host.crystal.beams[-1] == (pytest.approx(last_s + period_s), 0, 0)
    assert host.causes[-1] == "fault 10"
    status = host.status()
    assert (status.fault, status.previous) == (0, 10)


def test_a_host_that_talks_keeps_the_beam(host):
    host.beam()
    host.poll(20, every_s=1.9)
    assert host.device.beam_on


def test_garbage_is_no_sign_of_life(host):
    host.beam()
    for _ in range(30):
        host.adapter.write_bytes(b"\xf5\xfa\x01\x01\x00\x00\xfe\x0e")
        host.clock.sleep(0.1)
    host.device.advance(host.clock.now())
    assert host.causes[-1] == "fault 10"


def test_without_that_trip_the_beam_stays_for_ever():
    host = Host(unit=NEVER_SILENT)
    host.beam()
    host.clock.sleep(1000)
    host.device.advance(host.clock.now())
    assert host.crystal.beam == (40, 100)


def test_a_pulled_cable_cuts_loses_what_is_under_way_and_is_told_afterwards(host):
    host.beam()
    at_s = host.clock.now()
    host.adapter.write_bytes(bytes.fromhex(STATUS))
    host.device.unplug(at_s)
    host.clock.sleep(0.05)
    with pytest.raises(VisaIOError):
        host.ask(STATUS)
    assert host.crystal.beams[-1] == (pytest.approx(at_s + 0.1), 0, 0)
    host.device.plug(host.clock.now())
    status = host.status()
    assert (status.fault, status.previous) == (0, 9)


def test_a_unit_that_does_not_notice_the_cable_falls_silent_later():
    host = Host(unit=Unit(unplug_trip_s=None, reply_s=0.0))
    host.beam()
    at_s = host.clock.now()
    host.device.unplug(at_s)
    host.clock.sleep(10)
    host.device.advance(host.clock.now())
    assert host.crystal.beams[-1] == (pytest.approx(at_s + 2.0), 0, 0)
    assert host.causes[-1] == "fault 10"


@pytest.mark.parametrize("shown", [True, False])
def test_a_tube_that_is_stuck_on_shines_whatever_is_said(host, shown):
    host.beam()
    host.device.hv_stuck_on(host.clock.now(), shown=shown)
    host.tell("HVSE=0;CUSE=0;")
    status = host.poll(5)
    assert host.crystal.beam == (40, 100)
    assert host.device.beam_on
    assert status.enabled == shown
    assert status.kv > 39
    host.device.release_hv(host.clock.now())
    assert host.crystal.beam == (0, 0)
    assert host.device.beam_log[-1].on is False


def test_there_is_no_fault_record_before_the_first_fault(host):
    record = host.ask(FAULT_RECORD)[6:-2]
    assert record == b"\x80" + bytes(231)


def test_power_lost_ends_the_beam_and_keeps_the_records(host):
    host.beam()
    host.device.open_interlock(host.clock.now())
    before = host.ask(FAULT_RECORD)
    host.device.close_interlock(host.clock.now())
    host.beam()
    host.device.power_cycle(host.clock.now())
    assert host.crystal.beam == (0, 0)
    assert host.ask(FAULT_RECORD) == before
    assert host.status().data[5] & 0x80


def test_happenings_come_in_the_order_of_their_moments(host):
    host.beam()
    now_s = host.clock.now()
    host.device.close_interlock(now_s + 2)
    host.device.open_interlock(now_s + 1)
    host.clock.sleep(1.5)
    assert host.status().fault == 1
    host.clock.sleep(1.5)
    assert host.status().fault == 0


def test_a_moment_that_is_no_number_is_refused(host):
    with pytest.raises(ValueError, match="moment"):
        host.device.open_interlock(float("nan"))


def test_the_record_keeps_all_sixteen_bits_of_a_set_point(host):
    host.beam("HVSE=50.0;CUSE=200.0;")
    host.device.open_interlock(host.clock.now())
    assert host.ask(FAULT_RECORD)[6:-2][226:230] == bytes([50, 0, 200, 0])
