from itertools import pairwise

import pytest

from instruments.sim.minix2 import Unit, tube_table
from instruments.sim.minix2.monitors import KV_NOISE, UA_NOISE
from tests.sim.minix2.conftest import STATUS, Host

KV_PER_COUNT = 12.5e-3
UA_PER_COUNT = 50e-3
SIGMAS = 5.5
"""Of about a thousand noise values none is expected so far out (4e-5); half a count is added for rounding."""


def test_two_set_points_switch_the_tube_on_and_a_ramp_leads_there(host):
    host.tell("HVSE=40.0;CUSE=100.0;")
    assert host.crystal.beam == (0, 0)
    assert host.device.beam_on
    host.poll(1.0)
    assert host.crystal.beam == (40, 100)
    times = [time_s for time_s, *_ in host.crystal.beams]
    kilovolts = [kv for _, kv, _ in host.crystal.beams]
    steps = [later - earlier for earlier, later in pairwise(times)]
    assert max(steps) <= 0.1
    assert kilovolts == sorted(kilovolts)
    assert times[-1] - host.device.beam_log[0].time_s == pytest.approx(40 / 100)


def test_one_set_point_alone_switches_nothing_on(host):
    host.tell("HVSE=40.0;")
    host.poll(1.0)
    assert not host.device.beam_log
    assert host.read_back("HVSE;CUSE=?;") == "HVSE=40.000;CUSE=0.000;"


@pytest.mark.parametrize("text", ["HVSE=0;", "CUSE=0;", "HVSE=OFF;", "CUSE=OF;", "HVSE=0.0kV;", "HVSE=OFF;CUSE=OFF;"])
def test_a_zero_of_one_is_a_zero_of_both_and_the_beam_is_off(host, text):
    host.beam()
    assert host.tell(text) == (0, "")
    assert host.crystal.beam == (0, 0)
    assert not host.device.beam_on
    assert host.read_back("HVSE=?;CUSE=?;") == "HVSE=0.000;CUSE=0.000;"
    assert host.causes == ["set-points", "off command"]


def test_a_value_above_the_range_changes_nothing(host):
    host.beam()
    assert host.tell("HVSE=50.5;") == (5, "HVSE=50.5;")
    assert host.tell("CUSE=200.1;VOLU=ON;") == (5, "CUSE=200.1;")
    host.poll(3.0)
    assert host.crystal.beam == (40, 100)


def test_a_value_below_the_range_switches_off(host):
    host.beam()
    assert host.tell("CUSE=4.9;") == (5, "CUSE=4.9;")
    assert host.crystal.beam == (0, 0)
    assert host.read_back("HVSE;CUSE;") == "HVSE=0.000;CUSE=0.000;"


def test_of_several_bad_commands_the_last_is_reported_and_the_good_ones_act(host):
    assert host.tell("HVSE=60;HVSE=20;NONE=1;CUSE=50uA;VOLU=MAYBE;") == (5, "VOLU=MAYBE;")
    host.poll(1.0)
    assert host.crystal.beam == (20, 50)
    assert [code for _, code in host.device.refused] == [5]


@pytest.mark.parametrize("text", ["hvse=20;", "HVSE 20;", "HVSE=20", " HVSE=20;", "HVON=ON;"])
def test_what_is_no_command_is_unrecognized(host, text):
    assert host.tell(text) == (7, text)


@pytest.mark.parametrize("text", ["HVSE=2E1;", "HVSE=-20;", "HVSE=nan;", "HVSE=;", "HVSE=0020.00000;", "LIOR=YES;"])
def test_what_is_no_value_is_a_bad_parameter(host, text):
    assert host.tell(text) == (5, text)


def test_set_points_have_steps_of_a_256th(host):
    host.tell("HVSE=20.003;CUSE=50.0;")
    assert host.read_back("HVSE;XRAY;LIOR;") == "HVSE=20.004;XRAY=??;LIOR=OFF;"


def test_without_limits_everything_up_to_the_ceiling_is_taken_but_the_output_ends_at_its_full_scale(host):
    assert host.tell("LIOR=ON;FAOR=ON;HVSE=255.996;CUSE=4;") == (0, "")
    assert host.tell("HVSE=255.997;")[0] == 5
    host.poll(3.0)
    assert host.crystal.beam == pytest.approx((4.096 * 12.5, 4))
    assert host.status().data[18] & 0x60 == 0x60
    host.device.power_cycle(host.clock.now())
    assert host.crystal.beam == (0, 0)
    assert host.status().data[18] & 0x60 == 0


def test_nobody_limits_the_power_but_the_largest_is_remembered():
    host = Host(unit=Unit(tube=tube_table(power_w=4.0)))
    host.beam("HVSE=50.0;CUSE=200.0;")
    assert host.device.worst.power_w == pytest.approx(10.0)
    assert (host.device.worst.kv, host.device.worst.ua) == (50, 200)


