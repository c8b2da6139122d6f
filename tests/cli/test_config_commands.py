import json
import shutil
import subprocess
import sys

import pytest

from xraydaq.config import shipped_configs

SHIPPED = shipped_configs()


@pytest.fixture
def copied(workplace):
    """The shipped configuration, where it may be spoilt."""
    shutil.copytree(SHIPPED, workplace / "configs")
    return workplace / "configs"


def spoil(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_check_says_ok_for_every_shipped_file(xraydaq, copied):
    files = sorted(file.relative_to(copied.parent) for file in copied.rglob("*.toml"))
    said = xraydaq("check", *files)
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [f"{file}: ok" for file in files]


def test_check_shows_every_mistake_of_every_file_once_and_ends_with_2(xraydaq, copied):
    spoil(copied / "samples" / "atomistic.toml", 'gap = "50 um"', 'gap = "50 V"')
    spoil(copied / "recipes" / "bias_stability.toml", 'bias = "5 V"', 'bais = "5 V"')
    said = xraydaq("check", "configs/recipes/bias_stability.toml", "configs/samples/atomistic.toml", "missing.toml")
    assert said.code == 2
    lines = said.out.splitlines()
    assert len(lines) == len(set(lines))
    assert any(
        line.startswith("configs/recipes/bias_stability.toml:11: parameters.bais: unknown key") for line in lines
    )
    assert any(line.startswith("configs/samples/atomistic.toml:13: gap: ") for line in lines)
    assert "missing.toml: file not found; check the path" in lines
    assert not any(line.endswith(": ok") for line in lines)


def test_check_shows_what_may_run_but_should_be_known(xraydaq, copied):
    spoil(copied / "recipes" / "bias_stability.toml", '"50 uA"', '"1 uA" ')
    said = xraydaq("check", "configs/recipes/bias_stability.toml")
    assert said.code == 0
    assert said.out.splitlines()[0] == "configs/recipes/bias_stability.toml: ok"
    assert said.out.splitlines()[1].startswith("warning: configs/recipes/bias_stability.toml:18: ")


def test_check_reads_a_sound_recipe_no_more_often_than_one_that_is_not(copied):
    sound = copied / "recipes" / "bias_stability.toml"
    unsound = sound.with_name("unsound.toml")
    unsound.write_text(sound.read_text().replace('bias = "5 V"', 'bias = "5000 V"'))
    assert 0 < times_opened(sound) == times_opened(unsound)


def times_opened(recipe):
    """Count how often the program opens a file, in a process of its own: an audit hook cannot be taken away."""
    code = (
        "import sys; seen = []\n"
        "sys.addaudithook(lambda event, words: event == 'open' and seen.append(str(words[0])))\n"
        "from xraydaq.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: print(sum(name == sys.argv[2] for name in seen), file=sys.stderr)"
    )
    said = subprocess.run([sys.executable, "-c", code, "check", recipe], capture_output=True, text=True, check=True)
    return int(said.stderr)


@pytest.mark.parametrize("words", [["check"], ["plan"], ["plan", "a", "b"], ["nonsense"], ["check", "--nonsense"]])
def test_a_mistake_on_the_command_line_ends_with_2_and_shows_no_traceback(xraydaq, words):
    said = xraydaq(*words)
    assert said.code == 2
    assert "Traceback" not in said.err
    assert "Usage: xraydaq" in said.err


def test_check_of_a_directory_says_so(xraydaq, copied):
    said = xraydaq("check", "configs")
    assert (said.code, said.out) == (2, "configs: cannot be read: Is a directory\n")


def test_plan_shows_phases_steps_duration_disk_and_the_line_of_each_limit(xraydaq, copied):
    said = xraydaq("plan", "configs/recipes/bias_stability.toml")
    assert (said.code, said.err) == (0, "")
    lines = dict(line.split("  ", 1) for line in said.out.splitlines())
    shown = {label: text.strip() for label, text in lines.items()}
    assert shown["bias"] == "48001 readings in 13 h 20 min at 5 V"
    assert shown["bias steps"] == "50 of 100 mV up, 1 V/s; 10.0 s for up and down"
    assert shown["nominal field"] == "100 V/mm"
    assert shown["duration"] == "13 h 31 min 10 s"
    assert shown["readings"] == "48663"
    assert shown["disk"] == "at most 30 MB while it runs"
    assert shown["bench"].startswith("simulated (")
    assert shown["bench"].endswith("benches/simulated.toml), simulated")
    assert shown["limit of bias"].startswith("25 V from configs/samples/atomistic.toml:21 (")


def test_plan_with_bench_sample_and_set_shows_what_they_change(xraydaq, copied):
    said = xraydaq("plan", "bias_stability", "--bench", "lab_gpib", "--sample", "mai", "--set", 'duration="10 min"')
    assert said.code == 0
    assert "mai (" in said.out
    assert "601 readings in 10 min at 5 V" in said.out
    assert "drivers not verified on hardware" in said.out


def test_plan_opens_no_instrument(xraydaq, copied):
    assert xraydaq("plan", "bias_stability", "--bench", "configs/benches/lab_gpib.toml").code == 0


def test_plan_of_a_bias_beyond_a_limit_is_refused_with_the_line_of_the_limit(xraydaq, copied):
    said = xraydaq("plan", "configs/recipes/bias_stability.toml", "--set", 'bias="30 V"')
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: --set: parameters.bias: 30 V is over the limit of 25 V")
    assert "configs/samples/atomistic.toml:21" in said.err


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ("bias_stabilty", 'no recipe of this name comes with the program; did you mean "bias_stability"?'),
        ("configs", "configs: cannot be read: Is a directory"),
        ("nowhere/x.toml", "nowhere/x.toml: file not found"),
        ("configs/benches/simulated.toml", "this is a bench file; a recipe file is wanted here"),
    ],
)
def test_a_recipe_that_is_none_is_named(xraydaq, copied, recipe, message):
    said = xraydaq("plan", recipe)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: ")
    assert message in said.err


def test_a_file_of_ones_own_goes_before_a_shipped_one_of_that_name(xraydaq, copied):
    (copied.parent / "bias_stability.toml").write_text(
        'extends = "configs/recipes/bias_stability.toml"\ntitle = "Mine"\n'
    )
    assert "Mine (bias_stability.toml)" in xraydaq("plan", "bias_stability.toml").out
    assert "atomistic passivation" in xraydaq("plan", "bias_stability").out


def test_schema_is_json_for_each_kind_and_for_all(xraydaq):
    every = json.loads(xraydaq("schema").out)
    assert set(every) == {"bench", "sample", "recipe", "calibration"}
    for kind, schema in every.items():
        assert json.loads(xraydaq("schema", kind).out) == schema
    said = xraydaq("schema", "recipes")
    assert (said.code, said.err) == (
        2,
        "error: recipes: no kind of configuration file; allowed: bench, sample, recipe, calibration\n",
    )
