"""The driver of the Mini-X2 on a cable whose far end can be told to misbehave."""

import threading
from contextlib import suppress

import pytest
from pymeasure.adapters.adapter import Adapter
from pyvisa.constants import InterfaceType, StatusCode
from pyvisa.errors import VisaIOError

from instruments.minix2 import MiniX2
from instruments.wire.minix2 import requests, text
from tests.instruments import minix2_packets as known
from tests.instruments.minix2_packets import data_of, whole
from xraydaq.clock import JumpingClock
from xraydaq.errors import InstrumentError, InstrumentTimeout, Refused, WireError

OFF = whole(0x20, 0x02, b"HVSE=OFF;CUSE=OFF;")
ON = whole(0x20, 0x02, b"HVSE=40.000;CUSE=100.000;")
STATUS = bytes.fromhex(known.REQUESTS["status"])
DARK = whole(0x80, 0x02, data_of(known.STATUS_ON)[:6] + bytes(4) + data_of(known.STATUS_ON)[10:16] + b"\0"
             + data_of(known.STATUS_ON)[17:])  # fmt: skip
LIT = whole(0x80, 0x02, data_of(known.STATUS_ON)[:6] + (3200).to_bytes(2, "little") + (2000).to_bytes(2, "little")
            + data_of(known.STATUS_ON)[10:])  # fmt: skip
DETECTOR = whole(0x80, 0x01, bytes(64))


class Connection:
    """What VISA shows of a connection, as far as a driver looks."""

    timeout = None
    interface_type = None
    closed = 0

    def close(self):
        self.closed += 1


class Cable(Adapter):
    """Answers like a Mini-X2 that obeys at once; `spoil` takes a request and its reply and returns what arrives."""

    def __init__(self):
        super().__init__()
        self.connection = Connection()
        self.sent = []
        self.waiting = bytearray()
        self.set = (b"0", b"0")
        self.spoil = lambda request, reply: reply
        self.flushes = 0
        self.reading = lambda: None

    @property
    def lit(self):
        return self.set != (b"0", b"0")

    def _write_bytes(self, content, **kwargs):
        self.sent.append(content)
        self.waiting += self.spoil(content, self._reply(content))

    def _reply(self, request):
        kind, data = request[2:4].hex(), data_of(request)
        if kind == "2002":
            if data.startswith(b"HVSE=OFF"):
                self.set = (b"0", b"0")
            else:
                self.set = tuple(part.partition(b"=")[2] for part in data.split(b";")[:2])
            return known.ACK_OK
        if kind == "2003":
            return whole(0x82, 0x07, b"HVSE=%s;CUSE=%s;" % self.set)
        return {
            "0101": LIT if self.lit else DARK,
            "0307": known.IDENTITY,
            "030b": known.TUBE_TABLE,
            "030c": known.WARM_UP_TABLE,
            "030d": known.TIMESTAMP,
            "f17f": whole(0x8F, 0x7F, data),
        }.get(kind, known.ACK_OK)

    def _read_bytes(self, count, break_on_termchar=False, **kwargs):
        self.reading()
        if len(self.waiting) < count:
            self.waiting.clear()
            raise VisaIOError(StatusCode.error_timeout)
        data = bytes(self.waiting[:count])
        del self.waiting[:count]
        return data

    def flush_read_buffer(self):
        self.flushes += 1
        self.waiting.clear()


@pytest.fixture
def cable():
    return Cable()


@pytest.fixture
def tube(cable):
    return MiniX2(cable, clock=JumpingClock(), max_voltage_v=50e3, max_current_a=200e-6, max_power_w=10.0)


def answer(request, *replies):
    """Give these replies to a request, one after another, then none."""
    rest = list(replies)
    return lambda asked, reply: reply if asked != request else (rest.pop(0) if rest else b"")


def take_quietly(tube):
    with suppress(InstrumentError):
        tube.status()


def test_the_cable_obeys(tube, cable):
    tube.set_output(40e3, 100e-6)
    assert cable.set == (b"40.000", b"100.000")
    tube.safe_off()
    assert not cable.lit


