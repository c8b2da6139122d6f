import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sim.accugold.conftest import Client, checked


def test_the_worked_lines_are_reproduced_with_their_checksums():
    client = Client(corrected=True)
    assert client.say("@1 HELLO?*2C") == (
        "@1 OK proto=1,backend=sim,dig=AGDM+,dig_sn=48-0000,chamber=10X6-180,ch_sn=00-0000,cal=2024-07-13*59"
    )
    assert client.say("@2 ENV t_C=22.1,p_kPa=99.58*22") == "@2 OK k_tp=1.024813,t_ref_C=20.0,p_ref_kPa=101.325*43"
    assert client.say("@3 CONF mode=rate,period_ms=500*2B").startswith("@3 OK mode=rate,period_ms=500,threshold=")
    assert client.say("@4 ZERO*56") == "@4 OK state=zeroing,eta_s=30*16"
    zeroed = client.adapter.read()
    assert zeroed.startswith("!ZERO state=done,offset_Gy_s=")
    assert zeroed == checked(zeroed.split("*")[0])
    assert client.say("@5 START*15") == checked("@5 OK")
    assert client.say("@7 STOP*4F") == checked("@7 OK")
    assert client.say("@8 PING*48") == "@8 OK*5C"
    assert client.say("@9 CONF mode=warp*57") == "@9 ERR 21,bad value for mode*47"
    assert client.say("@10 STREAM period_ms=500*11") == "@10 OK period_ms=500*09"


def test_without_a_checksum_from_the_client_none_is_added(client):
    assert client.say("@1 PING") == "@1 OK"


def test_once_lines_are_checked_an_unchecked_one_is_refused(client):
    client.say("@1 PING*41")
    assert client.say("@2 PING") == checked("@2 ERR 10,checksum wrong")
    assert client.say(checked("@3 PING")) == checked("@3 OK")


def test_a_hello_begins_a_session_without_checksums(client):
    client.say(checked("@1 PING"))
    assert "*" not in client.say("@1 HELLO?")
    assert client.say("@2 PING") == "@2 OK"


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("@1 PING*00", "@1 ERR 10,checksum wrong"), ("@1 STOP*4f", "@1 ERR 10,checksum wrong"),
        ("@7 STOP*4f", "@7 ERR 10,checksum wrong"), ("@7 STOP*4F ", "@7 ERR 10,checksum wrong"),
    ],
)  # fmt: skip
def test_a_wrong_checksum_is_answered_with_10_in_a_checked_line(client, line, reply):
    assert client.say(line) == checked(reply)


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("HELLO?", "@0 ERR 12,malformed line"), ("@0 PING", "@0 ERR 12,malformed line"),
        ("@65536 PING", "@0 ERR 12,malformed line"), ("@5  PING", "@5 ERR 12,malformed line"),
        ("@5 ping", "@5 ERR 12,malformed line"), ("@5 CONF mode", "@5 ERR 12,malformed line"),
        ("@5 CONF mode=rate,mode=dose", "@5 ERR 12,malformed line"), ("@5 WARP", "@5 ERR 20,unknown verb"),
        ("@5 PING?", "@5 ERR 20,unknown verb"), ("@5 PING x=1", "@5 ERR 22,unknown key x"),
        ("@5 CONF period_ms=99", "@5 ERR 21,bad value for period_ms"),
        ("@5 CONF period_ms=60001", "@5 ERR 21,bad value for period_ms"),
        ("@5 CONF period_ms=1e3", "@5 ERR 21,bad value for period_ms"),
        ("@5 CONF threshold=none", "@5 ERR 21,bad value for threshold"),
        ("@5 ENV t_C=51,p_kPa=100", "@5 ERR 21,bad value for t_C"),
        ("@5 ENV t_C=20,p_kPa=49.9", "@5 ERR 21,bad value for p_kPa"),
        ("@5 ENV t_C=20", "@5 ERR 21,bad value for p_kPa"),
        ("@5 ENV t_C=nan,p_kPa=100", "@5 ERR 21,bad value for t_C"),
        ("@5 STREAM", "@5 ERR 21,bad value for period_ms"), ("@5 READ?", "@5 ERR 23,not started"),
    ],
)  # fmt: skip
def test_a_bad_request_is_answered_with_its_code_and_remembered(client, line, reply):
    assert client.say(line) == reply
    assert client.device.refused == [(line, int(reply.split()[2].split(",")[0]))]


@pytest.mark.parametrize("line", ["@5 PING\u00e9", "@5 PING " + "x" * 504])
def test_a_line_that_is_too_long_or_not_ascii_is_answered_with_11(client, line):
    client.link.send(line.encode("latin-1") + b"\n", client.clock.now())
    assert client.adapter.read() == "@0 ERR 11,line too long or not ASCII"


def test_a_line_without_end_is_not_kept_and_the_next_one_is_understood(client):
    for _ in range(50):
        client.link.send(b"x" * 1000, client.clock.now())
    client.link.send(b"\n", client.clock.now())
    assert client.adapter.read() == "@0 ERR 11,line too long or not ASCII"
    assert client.say("@1 PING") == "@1 OK"


def test_a_carriage_return_before_the_line_feed_is_ignored_and_an_empty_line_is_none(client):
    assert client.say("\n\r\n@1 PING\r") == "@1 OK"
    assert client.device.refused == []


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=60), st.data())
def test_the_replies_do_not_depend_on_how_the_bytes_are_cut(garbage, data):
    stream = b"@1 HELLO?\n" + garbage.replace(b"\n", b"") + b"\n@2 CONF mode=dose\n@3 STATUS?\n"
    at_once, in_pieces = Client(), Client()
    at_once.link.send(stream, 0.0)
    at = 0
    while at < len(stream):
        size = data.draw(st.integers(1, len(stream)))
        in_pieces.link.send(stream[at : at + size], 0.0)
        at += size
    assert [reply.data for reply in at_once.device.replies(1.0)] == [
        reply.data for reply in in_pieces.device.replies(1.0)
    ]


def test_a_serial_line_takes_its_time():
    client = Client(baud=115200)
    client.ask("PING")
    assert client.clock.now() == pytest.approx(0.005 + len("@1 OK\n") * 10 / 115200)
