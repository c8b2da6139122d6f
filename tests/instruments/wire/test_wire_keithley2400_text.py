"""The words beside readings: lines, numbers, registers, errors, identity, and numbers to send."""

import contextlib
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instruments.wire.keithley2400 import (
    format_level_list,
    format_number,
    parse_boolean,
    parse_error,
    parse_identity,
    parse_name,
    parse_names,
    parse_number,
    parse_register,
    parse_whole,
    single_line,
)
from xraydaq.errors import WireError

IDENTITY = "KEITHLEY INSTRUMENTS INC.,MODEL 2400,1234567,C33   Mar 31 2015 09:32:39/A02  /J/H"


def test_an_identity_is_split_into_its_four_fields():
    identity = parse_identity(IDENTITY)
    assert (identity.text, identity.manufacturer) == (IDENTITY, "KEITHLEY INSTRUMENTS INC.")
    assert (identity.model, identity.serial) == ("MODEL 2400", "1234567")
    assert identity.firmware == "C33   Mar 31 2015 09:32:39/A02  /J/H"


def test_a_firmware_field_may_hold_commas():
    assert parse_identity("KEITHLEY,MODEL 2400,1,a,b,c").firmware == "a,b,c"


@pytest.mark.parametrize(
    "line",
    ["", "KEITHLEY", "KEITHLEY,MODEL 2400,1", "KEITHLEY,,1,a", "+1.000000E+00,+1.000000E-09,+1.0E+01,+2.150800E+04"],
)
def test_what_is_no_identity_is_refused(line):
    with pytest.raises(WireError):
        parse_identity(line)


@pytest.mark.parametrize(
    ("line", "code", "text", "failure"),
    [
        ('0,"No error"', 0, "No error", False),
        ('-113,"Undefined header"', -113, "Undefined header", True),
        ('803,"Not permitted with OUTPUT off"', 803, "Not permitted with OUTPUT off", True),
        ('+803,"Not permitted with OUTPUT off"', 803, "Not permitted with OUTPUT off", True),
        ('+109,"Reading buffer full"', 109, "Reading buffer full", False),
        ('100,"Limit 1 failed"', 100, "Limit 1 failed", False),
        ('309,"x"', 309, "x", False),
        ('310,"x"', 310, "x", True),
        ('99,"x"', 99, "x", True),
        (
            '-222,"Parameter data out of range;:SOUR:VOLT 300"',
            -222,
            "Parameter data out of range;:SOUR:VOLT 300",
            True,
        ),
        ('-101,"a ""quoted"" word, and more"', -101, 'a "quoted" word, and more', True),
    ],
)
def test_an_entry_of_the_error_queue_is_code_text_and_whether_it_is_a_failure(line, code, text, failure):
    message = parse_error(line)
    assert (message.code, message.text, message.is_failure) == (code, text, failure)


@pytest.mark.parametrize("line", ["", "0", "0,No error", '0,"No error', '1_0,"x"', '++1,"x"', ' 0,"x"', '0,"x""'])
def test_what_is_no_entry_of_the_error_queue_is_refused(line):
    with pytest.raises(WireError):
        parse_error(line)


@given(st.integers(-9999, 9999), st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_any_error_text_comes_back_as_it_was_sent(code, text):
    message = parse_error(f'{code},"{text.replace(chr(34), chr(34) * 2)}"')
    assert (message.code, message.text) == (code, text)


@pytest.mark.parametrize("ends", ["", "\r", "\n", "\r\n", "\n\r"])
def test_any_of_the_four_line_ends_is_dropped(ends):
    assert single_line(f"+1.0{ends}") == "+1.0"
    assert single_line(f"\n+1.0{ends}") == "+1.0"


@pytest.mark.parametrize("reply", ["", "\r\n", "1\r1", "1\n\n1", "1\x000", "\x13", "1é", "\ufffd"])
def test_what_is_not_one_printable_line_is_refused(reply):
    with pytest.raises(WireError):
        single_line(reply)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1.050000E-06", 1.05e-6), ("+2.100000E+01", 21.0), ("-5", -5.0), ("0.000000E+00", 0.0), ("50", 50.0)],
)
def test_a_numeric_setting_is_read(text, value):
    assert parse_number(text) == value


