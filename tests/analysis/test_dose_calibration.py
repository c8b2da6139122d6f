"""The calibration of a made-up beam is recovered with honest uncertainties, and what is wrong with it is named."""

import dataclasses

import numpy as np
import pytest

from tests.analysis.calibration_synthetic import AL_M, Tube, half_value_layer_m, kerma_gy_s_a, measure
from xraydaq.analysis.dose_calibration import DoseRecord, evaluate
from xraydaq.analysis.values import NotEnoughData
from xraydaq.errors import Refused

RECORD = DoseRecord(50e3, 0.3, "removed", True, "by program")
TABLE_AL_M = np.linspace(0.5e-3, 35e-3, 60)
SEEDS = range(40)


def calibrated(columns, **changes):
    record = dataclasses.replace(RECORD, **{k: changes.pop(k) for k in list(changes) if hasattr(RECORD, k)})
    given = {"table_al_m": TABLE_AL_M, "table_gy_s_a": 0.8 * kerma_gy_s_a(TABLE_AL_M)} | changes
    return evaluate(**columns, record=record, **given)


@pytest.fixture(scope="module")
def many():
    return [calibrated(measure(seed)) for seed in SEEDS]


def pulls_of(values, truth):
    return np.array([(each.value - truth) / each.u for each in values])


def test_every_factor_and_the_offset_lie_within_their_uncertainty_of_the_truth(many):
    """Pulls follow Student's t. Mean and spread of N of them scatter by 1/sqrt(N) and 1/sqrt(2N): three allowed."""
    pulls = [pulls_of([each.filters[n].kerma for each in many], kerma_gy_s_a(al_m)) for n, al_m in enumerate(AL_M)]
    pulls.append(pulls_of([each.current_offset for each in many], 0.05e-6))
    count, dof = len(SEEDS), many[0].model.dof
    expected = np.sqrt(dof / (dof - 2))
    for each in pulls:
        assert abs(each.mean()) < 3 * expected / np.sqrt(count)
        assert abs(each.std() / expected - 1) < 3 / np.sqrt(2 * count)


def test_the_model_gives_a_twentieth_of_the_calibrated_current_to_half_a_percent(many):
    """Asked for behind the thickest filter, where current offset and noise count most."""
    rates = [each.model.rate(len(AL_M) - 1, 5e-6) for each in many]
    truth = kerma_gy_s_a(AL_M[-1]) * 5.05e-6
    assert np.std([rate / truth for rate, _ in rates]) < 0.005
    assert abs(np.mean([(rate - truth) / u for rate, u in rates])) < 3 / np.sqrt(len(SEEDS))


def test_half_value_layers_agree_with_the_beam_and_the_last_ones_say_extrapolated(many):
    result = many[0]
    for each in result.filters:
        layer = each.half_value_layer
        assert abs(layer.value.value - half_value_layer_m(each.al_m)) < 2 * layer.value.u
    assert [each.half_value_layer.extrapolated for each in result.filters] == [False] * 7 + [True]


def test_a_good_calibration_has_nothing_to_remark_and_states_its_budget(many):
    result = many[0]
    assert [flag for flag in result.flags if "half-value layer" not in flag] == []
    assert all(each.linear for each in result.filters)
    assert result.common_relative_u == pytest.approx(
        np.sqrt(0.02**2 + 0.012**2 + 0.006**2 + 0.004**2 + 0.003**2), rel=1e-6, abs=0
    )
    budget = result.budgets["kerma per current behind 1 mm Al"]
    assert budget.largest == "chamber calibration"
    assert budget.combined == pytest.approx(result.filters[0].total_u / result.filters[0].kerma.value, rel=1e-6, abs=0)


def test_a_thousandfold_smaller_dose_unit_scales_every_rate_and_nothing_else():
    columns = measure(1)
    small = columns | {"kerma_rate_gy_s": columns["kerma_rate_gy_s"] * 1e-3}
    one, other = calibrated(columns), calibrated(small, lowest_rate_gy_s=2e-12)
    for big, little in zip(one.filters, other.filters, strict=True):
        assert little.kerma.value == pytest.approx(big.kerma.value * 1e-3, rel=1e-9, abs=0)
        assert little.kerma.u == pytest.approx(big.kerma.u * 1e-3, rel=1e-6, abs=0)
        assert little.half_value_layer.value.value == pytest.approx(big.half_value_layer.value.value, rel=1e-6, abs=0)
    assert other.current_offset.value == pytest.approx(one.current_offset.value, rel=1e-6, abs=0)


def test_a_constant_leakage_and_a_later_start_change_nothing():
    columns = measure(2)
    moved = columns | {
        "kerma_rate_gy_s": columns["kerma_rate_gy_s"] + 0.7e-9,
        "elapsed_s": columns["elapsed_s"] + 5000.0,
    }
    one, other = calibrated(columns), calibrated(moved)
    assert [each.kerma.value for each in other.filters] == pytest.approx(
        [each.kerma.value for each in one.filters], rel=1e-6, abs=0
    )
    assert other.drift.value == pytest.approx(one.drift.value, abs=1e-12)


