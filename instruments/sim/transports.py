"""A simulated device on a TCP port or a pseudo-terminal, for any program of this computer.

A TCP port is what a GPIB-to-network gateway offers: lines that end with LF, no device clear, replies sent at once.
A pseudo-terminal is a serial line: with another speed than the instrument's only garbage passes. It has no parity and
always eight bits (Linux, pty(7)): a wrong frame cannot be seen here.
"""

import contextlib
import os
import selectors
import socket
import termios
import threading
import tty
from collections.abc import Callable
from functools import partial

from instruments.sim.closing import Closing
from instruments.sim.link import Link
from xraydaq.clock import Clock

LOOK_S = 0.002
"""How often a device that is at work is looked at, in seconds of this computer."""

IDLE_LOOK_S = 0.1
CHUNK = 65536
BAUD_RATES = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
SPEEDS = {getattr(termios, f"B{baud}"): baud for baud in BAUD_RATES}


class _Server(Closing):
    """A thread that carries bytes between a link and one host at a time."""

    def __init__(self, link: Link, clock: Clock, name: str) -> None:
        self._link = link
        self._clock = clock
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)

    def _serve(self) -> None:
        raise NotImplementedError

    def _carry(self, descriptor: int, read: Callable[[], bytes], write: Callable[[bytes], None]) -> None:
        """Carry bytes both ways until the host is gone or the server closes."""
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while not self._closing.is_set() and self._link.is_plugged(self._clock.now()):
                at_work = self._link.next_s(self._clock.now()) is not None
                if selector.select(LOOK_S if at_work else IDLE_LOOK_S):
                    data = read()
                    if not data:
                        return
                    self._link.send(data, self._clock.now())
                while (reply := self._link.receive(self._clock.now())) is not None:
                    write(reply)

    def close(self) -> None:
        """Stop serving; twice is harmless."""
        self._closing.set()
        self._thread.join()


class TcpServer(_Server):
    """Serves a device on a port of this computer only; one host at a time, the next one may come when it has left."""

    def __init__(self, link: Link, clock: Clock, *, port: int = 0) -> None:
        super().__init__(link, clock, "simulated instrument on TCP")
        self._listening = socket.create_server(("127.0.0.1", port), backlog=1)
        self._listening.settimeout(IDLE_LOOK_S)
        self.port: int = self._listening.getsockname()[1]
        self._thread.start()

    @property
    def resource(self) -> str:
        """Get the VISA resource to dial."""
        return f"TCPIP0::127.0.0.1::{self.port}::SOCKET"

    def _serve(self) -> None:
        with self._listening:
            while not self._closing.is_set():
                with contextlib.suppress(TimeoutError):
                    host, _ = self._listening.accept()
                    if not self._link.is_plugged(self._clock.now()):
                        host.close()
                        continue
                    with host, contextlib.suppress(OSError):  # a host that leaves in the middle is no event here
                        host.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                        self._carry(host.fileno(), partial(host.recv, CHUNK), host.sendall)


class SerialServer(_Server):
    """Serves a device with a serial interface on a pseudo-terminal."""

    def __init__(self, link: Link, clock: Clock) -> None:
        if link.device.baud is None:
            raise ValueError("this device has no serial interface")
        super().__init__(link, clock, "simulated instrument on a serial line")
        self._baud = link.device.baud
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self._set_speed()
        self.path = os.ttyname(self._slave)
        self._thread.start()

    @property
    def resource(self) -> str:
        """Get the VISA resource to dial."""
        return f"ASRL{self.path}::INSTR"

    def _set_speed(self) -> None:
        attributes = termios.tcgetattr(self._slave)
        attributes[4] = attributes[5] = next(code for code, baud in SPEEDS.items() if baud == self._baud)
        termios.tcsetattr(self._slave, termios.TCSANOW, attributes)

    def _serve(self) -> None:
        """Carry bytes while the cable is in; a pseudo-terminal whose cable is out is silent (a real port vanishes)."""
        while not self._closing.is_set():
            self._carry(self._master, self._read, self._write)
            self._closing.wait(IDLE_LOOK_S)

    def _read(self) -> bytes:
        return self._as_heard(os.read(self._master, CHUNK))

    def _write(self, data: bytes) -> None:
        data = self._as_heard(data)
        while data:
            data = data[os.write(self._master, data) :]

    def _as_heard(self, data: bytes) -> bytes:
        """Get what the other side samples when it listens at another speed."""
        host_baud = SPEEDS.get(termios.tcgetattr(self._slave)[4])
        return data if host_baud == self._baud else bytes((byte * 37 + 11) % 256 for byte in data)

    def close(self) -> None:
        """Stop serving and take the terminal away; twice is harmless."""
        super().close()
        for descriptor in (self._master, self._slave):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self._master = self._slave = -1
