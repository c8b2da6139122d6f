"""Faults of bench and recipe that an analysis must name, from the bytes on the wire up; and without them it is silent.

A calibration whose chamber the beam does not cover is in tests/procedures/test_dose_calibration_run.py.
"""

import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from tests.procedures.shortening import shortened
from xraydaq.config import load_run
from xraydaq.config.shipped import shipped_configs
from xraydaq.evaluation import evaluate_stored
from xraydaq.evaluation.calibration_writing import write_calibration
from xraydaq.runner import RunOptions, run
from xraydaq.storage import read_run

CYCLES = 6
SWEEP = (
    'foils=["1 mm"]', 'tube_currents=["30 uA", "95 uA", "194 uA"]', "settle_duration=60 s", "warm_up_duration=60 s",
    f"cycles={CYCLES}", "half_period=16 s", "blanks=2",
)  # fmt: skip
FILTERS = ('foils=["1 mm", "4 mm", "14 mm"]', 'tube_currents=["20 uA", "60 uA", "194 uA"]', "cycles=4")
CALIBRATION = (
    'foils=["0 mm", "1 mm", "4 mm"]', 'tube_currents=["60 uA", "200 uA"]', "readings=2", "reading_duration=10 s",
    "warm_up_duration=60 s", "conditioning_duration=60 s", "reference_period=5 min",
)  # fmt: skip
FIELDS = (
    'biases=["1 V", "2 V", "3.5 V", "5 V"]', "settle_duration=60 s", "bias_settle_duration=60 s", "cycles=4",
    "warm_up_duration=26 s", "half_period=13 s", "beam_at_rest=off",
)  # fmt: skip
BLINKS = (
    'tube_currents=["194 uA"]', "settle_duration=60 s", "warm_up_duration=24 s", "cycles=12", "half_period=60 s",
    "dense_duration=2 s", "late_period=1 s",
)  # fmt: skip
LINEAR = 'dose_nonlinearity = "none"'
HARDLY_HELD = ("proportional = 0.5", "integral = 0.1", "derivative = 0")
WANDER = ('temperature = "296.15 K"', 'temperature_wander = "0.5 K"')
AT_REST = ("stage_temperature=296.15 K",)
BEAM_ON = 1


def bench_of(folder, twin, stage):
    """The simulated bench with lines in its tables instead of those of the same keys."""
    text = (shipped_configs() / "benches" / "simulated.toml").read_text()
    for table, lines in (("[twin]", twin), ("[stage]", stage)):
        head, tail = text.split(f"\n{table}", 1)
        for line in lines:
            tail = re.sub(rf"(?m)^{line.split(' =')[0]} = .*\n", "", tail)
        text = f"{head}\n{table}" + tail.replace("\n", "\n" + "".join(f"{line}\n" for line in lines), 1)
    path = folder / "bench.toml"
    path.write_text(text)
    return path


