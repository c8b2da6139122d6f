"""Plain lines to an instrument: a socket, a serial port, raw USB, and VISA for what is left (GPIB).

Each transport's library is imported when a line of it is opened, and no other. An instrument's resource is spelled as
in a bench file.
"""

import re
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

OPEN_TIMEOUT_S = 1.0
WRITE_TIMEOUT_S = 0.5
CHUNK = 4096
_TCP = re.compile(r"TCPIP\d*::(?P<host>[^:]+|\[.+\])::(?P<port>\d+)::SOCKET", re.IGNORECASE)
_SERIAL = re.compile(r"ASRL(?P<path>/.+?)(::INSTR)?", re.IGNORECASE)
_USB_RAW = re.compile(r"USB\d*::[^:]+::[^:]+::(?P<serial>[^:]+)(::\d+)?::RAW", re.IGNORECASE)


class PlainLine(Protocol):
    """Bytes either way; every method raises OSError when the line fails."""

    @property
    def is_serial(self) -> bool:
        """Get whether it is a serial line, whose messages end as the instrument wants them there."""

    def write(self, data: bytes) -> None:
        """Send all of it."""

    def read(self, timeout_s: float) -> bytes:
        """Get what has come; empty if nothing comes in time."""

    def clear(self) -> None:
        """Reset the exchange as far as the line knows how to (device clear of GPIB); nothing on others."""

    def close(self) -> None:
        """Give the line back."""


@dataclass(frozen=True)
class Wiring:
    """How a serial line is set; `frame` as in ``8N1``."""

    baud: int
    frame: str = "8N1"
    xon_xoff: bool = False


@contextmanager
def opened(resource: str, usual: Wiring, baud: int | None, frame: str | None) -> Iterator[PlainLine]:
    """Open a line, and close it at the end; what the bench file says of a serial one stands before what is usual.

    Raises:
        OSError: as `open_line`.
    """
    line = open_line(resource, Wiring(baud or usual.baud, frame or usual.frame, usual.xon_xoff))
    try:
        yield line
    finally:
        line.close()


def open_line(resource: str, wiring: Wiring) -> PlainLine:
    """Open a line; nothing is sent.

    Raises:
        OSError: it cannot be opened, or the library it needs is missing.
    """
    serial, tcp, usb = _SERIAL.fullmatch(resource), _TCP.fullmatch(resource), _USB_RAW.fullmatch(resource)
    try:
        if tcp is not None:
            return _Socket(tcp["host"], int(tcp["port"]))
        if serial is not None:
            return _Serial(serial["path"], wiring)
        if usb is not None:
            from instruments.emergency.usb import UsbLine

            return UsbLine(usb["serial"])
        return _Visa(resource)
    except (ImportError, OverflowError, KeyError, ValueError) as error:
        raise OSError(f"{error or type(error).__name__}") from error


class _Socket:
    is_serial = False

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port), OPEN_TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def write(self, data: bytes) -> None:
        self._socket.settimeout(WRITE_TIMEOUT_S)
        self._socket.sendall(data)

    def read(self, timeout_s: float) -> bytes:
        if not select.select([self._socket], [], [], timeout_s)[0]:
            return b""
        data = self._socket.recv(CHUNK)
        if not data:
            raise ConnectionResetError("the far end has closed the connection")
        return data

    def clear(self) -> None:
        pass

    def close(self) -> None:
        self._socket.close()


class _Serial:
    is_serial = True

    def __init__(self, path: str, wiring: Wiring) -> None:
        serial: Any = import_module("serial")  # untyped
        # not exclusive: an off command must also reach the port of a process that hangs
        self._port: Any = serial.Serial(
            path,
            wiring.baud,
            bytesize=int(wiring.frame[0]),
            parity=wiring.frame[1],
            stopbits=int(wiring.frame[2]),
            xonxoff=wiring.xon_xoff,
            timeout=0,
            write_timeout=WRITE_TIMEOUT_S,
        )

    def write(self, data: bytes) -> None:
        self._port.write(data)

    def read(self, timeout_s: float) -> bytes:
        ready = select.select([self._port.fileno()], [], [], timeout_s)[0]
        return bytes(self._port.read(CHUNK)) if ready else b""

    def clear(self) -> None:
        pass

    def close(self) -> None:
        self._port.close()


class _Visa:
    """Imports pyvisa, which takes its time: only for what has no plainer way."""

    is_serial = False

    def __init__(self, resource: str) -> None:
        import pyvisa

        self._error = pyvisa.Error
        try:
            self._session: Any = pyvisa.ResourceManager().open_resource(resource, open_timeout=1000)
            self._session.timeout = round(WRITE_TIMEOUT_S * 1000)
        except Exception as error:  # pyvisa-py raises bare Exception, ValueError, OSError and its own kinds here
            raise OSError(str(error) or type(error).__name__) from error

    def write(self, data: bytes) -> None:
        try:
            self._session.write_raw(data)
        except self._error as error:
            raise OSError(str(error)) from error

    def read(self, timeout_s: float) -> bytes:
        try:
            self._session.timeout = max(1, round(timeout_s * 1000))
            return bytes(self._session.read_raw())
        except self._error:
            return b""

    def clear(self) -> None:
        try:
            self._session.clear()
        except (self._error, NotImplementedError) as error:
            raise OSError(str(error)) from error

    def close(self) -> None:
        self._session.close()
