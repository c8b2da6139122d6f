import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xraydaq.config import load_run
from xraydaq.config.limits import Limit
from xraydaq.errors import ConfigError

QUIET = settings(derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
"""The fixture's folder may be shared by examples: each writes the files it reads."""

VOLTS = st.integers(1, 300_000).map(lambda millivolt: f"{millivolt} mV")


def loaded_or_none(recipe, **options):
    try:
        return load_run(recipe, **options)
    except ConfigError:
        return None


def volts(text: str) -> float:
    return int(text.removesuffix(" mV")) / 1000


@QUIET
@given(bench=VOLTS, sample=VOLTS, bias=VOLTS, is_negative=st.booleans())
def test_a_bias_is_allowed_up_to_the_tightest_of_bench_sample_and_instrument(recipe, bench, sample, bias, is_negative):
    bench_text = Path("bench.toml").read_text(encoding="utf-8")
    sample_text = Path("sample.toml").read_text(encoding="utf-8")
    Path("b.toml").write_text(bench_text.replace('"20 V"', f'"{bench}"'), encoding="utf-8")
    field = f"{volts(sample) / 50:.6f} V/um"
    Path("s.toml").write_text(sample_text.replace('"0.5 V/um"', f'"{field}"'), encoding="utf-8")
    sign = "-" if is_negative else ""
    config = loaded_or_none(recipe, bench=Path("b.toml"), sample=Path("s.toml"), overrides=[f"bias={sign}{bias}"])
    tightest_v = min(volts(bench), volts(sample), 210.0)
    assert (config is not None) == (volts(bias) <= tightest_v)
    if config is not None:
        assert config.limit("bias") == tightest_v


@pytest.mark.parametrize(
    ("bench", "field", "reason", "line"),
    [
        ("20 V", "0.5 V/um", "max_bias of the bench", "bench.toml:8"),
        ("30 V", "0.5 V/um", "max_field 500 kV/m of the sample over its gap of 50 um", "sample.toml:7"),
        ("1 kV", "10 V/um", "the most a Keithley 2400 gives", "bench.toml:4"),
    ],
)
def test_a_limit_names_its_line_and_its_reason(recipe, edit, bench, field, reason, line):
    edit("bench.toml", ("20 V", bench))
    edit("sample.toml", ("0.5 V/um", field))
    (limit,) = (each for each in load_run(recipe).limits if each.quantity == "bias")
    assert limit.reason == reason
    assert f"{limit.file}:{limit.line}" == line
    assert limit.text().endswith(f"from {line} ({reason})")


def test_above_21_volt_the_instrument_gives_a_tenth_of_its_current(recipe, edit):
    edit("bench.toml", ("20 V", "210 V"), ("1 mA", "2 A"))
    assert load_run(recipe, overrides=["bias=21 V"]).limit("current") == 1.05
    assert load_run(recipe, overrides=["bias=-21.001 V"]).limit("current") == 0.105


def test_a_limit_does_not_hold_what_is_no_number():
    limit = Limit("bias", 25.0, "V", "bench.toml", 8)
    assert limit.holds(25.0)
    assert limit.holds(-25.0)
    assert not limit.holds(25.000001)
    assert not limit.holds(float("nan"))
    assert not limit.holds(float("-inf"))


LIMIT_KEYS = ("max_bias", "max_current", "max_field", "limits", "gap")
TABLES = ("", "parameters.", "limits.", "bench.", "bench.limits.", "sample.", "roles.smu.", "twin.")
OTHER_KEYS = ("bias", "compliance", "current_range", "nplc", "period", "parameters", "title", "extends")
overrides = st.lists(
    st.tuples(
        st.sampled_from([f"{table}{key}" for table in TABLES for key in LIMIT_KEYS] + list(OTHER_KEYS) * 8),
        st.sampled_from(["1 kV", "19 V", "-19 V", "0.9 mA", "1 A", "50 um", "1 m", "1 mA", "{max_bias='1 kV'}", "1"]),
    ).map("=".join),
    max_size=3,
)


@settings(QUIET, max_examples=400)
@given(given_overrides=overrides)
def test_no_option_widens_a_limit(recipe, given_overrides):
    before = {limit.quantity: limit.value for limit in load_run(recipe).limits}
    config = loaded_or_none(recipe, overrides=given_overrides)
    if config is None:
        return
    assert {limit.quantity: limit.value for limit in config.limits} == before
    assert abs(config.recipe.parameters.bias_v) <= before["bias"]
    assert config.recipe.parameters.compliance_a <= before["current"]


def test_the_options_of_that_test_do_pass_when_they_are_good(recipe):
    config = load_run(recipe, overrides=["bias=-19 V", "compliance=0.9 mA", "current_range=1 mA"])
    assert config.recipe.parameters.bias_v == -19.0


@pytest.mark.parametrize("key", ["max_bias", "limits.max_bias", "parameters.max_bias", "bench.limits.max_bias"])
def test_a_recipe_has_no_word_for_a_limit(recipe, write, key):
    table, _, name = key.rpartition(".")
    text = Path("recipe.toml").read_text(encoding="utf-8")
    widened = f'{name} = "1 kV"\n{text}' if not table else f'{text}[{table}]\n{name} = "1 kV"\n'
    if table == "parameters":
        widened = f'{text}{name} = "1 kV"\n'
    with pytest.raises(ConfigError):
        load_run(write("wide.toml", widened))


def test_a_base_cannot_smuggle_a_limit_in(recipe, write):
    write("base.toml", Path("recipe.toml").read_text(encoding="utf-8") + '\n[limits]\nmax_bias = "1 kV"\n')
    with pytest.raises(ConfigError, match=r"base.toml:10: limits: unknown key; it belongs in a bench file"):
        load_run(write("top.toml", 'extends = "base.toml"\n'))


@pytest.mark.parametrize("baud", [300, 9600, 57600])
@pytest.mark.parametrize("nplc", ["0.01", "0.333", "1", "7.77", "10"])
@pytest.mark.parametrize("line_frequency", ["50 Hz", "60 Hz"])
def test_a_period_that_a_refusal_allows_is_allowed(recipe, edit, baud, nplc, line_frequency):
    edit("bench.toml", ("GPIB0::24::INSTR", "ASRL/dev/ttyUSB0::INSTR"), ("[limits]", f"baud = {baud}\n\n[limits]"))
    options = [f"nplc={nplc}", f"line_frequency={line_frequency}"]
    with pytest.raises(ConfigError) as refusal:
        load_run(recipe, overrides=[*options, "period=1 ms"])
    allowed = re.search(r"allowed: at least (.*?) at ", str(refusal.value))
    assert allowed is not None
    assert load_run(recipe, overrides=[*options, f"period={allowed.group(1)}"])
