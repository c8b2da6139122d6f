import pytest
import pyvisa

from instruments.sim.lakeshore335 import SimLakeShore335
from instruments.sim.link import Link
from instruments.sim.transports import SerialServer, TcpServer
from tests.sim.lakeshore335.conftest import Bath
from xraydaq.clock import ScaledClock

# Pauses between messages are those of this computer's threads, not of a host: none is lost for being too close.
UNPACED = 0.0


@pytest.fixture
def manager():
    found = pyvisa.ResourceManager("@py")
    yield found
    found.close()


def session(resource):
    resource.timeout = 10_000
    resource.read_termination, resource.write_termination = "\r\n", "\n"
    assert resource.query("*IDN?") == "LSCI,MODEL335,1234567/1234567,1.0"
    resource.write("SETP 1,305.5")
    assert resource.query("SETP? 1;RDGST? A") == "+305.500;000"


def test_a_session_over_tcp(manager):
    device = SimLakeShore335(Bath(), baud=None, spacing_s=UNPACED)
    with TcpServer(Link(device), ScaledClock(20.0)) as server, manager.open_resource(server.resource) as resource:
        session(resource)
    assert device.refused == device.too_close == []


def test_a_session_over_a_serial_line(manager):
    device = SimLakeShore335(Bath(), spacing_s=UNPACED)
    with (
        SerialServer(Link(device), ScaledClock(20.0)) as server,
        manager.open_resource(server.resource, baud_rate=57600) as resource,
    ):
        session(resource)
    assert device.refused == device.too_close == []


@pytest.mark.long
def test_at_another_speed_only_garbage_arrives_and_at_the_right_one_all_is_well_again(manager):
    device = SimLakeShore335(Bath(), spacing_s=UNPACED)
    with (
        SerialServer(Link(device), ScaledClock(20.0)) as server,
        manager.open_resource(server.resource, baud_rate=9600) as resource,
    ):
        resource.timeout = 300
        resource.write_raw(b"*IDN?\n")
        with pytest.raises(pyvisa.VisaIOError):
            resource.read()
        resource.baud_rate = 57600
        resource.write_raw(b"\n")
        session(resource)
    assert len(device.refused) == 1