@pytest.mark.parametrize(
    ("start", "target", "command"),
    [
        ((20e3, 200e-6), (50e3, 80e-6), b"CUSE=80.000;HVSE=50.000;"),
        ((50e3, 80e-6), (20e3, 200e-6), b"HVSE=20.000;CUSE=200.000;"),
        (None, (50e3, 80e-6), b"HVSE=50.000;CUSE=80.000;"),
    ],
)
def test_what_decreases_comes_first(tube, cable, start, target, command):
    cable.set = (b"0", b"0") if start is None else (b"%.1f" % (start[0] / 1e3), b"%.1f" % (start[1] * 1e6))
    with pytest.raises(InstrumentError):  # this cable knows one lit status only, and goes off after it
        tube.set_output(*target)
    commands = [request for request in cable.sent if request[2:4] == b"\x20\x02"]
    assert data_of(commands[0]) == command


def test_a_detector_of_the_same_usb_identity_is_refused_and_gets_no_set_point(tube, cable):
    cable.spoil = lambda asked, reply: DETECTOR if asked == STATUS else reply
    with pytest.raises(InstrumentError, match="detector"):
        tube.identify()
    with pytest.raises(InstrumentError, match="detector"):
        tube.set_output(40e3, 100e-6)
    assert not any(b"HVSE=40" in request for request in cable.sent)


def test_a_detector_that_says_its_name_is_refused(tube, cable):
    name = whole(0x82, 0x08, bytes(32) + b"Amptek DP5 - S/N 4242\0")
    cable.spoil = lambda asked, reply: name if asked[2:4] == b"\x03\x07" else reply
    with pytest.raises(InstrumentError, match="DP5"):
        tube.identify()


@pytest.mark.parametrize("code", [0x01, 0x04, 0x05, 0x07, 0x0D])
def test_a_refused_set_command_is_not_repeated_and_ends_in_off(tube, cable, code):
    cable.spoil = lambda asked, reply: whole(0xFF, code, b"HVSE=40.000;") if asked == ON else reply
    with pytest.raises(InstrumentError, match="refused"):
        tube.set_output(40e3, 100e-6)
    assert cable.sent.count(ON) == 1
    assert OFF in cable.sent[cable.sent.index(ON) :]
    assert not cable.lit


def test_a_set_command_without_an_answer_is_not_repeated_and_ends_in_off(tube, cable):
    cable.spoil = answer(ON)
    with pytest.raises(InstrumentTimeout):
        tube.set_output(40e3, 100e-6)
    assert cable.sent.count(ON) == 1
    assert not cable.lit


def test_set_points_that_read_back_as_something_else_end_in_off(tube, cable):
    def spoil(asked, reply):
        return whole(0x82, 0x07, b"HVSE=40.0;CUSE=99.98;") if asked[2:4] == b"\x20\x03" and cable.lit else reply

    cable.spoil = spoil
    with pytest.raises(InstrumentError, match="reads back"):
        tube.set_output(40e3, 100e-6)
    assert not cable.lit


def test_a_keyboard_interrupt_between_set_and_settled_ends_in_off(tube, cable):
    def interrupt():
        if cable.lit:
            cable.reading = lambda: None
            raise KeyboardInterrupt

    cable.reading = interrupt
    with pytest.raises(KeyboardInterrupt):
        tube.set_output(40e3, 100e-6)
    assert ON in cable.sent
    assert not cable.lit


def test_an_interlock_current_outside_its_window_is_no_closed_interlock(tube, cable):
    data = bytearray(data_of(DARK))
    data[10:12] = (1500).to_bytes(2, "little")  # 18.7 mA; the window starts at 19.9 mA
    cable.spoil = lambda asked, reply: whole(0x80, 0x02, bytes(data)) if asked == STATUS else reply
    with pytest.raises(Refused, match="interlock current"):
        tube.set_output(40e3, 100e-6)
    assert ON not in cable.sent


@pytest.mark.parametrize(
    "bad",
    [
        b"", b"\0", LIT[:40], LIT[:-1] + b"\0", b"noise" + LIT, known.TUBE_TABLE, known.ACK_OK,
        whole(0xFF, 0x04), whole(0x80, 0x02, bytes(63)), whole(0x80, 0x02, bytes(64)), LIT[:4] + b"\xff\xff" + LIT[6:],
    ],
)  # fmt: skip
def test_a_bad_reply_to_a_query_is_asked_for_again(tube, cable, bad):
    cable.spoil = answer(STATUS, bad, DARK)
    assert tube.status().voltage_v == 0
    assert cable.sent.count(STATUS) == 2


