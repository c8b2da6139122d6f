import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from instruments.sim.twin import DEVICES, Crystal
from instruments.sim.twin.beam import BeamTable
from instruments.sim.twin.devices import GLASS_BLANK
from instruments.sim.twin.exposure import Segment
from instruments.sim.twin.photocurrent import Generation, Photocurrent

TABLE = BeamTable()
QUALITY = TABLE.quality(50.0, 1e-3)
SPOT_CM2 = math.pi * 0.1**2
PHOTONS_PER_UGY_CM2, MEAN_KEV, MEAN_SQUARE_KEV2 = 871903, 27.8493, 844.725
"""The table's row of 50 kV and 1 mm."""
BARE = replace(DEVICES["atomistic"], dark_current_298k_a=1e-30, absorption_1s_a=0.0, noise_1hz_a_per_rthz=0.0)


class Steady:
    """Radiation of one rate from a moment on, until another."""

    def __init__(self, kerma_gy_s, on_s=0.0, off_s=math.inf, quality=QUALITY):
        self.kerma_gy_s, self.on_s, self.off_s, self.quality = kerma_gy_s, on_s, off_s, quality

    def is_dark_from(self, start_s):
        return self.kerma_gy_s == 0 or start_s >= self.off_s

    def segments(self, start_s, end_s):
        edges = sorted({start_s, end_s} | {edge for edge in (self.on_s, self.off_s) if start_s < edge < end_s})
        return [
            Segment(a, b, self.kerma_gy_s, self.quality) if self.on_s <= a < self.off_s else Segment(a, b, 0.0, None)
            for a, b in pairwise(edges)
        ]


def lit(light, device=BARE, seed=0, noise="none", delay_s=0.15, **switches):
    photocurrent = Photocurrent(light, Generation(device, TABLE, **switches), delay_s=delay_s)
    return Crystal(device, seed=seed, temperature_k=298.0, noise=noise, photocurrent=photocurrent)


def sensitivity_uc(kerma_gy_s, bias_v=5.0, device=BARE, **settings):
    """Settled current over spot and dose rate, in uC/(Gy cm2)."""
    crystal = lit(Steady(kerma_gy_s), device, **settings)
    crystal.set_bias(0.0, bias_v)
    return crystal.mean_current_a(100.0, 101.0) / kerma_gy_s / SPOT_CM2 * 1e6


@pytest.mark.parametrize(
    ("field_v_mm", "expected"),
    [(5, 0.515e5), (10, 1.030e5), (20, 2.058e5), (50, 4.893e5), (75, 6.678e5), (100, 8.000e5)],
)
def test_the_sensitivity_grows_with_the_field_as_stated(field_v_mm, expected):
    assert abs(sensitivity_uc(20.3e-6, bias_v=field_v_mm * 0.05) - expected) <= 51


@pytest.mark.parametrize(
    ("kerma_gy_s", "expected"), [(1e-9, 6.000e5), (1e-6, 6.160e5), (3e-6, 6.451e5), (1e-5, 7.239e5)]
)
def test_the_sensitivity_grows_with_the_dose_rate_as_stated(kerma_gy_s, expected):
    assert abs(sensitivity_uc(kerma_gy_s) - expected) <= 51


def test_the_printed_point_is_510_na_over_the_spot():
    crystal = lit(Steady(20.3e-6))
    crystal.set_bias(0.0, 5.0)
    assert crystal.mean_current_a(100.0, 101.0) == pytest.approx(510.2e-9, rel=2e-4)


def test_without_the_nonlinearity_the_sensitivity_is_that_of_the_printed_point_everywhere():
    assert [sensitivity_uc(rate, dose_nonlinearity="none") for rate in (1e-9, 2e-5)] == pytest.approx([8e5, 8e5])


@pytest.mark.parametrize(("name", "point", "low"), [("untreated", 2.6e5, 2.1e5), ("mai", 4.0e5, 3.4e5)])
def test_the_other_crystals_have_their_sensitivities(name, point, low):
    device = replace(DEVICES[name], dark_current_298k_a=1e-30, absorption_1s_a=0.0)
    assert sensitivity_uc(20.3e-6, device=device) == pytest.approx(point)
    assert sensitivity_uc(1e-12, device=device) == pytest.approx(low, rel=1e-6)


