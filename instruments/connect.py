"""Opens the connection to an instrument: GPIB, RS-232, raw TCP sockets, and whatever else VISA names.

Terminators are those of the Keithley 2400 (User's Manual, 2400S-900-01): on RS-232 a command acts when its CR arrives
and a reply ends with CR, LF, or both, as chosen in the menu; on GPIB, and on sockets by custom, with LF.
"""

import errno
import socket
from typing import TYPE_CHECKING, Any

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
    errno.ECONNREFUSED: "the connection was refused; is the port number right and the gateway on?",
    errno.EHOSTUNREACH: "the address cannot be reached; is the network cable plugged in?",
    errno.ENETUNREACH: "the network cannot be reached",
    errno.ETIMEDOUT: "nobody answers at this address",
}
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


def open_adapter(resource: str, *, baud: int = 9600) -> "Adapter":
    """Open a VISA resource; nothing is sent.

    `baud` counts on serial lines only and must agree with the instrument's menu.

    Raises:
        InstrumentError: it cannot be opened; the message is one sentence with a hint.
    """
    # heavy, and not needed by a simulated bench
    from pymeasure.adapters.visa import VISAAdapter
    from pyvisa.constants import ControlFlow, Parity, StopBits

    serial: dict[str, Any] = {
        "baud_rate": baud,
        "data_bits": 8,
        "parity": Parity.none,
        "stop_bits": StopBits.one,
        "flow_control": ControlFlow.xon_xoff,  # needed if the menu says so, harmless otherwise: replies are text
        "write_termination": "\r",
        "read_termination": "\r",  # an LF before or after is dropped with the empty line it makes
    }
    line: dict[str, Any] = {"write_termination": "\n", "read_termination": "\n"}
    try:
        adapter = VISAAdapter(
            resource,
            asrl=serial,
            gpib=line,
            tcpip=line,
            usb=line,
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
