"""A dose calibration file says everything a dose depends on, or is refused; what is written is read back."""

import math
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xraydaq.config import check_file
from xraydaq.config.calibration import (
    CalibratedChamber,
    CalibratedFilter,
    CalibrationShares,
    DoseCalibration,
    calibration_problems,
    calibration_remarks,
    dose_rate,
    is_extrapolated,
)
from xraydaq.config.calibration_text import calibration_text
from xraydaq.config.source import read_document
from xraydaq.config.validate import validate
from xraydaq.errors import ConfigError

DAY = date(2026, 11, 25)


def a_filter(al_m=1e-3, kerma_gy_per_s_a=0.2125, u=0.003, hvl_m=0.97e-3, extrapolated=False):
    return CalibratedFilter.model_construct(
        total_al_m=al_m, kerma_gy_per_s_a=kerma_gy_per_s_a, kerma_relative_u=u, hvl_m=hvl_m,
        hvl_extrapolated=extrapolated,
    )  # fmt: skip


def a_calibration(*filters, **changes):
    told = {
        "name": "50 kV, 30 cm", "made_on": DAY, "valid_until": date(2027, 5, 25), "simulated": False,
        "tube_voltage_v": 50e3, "distance_m": 0.3, "collimator": "removed", "field_covers_chamber": True,
        "air_density_corrected": "by program", "current_offset_a": 0.05e-6, "current_offset_u_a": 0.01e-6,
        "lowest_current_a": 50e-6, "highest_current_a": 200e-6, "run": "a run", "note": None,
        "chamber": CalibratedChamber(
            digitizer="Accu-Gold+ 48-0000", chamber="10X6-180", serial="00-0000", certificate="none"
        ),
        "filters_by_name": {f"number_{n}": each for n, each in enumerate(filters or (a_filter(),))},
        "uncertainty": CalibrationShares.model_construct(
            chamber_calibration=0.02, beam_quality=0.012, field=0.006, repeatability=0.004, tube_drift=0.003
        ),
    }  # fmt: skip
    return DoseCalibration.model_construct(**(told | changes))


def read(text, folder):
    path = Path(folder) / "calibration.toml"
    path.write_text(text, encoding="utf-8")
    return validate(DoseCalibration, read_document(path))


def without(text, key):
    return "\n".join(line for line in text.splitlines() if not line.startswith(f"{key} ="))


def test_what_is_written_is_read_back(tmp_path):
    written = a_calibration(a_filter(), a_filter(30e-3, 2.825e-4, 0.004, 5.08e-3, True), simulated=True)
    checked = read(calibration_text(written), tmp_path)
    assert checked.problems == ()
    assert checked.value.filters == written.filters
    assert checked.value.model_dump(exclude={"filters_by_name"}) == written.model_dump(exclude={"filters_by_name"})
    assert check_file(tmp_path / "calibration.toml").problems == ()


@settings(max_examples=40, deadline=None)
@given(
    texts=st.lists(st.text(min_size=1, max_size=20).filter(str.strip), min_size=2, max_size=2),
    kerma=st.floats(1e-9, 1.0),
    u=st.floats(1e-5, 0.5),
    offset_a=st.floats(-1e-6, 1e-6),
)
def test_any_names_and_sizes_survive_to_the_digits_written(tmp_path_factory, texts, kerma, u, offset_a):
    name, collimator = (text.encode("utf-8", "ignore").decode() or "x" for text in texts)
    written = a_calibration(
        a_filter(kerma_gy_per_s_a=kerma, u=u), name=name + "x", collimator=collimator + "x", current_offset_a=offset_a
    )
    checked = read(calibration_text(written), tmp_path_factory.mktemp("calibration"))
    assert checked.problems == ()
    found = checked.value
    assert (found.name, found.collimator) == (name + "x", collimator + "x")
    assert found.filters[0].kerma_gy_per_s_a == pytest.approx(kerma, rel=1e-5)
    assert found.filters[0].kerma_relative_u == pytest.approx(u, rel=1e-2)
    assert found.current_offset_a == pytest.approx(offset_a, rel=1e-5, abs=1e-300)


@pytest.mark.parametrize(
    "key",
    [
        "field_covers_chamber",
        "collimator",
        "total_aluminium",
        "half_value_layer",
        "air_density_corrected",
        "distance",
        "certificate",
        "chamber_calibration",
    ],
)
def test_a_file_that_leaves_one_of_these_open_is_refused_in_one_line(key, tmp_path):
    (problem,) = read(without(calibration_text(a_calibration()), key), tmp_path).problems
    assert f"{key}: missing" in problem
    assert "\n" not in problem


def test_filters_in_a_list_instead_of_tables_are_refused_with_a_line(tmp_path):
    text = calibration_text(a_calibration()).replace("[filters.al_1mm]", "[[filters]]")
    problems = read(text, tmp_path).problems
    assert any("filters: a list given; allowed: a table, written [filters]" in each for each in problems)


def test_the_dose_rate_is_the_factor_times_current_and_offset():
    calibration = a_calibration(a_filter(), a_filter(2e-3, 0.1045, 0.002))
    rate, u = dose_rate(calibration, 100e-6, 2e-3)
    assert rate == pytest.approx(0.1045 * 100.05e-6)
    assert u == pytest.approx(math.hypot(0.002 * rate, 0.1045 * 0.01e-6))
    assert calibration.common_relative_u == pytest.approx(0.02459674, rel=1e-6)


def test_a_filter_that_was_not_measured_has_no_dose_rate():
    with pytest.raises(ConfigError, match=r"no filter of 1.5 mm aluminium; allowed: 1 mm"):
        dose_rate(a_calibration(), 100e-6, 1.5e-3)


@pytest.mark.parametrize("current_a", [0.0, -1e-6, math.nan, math.inf])
def test_a_current_that_is_none_has_no_dose_rate(current_a):
    with pytest.raises(ConfigError, match="above 0 A"):
        dose_rate(a_calibration(), current_a, 1e-3)


def test_currents_outside_the_readings_are_said_to_be_extrapolated():
    calibration = a_calibration()
    assert [is_extrapolated(calibration, each) for each in (5e-6, 50e-6, 200e-6, 201e-6)] == [True, False, False, True]


def test_contradictions_are_found():
    twice = a_calibration(a_filter(), a_filter(1e-3), valid_until=date(2026, 1, 1))
    found = list(calibration_problems(twice))
    assert any("2026-01-01 is before the date 2026-11-25" in each for each in found)
    assert any("the same aluminium" in each for each in found)
    (more,) = calibration_problems(a_calibration(a_filter(), a_filter(2e-3, 0.3)))
    assert more.startswith("filters.number_1: more kerma than behind filters.number_0")
    (none,) = calibration_problems(a_calibration(filters_by_name={}))
    assert "there is no filter" in none


def test_a_reader_is_told_of_old_simulated_and_partly_covered_calibrations():
    calibration = a_calibration(simulated=True, field_covers_chamber=False)
    assert list(calibration_remarks(a_calibration(), DAY)) == []
    told = " ".join(calibration_remarks(calibration, date(2028, 1, 1)))
    assert "valid until 2027-05-25" in told
    assert "not traceable" in told
    assert "simulated bench" in told
