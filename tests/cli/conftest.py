import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from procedures.bias_stability import BiasStability
from tests.analysis.synthetic import DEVICES, make_run
from xraydaq.cli.main import main
from xraydaq.clock import RealClock
from xraydaq.config import load_run, shipped_configs
from xraydaq.storage import Header, RunWriter

HOME = Path(__file__).resolve().parents[2]
START_UTC_S = 1.8e9


@dataclass(frozen=True)
class Said:
    """What a command left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def xraydaq(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Said]:
    """Call the program in this process."""

    def call(*words: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["xraydaq", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        return Said(int(ended.value.code or 0), shown.out, shown.err)

    return call


@pytest.fixture
def start_program(workplace: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start the program in a process of its own."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: object, **options: object) -> subprocess.Popen[str]:
        program = subprocess.Popen(
            [sys.executable, "-P", "-m", "xraydaq", *map(str, words)],
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(HOME)])},
            **({"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options),
        )
        started.append(program)
        return program

    yield start
    for program in started:
        program.kill()
        program.communicate()


def header_of(recipe: str = "bias_stability") -> Header:
    config = load_run(shipped_configs() / "recipes" / f"{recipe}.toml", overrides=['duration="20 min"'])
    return Header(
        procedure=config.recipe.procedure,
        title=config.recipe.title,
        columns=BiasStability.COLUMNS,
        start_utc_s=START_UTC_S,
        sample=config.sample.model_dump(mode="json"),
        config_texts=dict(config.texts),
        resolved=config.resolved(),
        origins=dict(config.origins),
        software={"program": "xraydaq", "version": "0.1.0", "commit": "", "dirty": False, "packages": {}},
        host={"name": "bench-pc", "user": "student"},
        seed=1,
        simulated=True,
        twin_truth={},
    )


@pytest.fixture
def stored_run(workplace: Path) -> Callable[..., Path]:
    """Write a run as the runner leaves it, in ``data/runs``: a closed journal without a result."""

    def write(
        *, device: str = "flat", duration_s: float = 600.0, rows: int | None = None, state: str | None = "finished"
    ) -> Path:
        made = make_run(DEVICES[device], 3, duration_s=duration_s)
        elapsed, current, voltage, status = (column[:rows] for column in made.columns)
        root = workplace / "data" / "runs"
        with RunWriter.create(root, header_of(), wall=RealClock(), batch=True, publish=False) as writer:
            for i in range(len(elapsed)):
                writer.append(
                    (
                        elapsed[i],
                        START_UTC_S + elapsed[i],
                        voltage[i],
                        current[i],
                        1e-10,
                        np.nan,
                        int(status[i]),
                        0,
                        0.0,
                    )
                )
            writer.event("phase", "baseline: 61 readings at 0 V", elapsed_s=0.0)
            writer.instrument("smu", {"idn": "KEITHLEY INSTRUMENTS INC.,MODEL 2400,1234567,C32"})
            if state is not None:
                writer.finish(state, "" if state == "finished" else "stopped by SIGINT")
        return writer.folder

    return write
