import json
from pathlib import Path

import numpy as np
import pytest

from tests.analysis.synthetic import DEVICES, make_run
from xraydaq.evaluation import evaluate_stored
from xraydaq.storage import read_run

COLUMNS = "elapsed=Time (s),current=I (nA),voltage=Bias (mV)"
WORDS = ["--as", "bias_stability", "--set", "duration=10 min"]


def written(path, names, columns, delimiter=",", before="", form="{!r}"):
    lines = [delimiter.join(names)]
    lines += [
        delimiter.join("" if np.isnan(each) else form.format(float(each)) for each in row)
        for row in zip(*columns, strict=True)
    ]
    path.write_text(before + "\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def dark():
    elapsed, current, voltage, _status = make_run(DEVICES["flat"], 3, duration_s=600.0).columns
    return elapsed, current, voltage


@pytest.fixture
def table(workplace, dark):
    elapsed, current, voltage = dark
    return written(
        workplace / "dark.csv", ["Time (s)", "I (nA)", "Bias (mV)"], (elapsed, current * 1e9, voltage * 1e3)
    )


def folder_of(said):
    return Path(said.out.splitlines()[-1].removeprefix("folder  "))


def test_a_table_of_another_program_gives_the_numbers_of_the_same_readings_in_a_run_beside_it_and_never_over(
    xraydaq, table, stored_run
):
    before = table.read_bytes()
    own = evaluate_stored(read_run(stored_run(duration_s=600.0))).quantities()
    folders = []
    for _ in range(2):
        said = xraydaq("analyse", table, *WORDS, "--columns", COLUMNS)
        assert said.code == 0, said.err
        folders.append(folder_of(said))
    assert [folder.name for folder in folders] == ["dark_bias_stability_1", "dark_bias_stability_2"]
    assert sorted(path.name for path in folders[0].iterdir()) == [
        "figure.pdf",
        "figure.png",
        "result.json",
        "table.txt",
    ]
    assert table.read_bytes() == before
    record = json.loads((folders[0] / "result.json").read_text())
    assert record["source"]["columns"]["current"] == "I (nA)"
    assert record["resolved"]["recipe"]["parameters"]["bias_v"] == 5.0
    for name, value in own.items():
        theirs = record["analysis"]["results"][name]
        if np.isfinite(
            value.value
        ):  # numbers of 17 digits; a fit that stops at 1e-8 leaves its parameters within 1e-4
            assert theirs["value"] == pytest.approx(value.value, rel=1e-4, abs=1e-3 * np.nan_to_num(value.u)), name


def test_separators_comments_other_units_and_missing_cells_are_understood(xraydaq, workplace, dark):
    elapsed, current, voltage = (np.array(each) for each in dark)
    current[50:53] = np.nan
    path = written(
        workplace / "lab.txt",
        ["t [min]", "I", "U", "T [degC]"],
        (elapsed / 60, current * 1e6, voltage, np.full(len(elapsed), 25.0)),
        delimiter=";",
        before="# instrument: theirs\n\n",
    )
    mapping = [
        "--columns",
        "elapsed=t [min]",
        "--columns",
        "current=I (uA),voltage=U (V)",
        "--columns",
        "temperature=T",
    ]
    said = xraydaq("analyse", path, *WORDS, *mapping, "--into", "kept")
    assert said.code == 0, said.err
    record = json.loads((workplace / "kept" / "lab_bias_stability_1" / "result.json").read_text())
    assert "3" in record["analysis"]["text"]["dropped"] or record["analysis"]["inputs"]["rows_dropped_at_bias"] == 3


def test_a_constant_stands_for_a_column_that_the_table_does_not_have(xraydaq, workplace, dark):
    elapsed, current, voltage = dark
    at_bias = voltage > 4.9
    path = written(workplace / "it.csv", ["Time (s)", "I (nA)"], (elapsed[at_bias], current[at_bias] * 1e9))
    mapping = ["--columns", "elapsed=Time,current=I"]
    without = xraydaq("analyse", path, *WORDS, *mapping)
    assert without.code == 2
    assert without.err.startswith(
        'error: it.csv: bias_stability needs the column "voltage" (bias reported by the source, V); '
        'write --columns "voltage=NAME IN THE FILE" or --constant "voltage=VALUE"'
    )
    assert [path.name for path in workplace.iterdir() if path.is_dir()] == []
    said = xraydaq("analyse", path, *WORDS, *mapping, "--constant", "voltage=5 V")
    assert said.code == 0, said.err


HEAD = "Time (s),I (nA),Bias (mV)\n"


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        (HEAD + "0,1,0\n1,abc,0\n", COLUMNS, 'x.csv:3: column "I (nA)": "abc" given; allowed: a finite number'),
        (HEAD + "0,1,0\n1,inf,0\n", COLUMNS, 'x.csv:3: column "I (nA)": "inf" given; allowed: a finite number'),
        (HEAD + "# note\n0,1,0\n\n1,2\n", COLUMNS, "x.csv:5: 2 cells given; allowed: 3, as in line 1"),
        ("Time (s);I (nA)\n0;1,5\n", "elapsed=Time,current=I", 'x.csv:2: column "I (nA)": "1,5" given; allowed: a '
         "finite number, or an empty cell where there is none; the decimal sign is a point"),
        (HEAD + "0,1,0\n", "elapsed=Tme (s),current=I", 'x.csv:1: no columns "Tme (s)"; did you mean "Time (s)"?; '
         'there: "Time (s)", "I (nA)", "Bias (mV)"'),
        ("a (s),a (s),I (nA)\n0,1,2\n", "elapsed=a,current=I", 'x.csv:1: 2 columns "a"; there: "a (s)", "a (s)"'),
        ("Time,I (nA)\n0,1\n", "elapsed=Time,current=I", 'x.csv:1: column "Time": unit missing; write it behind'),
        (HEAD + '0,"1,0\n1,2,0\n', COLUMNS, "x.csv: a cell in quotes spans several lines"),
        (HEAD + "0,1,0\n", "elapsed=Time (s),current=I (uA)", 'x.csv:1: column "I (nA)" is in nA, --columns says uA'),
        ("Time (s),I (V)\n0,1\n", "elapsed=Time,current=I", 'x.csv:1: column "I (V)": "1 V" is a voltage, not a'),
        ("Time (s),I (Na)\n0,1\n", "elapsed=Time,current=I", 'x.csv:1: column "I (Na)": "1 Na": unknown unit "Na"'),
        ("Time (s)\n", "elapsed=Time", "x.csv: a header and at least one row are wanted; there are 1 lines"),
        (HEAD + "0,1,0\n", "elapsed", '--columns: "elapsed" given; allowed: COLUMN=NAME IN THE FILE'),
        (HEAD + "0,1,0\n", "elapsed=Time,elapsed=I", '--columns: "elapsed" is given twice'),
        (HEAD + "0,1,0\n", "elapsd=Time", '--columns: no column "elapsd"; did you mean "elapsed"?; allowed: elapsed'),
    ],
)  # fmt: skip
def test_a_wrong_table_or_mapping_is_refused_with_file_line_column_given_and_allowed(
    xraydaq, workplace, text, columns, message
):
    (workplace / "x.csv").write_text(text)
    said = xraydaq("analyse", "x.csv", *WORDS, "--columns", columns)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"error: {message}")
    assert [path.name for path in workplace.iterdir()] == ["x.csv"]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--as", "bias_stabilty", "--columns", COLUMNS], 2, '--as: no procedure "bias_stabilty"; did you mean'),
        (["--as", "bias_stability"], 2, "dark.csv: which columns are what? write --columns"),
        (["--columns", COLUMNS], 8, "--columns, --constant, --recipe, --sample, --set and --into belong to tables"),
        ([], 8, "dark.csv: a table; say what it holds with --as and --columns"),
        ([*WORDS, "--columns", COLUMNS, "--constant", "voltage=5 V"], 2, '--constant: "voltage" is in --columns too'),
        ([*WORDS, "--columns", "elapsed=Time,current=I", "--constant", "voltage=5 A"], 2, "--constant: voltage: "),
        ([*WORDS, "--columns", COLUMNS, "--set", "bias=5 A"], 2, '--set: parameters.bias: "5 A" is a current'),
    ],
)
def test_what_is_not_said_or_contradicts_itself_is_refused(xraydaq, table, words, code, message):
    said = xraydaq("analyse", table.name, *words)
    assert (said.code, said.out) == (code, "")
    assert said.err.startswith(f"error: {message}")


def test_a_missing_file_and_another_encoding_are_named(xraydaq, workplace):
    said = xraydaq("analyse", "no.csv", *WORDS, "--columns", COLUMNS)
    assert (said.code, said.err) == (2, "error: no.csv: cannot be read: No such file or directory\n")
    (workplace / "old.csv").write_bytes(b"Time (s),I (\xb5A)\n0,1\n")
    said = xraydaq("analyse", "old.csv", *WORDS, "--columns", COLUMNS)
    assert said.err == "error: old.csv:1: not UTF-8 text; save the file with the encoding UTF-8\n"
