import math
from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from xraydaq.errors import UnitError
from xraydaq.units import COMMON_UNITS, KINDS, PREFIXES, format_quantity, parse_quantity

UNITS = sorted(KINDS)
POWERS_OF_TEN = st.integers(-16, 8).map(lambda power: 10.0**power)

decimals = st.decimals(-9999, 9999, places=4, allow_nan=False).map(lambda number: f"{number:f}")


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("5 V", "V", 5.0),
        ("5V", "V", 5.0),
        ("  -5  V ", "V", -5.0),
        ("+.5e1 V", "V", 5.0),
        ("5. V", "V", 5.0),
        ("50 um", "m", 5e-5),
        ("50 µm", "m", 5e-5),
        ("50 μm", "m", 5e-5),
        ("5 m", "m", 5.0),
        ("5 min", "s", 300.0),
        ("800 min", "s", 48000.0),
        ("1 h", "s", 3600.0),
        ("0.1 V/um", "V/m", 1e5),
        ("100 V/mm", "V/m", 1e5),
        ("0.031416 cm^2", "m^2", 3.1416e-6),
        ("0.031416 cm²", "m^2", 3.1416e-6),
        ("0.031416 cm**2", "m^2", 3.1416e-6),
        ("25 degC", "K", 298.15),
        ("25 °C", "K", 298.15),
        ("-273.15 degC", "K", 0.0),
        ("298.15 K", "K", 298.15),
        ("60 K/min", "K/s", 1.0),
        ("1 uGy/s", "Gy/s", 1e-6),
        ("5.5 nGy s^-1", "Gy/s", 5.5e-9),
        ("99.58 kPa", "Pa", 99580.0),
        ("2 %", "", 0.02),
        ("7", "", 7.0),
        ("0 A", "A", 0.0),
    ],
)
def test_a_quantity_is_read_as_a_person_means_it(text, unit, value):
    assert parse_quantity(text, unit) == value


EXAMPLE = 'write a number and a unit, for example "5 V"'