def test_a_query_is_asked_three_times_and_no_more(tube, cable):
    cable.spoil = lambda asked, reply: LIT[:-1] + b"\0" if asked == STATUS else reply
    with pytest.raises(WireError):
        tube.status()
    assert cable.sent.count(STATUS) == 3


def test_a_query_the_device_does_not_know_is_not_asked_again(tube, cable):
    cable.spoil = lambda asked, reply: whole(0xFF, 0x10) if asked == STATUS else reply
    with pytest.raises(InstrumentError, match="feature not supported"):
        tube.status()
    assert cable.sent.count(STATUS) == 1


def test_a_reply_that_was_there_before_the_question_is_dropped(tube, cable):
    cable.waiting += LIT
    assert tube.status().voltage_v == 0


@pytest.mark.parametrize("interface", [InterfaceType.tcpip, InterfaceType.usb])
def test_where_nothing_can_be_discarded_an_echo_shows_what_is_old(tube, cable, interface):
    cable.connection.interface_type = interface
    for _ in range(3):
        cable.waiting += LIT + known.ACK_OK
        assert tube.status().voltage_v == 0
    assert cable.flushes == 0


def test_an_endless_babble_is_an_error(tube, cable):
    cable._read_bytes = lambda count, *args, **kwargs: bytes(count)
    with pytest.raises(InstrumentError):
        tube.status()


def test_an_unplugged_cable_is_an_error_at_once_and_off_names_the_danger(tube, cable):
    def unplugged(content, **kwargs):
        cable.sent.append(content)
        raise OSError(19, "No such device")

    cable._write_bytes = unplugged
    with pytest.raises(InstrumentError, match="No such device"):
        tube.status()
    with pytest.raises(InstrumentError, match="THE BEAM MAY BE ON"):
        tube.safe_off()
    assert cable.sent.count(OFF) == 3
    tube.shutdown()


def test_an_off_whose_acknowledgement_is_lost_is_verified_all_the_same(tube, cable):
    tube.set_output(40e3, 100e-6)
    cable.spoil = answer(OFF)
    tube.safe_off()
    assert not cable.lit


def test_an_off_the_device_did_not_understand_is_sent_again(tube, cable):
    tube.set_output(40e3, 100e-6)
    offs = []

    def deaf_once(asked, reply):
        if asked == OFF:
            offs.append(asked)
            if len(offs) == 1:
                cable.set = (b"40.000", b"100.000")
                return whole(0xFF, 0x01)
        return reply

    cable.spoil = deaf_once
    tube.safe_off()
    assert len(offs) == 2
    assert not cable.lit


@pytest.mark.parametrize("code", [0x04, 0x05, 0x0D])
def test_an_off_the_device_refused_is_sent_again_though_the_tube_is_dark(tube, cable, code):
    cable.spoil = answer(OFF, whole(0xFF, code), known.ACK_OK)
    tube.safe_off()
    assert cable.sent.count(OFF) == 2
    assert STATUS in cable.sent


def test_one_dark_status_followed_by_a_lit_one_is_not_called_off(tube, cable):
    looks = iter([DARK])
    cable.spoil = lambda asked, reply: next(looks, LIT) if asked == STATUS else reply
    with pytest.raises(InstrumentError, match="THE BEAM MAY BE ON"):
        tube.safe_off()


def test_the_looks_that_show_off_are_further_apart_than_a_refresh_of_the_monitors(cable):
    clock, asked_s = JumpingClock(), []

    def note(asked, reply):
        if asked == STATUS:
            asked_s.append(clock.now())
        return reply

    cable.spoil = note
    MiniX2(cable, clock=clock, max_voltage_v=50e3, max_current_a=200e-6, max_power_w=10.0).safe_off()
    assert len(asked_s) == 2
    assert asked_s[1] - asked_s[0] > 0.1


def test_a_tube_that_is_dark_only_at_the_last_moment_is_off(tube, cable):
    lit_s = 9.95  # of the 10 s it may take; both dark looks come after them
    clock = tube._clock
    slow = bytearray(data_of(DARK))
    slow[6:8] = (81).to_bytes(2, "little")  # 1.01 kV
    start_s = clock.now()

    def decay(asked, reply):
        return whole(0x80, 0x02, bytes(slow)) if asked == STATUS and clock.now() - start_s < lit_s else reply

    cable.spoil = decay
    tube.safe_off()
    assert cable.sent.count(OFF) == 1
    assert clock.now() - start_s > 10.0


