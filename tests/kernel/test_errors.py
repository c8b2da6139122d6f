import re

import pytest

from xraydaq import errors
from xraydaq.errors import (
    BusyError,
    ConfigError,
    ConnectionFailed,
    InstrumentError,
    InstrumentTimeout,
    LimitError,
    Refused,
    RunFailed,
    SafetyTrip,
    StoppedByUser,
    StorageError,
    UnitError,
    WireError,
    XraydaqError,
)

CODES = {
    RunFailed: 1,
    ConfigError: 2,
    UnitError: 2,
    LimitError: 2,
    SafetyTrip: 3,
    InstrumentError: 4,
    ConnectionFailed: 4,
    InstrumentTimeout: 4,
    WireError: 4,
    BusyError: 5,
    StorageError: 6,
    StoppedByUser: 7,
    Refused: 8,
}


def all_errors(base: type[XraydaqError] = XraydaqError) -> set[type[XraydaqError]]:
    below = set(base.__subclasses__())
    return below.union(*(all_errors(each) for each in below))


@pytest.mark.parametrize(("error", "code"), CODES.items(), ids=lambda each: getattr(each, "__name__", str(each)))
def test_an_error_ends_the_process_with_its_code(error, code):
    assert error.exit_code == code


def test_every_error_of_the_kernel_has_a_code_in_the_table():
    assert {each for each in all_errors() if each.__module__ == errors.__name__} == set(CODES)
    documented = {int(code) for code in re.findall(r"^(\d+) {4,}", errors.__doc__, re.MULTILINE)}
    assert documented >= {errors.EXIT_DONE, errors.EXIT_BUG, *CODES.values()}
    assert {errors.EXIT_DONE, errors.EXIT_BUG}.isdisjoint(CODES.values())


def test_a_configuration_error_keeps_its_problems_apart_and_shows_them_one_below_the_other():
    error = ConfigError("a.toml:1: bias: missing", "a.toml:2: gap: missing")
    assert error.problems == ("a.toml:1: bias: missing", "a.toml:2: gap: missing")
    assert str(error) == "a.toml:1: bias: missing\na.toml:2: gap: missing"


def test_a_wire_error_shows_the_beginning_of_the_bytes_and_keeps_all_of_them():
    data = bytes(range(200))
    error = WireError("no reading", data)
    assert error.data == data
    assert str(error) == f"no reading: {data[:80]!r}..."
    assert str(WireError("no reading", b"+1.0\r")) == "no reading: b'+1.0\\r'"


def test_refused_values_are_value_errors_too():
    assert issubclass(UnitError, ValueError)
    assert issubclass(LimitError, ValueError)
