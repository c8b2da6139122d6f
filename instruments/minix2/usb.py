"""The Mini-X2 on its own USB connection: bulk transfers through pyusb. NEVER VERIFIED ON HARDWARE.

PG is the Amptek Digital Products Programmer's Guide, Rev B3. Spectrometers of the maker (DP5, PX5, MCA8000D, others)
have the same vendor and product number, so every device of these numbers is asked who it is, and a tube is opened by
its serial number, never by its place in a list.
"""

import errno
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import usb.core as usb_core
import usb.util as usb_util
from pymeasure.adapters.adapter import Adapter
from pyvisa.constants import StatusCode
from pyvisa.errors import VisaIOError

from instruments.minix2.link import Link
from instruments.wire.minix2 import Identity, parse_identity
from instruments.wire.minix2.packet import needs_zero_length_packet
from instruments.wire.minix2.requests import NETFINDER
from instruments.wire.minix2.usb import INTERFACE, PRODUCT, READ_BYTES, REPLIES, REQUESTS, VENDOR
from xraydaq.clock import Clock
from xraydaq.errors import InstrumentError

core: Any = usb_core  # pyusb is untyped
util: Any = usb_util

FLUSH_TIMEOUT_MS = 10
MOST_TRANSFERS = 20
DEFAULT_TIMEOUT_MS = 1000
IDENTITY_TIMEOUT_S = 1.0

_HINTS = {
    errno.EACCES: "permission denied; is the udev rule for 10c4:842a installed?",
    errno.EPERM: "permission denied; is the udev rule for 10c4:842a installed?",
    errno.EBUSY: "in use by another program",
    errno.ENODEV: "it was unplugged",
}


class UsbConnection:
    """A claimed device; `timeout` is in milliseconds, as in VISA."""

    def __init__(self, device: Any) -> None:
        self.timeout: float = DEFAULT_TIMEOUT_MS
        self.device = device
        self._open = True

    def close(self) -> None:
        """Give the device back; twice is harmless."""
        if self._open:
            self._open = False
            with suppress(core.USBError):  # a device that was unplugged cannot be given back
                util.release_interface(self.device, INTERFACE)
            util.dispose_resources(self.device)

    def require_open(self) -> None:
        """Raise what VISA does once it is closed: pyusb would open it again."""
        if not self._open:
            raise VisaIOError(StatusCode.error_invalid_object)


class UsbAdapter(Adapter):
    """A pymeasure adapter to one device; claims it, sends nothing.

    Raises:
        InstrumentError: it cannot be claimed; the message has a hint.
    """

    connection: UsbConnection

    def __init__(self, device: Any) -> None:
        super().__init__()
        self._received = bytearray()
        try:
            util.claim_interface(device, INTERFACE)
        except (core.USBError, NotImplementedError) as error:
            util.dispose_resources(device)
            raise InstrumentError(f"{usb_place(device)}: cannot be opened: {_hint(error)}") from error
        self.connection = UsbConnection(device)

    def _write_bytes(self, content: bytes, **_: Any) -> None:
        self._transfer_out(content)
        if needs_zero_length_packet(content):
            self._transfer_out(b"")

    def _read_bytes(self, count: int, break_on_termchar: bool = False, **_: Any) -> bytes:  # noqa: ARG002
        for _transfer in range(MOST_TRANSFERS):
            if self._received and len(self._received) >= count:
                end = count if count >= 0 else len(self._received)
                data = bytes(self._received[:end])
                del self._received[:end]
                return data
            self._received += self._transfer_in(self.connection.timeout)  # may be empty: the end of a transfer
        raise VisaIOError(StatusCode.error_timeout)

    def flush_read_buffer(self) -> None:
        """Discard replies that have come."""
        self._received.clear()
        with suppress(VisaIOError):  # nothing more
            for _ in range(MOST_TRANSFERS):
                self._transfer_in(FLUSH_TIMEOUT_MS)

    def _transfer_in(self, timeout_ms: float) -> bytes:
        self.connection.require_open()
        try:
            # pyusb takes a timeout of 0 for none at all
            return bytes(self.connection.device.read(REPLIES, READ_BYTES, max(1, round(timeout_ms))))
        except core.USBTimeoutError as error:
            raise VisaIOError(StatusCode.error_timeout) from error

    def _transfer_out(self, content: bytes) -> None:
        self.connection.require_open()
        timeout_ms = max(1, round(self.connection.timeout))
        try:
            written = self.connection.device.write(REQUESTS, content, timeout_ms)
        except core.USBTimeoutError as error:
            raise VisaIOError(StatusCode.error_timeout) from error
        if written != len(content):
            raise OSError(errno.EIO, f"{written} of {len(content)} bytes written")

    def __repr__(self) -> str:
        return f"<UsbAdapter {usb_place(self.connection.device)}>"


@dataclass(frozen=True)
class FoundDevice:
    """A device with the USB numbers of a Mini-X2, and who it says it is."""

    place: str
    identity: Identity | None
    problem: str = ""
    """Why it could not be asked."""

    @property
    def is_tube(self) -> bool:
        """Get whether it says that it is a Mini-X2."""
        return self.identity is not None and self.identity.is_mini_x2


def find_devices(clock: Clock, *, backend: Any = None) -> tuple[FoundDevice, ...]:
    """Ask every device with the USB numbers of a Mini-X2 who it is; detectors are among them.

    Raises:
        InstrumentError: there is no libusb.
    """
    return tuple(_ask(device, clock) for device in _devices(backend))


def find_tubes(clock: Clock, *, backend: Any = None) -> tuple[FoundDevice, ...]:
    """Get the devices that say that they are a Mini-X2; raises as `find_devices`."""
    return tuple(found for found in find_devices(clock, backend=backend) if found.is_tube)


def open_tube(serial: str, clock: Clock, *, backend: Any = None) -> UsbAdapter:
    """Open the Mini-X2 of this serial number.

    Raises:
        InstrumentError: there is none, or more than one; the message names what was found.
    """
    found = [(device, _ask(device, clock)) for device in _devices(backend)]
    matching = [device for device, each in found if each.is_tube and each.identity and each.identity.serial == serial]
    if len(matching) != 1:
        seen = "; ".join(f"{each.place}: {each.identity.text if each.identity else each.problem}" for _, each in found)
        raise InstrumentError(
            f"{len(matching)} Mini-X2 of serial number {serial!r} on USB; found: {seen or 'nothing'}"
        )
    return UsbAdapter(matching[0])


def usb_place(device: Any) -> str:
    """Get the bus and ports a device is plugged in at, as Linux writes them."""
    ports = ".".join(str(port) for port in device.port_numbers or ())
    return f"USB {device.bus}-{ports}" if ports else f"USB bus {device.bus}"


def _devices(backend: Any) -> list[Any]:
    try:
        return list(core.find(find_all=True, idVendor=VENDOR, idProduct=PRODUCT, backend=backend))
    except core.NoBackendError as error:
        raise InstrumentError("USB needs a driver: install libusb") from error


def _ask(device: Any, clock: Clock) -> FoundDevice:
    place = usb_place(device)
    try:
        link = Link(UsbAdapter(device), clock, place, IDENTITY_TIMEOUT_S)
        try:
            return FoundDevice(place, link.query(NETFINDER, parse_identity))
        finally:
            link.close()
    except InstrumentError as error:
        return FoundDevice(place, None, str(error))


def _hint(error: Exception) -> str:
    number = getattr(error, "errno", None)
    return _HINTS.get(number, str(error)) if number is not None else str(error)
