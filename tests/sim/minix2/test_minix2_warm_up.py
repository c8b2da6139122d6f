import pytest

from instruments.sim.minix2 import WARM_UP_4W, Unit
from tests.sim.minix2.conftest import ACK_OK, DAILY, FAULT_RECORD, Host

START_S = Unit().start_utc_s
DAY_S = 86400.0
MONTHLY = "F5 FA F0 33 00 01 01 FC EC"


def rested(days: float | None, **unit) -> Host:
    return Host(unit=Unit(last_off_utc_s=None if days is None else START_S - days * DAY_S, **unit))


def test_the_daily_program_runs_through_its_steps_and_ends_off(host):
    assert host.ask(DAILY) == bytes.fromhex(ACK_OK)
    began_s = host.device.beam_log[0].time_s
    for number, output in enumerate([(25, 20), (30, 50), (40, 50), (40, 100), (50, 200), (20, 200)]):
        host.poll(began_s + 5 * number + 2 - host.clock.now())
        assert host.crystal.beam == output
        running, step, left_s = host.status().warm_up
        assert (running, step) == (True, number)
        assert left_s == 3
    status = host.poll(5)
    assert host.crystal.beams[-1] == (pytest.approx(began_s + 30), 0, 0)
    assert host.causes[-1] == "warm-up complete"
    assert (status.warm_up[0], status.fault, status.previous) == (False, 0, 11)
    assert host.ask(FAULT_RECORD)[6] == 0x80


def test_a_unit_may_show_the_end_as_its_present_code_until_the_next_set_command():
    host = Host(unit=Unit(shows_warm_up_done=True))
    host.ask(DAILY)
    assert host.poll(31).fault == 11
    host.tell("HVSE=0;")
    assert host.status().fault == 0


def test_the_monthly_program_takes_as_long_as_its_table_says():
    host = Host(unit=Unit(warm_up=WARM_UP_4W))
    host.ask(MONTHLY)
    assert host.status().warm_up[:2] == (True, 6)
    host.poll(2701, every_s=1.0)
    log = host.device.beam_log
    assert log[-1].time_s - log[0].time_s == pytest.approx(45 * 60)
    halfway_kv, halfway_ua = (50 + 20) / 2, (80 + 200) / 2
    assert host.device.worst.power_w == pytest.approx(halfway_kv * halfway_ua * 1e-3)


@pytest.mark.parametrize("text", ["HVSE=0;CUSE=0;", "HVSE=20.0;", "CUSE=999;"])
def test_a_set_command_ends_a_program(host, text):
    host.ask(DAILY)
    host.poll(7)
    host.tell(text)
    status = host.poll(1)
    assert host.crystal.beam == (0, 0)
    assert (status.warm_up, status.previous) == ((False, 0, 0), 0)


def test_a_program_ends_when_the_interlock_opens_and_does_not_begin_before_it_closes(host):
    host.ask(DAILY)
    host.device.open_interlock(host.clock.now() + 3)
    status = host.poll(4)
    assert (status.warm_up[0], status.fault) == (False, 1)
    assert host.crystal.beam == (0, 0)
    host.ask(DAILY)
    assert not host.poll(1).warm_up[0]
    assert not host.device.beam_on


def test_a_program_ends_when_the_host_falls_silent(host):
    host.ask(DAILY)
    host.clock.sleep(20)
    assert host.status().previous == 10
    assert not host.device.beam_on


@pytest.mark.parametrize(
    ("days", "due"),
    [(0.1, None), (0.99, None), (1.01, "daily"), (29.9, "daily"), (30.1, "monthly"), (None, "monthly")],
)
def test_the_longer_it_rested_the_more_it_needs(days, due):
    host = rested(days)
    host.beam()
    assert bool(host.device.switched_on_without_warm_up_s) == (due is not None)
    assert host.device.controller.rest.due(host.clock.now()) == due


def test_a_program_that_ran_to_its_end_is_what_was_needed():
    host = rested(2)
    host.ask(DAILY)
    host.poll(31)
    host.beam()
    assert host.device.switched_on_without_warm_up_s == []


def test_a_program_that_was_cut_short_is_not():
    host = rested(2)
    host.ask(DAILY)
    host.poll(20)
    host.tell("HVSE=0;")
    host.beam()
    assert len(host.device.switched_on_without_warm_up_s) == 1


def test_the_daily_program_is_not_enough_for_a_new_tube():
    host = rested(None)
    host.ask(DAILY)
    host.poll(31)
    host.beam()
    assert len(host.device.switched_on_without_warm_up_s) == 1
