"""Every number that the report asks for exists in the result of its analysis, here made from synthetic readings."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from tests.analysis import calibration_synthetic as beam
from tests.analysis.sclc_synthetic import Gap, make_sweeps
from tests.analysis.spectrum_synthetic import SPANS, Truth, spectra
from tests.analysis.switched_synthetic import SPOT, Chopping, Device, dose_of, points_of, trace
from tests.analysis.synthetic import FLAT, make_run
from tests.analysis.synthetic_sweep import Sweep, evaluated
from tests.analysis.temperature_synthetic import ATOMISTIC, CELL, make_sweep
from xraydaq.analysis import (
    air_ionisation,
    bias_stability,
    dose_calibration,
    field_sweep,
    noise_spectrum,
    photoresponse,
    sclc_sweep,
    temperature_sweep,
    trend,
)
from xraydaq.analysis.values import Value
from xraydaq.reproduce.blind import TRUTHS
from xraydaq.reproduce.measured import NO_RESULT, Measured
from xraydaq.reproduce.pages import html_of
from xraydaq.reproduce.programme import TREATMENTS
from xraydaq.reproduce.shelf import KEY as SHELF
from xraydaq.reproduce.sweep_said import exponent_of_one_filter, foils_or_crystal, is_extrapolated
from xraydaq.reproduce.table import AGREES, DIFFERS, rows_of

RATE = 20e-6
SLOW = Chopping(cycles=4, half_s=14.0, period_s=0.22, reading_s=0.2)
OVERLAPPING = Sweep(
    blanks=4,
    doses=(5e-9, 1e-8, 2e-8, 5e-8, 1e-7, 1e-6, 1e-6, 3e-6, 5e-6, 5e-6, 1e-5, 20.3e-6),
    filters_mm=(30, 30, 30, 30, 30, 30, 10, 10, 10, 2, 2, 2),
)
"""Each foil shares a dose rate with the next."""

UP_AND_DOWN_K = np.concatenate((np.arange(240.0, 321.0, 4.0), np.arange(318.0, 239.0, -4.0)))


def thermal():
    return temperature_sweep.evaluate(*make_sweep(ATOMISTIC, 1, kelvin=UP_AND_DOWN_K), cell=CELL)


def dark():
    run = make_run(FLAT, 1, duration_s=4000)
    return bias_stability.evaluate(*run.columns, **run.settings)


def calibration():
    record = dose_calibration.DoseRecord(50e3, 0.3, "removed", True, "by program")
    table_m = np.linspace(0.5e-3, 35e-3, 60)
    return dose_calibration.evaluate(
        **beam.measure(1), record=record, table_al_m=table_m, table_gy_s_a=0.8 * beam.kerma_gy_s_a(table_m)
    )


def field():
    biases_v = np.array([0.5, 1.0, 2.0, 4.0, 5.0, 4.0, 2.0, 1.0, 0.5])
    rng = np.random.default_rng(1)
    steps_a = 5e-7 * (1 - np.exp(-biases_v / 5.0))
    columns, _ = points_of(
        *(trace(rng, Device(step_a=step, slow_s=0.8), SLOW, start_s=1e3 * k)[0:2] for k, step in enumerate(steps_a))
    )
    return field_sweep.evaluate(
        *columns, bias_v=biases_v, dose=dose_of(np.full(len(biases_v), RATE)), spot=SPOT, gap_m=50e-6, gap_u_m=3e-6,
        timing=field_sweep.Timing(discard_s=6.0, guard_s=0.3, reading_time_s=0.2, baseline_order=1),
    )  # fmt: skip


def response():
    columns, edges_s = points_of(trace(np.random.default_rng(1), Device(), Chopping(half_s=14.0)))
    return photoresponse.evaluate(
        *columns, dose=dose_of(RATE), spot=SPOT, reading_time_s=0.02, bias_v=5.0, gap_m=50e-6, edges_s=edges_s
    )


def air():
    blank = Device(step_a=1e-11, fast_s=1e-3, share=0.0, delay_s=0.0, dark_a=6e-11, asd=0.0)
    columns, _ = points_of(trace(np.random.default_rng(1), blank, SLOW))
    return air_ionisation.evaluate(
        *columns, dose=dose_of(RATE), spot=replace(SPOT, resolution_a=1e-11), reading_time_s=0.2, offset_u_a=1.7e-10,
        sample_sensitivity=Value(8e3, 80.0, "C Gy^-1 m^-2"),
    )  # fmt: skip


def noise():
    truth = Truth()
    return noise_spectrum.evaluate(
        spectra(truth, np.random.default_rng(1), SPANS),
        current_a=truth.current_a, temperature_k=298.0, gain_u_rel=0.0, mains_hz=0.0,
    )  # fmt: skip


@cache
def whole():
    """Everything that the programme measures, as if every run had been made."""
    steady, sweep = np.linspace(0.0, 650.0, 14), evaluated(replace(OVERLAPPING, bend=5000.0), 1)
    single = {
        "dose calibration": calibration(), "dose sweep": sweep, "dose sweep quiet": sweep, "field": field(),
        "response": response(), "air": air(), "noise": noise(),
        SHELF: trend.evaluate(steady, np.full(14, 7e3), np.full(14, 70.0)),
    }  # fmt: skip
    each = {"conductivity": thermal(), "traps": make_sweeps(Gap(), 1).evaluated(sclc_sweep.evaluate), "dark": dark()}
    return single | {f"{what} {treatment}": found for what, found in each.items() for treatment in TREATMENTS}


def without(key):
    return Measured({}, {name: result for name, result in whole().items() if name != key})


def test_a_whole_programme_leaves_no_number_of_the_report_without_a_result():
    measured = Measured({}, whole())
    rows = rows_of(measured)
    assert {row.verdict for row in rows} <= {AGREES, DIFFERS}
    said = html_of(rows, measured, ())
    assert NO_RESULT not in said, said[max(0, said.index(NO_RESULT) - 200) :][:300]
    assert "nan" not in said


def test_every_truth_is_that_of_a_result_that_its_analysis_gives():
    measured = Measured({}, whole())
    missing = [
        known for known in TRUTHS.values() for key in known.job_keys() if measured.value(key, known.result) is None
    ]
    assert missing == []


@pytest.mark.parametrize("key", ["dose calibration", "dose sweep", "dose sweep quiet", "field", "response", "air",
                                 "noise", SHELF, "conductivity mai", "traps mai", "dark atomistic"])  # fmt: skip
def test_a_run_that_failed_is_seen_in_the_report(key):
    measured = without(key)
    assert html_of(rows_of(measured), measured, ()).count(NO_RESULT) > 0


def test_one_foil_at_several_currents_tells_a_crystal_that_bends_from_foils_that_harden_the_beam():
    level, bend = {"quality": {10: 1.2, 30: 1.5}}, {"bend": 5000.0}
    said = {}
    for name, changes in (("foils", level), ("crystal", bend)):
        measured = Measured({}, {"sweep": evaluated(replace(OVERLAPPING, **changes), 3)})
        exponent, al_m = exponent_of_one_filter(measured, "sweep")
        assert al_m == pytest.approx(2e-3, rel=1e-6, abs=0)
        said[name] = (exponent, " ".join(foils_or_crystal(measured, "sweep")))
    assert abs(said["foils"][0].value - 1) < 3 * said["foils"][0].u
    assert said["crystal"][0].value - 1 > 5 * said["crystal"][0].u
    assert "beam quality is in the response" in said["foils"][1]
    assert "no step from foil to foil" in said["crystal"][1]


def test_a_limit_below_every_dose_rate_is_called_an_estimate():
    far = Sweep(blanks=4, doses=(*(10 * each for each in Sweep().doses[:-1]), 20.3e-6))
    measured = Measured({}, {"near": whole()["dose sweep"], "far": evaluated(far, 1)})
    assert is_extrapolated(measured, "near") is False
    assert is_extrapolated(measured, "far") is True
    assert is_extrapolated(measured, "none") is None
