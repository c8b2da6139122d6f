"""The published accuracy table, as standard uncertainties, and settings that cannot be."""

import math

import pytest

from instruments.keithley2400.ranges import (
    CURRENT_RANGES_A,
    OVERRANGE,
    current_accuracy,
    current_range_a,
    voltage_range_v,
    voltage_step_v,
)
from instruments.keithley2400.settings import SourceVoltageSettings
from xraydaq.config import envelope
from xraydaq.errors import LimitError


def test_the_configuration_and_the_driver_know_the_same_ranges():
    assert envelope.CURRENT_RANGES_A == CURRENT_RANGES_A
    assert envelope.OVERRANGE == OVERRANGE


# SPEC-2400, measure current: range, gain limit, offset limit
@pytest.mark.parametrize(
    ("range_a", "gain", "offset_a"),
    [
        (1e-6, 0.00029, 300e-12), (1e-5, 0.00027, 700e-12), (1e-4, 0.00025, 6e-9), (1e-3, 0.00027, 60e-9),
        (1e-2, 0.00035, 600e-9), (1e-1, 0.00055, 6e-6), (1.0, 0.0022, 570e-6),
    ],
)  # fmt: skip
def test_a_limit_of_the_specification_becomes_a_standard_uncertainty(range_a, gain, offset_a):
    accuracy = current_accuracy(range_a, 1.0)
    assert accuracy.gain_u_rel == pytest.approx(gain / math.sqrt(3))
    assert accuracy.offset_u_a == pytest.approx(offset_a / math.sqrt(3))
    assert accuracy.resolution_a == pytest.approx(range_a * 1e-5)


def test_short_integration_costs_what_the_data_sheet_says():
    # 50 pA and 500 pA extra on the 1 uA range
    assert current_accuracy(1e-6, 0.1).offset_u_a == pytest.approx(350e-12 / math.sqrt(3))
    assert current_accuracy(1e-6, 0.01).offset_u_a == pytest.approx(800e-12 / math.sqrt(3))
    assert current_accuracy(1.0, 0.01).offset_u_a == pytest.approx(5570e-6 / math.sqrt(3))
    assert current_accuracy(1e-6, 0.01).resolution_a == pytest.approx(1e-10)


def test_a_value_belongs_to_the_smallest_range_that_holds_it_with_its_overrange():
    assert current_range_a(1e-6) == 1e-6
    assert current_range_a(1e-6 * 1.05) == 1e-6
    assert current_range_a(1.06e-6) == 1e-5
    assert voltage_range_v(5.0) == 20.0
    assert voltage_range_v(21.0) == 20.0
    assert voltage_range_v(21.1) == 200.0
    assert voltage_step_v(5.0) == 5e-4


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf, 1.06])
def test_no_range_holds_what_is_no_current(value):
    with pytest.raises(LimitError):
        current_accuracy(value, 1.0)


@pytest.mark.parametrize("nplc", [0.0, 0.009, 10.1, math.nan])
def test_an_integration_time_the_instrument_does_not_have_is_refused(nplc):
    with pytest.raises(LimitError):
        current_accuracy(1e-6, nplc)


GOOD = {
    "source_range_v": 5.0, "current_range_a": 1e-6, "compliance_a": 5e-5, "nplc": 1.0, "line_frequency_hz": 50.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"source_range_v": 0.0}, "0.0 V"),
        ({"source_range_v": 211.0}, "211.0 V"),
        ({"source_range_v": math.nan}, "nan V"),
        ({"current_range_a": math.nan}, "nan A"),
        ({"nplc": math.nan}, "nan PLC"),
        ({"line_frequency_hz": 55.0}, "55.0 Hz"),
        ({"compliance_a": math.nan}, "compliance nan"),
        ({"compliance_a": 1.06}, "compliance 1.06"),
        ({"compliance_a": 1e-9, "current_range_a": 1e-5}, r"\+824"),
        ({"compliance_a": 5e-10}, "compliance 5e-10"),
        ({"compliance_a": 1e-6, "current_range_a": 1e-3}, r"\+824"),
        ({"source_range_v": 100.0, "compliance_a": 0.2}, "200 V range"),
    ],
)
def test_settings_that_cannot_be_are_refused_when_they_are_written_down(change, text):
    with pytest.raises(LimitError, match=text):
        SourceVoltageSettings(**(GOOD | change))


def test_a_compliance_of_exactly_a_thousandth_of_the_range_is_allowed():
    SourceVoltageSettings(**(GOOD | {"compliance_a": 1e-9}))
