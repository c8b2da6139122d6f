"""What a plan warns of beforehand, for every shipped recipe and for what makes each warning appear."""

import re
from pathlib import Path

import pytest

from xraydaq.config import load_run
from xraydaq.config.shipped import shipped_configs
from xraydaq.errors import ConfigError
from xraydaq.plan import describe, plan_of

RECIPES = shipped_configs() / "recipes"
NAMES = sorted(path.stem for path in RECIPES.glob("*.toml"))
BEAM_CURRENT = "5 uA: outside the tube currents of the calibration, dose rates by its line"
LOWEST_CURRENT = (
    "dark current at 20 mV (by Ohm's law from max_dark_current at 5 V): 4 nA at most: known to 4.3 % or worse (offset "
    "170 pA in the range of 1 uA); the baseline takes its constant part out"
)


def plan(recipe, *overrides, **files):
    return plan_of(load_run(RECIPES / f"{recipe}.toml", overrides=list(overrides), **files))


def of_photocurrent(text, step, offset):
    return (
        f"photocurrent about {text}: a step of the display, {step}, exceeds a third of it",
        f"photocurrent about {text}: under the range accuracy (offset {offset}), only chopping finds it",
    )


EXPECTED = {
    "air_ionisation": of_photocurrent("10 pA of the air at 20.3 uGy/s", "10 pA", "170 pA"),
    "dose_rate_sweep": (BEAM_CURRENT, *of_photocurrent("26 pA at 1.38 nGy/s", "10 pA", "170 pA")),
    "dose_rate_sweep_mai": (BEAM_CURRENT, *of_photocurrent("15 pA at 1.38 nGy/s", "100 pA", "400 pA")),
    "dose_rate_sweep_untreated": (BEAM_CURRENT, *of_photocurrent("9.1 pA at 1.38 nGy/s", "100 pA", "400 pA")),
    "sclc_sweep": (LOWEST_CURRENT,),
    "sclc_sweep_mai": (LOWEST_CURRENT,),
    "sclc_sweep_untreated": (LOWEST_CURRENT,),
}


@pytest.mark.parametrize("recipe", NAMES)
def test_a_shipped_recipe_warns_of_what_the_meter_cannot_and_of_nothing_else(recipe):
    assert plan(recipe).warnings == EXPECTED.get(recipe, ())


@pytest.mark.parametrize("recipe", NAMES)
def test_a_plan_states_points_time_and_for_a_beam_its_time_and_dose(recipe):
    config = load_run(RECIPES / f"{recipe}.toml")
    wanted, told = plan_of(config), dict(describe(config, plan_of(config)))
    assert told["readings"] == str(wanted.points) != "0"
    assert wanted.duration_s > 0
    has_beam = any(True for _ in config.recipe.parameters.beams())
    assert ("X-rays on" in told) == has_beam == (wanted.beam_s > 0) == (wanted.dose_gy > 0)
    assert ("accuracy" in told) == ("smu" in config.recipe.parameters.roles and not has_beam)
    for phase in wanted.phases:
        assert re.match(r"(no|\d+) readings in .+( at |: ).+", told[phase.name])


@pytest.mark.parametrize("recipe", [name for name in NAMES if "calibration" not in name])
def test_a_field_above_the_limit_of_the_sample_is_refused_with_the_line_of_the_limit(recipe, tmp_path):
    config = load_run(RECIPES / f"{recipe}.toml")
    text = config.texts["sample"]
    assert 'max_field = "0.5 V/um"' in text
    sample = tmp_path / "weak.toml"
    sample.write_text(text.replace('max_field = "0.5 V/um"', 'max_field = "0.09 V/um"'))
    line = 1 + next(k for k, each in enumerate(sample.read_text().splitlines()) if each.startswith("max_field"))
    with pytest.raises(ConfigError, match=rf"over the limit of 4\.5 V from \S*weak\.toml:{line} \(max_field"):
        load_run(RECIPES / f"{recipe}.toml", sample=sample)


