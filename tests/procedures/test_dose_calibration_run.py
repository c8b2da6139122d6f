"""A dose calibration on the simulated bench: beam only while it is needed, every setting visited, dark at the end."""

import math
from itertools import pairwise

import numpy as np
import pytest

from instruments.sim.faults import TimedFault
from procedures.calibration_order import visits_of
from procedures.dose_watch import DoseWatch
from procedures.dosimetry import Dosimetry
from tests.procedures.interrupting import Stopper, checkpoints_of
from tests.procedures.parts_bench import StageAlone, StageParameters, parts
from tests.procedures.shortening import shortened
from xraydaq.config import load_run
from xraydaq.config.shipped import shipped_configs
from xraydaq.errors import ConfigError, InstrumentTimeout, SafetyTrip
from xraydaq.evaluation import evaluate_stored
from xraydaq.plan import plan_of
from xraydaq.runner import RunOptions, run
from xraydaq.storage import STATUS_FLAGS, read_run

RECIPE = shipped_configs() / "recipes" / "dose_calibration.toml"
SHORT = (
    'foils=["0 mm", "1 mm", "4 mm"]', 'tube_currents=["60 uA", "200 uA"]', "readings=2", "reading_duration=10 s",
    "warm_up_duration=60 s", "conditioning_duration=60 s", "reference_period=5 min",
)  # fmt: skip
SETTINGS, ROWS_OF_A_VISIT = 6, 5


def config_of(*overrides, **files):
    return shortened("dose_calibration", SHORT, *overrides, **files)


def test_every_setting_is_measured_between_two_dark_readings_and_the_beam_is_off_at_the_end(tmp_path, beams):
    config = config_of()
    outcome = run(config, RunOptions(out=tmp_path))
    stored = read_run(outcome.folder)
    assert outcome.state == "finished"
    columns, visits = stored.columns, visits_of(config.recipe.parameters)
    assert stored.rows == plan_of(config).points == len(visits) * ROWS_OF_A_VISIT
    assert columns["beam_on"].reshape(-1, ROWS_OF_A_VISIT).tolist() == [[0, 1, 0, 1, 0]] * len(visits)
    on = columns["beam_on"] == 1
    assert columns["tube_current_set"][on].tolist() == [visit.current_a for visit in visits for _ in range(2)]
    assert columns["total_aluminium"] == pytest.approx(
        [1e-3 + v.foil_m for v in visits for _ in range(5)], rel=1e-6, abs=0
    )
    assert np.all(np.isfinite(columns["kerma_rate"]))
    assert np.all(columns["kerma_rate"][on] > 1e-6)
    assert np.all(np.abs(columns["kerma_rate"][~on]) < 1e-9)
    assert checkpoints_of(stored) == [visit.key for visit in visits]
    assert max(event.kv for event in beams) <= 50 * 1.001
    assert not beams[-1].on
    assert stored.instruments["tube"]["settings_end"]["HVSE"] == "0.000"
    by_edges = sum(later.time_s - event.time_s for event, later in pairwise(beams) if event.on)
    assert by_edges == pytest.approx(plan_of(config).beam_s, rel=0.15, abs=0)


def test_a_stop_ends_dark_and_the_run_goes_on_at_the_visit_that_was_cut_off(tmp_path, beams):
    config = config_of()
    stopped = run(config, RunOptions(out=tmp_path), Stopper(after=12))
    assert stopped.state == "stopped"
    assert not beams[-1].on
    first = read_run(stopped.folder)
    assert 12 <= first.rows < plan_of(config).points
    resumed = run(config, RunOptions(out=tmp_path, resume=stopped.folder))
    assert resumed.state == "finished"
    assert not beams[-1].on
    whole = read_run(resumed.folder)
    visits = visits_of(config.recipe.parameters)
    assert sorted(checkpoints_of(whole)) == sorted(visit.key for visit in visits)
    kept = whole.columns["status"] & STATUS_FLAGS["abandoned"] == 0
    assert np.sum(kept) == len(visits) * ROWS_OF_A_VISIT
    result = evaluate_stored(whole)
    assert len(result.visits.rate_gy_s) == len(visits)
    assert result.dropped == ({"marked in the run": int(np.sum(~kept))} if np.any(~kept) else {})


def test_a_beam_smaller_than_the_chamber_is_named_from_the_wire_up(tmp_path):
    bench = tmp_path / "partial.toml"
    text = (shipped_configs() / "benches" / "simulated.toml").read_text()
    bench.write_text(text.replace("[twin]\n", '[twin]\nchamber_field = "partial"\n'))
    config = config_of('foils=["0 mm", "1 mm", "2 mm"]', bench=bench)
    result = evaluate_stored(read_run(run(config, RunOptions(out=tmp_path)).folder))
    assert result.verdict == "dose not traceable: does the field cover the chamber?"
    assert result.prediction.ratio.value == pytest.approx(955, rel=0.1, abs=0)


def bench_with(tmp_path, faults):
    bench = tmp_path / "faulty.toml"
    text = (shipped_configs() / "benches" / "simulated.toml").read_text()
    bench.write_text(text.replace("[twin]\n", f'[twin]\nfaults = "{faults}"\n'))
    return bench


@pytest.mark.parametrize("start_s", [0, 450])
def test_a_beam_that_brings_no_dose_goes_off_after_the_first_such_reading(tmp_path, beams, start_s):
    bench = bench_with(tmp_path, f"beam_without_dose@{start_s}-100000")
    outcome = run(config_of(bench=bench), RunOptions(out=tmp_path))
    assert (outcome.state, outcome.exit_code) == ("failed", 3)
    assert "no dose: shutter? chamber? range?" in outcome.reason
    columns = read_run(outcome.folder).columns
    nothing = (columns["beam_on"] == 1) & (np.abs(columns["kerma_rate"]) < 1e-9)
    assert np.flatnonzero(nothing).tolist() == [len(nothing) - 1]
    assert (len(nothing) > ROWS_OF_A_VISIT) == (start_s > 0)
    assert not beams[-1].on


