"""Two runs of one recipe with one seed, from the command line to the result file: only dates and the folder differ."""

import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from xraydaq.cli.main import main

TIMES_OF_DAY = {
    "entry/start_time",
    "entry/end_time",
    "entry/daq/end_time",
    "entry/entry_identifier",
    "entry/entry_identifier_uuid",
    "entry/acquisition/date",
    "entry/analysis/1/date",
    "entry/data/epoch",
    "entry/daq/clock/value",
    "entry/daq/header",
    "entry/daq/software/host",
}
"""As docs/reference/file-layout.md lists them; `header` and `host` hold the command line, which names the folder."""

TIMES_IN_TABLES = {"entry/daq/events": "epoch", "entry/daq/segments": "epoch"}
DATE_ATTRIBUTES = {("entry/data/elapsed", "start")}


@pytest.fixture
def content_of(tmp_path, monkeypatch):
    """Run the short recipe and read every dataset and attribute of its result."""
    monkeypatch.chdir(tmp_path)

    def act(out: str, seed: int) -> dict[str, object]:
        words = ["run", "bias_stability", "--set", 'duration="5 min"', "--set", 'tail_duration="30 s"']
        monkeypatch.setattr(sys, "argv", ["xraydaq", *words, "--seed", str(seed), "--out", out])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        (result,) = Path(out).glob("*/*.h5")
        return content(result)

    return act


def content(path: Path) -> dict[str, object]:
    found: dict[str, object] = {}

    def look(name: str, node: object) -> None:
        for key, value in node.attrs.items():
            if (name, key) not in DATE_ATTRIBUTES:
                found[f"{name}@{key}"] = comparable(value)
        if isinstance(node, h5py.Dataset) and name not in TIMES_OF_DAY and not name.endswith("/value_timestamp"):
            found[name] = comparable(without_times(name, node[()]))

    with h5py.File(path) as file:
        assert [name for name in (*TIMES_OF_DAY, *TIMES_IN_TABLES) if name not in file] == []
        look("", file)
        file.visititems(look)
    return found


def without_times(name, value):
    if name not in TIMES_IN_TABLES:
        return value
    value = value.copy()
    value[TIMES_IN_TABLES[name]] = 0
    return value


def comparable(value: object) -> object:
    value = np.asarray(value)
    return value.dtype.str, value.shape, value.tolist() if value.dtype == object else value.tobytes()


def test_the_same_seed_gives_the_same_file_and_another_seed_another(content_of):
    one, same, other = content_of("one", 7), content_of("same", 7), content_of("other", 8)
    assert len(one) > 100
    assert "entry/data/current" in one
    assert [name for name in one.keys() | same.keys() if one.get(name) != same.get(name)] == []
    differing = {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}
    assert {"entry/data/current", "entry/daq/seed"} <= differing
    assert "entry/data/elapsed" not in differing
