"""Opens the connection to an instrument: GPIB, RS-232, raw TCP sockets, and whatever else VISA names.

How an instrument's line is set is its driver's knowledge: every driver package exports a `Line`.
"""

import errno
import socket
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from xraydaq.errors import InstrumentError

if TYPE_CHECKING:
    from pymeasure.adapters.adapter import Adapter

TIMEOUT_S = 3.0
OPEN_TIMEOUT_S = 5.0

_HINTS = {
    errno.ENOENT: "there is no such port; is the adapter plugged in?",
    errno.EACCES: "permission denied; is this user in the group of the port (often dialout)?",
    errno.EPERM: "permission denied; is this user in the group of the port (often dialout)?",
    errno.EBUSY: "the port is in use by another program",
    errno.ENOTTY: "this is not a serial port",
    errno.EINVAL: "the port does not have this frame; a pseudo-terminal has 8N1 only (key frame of the role)",
    errno.ECONNREFUSED: "the connection was refused; is the port number right and the gateway on?",
    errno.EHOSTUNREACH: "the address cannot be reached; is the network cable plugged in?",
    errno.ENETUNREACH: "the network cannot be reached",
    errno.ETIMEDOUT: "nobody answers at this address",
}
_PARITIES: dict[str, Literal["none", "odd", "even"]] = {"N": "none", "O": "odd", "E": "even"}
_WORDS = (  # where the VISA library raises bare exceptions, only their text tells what happened
    ("linux-gpib", "GPIB needs a driver: install linux-gpib or the VISA library of the interface's maker"),
    ("PyUSB", "USB needs a driver: install libusb or the VISA library of the instrument's maker"),
    ("Could not locate a VISA implementation", "there is no VISA library: install pyvisa-py"),
    ("Name or service not known", "there is no computer of this name"),
    ("nodename nor servname", "there is no computer of this name"),
    ("INV_RSRC_NAME", "this is no VISA address; write e.g. GPIB0::24::INSTR, ASRL/dev/ttyUSB0::INSTR or "
     "TCPIP0::192.168.0.10::1234::SOCKET"),
    ("RSRC_NFOUND", "there is no such instrument; is it on, and is the address right?"),
    ("error_timeout", "nobody answers at this address"),
    ("RSRC_BUSY", "the port is in use by another program"),
    ("RSRC_LOCKED", "the port is in use by another program"),
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """How an instrument's line must be set. Speed and frame count on serial lines only."""

    baud: int = 9600
    data_bits: int = 8
    parity: Literal["none", "odd", "even"] = "none"
    stop_bits: Literal[1, 2] = 1
    flow_control: Literal["none", "xon_xoff"] = "none"
    serial_end: str = "\r\n"
    """Ends a message to the instrument on a serial line; "" for an instrument that speaks in packets."""

    serial_reply_end: str = "\n"
    bus_end: str = "\n"
    """Ends a message either way on GPIB, USB and sockets; "" for an instrument that speaks in packets."""


def framed(line: Line, frame: str | None) -> Line:
    """Get the line with another frame, such as ``"7O1"``; None leaves it as it is."""
    if frame is None:
        return line
    parity = _PARITIES[frame[1]]
    return replace(line, data_bits=int(frame[0]), parity=parity, stop_bits=1 if frame[2] == "1" else 2)


def open_adapter(resource: str, line: Line, *, baud: int | None = None) -> "Adapter":
    """Open a VISA resource; nothing is sent.

    `baud`, when given, stands for the line's own: some instruments have a menu for it.

    Raises:
        InstrumentError: it cannot be opened; the message is one sentence with a hint.
    """
    # heavy, and not needed by a simulated bench
    from pymeasure.adapters.visa import VISAAdapter
    from pyvisa.constants import ControlFlow, Parity, StopBits

    serial: dict[str, Any] = {
        "baud_rate": line.baud if baud is None else baud,
        "data_bits": line.data_bits,
        "parity": Parity[line.parity],
        "stop_bits": StopBits.one if line.stop_bits == 1 else StopBits.two,
        "flow_control": ControlFlow[line.flow_control],
        "write_termination": line.serial_end,
        "read_termination": line.serial_reply_end,
    }
    bus: dict[str, Any] = {"write_termination": line.bus_end, "read_termination": line.bus_end}
    try:
        adapter = VISAAdapter(
            resource,
            asrl=serial,
            gpib=bus,
            tcpip=bus,
            usb=bus,
            timeout=round(TIMEOUT_S * 1000),
            open_timeout=round(OPEN_TIMEOUT_S * 1000),
        )
    except Exception as error:  # pyvisa-py raises bare Exception, ValueError, OSError and its own kinds here
        raise InstrumentError(f"{resource}: cannot be opened: {_hint(error)}") from error
    _check_connected(adapter, resource)
    return adapter


def _hint(error: Exception) -> str:
    text = " ".join(str(error).split())
    number = next((each for each in (getattr(error, "errno", None), _errno_in(text)) if each in _HINTS), None)
    if number is not None:
        return _HINTS[number]
    return next((hint for word, hint in _WORDS if word in text), text or type(error).__name__)


def _errno_in(text: str) -> int | None:
    """Find the number in texts such as "[Errno 2] could not open" and "Could not configure port: (25, ...)"."""
    for number in _HINTS:
        if f"[Errno {number}]" in text or f"({number}, " in text:
            return number
    return None


def _check_connected(adapter: Any, resource: str) -> None:
    """Find out that a socket was refused, which pyvisa-py does not notice before the first byte."""
    sessions = getattr(adapter.connection.visalib, "sessions", {})
    interface = getattr(sessions.get(adapter.connection.session), "interface", None)
    if not isinstance(interface, socket.socket):
        return
    number = interface.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if number:
        adapter.close()
        error = OSError(number, "refused")
        raise InstrumentError(f"{resource}: cannot be opened: {_hint(error)}") from error
