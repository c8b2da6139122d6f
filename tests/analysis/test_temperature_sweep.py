import numpy as np
import pytest

from tests.analysis.temperature_synthetic import ATOMISTIC, CELL, CRYSTALS, MAI, PLAIN, UPWARDS, make_sweep, replace
from xraydaq.analysis.arrhenius_model import EV_J
from xraydaq.analysis.cell_constant import Size, single_gap
from xraydaq.analysis.temperature_sweep import evaluate
from xraydaq.analysis.values import NotEnoughData, Value

DOWNWARDS = np.arange(316.0, 239.0, -4.0)
COARSE = np.arange(240.0, 321.0, 4.0)


def result_of(columns, **changes):
    return evaluate(*columns, **{"cell": CELL} | changes)


def truths(crystal):
    return (crystal.high_ev * EV_J, crystal.low_ev * EV_J, crystal.change_k, float(crystal.sigma_s_m(298.15)))


def found(result):
    return (result.activation_high, result.activation_low, result.transition, result.conductivity_298)


@pytest.mark.parametrize("name", CRYSTALS)
def test_energies_transition_and_conductivity_are_recovered_within_the_acceptance(name):
    crystal = CRYSTALS[name]
    result = result_of(make_sweep(crystal, 11))
    assert result.model == "parallel"
    assert result.delta_bic > 6
    assert result.activation_high.to("eV").value == pytest.approx(crystal.high_ev, rel=0.01, abs=0)
    assert result.activation_low.to("eV").value == pytest.approx(crystal.low_ev, rel=0.02, abs=0)
    assert result.transition.value == pytest.approx(crystal.change_k, abs=0.5)
    for value, truth in zip(found(result), truths(crystal), strict=True):
        assert abs(value.value - truth) < 2 * value.u
        assert value.u < (0.1 if value.unit == "S/m" else 0.02) * truth  # an u that is always large says nothing
    assert result.intervals["high"].holds(crystal.high_ev * EV_J)
    assert result.intervals["change"].holds(crystal.change_k)


def test_a_sharp_change_is_told_from_branches_that_add():
    result = result_of(make_sweep(replace(PLAIN, sharp=True), 12))
    assert result.model == "sharp"
    assert result.delta_bic < -6
    assert result.sharpness > 5
    assert result.activation_high.to("eV").value == pytest.approx(0.984, rel=0.01, abs=0)
    assert result.transition.value == pytest.approx(285.0, abs=0.5)


@pytest.mark.long
def test_over_many_crystals_with_thermometers_that_are_wrong_the_uncertainties_are_honest():
    """Every error is drawn from the uncertainty stated: offset and slope of the thermometer, gap, noise."""
    pulls = []
    for seed in range(20):
        rng = np.random.default_rng(900 + seed)
        near = list(CRYSTALS.values())[seed % 3]
        crystal = replace(
            near,
            high_ev=near.high_ev * (1 + 0.05 * rng.standard_normal()),
            low_ev=near.low_ev * (1 + 0.05 * rng.standard_normal()),
            change_k=near.change_k + 2 * rng.standard_normal(),
        )
        gap = Size(50e-6 * (1 + 0.06 * rng.standard_normal()), 3e-6)
        cell = single_gap(width=Size(500e-6), gap=gap, length=Size(3e-3))
        columns = make_sweep(
            crystal, seed, kelvin=COARSE, offset_k=0.3 * rng.standard_normal(), stretched=0.005 * rng.standard_normal()
        )
        result = result_of(columns, cell=cell)
        pulls.append([(v.value - t) / v.u for v, t in zip(found(result), truths(crystal), strict=True)])
    pulls = np.array(pulls)
    assert np.all(np.abs(pulls.mean(axis=0)) < 0.67)  # 3 / sqrt(20)
    assert np.all((pulls.std(axis=0) > 0.55) & (pulls.std(axis=0) < 1.45))  # 1 +- 3 x 0.16


def test_up_and_down_that_agree_are_said_nothing_of_and_a_hysteresis_is_named():
    kelvin = np.concatenate((COARSE, DOWNWARDS))
    quiet = replace(ATOMISTIC, noise=3e-4)
    agreeing = result_of(make_sweep(quiet, 15, kelvin=kelvin))  # chance says otherwise in one sweep of ten: 2 u
    assert agreeing.up is not None
    assert agreeing.down is not None
    assert not any("up and down" in flag or "one direction" in flag for flag in agreeing.flags)
    up, down = make_sweep(quiet, 13, kelvin=COARSE), make_sweep(replace(quiet, high_ev=1.6), 14, kelvin=DOWNWARDS)
    down = list(down)
    down[0] = down[0] + up[0][-1] + 100
    down[5] = down[5] + len(COARSE)
    different = result_of([np.concatenate(pair) for pair in zip(up, down, strict=True)])
    assert any("up and down disagree: energy above" in flag for flag in different.flags)
    assert any("one direction" in flag for flag in result_of(up).flags)


def test_too_few_points_above_the_change_leave_one_energy_and_say_why():
    result = result_of(make_sweep(ATOMISTIC, 15, kelvin=np.arange(240.0, 305.0, 4.0)))
    assert result.model == "single line"
    assert np.isnan(result.activation_high.value)
    assert np.isfinite(result.activation_single.value)
    assert any("are needed" in flag for flag in result.flags)
    assert "one activation energy" in result.verdict


