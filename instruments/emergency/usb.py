"""The Mini-X2 on raw USB, for an off command only. NEVER VERIFIED ON HARDWARE.

PG is the Amptek Digital Products Programmer's Guide, Rev B3. Spectrometers of the maker have the same USB numbers:
with one device on the bus off is written before it is asked who it is; among several, each is asked first, and one
that does not answer is taken for the tube.
"""

from contextlib import suppress
from typing import Any

import usb.core as usb_core
import usb.util as usb_util

from instruments.wire.minix2 import PacketReader, encode, parse_identity
from instruments.wire.minix2.packet import needs_zero_length_packet
from instruments.wire.minix2.requests import NETFINDER
from instruments.wire.minix2.usb import INTERFACE, PRODUCT, READ_BYTES, REPLIES, REQUESTS, VENDOR
from xraydaq.errors import WireError

core: Any = usb_core  # pyusb is untyped
util: Any = usb_util

TIMEOUT_MS = 300


class UsbLine:
    """A claimed device.

    Raises:
        OSError: there is none, or another program has it.
    """

    is_serial = False

    def __init__(self, serial: str) -> None:
        try:
            devices = list(core.find(find_all=True, idVendor=VENDOR, idProduct=PRODUCT))
        except core.NoBackendError as error:
            raise OSError("USB needs a driver: install libusb") from error
        if len(devices) > 1:
            devices = [each for each in devices if _may_be_tube(each, serial)]
        if len(devices) != 1:
            raise OSError(f"{len(devices)} devices on USB may be the Mini-X2 of serial number {serial}")
        self._device = devices[0]
        _claim(self._device)

    def write(self, data: bytes) -> None:
        """Send a request."""
        _send(self._device, data)

    def read(self, timeout_s: float) -> bytes:
        """Get one transfer; empty if none comes."""
        return _receive(self._device, round(timeout_s * 1000))

    def clear(self) -> None:
        """Do nothing: packets need no clear."""

    def close(self) -> None:
        """Give the device back."""
        _release(self._device)


def _may_be_tube(device: Any, serial: str) -> bool:
    try:
        _claim(device)
    except OSError:
        return True
    try:
        _send(device, encode(NETFINDER.packet()))
        reader = PacketReader()
        reader.feed(_receive(device, TIMEOUT_MS))
        packet = reader.next_packet()
        if packet is None or (packet.pid1, packet.pid2) != NETFINDER.reply:
            return True
        identity = parse_identity(packet.data)
    except (OSError, WireError):
        return True
    finally:
        _release(device)
    return identity.is_mini_x2 and identity.serial.casefold() == serial.casefold()


def _claim(device: Any) -> None:
    try:
        util.claim_interface(device, INTERFACE)
    except (core.USBError, NotImplementedError) as error:
        util.dispose_resources(device)
        raise OSError(f"the USB device cannot be opened: {error}") from error


def _release(device: Any) -> None:
    with suppress(core.USBError):
        util.release_interface(device, INTERFACE)
    util.dispose_resources(device)


def _send(device: Any, data: bytes) -> None:
    device.write(REQUESTS, data, TIMEOUT_MS)
    if needs_zero_length_packet(data):
        device.write(REQUESTS, b"", TIMEOUT_MS)


def _receive(device: Any, timeout_ms: int) -> bytes:
    try:
        return bytes(device.read(REPLIES, READ_BYTES, max(1, timeout_ms)))  # pyusb takes 0 for no timeout at all
    except core.USBTimeoutError:
        return b""
