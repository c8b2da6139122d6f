"""Rows and blocks become readings, and nothing else does."""

import contextlib
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instruments.wire.keithley2400 import ELEMENTS, Reading, block_size, parse_block, parse_readings
from xraydaq.errors import WireError

FOUR = ("voltage", "current", "time", "status")

# Captured from a real unit (SiLab-Bonn/basil, issue 121), answer to a current measurement with all five elements.
CAPTURED = "-2.000000E+00,-1.470096E-08,+9.910000E+37,+6.860023E+03,+2.151000E+04"


def element(value: float) -> str:
    return f"{value:+.6E}"


def printed(value: float) -> float:
    return float(f"{value:.6E}")


def quantities(largest):
    """Values as they can be printed: an exponent has two digits."""
    return st.floats(-largest, largest).filter(lambda value: value == 0 or abs(value) > 1e-30).map(printed)


voltages = quantities(210)
currents = quantities(1.05)
times = quantities(99_999.999).map(abs)
words = st.integers(0, (1 << 23) - 1)
rows = st.tuples(voltages, currents, times, words)
element_lists = st.sets(st.sampled_from(ELEMENTS), min_size=1).map(
    lambda chosen: tuple(each for each in ELEMENTS if each in chosen)
)


def test_the_captured_row_is_read_as_it_was_meant():
    (reading,) = parse_readings(CAPTURED, ELEMENTS)
    assert (reading.voltage_v, reading.current_a, reading.time_s) == (-2.0, -1.470096e-08, 6860.023)
    assert math.isnan(reading.resistance_ohm)
    assert reading.status == 21510
    assert reading.voltage_sourced
    assert reading.current_measured
    assert reading.filter_enabled
    assert reading.front_terminals
    said = (reading.overflow, reading.in_compliance, reading.voltage_measured, reading.four_wire)
    assert said == (False, False, False, False)


@pytest.mark.parametrize(
    ("word", "real", "ranged"),
    [("+2.150800E+04", False, False), ("+2.151600E+04", True, False), ("+8.704400E+04", False, True)],
)
def test_both_kinds_of_compliance_are_told_apart(word, real, ranged):
    (reading,) = parse_readings(f"+1.000000E+00,+1.000020E-07,+1.310000E+01,{word}", FOUR)
    assert (reading.in_real_compliance, reading.in_range_compliance) == (real, ranged)
    assert reading.in_compliance == (real or ranged)


def test_the_sample_word_of_the_manual_means_voltage_current_and_ohms_measured_with_a_current_source():
    (reading,) = parse_readings("+4.813200E+04", ("status",))
    assert reading.voltage_measured
    assert reading.current_measured
    assert reading.current_sourced
    assert not reading.voltage_sourced


@pytest.mark.parametrize("sign", ["+", "-"])
def test_overflow_of_either_sign_is_no_number_and_a_flag(sign):
    (reading,) = parse_readings(f"+1.000000E+00,{sign}9.900000E+37,+2.020000E+01,+2.150800E+04", FOUR)
    assert math.isnan(reading.current_a)
    assert reading.overflow


def test_not_available_is_no_number_and_no_overflow():
    (reading,) = parse_readings("+9.910000E+37,+1.000000E-09,+2.020000E+01,+2.150800E+04", FOUR)
    assert math.isnan(reading.voltage_v)
    assert not reading.overflow


def test_the_overflow_bit_alone_is_an_overflow():
    (reading,) = parse_readings("+1.000000E+00,+1.000000E-06,+2.020000E+01,+2.150900E+04", FOUR)
    assert reading.overflow
    assert reading.over_range


def test_the_stamp_just_before_the_clock_wraps_is_printed_as_a_round_number_and_read():
    (reading,) = parse_readings("+1.000000E+00,+1.000000E-09,+1.000000E+05,+2.150800E+04", FOUR)
    assert reading.time_s == 1e5


def test_a_reading_without_its_status_does_not_pretend_to_know_about_compliance():
    (reading,) = parse_readings("+1.000000E-09", ("current",))
    with pytest.raises(ValueError, match="without its status"):
        _ = reading.in_compliance


