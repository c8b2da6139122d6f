"""How long the evaluation of a dark current takes, and how much memory: ``python benchmarks/analysis.py``.

See README.md for what is counted.
"""

import json
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from measuring import environment  # noqa: E402

from xraydaq.analysis.bias_stability import evaluate  # noqa: E402
from xraydaq.clock import RealClock  # noqa: E402

SIZES = (100_000, 1_000_000, 10_000_000)
PERIOD_S = 0.22
REPEATS = 3
MEGABYTE = 1024.0  # ru_maxrss is in kilobytes
SETTINGS = {"bias_v": 5.0, "gap_m": 50e-6, "gap_u_m": 3e-6, "area_m2": 3.14e-6, "area_u_m2": 6e-8}


def run(rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw a run: 200 readings at 0 V, then a current that settles, with 1/f and white noise."""
    rng = np.random.default_rng(1)
    elapsed_s = PERIOD_S * np.arange(rows)
    f_hz = np.fft.rfftfreq(rows, PERIOD_S)
    f_hz[0] = f_hz[1]
    lines = np.fft.rfft(rng.standard_normal(rows)) * np.sqrt(1e-20 / f_hz / (2 * PERIOD_S))
    current_a = np.fft.irfft(lines, rows)
    current_a += 150e-9 * (1 - 0.0026 * np.expm1(-elapsed_s / 12000)) + 5e-12 * rng.standard_normal(rows)
    voltage_v = np.full(rows, 5.0)
    voltage_v[:200], current_a[:200] = 0.0, 1e-11 * rng.standard_normal(200)
    return elapsed_s, current_a, voltage_v, np.zeros(rows)


def measure(rows: int) -> dict[str, float]:
    """Evaluate one run several times: the least seconds, and the most memory of the process with the run in it."""
    columns, clock, took = run(rows), RealClock(), []
    for _ in range(REPEATS):
        start_s, start_cpu_s = clock.now(), _processor_s()
        evaluate(*columns, **SETTINGS)
        took.append((_processor_s() - start_cpu_s, clock.now() - start_s))
    return {
        "rows": rows,
        "processor_s": min(cpu_s for cpu_s, _ in took),
        "wall_s": min(wall_s for _, wall_s in took),
        "peak_mb": _peak_mb(),
        "columns_mb": sum(column.nbytes for column in columns) / MEGABYTE**2,
    }


def _processor_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE


def show() -> None:
    """Measure every size in a process of its own and print a table."""
    print("     rows   processor      wall   per row   peak memory   of it columns")
    for rows in SIZES:
        command = [sys.executable, __file__, str(rows)]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment())
        found = json.loads(done.stdout)
        per_row_us = 1e6 * found["processor_s"] / rows
        print(
            f"{rows:9,d} {found['processor_s']:9.2f} s {found['wall_s']:7.2f} s {per_row_us:6.2f} us"
            f" {found['peak_mb']:10.0f} MB {found['columns_mb']:12.0f} MB"
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(int(sys.argv[1]))))
    else:
        show()