def test_a_reversed_bias_reverses_the_photocurrent_and_none_gives_none():
    assert sensitivity_uc(1e-6, bias_v=-5.0) == -sensitivity_uc(1e-6)
    assert sensitivity_uc(1e-6, bias_v=0.0) == 0


def test_a_flat_crystal_does_not_know_the_filter_and_an_energy_absorbing_one_does():
    soft, hard = (Steady(1e-6, quality=TABLE.quality(50.0, al_m)) for al_m in (0.5e-3, 30e-3))

    def ratio(spectral):
        found = []
        for light in (soft, hard):
            crystal = lit(light, spectral=spectral)
            crystal.set_bias(0.0, 5.0)
            found.append(crystal.mean_current_a(100.0, 101.0))
        return found[1] / found[0]

    assert ratio("flat") == pytest.approx(1)
    assert ratio("energy") == pytest.approx(3703 / 617, rel=2e-3)


def closed_form(since_s):
    """Share of the settled current, a time after the light came on and the delay was over."""
    return 0.92 * -math.expm1(-since_s / 0.03) + 0.08 * -math.expm1(-since_s / 1.5)


@pytest.mark.parametrize("since_s", [0.001, 0.03, 0.1, 1.0, 5.0])
def test_the_response_has_a_fast_and_a_slow_part_after_its_delay(since_s):
    crystal, settled = lit(Steady(1e-6, on_s=10.0)), lit(Steady(1e-6, on_s=-100.0))
    for each in (crystal, settled):
        each.set_bias(0.0, 5.0)
    before_a = crystal.mean_current_a(9.0, 10.15)
    assert abs(before_a) < 1e-20
    window_s = 1e-6
    found_a = crystal.mean_current_a(10.15 + since_s, 10.15 + since_s + window_s)
    settled_a = settled.mean_current_a(10.15, 10.16)
    assert found_a / settled_a == pytest.approx(closed_form(since_s + window_s / 2), rel=1e-5)


def test_the_lag_is_4_percent_after_a_second_and_a_third_of_a_percent_after_five():
    crystal = lit(Steady(1e-6, off_s=100.0), delay_s=0.0)
    crystal.set_bias(0.0, 5.0)
    on_a = crystal.mean_current_a(99.0, 100.0)
    after = [crystal.mean_current_a(100 + t - 5e-4, 100 + t + 5e-4) / on_a for t in (1.0, 5.0)]
    assert abs(after[0] - 0.041) < 5e-4
    assert abs(after[1] - 0.0029) < 5e-5


def test_the_mean_over_any_window_is_the_integral_of_the_response():
    crystal, charge = lit(Steady(1e-6), delay_s=0.0), 0.0
    crystal.set_bias(-1.0, 5.0)
    settled_a = 8.0e3 * 1e-6 * math.pi * 1e-6 * (6.160 / 8)
    for start_s, end_s in ((-0.5, 0.02), (0.02, 0.0201), (0.5, 0.7), (0.7, 30.0)):
        first_s = max(start_s, 0.0)
        charge = (end_s - first_s) - sum(
            share * time_s * (math.exp(-first_s / time_s) - math.exp(-end_s / time_s))
            for share, time_s in ((0.92, 0.03), (0.08, 1.5))
        )
        expected_a = settled_a * charge / (end_s - start_s)
        assert crystal.mean_current_a(start_s, end_s) == pytest.approx(expected_a, rel=2e-4), start_s


def test_reading_in_between_does_not_change_what_comes_later():
    seldom, often = (lit(Steady(1e-6, on_s=3.3, off_s=9.1)) for _ in range(2))
    for each in (seldom, often):
        each.set_bias(0.0, 5.0)
    means_a = [often.mean_current_a(0.1 * k, 0.1 * k + 0.1) for k in range(120)]
    assert np.mean(means_a) == pytest.approx(seldom.mean_current_a(0.0, 12.0), rel=1e-9)


@pytest.mark.parametrize(("kerma_gy_s", "bias_v"), [(1e-6, 5.0), (1e-8, 5.0), (1e-6, -1.0)])
def test_photons_arrive_at_random(kerma_gy_s, bias_v):
    count, window_s = 40_000, 0.2
    noisy, truth = lit(Steady(kerma_gy_s), noise="lod"), lit(Steady(kerma_gy_s))
    for each in (noisy, truth):
        each.set_bias(0.0, bias_v)
    readings_a = noisy.currents_a(100.0, window_s, count)
    current_a = truth.mean_current_a(100.0, 101.0)
    photons_per_s = PHOTONS_PER_UGY_CM2 * SPOT_CM2 * kerma_gy_s * 1e6
    spread = MEAN_SQUARE_KEV2 / MEAN_KEV**2
    shot_a2 = 1.602e-19 * abs(current_a) / window_s
    expected_a = math.sqrt(current_a**2 * spread / (photons_per_s * window_s) + shot_a2)
    assert abs(readings_a.std() / expected_a - 1) < 4 / math.sqrt(2 * count)
    assert abs(readings_a.mean() - current_a) < 4 * expected_a / math.sqrt(count)


