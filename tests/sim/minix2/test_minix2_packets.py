import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instruments.sim.minix2 import Unit
from instruments.sim.minix2.packets import LONGEST_REQUEST, Framer, Request, Spoiled, acknowledge, encode
from tests.sim.minix2.conftest import ACK_OK, STAMP, STATUS, TUBE_TABLE, Host, packet

NETFINDER = "F5 FA 03 07 00 00 FE 07"
WARM_UP_TABLE = "F5 FA 03 0C 00 00 FE 02"
PUBLISHED_TUBE = """
F5 FA 82 0D 00 5E 53 59 4E 54 48 2D 35 30 4B 56 2D 31 30 57 2D 41 47 00 00 00 54 30 30 30 31 00
00 00 00 00 00 00 0A 32 05 00 C8 28 00 00 00 00 00 00 0C 80 32 00 FA 06 40 09 60 90 D0 00 00 00
00 00 00 00 53 59 4E 54 48 45 54 49 43 20 54 45 53 54 20 54 55 42 45 00 00 00 00 00 00 00 00 00
00 00 00 00 ED 49"""
PUBLISHED_WARM_UP = """
F5 FA 82 0E 00 30 19 14 00 05 1E 32 00 05 28 32 00 05 28 64 00 05 32 C8 00 05 14 C8 00 05 19 14
01 2C 1E 32 01 2C 28 32 01 2C 28 64 02 58 32 C8 02 58 14 C8 02 58 F5 2C"""


@pytest.mark.parametrize(
    ("request_hex", "reply_hex"),
    [
        (TUBE_TABLE, PUBLISHED_TUBE),
        (WARM_UP_TABLE, PUBLISHED_WARM_UP),
        ("F5 FA F0 31 00 06 03 0E 18 09 1A 35 FC 69", ACK_OK),
        ("F5 FA F1 05 00 00 FD 1B", "F5 FA FF 05 00 00 FD 0D"),
        ("F5 FA F1 7F 00 03 01 02 03 FC 98", "F5 FA 8F 7F 00 03 01 02 03 FC FA"),
        ("F5 FA 01 01 00 00 FE 0E", "F5 FA FF 04 00 00 FD 0E"),
        ("F5 FA 20 02 00 08 48 56 53 45 3D 36 30 3B FB D3", "F5 FA FF 05 00 08 48 56 53 45 3D 36 30 3B FA F1"),
        (packet(0x20, 2, b"HVON=ON;"), "F5 FA FF 07 00 08 48 56 4F 4E 3D 4F 4E 3B FA B3"),
        ("F5 FA 20 02 00 09 56 4F 4C 55 3D 4F 46 46 3B FB 4D", ACK_OK),
    ],
)
def test_a_request_of_the_guide_gets_its_reply(host, request_hex, reply_hex):
    assert host.ask(request_hex) == bytes.fromhex(reply_hex)


def test_a_set_point_is_read_back(host):
    host.ask("F5 FA 20 02 00 14 48 56 53 45 3D 31 35 2E 30 3B 43 55 53 45 3D 31 35 2E 30 3B F8 FD")
    assert host.ask("F5 FA 20 03 00 0E 48 56 53 45 3D 3F 3B 43 55 53 45 3D 3F 3B FA 0C") == bytes.fromhex(
        "F5 FA 82 07 00 18 48 56 53 45 3D 31 35 2E 30 30 30 3B 43 55 53 45 3D 31 35 2E 30 30 30 3B F7 D2"
    )


def test_the_identity_says_what_it_is_and_how_long_it_has_power(host):
    host.clock.sleep_until(2 * 3600 + 15 * 60 + 30)
    times = bytes.fromhex("01 00 00 00 00 00 02 0F 00 00 00 00 1E") + bytes(19)
    texts = b"Amptek Mini-X2 - S/N 12345\0Tube P/N SYNTH-50KV-10W-AG\0Time Powered\0none\0"
    assert host.ask(NETFINDER)[:-2] == bytes.fromhex("F5 FA 82 08 00 68") + times + texts


def test_the_status_says_first_status_since_the_start_once(host):
    first, second = host.status().data, host.status().data
    assert (first[5], second[5]) == (0x85, 0x05)
    assert first[:5] == bytes.fromhex("39 30 00 00 60")
    assert first[26:30] == bytes.fromhex("0C 80 32 00")
    assert len(first) == 64


def test_the_time_stamp_record_is_that_of_the_last_use(host):
    lag_s = 3600
    date = bytes([3, 14, 24, 7, 26, 53])
    assert host.ask(STAMP)[6:-2] == b"\0" + date + lag_s.to_bytes(4, "big") + (86400).to_bytes(4, "big")
    host.ask(packet(0xF0, 0x31, bytes([3, 14, 24, 9, 26, 53])))
    host.clock.sleep(lag_s - 10)
    host.beam()
    switched_on_s = host.device.beam_log[0].time_s
    host.tell("HVSE=0;")
    switched_off_s = host.device.beam_log[-1].time_s
    record = host.ask(STAMP)[6:-2]
    assert record[1:7] == bytes([3, 14, 24, 9, 26, 53])
    assert 0 <= switched_off_s - int.from_bytes(record[7:11], "big") < 1
    assert int.from_bytes(record[11:], "big") == 86400 + int(switched_off_s - switched_on_s)