def test_systematic_shares_are_named_and_are_what_a_wrong_thermometer_does():
    right = make_sweep(PLAIN, 16, kelvin=COARSE)
    result = result_of(right, temperature_offset_u_k=0.5, temperature_slope_u=0.01, gain_u_rel=1e-3)
    wrong = list(right)
    wrong[3] = right[3] + 0.5
    shifted = result_of(wrong)
    assert result.budgets["transition temperature"].shares["temperature offset"] == pytest.approx(
        abs(shifted.transition.value - result.transition.value), rel=0.02, abs=0
    )
    assert result.budgets["transition temperature"].shares["temperature offset"] == pytest.approx(0.5, rel=0.05, abs=0)
    energy = result.budgets["activation energy above transition"].shares
    wrong[3] = right[3] + 0.01 * (right[3] - 280.0)
    change_j = abs(result_of(wrong).activation_high.value - result.activation_high.value)
    assert energy["temperature scale"] == pytest.approx(change_j, rel=0.05, abs=0)
    assert 0.007 < energy["temperature scale"] / result.activation_high.value < 0.012
    assert result.activation_high.u == pytest.approx(np.sqrt(sum(u * u for u in energy.values())), rel=1e-6, abs=0)


def test_the_uncertainty_of_the_electrodes_reaches_the_conductivity_and_no_energy():
    columns = make_sweep(PLAIN, 17, kelvin=COARSE)
    sure = result_of(columns)
    cell = single_gap(width=Size(500e-6), gap=Size(50e-6, 6e-6), length=Size(3e-3))
    unsure = result_of(columns, cell=cell)
    assert unsure.activation_high == sure.activation_high
    added = sure.conductivity_298.value * cell.budget.shares["gap"] / cell.value.value
    assert unsure.conductivity_298.u == pytest.approx(np.hypot(sure.conductivity_298.u, added), rel=1e-6, abs=0)
    assert "one gap between two strips" in unsure.inputs["electrodes"]


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_a_current_in_another_unit_changes_the_conductivity_and_no_energy(factor):
    columns = list(make_sweep(MAI, 18, kelvin=COARSE))
    one = result_of(columns)
    columns[2] = columns[2] * factor
    other = result_of(columns)
    assert other.conductivity_298.value == pytest.approx(factor * one.conductivity_298.value, rel=1e-6, abs=0)
    for a, b in zip(found(one)[:3], found(other)[:3], strict=True):
        assert b.value == pytest.approx(a.value, rel=1e-6, abs=0)
        assert b.u == pytest.approx(a.u, rel=1e-3, abs=0)


def test_a_sweep_that_starts_later_or_has_the_other_polarity_gives_the_same():
    columns = list(make_sweep(MAI, 19, kelvin=COARSE))
    one = result_of(columns)
    columns[0], columns[1], columns[2] = columns[0] + 5000.0, -columns[1], -columns[2]
    other = result_of(columns)
    for a, b in zip(found(one), found(other), strict=True):
        assert b.value == pytest.approx(a.value, rel=1e-6, abs=0)


def test_points_without_temperature_or_without_current_are_dropped_and_counted():
    columns = list(make_sweep(ATOMISTIC, 20, kelvin=COARSE))
    columns[3][columns[5] == 4] = np.nan
    columns[2][columns[5] == 7] = 1e-12 * np.random.default_rng(1).standard_normal(int(np.sum(columns[5] == 7)))
    columns[4][columns[5] == 9] = 1
    result = result_of(columns)
    assert result.dropped["points without temperature"] == 1
    assert result.dropped["points not above the noise"] == 1
    assert result.dropped["pulses at a limit of the meter"] == 4
    assert len(result.points) == len(COARSE) - 3
    assert result.transition.value == pytest.approx(295.0, abs=1.0)


def test_what_cannot_be_evaluated_is_refused():
    columns = make_sweep(PLAIN, 21, kelvin=[250.0, 260.0])
    with pytest.raises(NotEnoughData, match="3 different ones"):
        result_of(columns)
    with pytest.raises(NotEnoughData, match="one length"):
        result_of([*columns[:6], columns[6][:-1]])
    with pytest.raises(NotEnoughData, match="does not increase"):
        result_of([columns[0][::-1], *columns[1:]])
    with pytest.raises(NotEnoughData, match="no pulse"):
        result_of([*columns[:6], np.full_like(columns[6], -1.0)])
    for wrong in (-0.1, float("nan")):
        with pytest.raises(ValueError, match="temperature_offset_u_k"):
            result_of(columns, temperature_offset_u_k=wrong)


def test_every_value_has_a_unit_that_can_be_shown_and_a_name_that_fits_a_file():
    result = result_of(make_sweep(PLAIN, 22, kelvin=UPWARDS[::2]))
    for _, value, unit in result.rows():
        assert isinstance(value.to(unit) if unit else value.prefixed(), Value)
    names = result.quantities()
    assert {"activation_energy_above_transition", "high_95_percent_low", "delta_bic_sharp_minus_parallel"} <= set(
        names
    )
    assert all(name.replace("_", "").replace("-", "").isalnum() for name in names)