NO_NUMBERS = [
    "",
    "nan",
    "inf",
    "-Infinity",
    "1_0",
    "1.",
    ".5",
    "1E",
    "1E+",
    "0x10",
    " 1",
    "1 ",
    "+-1",
    "1,2",
    "True",
    "१",
]


@pytest.mark.parametrize("text", [*NO_NUMBERS, "1E+999"])
@pytest.mark.parametrize("parse", [parse_number, parse_whole, parse_register])
def test_what_only_float_takes_for_a_number_is_refused(text, parse):
    with pytest.raises(WireError):
        parse(text)


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9))
def test_a_setting_printed_with_seven_digits_comes_back(value):
    printed = f"{value:.6E}"
    if re.search(r"E[+-]\d\d$", printed):
        assert parse_number(printed) == float(printed)


@pytest.mark.parametrize(("text", "value"), [("41", 41), ("4.100000E+01", 41), ("0", 0)])
def test_a_count_is_read_in_either_spelling(text, value):
    assert parse_whole(text) == value


@pytest.mark.parametrize("text", ["4.15", "1.000000E+10", "4.150000E-01"])
def test_what_is_no_count_is_refused(text):
    with pytest.raises(WireError):
        parse_whole(text)


@pytest.mark.parametrize("text", ["37", "#H25", "#Q45", "#B100101", "+37"])
def test_a_register_is_read_in_all_its_formats(text):
    assert parse_register(text) == 37


@pytest.mark.parametrize("text", ["#HZZ", "#Q9", "#B2", "#H", "#H-1", "#H 1", "#H1_0", "H25", "#D37"])
def test_what_is_no_register_is_refused(text):
    with pytest.raises(WireError):
        parse_register(text)


def test_a_state_is_one_or_zero_and_nothing_else():
    assert parse_boolean("1") is True
    assert parse_boolean("0") is False
    for text in ("", "2", "ON", "1.0", "+1", "01", "True"):
        with pytest.raises(WireError):
            parse_boolean(text)


def test_names_are_read_with_and_without_quotes():
    assert parse_name("FRON") == "FRON"
    assert parse_names('"VOLT:DC","CURR:DC"') == ("VOLT:DC", "CURR:DC")
    assert parse_names("VOLT,CURR,TIME,STAT") == ("VOLT", "CURR", "TIME", "STAT")


@pytest.mark.parametrize("text", ["", "volt", "VOLT CURR", '"VOLT', "1", "VOLT,", '"VOLT",CURR'])
def test_what_is_no_list_of_names_is_refused(text):
    with pytest.raises(WireError):
        parse_names(text)


@given(st.text())
@pytest.mark.parametrize(
    "parse",
    [
        single_line, parse_number, parse_whole, parse_boolean, parse_name, parse_names, parse_register, parse_error,
        parse_identity,
    ],
)  # fmt: skip
def test_garbage_is_a_value_or_a_wire_error_and_nothing_else(parse, text):
    with contextlib.suppress(WireError):
        parse(text)


@given(st.floats(-210, 210))
def test_a_level_is_sent_without_losing_what_the_finest_step_resolves(level_v):
    sent = format_number(level_v)
    assert re.fullmatch(r"-?\d+(\.\d+)?(E[+-]\d+)?", sent)
    assert abs(float(sent) - level_v) <= 5e-6 / 10


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_never_sent(value):
    with pytest.raises(ValueError, match="cannot be sent"):
        format_number(value)


@given(st.lists(st.floats(-210, 210), min_size=1, max_size=250))
def test_a_list_of_levels_fits_into_messages_below_one_kilobyte_that_append_in_order(levels_v):
    messages = format_level_list(levels_v)
    heads, values = zip(*(message.split(" ") for message in messages), strict=True)
    assert heads == (":SOUR:LIST:VOLT", *[":SOUR:LIST:VOLT:APP"] * (len(messages) - 1))
    assert all(
        len(message) < 1000 and len(chunk.split(",")) <= 100 for message, chunk in zip(messages, values, strict=True)
    )
    assert ",".join(values).split(",") == [format_number(level_v) for level_v in levels_v]