@given(st.lists(rows, min_size=1, max_size=20), st.just(FOUR))
def test_a_printed_row_reads_as_the_values_it_was_printed_from(values, elements):
    line = ",".join(element(value) for row in values for value in row)
    assert parse_readings(line, elements) == tuple(
        Reading(voltage, current, time, word, word & 1 == 1) for voltage, current, time, word in values
    )


@given(rows, element_lists)
def test_any_choice_of_elements_finds_each_value_in_its_place(row, elements):
    voltage, current, time, word = row
    values = {"voltage": voltage, "current": current, "resistance": 9.91e37, "time": time, "status": float(word)}
    (reading,) = parse_readings(",".join(element(values[each]) for each in elements), elements)
    for name, found in (("voltage", reading.voltage_v), ("current", reading.current_a), ("time", reading.time_s)):
        assert found == values[name] if name in elements else math.isnan(found)
    assert reading.status == (word if "status" in elements else -1)


@pytest.mark.parametrize(
    "elements", [(), ("current", "voltage"), ("current", "current"), ("current", "power"), ("status", "time")]
)
def test_elements_out_of_their_order_are_a_mistake_of_the_program(elements):
    with pytest.raises(ValueError, match="elements"):
        parse_readings("+1.000000E+00", elements)


@pytest.mark.parametrize(
    "line",
    [
        "",
        ",",
        "+1.000000E+00,+1.000000E-09,+1.000000E+01",  # a field too few
        "+1.000000E+00,+1.000000E-09,+1.000000E+01,+2.150800E+04,+1.000000E+00",  # one too many
        "+1.000000E+00,+1.000000E-09,+1.000000E+01,+2.150800E+0",  # half of it
        "+1.000000E+00,+1.000000E-09,+1.000000E+01,+2.150800E+04\r+1.000000E+00,+1.000000E-09,+1.000000E+01,+2.1508E+04",
        "nan,+1.000000E-09,+1.000000E+01,+2.150800E+04",
        "+1.000000E+00,inf,+1.000000E+01,+2.150800E+04",
        "+1.000000E+00,-infinity,+1.000000E+01,+2.150800E+04",
        "1_0,+1.000000E-09,+1.000000E+01,+2.150800E+04",
        "True,+1.000000E-09,+1.000000E+01,+2.150800E+04",
        "+1.00_000E+00,+1.000000E-09,+1.000000E+01,+2.150800E+04",
        "+1.000000E+99,+1.000000E-09,+1.000000E+01,+2.150800E+04",
        "+1.000000E+00,+1.000000E+08,+1.000000E+01,+2.150800E+04",  # the sign of an exponent turned over
        "+1.000000E+00,-9.910000E+37,+1.000000E+01,+2.150800E+04",
        "+1.000000E+00,+1.000000E-09,-1.000000E+01,+2.150800E+04",
        "+1.000000E+00,+1.000000E-09,+9.910000E+37,+2.150800E+04",
        "+1.000000E+00,+1.000000E-09,+1.000000E+01,+2.150850E+00",  # not an integer
        "+1.000000E+00,+1.000000E-09,+1.000000E+01,-1.000000E+00",
        "+1.000000E+00,+1.000000E-09,+1.000000E+01,+1.677722E+07",  # 25 bits
        "+1.000000E+00,+1.000000E-09,+1.000000E+01,+9.910000E+37",
        " +1.000000E+00,+1.000000E-09,+1.000000E+01,+2.150800E+04",
        "+1.000000e+00,+1.000000e-09,+1.000000e+01,+2.150800e+04",
        "+१.000000E+00,+1.000000E-09,+1.000000E+01,+2.150800E+04",  # float() reads digits of every script
        '-113,"Undefined header"',
    ],
)
def test_what_is_no_row_is_refused_with_its_bytes(line):
    with pytest.raises(WireError) as caught:
        parse_readings(line, FOUR)
    assert caught.value.data == line.encode("utf-8")


