import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from instruments.wire.minix2 import Ack, Packet, PacketReader, encode, parse_ack, requests, text
from instruments.wire.minix2.packet import LARGEST_REPLY_DATA, needs_zero_length_packet
from tests.instruments import minix2_packets as known
from xraydaq.errors import WireError

bytes_ = st.integers(0, 255)
packets = st.builds(Packet, bytes_, bytes_, st.binary(max_size=LARGEST_REPLY_DATA))


def outcomes(pieces):
    """Everything a reader makes of the pieces: packets, and what was wrong."""
    reader, seen = PacketReader(), []
    for piece in pieces:
        reader.feed(piece)
        while True:
            try:
                packet = reader.next_packet()
            except WireError as error:
                seen.append((str(error), error.data))
                continue
            if packet is None:
                break
            seen.append(packet)
    return seen, reader.dropped_bytes, reader.missing


@pytest.mark.parametrize(
    ("packet", "wire"),
    [
        *((query.packet(), known.REQUESTS[query.name]) for query in (
            requests.STATUS, requests.NETFINDER, requests.TUBE_TABLE, requests.WARM_UP_TABLE, requests.TIMESTAMP,
            requests.FAULT_RECORD,
        )),
        (requests.warm_up_request(monthly=False), "F5 FA F0 33 00 01 00 FC ED"),
        (requests.warm_up_request(monthly=True), "F5 FA F0 33 00 01 01 FC EC"),
        (requests.text_request(text.OFF), "F5FA2002001248565345 3D4F46463B 43555345 3D4F46463B F8D1"),
        (requests.READ_BACK.packet(text.ASK_SET_POINTS.encode()),
         "F5FA2003000E 48565345 3D3F3B 43555345 3D3F3B FA0C"),
        (requests.ECHO.packet(b"\1\2\3"), "F5 FA F1 7F 00 03 01 02 03 FC 98"),
        (Packet(0xFF, 0x00), "F5 FA FF 00 00 00 FD 12"),
    ],
)  # fmt: skip
def test_packets_are_spelled_as_published(packet, wire):
    assert encode(packet) == bytes.fromhex(wire)


@pytest.mark.parametrize("wire", known.REPLIES)
def test_published_replies_are_read_and_add_up_to_zero(wire):
    (packet,), dropped, _ = outcomes([wire])
    assert dropped == 0
    assert encode(packet) == wire


@given(packets)
def test_a_packet_comes_back_as_it_was(packet):
    assert outcomes([encode(packet)])[0] == [packet]


@given(
    st.lists(st.one_of(packets.map(encode), st.binary(max_size=30), st.sampled_from([b"\xf5", b"\xf5\xfa"]))),
    st.data(),
)
def test_any_split_gives_the_same(parts, data):
    stream = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    pieces = [stream[first:end] for first, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    together = outcomes([stream])
    assert outcomes(pieces) == together
    assert outcomes([stream[at : at + 1] for at in range(len(stream))]) == together


@given(st.binary(max_size=2000))
@example(b"\xf5\xfa" * 100)
def test_garbage_is_a_wire_error_or_nothing(garbage):
    seen, dropped, missing = outcomes([garbage])
    assert dropped <= len(garbage)
    assert missing > 0
    assert all(isinstance(each, (Packet, tuple)) for each in seen)


@given(st.binary(max_size=40).filter(lambda noise: b"\xf5" not in noise), packets)
def test_noise_before_a_packet_is_counted_and_the_packet_is_read(noise, packet):
    seen, dropped, _ = outcomes([noise + encode(packet)])
    assert (seen, dropped) == ([packet], len(noise))


@given(packets, st.data())
def test_one_wrong_byte_behind_the_length_is_always_found(packet, data):
    wire = bytearray(encode(packet))
    place = data.draw(st.sampled_from([2, 3, *range(6, len(wire))]))
    wire[place] ^= data.draw(st.integers(1, 255))
    seen, _, _ = outcomes([bytes(wire)])
    assert any(isinstance(each, tuple) and "checksum" in each[0] for each in seen)


def test_a_length_no_reply_has_is_refused_at_once():
    reader = PacketReader()
    reader.feed(bytes.fromhex("F5 FA 80 02 7F FF"))
    with pytest.raises(WireError, match="more than 512 bytes"):
        reader.next_packet()


def test_a_good_packet_inside_a_spoilt_one_is_found():
    spoilt = bytearray(known.whole(0x80, 0x02, known.ACK_OK))
    spoilt[-1] ^= 1
    assert outcomes([bytes(spoilt)])[0][1:] == [Packet(0xFF, 0x00)]


def test_an_acknowledgement_names_the_offending_command():
    refused = parse_ack(Packet(0xFF, 0x05, b"HVSE=60;"))
    assert (refused.code, str(refused)) == (Ack.BAD_PARAMETER, "bad parameter: 'HVSE=60;'")
    assert not refused.code.is_ok
    assert parse_ack(Packet(0xFF, 0x00)).code.is_ok
    assert parse_ack(Packet(0xFF, 0x0C)).code.is_ok


@given(packets)
def test_only_a_known_acknowledgement_is_one(packet):
    if packet.pid1 == 0xFF and packet.pid2 <= 0x11:
        assert parse_ack(packet).code == packet.pid2
    else:
        with pytest.raises(WireError):
            parse_ack(packet)


def test_only_whole_usb_packets_need_an_empty_one_behind():
    assert needs_zero_length_packet(bytes(64))
    assert needs_zero_length_packet(bytes(128))
    assert not needs_zero_length_packet(bytes(63))
    assert not needs_zero_length_packet(bytes(72))
