import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instruments.keithley2400.ranges import CURRENT_RANGES_A
from instruments.keithley2400.source_accuracy import bias_uncertainty_v
from procedures.ranges import Followed, Ranges, next_ranges, wider
from xraydaq.errors import LimitError

LOWEST_A, HIGHEST_A = 1e-6, 1e-3
BOUNDS = {"lowest_a": LOWEST_A, "highest_a": HIGHEST_A}


@given(st.sampled_from(CURRENT_RANGES_A[:4]), st.floats(1e-12, 1e-3))
def test_a_range_that_is_chosen_holds_what_is_expected_unless_the_compliance_forbids_it(now_a, expected_a):
    chosen = next_ranges(Ranges(2.0, now_a), 1.0, expected_a, **BOUNDS)
    assert LOWEST_A <= chosen.current_a <= HIGHEST_A
    assert chosen.current_a >= expected_a
    assert next_ranges(chosen, 1.0, expected_a, **BOUNDS) == chosen, "a range that was just chosen is kept"


@given(st.floats(1e-9, 1e-4), st.floats(0.95, 1.05))
def test_a_current_that_wavers_does_not_switch_ranges_back_and_forth(expected_a, wavering):
    chosen = next_ranges(Ranges(2.0, LOWEST_A), 1.0, expected_a, **BOUNDS)
    again = next_ranges(chosen, 1.0, expected_a * wavering, **BOUNDS)
    assert next_ranges(again, 1.0, expected_a, **BOUNDS) == again


def test_without_an_expectation_only_the_source_range_follows():
    assert next_ranges(Ranges(2.0, 1e-5), 15.0, math.nan, **BOUNDS) == Ranges(20.0, 1e-5)


@pytest.mark.parametrize(("bias_v", "range_v"), [(0.02, 0.2), (0.21, 0.2), (0.22, 2.0), (2.0, 2.0), (20.0, 20.0)])
def test_the_source_range_is_the_smallest_that_holds_the_bias(bias_v, range_v):
    assert next_ranges(Ranges(20.0, 1e-6), bias_v, 1e-9, **BOUNDS).source_v == range_v


@pytest.mark.parametrize("slope", [1.0, 2.0, 9.0])
def test_what_comes_next_follows_the_slope_of_the_last_two_points(slope):
    followed = Followed()
    assert math.isnan(followed.expected_a(1.0))
    for bias_v in (1.0, 1.1):
        followed.add(bias_v, 1e-9 * bias_v**slope)
    assert followed.expected_a(1.2) == pytest.approx(1e-9 * 1.2**slope, rel=1e-6, abs=0)


def test_points_without_a_current_and_impossible_slopes_are_not_believed():
    followed = Followed()
    for bias_v, current_a in ((1.0, 1e-9), (1.1, 1e-6), (1.2, math.nan), (1.3, -1e-9)):
        followed.add(bias_v, current_a)
    assert followed.expected_a(1.2) == pytest.approx(1e-6 * (1.2 / 1.1) ** 12, rel=1e-6, abs=0)


def test_wider_ranges_end_at_the_one_the_compliance_has():
    assert wider(Ranges(2.0, 1e-6), highest_a=1e-5) == Ranges(2.0, 1e-5)
    assert wider(Ranges(2.0, 1e-5), highest_a=1e-5) is None


def test_uncertainty_of_the_bias_is_that_of_its_range():
    assert bias_uncertainty_v(0.4, 2.0) == pytest.approx((600e-6 + 80e-6) / math.sqrt(3), rel=1e-3, abs=0)
    assert bias_uncertainty_v(-0.4, 20.0) > 3 * bias_uncertainty_v(0.4, 2.0)
    assert math.isnan(bias_uncertainty_v(math.nan, 2.0))
    with pytest.raises(LimitError):
        bias_uncertainty_v(1.0, math.nan)
