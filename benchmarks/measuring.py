"""What a command costs: processor time and retired instructions, with everything it starts."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Cost:
    """One run of a command; `facts` are the JSON lines it printed, merged."""

    cpu_s: float
    facts: dict[str, Any] = field(default_factory=dict)


def cpu_cost(command: Sequence[str], repeats: int = 1) -> Cost:
    """Run a command and get user plus system time of its whole process tree, the least of `repeats` runs."""
    return min((_run(command) for _ in range(repeats)), key=lambda cost: cost.cpu_s)


def _run(command: Sequence[str]) -> Cost:
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen([*command, folder], stdout=subprocess.PIPE, text=True, env=environment())
        assert process.stdout is not None
        facts: dict[str, Any] = {}
        for line in process.stdout:
            facts |= json.loads(line)
        process.stdout.close()
        _, status, usage = os.wait4(process.pid, 0)  # holds what its own children used, once they were waited for
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    return Cost(usage.ru_utime + usage.ru_stime, facts)


def environment() -> dict[str, str]:
    """Get an environment in which a workload finds this checkout and numpy starts no threads."""
    return os.environ | {"PYTHONPATH": str(HOME), "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}


def instruction_counter() -> str:
    """Choose how to count: ``perf`` where the processor's counters can be read, else ``valgrind``, else nothing."""
    if shutil.which("perf") and _perf([sys.executable, "-c", ""]) is not None:
        return "perf"
    return "valgrind" if shutil.which("valgrind") else ""


def instructions(command: Sequence[str], counter: str) -> int:
    """Count the instructions retired in user space by a command and all it starts."""
    with tempfile.TemporaryDirectory() as folder:
        counted = _perf([*command, folder]) if counter == "perf" else _valgrind([*command, folder])
    if counted is None:
        raise RuntimeError(f"{counter} gave no count of {' '.join(command)}")
    return counted


def _perf(command: Sequence[str]) -> int | None:
    counting = ["perf", "stat", "-x,", "-e", "instructions:u", *command]
    done = subprocess.run(counting, capture_output=True, text=True, env=environment(), check=False)
    found = re.search(r"^(\d+),,instructions", done.stderr, re.MULTILINE)
    return int(found[1]) if found and done.returncode == 0 else None


def _valgrind(command: Sequence[str]) -> int | None:
    with tempfile.TemporaryDirectory() as logs:
        counting = [
            "valgrind", "--tool=cachegrind", "--cache-sim=no", "--trace-children=yes",
            "--cachegrind-out-file=/dev/null", f"--log-file={logs}/%p", *command,
        ]  # fmt: skip
        done = subprocess.run(counting, capture_output=True, env=environment(), check=False)
        texts = [path.read_text() for path in Path(logs).iterdir()]
    counts = [int(found[1].replace(",", "")) for text in texts if (found := re.search(r"I +refs: +([\d,]+)", text))]
    return sum(counts) if counts and done.returncode == 0 else None
