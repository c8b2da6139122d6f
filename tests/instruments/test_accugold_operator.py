"""What a person types, and what becomes of it."""

import math

import pytest

from instruments.accugold import AT_20_DEGC, Air, Chamber, OperatorDosimeter
from instruments.accugold.entry import parse_dose, parse_rate
from instruments.wire.accugold import DoseFlag
from xraydaq.clock import JumpingClock
from xraydaq.errors import InstrumentError, Refused, UnitError


class Person:
    """Types the given lines, and remembers what was shown."""

    def __init__(self, *lines):
        self.lines = list(lines)
        self.shown = []

    def __call__(self, prompt):
        self.shown.append(prompt)
        return self.lines.pop(0)


def meter(person, clock=None, corrected=False, reference=AT_20_DEGC):
    return OperatorDosimeter(
        person, clock=clock or JumpingClock(), chamber=Chamber("AGDM+", "48-0000", "10X6-180", "00-0000"),
        corrected=corrected, reference=reference,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "dose_gy"),
    [("1.05 uGy", 1.05e-6), ("1.05e-6 Gy", 1.05e-6), ("1 R", 8.76e-3), ("120 mR", 1.0512e-3), ("2 mrad", 2e-5)],
)
def test_doses_in_the_units_in_use(text, dose_gy):
    assert parse_dose(text) == pytest.approx(dose_gy, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "rate_gy_s"), [("1 mR/min", 0.146e-6), ("1 R/h", 8.76e-3 / 3600), ("1 mGy/h", 1e-3 / 3600)]
)
def test_rates_in_the_units_in_use(text, rate_gy_s):
    assert parse_rate(text) == pytest.approx(rate_gy_s, rel=1e-12)


@pytest.mark.parametrize("text", ["1 mSv", "1 Sv", "5", "uGy", "1,05 uGy", "nan Gy", "1 m", "", "1 rem"])
def test_what_is_no_air_kerma_is_refused(text):
    with pytest.raises(UnitError):
        parse_dose(text)


def test_a_whole_measurement_becomes_a_reading():
    person = Person("done", "done", "1 uGy", "10 s", "22.1 degC, 99.58 kPa")
    dosimeter = meter(person)
    dosimeter.zero()
    dosimeter.start("50 kV, 100 uA, 10 mm Al")
    reading = dosimeter.read()
    assert reading.dose_gy == pytest.approx(1.02481e-6, abs=0.5e-11)
    assert reading.kerma_rate_gy_s == pytest.approx(1.02481e-7, abs=0.5e-12)
    assert (reading.raw_dose_gy, reading.time_s, reading.original) == (1e-6, 10.0, "1 uGy")
    assert reading.label == "50 kV, 100 uA, 10 mm Al"
    assert reading.for_record
    assert "50 kV, 100 uA, 10 mm Al" in person.shown[2]


def test_a_wrong_answer_is_told_in_one_line_and_asked_again():
    person = Person("done", "1 mSv", "1 uGy", "0 s", "10 s", "22.1 degC", "22.1 degC, 99.58 kPa")
    dosimeter = meter(person)
    dosimeter.start("x")
    assert dosimeter.read().raw_dose_gy == 1e-6
    again = [prompt for prompt in person.shown if "\n" in prompt]
    assert len(again) == 3
    assert all(prompt.count("\n") == 1 for prompt in again)
    assert again[0].startswith('"1 mSv"')


def test_the_air_is_asked_for_again_after_an_hour():
    clock = JumpingClock()
    person = Person(
        "done", "1 uGy", "10 s", "22.1 degC, 99.58 kPa", "1 uGy", "10 s", "1 uGy", "10 s", "24 degC, 99 kPa"
    )
    dosimeter = meter(person, clock)
    dosimeter.start("x")
    dosimeter.read()
    clock.sleep(3599.0)
    assert dosimeter.read().temperature_k == 295.25
    clock.sleep(2.0)
    assert dosimeter.read().temperature_k == 297.15


def test_unknown_is_refused_and_neither_guessed():
    person = Person("done", "1 uGy", "10 s", "22.1 degC, 99.58 kPa", "perhaps", "unknown")
    dosimeter = meter(person, corrected=None)
    dosimeter.start("x")
    with pytest.raises(Refused, match="air density"):
        dosimeter.read()


@pytest.mark.parametrize(("answer", "by"), [("yes", "instrument"), ("no", "program")])
def test_the_answer_decides_who_corrects(answer, by):
    dosimeter = meter(Person("done", "1 uGy", "10 s", "22.1 degC, 99.58 kPa", answer), corrected=None)
    dosimeter.start("x")
    assert dosimeter.read().corrected_by == by


@pytest.mark.parametrize(("word", "flag"), [("over", DoseFlag.OVER_RATE), ("Below", DoseFlag.BELOW_RANGE)])
def test_over_and_below_are_no_numbers(word, flag):
    dosimeter = meter(Person("done", word, "10 s", "22.1 degC, 99.58 kPa"))
    dosimeter.start("x")
    reading = dosimeter.read()
    assert flag in reading.flags
    assert math.isnan(reading.kerma_rate_gy_s)
    assert not reading.for_record


@pytest.mark.parametrize(
    ("wait_s", "warmer_k", "missing"), [(60.0, 0.0, False), (3601.0, 0.0, True), (60.0, 2.1, True)]
)
def test_a_background_correction_expires_with_time_and_temperature(wait_s, warmer_k, missing):
    clock = JumpingClock()
    dosimeter = meter(Person("done", "done", "1 uGy", "10 s"), clock)
    dosimeter.set_air(Air(295.15, 1e5))
    dosimeter.zero()
    clock.sleep(wait_s)
    dosimeter.set_air(Air(295.15 + warmer_k, 1e5))
    dosimeter.start("x")
    assert (DoseFlag.ZERO_MISSING in dosimeter.read().flags) is missing


def test_nonsense_for_ever_ends_in_an_error():
    dosimeter = meter(Person("done", *["?"] * 10))
    dosimeter.start("x")
    with pytest.raises(InstrumentError, match="10 answers"):
        dosimeter.read()
