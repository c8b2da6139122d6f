"""pyusb on a USB bus that exists in memory: only what is below pyusb, the cable, is replaced."""

import errno
from array import array
from types import SimpleNamespace

import pytest
import usb.backend
import usb.core
from pyvisa.errors import VisaIOError

from instruments.minix2 import MiniX2
from instruments.minix2.usb import UsbAdapter, find_devices, find_tubes, open_tube
from tests.instruments import minix2_packets as known
from tests.instruments.minix2_packets import whole
from xraydaq.clock import JumpingClock
from xraydaq.errors import InstrumentError

IDENTITY = bytes.fromhex(known.REQUESTS["identity"])
STATUS = bytes.fromhex(known.REQUESTS["status"])


def identity(text):
    return whole(0x82, 0x08, bytes(32) + text + b"\0Tube P/N SYNTH\0")


class Plugged:
    """One device on the bus: its replies to requests, as transfers of at most 64 bytes."""

    def __init__(self, address, replies, product=0x842A, claim_error=None):
        self.address, self.replies, self.product, self.claim_error = address, replies, product, claim_error
        self.transfers, self.pending, self.claimed = [], [], 0

    def take(self, data):
        self.transfers.append(data)
        reply = self.replies.get(data)
        if reply is not None:
            self.pending.append(reply)


class Bus(usb.backend.IBackend):
    """A libusb whose devices are `Plugged`."""

    def __init__(self, *plugged):
        self.plugged = plugged

    def enumerate_devices(self):
        return iter(self.plugged)

    def get_device_descriptor(self, dev):
        return SimpleNamespace(
            bLength=18, bDescriptorType=1, bcdUSB=0x200, bDeviceClass=0xFF, bDeviceSubClass=0, bDeviceProtocol=0,
            bMaxPacketSize0=64, idVendor=0x10C4, idProduct=dev.product, bcdDevice=0, iManufacturer=0, iProduct=0,
            iSerialNumber=0, bNumConfigurations=1, address=dev.address, bus=1, port_number=dev.address,
            port_numbers=(2, dev.address), speed=2,
        )  # fmt: skip

    def get_configuration_descriptor(self, dev, config):
        if config:
            raise IndexError
        return SimpleNamespace(
            bLength=9, bDescriptorType=2, wTotalLength=32, bNumInterfaces=1, bConfigurationValue=1, iConfiguration=0,
            bmAttributes=0x80, bMaxPower=50, extra_descriptors=[],
        )  # fmt: skip

    def get_interface_descriptor(self, dev, intf, alt, config):
        if intf or alt or config:
            raise IndexError
        return SimpleNamespace(
            bLength=9, bDescriptorType=4, bInterfaceNumber=0, bAlternateSetting=0, bNumEndpoints=2,
            bInterfaceClass=0xFF, bInterfaceSubClass=0, bInterfaceProtocol=0, iInterface=0, extra_descriptors=[],
        )  # fmt: skip

    def get_endpoint_descriptor(self, dev, ep, intf, alt, config):
        return SimpleNamespace(
            bLength=7, bDescriptorType=5, bEndpointAddress=(0x81, 0x02)[ep], bmAttributes=2, wMaxPacketSize=64,
            bInterval=0, bRefresh=0, bSynchAddress=0, extra_descriptors=[],
        )  # fmt: skip

    def open_device(self, dev):
        return dev

    def close_device(self, dev_handle):
        pass

    def get_configuration(self, dev_handle):
        return 1

    def claim_interface(self, dev_handle, intf):
        if dev_handle.claim_error is not None:
            raise usb.core.USBError("no", errno=dev_handle.claim_error)
        dev_handle.claimed += 1

    def release_interface(self, dev_handle, intf):
        dev_handle.claimed -= 1

    def bulk_write(self, dev_handle, ep, intf, data, timeout):
        assert (ep, intf) == (0x02, 0)
        assert timeout > 0, "0 would wait for ever"
        dev_handle.take(data.tobytes())
        return len(data)

    def bulk_read(self, dev_handle, ep, intf, buff, timeout):
        assert (ep, intf) == (0x81, 0)
        assert timeout > 0, "0 would wait for ever"
        assert len(buff) % 64 == 0, "a longer packet would overflow"
        if not dev_handle.pending:
            raise usb.core.USBTimeoutError("nothing", errno=errno.ETIMEDOUT)
        reply = dev_handle.pending.pop(0)
        if isinstance(reply, OSError):
            raise reply
        buff[: len(reply)] = array("B", reply)
        return len(reply)


@pytest.fixture
def detector():
    return Plugged(4, {IDENTITY: identity(b"Amptek DP5 - S/N 12345")})


@pytest.fixture
def tube():
    return Plugged(5, {IDENTITY: known.IDENTITY, STATUS: known.STATUS_ON})


@pytest.fixture
def other_tube():
    return Plugged(6, {IDENTITY: identity(b"Amptek Mini-X2 - S/N 777")})


def the_adapter(plugged):
    (device,) = usb.core.find(find_all=True, backend=Bus(plugged))
    return UsbAdapter(device)


