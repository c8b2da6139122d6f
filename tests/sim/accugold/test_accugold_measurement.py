import math
import re

import pytest

from instruments.sim.twin.room import Room
from tests.sim.accugold.conftest import Client

K_TP = 1.02567  # 23 Celsius and 99.8 kPa against 20 Celsius and 101.325 kPa
BELOW, OVER_RATE, OVER_DOSE, ZERO, WARMING, NO_AIR, SENSOR, OLD, LOST = (1 << bit for bit in range(9))


def measure(client, rate_gy_s, for_s=10.0):
    client.shine(rate_gy_s)
    assert client.ask("START") == "OK"
    client.pause(for_s)


def test_a_backend_that_does_not_correct_reads_thin_air_and_says_so(zeroed):
    assert zeroed.values("CAPS?")["corrected"] == "0"
    measure(zeroed, 1e-6)
    found = zeroed.values("READ?")
    assert float(found["rate_Gy_s"]) * K_TP == pytest.approx(1e-6, rel=3e-5)  # 1e-5 recombination, 5e-6 rounding twice
    assert (found["k_tp"], found["k_app"], found["flags"]) == ("1.025671", "0", "0000")
    assert (found["t_C"], found["p_kPa"], found["n"], found["time_s"]) == ("23.0", "99.80", "20", "10.000")
    assert float(found["dose_Gy"]) * K_TP == pytest.approx(1e-5, rel=3e-5)


def test_a_backend_that_corrects_reads_the_truth_and_says_so():
    client = Client(corrected=True)
    client.zero()
    client.ask("ENV t_C=23.0,p_kPa=99.8")
    measure(client, 1e-6)
    assert client.values("CAPS?")["corrected"] == "1"
    assert client.number("k_app") == 1
    assert client.number("rate_Gy_s") == pytest.approx(1e-6, rel=3e-5)


def test_the_other_reference_of_22_celsius_is_named():
    client = Client(reference_c=22.0)
    found = client.values("ENV t_C=22.1,p_kPa=99.58")
    assert (found["k_tp"], found["t_ref_C"]) == ("1.017868", "22.0")


def test_a_backend_with_its_own_sensors_measures_the_air():
    client = Client(own_sensors=True)
    assert client.values("ENV?") == {
        "k_tp": "1.025671",
        "t_ref_C": "20.0",
        "p_ref_kPa": "101.325",
        "source": "instrument",
    }
    client.ask("ENV t_C=20,p_kPa=101.325")
    assert client.values("ENV?")["source"] == "host"


def test_without_temperature_and_pressure_none_are_told_and_a_flag_is_set(client):
    client.zero()
    measure(client, 1e-6)
    found = client.values("READ?")
    assert "t_C" not in found
    assert found["flags"] == "0020"


def test_before_zeroing_the_offset_is_read_as_a_rate_and_flagged(client):
    client.ask("ENV t_C=23.0,p_kPa=99.8")
    measure(client, 0.0)
    offset_gy_s = client.chamber.offset_gy_s(0.0)
    assert client.number("rate_Gy_s") == pytest.approx(offset_gy_s, rel=1e-5)
    assert client.flags() == ZERO | BELOW
    client.ask("STOP")
    zeroed = client.zero()
    assert float(re.search("offset_Gy_s=(.*)", zeroed)[1]) == pytest.approx(offset_gy_s, rel=0.005)
    measure(client, 0.0)
    assert client.number("rate_Gy_s") == pytest.approx(0, abs=1e-15)
    assert client.flags() == BELOW


def test_a_zero_takes_30_s_and_is_told_by_an_event(client):
    start_s = client.clock.now()
    client.ask("ZERO")
    assert client.values("STATUS?")["state"] == "zeroing"
    assert client.ask("START") == "ERR 34,zeroing"
    assert client.ask("ZERO") == "ERR 34,zeroing already"
    assert client.adapter.read().startswith("!ZERO state=done")
    assert client.clock.now() - start_s == pytest.approx(30, abs=0.05)
    assert client.values("STATUS?")["state"] == "ready"


