import warnings

import numpy as np
import pytest
import pyvisa
from pymeasure.instruments.keithley import Keithley2400 as StockKeithley2400

from instruments.sim.keithley2400 import SimKeithley2400
from instruments.sim.link import Link
from instruments.sim.transports import SerialServer, TcpServer
from tests.sim.keithley2400.conftest import Resistor
from xraydaq.clock import ScaledClock


@pytest.fixture
def clock():
    return ScaledClock(20.0)


@pytest.fixture
def device():
    return SimKeithley2400(Resistor(), seed=1)


@pytest.fixture
def tcp(device, clock):
    with TcpServer(Link(device), clock) as server:
        yield server


@pytest.fixture
def manager():
    found = pyvisa.ResourceManager("@py")
    yield found
    found.close()


def test_the_stock_driver_of_pymeasure_runs_a_session(tcp, device):
    stock = StockKeithley2400(tcp.resource, read_termination="\n", write_termination="\n", timeout=10_000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        stock.apply_voltage(20, 1e-3)
        stock.measure_current(nplc=1, current=1e-6, auto_range=False)
    assert "MODEL 2400" in stock.id
    stock.source_voltage = 1.0
    stock.enable_source()
    assert stock.current == pytest.approx(1e-8, rel=5e-2)
    assert stock.voltage == pytest.approx(1.0, abs=1e-2)
    assert stock.measure_all()["resistance"] == pytest.approx(1e8, rel=5e-2)
    stock.config_buffer(20)
    stock.start_buffer()
    stock.wait_for_buffer(interval=0.01)
    assert len(stock.buffer_data) == 20 * 5
    stock.shutdown()
    assert stock.check_errors() == []
    assert device.refused == []
    assert device.instrument.meter._load.bias_v == 0
    stock.adapter.close()


def test_a_plain_visa_program_sweeps(tcp, device, manager):
    with manager.open_resource(tcp.resource, read_termination="\n", write_termination="\n", timeout=10_000) as smu:
        smu.write("*RST;:SENS:CURR:PROT 1e-3;:FORM:ELEM VOLT,CURR")
        smu.write(":SOUR:VOLT:MODE SWE;:SOUR:VOLT:STAR 0;STOP 2;:SOUR:SWE:POIN 5;:TRIG:COUN 5;:OUTP ON")
        values = np.array(smu.query_ascii_values(":READ?")).reshape(5, 2)
        assert smu.query(":OUTP OFF;:SYST:ERR?") == '0,"No error"'
    assert values[:, 0].tolist() == [0, 0.5, 1, 1.5, 2]
    assert values[:, 1] == pytest.approx(1e-8 * values[:, 0], abs=1e-9)
    assert device.refused == []


def test_the_next_host_may_come_when_one_has_left(tcp, manager):
    for _ in range(2):
        with manager.open_resource(tcp.resource, read_termination="\n", write_termination="\n") as smu:
            assert "MODEL 2400" in smu.query("*IDN?")


def test_a_serial_line_of_the_right_speed_passes_and_another_does_not(clock, manager):
    device = SimKeithley2400(Resistor(), baud=19200)
    line = {"read_termination": "\r", "write_termination": "\r"}
    with SerialServer(Link(device), clock) as server:
        with manager.open_resource(server.resource, baud_rate=19200, timeout=5000, **line) as smu:
            assert "MODEL 2400" in smu.query("*IDN?")
        with (
            manager.open_resource(server.resource, baud_rate=9600, timeout=300, **line) as smu,
            pytest.raises(pyvisa.errors.VisaIOError, match="TMO"),
        ):
            smu.query("*IDN?")


def test_a_device_without_a_serial_interface_is_refused(device, clock):
    with pytest.raises(ValueError, match="no serial interface"):
        SerialServer(Link(device), clock)


def test_closing_twice_is_harmless(device, clock):
    server = TcpServer(Link(device), clock)
    server.close()
    server.close()
