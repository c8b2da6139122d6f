"""What is sent to an SR570 is a command it has, with the number that was meant."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instruments.wire.sr570 import (
    BARE,
    HIGH_PASS_HZ,
    LOW_PASS_HZ,
    OFFSETS_A,
    RANGES,
    SENSITIVITIES_A_V,
    bias_millivolts,
    format_command,
    step_index,
)
from xraydaq.errors import LimitError

COMMAND = re.compile(r"(\*RST|ROLD|[A-Z]{4} (-?\d+))")


def law_1_2_5(index):
    """The law of the reference, in its own words."""
    return (1, 2, 5)[index % 3] * 10.0 ** (index // 3 - 12)


def law_1_3(index):
    return (0.03, 0.1)[index % 2] * 10.0 ** (index // 2)


@pytest.mark.parametrize(
    ("steps", "law", "count"),
    [
        (SENSITIVITIES_A_V, law_1_2_5, 28),
        (OFFSETS_A, law_1_2_5, 30),
        (LOW_PASS_HZ, law_1_3, 16),
        (HIGH_PASS_HZ, law_1_3, 12),
    ],
)
def test_the_ladders_follow_their_law(steps, law, count):
    assert steps == pytest.approx([law(index) for index in range(count)], rel=1e-12)


@pytest.mark.parametrize(
    ("index", "value"), [(0, 1e-12), (3, 1e-11), (9, 1e-9), (12, 1e-8), (15, 1e-7), (18, 1e-6), (27, 1e-3)]
)
def test_sensitivities_have_the_published_indices(index, value):
    assert step_index(value, SENSITIVITIES_A_V, "sensitivity", "A/V") == index


@given(st.sampled_from(sorted(RANGES)), st.data())
def test_a_command_carries_exactly_its_argument(letters, data):
    low, high = RANGES[letters]
    argument = data.draw(st.integers(low, high))
    text = format_command(letters, argument)
    match = COMMAND.fullmatch(text)
    assert match is not None
    assert (text[:4], int(match[2])) == (letters, argument)


@given(st.sampled_from(sorted(RANGES)), st.integers())
def test_an_argument_the_instrument_would_ignore_is_refused(letters, argument):
    low, high = RANGES[letters]
    if low <= argument <= high:
        argument = high + 1
    with pytest.raises(LimitError):
        format_command(letters, argument)


@given(st.text(max_size=6), st.one_of(st.none(), st.integers(0, 1), st.floats(0, 1), st.booleans()))
def test_no_garbage_becomes_a_command(letters, argument):
    known = (letters in BARE and argument is None) or (letters in RANGES and type(argument) is int)
    if known:
        return
    with pytest.raises(LimitError):
        format_command(letters, argument)


@pytest.mark.parametrize("letters", BARE)
def test_bare_commands_take_no_argument(letters):
    assert format_command(letters) == letters
    with pytest.raises(LimitError):
        format_command(letters, 0)


@given(st.integers(-5000, 5000))
def test_every_millivolt_of_bias_can_be_set(millivolts):
    assert bias_millivolts(millivolts / 1000) == millivolts


@pytest.mark.parametrize("bias_v", [5.001, -5.001, 0.0005, -0.0015, 1.23456, math.nan, math.inf, -math.inf])
def test_a_bias_the_instrument_does_not_have_is_refused(bias_v):
    with pytest.raises(LimitError):
        bias_millivolts(bias_v)


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_value_is_its_step_or_refused_never_the_next_one(value):
    try:
        index = step_index(value, SENSITIVITIES_A_V, "sensitivity", "A/V")
    except LimitError:
        assert all(abs(value / step - 1) > 0.5e-6 for step in SENSITIVITIES_A_V) or not math.isfinite(value)
        return
    assert SENSITIVITIES_A_V[index] == pytest.approx(value, rel=2e-6)


def test_a_sensitivity_between_two_steps_names_the_steps():
    with pytest.raises(LimitError, match=r"1\.1e-09 A/V; allowed: steps of 1-2-5 from 1e-12 to 0\.001 A/V"):
        step_index(1.1e-9, SENSITIVITIES_A_V, "sensitivity", "A/V")
