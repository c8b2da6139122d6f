import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xraydaq.analysis.dose_lines import Points, propagated, unweighted_line, weighted_line
from xraydaq.analysis.dose_order import monotonic_order, reference_drift, without_drift
from xraydaq.analysis.dose_response import dose_response, exponent, merged, response_at
from xraydaq.analysis.values import NotEnoughData

SLOPE = 0.02  # C/Gy
DOSES = np.array([1.4, 5.7, 14, 27, 55, 56, 139, 264, 528, 540, 550, 2100, 2600, 5300, 9900, 20300]) * 1e-9
FILTERS_M = np.array([30, 30, 15, 30, 30, 15, 5, 15, 2, 15, 5, 2, 5, 5, 2, 2]) * 1e-3


def points(rng=None, *, slope=SLOPE, power=1.0, noise_a=5e-11, dose_u=0.003, order=None, quality=None, offset_a=0.0):
    """A sweep whose dose rates are known to `dose_u` per filter; without `rng` free of error."""
    quality = quality or {}
    factors = {al: 1.0 if rng is None else 1 + dose_u * rng.standard_normal() for al in np.unique(FILTERS_M)}
    true = DOSES * np.array([factors[al] for al in FILTERS_M])
    current_a = slope * 1e-6 * (true / 1e-6) ** power * np.array([quality.get(al, 1.0) for al in FILTERS_M]) + offset_a
    u_a = np.hypot(noise_a, 1e-4 * current_a)
    if rng is not None:
        current_a = current_a + u_a * rng.standard_normal(len(DOSES))
    time_s = 420.0 * (np.arange(len(DOSES)) if order is None else order)
    return Points(current_a, u_a, DOSES, dose_u * DOSES, FILTERS_M, time_s)


def pulls(of, truth, count=400):
    rng = np.random.default_rng(20)
    values = [of(points(rng)) for _ in range(count)]
    return np.array([(value.value - truth) / value.u for value in values])


@pytest.mark.parametrize(
    "of",
    [
        lambda p: weighted_line(p).slope,
        lambda p: unweighted_line(p).slope,
        lambda p: weighted_line(p.of(p.total_al_m == 15e-3)).slope,
    ],
    ids=["weighted", "unweighted", "one filter"],
)
def test_slopes_of_a_straight_response_are_not_biased_and_their_uncertainty_is_honest(of):
    found = pulls(of, SLOPE)
    assert abs(found.mean()) < 3 / np.sqrt(len(found))
    assert 0.8 < found.std() < 1.15, "weighted ones are enlarged when chi2/dof is above 1 by chance"


def test_the_exponent_of_a_straight_response_is_one_and_its_uncertainty_is_honest():
    found = pulls(lambda p: exponent(p.of(p.current_a > 3 * p.current_u_a))[0], 1.0)
    assert abs(found.mean()) < 0.3, "leaving out points below 3 u may shift it by a part of u"
    assert 0.7 < found.std() < 1.25


@pytest.mark.parametrize("power", [0.85, 1.0, 1.04])
def test_a_power_law_is_recovered_and_called_linear_only_if_it_is(power):
    response = dose_response(
        points(np.random.default_rng(3), power=power, dose_u=0.001), low_gy_s=3e-7, slope_up_to_gy_s=1e-5
    )
    assert abs(response.theta.value - power) < 3 * response.theta.u < 0.03
    assert response.is_linear == (power == 1.0)


def test_one_dose_error_of_a_filter_does_not_average_over_its_points():
    one, many = np.ones((1, 1)), np.full((1, 25), 1 / 25)
    assert propagated(many, np.zeros(25), np.full(25, 0.1), np.zeros(25)) == pytest.approx(
        propagated(one, np.zeros(1), np.full(1, 0.1), np.zeros(1)), rel=1e-6, abs=0
    )
    assert propagated(many, np.full(25, 0.1), np.zeros(25), np.zeros(25)) == pytest.approx(0.01 / 25, rel=1e-6, abs=0)