@pytest.mark.parametrize(
    ("text", "unit", "message"),
    [
        ("5", "V", f'unit missing in "5"; {EXAMPLE}'),
        ("", "V", f'"" does not start with a number; {EXAMPLE}'),
        ("V 5", "V", f'"V 5" does not start with a number; {EXAMPLE}'),
        ("٥ V", "V", f'"٥ V" does not start with a number; {EXAMPLE}'),
        ("1.2.3 V", "V", f'"1.2.3 V" does not start with a number; {EXAMPLE}'),
        ("nan V", "V", f'"nan V" is not a finite number; {EXAMPLE}'),
        ("-Infinity V", "V", f'"-Infinity V" is not a finite number; {EXAMPLE}'),
        ("9" * 90, "V", f'"99999999999999999999..." is too long for a quantity; {EXAMPLE}'),
        ("1e400 V", "V", '"1e400 V" is too large for any quantity'),
        ("1e-400 V", "V", '"1e-400 V" is too small for any quantity; write 0 if zero is meant'),
        ("\u22125 V", "V", '"\u22125 V" starts with a dash; the minus sign is "-": write "-5 V"'),
        ("5,5 V", "V", '"5,5 V": the decimal sign is a point; write "5.5 V"'),
        ("5,55,5 V", "V", '"5,55,5 V": the decimal sign is a point, and nothing else separates digits'),
        ("5 1 V", "V", '"5 1 V": the decimal sign is a point, and nothing else separates digits'),
        ("5.5,000 V", "V", '"5.5,000 V": the decimal sign is a point, and nothing else separates digits'),
        ("1 000 V", "V", '"1 000 V": digits are not grouped; write "1000 V"'),
        ("1_000 V", "V", '"1_000 V": digits are not grouped; write "1000 V"'),
        ("1,000.5 V", "V", '"1,000.5 V": digits are not grouped; write "1000.5 V"'),
        (
            "1,000 V",
            "V",
            '"1,000 V": a comma may mean a decimal sign or a thousand; write "1.000 V" or "1000 V"',
        ),
        ("5 v", "V", '"5 v": unknown unit "v"; did you mean "5 V"?'),
        ("5 kv", "V", '"5 kv": unknown unit "kv"; did you mean "5 kV"?'),
        ("5 dBm", "W", '"5 dBm": unknown unit "dBm"; write for example "5 W"'),
        ("5 foo", "V", '"5 foo": unknown unit "foo"; write for example "5 V"'),
        ("5 foo", "", '"5 foo": unknown unit "foo"; write for example "5"'),
        ("5 V;", "V", '"5 V;": "V;" is not a unit; allowed: units like "V", with * / and ^'),
        ("5 V\x00", "V", '"5 V\\x00": "V\\x00" is not a unit; allowed: units like "V", with * / and ^'),
        ("1 h 30 min", "s", '"1 h 30 min": "h 30 min" is not a unit; allowed: units like "s", with * / and ^'),
        ("5 m", "V", '"5 m" is a length, not a voltage; allowed: a value in V, for example "5 V"'),
        ("5 kg", "V", '"5 kg" is a value in kg, not a voltage; allowed: a value in V, for example "5 V"'),
        ("5 V", "", '"5 V" is a voltage, not a plain number; allowed: a plain number or "5 %"'),
        ("800 m", "s", '"800 m" is a length, not a duration; did you mean "800 min"?'),
        ("800 Min", "s", '"800 Min" is a length, not a duration; did you mean "800 min"?'),
        ("5 pa", "A", '"5 pa" is a duration, not a current; did you mean "5 pA"?'),
        ("10 H", "s", '"10 H" is a value in H, not a duration; did you mean "10 h"?'),
        ("25 C", "K", '"25 C" is a charge, not a temperature; did you mean "25 degC"?'),
        ("5 V dB", "V", '"5 V dB": unknown unit "V dB"; write for example "5 V"'),
        ("25 degreeC", "K", '"25 degreeC": unknown unit "degreeC"; did you mean "25 degC"?'),
        ("25 deg C", "K", '"25 deg C": unknown unit "deg C"; did you mean "25 degC"?'),
        (
            "77 degF",
            "K",
            '"77 degF": "degF" is not allowed, its zero is arbitrary; use K (absolute temperatures in K or degC)',
        ),
        (
            "1 degC/min",
            "K/s",
            '"1 degC/min": "degC/min" is not allowed, its zero is arbitrary; use K (differences and rates in K)',
        ),
        (
            "1 mSv",
            "Gy",
            '"1 mSv" is a dose equivalent, not an absorbed dose; allowed: a value in Gy, for example "5 Gy"',
        ),
        (
            "1 mrem/h",
            "Gy/s",
            '"1 mrem/h" is a dose equivalent, not a dose rate; allowed: a value in Gy/s, for example "5 Gy/s"',
        ),
        (
            "2 rad",
            "Gy",
            '"2 rad" is an angle or a rate of rotation, not an absorbed dose; rad is the radian here, 1 rad of '
            'absorbed dose is 0.01 Gy; allowed: a value in Gy, for example "5 Gy"',
        ),
        (
            "2 rad",
            "",
            '"2 rad" is an angle or a rate of rotation, not a plain number; allowed: a plain number or "5 %"',
        ),
        (
            "60 rpm",
            "Hz",
            '"60 rpm" is an angle or a rate of rotation, not a frequency; allowed: a value in Hz, for example "5 Hz"',
        ),
        ("5 degC", "V", '"5 degC" is a temperature, not a voltage; allowed: a value in V, for example "5 V"'),
        (
            "-274 degC",
            "K",
            '"-274 degC" is below absolute zero; allowed: a temperature from 0 K, for example "298.15 K"',
        ),
    ],
)
def test_what_is_no_quantity_is_refused_in_words_that_help(text, unit, message):
    with pytest.raises(UnitError) as refusal:
        parse_quantity(text, unit)
    assert str(refusal.value) == message


def test_the_hint_shows_the_unit_that_is_usual_where_the_value_stands():
    with pytest.raises(UnitError, match='for example "5 uA"'):
        parse_quantity("5", "A", example_unit="uA")


@settings(derandomize=True)
@given(decimals, st.sampled_from([p for p in PREFIXES.items() if p[1]]), st.sampled_from("VAW"))
def test_a_decimal_text_becomes_the_nearest_float_whatever_its_prefix(number, prefix, unit):
    power, letter = prefix
    assert parse_quantity(f"{number} {letter}{unit}", unit) == float(Decimal(number).scaleb(power))


@settings(derandomize=True)
@given(decimals, st.sampled_from(["m", "V", "A", "s", "Gy/s"]))
def test_all_spellings_of_micro_are_one(number, unit):
    values = {parse_quantity(f"{number} {micro}{unit}", unit) for micro in ("u", "µ", "μ")}
    assert values == {float(Decimal(number).scaleb(-6))}


