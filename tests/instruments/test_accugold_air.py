"""The air density factor: its value, its limits, and that it is applied exactly once."""

import math

import pytest

from instruments.accugold import AT_20_DEGC, AT_22_DEGC, Air, Chamber
from instruments.accugold.air import k_tp
from instruments.accugold.dosimeter import RawDose, assess
from instruments.wire.accugold import DoseFlag
from xraydaq.errors import LimitError, Refused

AIR = Air(295.25, 99580.0)
"""22.1 degC and 99.58 kPa."""


def reading(*, corrected, air=AIR, reference=AT_20_DEGC, dose_gy=1e-6, rate_gy_s=math.nan, time_s=10.0, flags=0):
    raw = RawDose(dose_gy, rate_gy_s, time_s, air, DoseFlag(flags), "typed")
    return assess(
        raw, corrected=corrected, reference=reference, name="meter", source="operator", label="test",
        chamber=Chamber(), read_s=0.0,
    )  # fmt: skip


@pytest.mark.parametrize(("reference", "factor"), [(AT_20_DEGC, 1.02481), (AT_22_DEGC, 1.01787)])
def test_the_factor_for_both_references_in_use(reference, factor):
    assert k_tp(AIR, reference) == pytest.approx(factor, abs=0.5e-5)  # five digits are printed


def test_the_factor_is_applied_once_by_the_program_or_not_at_all():
    assert reading(corrected=False).dose_gy == pytest.approx(1.02481e-6, abs=0.5e-11)
    assert reading(corrected=True).dose_gy == 1e-6
    assert reading(corrected=False).corrected_by == "program"
    assert reading(corrected=True).corrected_by == "instrument"
    assert reading(corrected=False).raw_dose_gy == reading(corrected=True).raw_dose_gy == 1e-6


def test_rate_and_dose_get_the_same_factor():
    found = reading(corrected=False)
    assert found.kerma_rate_gy_s * found.time_s == pytest.approx(found.dose_gy, rel=1e-12)


def test_not_known_is_refused():
    with pytest.raises(Refused, match="not known"):
        reading(corrected=None)


@pytest.mark.parametrize("missing", [{"air": None}, {"reference": None}])
def test_an_uncorrected_reading_without_air_or_reference_is_refused(missing):
    with pytest.raises(Refused):
        reading(corrected=False, **missing)


def test_a_corrected_reading_in_unknown_air_is_not_for_record():
    found = reading(corrected=True, air=None)
    assert DoseFlag.ENVIRONMENT_MISSING in found.flags
    assert not found.for_record
    assert math.isnan(found.temperature_k)


@pytest.mark.parametrize(("flag", "fit"), [(0x1, True), (0x8, False), (0x20, False), (0x40, False), (0x100, False)])
def test_flags_decide_what_is_for_record(flag, fit):
    assert reading(corrected=True, flags=flag).for_record is fit


def test_a_dose_follows_from_a_rate_and_its_time():
    found = reading(corrected=True, dose_gy=math.nan, rate_gy_s=2e-7, time_s=10.0)
    assert (found.dose_gy, found.kerma_rate_gy_s) == (2e-6, 2e-7)


def test_over_rate_is_unknown_whatever_number_stands_there():
    found = reading(corrected=True, flags=int(DoseFlag.OVER_RATE), rate_gy_s=1e-3)
    assert math.isnan(found.dose_gy)
    assert math.isnan(found.kerma_rate_gy_s)
    assert not found.for_record


@pytest.mark.parametrize(
    ("temperature_k", "pressure_pa"),
    [(272.0, 1e5), (324.0, 1e5), (math.nan, 1e5), (295.0, 49e3), (295.0, 111e3), (295.0, math.nan), (22.1, 99.58)],
)
def test_air_in_which_no_chamber_is_used_is_refused(temperature_k, pressure_pa):
    with pytest.raises(LimitError):
        Air(temperature_k, pressure_pa)