@pytest.mark.parametrize("name", list(DEVICES))
def test_a_fast_recorder_gets_the_numbers_of_single_readings(name):
    light = Steady(1e-6, on_s=5.0, off_s=12.0)
    fast, slow = (lit(light, DEVICES[name], seed=5, noise="psd") for _ in range(2))
    for each in (fast, slow):
        each.set_bias(0.0, 5.0)
        each.mean_current_a(0.1, 0.3)
    block_a = fast.currents_a(1.0, 2**-8, 4096)
    single_a = [slow.mean_current_a(1 + k * 2**-8, 1 + (k + 1) * 2**-8) for k in range(4096)]
    assert block_a == pytest.approx(single_a, rel=1e-9)
    assert fast.mean_current_a(17.5, 18.0) == pytest.approx(slow.mean_current_a(17.5, 18.0), rel=1e-9)
    assert np.std(np.diff(block_a)) > 0


def test_a_record_of_nothing_is_refused():
    crystal = lit(Steady(1e-6))
    for spacing_s, count in ((0.1, 0), (0.0, 5), (float("nan"), 5)):
        with pytest.raises(ValueError, match="at least 1"):
            crystal.currents_a(0.0, spacing_s, count)


def test_dark_currents_are_what_they_were_before_there_was_light():
    """Recorded when the crystal knew no light: seeds of stored runs must give their numbers again."""
    recorded = {
        "untreated": ("0x1.dacc78f6d5f2fp-22", "0x1.c0af7642abf95p-22"),
        "mai": ("0x1.5f282088d04e4p-20", "0x1.92973d8bc56d1p-20"),
        "atomistic": ("0x1.5bb40bc6c2b5ap-23", "0x1.4a64ca62d873ap-23"),
    }
    for name, (first, last) in recorded.items():
        for light in (None, Steady(0.0)):
            device = DEVICES[name]
            photocurrent = None if light is None else Photocurrent(light, Generation(device, TABLE))
            crystal = Crystal(name, seed=3, photocurrent=photocurrent)
            crystal.set_bias(100.0, 5.0)
            found_a = [crystal.mean_current_a(100 + k * 0.37 + 0.05, 100 + k * 0.37 + 0.25) for k in range(200)]
            # the last digits belong to the processor's vector instructions
            assert [found_a[0], found_a[-1]] == pytest.approx([float.fromhex(first), float.fromhex(last)], rel=1e-12)


def test_a_glass_blank_shows_the_printed_air_current_and_next_to_no_other():
    crystal = lit(Steady(20.3e-6, on_s=200.0), GLASS_BLANK)
    crystal.set_bias(0.0, 5.0)
    assert abs(crystal.mean_current_a(100.0, 110.0)) < 1e-13
    assert crystal.mean_current_a(300.0, 310.0) == pytest.approx(10.2e-12, rel=1e-2)
    crystal.set_bias(310.0, 10.0)  # the ions were all collected before
    assert crystal.mean_current_a(400.0, 410.0) == pytest.approx(10.2e-12, rel=0.15)


def test_the_slope_for_an_immediate_change_contains_the_photocurrent():
    crystal = lit(Steady(20.3e-6))
    crystal.set_bias(0.0, 1e-3)
    nearly_zero_s = crystal.mean_current_a(100.0, 101.0) / 1e-3
    assert crystal.conductance_s() == pytest.approx(nearly_zero_s, rel=1e-6)
    crystal.set_bias(101.0, 0.0)
    assert crystal.conductance_s() == pytest.approx(nearly_zero_s, rel=1e-2)


@pytest.mark.parametrize("wrong", [{"spectral": "blue"}, {"dose_nonlinearity": "wild"}])
def test_an_unknown_law_is_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong.values()))!r} is unknown; allowed are"):
        Generation(BARE, TABLE, **wrong)