@settings(derandomize=True, max_examples=400)
@given(st.sampled_from(UNITS), st.floats(1.0, 10.0), POWERS_OF_TEN, st.sampled_from([1, -1]), st.integers(1, 15))
def test_what_is_written_is_read_back_to_the_last_digit_shown(unit, mantissa, power, sign, digits):
    assume(sign > 0 or unit != "K")
    value = sign * mantissa * power
    assert parse_quantity(format_quantity(value, unit, digits), unit) == float(f"{value:.{digits - 1}e}")


@pytest.mark.parametrize(
    ("value", "unit", "digits", "text"),
    [
        (1.502e-7, "A", 4, "150.2 nA"),
        (-1.502e-7, "A", 4, "-150.2 nA"),
        (9.9999e-7, "A", 4, "1 uA"),
        (5e-5, "m", 4, "50 um"),
        (3.1416e-6, "m^2", 4, "3.142 mm^2"),
        (5e5, "V/m", 4, "500 kV/m"),
        (48000.0, "s", 4, "48000 s"),
        (298.15, "K", 5, "298.15 K"),
        (0.0, "A", 4, "0 A"),
        (math.nan, "A", 4, "nan A"),
        (math.inf, "V", 4, "inf V"),
        (0.25, "", 4, "0.25"),
        (25.00001, "V", 4, "25 V"),
        (25.00001, "V", 12, "25.00001 V"),
        (1e-21, "A", 4, "0.001 aA"),
    ],
)
def test_a_value_is_written_with_the_prefix_that_fits(value, unit, digits, text):
    assert format_quantity(value, unit, digits) == text


def read_or_refusal(text: str, unit: str) -> float | str:
    try:
        return parse_quantity(text, unit)
    except UnitError as refusal:
        return str(refusal)


@settings(derandomize=True, max_examples=300)
@given(st.text(max_size=40) | st.tuples(decimals, st.text(max_size=12)).map(" ".join), st.sampled_from(UNITS))
def test_any_text_is_a_finite_value_or_refused_in_one_line(text, unit):
    answer = read_or_refusal(text, unit)
    assert answer.isprintable() if isinstance(answer, str) else math.isfinite(answer)


@pytest.mark.parametrize("unit", ["s", "K", "W", ""])
def test_every_unit_that_pint_knows_is_a_value_or_refused_by_its_name(unit):
    import pint

    names = [name for name in dir(pint.UnitRegistry().sys.mks) if name.isalpha()]
    products = {f"{unit} {name}": read_or_refusal(f"5 {unit} {name}", unit) for name in names}
    assert all(isinstance(answer, str) or math.isfinite(answer) for answer in products.values())
    logarithmic = ["dB", "dBm", "dBW", "dBu", "decibel", "neper", "Np", "octave", "decade"]
    answers = {name: read_or_refusal(f"5 {name}", unit) for name in [*names, *logarithmic]}
    assert len(answers) > 100
    assert all(name in answer for name, answer in answers.items() if isinstance(answer, str))
    assert all(isinstance(answers[name], str) for name in logarithmic)


def test_no_scale_with_a_zero_of_its_own_passes_as_a_difference_or_a_rate():
    import pint

    registry = pint.UnitRegistry(autoconvert_offset_to_baseunit=True)
    scales = set()
    for name in [*dir(registry.sys.mks), "degreeC", "degreeF", "degRe", "degreeRe", "degC", "degF"]:
        unit = registry.parse_units(name)
        if unit.dimensionality == "[temperature]" and registry.Quantity(0.0, unit).to("K").magnitude != 0:
            scales.add(name)
    assert {"degC", "degreeC", "degRe"} < scales
    for name in scales:
        assert isinstance(read_or_refusal(f"5 {name}/s", "K/s"), str), name
        assert isinstance(read_or_refusal(f"5 V {name}/K", "V"), str), name
        assert read_or_refusal(f"25 {name}", "K") == 298.15 or isinstance(read_or_refusal(f"25 {name}", "K"), str)


@pytest.mark.parametrize("name", COMMON_UNITS)
def test_every_unit_that_hints_name_can_be_written(name):
    assert any(isinstance(read_or_refusal(f"300 {name}", unit), float) for unit in UNITS)
