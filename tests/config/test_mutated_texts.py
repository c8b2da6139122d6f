"""Whatever happens to a configuration text, it loads or is refused in words; nothing else comes out."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xraydaq.config import RunConfig, check_file, load_run
from xraydaq.errors import ConfigError

PLACE = re.compile(r"(mutated|recipe|sample|bench)\.toml(:\d+)?: \S|--set: \S")
TOKENS = (
    '"', "'", '"""', "=", "[", "]", "[[", "{", "}", ".", ",", "#", "\n", "\r\n", "\\", "\\u0000",
    " ", "µ", "\x00", "\x1b", "\ufeff",
    "nan", "inf", "-", "1e999", "0x7f", "9" * 5000, "2027-02-30", "true", "[parameters]", "[roles.smu]", "[twin]",
    "[limits]", "x",
    'extends = "mutated.toml"', 'sample = ".."', "[" * 200, "a." * 200,
    "bias = 5", '"5 V"', '"0 V"', "5 MV", "unit = {}",
)  # fmt: skip
QUIET = settings(
    derandomize=True, deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
changes = st.lists(
    st.tuples(
        st.sampled_from(["insert", "delete", "replace", "swap lines", "double line"]),
        st.integers(0, 400),
        st.integers(1, 12),
        st.sampled_from(TOKENS) | st.text(max_size=3),
    ),
    min_size=1,
    max_size=4,
)


def mutated(text, steps):
    for what, position, length, token in steps:
        at = position % (len(text) + 1)
        lines = text.split("\n")
        line, other = position % len(lines), (position + length) % len(lines)
        if what == "insert":
            text = text[:at] + token + text[at:]
        elif what == "delete":
            text = text[:at] + text[at + length :]
        elif what == "replace":
            text = text[:at] + token + text[at + length :]
        elif what == "double line":
            text = "\n".join([*lines[: line + 1], *lines[line:]])
        else:
            lines[line], lines[other] = lines[other], lines[line]
            text = "\n".join(lines)
    return text


def write_mutated(name, steps):
    text = mutated(Path(name).read_text(encoding="utf-8"), steps)
    Path("mutated.toml").write_bytes(text.encode("utf-8", "surrogatepass"))
    return Path("mutated.toml")


def loaded_or_problems(recipe, **options):
    try:
        return load_run(recipe, **options)
    except ConfigError as refusal:
        return refusal.problems


def assert_fit_to_be_read(problems):
    assert problems
    for problem in problems:
        assert PLACE.match(problem), problem
        assert problem.isprintable(), problem
        assert len(problem) < 1000, problem


@pytest.mark.parametrize("name", ["recipe.toml", "sample.toml", "bench.toml"])
@QUIET
@given(steps=changes)
def test_a_mutated_file_loads_or_is_refused_in_words(recipe, name, steps):
    broken = write_mutated(name, steps)
    if name == "recipe.toml":
        outcome = loaded_or_problems(broken)
    else:
        outcome = loaded_or_problems(recipe, **{name.removesuffix(".toml"): broken})
    if not isinstance(outcome, RunConfig):
        assert_fit_to_be_read(outcome)


@QUIET
@given(steps=changes, name=st.sampled_from(["recipe.toml", "sample.toml", "bench.toml"]))
def test_checking_a_mutated_file_agrees_with_loading_it(recipe, name, steps):
    broken = write_mutated(name, steps)
    problems = check_file(broken).problems
    if problems:
        assert_fit_to_be_read(problems)
    elif name == "recipe.toml" and "procedure" in broken.read_text(encoding="utf-8"):
        assert isinstance(loaded_or_problems(broken), RunConfig)


@QUIET
@given(
    overrides=st.lists(
        st.tuples(
            st.sampled_from(
                ["bias", "duration", "nplc", "sample", "title", "procedure", "parameters.x", "", "a.b", "\x1b"]
            ),
            st.text(max_size=20) | st.sampled_from(TOKENS),
        ).map("=".join)
        | st.text(max_size=10),
        max_size=3,
    )
)
def test_any_option_is_taken_or_refused_in_words(recipe, overrides):
    outcome = loaded_or_problems(recipe, overrides=overrides)
    if not isinstance(outcome, RunConfig):
        assert_fit_to_be_read(outcome)


@QUIET
@given(content=st.binary(max_size=200))
def test_a_file_of_any_bytes_is_refused_in_words(recipe, content):
    Path("mutated.toml").write_bytes(content)
    assert_fit_to_be_read(check_file(Path("mutated.toml")).problems)


def test_some_mutations_do_load(recipe):
    """Else the tests above would see refusals alone."""
    assert isinstance(loaded_or_problems(write_mutated("recipe.toml", [("insert", 0, 1, "# x\n")])), RunConfig)