def test_a_zero_in_the_beam_fails_and_leaves_the_old_one(client):
    client.shine(1e-6)
    assert client.zero() == "!ZERO state=failed"
    assert client.values("STATUS?") == {"state": "idle", "flags": "0028"}


def test_a_zero_expires_after_an_hour(zeroed):
    assert zeroed.flags("STATUS?") == 0
    zeroed.pause(3500)
    assert zeroed.flags("STATUS?") == 0
    zeroed.pause(150)
    zeroed.ask("ENV t_C=23.0,p_kPa=99.8")
    assert zeroed.flags("STATUS?") == ZERO


@pytest.mark.parametrize(("temperature_k", "flags"), [(298.1, 0), (298.2, ZERO), (294.1, ZERO)])
def test_a_zero_expires_when_the_room_has_changed_by_two_kelvin(zeroed, temperature_k, flags):
    zeroed.chamber.room = Room(seed=2, temperature_k=temperature_k, steady=True)
    assert zeroed.flags("STATUS?") == flags


def test_temperature_and_pressure_are_stale_after_an_hour(zeroed):
    zeroed.pause(3700)
    zeroed.zero()
    assert zeroed.flags("STATUS?") == NO_AIR


def test_the_displayed_rate_lags_by_half_a_second_and_the_dose_does_not(zeroed):
    zeroed.ask("CONF period_ms=100")
    measure(zeroed, 0.0, for_s=5.0)
    zeroed.shine(1e-6)
    zeroed.pause(0.5)
    found = zeroed.values("READ?")
    assert float(found["rate_Gy_s"]) * K_TP == pytest.approx(1e-6 * (1 - math.exp(-1)), rel=1e-3)
    assert float(found["dose_Gy"]) * K_TP == pytest.approx(0.5e-6, rel=1e-3)


def test_a_saturated_chamber_shows_its_limit_and_the_dose_is_flagged_until_the_next_start(zeroed):
    measure(zeroed, 0.02)
    assert zeroed.flags() == OVER_RATE | OVER_DOSE
    assert zeroed.number("rate_Gy_s") == pytest.approx(4.9e-3, rel=1e-4)
    zeroed.shine(1e-6)
    zeroed.pause(10)
    assert zeroed.flags() == OVER_DOSE
    zeroed.ask("STOP")
    measure(zeroed, 1e-6)
    assert zeroed.flags() == 0


def test_the_automatic_mode_counts_dose_above_its_threshold_only(zeroed):
    zeroed.ask("CONF mode=auto,threshold=normal")
    measure(zeroed, 1e-8)
    assert zeroed.number("dose_Gy") == 0
    zeroed.shine(1e-7)
    zeroed.pause(10)
    assert zeroed.number("dose_Gy") * K_TP == pytest.approx(1e-6, rel=0.02 + 0.05)  # of 20 windows one may be missed


def test_a_stop_keeps_the_last_reading_and_a_start_and_a_reset_begin_at_zero(zeroed):
    measure(zeroed, 1e-6)
    zeroed.ask("STOP")
    zeroed.pause(100)
    assert zeroed.number("n") == 20
    zeroed.ask("RESET")
    assert zeroed.ask("READ?") == "ERR 23,not started"
    zeroed.ask("START")
    assert zeroed.ask("READ?") == "ERR 34,no reading yet"
    assert zeroed.ask("START") == "ERR 23,measuring already"
    assert zeroed.ask("ZERO") == "ERR 23,not while measuring"
    assert zeroed.ask("CONF period_ms=1000") == "ERR 23,not while measuring or zeroing"
    zeroed.pause(1)
    assert zeroed.number("n") == 2