def test_every_device_is_asked_and_tubes_are_told_from_detectors(detector, tube, other_tube):
    bus = Bus(detector, tube, other_tube, Plugged(9, {}, product=0x1234))
    found = find_devices(JumpingClock(), backend=bus)
    assert [(each.place, each.identity.model, each.identity.serial) for each in found] == [
        ("USB 1-2.4", "DP5", "12345"),
        ("USB 1-2.5", "Mini-X2", "12345"),
        ("USB 1-2.6", "Mini-X2", "777"),
    ]
    assert [each.identity.serial for each in find_tubes(JumpingClock(), backend=bus)] == ["12345", "777"]
    assert set(detector.transfers) == {IDENTITY}, "a detector is asked for its identity and nothing else"
    assert [each.claimed for each in (detector, tube, other_tube)] == [0, 0, 0]


@pytest.mark.parametrize("order", [1, -1])
def test_a_tube_is_opened_by_its_serial_number_in_any_order(detector, tube, other_tube, order):
    bus = Bus(*(detector, tube, other_tube)[::order])
    adapter = open_tube("777", JumpingClock(), backend=bus)
    assert (tube.claimed, other_tube.claimed, detector.claimed) == (0, 1, 0)
    adapter.close()
    adapter.close()
    assert other_tube.claimed == 0


def test_a_serial_number_nobody_has_is_an_error_that_names_what_was_found(detector, tube):
    with pytest.raises(InstrumentError, match=r"found: USB 1-2\.4: Amptek DP5 - S/N 12345; USB 1-2\.5"):
        open_tube("1", JumpingClock(), backend=Bus(detector, tube))
    with pytest.raises(InstrumentError, match="found: nothing"):
        open_tube("1", JumpingClock(), backend=Bus())


def test_two_tubes_of_one_serial_number_are_not_chosen_from(tube):
    twin = Plugged(7, dict(tube.replies))
    with pytest.raises(InstrumentError, match="2 Mini-X2"):
        open_tube("12345", JumpingClock(), backend=Bus(tube, twin))


@pytest.mark.parametrize(
    ("number", "hint"), [(errno.EACCES, "udev rule"), (errno.EBUSY, "another program"), (errno.ENODEV, "unplugged")]
)
def test_a_device_that_cannot_be_claimed_says_why_and_hides_no_other(tube, number, hint):
    closed = Plugged(3, {}, claim_error=number)
    found = find_devices(JumpingClock(), backend=Bus(closed, tube))
    assert found[0].identity is None
    assert hint in found[0].problem
    assert found[1].is_tube


def test_a_device_that_says_nothing_is_no_tube():
    (found,) = find_devices(JumpingClock(), backend=Bus(Plugged(3, {})))
    assert not found.is_tube
    assert "no answer" in found.problem


def test_a_driver_on_usb_reads_a_status(tube):
    driver = MiniX2(the_adapter(tube), clock=JumpingClock(), max_voltage_v=5e4, max_current_a=2e-4, max_power_w=10.0)
    assert tube.transfers == []
    assert driver.status().voltage_v == pytest.approx(15e3)
    assert driver.identify().serial == "12345"
    driver.close()
    assert tube.claimed == 0


@pytest.mark.parametrize(("size", "transfers"), [(63, [63]), (64, [64, 0]), (65, [65]), (128, [128, 0])])
def test_a_request_of_whole_packets_is_followed_by_an_empty_one(tube, size, transfers):
    the_adapter(tube).write_bytes(bytes(size))
    assert [len(data) for data in tube.transfers] == transfers


def test_a_reply_in_pieces_and_an_empty_end_are_put_together(tube):
    adapter = the_adapter(tube)
    tube.pending += [known.STATUS_ON[:64], b"", known.STATUS_ON[64:] + b"next"]
    assert adapter.read_bytes(8) + adapter.read_bytes(64) == known.STATUS_ON
    assert adapter.read_bytes(-1) == b"next"


def test_silence_is_a_timeout_and_so_are_empty_transfers_without_end(tube):
    adapter = the_adapter(tube)
    with pytest.raises(VisaIOError):
        adapter.read_bytes(8)
    tube.pending += [b""] * 100
    with pytest.raises(VisaIOError):
        adapter.read_bytes(8)


def test_flushing_drops_what_was_read_and_what_waits(tube):
    adapter = the_adapter(tube)
    tube.pending += [b"0123456789", b"more", b""]
    assert adapter.read_bytes(4) == b"0123"
    adapter.flush_read_buffer()
    tube.pending.append(b"fresh")
    assert adapter.read_bytes(5) == b"fresh"


def test_a_tube_that_was_unplugged_is_an_error(tube):
    driver = MiniX2(the_adapter(tube), clock=JumpingClock(), max_voltage_v=5e4, max_current_a=2e-4, max_power_w=10.0)
    tube.replies[STATUS] = usb.core.USBError("gone", errno=errno.ENODEV)
    with pytest.raises(InstrumentError, match="gone"):
        driver.status()


def test_a_closed_connection_is_not_opened_again_behind_the_back(tube):
    adapter = the_adapter(tube)
    adapter.close()
    with pytest.raises(VisaIOError):
        adapter.write_bytes(b"x")
    assert tube.transfers == []
