"""Readings of every procedure, written as a table of another program, give the numbers that the run itself gives."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.procedures.shortening import shortened
from xraydaq.cli.foreign import columns_of
from xraydaq.cli.foreign_needs import NEEDED
from xraydaq.evaluation import PROCEDURES, evaluate_stored
from xraydaq.runner import RunOptions, run
from xraydaq.storage import read_run

CHOPPED = ("settle_duration=5 s", "warm_up_duration=24 s", "cycles=4")
SHORT = {
    "temperature_sweep": (
        "lowest_temperature=285 K", "highest_temperature=305 K", "step_up=5 K", "step_down=0 K", "pairs=1",
        "pulse_duration=10 s", "rest_duration=5 s",
    ),
    "dose_calibration": (
        'foils=["1 mm", "4 mm", "9 mm"]', 'tube_currents=["60 uA", "200 uA"]', "readings=2", "reading_duration=20 s",
        "warm_up_duration=30 s", "conditioning_duration=0 s",
    ),
    "dose_rate_sweep": (
        *CHOPPED, 'foils=["1 mm", "4 mm"]', 'tube_currents=["48 uA", "194 uA"]', "half_period=16 s", "blanks=2",
    ),
    "field_sweep": (
        *CHOPPED, 'biases=["1 V", "2 V", "3.5 V", "5 V"]', "direction=up", "half_period=13 s",
        "bias_settle_duration=13 s",
    ),
    "photoresponse": (*CHOPPED, 'tube_currents=["194 uA"]', "half_period=12 s", "dense_duration=2 s"),
    "sclc_sweep": ("points_per_decade=10", "baseline_duration=10 s"),
}  # fmt: skip
"""A short run of each procedure; `bias_stability` has a file of tests of its own."""

OTHER_UNITS = {"A": ("nA", 1e9), "V": ("mV", 1e3), "m": ("mm", 1e3), "Gy/s": ("uGy/s", 1e6), "s": ("s", 1.0)}


def words_of(procedure):
    """Get what says how a run was measured, as the command line takes it."""
    return [word for text in SHORT[procedure] for word in ("--set", text)]


def written(path, stored, names):
    """Write columns as another program would: other names, other units, digits enough."""
    units = {column.name: column.unit for column in stored.header.columns}
    there, cells = [], []
    for name in names:
        unit, factor = OTHER_UNITS.get(units[name], (units[name], 1.0))
        there.append(f"{name.upper()} ({unit})" if unit else name.upper())
        cells.append(
            ["" if np.isnan(each) else f"{each * factor:.17g}" for each in stored.columns[name].astype(float)]
        )
    path.write_text("\n".join([",".join(there), *(",".join(row) for row in zip(*cells, strict=True))]) + "\n")
    return ",".join(f"{name}={name.upper()}" for name in names)


@pytest.mark.long
@pytest.mark.parametrize("procedure", SHORT)
def test_a_table_of_every_procedure_gives_the_numbers_of_its_run(xraydaq, workplace, procedure):
    stored = read_run(run(shortened(procedure, SHORT[procedure]), RunOptions(out=workplace / "runs")).folder)
    own = evaluate_stored(stored).quantities()
    names = [name for name in stored.columns if name in (*NEEDED[procedure], "temperature", "status", "dose_flags")]
    columns = written(workplace / "theirs.csv", stored, names)
    said = xraydaq("analyse", "theirs.csv", "--as", procedure, *words_of(procedure), "--columns", columns)
    assert said.code == 0, said.err
    assert ("made on a simulated bench" in said.err) == (stored.header.resolved["calibration"] is not None)
    folder = workplace / f"theirs_{procedure}_1"
    theirs = json.loads((folder / "result.json").read_text())["analysis"]["results"]
    for name, value in own.items():
        if np.isfinite(value.value):  # 17 digits; a fit that stops at 1e-8 leaves its parameters within 1e-4
            assert theirs[name]["value"] == pytest.approx(value.value, rel=1e-4, abs=1e-2 * np.nan_to_num(value.u)), (
                name
            )
    assert (folder / "figure.png").stat().st_size > 0


@pytest.mark.parametrize("procedure", NEEDED)
def test_a_table_without_a_column_of_its_procedure_is_refused_with_the_name_of_the_column(
    xraydaq, workplace, procedure
):
    described = columns_of(procedure)
    for missing in NEEDED[procedure][1:]:
        there = [name for name in NEEDED[procedure] if name != missing]
        units = [f"{name} ({described[name].unit})" if described[name].unit else name for name in there]
        Path("x.csv").write_text(",".join(units) + "\n" + ",".join("1" * len(there)) + "\n")
        mapping = ",".join(f"{name}={name}" for name in there)
        said = xraydaq("analyse", "x.csv", "--as", procedure, "--columns", mapping)
        assert said.code == 2
        assert said.err.startswith(
            f'error: x.csv: {procedure} needs the column "{missing}" ({described[missing].long_name}'
        )
    assert [path.name for path in workplace.iterdir()] == ["x.csv"]


def test_everything_that_a_table_lacks_is_named_at_once(xraydaq, workplace):
    Path("x.csv").write_text("t (s),I (nA)\n0,1\n")
    said = xraydaq("analyse", "x.csv", "--as", "sclc_sweep", "--columns", "elapsed=t,current=I")
    assert said.code == 2
    assert said.err == (
        'error: x.csv: sclc_sweep needs the columns "voltage" (bias reported by the source, V), "current_errors" '
        '(standard uncertainty of the current, from the accuracy specification, A), "voltage_errors" (standard '
        'uncertainty of the bias, from the accuracy specification, V), "direction" (1 in a sweep upwards, -1 '
        'downwards, 0 outside, a plain number); write for each --columns "COLUMN=NAME IN THE FILE" or --constant '
        '"COLUMN=VALUE"\n'
    )


def test_on_a_glass_blank_the_moments_of_switching_are_not_needed(xraydaq, workplace):
    Path("x.csv").write_text("t (s),I (nA)\n0,1\n")
    words = ["x.csv", "--as", "photoresponse", "--columns", "elapsed=t,current=I"]
    assert '"switched"' in xraydaq("analyse", *words).err
    of_glass = xraydaq("analyse", *words, "--recipe", "air_ionisation").err
    assert '"beam_on"' in of_glass
    assert '"switched"' not in of_glass


def test_a_table_has_no_spectra_and_every_other_analysis_can_be_given_one(xraydaq, workplace):
    assert set(NEEDED) == set(PROCEDURES) - {"noise_spectrum"}
    said = xraydaq("analyse", "x.csv", "--as", "noise_spectrum", "--columns", "elapsed=t,current=I")
    assert said.code == 2
    assert said.err == (
        "error: --as noise_spectrum: its analysis needs spectra, which a table of readings does not hold; allowed: "
        f"{', '.join(NEEDED)}\n"
    )


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("0,1,0\n,1,0\n", 'x.csv:3: column "t (s)": "" given; allowed: a time that is not before the one above it'),
        ("5,1,0\n4,1,0\n", 'x.csv:3: column "t (s)": "4" given; allowed: a time that is not before the one above'),
        ("0,1,0\n1,1,\n", 'x.csv:3: column "n": "" given; allowed: a whole number from -1 to 2'),
        ("0,1,0.5\n1,1,0\n", 'x.csv:2: column "n": "0.5" given; allowed: a whole number from -1 to 2'),
        ("0,1,0\n1,1,1e12\n", 'x.csv:3: column "n": "1e12" given; allowed: a whole number from -1 to 2'),
    ],
)
def test_a_time_that_falls_and_a_count_that_is_none_are_refused(xraydaq, workplace, rows, message):
    Path("x.csv").write_text("t (s),I (nA),n\n" + rows)
    said = xraydaq("analyse", "x.csv", "--as", "field_sweep", "--columns", "elapsed=t,current=I,point=n")
    assert said.code == 2
    assert message in said.err


def test_a_constant_that_is_no_count_is_refused(xraydaq, workplace):
    Path("x.csv").write_text("t (s),I (nA)\n0,1\n1,1\n")
    words = ["x.csv", "--as", "field_sweep", "--columns", "elapsed=t,current=I", "--constant"]
    for wrong in ("point=0.5", "point=1e12"):
        said = xraydaq("analyse", *words, wrong)
        assert said.code == 2
        assert "given; allowed: a whole number from -1 to 2" in said.err
    assert '"voltage"' in xraydaq("analyse", *words, "point=0").err
