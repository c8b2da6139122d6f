import pytest

from instruments.sim.lakeshore335 import SensorFault
from instruments.sim.lakeshore335.loop import HEATER_OK, HEATER_OPEN, HEATER_SHORT
from tests.sim.lakeshore335.conftest import Bath, Host


@pytest.fixture
def heating(host):
    host.tell("PID 1,10,1,0", "SETP 1,305", "RANGE 1,3")
    host.clock.sleep(1)
    host.device.advance(host.clock.now())
    assert host.plant.heater_w > 20
    return host


def sensor(host):
    return host.device.instrument.inputs["A"]


@pytest.mark.parametrize(
    ("fault", "kelvin", "status"),
    [
        (SensorFault.OPEN, "+0.00000", "065"),
        (SensorFault.UNITS_OVER, "+0.00000", "129"),
        (SensorFault.TOO_HOT, "+500.000", "032"),
    ],
)
def test_a_sensor_fault_looks_like_a_reading_but_has_a_status_and_stops_the_heater(heating, fault, kelvin, status):
    sensor(heating).fault = fault
    heating.clock.sleep(0.2)
    assert heating.ask("KRDG? A;RDGST? A") == f"{kelvin};{status}"
    assert (heating.ask("HTR? 1"), heating.ask("RANGE? 1")) == ("+0.0", "0")
    assert heating.plant.heater_w == 0


def test_the_heater_stays_off_when_the_sensor_is_back_until_a_range_is_set(heating):
    sensor(heating).fault = SensorFault.OPEN
    heating.clock.sleep(1)
    heating.device.advance(heating.clock.now())
    sensor(heating).fault = SensorFault.NONE
    heating.clock.sleep(10)
    assert (heating.ask("RDGST? A"), heating.ask("RANGE? 1")) == ("000", "0")
    assert heating.plant.heater_w == 0
    heating.tell("RANGE 1,3")
    heating.clock.sleep(0.2)
    heating.device.advance(heating.clock.now())
    assert heating.plant.heater_w > 20


def test_a_temperature_beyond_the_curve_shows_the_end_of_the_curve():
    host = Host(Bath(lambda _time_s: 520.0))
    assert host.ask("KRDG? A;RDGST? A;CRDG? A") == "+500.000;032;+226.850"
    assert int(host.ask("OPST?")) & 2
    host = Host(Bath(lambda _time_s: 1.0))
    assert host.ask("KRDG? A;RDGST? A") == "+1.40000;016"


def test_above_the_limit_all_outputs_go_off_and_stay_off_until_a_range_is_set():
    host = Host(Bath(lambda time_s: 340.0 if 5 <= time_s < 10 else 300.0))
    host.tell("TLIMIT A,330", "OUTMODE 2,3,0,0", "SETP 1,345", "RANGE 1,3", "RANGE 2,1")
    assert host.plant.heater_w > 0
    host.clock.sleep(5)
    assert (host.ask("RANGE? 1"), host.ask("RANGE? 2")) == ("0", "0")
    assert host.plant.heater_w == 0
    assert [name for _, name in host.device.instrument.tripped] == ["A"]
    host.tell("RANGE 1,3")
    assert host.ask("RANGE? 1") == "0"  # still too hot
    host.clock.sleep(10)
    assert host.ask("RANGE? 1") == "0"
    host.tell("RANGE 1,3")
    assert host.ask("RANGE? 1") == "3"


def test_a_sensor_beyond_its_curve_trips_any_limit_also_in_open_loop(host):
    host.tell("TLIMIT A,600", "OUTMODE 1,3,1,0", "MOUT 1,50", "RANGE 1,3")
    assert host.ask("RANGE? 1") == "3"
    sensor(host).fault = SensorFault.TOO_HOT
    host.clock.sleep(0.2)
    assert host.ask("RANGE? 1") == "0"
    assert host.plant.heater_w == 0


def test_a_limit_of_zero_never_trips():
    host = Host(Bath(lambda _time_s: 480.0))
    host.tell("SETP 1,490", "RANGE 1,3")
    host.clock.sleep(10)
    assert host.ask("RANGE? 1") == "3"


@pytest.mark.parametrize("fault", [HEATER_OPEN, HEATER_SHORT])
def test_a_broken_heater_is_reported_once_and_switched_off(heating, fault):
    heating.device.instrument.loops[1].heater_fault = fault
    heating.clock.sleep(0.2)
    assert heating.ask("RANGE? 1") == "0"
    assert heating.ask("HTRST? 1") == str(fault)
    assert heating.ask("HTRST? 1") == "0"
    assert heating.plant.heater_w == 0
    heating.tell("RANGE 1,3")
    assert heating.ask("HTRST? 1") == str(fault)
    heating.device.instrument.loops[1].heater_fault = HEATER_OK
    heating.tell("RANGE 1,3")
    assert (heating.ask("HTRST? 1"), heating.ask("RANGE? 1")) == ("0", "3")


def test_after_a_loss_of_power_settings_are_kept_the_heater_is_off_and_the_event_register_says_so(heating):
    heating.ask("*ESR?")
    heating.tell("TLIMIT A,345", "RAMP 1,1,2", "SETP 1,310")
    heating.device.power_off(heating.clock.now())
    assert heating.plant.heater_w == 0
    assert not heating.answers("*IDN?")
    heating.device.power_on(heating.clock.now())
    assert (heating.ask("RANGE? 1"), heating.ask("TLIMIT? A"), heating.ask("SETP? 1")) == ("0", "+345.000", "+310.000")
    assert (heating.ask("RAMP? 1"), heating.ask("PID? 1")) == ("0,+2.0", "+10.0,+1.0,+0.0")
    assert heating.ask("*ESR?") == "128"


@pytest.mark.parametrize("restart", ["power", "*RST"])
def test_with_power_up_enable_the_output_comes_back(heating, restart):
    heating.tell("OUTMODE 1,1,1,1")
    if restart == "power":
        heating.device.power_off(heating.clock.now())
        heating.device.power_on(heating.clock.now())
    else:
        heating.tell("*RST")
    assert heating.ask("RANGE? 1") == "3"


def test_a_reset_switches_the_output_off(heating):
    heating.tell("*RST")
    assert (heating.ask("RANGE? 1"), heating.ask("SETP? 1")) == ("0", "+305.000")
    assert heating.plant.heater_w == 0


def test_an_input_without_a_sensor_has_no_valid_reading(host):
    assert host.ask("KRDG? B;RDGST? B") == "+0.00000;001"
