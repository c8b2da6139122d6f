import numpy as np
import pytest

from tests.analysis.sclc_synthetic import EPS_R, GAP_M, Gap, drawn_gap, make_sweeps
from xraydaq.analysis.sclc_sweep import evaluate
from xraydaq.analysis.trap_density import areal_trap_density
from xraydaq.analysis.values import NotEnoughData

SCATTER = "scatter of the readings"
COMPLIANCE = 2


def density_of(gap):
    return areal_trap_density(gap.limit_v, GAP_M, EPS_R, "both_sides")


def scatter_u(result):
    return result.budgets["trap-filled limit"].shares[SCATTER]


@pytest.mark.parametrize(("limit_v", "spread", "tolerance"), [(3.62, 0.0, 5e-3), (1.26, 0.5, 0.02), (0.4, 1.5, 0.08)])
def test_trap_density_is_recovered_as_well_as_the_method_promises(limit_v, spread, tolerance):
    gap = Gap(limit_v=limit_v, spread=spread)
    result = make_sweeps(gap, 11).evaluated(evaluate)
    assert result.trap_density.value == pytest.approx(density_of(gap), rel=tolerance, abs=0)
    assert abs(result.trap_filled_limit.value - limit_v) < 2 * result.trap_filled_limit.u
    # gap 6 % and permittivity 9 % rule
    assert 0.105 < result.trap_density.u / result.trap_density.value < 0.13
    assert result.near_diffusion_limit == (limit_v < 0.5)


@pytest.mark.long
def test_limits_scatter_around_the_truth_as_their_uncertainty_says():
    """Without the share of the estimator: these curves follow the model, so that nothing is left for it."""
    pulls, inside = [], []
    for seed in range(14):
        gap = drawn_gap(np.random.default_rng(900 + seed))
        result = make_sweeps(gap, seed).evaluated(evaluate)
        error_v = result.trap_filled_limit.value - gap.limit_v
        pulls.append(error_v / scatter_u(result))
        inside.append(abs(error_v) < 2 * result.trap_filled_limit.u)
    assert abs(np.mean(pulls)) < 0.5 + 1 / np.sqrt(14)
    # 14 pulls know their rms to 19 %, which is allowed twice beside the 35 % that an uncertainty may be off
    assert 0.65 * (1 - 0.38) < np.sqrt(np.mean(np.square(pulls))) < 1.35 * (1 + 0.38)
    assert all(inside)


def test_one_polarity_is_as_good_as_the_other():
    up, down = (make_sweeps(Gap(), 5, polarity=sign).evaluated(evaluate) for sign in (1, -1))
    assert down.trap_density.value == pytest.approx(up.trap_density.value, rel=1e-9, abs=0)


def test_a_gain_of_the_meter_changes_the_conductance_and_no_voltage():
    sweeps = make_sweeps(Gap(), 5, noise_rel=0, offset_a=0)
    elapsed, voltage, current, u, status, direction = sweeps.columns
    once = sweeps.evaluated(evaluate)
    twice = evaluate(elapsed, voltage, 2 * current, 2 * u, status, direction, **sweeps.settings)
    assert twice.trap_filled_limit.value == pytest.approx(once.trap_filled_limit.value, rel=1e-6, abs=0)
    assert twice.ohmic_conductance.value == pytest.approx(2 * once.ohmic_conductance.value, rel=1e-4, abs=0)


def test_the_offset_at_zero_bias_is_taken_off_and_its_absence_is_told():
    sweeps = make_sweeps(Gap(ohmic_s=1e-8), 4, offset_a=4e-10)
    result = sweeps.evaluated(evaluate)
    assert result.offset.value == pytest.approx(4e-10, abs=3 * result.offset.u)
    assert not any("baseline" in flag for flag in result.flags)
    after = sweeps.columns[-1].nonzero()[0][0]
    without = evaluate(*(column[after:] for column in sweeps.columns), **sweeps.settings)
    assert any("baseline missing" in flag for flag in without.flags)
    with_offset, freed = (found.sweeps[0].slopes.slope[0] for found in (without, result))
    assert with_offset < 0.6 < freed  # an offset of the size of the current hides half its slope
    assert abs(without.trap_filled_limit.value - 3.62) < 2 * without.trap_filled_limit.u


def test_ionic_hysteresis_is_named_and_the_geometric_mean_is_used():
    sweeps = make_sweeps(Gap(limit_v=3.0), 6, down=Gap(limit_v=2.0))
    result = sweeps.evaluated(evaluate)
    assert any("ionic hysteresis" in flag and "+50 %" in flag and "pulsed" in flag for flag in result.flags)
    assert result.hysteresis.value == pytest.approx(0.5, abs=0.02)
    assert result.trap_filled_limit.value == pytest.approx(np.sqrt(6), rel=0.01, abs=0)
    assert result.trap_filled_limit.u > np.log(1.5) / (2 * np.sqrt(3)) * result.trap_filled_limit.value
    assert "pulses" in result.verdict


def test_a_difference_of_the_directions_below_a_tenth_is_not_called_hysteresis():
    result = make_sweeps(Gap(limit_v=3.0), 6, down=Gap(limit_v=2.85)).evaluated(evaluate)
    assert not any("hysteresis" in flag for flag in result.flags)
    assert result.budgets["trap-filled limit"].shares["up against down"] > 0


def test_repeated_sweeps_are_told_apart_and_averaged():
    result = make_sweeps(Gap(), 7, repeats=2, per_decade=20).evaluated(evaluate)
    assert [sweep.name for sweep in result.sweeps] == ["up", "down", "up", "down"]
    one = make_sweeps(Gap(), 7, per_decade=20).evaluated(evaluate)
    assert result.inputs["rows_used"] > 1.9 * one.inputs["rows_used"]
    assert abs(result.trap_filled_limit.value - 3.62) < 2 * result.trap_filled_limit.u


