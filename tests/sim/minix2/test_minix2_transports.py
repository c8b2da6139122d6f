import os
import socket
import termios

import pytest

from instruments.sim.link import Link
from instruments.sim.minix2 import SimMiniX2
from instruments.sim.transports import SerialServer, TcpServer
from tests.sim.minix2.conftest import ACK_OK, STATUS, Crystal, packet
from xraydaq.clock import ScaledClock


@pytest.fixture
def crystal():
    return Crystal()


def test_a_program_on_tcp_switches_the_beam_on_and_off(crystal):
    with TcpServer(Link(SimMiniX2(crystal)), ScaledClock(20.0)) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as host, host.makefile("rb") as replies:
            host.sendall(packet(0x20, 0x02, b"HVSE=40.0;CUSE=100.0;"))
            assert replies.read(8) == bytes.fromhex(ACK_OK)
            while crystal.beam != (40, 100):
                host.sendall(bytes.fromhex(STATUS))
                assert len(replies.read(72)) == 72
            host.sendall(packet(0x20, 0x02, b"HVSE=0;CUSE=0;"))
            assert replies.read(8) == bytes.fromhex(ACK_OK)
        assert crystal.beam == (0, 0)


def test_a_program_on_a_serial_line_gets_a_status(crystal):
    with SerialServer(Link(SimMiniX2(crystal, baud=115200)), ScaledClock(1.0)) as server:
        port = os.open(server.path, os.O_RDWR | os.O_NOCTTY)
        attributes = termios.tcgetattr(port)
        assert attributes[4] == termios.B115200
        os.write(port, bytes.fromhex(STATUS))
        reply = b""
        while len(reply) < 72:
            reply += os.read(port, 72)
        os.close(port)
    assert reply[:6] == bytes.fromhex("F5 FA 80 02 00 40")