def test_a_tube_whose_status_is_garbled_gets_its_off_from_prepare(tube, cable):
    cable.set = (b"40.000", b"100.000")
    cable.spoil = lambda asked, reply: LIT[:-1] + b"\0" if asked == STATUS else reply
    with pytest.raises(InstrumentError, match="THE BEAM MAY BE ON"):
        tube.prepare()
    assert not cable.lit


def test_prepare_sends_nothing_more_to_a_device_of_another_name(tube, cable):
    name = whole(0x82, 0x08, bytes(32) + b"Amptek DP5 - S/N 4242\0")
    cable.spoil = lambda asked, reply: name if asked[2:4] == b"\x03\x07" else reply
    with pytest.raises(InstrumentError, match="DP5"):
        tube.prepare()
    assert OFF not in cable.sent


def test_high_voltage_that_decays_too_slowly_is_not_called_off(tube, cable):
    data = bytearray(data_of(DARK))
    data[6:8] = (81).to_bytes(2, "little")  # 1.01 kV
    cable.spoil = lambda asked, reply: whole(0x80, 0x02, bytes(data)) if asked == STATUS else reply
    with pytest.raises(InstrumentError, match=r"HV disabled, 1012\.5 V"):
        tube.safe_off()


def test_high_voltage_that_stays_enabled_is_not_called_off_though_the_monitors_show_nothing(tube, cable):
    data = bytearray(data_of(DARK))
    data[16] = 0x80
    cable.spoil = lambda asked, reply: whole(0x80, 0x02, bytes(data)) if asked == STATUS else reply
    with pytest.raises(InstrumentError, match="HV enabled, 0 V"):
        tube.safe_off()
    assert cable.sent.count(OFF) == 3


@pytest.mark.parametrize("code", [1, 7, 12])
def test_a_tube_that_tripped_is_not_called_set_even_without_waiting(tube, cable, code):
    data = bytearray(data_of(LIT))
    data[16] = code
    cable.spoil = lambda asked, reply: whole(0x80, 0x02, bytes(data)) if asked == STATUS and cable.lit else reply
    with pytest.raises(InstrumentError, match="tripped"):
        tube.set_output(40e3, 100e-6, settle=False)
    assert not cable.lit


def test_a_beam_switched_off_right_after_it_was_set_is_not_called_set(tube, cable):
    def off_after_set(asked, reply):
        if asked == STATUS and cable.lit:
            cable.spoil = lambda asked, reply: reply
            tube._link.write_off(requests.text_request(text.OFF))
        return reply

    cable.spoil = off_after_set
    with pytest.raises(Refused, match="meanwhile"):
        tube.set_output(40e3, 100e-6, settle=False)
    assert not cable.lit


def test_off_is_written_while_another_thread_waits_for_a_reply(tube, cable):
    waiting, release, written = threading.Event(), threading.Event(), threading.Event()
    cable.set = (b"40.000", b"100.000")

    def block():
        if threading.current_thread() is asking and not waiting.is_set():
            waiting.set()
            release.wait(30)

    def spoil(asked, reply):
        if asked == OFF:
            written.set()
        return reply

    cable.reading, cable.spoil = block, spoil
    asking = threading.Thread(target=take_quietly, args=(tube,))
    switching_off = threading.Thread(target=tube.shutdown)
    asking.start()
    assert waiting.wait(30)
    switching_off.start()
    try:
        assert written.wait(30)
        assert not release.is_set()
        assert not cable.lit
    finally:
        release.set()
        asking.join(30)
        switching_off.join(30)
    assert tube.status().voltage_v == 0


def test_an_off_from_another_thread_keeps_a_set_that_was_being_checked_from_switching_on(tube, cable):
    def off_meanwhile():
        if cable.sent[-1][2:4] == b"\x20\x03":  # the last question before the set command
            cable.reading = lambda: None
            other = threading.Thread(target=tube._link.write_off, args=(requests.text_request(text.OFF),))
            other.start()
            while tube._link.offs == 0 and other.is_alive():
                pass

    cable.reading = off_meanwhile
    with pytest.raises(Refused, match="meanwhile"):
        tube.set_output(40e3, 100e-6)
    assert ON not in cable.sent


def test_construction_and_closing_send_nothing(tube, cable):
    tube.close()
    tube.close()
    assert cable.sent == []
    assert cable.connection.closed == 1
