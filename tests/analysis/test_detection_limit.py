import numpy as np
import pytest

from xraydaq.analysis.detection_limit import (
    SNR,
    K,
    noise_agrees,
    noise_floor,
    procedure_limit,
    scatter_of,
    snr_limit,
)
from xraydaq.analysis.dose_lines import Points
from xraydaq.analysis.noise import NoisePsd
from xraydaq.analysis.values import NotEnoughData, Value

SLOPE = 0.0223  # C/Gy: 22.3 pA per nGy/s
DOSES = np.array([0.5, 1, 2, 4, 8, 16, 100, 1000]) * 1e-9


def points(rng, *, u_a=2e-12, lowest=0.0):
    doses = DOSES[lowest <= DOSES]
    current_a = SLOPE * doses + u_a * rng.standard_normal(len(doses))
    return Points(current_a, np.full(len(doses), u_a), doses, 1e-3 * doses, np.full(len(doses), 0.03), doses)


def noise(rng, dof=60, s_a=11.15e-12):
    """What a finite number of windows shows of `s_a`."""
    seen_a = s_a * np.sqrt(rng.chisquare(dof) / dof)
    return Value(seen_a, seen_a / np.sqrt(2 * dof), "A", float(dof))


def test_the_crossing_is_found_and_its_interval_covers_it():
    rng = np.random.default_rng(1)
    truth = SNR * 11.15e-12 / SLOPE
    found = [snr_limit(points(rng), noise(rng)) for _ in range(120)]
    pulls = np.array([(each.limit.value - truth) / each.limit.u for each in found])
    assert abs(pulls.mean()) < 0.3
    assert 0.8 < pulls.std() < 1.25
    covered = np.mean([each.low_gy_s < truth < each.high_gy_s for each in found])
    assert covered > 0.95 - 3 * np.sqrt(0.05 * 0.95 / 120)
    assert truth == pytest.approx(1.5e-9, rel=0.001, abs=0), "11.15 pA and 7.1e5 uC/Gy/cm^2 belong to 1.5 nGy/s"


def test_a_limit_below_the_lowest_dose_rate_is_called_extrapolated():
    rng = np.random.default_rng(2)
    assert not snr_limit(points(rng), noise(rng)).extrapolated
    assert snr_limit(points(rng, lowest=4e-9), noise(rng)).extrapolated


def test_fewer_than_five_dose_rates_are_told():
    rng = np.random.default_rng(3)
    assert snr_limit(points(rng), noise(rng)).enough_points
    assert not snr_limit(points(rng, lowest=16e-9), noise(rng)).enough_points


def test_a_bend_far_above_the_limit_does_not_shift_it():
    rng = np.random.default_rng(4)
    p = points(rng)
    bent = Points(
        np.where(DOSES > 5e-8, 2, 1) * p.current_a, *(getattr(p, n) for n in list(p.__dataclass_fields__)[1:])
    )
    blank = noise(rng)
    assert snr_limit(bent, blank).limit.value == pytest.approx(snr_limit(p, blank).limit.value, rel=1e-9, abs=0)


def test_the_limit_scales_with_the_noise_and_with_the_units():
    rng = np.random.default_rng(5)
    p, blank = points(rng), noise(rng)
    one = snr_limit(p, blank)
    scaled = Points(
        p.current_a * 1e3, p.current_u_a * 1e3, p.dose_rate_gy_s * 7, p.dose_rate_u_gy_s * 7, p.total_al_m, p.time_s
    )
    other = snr_limit(scaled, Value(blank.value * 1e3, blank.u * 1e3, "A", blank.dof))
    assert other.limit.value == pytest.approx(7 * one.limit.value, rel=1e-9, abs=0)
    assert other.limit.u == pytest.approx(7 * one.limit.u, rel=1e-6, abs=0)


@pytest.mark.parametrize("slope", [0.0, -1.0])
def test_a_response_that_does_not_rise_has_no_limit(slope):
    rng = np.random.default_rng(6)
    p = points(rng)
    flat = Points(slope * p.current_a + 1e-13, *(getattr(p, name) for name in list(p.__dataclass_fields__)[1:]))
    with pytest.raises(NotEnoughData, match="does not rise"):
        snr_limit(flat, noise(rng))
    with pytest.raises(NotEnoughData, match="no scatter"):
        snr_limit(p, Value(0.0, 0.0, "A"))


def test_threshold_and_limit_solve_their_definition_with_the_photon_noise():
    s0, slope, photons = Value(6.4e-11, 1e-11, "A", 19.0), Value(SLOPE, 1e-4, "C Gy^-1"), 3e-13
    found = procedure_limit(s0, slope, blanks=20, photon_a2_per_gy_s=photons)
    y = found.limit.value
    assert found.threshold.value == pytest.approx(K * s0.value / SLOPE, rel=1e-6, abs=0)
    assert y == pytest.approx(found.threshold.value + K * np.sqrt(s0.value**2 + photons * y) / SLOPE, rel=1e-12, abs=0)
    assert found.three_s0.value == pytest.approx(3 * s0.value / SLOPE, rel=1e-6, abs=0)
    without = procedure_limit(s0, slope, blanks=20)
    assert without.limit.value == pytest.approx(2 * without.threshold.value, rel=1e-6, abs=0), (
        "3.29 u(0) without photon noise"
    )


def test_the_threshold_lets_five_percent_through_and_the_limit_is_missed_as_often():
    rng = np.random.default_rng(7)
    s0, photons, trials = 6.4e-11, 5e-13, 40_000
    found = procedure_limit(Value(s0, 0.0, "A"), Value(SLOPE, 0.0, "C Gy^-1"), blanks=20, photon_a2_per_gy_s=photons)
    false_alarms = np.mean(s0 * rng.standard_normal(trials) > SLOPE * found.threshold.value)
    at_limit = SLOPE * found.limit.value + np.sqrt(s0**2 + photons * found.limit.value) * rng.standard_normal(trials)
    missed = np.mean(at_limit < SLOPE * found.threshold.value)
    for share in (false_alarms, missed):
        assert abs(share - 0.05) < 4 * np.sqrt(0.05 * 0.95 / trials)


def test_the_scatter_of_twenty_blanks_is_known_to_sixteen_percent():
    rng = np.random.default_rng(8)
    found = [scatter_of(2e-11 * rng.standard_normal(20)) for _ in range(300)]
    assert found[0].u / found[0].value == pytest.approx(0.162, abs=0.001)
    assert np.std([each.value for each in found]) == pytest.approx(0.162 * 2e-11, rel=0.15, abs=0)
    assert np.isnan(scatter_of(np.array([1e-11])).value)


def test_the_printed_noise_and_the_printed_limit_are_in_tension():
    psd = NoisePsd(1e-20, 1.0, 0.0, 0.25, True, np.zeros((3, 3)))
    floor = noise_floor(psd, Value(0.02231, 0.0, "C Gy^-1"), Value(1.5e-9, 0.0, "Gy/s"))
    assert floor.floor.value == pytest.approx(15.8e-9, rel=0.003, abs=0)
    assert floor.in_tension
    assert not noise_floor(psd, Value(0.02231, 0.0, "C Gy^-1"), Value(33e-9, 0.0, "Gy/s")).in_tension


@pytest.mark.parametrize(("ratio", "agrees"), [(0.75, True), (1.25, True), (0.65, False), (1.35, False)])
def test_noise_agrees_with_its_spectrum_within_thirty_percent(ratio, agrees):
    assert noise_agrees(Value(ratio * 2e-10, 1e-11, "A"), 2e-10) == agrees