def test_a_stream_gives_one_event_a_period_while_measuring(zeroed):
    assert zeroed.ask("STREAM period_ms=1000") == "OK period_ms=1000"
    zeroed.ask("START")
    times_s = [float(re.search("time_s=([^,]*)", zeroed.adapter.read())[1]) for _ in range(5)]
    assert times_s == [0.5, 1.5, 2.5, 3.5, 4.5]
    assert zeroed.ask("STREAM period_ms=0") == "OK period_ms=0"
    zeroed.pause(10)
    assert zeroed.ask("PING") == "OK"


def test_a_lost_digitizer_holds_the_value_flags_it_and_tells_the_client(zeroed):
    measure(zeroed, 1e-6)
    held = zeroed.values("READ?")
    zeroed.device.set_cables(zeroed.clock.now(), digitizer=False)
    assert [zeroed.adapter.read(), zeroed.adapter.read()] == ["!FAULT code=30", "!STATE state=fault"]
    zeroed.shine(5e-6)
    zeroed.pause(10)
    lost = zeroed.values("READ?")
    assert (lost["rate_Gy_s"], lost["n"], int(lost["flags"], 16)) == (held["rate_Gy_s"], held["n"], LOST)
    assert zeroed.ask("ZERO") == "ERR 30,instrument not connected"
    zeroed.device.set_cables(zeroed.clock.now(), digitizer=True)
    assert zeroed.adapter.read() == "!STATE state=running"
    zeroed.pause(10)
    assert zeroed.number("rate_Gy_s") * K_TP == pytest.approx(5e-6, rel=1e-3)
    assert zeroed.flags() == OVER_DOSE


def test_a_chamber_that_was_pulled_needs_a_new_zero(zeroed):
    measure(zeroed, 1e-6)
    zeroed.device.set_cables(zeroed.clock.now(), sensor=False)
    assert [zeroed.adapter.read(), zeroed.adapter.read()] == ["!FAULT code=31", "!STATE state=fault"]
    assert zeroed.ask("READ?") == "ERR 31,sensor missing"
    assert zeroed.ask("START") == "ERR 31,sensor missing"
    assert zeroed.values("HELLO?")["chamber"] == "none"
    zeroed.device.set_cables(zeroed.clock.now(), sensor=True)
    assert zeroed.adapter.read() == "!STATE state=ready"
    assert zeroed.flags("STATUS?") == SENSOR
    zeroed.shine(0.0)
    zeroed.zero()
    assert zeroed.flags("STATUS?") == 0


def test_pulling_a_cable_ends_a_zeroing(client):
    client.ask("ZERO")
    client.device.set_cables(client.clock.now(), sensor=False)
    assert client.adapter.read() == "!ZERO state=failed"


def test_after_bye_nobody_is_told_anything(zeroed):
    zeroed.ask("STREAM period_ms=500")
    zeroed.ask("START")
    zeroed.ask("BYE")
    zeroed.device.set_cables(zeroed.clock.now(), digitizer=False)
    zeroed.pause(10)
    assert zeroed.link.receive(zeroed.clock.now()) is None


def test_warming_up_and_an_old_calibration_are_flagged():
    client = Client(warm_up_s=180.0, calibration_is_old=True, own_sensors=True)
    client.zero()
    assert client.flags("STATUS?") == WARMING | OLD
    client.pause(160)
    assert client.flags("STATUS?") == OLD


def test_a_backend_may_have_a_longer_shortest_period():
    client = Client(min_period_ms=1000)
    assert client.values("CAPS?")["min_period_ms"] == "1000"
    assert client.ask("CONF period_ms=500") == "ERR 21,bad value for period_ms"


def test_a_noisy_zero_leaves_no_more_than_its_own_noise():
    client = Client(noisy=True)
    client.zero()
    # one sample of 30 s has 0.1 nGy/s over the root of 30; five deviations
    left = client.device.digitizer.zero_gy_s - client.chamber.offset_gy_s(15.0)
    assert 0 < abs(left) < 5 * 1e-10 / math.sqrt(30)
