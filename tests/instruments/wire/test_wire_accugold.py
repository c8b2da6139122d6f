"""The line protocol of the dosimeter bridge: the worked lines of its definition, there and back, and garbage."""

import math
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instruments.wire import accugold as wire
from xraydaq.errors import WireError

REQUESTS = """\
@1 HELLO?*2C
@2 ENV t_C=22.1,p_kPa=99.58*22
@3 CONF mode=rate,period_ms=500*2B
@4 ZERO*56
@5 START*15
@6 READ?*7B
@7 STOP*4F
@8 PING*48
@9 CONF mode=warp*57
@10 STREAM period_ms=500*11""".splitlines()
ANSWERS = """\
@1 OK proto=1,backend=sim,dig=AGDM+,dig_sn=48-0000,chamber=10X6-180,ch_sn=00-0000,cal=2024-07-13*59
@2 OK k_tp=1.024810,t_ref_C=20.0,p_ref_kPa=101.325*40
@4 OK state=zeroing,eta_s=30*16
!ZERO state=done,offset_Gy_s=1.20E-10*6C
@6 OK n=17,time_s=8.500,dose_Gy=1.048E-06,rate_Gy_s=1.233E-07,t_C=22.1,p_kPa=99.58,k_tp=1.024810,k_app=1,flags=0000*1B
!DATA n=18,time_s=9.000,dose_Gy=1.110E-06,rate_Gy_s=1.233E-07,flags=0000*1A
@8 OK*5C
@9 ERR 21,bad value for mode*47
@10 OK period_ms=500*09""".splitlines()
READ = dict(pair.split("=") for pair in ANSWERS[4].partition("OK ")[2].partition("*")[0].split(","))

keys = st.from_regex(r"\A[A-Za-z][A-Za-z0-9_]{0,8}\Z")
texts = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters=",=*@"), min_size=1, max_size=9)
values = st.dictionaries(keys, texts, max_size=6)


@pytest.mark.parametrize("line", REQUESTS)
def test_the_worked_requests_come_back_to_the_byte(line):
    request, checked = wire.parse_request(line.encode())
    assert checked
    assert wire.format_request(request) == line


@pytest.mark.parametrize("line", ANSWERS)
def test_the_worked_answers_come_back_to_the_byte(line):
    assert wire.format_answer(wire.parse_answer(line.encode(), need_checksum=True)) == line


@given(st.integers(1, 65535), st.sampled_from(["READ?", "CONF", "PING"]), values)
def test_any_request_comes_back(request_id, verb, given_values):
    request = wire.Request(request_id, verb, given_values)
    assert wire.parse_request(wire.format_request(request).encode()) == (request, True)


@given(st.binary(max_size=80))
def test_any_bytes_are_a_message_or_a_bad_line(data):
    for parse in (wire.parse_request, wire.parse_answer):
        with suppress(wire.BadLine):
            parse(data)


@given(st.sampled_from(REQUESTS), st.integers(0, 60), st.integers(1, 255))
def test_no_single_spoilt_byte_passes_the_checksum_as_another_message(line, place, change):
    data = bytearray(line.encode())
    place %= len(data)
    data[place] ^= change
    with suppress(wire.BadLine):
        request, checked = wire.parse_request(bytes(data))
        # only a star that is one no more, or a digit of another case, may pass
        assert not checked or request == wire.parse_request(line.encode())[0]


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=6))
def test_lines_are_the_same_however_the_stream_is_cut(data, places):
    data += b"\n"
    cuts = [0, *sorted(min(each, len(data)) for each in places), len(data)]
    pieces = wire.LineCutter()
    found = [line for start, end in pairwise(cuts) for line in pieces.feed(data[start:end])]
    assert found == wire.LineCutter().feed(data)


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_a_line_that_is_too_long_is_told_as_such_and_the_next_one_is_heard(step):
    data = b"@1 READ? " + b"x" * 5000 + b"\n@2 PING\r\n"
    cutter = wire.LineCutter()
    lines = [line for start in range(0, len(data), step) for line in cutter.feed(data[start : start + step])]
    with pytest.raises(wire.BadLine) as caught:
        wire.parse_request(lines[0])
    assert caught.value.code == wire.NOT_A_LINE
    assert wire.parse_request(lines[1])[0].verb == "PING"


@pytest.mark.parametrize(
    ("line", "code", "request_id"),
    [
        (b"@7 STOP*00", 10, 7), (b"@7 STOP*4f", 10, 7), (b"@7 ST\xc3\xb6P", 11, 0), (b"STOP", 12, 0),
        (b"@0 STOP", 12, 0), (b"@65536 STOP", 12, 0), (b"@7 stop", 12, 7), (b"@7 CONF mode", 12, 7),
        (b"@7 CONF mode=a,mode=b", 12, 7), (b"@7 CONF mode=", 12, 7),
    ],
)  # fmt: skip
def test_a_bad_line_says_what_a_bridge_must_answer(line, code, request_id):
    with pytest.raises(wire.BadLine) as caught:
        wire.parse_request(line)
    assert (caught.value.code, caught.value.request_id) == (code, request_id)


def test_an_answer_without_the_checksum_that_was_asked_for_is_refused():
    with pytest.raises(wire.BadLine):
        wire.parse_answer(b"@8 OK", need_checksum=True)
    assert wire.parse_answer(b"@8 OK") == wire.Ok(8)


@pytest.mark.parametrize("given_values", [{"a": "1,b=2"}, {"a": "x*00"}, {"a": ""}, {"a": "é"}, {"a b": "1"}])
def test_what_has_no_room_in_the_format_is_not_sent(given_values):
    with pytest.raises(ValueError, match="cannot be sent"):
        wire.format_request(wire.Request(1, "CONF", given_values))


def test_a_reading_is_in_si_units():
    found = wire.parse_measured(READ)
    assert (found.number, found.time_s, found.dose_gy, found.rate_gy_s) == (17, 8.5, 1.048e-6, 1.233e-7)
    assert (found.temperature_k, found.pressure_pa) == pytest.approx((295.25, 99580.0))
    assert (found.k_tp, found.k_applied, found.flags) == (1.02481, True, 0)


def test_over_rate_is_unknown_and_not_the_last_number():
    found = wire.parse_measured({**READ, "flags": "0002"})
    assert math.isnan(found.rate_gy_s)
    assert math.isnan(found.dose_gy)


def test_over_dose_leaves_the_rate():
    found = wire.parse_measured({**READ, "flags": "0004"})
    assert math.isnan(found.dose_gy)
    assert found.rate_gy_s == 1.233e-7


def test_what_was_not_sent_is_missing_and_not_zero():
    found = wire.parse_measured({"n": "1", "dose_Gy": "1E-6", "flags": "0000"})
    assert all(map(math.isnan, (found.time_s, found.rate_gy_s, found.temperature_k, found.pressure_pa, found.k_tp)))
    assert found.k_applied is None


@pytest.mark.parametrize(
    "change", [{"flags": "0"}, {"flags": "zzzz"}, {"n": "-1"}, {"k_app": "yes"}, {"dose_Gy": "nan"}, {"time_s": "1_0"}]
)
def test_what_is_no_reading_is_a_wire_error(change):
    with pytest.raises(WireError):
        wire.parse_measured({**READ, **change})
