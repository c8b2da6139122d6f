import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xraydaq.analysis.values import Value
from xraydaq.errors import UnitError


@pytest.mark.parametrize(
    ("value", "short", "long"),
    [
        (Value(150.23, 0.12, "nA"), "150.23(12) nA", "150.23 ± 0.12 nA (k=1)"),
        (Value(12.34, 1.43, "s"), "12.3(14) s", "12.3 ± 1.4 s (k=1)"),
        (Value(2345.0, 123.0, "s"), "2340(120) s", "2340 ± 120 s (k=1)"),
        (Value(6.64e-7, 1.2e-8, "1"), "6.64(12)e-7", "(6.64 ± 0.12)e-7 (k=1)"),
        (Value(5.0, 0.0996, "V"), "5.00(10) V", "5.00 ± 0.10 V (k=1)"),
        (Value(-0.001, 0.5, "V"), "0.00(50) V", "0.00 ± 0.50 V (k=1)"),
        (Value(3.5, 0.0, "s"), "3.5 s", "3.5 s"),
        (Value(math.nan, math.nan, "A"), "not known A", "not known A"),
        (Value(1.0, math.nan, "1"), "1", "1"),
    ],
)
def test_a_value_is_written_with_two_digits_of_its_uncertainty(value, short, long):
    assert str(value) == short
    assert value.plus_minus() == long


@given(st.floats(-1e6, 1e6), st.floats(1e-9, 1e6))
def test_the_long_notation_read_back_is_the_value_within_a_tenth_of_its_uncertainty(value, u):
    text = Value(value, u, "1").number()
    number, _, exponent = text.partition(")e")
    read, read_u = (float(part) for part in number.strip("()").split(" ± "))
    power = 10.0 ** int(exponent or 0)
    assert read * power == pytest.approx(value, abs=0.0501 * u + 1e-9 * abs(value))
    assert read_u * power == pytest.approx(u, rel=0.0501)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Value(1.5e-7, 1e-9, "A"), "150.0(10) nA"),
        (Value(-2.5e-6, 1e-8, "A"), "-2.500(10) µA"),
        (Value(1e-9, 1e-10, "A"), "1.00(10) nA"),
        (Value(0.0, 2e-12, "A"), "0.0(20) pA"),
        (Value(math.nan, math.nan, "A"), "not known A"),
        (Value(60.0, 1.0, "s"), "60.0(10) s"),
    ],
)
def test_a_current_takes_the_prefix_that_fits(value, shown):
    assert str(value.prefixed()) == shown


def test_the_printed_check_of_the_drift_unit_holds():
    metric_si = 1e-9 / 3.1416e-6 / (1e5 * 47940)
    assert Value(metric_si, 0.0, "A m^-1 s^-1 V^-1").to("nA cm^-1 s^-1 V^-1").value == pytest.approx(6.64e-7, rel=1e-3)


def test_a_unit_of_another_quantity_is_refused():
    with pytest.raises(UnitError, match=r"'A'.*'V/mm'"):
        Value(1.0, 0.1, "A").to("V/mm")
