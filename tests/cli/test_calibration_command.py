"""``xraydaq calibration`` turns a run into the file that recipes cite, once, and only where the dose is traceable."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from procedures.calibration_order import visits_of
from procedures.dose_calibration import DoseCalibration
from tests.analysis.calibration_synthetic import kerma_gy_s_a
from xraydaq.clock import RealClock
from xraydaq.config import check_file, load_run, shipped_configs
from xraydaq.config.calibration import DoseCalibration as CalibrationFile
from xraydaq.config.calibration import dose_rate
from xraydaq.config.source import read_document
from xraydaq.config.validate import validate
from xraydaq.storage import Header, RunWriter

START_UTC_S = 1.8e9
CHAMBER = (
    '{"digitizer": "Accu-Gold+", "digitizer_serial": "48-1", "chamber": "10X6-180", "chamber_serial": "00-7", '
    '"calibrated": "2026-07-13"}'
)


@pytest.fixture
def calibration_run(workplace):
    """Write a run of dose_calibration whose readings are those of a made-up beam."""

    def write(*overrides, scale=1.0, chamber=CHAMBER, simulated=True):
        config = load_run(shipped_configs() / "recipes" / "dose_calibration.toml", overrides=overrides)
        header = Header(
            procedure="dose_calibration", title="made up", columns=DoseCalibration.COLUMNS, start_utc_s=START_UTC_S,
            signal="kerma_rate", sample=config.sample.model_dump(mode="json"), resolved=config.resolved(),
            simulated=simulated, seed=1 if simulated else None, twin_truth={} if simulated else None,
        )  # fmt: skip
        rng, at_s = np.random.default_rng(5), 0.0
        with RunWriter.create(workplace / "data" / "runs", header, wall=RealClock(), batch=True, publish=False) as out:
            out.event("chamber", chamber, elapsed_s=0.0)
            for visit in visits_of(config.recipe.parameters):
                for repeat in range(7):
                    on = repeat % 2
                    beam = kerma_gy_s_a(1e-3 + visit.foil_m) * (visit.current_a + 0.05e-6) * scale * on
                    values = {
                        "elapsed": at_s, "epoch": START_UTC_S + at_s, "duration": 60.0,
                        "kerma_rate": 1e-11 * rng.normal() + beam * (1 + 2e-4 * rng.normal()),
                        "corrected_by": 1, "dose_flags": 0, "status": 0, "beam_on": on,
                        "tube_current_set": visit.current_a * on, "total_aluminium": 1e-3 + visit.foil_m,
                        "point": visit.number, "repeat": repeat, "reference": int(visit.is_reference),
                    }  # fmt: skip
                    out.append([values.get(column.name, 0.0) for column in DoseCalibration.COLUMNS])
                    at_s += 70.0
            out.finish("finished", "")
        return out.folder

    return write


def read(path):
    return validate(CalibrationFile, read_document(Path(path))).value


def test_a_run_becomes_a_file_that_says_what_was_measured(calibration_run, xraydaq):
    folder = calibration_run("valid_for=90 day")
    said = xraydaq("calibration", folder, "--out", "beam.toml", "--name", "my beam")
    assert (said.code, said.err) == (0, "")
    assert "8 filters" in said.out
    assert check_file(Path("beam.toml")).problems == ()
    made = read("beam.toml")
    assert (made.name, made.simulated, made.field_covers_chamber) == ("my beam", True, True)
    assert (made.collimator, made.air_density_corrected, made.distance_m) == ("removed", "by program", 0.3)
    assert (made.chamber.digitizer, made.chamber.chamber, made.chamber.serial) == (
        "Accu-Gold+ 48-1",
        "10X6-180",
        "00-7",
    )
    assert "calibrated 2026-07-13" in made.chamber.certificate
    assert made.run == folder.name
    assert "kerma" in made.note
    assert len(made.filters) == 8
    rate, u = dose_rate(made, 20e-6, 5e-3)
    assert abs(rate - kerma_gy_s_a(5e-3) * 20.05e-6) < 3 * u


def test_a_real_calibration_runs_out_and_a_simulated_one_does_not(calibration_run, xraydaq):
    simulated, real = calibration_run("valid_for=90 day"), calibration_run("valid_for=90 day", simulated=False)
    for folder, name in ((simulated, "simulated.toml"), (real, "real.toml")):
        assert xraydaq("calibration", folder, "--out", name).code == 0
    assert read("simulated.toml").valid_until.year == 9999
    made = read("real.toml")
    assert made.valid_until - made.made_on == timedelta(days=90)
    assert not made.simulated


def test_a_file_that_exists_is_never_overwritten(calibration_run, xraydaq):
    folder = calibration_run()
    Path("beam.toml").write_text("mine")
    said = xraydaq("calibration", folder, "--out", "beam.toml")
    assert said.code == 6
    assert "never overwritten" in said.err
    assert Path("beam.toml").read_text() == "mine"


@pytest.mark.parametrize(
    ("overrides", "scale"), [(("field_covers_chamber=false",), 1.0), (('foils=["0 mm", "1 mm", "2 mm"]',), 0.004)]
)
def test_a_dose_that_is_not_traceable_is_refused_unless_accepted_and_then_said(
    overrides, scale, calibration_run, xraydaq
):
    folder = calibration_run(*overrides, scale=scale)
    said = xraydaq("calibration", folder, "--out", "beam.toml")
    assert said.code == 8
    assert "not traceable" in said.err
    assert not Path("beam.toml").exists()
    assert xraydaq("calibration", folder, "--out", "beam.toml", "--accept-untraceable").code == 0
    assert read("beam.toml").field_covers_chamber is False
    assert "not traceable" in read("beam.toml").note


def test_a_dosimeter_that_does_not_say_what_it_is_gives_no_file(calibration_run, xraydaq):
    said = xraydaq("calibration", calibration_run(chamber='{"digitizer": "Accu-Gold+"}'), "--out", "beam.toml")
    assert said.code == 8
    assert "chamber, chamber_serial" in said.err


def test_a_run_of_another_procedure_is_no_calibration(stored_run, xraydaq):
    said = xraydaq("calibration", stored_run(), "--out", "beam.toml")
    assert said.code == 2
    assert "a run of bias_stability; allowed: one of dose_calibration" in said.err
