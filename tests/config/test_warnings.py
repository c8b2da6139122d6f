from datetime import date

import pytest

from xraydaq.config import load_run

DUE = date(2027, 3, 31)


@pytest.fixture
def calibrated(recipe, edit):
    edit("bench.toml", ("[limits]", "calibration_due = 2027-03-31\n\n[limits]"))
    return recipe


def test_a_calibration_that_ran_out_yesterday_is_named_with_its_line(calibrated):
    config = load_run(calibrated, today=date(2027, 4, 1))
    assert config.warnings == (
        "bench.toml:7: roles.smu: calibration was due on 2027-03-31; readings are taken without it",
    )


@pytest.mark.parametrize("today", [date(2027, 3, 30), DUE])
def test_a_calibration_holds_until_the_end_of_its_last_day(calibrated, today):
    assert load_run(calibrated, today=today).warnings == ()


def test_a_simulated_instrument_needs_no_calibration(calibrated, edit):
    edit("bench.toml", ("GPIB0::24::INSTR", "SIM::smu"), ("[limits]", "[twin]\n\n[limits]"))
    assert load_run(calibrated, today=date(2030, 1, 1)).warnings == ()


def test_without_a_date_the_computers_decides(calibrated, edit):
    edit("bench.toml", ("2027-03-31", "2000-01-01"))
    assert "calibration was due on 2000-01-01" in load_run(calibrated).warnings[0]


def test_a_compliance_close_to_the_dark_current_runs_and_is_mentioned(recipe):
    config = load_run(recipe, overrides=["compliance=2.99 uA"])
    assert config.warnings == (
        "--set: parameters.compliance: 2.99 uA is less than 10 times the max_dark_current of 300 nA "
        "(sample.toml:8); recommended: 3 uA",
    )


def test_ten_times_the_dark_current_is_enough(recipe):
    assert load_run(recipe, overrides=["compliance=3 uA"]).warnings == ()


def test_a_range_too_small_for_the_dark_current_runs_and_is_mentioned(recipe, edit):
    edit("sample.toml", ("0.3 uA", "2 uA"))
    config = load_run(recipe, overrides=["current_range=1 uA"])
    assert config.warnings == (
        "--set: parameters.current_range: 1 uA does not hold the max_dark_current of 2 uA (sample.toml:8); "
        "readings above the range are lost",
    )
