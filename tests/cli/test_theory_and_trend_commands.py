import csv
import math
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from tests.cli.conftest import START_UTC_S, header_of
from xraydaq.clock import RealClock
from xraydaq.storage import Quantity, RunWriter, StoredAnalysis, add_analysis
from xraydaq.storage.result import build_result

UNIT = "C Gy^-1 m^-2"
HOUR_S = 3600.0


@pytest.fixture
def sensitive_run(workplace):
    """Write a closed run whose last analysis found a sensitivity, at a date."""

    def write(hours, sensitivity, *, own_rel=0.005, common_rel=0.036, sample="atomistic", unit=UNIT):
        header = header_of()
        header = replace(header, start_utc_s=START_UTC_S + hours * HOUR_S, sample=header.sample | {"name": sample})
        root = workplace / "data" / "runs"
        with RunWriter.create(root, header, wall=RealClock(), batch=True, publish=False) as writer:
            writer.append((0.0, header.start_utc_s, 5.0, 1e-7, 1e-10, np.nan, 0, 0, 0.0))
            writer.finish("finished", "")
        results = {
            "sensitivity": Quantity(sensitivity, math.hypot(own_rel, common_rel) * sensitivity, unit),
            "sensitivity_slope_weighted": Quantity(0.9 * sensitivity, 0.04 * sensitivity, unit),
            "sensitivity_slope_5_mm_al": Quantity(6000.0, 250.0, unit),
            "u_of_sensitivity_from_steps_and_dose_model": Quantity(own_rel * sensitivity, unit=UNIT),
            "u_of_sensitivity_from_area_of_the_spot": Quantity(common_rel * sensitivity, unit=UNIT),
        }
        analysis = StoredAnalysis("dose_rate_sweep", "xraydaq", "0.1.0", "2027-01-15T08:00:00+00:00", {}, results)
        add_analysis(build_result(writer.folder, []), analysis)
        return writer.folder

    return write


def write_reference(path, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("date", "ratio", "u"), *rows])


def iso(hours):
    return datetime.fromtimestamp(START_UTC_S + hours * HOUR_S, UTC).isoformat()


def test_theory_prints_attenuation_unity_gain_and_gain_and_draws(xraydaq, workplace):
    words = ["theory", "--thickness", "1 mm", "--thickness", "100 um", "--energy", "22.16 keV", "--filter", "2 mm"]
    said = xraydaq(*words, "--sensitivity", "7.1e5 uC/Gy/cm^2", "--out", "gain.png")
    assert said.code == 0
    assert "22.16       141.4       70.7     1.000       0.757      550        417" in said.out
    assert "50   2  1.36    1 mm  1140 ± 120" in said.out
    assert "621 ± " in said.out
    assert (workplace / "gain.pdf").stat().st_size > 1000
    again = xraydaq("theory", "--out", "gain.png")
    assert (again.code, again.err) == (6, "error: gain.png exists; a figure is never overwritten\n")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--thickness", "100"], 2, '--thickness: unit missing in "100"'),
        (["--energy", "22 s"], 2, '--energy: "22 s" is a duration'),
        (["--energy", "900 keV"], 2, "photon energy 900 keV; the attenuation tables hold from 1 to 800 keV"),
        (["--filter", "80 mm"], 2, "80 mm of aluminium at 50 kV; the beam table holds 0.5 to 35 mm"),
        (["--formula", "Xx2"], 2, '"Xx2" is not a chemical formula'),
        (["--gap-energy", "-1 eV"], 2, "band gap -1 eV; allowed: above 0 eV"),
        (["--run", "x", "--sensitivity", "1 C/Gy/m^2"], 8, "--run and --sensitivity both give a sensitivity"),
        (["--run", "2099"], 2, "2099: no such file, and no run in data/runs begins so"),
    ],
)
def test_theory_refuses_what_it_cannot_know_with_what_is_allowed(xraydaq, words, code, message):
    said = xraydaq("theory", *words)
    assert (said.code, said.out) == (code, "")
    assert said.err.startswith(f"error: {message}")


def test_the_gain_of_a_run_is_that_of_its_own_sensitivity(xraydaq, sensitive_run):
    folder = sensitive_run(0, 7100.0)
    refused = xraydaq("theory", "--run", folder.name)
    assert refused.code == 8
    assert "does not tell its filters; write --filter" in refused.err
    said = xraydaq("theory", "--run", folder.name, "--filter", "2 mm")
    assert said.code == 0
    assert "50   2  1.36   1 mm  1140 ± 120  710000 ± 26000  621 ± 68" in said.out
    behind_5_mm = xraydaq("theory", "--run", folder.name, "--filter", "5 mm")
    assert "600000 ± 25000" in behind_5_mm.out
    dark = sensitive_run(5, 7100.0, unit="A m^-2")
    without = xraydaq("theory", "--run", dark.name)
    assert without.code == 2
    assert "no sensitivity in its last analysis" in without.err