@pytest.mark.parametrize("offset_a", [0.0, 3e-10])
def test_a_device_without_traps_gets_no_density_whatever_the_offset(offset_a):
    ohmic = Gap(limit_v=1e-6, ratio=1.0, ohmic_s=5e-9, injection_a_v2=1e-15)
    result = make_sweeps(ohmic, 8, offset_a=offset_a).evaluated(evaluate)
    assert np.isnan(result.trap_density.value)
    assert np.isnan(result.trap_filled_limit.value)
    assert sum("no trap-filling regime" in flag for flag in result.flags) == 2
    assert "no trap density" in result.headline
    assert result.ohmic_conductance.value == pytest.approx(5e-9, rel=0.02, abs=0)


def test_a_sweep_that_ends_while_traps_fill_says_that_the_limit_is_above_it():
    result = make_sweeps(Gap(limit_v=6.0, ratio=1e-3), 9, highest_v=6.1).evaluated(evaluate)
    assert np.isnan(result.trap_density.value)
    assert any("limit is above" in flag for flag in result.flags)


def test_readings_in_compliance_are_dropped_and_counted():
    sweeps = make_sweeps(Gap(limit_v=1.26), 10)
    elapsed, voltage, current, u, status, direction = sweeps.columns
    limited = voltage > 12
    current = np.where(limited, current[limited].min(), current)
    result = evaluate(
        elapsed, voltage, current, u, np.where(limited, COMPLIANCE, status), direction, **sweeps.settings
    )
    assert result.dropped["compliance"] == limited.sum()
    assert abs(result.trap_filled_limit.value - 1.26) < 2 * result.trap_filled_limit.u


def test_a_curve_that_the_model_does_not_describe_gives_the_steepest_point_and_says_so():
    sweeps = make_sweeps(Gap(limit_v=2.0), 12, noise_rel=3e-4)
    elapsed, voltage, current, u, status, direction = sweeps.columns
    wavy = current * (1 + 0.25 * np.sin(3 * np.log(np.maximum(voltage, 0.01))))
    result = evaluate(elapsed, voltage, wavy, u, status, direction, **sweeps.settings)
    assert result.estimator == "steepest point"
    assert any("chi2/dof" in flag and "steepest point is quoted" in flag for flag in result.flags)
    assert result.trap_filled_limit.value == pytest.approx(result.steepest_point.value, rel=0.01, abs=0)


def test_the_conventions_and_the_missing_charge_are_told_beside_the_numbers():
    sweeps = make_sweeps(Gap(limit_v=0.4), 13)
    both, air = sweeps.evaluated(evaluate), sweeps.evaluated(evaluate, dielectric="crystal_air")
    assert both.trap_density.value / air.trap_density.value == pytest.approx(64 / 33, rel=1e-6, abs=0)
    assert both.trap_filled_limit == air.trap_filled_limit
    assert "1.94" in both.notes["trap density"]
    assert "1.94" in air.notes["trap density"]
    assert "e+18 V/C" in both.notes["trap-filled limit"]
    assert both.texts()["dielectric"] == "both_sides"
    assert any(flag.startswith("near_diffusion_limit") for flag in both.flags)
    assert "upper limit" in both.verdict


def test_the_regimes_of_every_sweep_are_in_the_table():
    result = make_sweeps(Gap(limit_v=1.26, ohmic_s=2e-8), 14).evaluated(evaluate)
    kinds = [(name, kind) for name, kind, *_ in result.regime_table()]
    assert kinds == [(name, kind) for name in ("up", "down") for kind in ("ohmic", "filling", "square law")]
    assert "up filling" in result.texts()["regimes"]


def test_a_bias_of_uncertain_size_widens_the_limit():
    sweeps = make_sweeps(Gap(limit_v=0.4), 15)
    u_v = np.where(np.abs(sweeps.columns[1]) > 2, 2.4e-3, 0.6e-3)
    result = sweeps.evaluated(evaluate, voltage_u_v=u_v)
    assert result.budgets["trap-filled limit"].shares["bias of the source"] == pytest.approx(0.6e-3, rel=1e-6, abs=0)


def test_a_crystal_that_warms_up_meanwhile_is_named():
    sweeps = make_sweeps(Gap(), 16, per_decade=20)
    warm_k = np.linspace(298.0, 298.5, len(sweeps.columns[0]))
    assert any("moved by 0.5 K" in flag for flag in sweeps.evaluated(evaluate, temperature_k=warm_k).flags)


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"gap_m": 0.0}, "gap_m"), ({"gap_u_m": np.nan}, "gap_u_m"), ({"resolution_a": -1.0}, "resolution_a")],
)
def test_impossible_inputs_are_refused_by_name(changes, named):
    with pytest.raises(ValueError, match=named):
        make_sweeps(Gap(), 1, per_decade=10).evaluated(evaluate, **changes)


def test_runs_without_a_sweep_or_with_columns_of_different_length_are_refused():
    sweeps = make_sweeps(Gap(), 1, per_decade=10)
    with pytest.raises(NotEnoughData, match="no usable reading"):
        evaluate(*sweeps.columns[:5], np.zeros(len(sweeps.columns[0])), **sweeps.settings)
    with pytest.raises(NotEnoughData, match="one length"):
        evaluate(*sweeps.columns[:5], np.zeros(3), **sweeps.settings)
    with pytest.raises(NotEnoughData, match="7 points"):
        evaluate(*(column[:34] for column in sweeps.columns), **sweeps.settings)
