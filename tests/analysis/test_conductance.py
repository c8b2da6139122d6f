import numpy as np
import pytest

from tests.analysis.temperature_synthetic import ATOMISTIC, BIAS_V, CELL, MAI, UNTREATED, make_sweep, replace
from xraydaq.analysis.conductance import exponent_of, pulses_of
from xraydaq.analysis.conductance_points import conductances
from xraydaq.analysis.thermal_rows import columns_of

READING_S = 0.2


def conductance_s(crystal, kelvin):
    return float(crystal.sigma_s_m(kelvin)) * CELL.value.value


def measured(columns, order=1):
    rows, _ = columns_of(*columns)
    pulses, dropped = pulses_of(rows, READING_S)
    return conductances(rows, pulses, exponent_of(pulses).value, order)[0], dropped


def ratios(crystal, kelvin, **options):
    found, _ = measured(make_sweep(crystal, 1, kelvin=kelvin, noisy=False, **options))
    return np.array([one.conductance_s for one in found]) / [conductance_s(crystal, each) for each in kelvin]


@pytest.mark.parametrize("crystal", [UNTREATED, MAI, ATOMISTIC])
def test_absorption_and_moving_ions_change_the_conductance_by_less_than_a_percent(crystal):
    """Readings at the end of a pulse are off by up to 20 %."""
    kelvin = np.array([240.0, 280.0, 320.0])
    assert np.all(np.abs(ratios(crystal, kelvin) - 1) < 0.007)


def test_the_last_readings_alone_would_be_wrong_where_it_matters():
    columns = make_sweep(MAI, 1, kelvin=[240.0, 320.0], noisy=False)
    _, _, current_a, *_, point, pulse = columns
    for index, kelvin in enumerate((240.0, 320.0)):
        last = np.flatnonzero((point == index) & (pulse == 0))[-1]
        assert abs(current_a[last] / BIAS_V / conductance_s(MAI, kelvin) - 1) > 0.03


def test_an_offset_of_the_meter_cancels_in_the_rests_and_in_the_signs():
    plain = replace(UNTREATED, rise=0.0, absorbed_a=0.0, noise=0.0)
    with_rests, _ = measured(make_sweep(plain, 2, kelvin=[250.0], offset_a=3e-10))
    signs_only, _ = measured(make_sweep(plain, 2, kelvin=[250.0], offset_a=3e-10, rests=False))
    for (found,) in (with_rests, signs_only):
        assert abs(found.conductance_s - conductance_s(plain, 250.0)) < 3 * found.u_s
        assert 3 * found.u_s < 3e-10 / BIAS_V, "an offset that were left would show"
        assert not found.offset_left


def test_pulses_of_one_sign_without_a_rest_say_that_the_offset_is_left():
    columns = make_sweep(UNTREATED, 2, kelvin=[250.0], rests=False, signs=(1,), pairs=1)
    (found,), _ = measured(columns)
    assert found.offset_left


def test_the_exponent_of_the_absorption_is_found_where_there_is_absorption():
    rows, _ = columns_of(*make_sweep(UNTREATED, 3, kelvin=np.arange(240.0, 300.0, 10)))
    exponent = exponent_of(pulses_of(rows, READING_S)[0])
    assert abs(exponent.value - 0.8) < max(4 * exponent.u, 0.03)
    quiet, _ = columns_of(*make_sweep(replace(ATOMISTIC, absorbed_a=0.0, rise=0.0), 3, kelvin=[310.0, 320.0]))
    assert exponent_of(pulses_of(quiet, READING_S)[0]).u > 0.1


def test_noise_of_the_meter_scatters_as_the_uncertainty_says():
    quiet, kelvin = replace(ATOMISTIC, noise=0.0, rise=0.0, absorbed_a=0.0), np.array([240.0, 248.0, 256.0, 264.0])
    pulls = []
    for seed in range(15):
        found, _ = measured(make_sweep(quiet, 60 + seed, kelvin=kelvin))
        pulls += [
            (one.conductance_s - conductance_s(quiet, at_k)) / one.u_s for one, at_k in zip(found, kelvin, strict=True)
        ]
    assert abs(np.mean(pulls)) < 3 / np.sqrt(len(pulls))
    assert np.std(pulls) == pytest.approx(1, abs=3 / np.sqrt(2 * len(pulls)))


def test_noise_that_is_correlated_within_a_pulse_shows_between_pulses_and_is_in_the_uncertainty():
    kelvin = np.arange(280.0, 300.0, 2.0)
    flickering, _ = measured(make_sweep(ATOMISTIC, 8, kelvin=kelvin, pairs=1))
    off = [
        one.conductance_s / conductance_s(ATOMISTIC, at_k) - 1 for one, at_k in zip(flickering, kelvin, strict=True)
    ]
    stated = np.mean([one.u_s / one.conductance_s for one in flickering])
    assert np.std(off) / 2.5 < stated < 2 * np.std(off)  # ten points, and noise slower than a point is not in it


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_currents_in_another_unit_give_conductances_in_that_unit(factor):
    columns = list(make_sweep(UNTREATED, 4, kelvin=[270.0, 300.0]))
    one, _ = measured(columns)
    columns[2] = columns[2] * factor
    other, _ = measured(columns)
    for a, b in zip(one, other, strict=True):
        assert b.conductance_s == pytest.approx(a.conductance_s * factor, rel=1e-6, abs=0)
        assert b.u_s == pytest.approx(a.u_s * factor, rel=1e-3, abs=0)


def test_a_pulse_that_reached_a_limit_is_dropped_whole_and_counted():
    columns = list(make_sweep(replace(UNTREATED, noise=0.0), 5, kelvin=[270.0]))
    _, _, current_a, _, status, _, pulse = columns
    status[np.flatnonzero(pulse == 1)[3]] = 2
    current_a[pulse == 1] = 1e-3
    found, dropped = measured(columns)
    assert dropped["pulses at a limit of the meter"] == 1
    assert found[0].pulses == 3
    assert found[0].conductance_s == pytest.approx(conductance_s(UNTREATED, 270.0), rel=0.02, abs=0)


def test_missing_readings_at_the_start_of_a_pulse_do_not_move_its_beginning():
    columns = list(make_sweep(UNTREATED, 6, kelvin=[240.0], noisy=False))
    whole = measured(columns)[0][0].conductance_s
    first = np.concatenate([np.flatnonzero(columns[6] == number)[:8] for number in range(4)])
    columns[2][first] = columns[1][first] = np.nan
    assert measured(columns)[0][0].conductance_s == pytest.approx(whole, rel=3e-3, abs=0)


def test_a_stage_that_still_moves_costs_certainty_of_the_temperature():
    columns = list(make_sweep(UNTREATED, 7, kelvin=[270.0, 280.0]))
    still, _ = measured(columns)
    columns[3] = columns[3] + 0.2 / 60 * (columns[0] - columns[0][0])
    moving, _ = measured(columns)
    assert still[0].u_temperature_k < 5e-3
    assert moving[0].u_temperature_k == pytest.approx(0.2 / 60 * 25, rel=0.1, abs=0)
    assert moving[0].temperature_k == pytest.approx(
        270.0 + 0.2 / 60 * 120, abs=0.02
    )  # when its pulses began, on average