@settings(max_examples=15, deadline=None)
@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_units_of_current_and_dose_rate_do_not_matter(current, dose):
    p = points(np.random.default_rng(4))
    scaled = Points(
        p.current_a * current, p.current_u_a * current, p.dose_rate_gy_s * dose, p.dose_rate_u_gy_s * dose,
        p.total_al_m, p.time_s,
    )  # fmt: skip
    for fit in (weighted_line, unweighted_line):
        one, other = fit(p), fit(scaled)
        assert other.slope.value == pytest.approx(one.slope.value * current / dose, rel=1e-9, abs=0)
        assert other.slope.u == pytest.approx(one.slope.u * current / dose, rel=1e-6, abs=0)
        assert other.chi2_per_dof == pytest.approx(one.chi2_per_dof, rel=1e-6, abs=0)
    seen = p.current_a > 0
    assert exponent(scaled.of(seen))[0].value == pytest.approx(exponent(p.of(seen))[0].value, rel=1e-9, abs=0)


def test_the_order_of_the_points_does_not_matter_to_the_lines():
    p = points(np.random.default_rng(5))
    shuffled = np.random.default_rng(6).permutation(len(p))
    other = Points(*(getattr(p, name)[shuffled] for name in p.__dataclass_fields__))
    one, other = (dose_response(each, low_gy_s=3e-7, slope_up_to_gy_s=1e-5) for each in (p, other))
    assert other.weighted.slope.value == pytest.approx(one.weighted.slope.value, rel=1e-12, abs=0)
    assert other.theta.value == pytest.approx(one.theta.value, rel=1e-12, abs=0)


def test_an_intercept_is_kept_where_there_is_one_and_not_by_chance():
    with_offset = weighted_line(points(np.random.default_rng(7), offset_a=5e-9))
    assert with_offset.has_intercept
    assert abs(with_offset.intercept - 5e-9) < 4 * with_offset.intercept_tested.u
    rng = np.random.default_rng(8)
    kept = sum(weighted_line(points(rng)).has_intercept for _ in range(200))
    assert kept <= 24, "5 % of 200 is 10 +- 3; 24 once in a hundred thousand"


def test_chi2_says_that_a_line_does_not_describe_a_bent_response():
    straight, bent = points(np.random.default_rng(9)), points(np.random.default_rng(9), power=0.9)
    assert weighted_line(straight).chi2_per_dof < 2
    assert weighted_line(bent).chi2_per_dof > 20


def test_beams_of_different_quality_are_told_from_a_bend():
    rng = np.random.default_rng(10)
    ladder = {2e-3: 1.0, 5e-3: 1.6, 15e-3: 2.7, 30e-3: 3.2}  # an energy-absorbing layer of 1 mm
    mixed = dose_response(points(rng, quality=ladder), low_gy_s=3e-7, slope_up_to_gy_s=1e-5)
    bent = dose_response(points(rng, power=1.1), low_gy_s=3e-7, slope_up_to_gy_s=1e-5)
    assert mixed.steps.known
    assert mixed.steps.seen
    assert mixed.weighted.chi2_per_dof > 100
    assert mixed.theta.value < 0.92
    assert not bent.steps.seen
    for each in mixed.per_filter[:2]:
        assert each.line.slope.value == pytest.approx(SLOPE * ladder[each.total_al_m], rel=0.02, abs=0)


def test_filters_that_share_no_dose_rates_leave_the_question_open():
    p = points()
    apart = p.of((p.total_al_m == 2e-3) & (p.dose_rate_gy_s > 1e-6) | (p.total_al_m == 30e-3))
    response = dose_response(apart, low_gy_s=3e-7, slope_up_to_gy_s=1e-5)
    assert not response.steps.known
    assert not response.steps.seen


def test_repeats_of_a_setting_are_averaged_and_disagreement_enlarges_their_uncertainty():
    twice = Points(
        *(np.array(c) for c in ([1.0, 3.0, 9.0], [0.1, 0.1, 0.1], [1.0, 1.0, 2.0], [0.0] * 3, [0.002] * 3, [0, 1, 2]))
    )
    one = merged(twice)
    assert list(one.current_a) == pytest.approx([2.0, 9.0], rel=1e-6, abs=0)
    assert one.current_u_a[0] == pytest.approx(0.1 / np.sqrt(2) * np.sqrt(200), rel=1e-6, abs=0), (
        "chi2 of 1 and 3 about 2 is 200"
    )
    assert one.current_u_a[1] == 0.1


