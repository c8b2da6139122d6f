import pytest
from hypothesis import given
from hypothesis import strategies as st

from instruments.sim import scpi
from instruments.sim.scpi import Command, ScpiError, Tree

LEVEL = Command("SOURce:VOLTage[:LEVel][:IMMediate]", set=lambda: None, query=lambda: "1")
RANGE = Command("SOURce:VOLTage:RANGe", set=lambda: None, query=lambda: "2")
ONLY_SET = Command("*CLS", set=lambda: None)
TREE = Tree([LEVEL, RANGE, ONLY_SET])


def found(line):
    return [unit.command for unit in TREE.resolve(line)]


def refusal(act):
    with pytest.raises(ScpiError) as refused:
        act()
    return refused.value.code


@pytest.mark.parametrize(
    "header", ["SOUR:VOLT", ":SOURCE:VOLTAGE", "sour:volt:lev", ":Sour:Voltage:IMM", ":SOUR:VOLT:LEVEL:IMMEDIATE"]
)
def test_a_keyword_may_be_short_or_long_in_any_case_and_optional_ones_left_out(header):
    assert found(f"{header} 1") == [LEVEL]


@pytest.mark.parametrize("header", ["SOURC:VOLT", "SOU:VOLT", "SOUR:VOLTA", "VOLT", "SOUR::VOLT", "SOUR:VOLT:", "*CL"])
def test_nothing_between_the_forms_is_understood(header):
    (unit,) = TREE.resolve(header)
    assert unit.error in (scpi.UNDEFINED, scpi.SYNTAX)


def test_a_keyword_without_colon_stays_on_the_branch():
    assert found(":SOUR:VOLT:RANG 2;LEV 1;*CLS;RANG 3") == [RANGE, LEVEL, ONLY_SET, RANGE]
    assert found(":SOUR:VOLT:RANG 2;:RANG 3") == [RANGE, None]
    assert found(":SOUR:VOLT 1;RANG 2") == [LEVEL, None]


def test_a_form_that_does_not_exist_is_an_undefined_header():
    assert TREE.resolve("*CLS?")[0].error == scpi.UNDEFINED


def test_separators_in_quotes_do_not_separate():
    assert scpi.split_outside_quotes("a \"x;y\";b 'p;q'", ";") == ['a "x;y"', "b 'p;q'"]


@given(st.text(max_size=60))
def test_no_text_breaks_the_parser(text):
    assert all(unit.command is not None or unit.error for unit in TREE.resolve(text))


@pytest.mark.parametrize(
    ("text", "value"), [("5", 5.0), ("-1.5E-3", -1.5e-3), (".5", 0.5), ("MIN", -10.0), ("maximum", 10.0), ("DEF", 1.0)]
)
def test_a_number_may_be_written_in_every_usual_way(text, value):
    assert scpi.number(-10, 10, 1.0)(text) == (value,)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", scpi.MISSING), ("11", scpi.OUT_OF_RANGE), ("1,2", scpi.NOT_ALLOWED), ("five", scpi.CHARACTER_NOT_ALLOWED),
        ("1_0", scpi.DATA_TYPE), ("nan", scpi.CHARACTER_NOT_ALLOWED), ("5 V", scpi.DATA_TYPE), ("'5'", scpi.DATA_TYPE),
    ],
)  # fmt: skip
def test_what_is_no_number_is_refused_with_its_code(text, code):
    assert refusal(lambda: scpi.number(-10, 10)(text)) == code


@pytest.mark.parametrize(("text", "is_on"), [("ON", True), ("off", False), ("1", True), ("0", False), ("0.2", False)])
def test_a_boolean_is_a_word_or_a_number(text, is_on):
    assert scpi.boolean(text) == (is_on,)


def test_a_name_may_be_short_or_long_and_nothing_else():
    parse = scpi.word("FRONt", "REAR")
    assert parse("front") == parse("FRON") == ("FRON",)
    assert refusal(lambda: parse("FRO")) == scpi.PARAMETER
    assert refusal(lambda: parse("1")) == scpi.DATA_TYPE
    assert refusal(lambda: scpi.quoted("CURR")) == scpi.INVALID_STRING