def test_a_new_tube_has_no_valid_record():
    assert Host(unit=Unit(last_off_utc_s=None)).ask(STAMP)[6] == 0x80


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (packet(0x02, 0x02), 2),
        (packet(0xF0, 0x22), 2),
        (packet(0x10, 0x10, b"x"), 2),
        (packet(0x01, 0x01, b"x"), 3),
        (packet(0xF0, 0x30, bytes(93)), 3),
        (packet(0xF0, 0x33), 3),
        (packet(0xF0, 0x33, b"\x02"), 5),
        (packet(0xF1, 0x03, b"x"), 3),
        (b"\xf5\xfa\x20\x02\x02\x01", 3),
        (b"hello", 1),
    ],
)
def test_what_is_no_request_is_refused_and_remembered(host, raw, code):
    assert host.ask(raw)[:6] == bytes([0xF5, 0xFA, 0xFF, code, 0, 0])
    assert [each for _, each in host.device.refused] == [code]
    assert host.status().fault == 0


def test_a_session_without_mistakes_leaves_nothing_refused(host):
    host.beam()
    host.tell("HVSE=0;CUSE=0;")
    assert host.device.refused == []
    assert host.device.writes_that_must_not_happen == []


@pytest.mark.parametrize(
    ("request_", "note"),
    [
        (packet(0x03, 0x08, b"\x10\x20"), "I2C transfer"),
        (packet(0xF0, 0x09, bytes(512)), "misc data write"),
        (packet(0xF0, 0x32, bytes(48)), "warm-up table write"),
        (packet(0x20, 0x02, b"LIOR=ON;"), "LIOR=ON"),
        (packet(0x20, 0x02, b"FAOR=ON;"), "FAOR=ON"),
    ],
)
def test_a_write_that_must_not_happen_is_accepted_and_noted(host, request_, note):
    assert host.ask(request_) == bytes.fromhex(ACK_OK)
    assert [text for _, text in host.device.writes_that_must_not_happen] == [note]


def test_a_written_tube_table_becomes_the_authority(host):
    table = bytearray(host.ask(TUBE_TABLE)[6:-2])
    table[33] = 30
    assert host.ask(packet(0xF0, 0x30, bytes(table))) == bytes.fromhex(ACK_OK)
    assert host.tell("HVSE=31.0;") == (5, "HVSE=31.0;")
    assert [text for _, text in host.device.writes_that_must_not_happen] == ["tube table write"]


def test_a_text_configuration_delays_what_comes_behind_it():
    host = Host(unit=Unit(stall_s=0.4, reply_s=0.002))
    host.tell("VOLU=OFF;")
    start_s = host.clock.now()
    host.status()
    assert host.clock.now() - start_s == pytest.approx(0.4, abs=1e-9)


def test_on_a_serial_line_bytes_take_their_time_and_a_gap_discards_them():
    host = Host(baud=115200, unit=Unit(reply_s=0.0))
    host.status()
    assert host.clock.now() == pytest.approx((8 + 72) * 10 / 115200, rel=1e-9)
    request = bytes.fromhex(STATUS)
    host.adapter.write_bytes(request[:5])
    host.clock.sleep(0.09)
    host.adapter.write_bytes(request[5:])
    assert host.adapter.read_bytes(72)[3] == 2
    host.adapter.write_bytes(request[:5])
    host.clock.sleep(0.11)
    host.adapter.write_bytes(request[5:])
    host.clock.sleep(1.0)
    assert host.link.receive(host.clock.now()) is None
    host.clock.sleep(0.2)
    host.status()
    assert host.device.refused == []


def test_there_is_no_other_speed():
    with pytest.raises(ValueError, match="9600"):
        Host(baud=9600)


def test_the_framer_knows_the_checksums_of_the_guide():
    assert acknowledge(0) == bytes.fromhex(ACK_OK)
    assert encode(0x01, 0x01) == bytes.fromhex(STATUS)


requests = st.builds(packet, st.integers(0, 255), st.integers(0, 255), st.binary(max_size=LONGEST_REQUEST))
streams = st.lists(st.one_of(requests, st.binary(max_size=20)), max_size=6).map(b"".join)


@settings(deadline=None)
@given(st.lists(requests, max_size=5), st.data())
def test_packets_are_found_however_they_are_cut(packets, data):
    stream = b"".join(packets)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    framer = Framer(is_serial=False)
    found = [
        each
        for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)
        for each in framer.feed(stream[start:end])
    ]
    assert [encode(*each.pid, each.data) for each in found if isinstance(each, Request)] == packets


@settings(deadline=None)
@given(streams)
def test_whatever_comes_is_a_request_or_spoiled_and_no_byte_is_lost(stream):
    framer = Framer(is_serial=False)
    found = framer.feed(stream)
    raw = b"".join(encode(*each.pid, each.data) if isinstance(each, Request) else each.raw for each in found)
    assert stream.startswith(raw)
    assert framer.is_inside_packet == (len(raw) < len(stream))
    assert all(each.code in (1, 3, 4) for each in found if isinstance(each, Spoiled))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.one_of(requests, st.binary(max_size=40)), max_size=10), st.integers(1, 5000), st.booleans())
def test_whatever_is_sent_the_simulator_goes_on(messages, pause_ms, is_serial):
    host = Host(baud=115200 if is_serial else None)
    for message in messages:
        host.adapter.write_bytes(message)
        host.clock.sleep(pause_ms / 1000)
    host.link.clear(host.clock.now())
    host.clock.sleep(1.0)
    host.adapter.flush_read_buffer()
    host.status()
