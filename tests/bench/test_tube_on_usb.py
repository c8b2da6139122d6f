"""A tube is found on USB by what it says of itself; only the USB library below pyusb is replaced."""

import pytest

from instruments.minix2 import MiniX2
from tests.instruments.minix2_packets import IDENTITY as TUBE_12345
from tests.instruments.minix2_packets import STATUS_ON
from tests.instruments.test_minix2_usb import IDENTITY, STATUS, Bus, Plugged, identity
from xraydaq.bench.asking import identify
from xraydaq.bench.drivers import tube_serial_on_usb
from xraydaq.bench.opening import open_role
from xraydaq.clock import JumpingClock
from xraydaq.config import load_bench
from xraydaq.config.models import Role
from xraydaq.errors import InstrumentError

BENCH = """
name = "lab"

[roles.tube]
driver = "minix2"
resource = "{resource}"

[limits]
max_bias = "20 V"
max_current = "1 mA"
max_tube_voltage = "50 kV"
max_tube_current = "200 uA"
max_tube_power = "10 W"
"""


@pytest.fixture
def plugged(monkeypatch):
    """A detector and two tubes, which USB itself cannot tell apart."""
    devices = (
        Plugged(4, {IDENTITY: identity(b"Amptek DP5 - S/N 777")}),
        Plugged(5, {IDENTITY: TUBE_12345, STATUS: STATUS_ON}),
        Plugged(6, {IDENTITY: identity(b"Amptek Mini-X2 - S/N 777"), STATUS: STATUS_ON}),
    )
    order = list(devices)
    monkeypatch.setattr("usb.backend.libusb1.get_backend", lambda *_, **__: Bus(*order))
    return *devices, order


def bench_with(tmp_path, resource):
    path = tmp_path / "bench.toml"
    path.write_text(BENCH.format(resource=resource))
    return load_bench(path)


@pytest.mark.parametrize("is_reversed", [False, True])
@pytest.mark.parametrize("serial", ["777", "12345"])
def test_the_tube_of_the_bench_file_is_opened_in_whatever_order_usb_lists(tmp_path, plugged, serial, is_reversed):
    detector, tube_12345, tube_777, order = plugged
    if is_reversed:
        order.reverse()
    wanted, other = (tube_777, tube_12345) if serial == "777" else (tube_12345, tube_777)
    bench = bench_with(tmp_path, f"USB0::0x10C4::0x842A::{serial}::0::RAW")
    with open_role("tube", bench, None, JumpingClock()) as tube:
        assert isinstance(tube, MiniX2)
        assert [each.claimed for each in (wanted, other, detector)] == [1, 0, 0]
        assert tube.identify().serial == serial
    assert wanted.claimed == 0


def test_others_of_its_usb_numbers_are_asked_who_they_are_and_nothing_else(tmp_path, plugged):
    detector, other, _, _ = plugged
    with open_role("tube", bench_with(tmp_path, "USB0::0x10C4::0x842A::777::0::RAW"), None, JumpingClock()):
        assert set(detector.transfers) == set(other.transfers) == {IDENTITY}


def test_a_serial_number_that_no_tube_has_is_an_answer_that_names_the_ones_there(tmp_path, plugged):
    bench = bench_with(tmp_path, "USB0::0x10C4::0x842A::1::0::RAW")
    (answer,) = identify(bench, JumpingClock())
    assert isinstance(answer.error, InstrumentError)
    assert "Mini-X2 - S/N 777" in str(answer.error)
    assert "DP5" in str(answer.error)
    assert [each.claimed for each in plugged[:3]] == [0, 0, 0]


@pytest.mark.parametrize(
    ("driver", "resource", "serial"),
    [
        ("minix2", "USB0::0x10C4::0x842A::777::0::RAW", "777"),
        ("minix2", "USB::0x10c4::0x842a::00-77::RAW", "00-77"),
        ("minix2", "USB1::4292::33834::777::0::raw", "777"),
        ("minix2", "USB0::0x10C4::0x842A::777::0::INSTR", None),
        ("minix2", "USB0::0x10C4::0xEA60::777::0::RAW", None),
        ("minix2", "ASRL/dev/ttyUSB0::INSTR", None),
        ("keithley2400", "USB0::0x10C4::0x842A::777::0::RAW", None),
    ],
)
def test_only_a_tube_on_its_own_usb_connection_is_opened_by_its_serial_number(driver, resource, serial):
    assert tube_serial_on_usb(Role(driver=driver, resource=resource)) == serial
