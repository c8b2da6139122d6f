"""A noise run on the simulated bench, through the drivers: every spectrum, every way back, who moves the crystal."""

import numpy as np
import pytest

from instruments.agilent35670a import Agilent35670A
from instruments.keithley2400 import Keithley2400
from instruments.sim.sr570 import SimSr570
from instruments.sim.twin import Crystal
from tests.procedures.interrupting import Stopper
from tests.procedures.shortening import shortened
from xraydaq.bench.operator import StandIn
from xraydaq.config import load_run
from xraydaq.config.shipped import shipped_configs
from xraydaq.errors import ConfigError
from xraydaq.evaluation import evaluate_stored
from xraydaq.plan import plan_of
from xraydaq.runner import RunOptions, run
from xraydaq.storage import read_run

RECIPE = shipped_configs() / "recipes" / "noise_spectrum.toml"
SHORT = ("averages=4", "current_duration=60 s", "settle_duration=60 s", "rest_duration=10 s", "lines=[100, 400]")
STEPS = ["crystal, 25 Hz", "crystal, 400 Hz", "dark current"]
BACKGROUND = [f"{what}, {span}" for what in ("crystal at 0 V", "open input") for span in ("25 Hz", "400 Hz")]


def config_of(*overrides, **files):
    return shortened("noise_spectrum", (*SHORT, "stage_temperature=296.15 K"), *overrides, **files)


@pytest.fixture
def seen(monkeypatch):
    """Every bias the crystal has seen, and the amplifiers of the benches."""
    biases, amplifiers = [], []
    set_bias, begin = Crystal.set_bias, SimSr570.__init__

    def watched(crystal, time_s, bias_v):
        biases.append(bias_v)
        set_bias(crystal, time_s, bias_v)

    def kept(amplifier, *given, **named):
        amplifiers.append(amplifier)
        begin(amplifier, *given, **named)

    monkeypatch.setattr(Crystal, "set_bias", watched)
    monkeypatch.setattr(SimSr570, "__init__", kept)
    return biases, amplifiers


def checkpoints_of(stored):
    found = [event.message for event in stored.events if event.kind == "checkpoint"]
    return [text for text in found if not text.startswith("input range")]


def is_off(stored, amplifier):
    smu_off = "smu" not in stored.instruments or stored.instruments["smu"]["settings_end"][":OUTP?"] == "0"
    return smu_off and not amplifier.state.bias_on and amplifier.state.blanked and amplifier.refused == []


def test_every_spectrum_is_taken_with_one_range_and_everything_is_off_at_the_end(tmp_path, seen):
    config = config_of()
    stored = read_run(run(config, RunOptions(out=tmp_path)).folder)
    assert (stored.state, stored.reason) == ("finished", "")
    assert checkpoints_of(stored) == STEPS + BACKGROUND
    assert stored.rows == plan_of(config).points == 6 + 241
    columns = stored.columns
    spectra = columns["spectrum"] > 0
    assert columns["spectrum"][spectra].tolist() == [1, 2, 3, 4, 5, 6]
    assert columns["kind"][spectra].tolist() == [1, 1, 2, 2, 3, 3]
    assert columns["voltage"][spectra].tolist() == [5, 5, 0, 0, 0, 0]
    assert columns["voltage"][~spectra] == pytest.approx(5.0, rel=1e-3, abs=0)
    assert np.all(np.abs(columns["temperature"] - 296.15) < 0.2)
    assert np.all(np.diff(columns["elapsed"]) > 0)
    headers = [block.header for block in stored.blocks]
    assert [header["number"] for header in headers] == [1, 2, 3, 4, 5, 6]
    assert len({header["range_dbvrms"] for header in headers}) == 1
    assert {header["sensitivity_a_per_v"] for header in headers} == {1e-6}
    assert {header["pole_hz"] for header in headers} == {20e3}
    assert [block.values.shape for block in stored.blocks] == [(2, 101), (2, 401)] * 3
    biases, (amplifier,) = seen
    assert max(biases) == pytest.approx(5.0, rel=1e-3, abs=0)
    assert biases[-1] == 0
    assert is_off(stored, amplifier)


def test_the_crystal_is_moved_only_while_nothing_drives_it(tmp_path, monkeypatch):
    moved = []
    do = StandIn.do

    def watched(self, request):
        moved.append((request.value, current[-1] if current else 0.0))
        return do(self, request)

    current = []
    set_bias = Crystal.set_bias

    def seen(crystal, time_s, bias_v):
        current.append(bias_v)
        set_bias(crystal, time_s, bias_v)

    monkeypatch.setattr(StandIn, "do", watched)
    monkeypatch.setattr(Crystal, "set_bias", seen)
    run(config_of(), RunOptions(out=tmp_path))
    assert moved == [(where, 0.0) for where in ("preamplifier", "smu", "preamplifier", "none")]