def test_a_trend_over_dates_divides_the_reference_out_and_says_what_change_is_excluded(
    xraydaq, sensitive_run, workplace
):
    rng = np.random.default_rng(4)
    dates_h = np.linspace(0, 650, 8)
    bench = 1 - 0.08 * dates_h / 650
    for hours, factor in zip(dates_h, bench, strict=True):
        sensitive_run(hours, 7100.0 * factor * (1 + 0.005 * rng.standard_normal()))
    sensitive_run(300, 2600.0, sample="untreated")
    rows = [(iso(hours + 2), factor, 0.002) for hours, factor in zip(dates_h, bench, strict=True)]
    write_reference(workplace / "chamber.csv", rows)
    said = xraydaq("trend", "--sample", "atomistic", "--reference", "chamber.csv")
    assert said.code == 0, said.err
    assert "Sensitivity over 650 h: 8 runs used, 0 dropped" in said.out
    assert "no change told from zero" in said.out
    assert "the bench drifts: -8.0 %" in said.out
    alone = xraydaq("trend", "--sample", "atomistic")
    assert "the sensitivity falls" in alone.out
    assert "not separated" in alone.out
    mixed = xraydaq("trend", *sorted(path.name for path in (workplace / "data" / "runs").iterdir()))
    assert (mixed.code, mixed.out) == (8, "")
    assert "these runs are of atomistic, untreated" in mixed.err


def test_a_run_far_from_every_reading_of_the_reference_is_refused(xraydaq, sensitive_run, workplace):
    for hours in (0, 100, 200):
        sensitive_run(hours, 7100.0)
    write_reference(workplace / "r.csv", [(iso(0), 1.0, 0.002), (iso(200), 1.0, 0.002)])
    said = xraydaq("trend", "--sample", "atomistic", "--reference", "r.csv")
    assert said.code == 8
    assert "the nearest reading of the reference is 100.0 h away; allowed: 24 h (--within)" in said.err
    assert xraydaq("trend", "--sample", "atomistic", "--reference", "r.csv", "--within", "100 h").code == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("date,ratio\n", "r.csv:1: column u missing; there: date, ratio"),
        ("date,ratio,u\nyesterday,1,0.1\n", 'r.csv:2: date: "yesterday" given; allowed: ISO 8601 with offset'),
        ("date,ratio,u\n2026-01-31T17:05:00,1,0.1\n", "r.csv:2: date:"),
        ("date,ratio,u\n2026-01-31T17:05:00Z,one,0.1\n", 'r.csv:2: ratio: "one" given; allowed: a number'),
        ("date,ratio,u\n2026-01-31T17:05:00Z,-1,0.1\n", "r.csv:2: ratio -1 with u 0.1 given; allowed: ratio above 0"),
        ("date,ratio,u\n2026-01-31T17:05:00Z,1\n", 'r.csv:2: u: "" given'),
    ],
)
def test_a_table_of_the_reference_that_is_wrong_is_refused_with_file_and_line(xraydaq, workplace, text, message):
    (workplace / "r.csv").write_text(text)
    said = xraydaq("trend", "--sample", "atomistic", "--reference", "r.csv")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"error: {message}")


def test_a_sample_without_a_sensitivity_and_no_choice_at_all_are_named(xraydaq, sensitive_run):
    sensitive_run(0, 7100.0)
    assert "no run of 'glass' in data/runs has a sensitivity" in xraydaq("trend", "--sample", "glass").err
    assert "name the runs, or a sample" in xraydaq("trend").err
    few = xraydaq("trend", "--sample", "atomistic")
    assert few.code == 1
    assert "1 usable runs; a trend needs 3" in few.err


def test_a_table_of_sensitivities_with_its_own_reference_gives_a_trend(xraydaq, workplace):
    hours = np.linspace(0, 650, 14)
    rows = [
        f"{iso(each)},{7.1e5 * (1 - 0.05 * each / 650):.1f},{0.01 * 7.1e5:.1f},{1 - 0.05 * each / 650:.5f},0.003"
        for each in hours
    ]
    head = "date,sensitivity (uC/Gy/cm^2),u (uC/Gy/cm^2),reference,reference_u"
    (workplace / "book.csv").write_text("\n".join([head, *rows]) + "\n")
    said = xraydaq("trend", "--table", "book.csv", "--out", "trend")
    assert said.code == 0, said.err
    assert (workplace / "trend.png").exists()
    assert "no change told from zero (+0.0" in said.out
    assert "the bench drifts: -5.0 %" in said.out
    both = xraydaq("trend", "--table", "book.csv", "--sample", "atomistic")
    assert (both.code, both.out) == (8, "")
    (workplace / "book.csv").write_text("date,sensitivity (uC/Gy/cm^2),u (nGy/s)\n2026-01-31T17:05:00Z,7e5,7e3\n")
    said = xraydaq("trend", "--table", "book.csv")
    assert said.err.startswith('error: book.csv:1: column "u (nGy/s)": "1 nGy/s" is a dose rate')
