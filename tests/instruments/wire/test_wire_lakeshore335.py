"""The words of the Lake Shore 335: there and back, and nothing but a WireError for what is none.

The format takes whole lines, which VISA cuts: there is no stream to split.
"""

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instruments.wire import lakeshore335 as wire
from xraydaq.errors import WireError

PARSERS = (
    wire.single_line,
    wire.parse_number,
    lambda text: wire.parse_numbers(text, 1, 3),
    wire.parse_code,
    wire.parse_sensor_status,
    wire.parse_event_status,
    wire.parse_identity,
)


@given(st.text(max_size=60), st.sampled_from(PARSERS))
def test_any_text_is_a_value_or_a_wire_error(text, parse):
    with suppress(WireError):
        parse(text)


@pytest.mark.parametrize("text", ["nan", "inf", "1_0", "+", "1e3", "0x1", "", "1.", " 1", "1\n", "٣"])
def test_what_is_no_plain_decimal_is_no_number(text):
    with pytest.raises(WireError):
        wire.parse_number(text)


@pytest.mark.parametrize(("text", "value"), [("+273.150", 273.15), ("-0.5", -0.5), ("345", 345.0), ("+0.00000", 0.0)])
def test_numbers_of_any_digits_are_taken(text, value):
    assert wire.parse_number(text) == value


@given(st.floats(-999, 999))
def test_a_number_comes_back_to_the_last_digit_sent(value):
    sent = wire.format_number(value)
    assert "e" not in sent
    assert abs(wire.parse_number(sent) - value) <= 0.5e-4 * (1 + 1e-9)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e6])
def test_what_is_no_number_is_never_spelt(value):
    with pytest.raises(ValueError, match="cannot be sent"):
        wire.format_number(value)


def test_the_status_of_an_open_sensor_names_its_bits():
    status = wire.parse_sensor_status("065")
    assert status == wire.SensorStatus.INVALID | wire.SensorStatus.ZERO_UNITS


@pytest.mark.parametrize("text", ["256", "-1", "0000", "", "0x4"])
def test_what_is_no_register_is_refused(text):
    with pytest.raises(WireError):
        wire.parse_sensor_status(text)


def test_the_identity_of_the_manual_has_four_fields():
    identity = wire.parse_identity("LSCI,MODEL335,1234567/1234567,1.0")
    assert (identity.manufacturer, identity.model) == ("LSCI", "MODEL335")
    assert (identity.serial, identity.firmware) == ("1234567/1234567", "1.0")


@pytest.mark.parametrize("status", [wire.SensorStatus(flag) for flag in (1, 2, 16, 32, 64, 128, 65)])
def test_no_bad_status_ever_leaves_a_temperature(status):
    assert math.isnan(wire.temperature_k(300.0, status))


def test_heater_settings_may_have_four_or_five_fields():
    assert len(wire.parse_numbers("0,2,2,+0.000,1", 4, 5)) == 5
    assert len(wire.parse_numbers("0,2,+0.000,1", 4, 5)) == 4
    with pytest.raises(WireError):
        wire.parse_numbers("0,2,1", 4, 5)
