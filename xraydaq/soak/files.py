"""The files of a trial: taken away, brought back, read for the judge."""

import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from xraydaq.errors import XraydaqError
from xraydaq.soak.evidence import Stored


def stored_run(folder: Path) -> Stored:
    """Recover a run, verify it and read it; whatever is wrong with it is in what comes back."""
    from xraydaq.storage import read_run, recover, verify

    try:
        recover(folder)
        verdict = verify(folder)
        run = read_run(folder)
        elapsed_s = tuple(float(each) for each in run.columns["elapsed"])
        return Stored(run.state, run.reason, len(elapsed_s), elapsed_s, verdict.problems)
    except XraydaqError as error:
        return Stored("unreadable", "", 0, (), (f"{type(error).__name__}: {error}",))


def brought_back(away: Path, home: Path) -> None:
    """Bring a folder back to where it was; what was written there meanwhile stays."""
    if home.exists():
        for each in home.iterdir():
            if not (away / each.name).exists():
                each.rename(away / each.name)
        shutil.rmtree(home)
    away.rename(home)


def guardian_lines(path: Path, origin_s: float) -> list[dict[str, Any]]:
    """Read a guardian's own log, with its times on the clock of the bench; no file has no lines."""
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return []
    found = []
    for line in text.splitlines():
        with suppress(ValueError, KeyError):
            record = json.loads(line)
            found.append({"time_s": record["now_s"] - origin_s, "kind": record["kind"], "text": record["text"],
                          "trip": record.get("trip", "")})  # fmt: skip
    return found