def test_the_power_of_set_points_counts_even_if_the_beam_never_gets_there(host):
    host.beam("HVSE=20.0;CUSE=200.0;")
    host.tell("HVSE=50.0;CUSE=80.0;")
    host.poll(1.0)
    assert host.device.worst.set_power_w == pytest.approx(10.0)
    assert host.device.worst.power_w < 7


def test_the_monitors_show_the_output_with_their_gain_and_noise(host):
    host.beam()
    for _ in range(500):
        status = host.poll(0.1, every_s=0.1)
        assert abs(status.kv - 40 * 1.002) <= (SIGMAS * KV_NOISE + 0.5) * KV_PER_COUNT
        assert abs(status.ua - 100 * 0.997) <= (SIGMAS * UA_NOISE + 0.5) * UA_PER_COUNT
    assert status.enabled
    assert status.fault == 0


def test_the_monitors_change_ten_times_per_second_and_not_more_often():
    host = Host(unit=Unit(reply_s=0.0))
    host.beam()
    seen = []
    for _ in range(1000):
        host.clock.sleep(0.01)
        seen.append(host.status().data[6:10])
    changes = sum(earlier != later for earlier, later in pairwise(seen))
    assert 50 < changes <= 100  # two neighbours are equal in both monitors in a fifth of all cases


def test_the_noise_does_not_depend_on_who_looks():
    often, seldom = Host(unit=Unit(reply_s=0.0, stall_s=0.0)), Host(unit=Unit(reply_s=0.0, stall_s=0.0))
    for host in (often, seldom):
        host.tell("HVSE=40.0;CUSE=100.0;")
    often.poll(30, every_s=0.05)
    seldom.poll(30, every_s=1.5)
    for host in (often, seldom):
        host.clock.sleep_until(30.55)
    assert often.status().data[6:16] == seldom.status().data[6:16]


def test_the_voltage_falls_after_the_beam_is_off_as_that_of_the_older_controller():
    host = Host(unit=Unit(reply_s=0.0))
    host.beam("HVSE=50.0;CUSE=20.0;")
    host.tell("HVSE=0;")
    off_s = host.device.beam_log[-1].time_s
    noise_kv = (SIGMAS * KV_NOISE + 0.5) * KV_PER_COUNT
    for after_s, kv_from_15_kv in ((1.0, 1.1), (6.0, 0.1)):
        host.clock.sleep_until(off_s + after_s + 0.05)
        last_digit_kv = 0.05 * 50 / 15
        kv = kv_from_15_kv * 50 / 15
        age_share = 0.1 / 2.09  # a monitor value is up to 0.1 s old
        assert abs(host.status().kv - kv) < noise_kv + last_digit_kv + age_share * kv
        assert not host.status().enabled


def test_the_board_gets_warm_with_power_and_hot_on_demand(host):
    cold = host.status().data[17]
    host.beam("HVSE=50.0;CUSE=200.0;")
    assert host.poll(3600).data[17] == cold + 12
    host.device.over_temperature(host.clock.now() + 1, 52.0)
    assert host.poll(3.0).data[17] == 52 + 12
    assert host.device.beam_on


def test_the_run_time_counts_what_was_on(host):
    host.beam()
    host.poll(100)
    host.tell("HVSE=0;")
    on_s = host.device.beam_log[-1].time_s - host.device.beam_log[0].time_s
    host.clock.sleep(50)
    assert int.from_bytes(host.status().data[22:26], "little") == 86400 + int(on_s)


def test_every_change_reaches_the_listener_and_the_log_in_order(host):
    host.beam()
    host.tell("CUSE=50.0;")
    host.poll(1.0)
    host.tell("HVSE=0;")
    log = host.device.beam_log
    assert host.events == log
    assert [event.time_s for event in log] == sorted(event.time_s for event in log)
    assert host.causes == ["set-points", "set-points", "off command"]
    assert [event.on for event in log] == [True] * (len(log) - 1) + [False]


@pytest.mark.parametrize(("text", "bit"), [("VOLU=ON;", 0x00), ("VOLU=OFF;", 0x80)])
def test_the_speaker_bit_is_zero_while_it_beeps(host, text, bit):
    host.tell(text)
    assert host.status().data[18] & 0x80 == bit


def test_the_accessory_output_goes_with_the_tube_or_against_it(host):
    assert host.status().data[16] & 0x10 == 0
    host.beam()
    assert host.status().data[16] & 0x10
    host.tell("ADMO=INVERTED;")
    assert host.status().data[16] & 0x10 == 0


def test_a_reply_is_one_packet(host):
    host.adapter.write_bytes(bytes.fromhex(STATUS + STATUS))
    host.clock.sleep(0.1)
    replies = [host.link.receive(host.clock.now()) for _ in range(3)]
    assert [reply and len(reply) for reply in replies] == [72, 72, None]
