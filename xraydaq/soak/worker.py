"""One bench of a soak as a process: ``python -m xraydaq.soak.worker FOLDER SEED``.

Reads numbers of trials from its standard input, does each, and prints a JSON line for it. It has a runtime folder of
its own, so that the locks, sessions and emergency stops of two benches do not meet.
"""

import json
import os
import shutil
import sys
import tempfile
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any

from xraydaq.errors import XraydaqError
from xraydaq.soak.bench import SoakBench
from xraydaq.soak.drawing import Trial, drawn
from xraydaq.soak.evidence import NEVER
from xraydaq.soak.judging import judged
from xraydaq.soak.recipes import write_recipes
from xraydaq.soak.trial import OneTrial


def main(folder: Path, seed: int) -> None:
    """Serve a bench and do trials until the standard input ends."""
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        runtime = Path(name)
        runtime.chmod(0o700)
        os.environ["XDG_RUNTIME_DIR"] = name
        os.environ["XRAYDAQ_SPILL"] = str(runtime / "spill")
        with SoakBench.started(folder, runtime) as bench:
            recipes = write_recipes(folder)
            for line in sys.stdin:
                trial = drawn(seed, int(line))
                record = record_of(trial, recipes[trial.recipe], bench, runtime, folder)
                try:
                    print(json.dumps(record), flush=True)
                except BrokenPipeError:  # nobody waits for it any more
                    return


def record_of(trial: Trial, recipe: Path, bench: SoakBench, runtime: Path, folder: Path) -> dict[str, Any]:
    """Do one trial and get all that is known of it; its files stay where something was found."""
    names = (f"trial_{trial.number:05d}{f'_{again}' if again else ''}" for again in count())
    place = next(folder / name for name in names if not (folder / name).exists())
    drawn_as = asdict(trial)
    head = {"number": trial.number, "recipe": trial.recipe, "drawn": drawn_as}
    try:
        evidence = OneTrial(trial, recipe, bench, runtime, place).evidence()
    except (XraydaqError, OSError) as error:
        return head | {"error": f"{type(error).__name__}: {error}"}
    findings = judged(evidence)
    if findings.problems:
        (place / "evidence.json").write_text(json.dumps(asdict(evidence)), encoding="utf-8")
    else:
        shutil.rmtree(place, ignore_errors=True)
    return head | asdict(findings) | {
        "happened": [_without_infinity(asdict(each)) for each in evidence.faults],
        "took_s": evidence.end_s - evidence.begin_s,
        "exit_code": evidence.exit_code,
        "reason": "" if evidence.stored is None else evidence.stored.reason,
    }  # fmt: skip


def _without_infinity(record: dict[str, Any]) -> dict[str, Any]:
    """Write what JSON does not know as null."""
    return {key: None if value == NEVER else value for key, value in record.items()}


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