mutated = st.tuples(st.integers(0, len(CAPTURED)), st.integers(0, 3), st.text(max_size=3)).map(
    lambda change: CAPTURED[: change[0]] + change[2] + CAPTURED[change[0] + change[1] :]
)


@given(st.one_of(st.text(), mutated))
def test_garbage_is_a_reading_or_a_wire_error_and_nothing_else(text):
    with contextlib.suppress(WireError):
        parse_readings(text, ELEMENTS)


@given(st.lists(rows, min_size=1, max_size=3), st.data())
def test_a_row_cut_anywhere_inside_is_never_a_reading_of_another_value(values, data):
    line = ",".join(element(value) for row in values for value in row)
    cut = data.draw(st.integers(0, len(line) - 1))
    whole = parse_readings(line, FOUR)
    try:
        some = parse_readings(line[:cut], FOUR)
    except WireError:
        return
    # what is left when a cut falls exactly between two rows
    assert len(some) < len(whole)
    assert repr(some) == repr(whole[: len(some)])


def block(values, order):
    return b"#0" + struct.pack(f"{order}{len(values)}f", *values) + b"\n"


@given(st.lists(rows, min_size=1, max_size=10), st.sampled_from([("big", ">"), ("little", "<")]))
def test_a_block_of_either_byte_order_reads_as_the_values_it_was_packed_from(values, order):
    name, sign = order
    flat = [float(value) for row in values for value in row]
    single = struct.unpack(f"{len(flat)}f", struct.pack(f"{len(flat)}f", *flat))
    data = block(flat, sign)
    assert len(data) == block_size(FOUR, len(values))
    for sent in (data, data[:-1]):
        found = parse_block(sent, FOUR, name, len(values))
        assert [(each.voltage_v, each.current_a, each.time_s, each.status) for each in found] == [
            tuple(single[first : first + 4]) for first in range(0, len(single), 4)
        ]


def test_a_line_feed_inside_a_block_is_data():
    # every byte of the current is a line feed: 6.6e-33 A
    data = b"#0" + struct.pack(">f", 1.0) + b"\n\n\n\n" + struct.pack(">ff", 10.0, 21508.0) + b"\n"
    (reading,) = parse_block(data, FOUR, "big", 1)
    assert reading.current_a == struct.unpack(">f", b"\n\n\n\n")[0]


def test_the_codes_for_no_number_survive_single_precision():
    data = block([9.91e37, 9.9e37, 1.0, 21508.0], ">")
    (reading,) = parse_block(data, FOUR, "big", 1)
    assert math.isnan(reading.voltage_v)
    assert math.isnan(reading.current_a)
    assert reading.overflow


GOOD = block([1.0, 1e-9, 10.0, 21508.0], ">")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"#0",
        GOOD[:-2],
        GOOD[:9],
        GOOD + b"\n",
        GOOD[:-1] + b"\r",
        b"#1" + GOOD[2:],
        b"+1.000000E+00,+1.0",
        block([math.nan, 1e-9, 10.0, 21508.0], ">"),
        block([1.0, math.inf, 10.0, 21508.0], ">"),
        block([1.0, 1e-9, math.nan, 21508.0], ">"),
        block([1.0, 1e-9, 10.0, math.nan], ">"),
        block([1.0, 1e-9, 10.0, 21508.5], ">"),
        block([1.0, 1e-9, 10.0, 2.0**24], ">"),
        block([1.0, 1e-9, 10.0, 21508.0], "<"),
    ],
)
def test_what_is_no_block_is_refused_with_its_bytes(data):
    with pytest.raises(WireError) as caught:
        parse_block(data, FOUR, "big", 1)
    assert caught.value.data == data


def test_a_byte_order_that_does_not_exist_is_a_mistake_of_the_program():
    with pytest.raises(ValueError, match="byte order"):
        parse_block(GOOD, FOUR, "middle", 1)


@given(st.binary(max_size=64))
def test_binary_garbage_is_readings_or_a_wire_error_and_nothing_else(data):
    with contextlib.suppress(WireError):
        parse_block(data, FOUR, "little", 1)