@pytest.mark.parametrize(
    ("recipe", "overrides", "warning"),
    [
        ("bias_stability", ["compliance=1 mA", "current_range=1 mA"],
         "dark current at 5 V: 300 nA at most: known to 12 % or worse (offset 35 nA in the range of 1 mA)"),
        ("bias_stability", ["compliance=1 mA", "current_range=1 mA", "nplc=0.01"],
         "dark current at 5 V: 300 nA at most: under the range accuracy (offset 320 nA in the range of 1 mA)"),
        ("noise_spectrum", ["compliance=1 mA", "current_range=1 mA"],
         "dark current at 5 V: 300 nA at most: known to 12 % or worse (offset 35 nA in the range of 1 mA)"),
        ("sclc_sweep", ["lowest_bias=5 mV", "baseline_duration=0 s"],
         "dark current at 5 mV (by Ohm's law from max_dark_current at 5 V): 1 nA at most: known to 17 % or worse "
         "(offset 170 pA in the range of 1 uA)"),
        ("temperature_sweep", ["lowest_temperature=180 K"],
         "dark current at 180 K (max_dark_current at 320 K, falling by 0.3 eV): 1.7 nA at most: known to 10 % or "
         "worse (offset 170 pA in the range of 1 uA); pulses of both signs take its constant part out"),
        ("dose_rate_sweep_mai", ["current_range=1 uA", "expected_sensitivity=1e6 uC/Gy/cm^2"],
         "max_dark_current and the photocurrent at 20.3 uGy/s, about 5.6 uA in all, exceed the range of 1 uA: "
         "readings above it are lost"),
        ("field_sweep", ["expected_sensitivity=2e6 uC/Gy/cm^2"],
         "max_dark_current and the photocurrent at 20.3 uGy/s, about 1.6 uA in all, exceed the range of 1 uA: "
         "readings above it are lost"),
        ("noise_spectrum", ["expected_noise=1e-24 A^2/Hz"],
         "noise of the preamplifier, 6e-13 A/√Hz, above a third of the expected 5e-14 A/√Hz at the top of the band: "
         "choose a more sensitive setting"),
        ("dose_calibration", ["tube_voltage=45 kV"],
         "no dose is stated: the tracked table of the tube does not have 45 kV behind each of these filters"),
    ],
)  # fmt: skip
def test_each_warning_appears_where_it_is_due(recipe, overrides, warning):
    assert warning in plan(recipe, *overrides).warnings


@pytest.mark.parametrize("recipe", ["dose_rate_sweep", "field_sweep", "photoresponse"])
def test_without_an_expected_sensitivity_the_plan_says_what_was_not_checked_and_the_key_for_it(recipe, tmp_path):
    text = without(recipe, "expected_sensitivity")
    said = plan_of(load_run(written(tmp_path, text))).warnings
    unchecked = [each for each in said if "not compared" in each]
    assert unchecked == [
        "the photocurrent was not compared with the accuracy of the current range: the recipe has no "
        "expected_sensitivity"
    ]
    assert not any(each.startswith("photocurrent about") for each in said)


def test_without_an_expected_noise_the_plan_says_so(tmp_path):
    said = plan_of(load_run(written(tmp_path, without("noise_spectrum", "expected_noise")))).warnings
    assert said == (
        "the noise of the preamplifier, 6e-13 A/√Hz, was not compared with that of the crystal: the recipe has no "
        "expected_noise",
    )


def without(recipe, key):
    """Get the text of a shipped recipe without a key."""
    lines = (RECIPES / f"{recipe}.toml").read_text().splitlines()
    left = [line for line in lines if not line.startswith(f"{key} ")]
    assert len(left) == len(lines) - 1
    return "\n".join(left)


def written(folder: Path, text: str) -> Path:
    """Write a recipe that finds the shipped files."""
    path = folder / "own.toml"
    path.write_text(text.replace('"../', f'"{shipped_configs()}/'))
    return path
