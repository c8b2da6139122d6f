"""What is plugged into this computer, and what it probably is. Nothing is opened and nothing is sent."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xraydaq.config import Role

PROBABLY = {
    (0x10C4, 0x842A): "Amptek: a Mini-X2 tube or a detector, which share this id; its identity tells",
    (0x1FB9, 0x0300): "Lake Shore 335: 57600 baud, 7 data bits, odd parity",
    (0x3923, None): "National Instruments: a GPIB interface?",
    (0x0957, None): "Agilent or Keysight: a GPIB interface or an instrument",
    (0x05E6, None): "Keithley: an instrument with USB (a 2400 has none)",
    (0x0403, None): "FTDI: a USB-to-serial cable or a Prologix GPIB adapter; SR570 or Keithley 2400 behind it?",
    (0x067B, None): "Prolific: a USB-to-serial cable; SR570 or Keithley 2400 behind it?",
    (0x10C4, None): "Silicon Labs: a USB-to-serial cable; SR570 or Keithley 2400 behind it?",
    (0x1A86, None): "WCH: a USB-to-serial cable; SR570 or Keithley 2400 behind it?",
}
"""Vendor and product id -> what usually has it; a product None stands for every other one of the vendor."""

UNKNOWN = "unknown"
NETWORK = "the network is not searched, as that would send to all of it: write TCPIP0::<address>::<port>::SOCKET"


@dataclass(frozen=True)
class Found:
    """One port or device: how a bench file would name it, and what it probably is."""

    kind: str
    resource: str
    description: str
    guess: str


def stated(name: str, role: "Role") -> Found:
    """Get a role of a bench file that no list shows: on the network, or a pseudo-terminal."""
    return Found("bench file", role.resource, f"role {name}, not looked for", role.driver)


def serial_ports() -> Iterator[Found]:
    """List the serial ports of this computer."""
    ports: Any = import_module("serial.tools.list_ports")  # untyped
    for port in sorted(ports.comports(), key=lambda each: str(each.device)):
        description = "" if port.description == "n/a" else str(port.description)
        yield Found("serial", f"ASRL{port.device}::INSTR", description, guess(port.vid, port.pid))


def usb_devices() -> Iterator[Found]:
    """List the devices on USB.

    Raises:
        RuntimeError: there is no libusb.
    """
    usb: Any = import_module("usb.core")  # untyped
    try:
        devices = list(usb.find(find_all=True))
    except usb.NoBackendError:
        raise RuntimeError("USB devices cannot be listed: install libusb (Debian: libusb-1.0-0)") from None
    for device in devices:
        yield Found(
            "usb",
            f"USB0::{device.idVendor:#06x}::{device.idProduct:#06x}::<serial number>::0::RAW",
            f"bus {device.bus} address {device.address}",
            guess(device.idVendor, device.idProduct),
        )


def gpib_resources() -> Iterator[Found]:
    """List who listens on the GPIB buses of this computer.

    The interface addresses one after the other and looks who acknowledges; no instrument is sent a byte. The list of
    the whole VISA library is not asked for: it opens every device on USB and calls into the network.

    Raises:
        RuntimeError: there is no driver for GPIB.
    """
    sessions: Any = import_module("pyvisa_py.highlevel").Session
    if any(interface.name == "gpib" for (interface, _), _issue in sessions.iter_session_classes_issues()):
        raise RuntimeError("GPIB cannot be listed: install linux-gpib or gpib-ctypes")
    for (interface, kind), session in sessions.iter_valid_session_classes():
        if interface.name == "gpib" and kind == "INSTR":
            for name in sorted(session.list_resources()):
                yield Found("gpib", name, "", _on_gpib(name))


def look() -> tuple[tuple[Found, ...], tuple[str, ...]]:
    """Get what is plugged in, and what could not be listed and how to change that."""
    found: list[Found] = []
    problems: list[str] = []
    for listing in (gpib_resources, serial_ports, usb_devices):
        try:
            found.extend(listing())
        except RuntimeError as error:
            problems.append(str(error))
        except Exception as error:  # the libraries below raise whatever their drivers meet
            problems.append(f"{listing.__name__.replace('_', ' ')} cannot be listed: {error or type(error).__name__}")
    return tuple(found), (*problems, NETWORK)


def guess(vendor: int | None, product: int | None) -> str:
    """Get what a device with these ids probably is."""
    if vendor is None:
        return UNKNOWN
    return PROBABLY.get((vendor, product), PROBABLY.get((vendor, None), UNKNOWN))


def _on_gpib(name: str) -> str:
    usual = {"24": "Keithley 2400 (factory address)", "11": "Agilent 35670A (factory address)"}
    return usual.get(name.split("::")[1], UNKNOWN)
