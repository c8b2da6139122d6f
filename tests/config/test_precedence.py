import json
from pathlib import Path

import pytest

from xraydaq.config import default_bench, load_run
from xraydaq.errors import ConfigError


def ascii_beginning(text: str) -> str:
    return ascii(text[:10])


def test_a_recipe_says_who_said_each_value(recipe):
    config = load_run(recipe, overrides=['bias="6 V"', "parameters.nplc=1"])
    assert config.recipe.parameters.bias_v == 6.0
    assert config.recipe.parameters.nplc == 1.0
    assert config.recipe.parameters.duration_s == 600.0
    assert config.origins["parameters.bias"] == "--set"
    assert config.origins["parameters.nplc"] == "--set"
    assert config.origins["parameters.duration"] == "recipe.toml:7"
    assert config.origins["parameters.period"] == "default"
    assert config.origins["sample.gap"] == "sample.toml:5"
    assert config.origins["bench.roles.smu.resource"] == "bench.toml:5"
    assert config.origins["bench.roles.smu.baud"] == "default"
    assert config.overrides == ('bias="6 V"', "parameters.nplc=1")


def test_what_extends_has_the_word_over_what_it_extends_and_an_option_over_both(recipe, write):
    write("deep/base.toml", 'extends = "../recipe.toml"\ntitle = "base"\n[parameters]\nbias = "6 V"\nnplc = 2\n')
    top = write("deep/er/top.toml", 'extends = "../base.toml"\n\n[parameters]\nnplc = 3\nperiod = "2 s"\n')
    config = load_run(top, overrides=["period=3 s"])
    wanted = config.recipe.parameters
    assert (wanted.duration_s, wanted.bias_v, wanted.nplc, wanted.period_s) == (600.0, 6.0, 3.0, 3.0)
    assert config.recipe.title == "base"
    assert {key: config.origins[f"parameters.{key}"] for key in ("duration", "bias", "nplc", "period")} == {
        "duration": "recipe.toml:7",
        "bias": "deep/base.toml:4",
        "nplc": "deep/er/top.toml:4",
        "period": "--set",
    }


def test_a_file_named_in_a_base_is_found_from_the_base(recipe, write):
    far = write("far/away.toml", 'extends = "../recipe.toml"\n[parameters]\nbias = "6 V"\n')
    config = load_run(far)
    assert config.files == {
        "recipe": "far/away.toml",
        "recipe.base": "recipe.toml",
        "sample": "sample.toml",
        "bench": "bench.toml",
    }


def test_every_text_is_kept_as_it_was_written(recipe, write):
    top = write("top.toml", '\ufeffextends = "recipe.toml"  # µ\n[parameters]\nbias = "6 V"\n')
    config = load_run(top)
    assert set(config.texts) == {"recipe", "recipe.base", "sample", "bench"}
    for key, name in config.files.items():
        assert config.texts[key] == Path(name).read_text(encoding="utf-8")


def test_sample_and_bench_options_replace_those_of_the_recipe(recipe, write, edit):
    write("elsewhere/other.toml", Path("sample.toml").read_text(encoding="utf-8"))
    edit("elsewhere/other.toml", ("mai 3", "other"))
    config = load_run(recipe, bench=default_bench(), sample=Path("elsewhere/other.toml"))
    assert config.sample.name == "other"
    assert config.bench.simulated
    assert (config.origins["sample"], config.origins["bench"]) == ("--sample", "--bench")


def test_without_any_bench_the_simulated_one_that_is_shipped_is_used(recipe, edit):
    edit("recipe.toml", ('bench = "bench.toml"\n', ""))
    config = load_run(recipe)
    assert config.bench.name == "simulated"
    assert config.origins["bench"] == "default"


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ("bias=6 V", "bias_v", 6.0),
        ("bias='6 V'", "bias_v", 6.0),
        ('parameters.bias = "6 V"', "bias_v", 6.0),
        ("bias=-6V", "bias_v", -6.0),
        ("nplc=0.1", "nplc", 0.1),
        ("on_compliance=flag", "on_compliance", "flag"),
        ('duration = "1 h"  # a comment', "duration_s", 3600.0),
    ],
)
def test_a_value_may_be_written_with_and_without_quotes(recipe, override, key, value):
    assert getattr(load_run(recipe, overrides=[override]).recipe.parameters, key) == value


@pytest.mark.parametrize(
    "title", ["2027-01-01", "5", "[1]", "a = b", "x # y", "[" * 3000, "1" * 5000], ids=lambda title: title[:10]
)
def test_a_text_that_looks_like_a_number_or_a_list_stays_a_text(recipe, title):
    assert load_run(recipe, overrides=[f"title={title}"]).recipe.title == title


@pytest.mark.parametrize(
    "value", ["[" * 3000, "1" * 5000, "0x" + "f" * 5000, "a.b.c", "{a=1}", "\udcff", "\x00"], ids=ascii_beginning
)
def test_a_value_that_is_nonsense_is_refused_in_one_printable_line(recipe, value):
    with pytest.raises(ConfigError) as refusal:
        load_run(recipe, overrides=[f"bias={value}"])
    (problem,) = refusal.value.problems
    assert problem.startswith("--set: parameters.bias: ")
    assert problem.isprintable()
    assert len(problem) < 300


def test_an_option_repairs_a_mistake_in_the_file(recipe, edit):
    edit("recipe.toml", ('"5 V"', '"5 W"'))
    with pytest.raises(ConfigError, match='"5 W" is a power, not a voltage'):
        load_run(recipe)
    assert load_run(recipe, overrides=["bias=5 V"]).recipe.parameters.bias_v == 5.0


def test_the_record_of_a_run_is_plain_json_in_si(recipe, edit):
    edit("bench.toml", ("[limits]", "calibration_due = 2027-03-31\n\n[limits]"))
    config = load_run(recipe)
    record = json.loads(json.dumps(config.resolved(), allow_nan=False))
    assert record["recipe"]["parameters"]["bias_v"] == 5.0
    assert record["sample"]["area_u_m2"] == pytest.approx(0.02 * 3.1416e-6, rel=1e-12)
    assert record["bench"]["roles"]["smu"]["calibration_due"] == "2027-03-31"
    assert record["bench"]["simulated"] is False
    assert record["files"] == config.files


@pytest.mark.parametrize(
    ("dark_current", "compliance", "range_a"),
    [
        ("0.3 uA", "50 uA", 1e-6),
        ("1 uA", "50 uA", 1e-6),
        ("1.01 uA", "50 uA", 1e-5),
        ("1.01 uA", "1.04 uA", 1e-6),
        ("9 uA", "1 mA", 1e-5),
    ],
)
def test_a_range_nobody_fixed_holds_the_dark_current_and_is_one_the_compliance_has(
    recipe, edit, dark_current, compliance, range_a
):
    edit("sample.toml", ("0.3 uA", dark_current))
    config = load_run(recipe, overrides=[f"compliance={compliance}"])
    assert config.recipe.parameters.current_range_a == range_a
    assert config.origins["parameters.current_range"] == "default"


def test_a_range_of_the_recipe_is_kept(recipe):
    config = load_run(recipe, overrides=["current_range=100 uA"])
    assert config.recipe.parameters.current_range_a == 1e-4
