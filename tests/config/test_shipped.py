import re
import tomllib
from datetime import date

import pytest

from xraydaq.config import check_file, default_bench, json_schema, load_run, shipped_configs
from xraydaq.errors import ConfigError

FOLDERS = {"bench": "benches", "sample": "samples", "recipe": "recipes", "calibration": "calibrations"}
FILES = [
    pytest.param(kind, path, id=path.name)
    for kind, folder in FOLDERS.items()
    for path in sorted((shipped_configs() / folder).glob("*.toml"))
]
RECIPES = sorted((shipped_configs() / "recipes").glob("*.toml"))
TYPES = {"array": list, "boolean": bool, "string": str, "object": dict, "number": int | float, "integer": int}


def mistakes(value, schema, root, at="file"):
    """Judge a TOML value by the words of JSON schema that ours use; an unknown word is a mistake of the schema."""
    known = {"type", "enum", "properties", "required", "additionalProperties", "anyOf", "$ref", "if", "then", "not"}
    known |= {"items", "title", "description", "examples", "default", "format", "$defs", "allOf"}
    found = [f"{at}: the schema says {word}" for word in set(schema) - known]
    if "$ref" in schema:
        found += mistakes(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root, at)
    if "anyOf" in schema and all(mistakes(value, each, root, at) for each in schema["anyOf"]):
        found.append(f"{at}: none of the alternatives")
    found += [mistake for each in schema.get("allOf", ()) for mistake in mistakes(value, each, root, at)]
    if "if" in schema and not mistakes(value, schema["if"], root, at):
        found += mistakes(value, schema["then"], root, at)
    if "not" in schema and not mistakes(value, schema["not"], root, at):
        found.append(f"{at}: what must not be")
    if "items" in schema and isinstance(value, list):
        found += [each for item in value for each in mistakes(item, schema["items"], root, f"{at}[]")]
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{at}: not in the list")
    if schema.get("type") == "null" or ("type" in schema and not has_type(value, schema)):
        return [*found, f"{at}: not a {schema['type']}"]
    return found + (table_mistakes(value, schema, root, at) if isinstance(value, dict) else [])


def has_type(value, schema):
    is_date = schema.get("format") == "date"
    return isinstance(value, date if is_date else TYPES[schema["type"]]) and (
        schema["type"] == "boolean"
    ) == isinstance(value, bool)


def table_mistakes(value, schema, root, at):
    found = [f"{at}.{key}: missing" for key in schema.get("required", ()) if key not in value]
    for key, inner in value.items():
        other = schema.get("additionalProperties", {})
        below = schema.get("properties", {}).get(key, other)
        found += [f"{at}.{key}: unknown"] if below is False else mistakes(inner, below or {}, root, f"{at}.{key}")
    return found


def tables(schema):
    return [schema, *schema.get("$defs", {}).values()]


@pytest.mark.parametrize(("kind", "path"), FILES)
def test_a_shipped_file_has_no_mistake(kind, path):
    assert check_file(path).problems == ()


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_a_shipped_recipe_loads_on_the_simulated_bench_without_a_warning(path):
    config = load_run(path)
    assert config.bench.simulated
    assert config.warnings == ()


@pytest.mark.parametrize("procedure", ["bias_stability", "temperature_sweep", "sclc_sweep", "dose_rate_sweep"])
def test_the_recipes_of_a_comparison_measure_the_three_treatments(procedure):
    found = [load_run(path) for path in RECIPES if path.name.startswith(procedure)]
    assert {config.sample.treatment for config in found} == {"untreated", "mai", "atomistic"}


def test_the_main_recipe_is_the_main_job():
    wanted = load_run(shipped_configs() / "recipes" / "bias_stability.toml").recipe.parameters
    assert (wanted.bias_v, wanted.duration_s, wanted.period_s) == (5.0, 800 * 60.0, 1.0)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_a_shipped_recipe_that_reads_a_crystal_logs_its_temperature(path):
    roles = load_run(path).recipe.parameters.roles
    # the dark current alone also runs on a bench without a controller; --set stage_temperature logs it there
    assert "smu" not in roles or "temperature" in roles or path.name.startswith("bias_stability")


LAB = shipped_configs() / "benches" / "lab_gpib.toml"


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_a_shipped_recipe_runs_on_the_shipped_example_of_a_real_bench_or_is_told_why_not(path):
    parameters = load_run(path).recipe.parameters
    if set(parameters.roles) <= {"smu"}:
        assert not load_run(path, bench=LAB).bench.simulated
        return
    with pytest.raises(ConfigError) as refused:
        load_run(path, bench=LAB)
    told = ("missing", "is no foil", "made on a simulated bench", "limit")
    assert all(any(word in text for word in told) for text in refused.value.problems), refused.value.problems


def test_the_default_bench_is_one_of_the_shipped_ones():
    assert default_bench().is_file()
    assert default_bench().is_relative_to(shipped_configs())


@pytest.mark.parametrize(("kind", "path"), FILES)
def test_the_schema_of_its_kind_accepts_a_shipped_file_and_no_other_does(kind, path):
    schemas = json_schema()
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    assert mistakes(data, schemas[kind], schemas[kind]) == []
    for other in set(schemas) - {kind}:
        assert mistakes(data, schemas[other], schemas[other])


@pytest.mark.parametrize(
    ("kind", "name", "change", "expected"),
    [
        ("recipe", "bias_stability", lambda data: data.pop("sample"), ["file.sample: missing"]),
        ("recipe", "bias_stability", lambda data: data.pop("parameters"), ["file.parameters: missing"]),
        ("recipe", "bias_stability", lambda data: data["parameters"].pop("bias"), ["file.parameters.bias: missing"]),
        ("recipe", "bias_stability_mai", lambda data: data.update(sampel="x"), ["file.sampel: unknown"]),
        (
            "recipe",
            "bias_stability",
            lambda data: data["parameters"].update(bias=5),
            ["file.parameters.bias: not a string"],
        ),
        ("sample", "mai", lambda data: data.pop("gap"), ["file.gap: missing"]),
        ("bench", "simulated", lambda data: data["roles"]["smu"].pop("driver"), ["file.roles.smu.driver: missing"]),
        ("bench", "lab_gpib", lambda data: data["limits"].update(max_power="1 W"), ["file.limits.max_power: unknown"]),
    ],
)
def test_the_schema_refuses_what_the_program_refuses(kind, name, change, expected):
    data = tomllib.loads((shipped_configs() / FOLDERS[kind] / f"{name}.toml").read_text(encoding="utf-8"))
    change(data)
    schema = json_schema()[kind]
    assert mistakes(data, schema, schema) == expected


@pytest.mark.parametrize("kind", FOLDERS)
def test_a_schema_describes_every_key_and_its_defaults_can_be_written_in_toml(kind):
    root = json_schema()[kind]
    for table in tables(root):
        assert table["additionalProperties"] is False
        assert set(table.get("required", ())) <= set(table["properties"])
        for key, described in table["properties"].items():
            assert re.fullmatch(r"[a-z_]+", key)
            if "default" in described:
                assert mistakes(described["default"], described, root) == [], key


def test_an_editor_is_shown_defaults_the_way_a_person_writes_them():
    properties = json_schema()["recipe"]["$defs"]["BiasStabilityParameters"]["properties"]
    assert properties["tail_duration"]["default"] == "600 s"
    assert properties["ramp_rate"]["default"] == "1 V/s"
    assert properties["nplc"]["default"] == 10.0
    assert "default" not in properties["current_range"]