def test_a_leakage_that_drifts_by_more_than_the_weakest_beam_does_not_matter():
    """5 nGy/s per hour behind 30 mm, where the beam gives 40 nGy/s at the lowest current."""
    rates = [
        calibrated(measure(seed, tube=Tube(leakage_slope_gy_s2=5e-9 / 3600), al_m=AL_M)).filters[-1].kerma
        for seed in range(5)
    ]
    assert np.all(np.abs(pulls_of(rates, kerma_gy_s_a(30e-3))) < 3)


def test_a_chamber_larger_than_the_beam_is_named():
    result = calibrated(measure(3, tube=Tube(scale=1e-3)), lowest_rate_gy_s=2e-12)
    assert result.prediction.ratio.value == pytest.approx(800, rel=0.01, abs=0)
    assert result.verdict == "dose not traceable: does the field cover the chamber?"
    assert any("does the field cover the chamber" in flag for flag in result.flags)


def test_a_tube_that_is_not_linear_in_its_current_is_named_filter_by_filter():
    result = calibrated(measure(4, tube=Tube(bend=0.02, ripple=1e-4, comes_back=1e-4)))
    named = [flag for flag in result.flags if "not linear" in flag]
    assert len(named) >= 6
    assert result.model.chi2_per_dof > 10


def test_a_cold_tube_is_named_by_the_repeated_setting():
    results = [calibrated(measure(seed, tube=Tube(drift_per_h=0.01))) for seed in range(12)]
    slopes_per_h = np.array([each.drift.value for each in results]) * 3600
    middle_h = np.mean(results[0].reference_time_s) / 3600
    truth_per_h = 0.01 / (1 + 0.01 * middle_h)  # relative to the mean of the visits
    assert abs(slopes_per_h.mean() - truth_per_h) < 3 * slopes_per_h.std(ddof=1) / np.sqrt(len(results))
    result = results[0]
    assert any("the tube drifts" in flag for flag in result.flags)
    assert any("repeats of the reference differ" in flag for flag in result.flags)
    assert result.shares["tube drift"] > 0.003


def test_a_foil_with_the_wrong_label_is_named():
    columns = measure(6)
    wrong = columns["total_al_m"].copy()
    wrong[wrong == 15e-3] = 17e-3
    result = calibrated(columns | {"total_al_m": wrong})
    assert [flag for flag in result.flags if "label" in flag] == [
        flag for flag in result.flags if flag.startswith("filter 17 mm")
    ]
    assert any(flag.startswith("filter 17 mm") for flag in result.flags)


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("field_covers_chamber", "whether the field covered the chamber"),
        ("collimator", "what collimator"),
        ("distance_m", "how far"),
        ("air_density_corrected", "air density"),
    ],
)
def test_a_record_that_leaves_something_open_is_refused(missing, said):
    with pytest.raises(Refused, match=said):
        calibrated(measure(7), **{missing: None})


def test_a_field_smaller_than_the_chamber_is_said_even_where_the_ratio_looks_right():
    result = calibrated(measure(8), field_covers_chamber=False)
    assert "dose not traceable: the field did not cover the chamber" in result.flags
    assert result.verdict.startswith("dose not traceable")


def test_readings_that_cannot_be_used_are_dropped_and_counted():
    columns = measure(9)
    flags = np.zeros(len(columns["elapsed_s"]), int)
    on = np.flatnonzero(columns["beam_on"] == 1)
    flags[on[0]], flags[on[1]], flags[on[5]] = 0x0002, 0x0008, 0x0080
    rate = columns["kerma_rate_gy_s"].copy()
    rate[on[9]] = np.nan
    result = calibrated(columns | {"kerma_rate_gy_s": rate}, flags=flags)
    assert result.dropped == {"no value": 1, "over range": 1, "zero missing or old": 1}
    assert "the calibration of the chamber is out of date" in result.flags


def test_rates_below_the_range_of_the_chamber_are_not_used():
    result = calibrated(measure(10), lowest_rate_gy_s=45e-9)  # 30 mm gives 40 nGy/s at 50 uA
    assert result.dropped["below the range of the chamber"] == 3
    assert np.sum(result.visits.al_m == 30e-3) == 2


def test_an_unfiltered_beam_is_not_calibrated():
    result = calibrated(measure(11, al_m=np.array([0.2e-3, 1e-3, 2e-3, 5e-3, 10e-3])))
    assert [each.al_m for each in result.filters] == [1e-3, 2e-3, 5e-3, 10e-3]
    assert any(flag.startswith("filter 0.2 mm Al: no usable reading") for flag in result.flags)


def test_without_readings_with_the_beam_off_there_is_no_calibration():
    columns = measure(12)
    on = columns["beam_on"] == 1
    with pytest.raises(NotEnoughData, match="beam off"):
        calibrated({name: column[on] for name, column in columns.items()})


def test_one_tube_current_is_not_enough():
    columns = measure(13)
    mine = (columns["tube_current_a"] == 100e-6) | (columns["beam_on"] == 0)
    with pytest.raises(NotEnoughData, match="two tube currents"):
        calibrated({name: column[mine] for name, column in columns.items()})