def test_a_bench_where_nobody_moves_the_crystal_is_left_switched_off(tmp_path, seen, monkeypatch):
    monkeypatch.setattr(StandIn, "do", lambda self, request: False)
    stored = read_run(run(config_of(), RunOptions(out=tmp_path)).folder)
    assert stored.state == "failed"
    assert "needs a person at the bench" in stored.reason
    assert not any(seen[0])
    assert is_off(stored, seen[1][0])


@pytest.mark.parametrize("moment", ["s at 5 V", "crystal, 25 Hz", "dark current:"])
def test_a_stop_is_safe_and_the_run_goes_on_with_the_part_that_was_cut(tmp_path, seen, moment):
    stopped = run(config_of(), RunOptions(out=tmp_path), Stopper(when=lambda kind, message: moment in message))
    first = read_run(stopped.folder)
    assert first.state == "stopped"
    assert seen[0][-1:] in ([], [0])
    assert is_off(first, seen[1][0])
    if not checkpoints_of(first):  # nothing was complete: there is nothing to go on with
        return
    outcome = run(config_of(), RunOptions(out=tmp_path, resume=stopped.folder))
    stored = read_run(outcome.folder)
    assert outcome.state == "finished"
    assert checkpoints_of(stored) == STEPS + BACKGROUND
    assert [block.header["number"] for block in stored.blocks] == [1, 2, 3, 4, 5, 6]
    assert len({block.header["range_dbvrms"] for block in stored.blocks}) == 1
    assert is_off(stored, seen[1][-1])


def test_bias_and_output_are_off_before_the_analyser_is_asked_to_stop(tmp_path, monkeypatch):
    deeds = []
    for kind, name, deed in (
        (Crystal, "set_bias", lambda time_s, bias_v: f"{abs(bias_v):.1f} V"),
        (Keithley2400, "safe_off", lambda: "output off"),
        (Agilent35670A, "safe_off", lambda: "analyser"),
    ):
        done = getattr(kind, name)

        def watched(instrument, *given, done=done, deed=deed):
            deeds.append(deed(*given))
            return done(instrument, *given)

        monkeypatch.setattr(kind, name, watched)
    stop = Stopper(when=lambda kind, message: "dark current:" in message)
    assert run(config_of(), RunOptions(out=tmp_path), stop).state == "stopped"
    way_back = deeds[len(deeds) - deeds[::-1].index("5.0 V") :]
    assert way_back.index("0.0 V") < way_back.index("output off") < way_back.index("analyser")


def test_without_a_dark_current_no_source_measure_unit_is_needed(tmp_path):
    config = config_of("current_duration=0 s", "zero_bias=false")
    assert "smu" not in config.recipe.parameters.roles
    stored = read_run(run(config, RunOptions(out=tmp_path)).folder)
    result = evaluate_stored(stored)
    assert stored.rows == 4
    assert "smu" not in stored.instruments
    assert np.isnan(result.shot.value)
    assert result.background == "open_input"


def test_a_density_at_rest_is_one_of_the_amplifier_and_far_below_that_at_bias(tmp_path):
    stored = read_run(run(config_of(), RunOptions(out=tmp_path, seed=4)).folder)
    low, high = 12.0, 24.0
    densities = []
    for frequency_hz, density in (block.values for block in stored.blocks):
        band = (frequency_hz > low) & (frequency_hz < high)
        densities.append(1e-6 * np.sqrt(np.mean(density[band] ** 2)))
    assert np.allclose(densities[:2], 1e-10 / np.sqrt(17), rtol=0.5)
    assert all(5e-13 < density < 1e-12 for density in densities[2:])


def test_what_preamplifier_and_analyser_do_not_have_is_refused_in_a_line():
    for override, said in (
        ("bias=6 V", "up to 5 V"),
        ("bias=0 V", "not 0 V"),
        ('spans=["30 Hz", "400 Hz"]', "30 Hz is none of the analyser"),
        ("lines=[400]", "one for each"),
        ("lines=[400, 1500]", "1500"),
        ("sensitivity=3 uA/V", "allowed"),
    ):
        with pytest.raises(ConfigError) as refused:
            config_of(override)
        assert said in str(refused.value), override


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("sensitivity=100 nA/V", None),
        ("sensitivity=10 nA/V", "lines above 100 Hz are not evaluated"),
        ("sensitivity=50 nA/V", "which ends at 5 V"),
        ("expected_noise=1e-24 A^2/Hz", "above a third of the expected"),
        ("settle_duration=10 min", "settle_duration below 30 min"),
    ],
)
def test_the_plan_warns_of_what_the_physics_does_not_allow(override, said):
    warnings = plan_of(load_run(RECIPE, overrides=[override])).warnings
    assert said is None or any(said in warning for warning in warnings), warnings
    assert plan_of(load_run(RECIPE)).warnings == ()
