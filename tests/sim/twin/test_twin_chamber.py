import math

import numpy as np
import pytest

from instruments.sim.twin.chamber import NOISE_GY_PER_RTS, OFFSET_GY_S, Chamber, ChamberLimits
from instruments.sim.twin.room import PERIODS_S, Room

STANDARD = {"temperature_k": 293.15, "pressure_pa": 101_325.0, "steady": True}


def chamber(rate_gy_s, *, room=None, **settings):
    room = Room(seed=1, **STANDARD) if room is None else room
    return Chamber(lambda _start_s, _end_s: rate_gy_s, seed=settings.pop("seed", 1), room=room, **settings)


def net(found, start_s=0.0, end_s=1.0):
    return found.measure(start_s, end_s).rate_gy_s - found.offset_gy_s((start_s + end_s) / 2)


def test_180_cm3_of_standard_air_give_6_383_fa_per_ngy_s():
    assert chamber(0.0).coulomb_per_gray == pytest.approx(6.383e-6, rel=1e-4)


def test_a_rate_in_standard_air_is_read_as_it_is():
    assert net(chamber(1e-7, noisy=False)) == pytest.approx(1e-7, rel=2e-6)  # recombination takes 1e-6 of it


def test_thin_air_reads_less_by_the_factor_of_the_air_density():
    room = Room(seed=1, temperature_k=296.15, pressure_pa=99_800.0, steady=True)
    thin, standard = chamber(1e-6, room=room, noisy=False), chamber(1e-6, noisy=False)
    assert net(standard) / net(thin) == pytest.approx(1.02567, abs=1e-5)


@pytest.mark.parametrize(("rate_gy_s", "lost"), [(20e-6, 2e-4), (1e-3, 0.01)])
def test_recombination_takes_its_share(rate_gy_s, lost):
    assert net(chamber(rate_gy_s, noisy=False)) / rate_gy_s == pytest.approx(1 - lost, abs=lost * 0.02)


def test_a_small_beam_in_a_large_chamber_reads_its_share_of_the_volume():
    whole, part = chamber(1e-5, noisy=False), chamber(1e-5, noisy=False, irradiated_share=1 / 955)
    assert net(part) / net(whole) == pytest.approx(1 / 955)


@pytest.mark.parametrize("window_s", [0.25, 1.0, 4.0])
def test_noise_falls_with_the_square_root_of_the_window(window_s):
    quiet, noisy = chamber(0.0, noisy=False), chamber(0.0)
    count = 4000
    spread = []
    for at in range(count):
        start_s, end_s = at * window_s, (at + 1) * window_s
        spread.append(noisy.measure(start_s, end_s).rate_gy_s - noisy.offset_gy_s((start_s + end_s) / 2))
    # five deviations of a standard deviation of `count` independent values
    assert np.std(spread) == pytest.approx(NOISE_GY_PER_RTS / math.sqrt(window_s), rel=5 / math.sqrt(2 * count))
    assert quiet.measure(0.0, window_s).rate_gy_s == quiet.offset_gy_s(window_s / 2)


def test_the_offset_is_within_1_ngy_s_differs_between_chambers_and_hardly_drifts_in_an_hour():
    offsets = [chamber(0.0, seed=seed, noisy=False).offset_gy_s(0.0) for seed in range(50)]
    assert max(map(abs, offsets)) <= OFFSET_GY_S
    assert np.std(offsets) > OFFSET_GY_S / 4
    found = chamber(0.0)
    moved = abs(found.offset_gy_s(3600.0) - found.offset_gy_s(0.0))
    assert 0 < moved < 6e-11  # at most twice the sum of the amplitudes of 10 pGy/s rms


def test_above_its_range_the_chamber_saturates_and_says_so():
    sample = chamber(0.02).measure(0.0, 1.0)
    assert sample.over_rate
    assert sample.rate_gy_s == ChamberLimits().rate_max_gy_s
    assert not chamber(1e-3).measure(0.0, 1.0).over_rate


def test_the_true_dose_is_what_reached_the_chamber():
    found = chamber(2e-6, irradiated_share=0.5)
    for at in range(10):
        found.measure(at * 0.5, (at + 1) * 0.5)
    assert found.truth()["true_dose_gy"] == pytest.approx(1e-5)


def test_the_room_wanders_slowly_around_its_mean_and_any_moment_may_be_asked_for():
    room = Room(seed=4)
    times_s = np.arange(0.0, 2e6, 500.0)
    warmth_k = np.array([room.temperature_k(float(time_s)) for time_s in times_s]) - 296.15
    periods_s = np.array(PERIODS_S)
    amplitude_k = 0.3 * math.sqrt(2 / len(periods_s))
    # Four sines over 46 periods of the slowest: what is left of products and last periods is about period / (2 pi
    # length), 0.3 % each, for ten terms.
    assert np.var(warmth_k) == pytest.approx(0.3**2, rel=0.05)
    assert np.max(np.abs(np.diff(warmth_k))) <= 500 * amplitude_k * np.sum(2 * math.pi / periods_s)
    assert room.temperature_k(500.0) == room.temperature_k(500.0) == warmth_k[1] + 296.15
    assert abs(room.pressure_pa(0.0) - 99_800.0) < 60 * math.sqrt(2 * 4)


@pytest.mark.parametrize(
    "mistake",
    [
        lambda: chamber(0.0, irradiated_share=0.0),
        lambda: chamber(0.0, irradiated_share=math.nan),
        lambda: chamber(math.nan).measure(0.0, 1.0),
        lambda: chamber(-1e-9).measure(0.0, 1.0),
        lambda: chamber(0.0).measure(1.0, 1.0),
    ],
)
def test_what_cannot_be_is_refused(mistake):
    with pytest.raises(ValueError):
        mistake()