@cache
def measured(recipe, short, *overrides, twin=(), stage=()):
    """What is stored of a run, and its evaluation."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        config = shortened(recipe, short, *overrides, bench=bench_of(folder, twin, stage))
        outcome = run(config, RunOptions(out=folder, seed=1))
        assert outcome.state == "finished", outcome.reason
        stored = read_run(outcome.folder)
        return stored, evaluate_stored(stored)


def said(result, words):
    return [flag for flag in result.flags if words in flag]


def edges_on_s(stored, point):
    """Moments at which the beam came on in the visit of a point."""
    rows = stored.columns["point"] == point
    came = np.flatnonzero(np.diff(stored.columns["beam_on"][rows].astype(int)) == BEAM_ON) + 1
    return stored.columns["elapsed"][rows][came]


@pytest.mark.long
def test_a_tube_that_did_not_switch_and_a_limited_reading_cost_their_cycles_and_are_counted():
    whole, result = measured("dose_rate_sweep", SWEEP)
    assert not said(result, "cycles dropped")
    assert result.dropped == {}
    dark_s, limited_s = edges_on_s(whole, 2)[2], edges_on_s(whole, 4)[3]
    faults = (
        f"beam_without_dose@{dark_s - 1:.0f}-{dark_s + 17:.0f}, compliance@{limited_s + 10:.0f}-{limited_s + 12:.0f}"
    )
    _, faulty = measured("dose_rate_sweep", SWEEP, "on_compliance=flag", twin=(f'faults = "{faults}"',))
    assert said(faulty, "2 cycles dropped: beam did not come on, limited or range changed")
    assert faulty.dropped == {"window: beam did not come on": 1, "window: limited or range changed": 1, "cycle": 2}
    assert abs(faulty.point.value / result.point.value - 1) < 0.005


@pytest.mark.slow
def test_an_air_density_factor_that_is_in_the_dose_twice_or_never_or_of_other_air_is_named():
    stored, result = measured("dose_calibration", CALIBRATION)
    assert not said(result, "air-density")
    columns, factor = stored.columns, stored.columns["k_tp"]
    assert np.all(np.abs(factor - 1.0257) < 1e-3)
    wrong = {
        "twice": {"kerma_rate": columns["kerma_rate"] * factor, "dose": columns["dose"] * factor},
        "never": {"kerma_rate": columns["kerma_rate"] / factor, "dose": columns["dose"] / factor},
        "other air": {"air_temperature": columns["air_temperature"] + 1.0},
    }
    for name, spoilt in wrong.items():
        told = evaluate_stored(replace(stored, columns=columns | spoilt))
        assert len(said(told, "air-density correction does not follow from the stored temperature")) == 1, name


@pytest.mark.long
def test_a_sweep_in_a_beam_that_did_not_cover_the_chamber_is_not_traceable(tmp_path):
    bench = bench_of(tmp_path, ('chamber_field = "partial"',), ())
    calibrated = run(shortened("dose_calibration", CALIBRATION, bench=bench), RunOptions(out=tmp_path, seed=1))
    write_calibration(calibrated.folder, tmp_path / "partial.toml", accept_untraceable=True)
    recipe = tmp_path / "sweep.toml"
    shipped = shipped_configs() / "recipes" / "dose_rate_sweep.toml"
    recipe.write_text(f'extends = "{shipped}"\ncalibration = "partial.toml"\n')
    outcome = run(load_run(recipe, overrides=SWEEP, bench=bench), RunOptions(out=tmp_path, seed=1))
    assert said(evaluate_stored(read_run(outcome.folder)), "dose not traceable")
    assert not said(measured("dose_rate_sweep", SWEEP)[1], "dose not traceable")


@pytest.mark.long
def test_filters_that_change_the_quality_are_not_taken_for_one_straight_line():
    _, flat = measured("dose_rate_sweep", SWEEP, *FILTERS, twin=(LINEAR,))
    assert not said(flat, "quality changes along the sweep")
    assert abs(flat.response.theta.value - 1) < 0.02
    _, result = measured("dose_rate_sweep", SWEEP, *FILTERS, twin=(LINEAR, 'spectral = "energy"'))
    assert said(result, "quality changes along the sweep")
    assert said(result, "one line does not describe all points")
    assert result.response.weighted.chi2_per_dof > 1e3
    assert result.response.theta.value < 0.9


@pytest.mark.long
def test_a_drift_in_one_order_is_named_and_in_random_order_it_does_no_harm():
    drifting = (LINEAR, "sensitivity_drift_per_h = -0.1")
    _, result = measured("dose_rate_sweep", SWEEP, *FILTERS, "order=rising", twin=drifting)
    assert said(result, "dose rates only rising through the sweep")
    assert said(result, "reference changed by -")
    _, random = measured("dose_rate_sweep", SWEEP, *FILTERS, twin=drifting)
    assert not said(random, "through the sweep: a drift")
    for each in (result, random):
        assert abs(each.response.theta.value - 1) < 0.02
    assert not said(measured("dose_rate_sweep", SWEEP, *FILTERS, twin=(LINEAR,))[1], "dose rates only")


@pytest.mark.long
def test_a_range_too_coarse_for_the_step_is_named():
    faint = ('foils=["1 mm", "29 mm"]', 'tube_currents=["20 uA", "194 uA"]')
    assert said(
        measured("dose_rate_sweep", SWEEP, *faint, "current_range=10 uA")[1],
        "resolution exceeds a third of the signal",
    )
    assert not said(measured("dose_rate_sweep", SWEEP, *faint)[1], "resolution")


@pytest.mark.long
def test_steps_that_still_grow_because_too_little_was_discarded_are_named():
    assert said(measured("dose_rate_sweep", SWEEP, "discard_duration=0.3 s")[1], "lag: the steps still grow by")
    assert not said(measured("dose_rate_sweep", SWEEP)[1], "lag:")


@pytest.mark.long
def test_a_dark_current_that_still_settles_after_its_bias_step_is_named():
    many = ("cycles=10", "half_period=14 s", "direction=up", "settle_duration=0 s")
    hasty, patient = (
        measured("field_sweep_mai", FIELDS, *many, f"bias_settle_duration={rest}")[1] for rest in ("0 s", "90 min")
    )
    assert said(hasty, "dark current not settled after the bias step")
    assert not said(patient, "not settled")


@pytest.mark.long
@pytest.mark.parametrize(
    ("recipe", "short"),
    [
        ("bias_stability", ("duration=60 min", "tail_duration=0 s")),
        ("dose_rate_sweep", SWEEP),
        ("field_sweep", FIELDS),
        ("photoresponse", BLINKS),
    ],
)
def test_a_dark_current_that_follows_a_wandering_temperature_is_named_with_its_correlation(recipe, short):
    """The stage is hardly held: one that is held well has no wander left to follow."""
    _, result = measured(recipe, short, *AT_REST, twin=WANDER, stage=HARDLY_HELD)
    told = said(result, "current follows the temperature of the crystal, r = ")
    assert told
    assert float(told[0].rsplit("= ", 1)[1]) > 0.9
    _, steady = measured(recipe, short, *AT_REST, twin=WANDER[:1], stage=HARDLY_HELD)
    assert not said(steady, "temperature")


@pytest.mark.slow
def test_a_bench_without_a_sensor_is_told_that_its_temperature_is_not_known():
    _, result = measured("bias_stability", ("duration=10 min", "tail_duration=0 s"))
    assert said(result, "temperature of the crystal not measured")
