"""When a temperature counts as stable."""

import math

import pytest

from instruments.lakeshore335 import StabilityCriterion, StabilityWatch
from xraydaq.errors import LimitError

CRITERION = StabilityCriterion(
    band_k=0.1, window_s=60.0, spread_k=0.02, slope_k_per_min=0.05, dwell_s=30.0, crystal_lag_s=25.0
)
PERIOD_S = 2.0
TARGET_K = 300.0


def feed(watch, temperature, duration_s, start_s=0.0, good=lambda _: True, ramping=lambda _: False, period_s=PERIOD_S):
    """Feed readings and get the verdicts by time."""
    verdicts = {}
    for index in range(1, round(duration_s / period_s) + 1):
        time_s = start_s + index * period_s
        verdicts[time_s] = watch.feed(time_s, temperature(time_s), good=good(time_s), ramping=ramping(time_s))
    return verdicts


def first_stable_s(verdicts):
    return next((time_s for time_s, verdict in verdicts.items() if verdict.stable), None)


@pytest.fixture
def watch():
    return StabilityWatch(CRITERION, TARGET_K)


def test_a_still_temperature_is_stable_once_five_crystal_lags_are_over(watch):
    # in the band from the first reading at 2 s; window and dwell are over at 92 s, five lags at 127 s
    assert first_stable_s(feed(watch, lambda _: TARGET_K, 300.0)) == 128.0


def test_without_a_crystal_lag_it_is_window_and_dwell():
    criterion = StabilityCriterion(0.1, 60.0, 0.02, 0.05, dwell_s=30.0, crystal_lag_s=0.0)
    verdicts = feed(StabilityWatch(criterion, TARGET_K), lambda _: TARGET_K, 300.0)
    assert first_stable_s(verdicts) == 92.0


def test_passing_through_the_band_is_not_stable(watch):
    assert first_stable_s(feed(watch, lambda t: TARGET_K - 3 + t * 0.5 / 60, 720.0)) is None


def test_standing_still_off_target_is_not_stable(watch):
    verdicts = feed(watch, lambda _: TARGET_K + 0.11, 600.0)
    assert first_stable_s(verdicts) is None
    assert any("off target" in each for each in verdicts[600.0].missing)


def test_a_slow_drift_inside_the_band_is_not_stable(watch):
    # 0.06 K/min: 0.1 K in 100 s, so the band is not left within this window
    verdicts = feed(watch, lambda t: TARGET_K - 0.09 + 1e-3 * t, 180.0)
    assert first_stable_s(verdicts) is None
    assert verdicts[180.0].slope_k_per_min == pytest.approx(0.06)
    assert any("slope" in each for each in verdicts[180.0].missing)


def test_a_swing_inside_the_band_is_not_stable(watch):
    verdicts = feed(watch, lambda t: TARGET_K + 0.09 * math.sin(2 * math.pi * t / 20), 600.0)
    assert first_stable_s(verdicts) is None
    assert verdicts[600.0].spread_k == pytest.approx(0.09 / math.sqrt(2), rel=0.05)  # rms of a sine


def test_the_setpoint_in_motion_is_never_stable(watch):
    assert first_stable_s(feed(watch, lambda _: TARGET_K, 600.0, ramping=lambda _: True)) is None


def test_the_lag_counts_from_the_end_of_the_ramp(watch):
    verdicts = feed(watch, lambda _: TARGET_K, 600.0, ramping=lambda t: t <= 100.0)
    assert first_stable_s(verdicts) == 228.0  # first at rest at 102 s, then 125 s, on a 2 s raster


@pytest.mark.parametrize("fault", ["status", "nan", "outlier"])
def test_one_bad_reading_spoils_its_window_and_the_lag_begins_again(watch, fault):
    spoilt = {"status": TARGET_K, "nan": math.nan, "outlier": TARGET_K + 1}[fault]
    feed(watch, lambda _: TARGET_K, 200.0)
    assert not watch.feed(202.0, spoilt, good=fault != "status", ramping=False).stable
    verdicts = feed(watch, lambda _: TARGET_K, 400.0, start_s=202.0)
    assert first_stable_s(verdicts) == 204.0 + 126.0
    told = any("sensor status" in each for each in verdicts[240.0].missing)
    assert told is (fault != "outlier")


def test_a_silence_is_no_proof_of_stability(watch):
    feed(watch, lambda _: TARGET_K, 200.0)
    verdict = watch.feed(213.0, TARGET_K, good=True, ramping=False)
    assert not verdict.stable
    assert any("gap" in each for each in verdict.missing)


def test_few_readings_are_no_window():
    criterion = StabilityCriterion(0.1, 60.0, 0.02, 0.05, dwell_s=0.0, crystal_lag_s=0.0)
    sparse = feed(StabilityWatch(criterion, TARGET_K), lambda _: TARGET_K, 600.0, period_s=10.0)
    assert first_stable_s(sparse) is None


def test_stable_is_lost_again_when_the_temperature_leaves(watch):
    assert feed(watch, lambda _: TARGET_K, 200.0)[200.0].stable
    assert not feed(watch, lambda _: TARGET_K + 0.5, 2.0, start_s=200.0)[202.0].stable


def test_time_that_does_not_pass_is_refused(watch):
    watch.feed(1.0, TARGET_K, good=True, ramping=False)
    for time_s in (1.0, 0.5, math.nan):
        with pytest.raises(ValueError, match="after"):
            watch.feed(time_s, TARGET_K, good=True, ramping=False)


@pytest.mark.parametrize(
    "change", [{"band_k": 0.0}, {"window_s": math.nan}, {"dwell_s": -1.0}, {"lags": math.inf}, {"spread_k": -1.0}]
)
def test_a_criterion_that_is_none_is_refused(change):
    with pytest.raises(LimitError):
        StabilityCriterion(**change)