def drifting(order, change=0.2):
    """A straight response whose sensitivity falls by `change` over the sweep, without other errors."""
    p = points(order=order)
    factor = 1 + change * (p.time_s / p.time_s.max() - 0.5)
    return Points(p.current_a * factor, p.current_u_a, p.dose_rate_gy_s, p.dose_rate_u_gy_s, p.total_al_m, p.time_s)


@pytest.mark.parametrize(("direction", "order"), [("rising", np.arange(16)), ("falling", np.arange(16)[::-1])])
def test_a_drift_through_a_monotonic_sweep_looks_like_a_bend_and_the_order_is_named(direction, order):
    p = drifting(order)
    assert monotonic_order(p) == direction
    theta = exponent(p)[0].value
    assert theta == pytest.approx(1.03 if direction == "rising" else 0.97, abs=0.02)


def test_a_random_order_is_not_called_monotonic_and_keeps_the_exponent():
    p = drifting(np.random.default_rng(11).permutation(16))
    assert monotonic_order(p) == ""
    assert exponent(p)[0].value == pytest.approx(1.0, abs=0.02)


def with_reference(change, u_rel):
    p = drifting(np.arange(16), change)
    reference = np.zeros(16, dtype=bool)
    reference[[0, 8, 15]] = True
    size = np.where(reference, 1e-7 / p.current_a * (1 + change * (p.time_s / p.time_s.max() - 0.5)), 1.0)
    p = Points(
        p.current_a * size, u_rel * p.current_a * size, p.dose_rate_gy_s, p.dose_rate_u_gy_s, p.total_al_m, p.time_s
    )
    return p, reference


@pytest.mark.parametrize(("change", "corrected"), [(0.01, False), (-0.01, False), (0.08, True), (-0.2, True)])
def test_the_drift_of_the_reference_is_measured_and_corrected_above_two_percent(change, corrected):
    p, reference = with_reference(change, 1e-4)
    drift = reference_drift(p, reference)
    assert drift.change.value == pytest.approx(change, abs=3e-3)
    assert drift.corrected == corrected
    left = without_drift(p, drift).current_a[reference]
    assert np.ptp(left) / left.mean() == pytest.approx(0.0 if corrected else abs(change), abs=3e-3)


def test_a_reference_that_only_scatters_is_not_corrected_and_one_visit_tells_nothing():
    p, reference = with_reference(0.0, 0.05)
    noisy = Points(
        p.current_a * (1 + 0.05 * np.random.default_rng(12).standard_normal(16)), p.current_u_a, p.dose_rate_gy_s,
        p.dose_rate_u_gy_s, p.total_al_m, p.time_s,
    )  # fmt: skip
    assert not reference_drift(noisy, reference).corrected
    once = reference & (np.arange(16) < 5)
    assert np.isnan(reference_drift(p, once).change.value)


def test_the_response_at_a_dose_rate_is_measured_there_or_between_neighbours_and_never_outside():
    p = points(power=1.1)
    near, at_gy_s, count = response_at(p, 20e-6)
    assert (at_gy_s, count) == (pytest.approx(20.3e-6, rel=1e-6, abs=0), 1)
    assert near.value == pytest.approx(p.current_a[-1] / 20.3e-6, rel=1e-6, abs=0)
    between, at_gy_s, count = response_at(p, 14e-6)
    assert (at_gy_s, count) == (14e-6, 2)
    assert between.value == pytest.approx(SLOPE * 14**0.1, rel=1e-9, abs=0), (
        "a power law is straight in the logarithms"
    )
    assert np.isnan(response_at(p, 1e-3)[0].value)


def test_too_few_dose_rates_are_refused():
    p = points()
    with pytest.raises(NotEnoughData, match="2 dose rates"):
        dose_response(p.of(p.dose_rate_gy_s > 5.5e-6), low_gy_s=3e-7, slope_up_to_gy_s=1e-5)
    with pytest.raises(NotEnoughData, match="uncertainty"):
        weighted_line(
            Points(
                p.current_a,
                0 * p.current_a,
                *(getattr(p, n) for n in ("dose_rate_gy_s", "dose_rate_u_gy_s", "total_al_m", "time_s")),
            )
        )