def test_a_dose_without_beam_ends_the_run_after_two_readings_and_no_beam_comes_between(tmp_path, beams):
    bench = bench_with(tmp_path, "dose_without_beam@450-100000")
    outcome = run(config_of(bench=bench), RunOptions(out=tmp_path))
    assert (outcome.state, outcome.exit_code) == ("failed", 3)
    assert "dose without beam" in outcome.reason
    columns = read_run(outcome.folder).columns
    shown = (columns["beam_on"] == 0) & (columns["kerma_rate"] > 2e-9)
    assert np.flatnonzero(shown).tolist() == [len(shown) - 2, len(shown) - 1]
    assert not beams[-1].on


def test_a_dose_without_beam_that_is_gone_at_the_next_reading_ends_nothing():
    watch = DoseWatch()
    assert not any(watch.dark(rate_gy_s) for rate_gy_s in (1e-11, -2e-11, 0.0, math.nan))
    for _ in range(3):
        assert watch.dark(1e-6)
        assert not watch.dark(2e-11)


def test_a_setting_too_low_for_the_chamber_is_not_taken_for_a_missing_dose():
    watch = DoseWatch()
    watch.lit(1e-8, 1e-5)  # the beam covers a thousandth of the chamber
    watch.lit(5e-12, 5e-9)
    with pytest.raises(SafetyTrip, match="no dose"):
        watch.lit(5e-12, 5e-6)
    with pytest.raises(SafetyTrip, match="no dose"):
        watch.lit(5e-12, math.nan)


class ChamberAlone(StageAlone):
    """Has the dosimeter and nothing else."""

    def prepare(self, way_back):
        """Prepare the dosimeter."""
        self.dosimetry = Dosimetry(self, None, None)
        self.dosimetry.prepare(way_back)


def test_a_measurement_whose_reading_failed_is_ended_at_once(monkeypatch):
    monkeypatch.setattr(StageParameters, "ROLES", ("dosimeter",))
    with parts(ChamberAlone) as rig:
        digitizer, seen = rig.world.devices["dosimeter"].digitizer, []

        def script(procedure):
            begin_s = rig.clock.now()
            silent = TimedFault("missing", begin_s + 5.0, begin_s + 12.0)  # READ? is asked twice, 1.5 s apart
            rig.world.links["dosimeter"].add_fault(silent)
            values, failure = procedure.dosimetry.take("chamber", 10.0)
            seen.append((values["status"], type(failure), digitizer.running))

        assert rig.run(script) is None
    assert seen == [(STATUS_FLAGS["bad_reply"], InstrumentTimeout, False)]


def test_the_order_is_random_and_comes_again_with_its_seed():
    orders = [
        [(visit.foil_m, visit.current_a) for visit in visits_of(config_of(f"order_seed={seed}").recipe.parameters)]
        for seed in (1, 1, 2)
    ]
    assert orders[0] == orders[1] != orders[2]
    visits = visits_of(config_of().recipe.parameters)
    assert visits[0].is_reference
    assert visits[-1].is_reference
    settings = [(visit.foil_m, visit.current_a) for visit in visits if not visit.is_reference]
    assert len(settings) == len(set(settings)) == SETTINGS


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ('tube_currents=["60 uA"]', "one tube current; allowed: 2 or more"),
        ('foils=["0 mm", "1 mm"]', "2 foils; allowed: 3 or more"),
        ("reference_foil=2 mm", "not one of the foils"),
        ('tube_currents=["60 uA", "300 uA"]', "300 uA is over the limit of 200 uA"),
        ("tube_voltage=55 kV", "55 kV is over the limit of 50 kV"),
        ('foils=["0 mm", "1 mm", "3 mm"]', "3 mm is no foil of the bench"),
    ],
)
def test_what_cannot_be_calibrated_is_refused_in_one_line(override, said):
    with pytest.raises(ConfigError) as refused:
        config_of(override)
    assert len([problem for problem in refused.value.problems if said in problem]) == 1


@pytest.mark.parametrize("key", ["collimator", "field_covers_chamber", "distance", "certificate", "air_pressure"])
def test_a_recipe_that_is_silent_about_what_a_dose_depends_on_is_refused(key, tmp_path):
    recipe = tmp_path / "silent.toml"
    lines = RECIPE.read_text().replace('"../samples', f'"{shipped_configs()}/samples').splitlines()
    recipe.write_text("\n".join(line for line in lines if not line.startswith(f"{key} =")))
    with pytest.raises(ConfigError, match="air_temperature" if key == "air_pressure" else key) as refused:
        load_run(recipe)
    assert len(refused.value.problems) == 1


def test_a_plan_warns_of_what_the_chamber_cannot_measure():
    config = config_of(
        'foils=["0 mm", "1 mm", "29 mm"]', 'tube_currents=["5 uA", "200 uA"]', "field_covers_chamber=false"
    )
    told = " ".join(plan_of(config).warnings)
    assert "30 mm of aluminium: about 1.4 nGy/s is below the chamber's 2 nGy/s" in told
    assert "not be traceable" in told
    assert "warm-up below 15 min" in told
    plan = plan_of(load_run(RECIPE))
    assert plan.warnings == ()
    assert 0.01 < plan.dose_gy < 0.2
