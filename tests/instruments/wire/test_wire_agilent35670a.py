"""Replies of a 35670A become values or errors with the bytes in them, however they arrive."""

import itertools
import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from instruments.wire.agilent35670a import (
    LONGEST_MESSAGE,
    BlockReader,
    format_number,
    message,
    parse_block,
    parse_error,
    parse_identity,
    parse_name,
    parse_number,
    parse_rows,
    parse_string,
    parse_whole,
    single_line,
)
from xraydaq.errors import WireError

PARSERS = (parse_number, parse_whole, parse_name, parse_string, parse_error, parse_identity, parse_rows, single_line)
densities = st.lists(st.floats(-1e29, 1e29), min_size=1, max_size=60)


def block(values):
    body = b"".join(struct.pack(">d", value) for value in values)
    length = str(len(body)).encode()
    return b"#" + str(len(length)).encode() + length + body + b"\n"


def pieces(data, cuts):
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[first:last] for first, last in itertools.pairwise(places)]


def outcome(chunks):
    """The values, None for half a block, or "error"; bytes after an error are not fed."""
    reader, values = BlockReader(), None
    for chunk in chunks:
        try:
            values = reader.feed(chunk)
        except WireError:
            return "error"
    return None if values is None else values.tolist()


@given(densities)
def test_a_block_gives_the_values_it_was_made_of(values):
    assert parse_block(block(values)).tolist() == values


@given(densities, st.lists(st.integers(0, 1000)))
def test_any_split_of_a_block_gives_the_same_values(values, cuts):
    assert outcome(pieces(block(values), cuts)) == values


@given(st.one_of(st.binary(max_size=40), st.binary(max_size=40).map(lambda data: b"#" + data)))
def test_any_garbage_has_one_outcome_byte_by_byte_or_at_once(data):
    assert outcome([data[place : place + 1] for place in range(len(data))]) == outcome([data] if data else [])


@given(densities)
def test_reading_what_is_missing_never_reads_past_the_end(values):
    data = block(values) + b"the next reply"
    reader, place, found = BlockReader(), 0, None
    while found is None:
        count = reader.missing
        assert count > 0
        found = reader.feed(data[place : place + count])
        place += count
    assert data[place:] == b"the next reply"
    assert found.tolist() == values


@pytest.mark.parametrize(
    "data",
    [
        b"#0\n",
        b"##8",
        b"+1.0E-006,",
        b"#17........"[:11] + b"\n",
        b"#216" + bytes(16) + b"\r",
        b"#18" + struct.pack(">d", math.nan) + b"\n",
        b"#18" + struct.pack(">d", math.inf) + b"\n",
        b"#18" + struct.pack(">d", 9.9e37) + b"\n",
        b"#10\n",
        b"#9999999992",
        b"#18" + bytes(8) + b"\n\n",
    ],
)
def test_a_block_that_is_none_is_an_error_with_its_bytes(data):
    with pytest.raises(WireError) as caught:
        parse_block(data)
    assert caught.value.data
    assert data.startswith(caught.value.data)


@given(densities)
def test_a_row_of_text_gives_its_values_to_the_twelfth_digit(values):
    line = ",".join(spelt(value) for value in values)
    assert parse_rows(line) == pytest.approx(np.array(values), rel=1e-11)


def spelt(value):
    """As the instrument: sign, mantissa, exponent of three digits."""
    mantissa, exponent = f"{value:+.11E}".split("E")
    return f"{mantissa}E{int(exponent):+04d}"


@given(st.floats(-1e29, 1e29))
def test_a_number_comes_back_as_it_was_spelt(value):
    assert parse_number(spelt(value)) == pytest.approx(value, rel=1e-11)
    assert float(format_number(value)) == pytest.approx(value, rel=1e-11)


@given(st.integers(-(10**9) + 1, 10**9 - 1))
def test_a_whole_number_comes_back(value):
    assert parse_whole(f"{value:+d}") == value


def refusal(parse, text):
    """The error `parse` raises at a text, None if it takes it; any other kind of error passes through."""
    try:
        parse(text)
    except WireError as error:
        return error
    return None


@given(st.text(max_size=40))
@pytest.mark.parametrize("parse", PARSERS)
def test_any_text_is_a_value_or_a_wire_error(parse, text):
    error = refusal(parse, text)
    assert error is None or error.data == text.encode("utf-8", "backslashreplace")


@pytest.mark.parametrize(
    "text",
    [
        *("", "nan", "inf", "1_0", "+1.0E", "1.0E-", "+9.91E+037", "-9.9E+037", " 1", "1,2", "+1.0e-006", "٣"),
        *("+3.16226E-00", "+3.16226E-", "+3.16226", "+3."),
    ],
)
def test_half_a_number_and_the_codes_for_none_are_no_number(text):
    with pytest.raises(WireError):
        parse_number(text)


@pytest.mark.parametrize(
    "line", ["", "+1.0E-006,+2", "1,,2", "1,2,", "1;2", "+1.0E-006,garbage", '"V"', ",".join(["1"] * 8193)]
)
def test_a_row_with_anything_but_numbers_is_an_error(line):
    with pytest.raises(WireError):
        parse_rows(line)


def test_replies_of_the_published_exchanges_are_understood():
    assert parse_identity("Agilent Technologies,35670A,MY42504567,A.01.11").model == "35670A"
    assert parse_identity("HEWLETT-PACKARD,35670A,3340A00123,A.00.02").serial == "3340A00123"
    assert parse_number("+6.40000000000E+003") == 6400
    assert parse_string('"V/RTHZ"') == "V/RTHZ"
    assert parse_whole("+272") == 272
    assert parse_rows("+4.3210E-006,+8.9120E-008,+8.8400E-008") == pytest.approx([4.321e-6, 8.912e-8, 8.84e-8])
    assert (parse_error('-113,"Undefined header"').code, parse_error('+0,"No error"').code) == (-113, 0)


@pytest.mark.parametrize("command", ["A" * LONGEST_MESSAGE, "FREQ:SPAN?;FREQ:STAR?", "WIND HANN\nWIND FLAT", "ABÖR"])
def test_a_message_that_would_lose_commands_or_replies_is_never_spelt(command):
    with pytest.raises(ValueError, match="is no message"):
        message(command)


def test_the_longest_message_fits_with_its_line_feed():
    assert len(message("A" * (LONGEST_MESSAGE - 1)).encode() + b"\n") == LONGEST_MESSAGE


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_never_sent(value):
    with pytest.raises(ValueError, match="cannot be sent"):
        format_number(value)
