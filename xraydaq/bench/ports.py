"""What is plugged into this computer, and what it probably is. Nothing is opened and nothing is sent."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

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


@dataclass(frozen=True)
class Found:
    """One port or device: how a bench file would name it, and what it probably is."""

    kind: str
    resource: str
    description: str
    guess: str


def serial_ports() -> Iterator[Found]:
    """List the serial ports of this computer."""
    ports: Any = import_module("serial.tools.list_ports")  # untyped
    for port in sorted(ports.comports(), key=lambda each: str(each.device)):
        yield Found("serial", f"ASRL{port.device}::INSTR", str(port.description), guess(port.vid, port.pid))


def usb_devices() -> Iterator[Found]:
    """List the devices on USB.

    Raises:
        RuntimeError: there is no libusb.
    """
    usb: Any = import_module("usb.core")  # untyped
    try:
        devices = list(usb.find(find_all=True))
    except usb.NoBackendError:
        raise RuntimeError("USB devices cannot be listed: install libusb") from None
    for device in devices:
        yield Found(
            "usb",
            f"USB0::{device.idVendor:#06x}::{device.idProduct:#06x}::<serial number>::0::RAW",
            f"bus {device.bus} address {device.address}",
            guess(device.idVendor, device.idProduct),
        )


def visa_resources() -> Iterator[Found]:
    """List what the VISA library sees beyond serial ports."""
    import warnings

    import pyvisa

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about libraries for interfaces that are not here
        manager = pyvisa.ResourceManager("@py")
        try:
            names = manager.list_resources("?*")
        finally:
            manager.close()
    for name in names:
        if not name.startswith("ASRL"):
            yield Found("visa", name, "", _of_visa(name))


def guess(vendor: int | None, product: int | None) -> str:
    """Get what a device with these ids probably is."""
    if vendor is None:
        return UNKNOWN
    return PROBABLY.get((vendor, product), PROBABLY.get((vendor, None), UNKNOWN))


def _of_visa(name: str) -> str:
    if not name.startswith("GPIB"):
        return UNKNOWN
    usual = {"24": "Keithley 2400 (factory address)", "11": "Agilent 35670A (factory address)"}
    return usual.get(name.split("::")[1], UNKNOWN)
