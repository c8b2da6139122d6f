import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from xraydaq.clock import RealClock
from xraydaq.storage import STATUS_FLAGS, Column, Header, RunWriter

HOME = Path(__file__).resolve().parents[2]

PRELUDE = """
import itertools, os, resource, signal, sys
from pathlib import Path
from xraydaq.clock import RealClock
from xraydaq.errors import StorageError
from xraydaq.storage import Header, RunWriter
root, header = Path(sys.argv[1]), Header.from_json(sys.argv[2].encode())
def row(i):
    return (i * 0.5, 1.7e9 + i * 0.5, 3.0 * i, -1.0 * i, i % 64)
def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())
"""


@pytest.fixture(autouse=True)
def spill_place(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the runs of one test spill into."""
    place = tmp_path_factory.mktemp("spill")
    monkeypatch.setenv("XRAYDAQ_SPILL", str(place))
    return place


@pytest.fixture
def header() -> Header:
    return Header(
        procedure="bias_stability",
        title="Dark current of a crystal",
        columns=(
            Column("elapsed", "s", "time since start"),
            Column("epoch", "s", "UTC"),
            Column("current", "A", "current"),
            Column("voltage", "V", "bias"),
            Column("status", "", "status of the row", dtype="u4", flags=STATUS_FLAGS),
        ),
        start_utc_s=1.7e9,
        sample={"name": "mai 3", "chemical_formula": "CH3NH3PbBr3", "area_m2": 4e-6, "area_u_m2": 1e-7, "gap_m": 2e-3},
        config_texts={"recipe": 'bias = "5 V"  # µ\n', "bench": "name = 'x'\n"},
        resolved={"recipe": {"parameters": {"bias_v": 5.0}}},
        origins={"parameters.bias": "x.toml:7"},
        software={"version": "0.1.0", "commit": "", "dirty": False, "packages": {"numpy": "2"}},
        host={"name": "bench-pc", "user": "student"},
        seed=1,
        simulated=True,
        twin_truth={"temperature_k": 298.15},
    )


@pytest.fixture
def row() -> Callable[[int], tuple[float, ...]]:
    return lambda i: (i * 0.5, 1.7e9 + i * 0.5, 3.0 * i, -1.0 * i, i % 64)


@pytest.fixture
def open_run(tmp_path: Path, header: Header) -> Iterator[Callable[..., RunWriter]]:
    writers: list[RunWriter] = []

    def create(*, batch: bool = True, publish: bool = False, expected_rows: int = 0) -> RunWriter:
        wall = RealClock()
        made = RunWriter.create(tmp_path, header, wall=wall, batch=batch, publish=publish, expected_rows=expected_rows)
        writers.append(made)
        return made

    yield create
    for writer in writers:
        writer.close()


@pytest.fixture
def finished_run(open_run: Callable[..., RunWriter], row: Callable[[int], tuple[float, ...]]) -> Callable[..., Path]:
    def make(rows: int = 100, state: str = "finished") -> Path:
        with open_run() as writer:
            for i in range(rows):
                writer.append(row(i))
            writer.event("phase", "bias on", elapsed_s=3.0)
            writer.instrument("smu", {"idn": "KEITHLEY,2400,1,C30", "settings_start": {":SOUR:FUNC?": "VOLT"}})
            writer.finish(state, "" if state == "finished" else "why")
        return writer.folder

    return make


@pytest.fixture
def start_child(tmp_path: Path, header: Header) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    children: list[subprocess.Popen[bytes]] = []

    def start(code: str) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            [sys.executable, "-c", PRELUDE + code, str(tmp_path), header.to_json().decode()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(HOME)},
        )
        children.append(child)
        return child

    yield start
    for child in children:
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            pipe.close()


@pytest.fixture
def until() -> Callable[..., None]:
    """Wait for another process: there is no clock to move it by."""

    def wait(condition: Callable[[], bool], timeout_s: float = 30.0) -> None:
        clock = RealClock()
        end_s = clock.now() + timeout_s
        while not condition():
            assert clock.now() < end_s, "the other process did not get there in time"
            clock.sleep(0.02)

    return wait


@pytest.fixture
def full_run(open_run: Callable[..., RunWriter], row: Callable[[int], tuple[float, ...]]) -> Path:
    """A closed run with something of everything, and texts that no file format likes."""
    with open_run() as writer:
        for i in range(50):
            writer.append(row(i))
        writer.event("phase", "bias on: 5 V across 50 µm", elapsed_s=3.0)
        writer.event("reply", "garbage \0 \udcff " + "x" * 400, elapsed_s=4.0, severity="warning", source="smu")
        writer.instrument("smu", {"idn": "KEITHLEY,2400,1,C30", "settings_start": {":SOUR:FUNC?": "VOLT"}})
        writer.instrument("smu", {"errors": ['0,"No error"'], "line_hz": 50, "room_k": math.nan})
        writer.instrument("chamber", {"idn": "as set"})
        writer.block("asd", {"window": "hann", "averages": 8}, np.linspace(0.0, 1.0, 12).reshape(3, 4))
        for i in range(50, 100):
            writer.append(row(i))
        writer.block("counts", {}, np.arange(5, dtype="u2"))
        writer.finish("stopped", "by the user")
    return writer.folder
