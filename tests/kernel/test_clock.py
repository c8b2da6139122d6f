import ast
import math
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xraydaq.clock import JumpingClock, RealClock, ScaledClock

HOME = Path(__file__).resolve().parents[2]
VERY_FAST = 1e7
"""A scaled day takes 9 ms."""

DAY_S = 86_400.0
START_S = 1.7e9
NOT_FINITE = (math.nan, math.inf, -math.inf)


def all_clocks():
    return [
        pytest.param(RealClock(), id="real"),
        pytest.param(ScaledClock(VERY_FAST, START_S), id="scaled"),
        pytest.param(JumpingClock(START_S), id="jumping"),
    ]


@pytest.mark.parametrize("clock", all_clocks())
@pytest.mark.parametrize("duration_s", NOT_FINITE)
def test_no_clock_waits_for_a_time_that_is_not_a_number(clock, duration_s):
    with pytest.raises(ValueError, match=r"finite|cannot wait"):
        clock.sleep(duration_s)
    with pytest.raises(ValueError, match=r"finite|cannot wait"):
        clock.sleep_until(duration_s)
    with pytest.raises(ValueError, match=r"finite|cannot wait"):
        clock.wait(threading.Event(), duration_s)


@pytest.mark.parametrize("clock", all_clocks())
def test_a_time_that_has_passed_is_not_waited_for_and_no_clock_goes_back(clock):
    before_s = clock.now()
    clock.sleep(-DAY_S)
    clock.sleep(0.0)
    clock.sleep_until(before_s - DAY_S)
    assert clock.wait(threading.Event(), -DAY_S) is False
    assert clock.now() >= before_s


@pytest.mark.parametrize("clock", all_clocks())
def test_a_stop_that_was_asked_for_is_not_waited_for(clock):
    stop = threading.Event()
    stop.set()
    before_s = clock.now()
    assert clock.wait(stop, 1e6 * DAY_S) is True
    assert clock.now() - before_s < 1e6 * DAY_S


def test_the_real_clock_shows_the_date_and_is_not_simulated():
    before_s = datetime.now(UTC).timestamp()
    shown_s = RealClock().utc()
    after_s = datetime.now(UTC).timestamp()
    assert before_s - 1e-6 <= shown_s <= after_s + 1e-6  # a datetime keeps whole microseconds
    assert not RealClock().simulated
    assert ScaledClock(2.0).simulated
    assert JumpingClock().simulated


def test_the_simulated_clocks_start_at_the_present_date_unless_told_another():
    before_s = datetime.now(UTC).timestamp() - 1e-6
    assert JumpingClock().utc() >= before_s
    assert ScaledClock(1.0).utc() >= before_s
    assert JumpingClock(0.0).utc() == 0.0
    assert ScaledClock(1e-9, 0.0).utc() < 1.0


def test_a_scaled_day_passes_at_once_and_in_full():
    clock = ScaledClock(VERY_FAST, START_S)
    before_s = clock.now()
    clock.sleep(DAY_S)
    clock.sleep_until(clock.now() + DAY_S)
    assert clock.wait(threading.Event(), DAY_S) is False
    assert clock.now() - before_s >= 3 * DAY_S
    assert clock.utc() >= START_S + 3 * DAY_S


def test_a_scaled_clock_runs_by_its_factor():
    outer, inner, factor = RealClock(), ScaledClock(VERY_FAST, START_S), VERY_FAST
    before_s, inner_before_s = outer.now(), inner.now()
    inner.sleep(DAY_S)
    inner_after_s, after_s = inner.now(), outer.now()
    # read inside the two real readings, so it cannot have run longer; 1 us for the rounding of monotonic seconds
    assert DAY_S <= inner_after_s - inner_before_s <= (after_s - before_s + 1e-6) * factor


@pytest.mark.parametrize("clock", [RealClock(), ScaledClock(1e3)])
def test_a_stop_from_another_thread_ends_a_wait_of_years(clock):
    stop = threading.Event()
    setter = threading.Thread(target=stop.set)
    setter.start()
    assert clock.wait(stop, 100 * 366 * DAY_S) is True
    setter.join()


@pytest.mark.parametrize("factor", [0.0, -1.0, *NOT_FINITE])
def test_a_speed_that_is_none_is_refused(factor):
    with pytest.raises(ValueError, match=f"a speed factor must be positive and finite, not {factor}"):
        ScaledClock(factor)


@settings(derandomize=True)
@given(st.lists(st.tuples(st.booleans(), st.floats(-1e6, 1e6)), max_size=30))
def test_a_jumping_clock_moves_exactly_as_far_as_somebody_waits(waits):
    clock, expected_s = JumpingClock(START_S), 0.0
    for is_absolute, time_s in waits:
        if is_absolute:
            clock.sleep_until(time_s)
            expected_s = max(expected_s, time_s)
        else:
            clock.sleep(time_s)
            expected_s += max(time_s, 0.0)
        assert clock.now() == expected_s
        assert clock.utc() == START_S + expected_s


def test_eight_hundred_minutes_of_readings_end_on_the_second():
    clock = JumpingClock(START_S)
    for reading in range(48_001):
        clock.sleep_until(float(reading))
    assert clock.now() == 48_000.0


def test_a_wait_of_a_jumping_clock_passes_in_full_when_nobody_stops_it():
    clock = JumpingClock(START_S)
    assert clock.wait(threading.Event(), 20.0) is False
    assert clock.now() == 20.0


def test_a_wait_of_a_jumping_clock_that_is_stopped_takes_no_time():
    clock, stop = JumpingClock(START_S), threading.Event()
    stop.set()
    assert clock.wait(stop, 20.0) is True
    assert clock.now() == 0.0


def test_only_the_clock_asks_the_computer_for_the_time():
    users = set()
    for package in ("xraydaq", "procedures", "instruments"):
        for path in (HOME / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
                if "time" in names or (isinstance(node, ast.ImportFrom) and node.module == "time"):
                    users.add(path.relative_to(HOME).as_posix())
    assert users == {"xraydaq/clock.py"}
