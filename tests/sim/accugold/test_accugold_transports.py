import re
import socket

from instruments.sim.accugold import Digitizer, SimAccuGoldBridge
from instruments.sim.link import Link
from instruments.sim.transports import TcpServer
from instruments.sim.twin.chamber import Chamber
from xraydaq.clock import ScaledClock


def test_a_measurement_over_tcp_with_events_between_the_replies():
    chamber = Chamber(lambda _start_s, _end_s: 1e-6, seed=1)
    device = SimAccuGoldBridge(Digitizer(chamber))
    with (
        TcpServer(Link(device), ScaledClock(100.0)) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=20) as client,
        client.makefile("rb") as lines,
    ):
        client.sendall(b"@1 HELLO?\n@2 STREAM period_ms=500\n@3 START\n")
        assert lines.readline().startswith(b"@1 OK proto=1,backend=sim")
        assert [lines.readline(), lines.readline()] == [b"@2 OK period_ms=500\n", b"@3 OK\n"]
        numbers = [int(re.match(rb"!DATA n=(\d+),", lines.readline())[1]) for _ in range(3)]
        assert numbers == [1, 2, 3]
        client.sendall(b"@4 BYE\n")
        while (line := lines.readline()).startswith(b"!DATA"):
            pass
        assert line == b"@4 OK\n"
    assert device.refused == []
