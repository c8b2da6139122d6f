"""How late the readings of a run come at ten a second on real time, beside a bare loop that waits just as long.

``python benchmarks/loop_jitter.py``; see README.md for what is counted and what is not.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import numpy as np  # noqa: E402
from measuring import environment  # noqa: E402

from xraydaq.clock import RealClock  # noqa: E402
from xraydaq.storage import read_run  # noqa: E402

PERIOD_S, DURATION_S = 0.1, 60.0
TARGET_S = 20e-3
SETTINGS = (
    f"period={PERIOD_S} s", f"duration={DURATION_S} s", "baseline_duration=0 s", "tail_duration=0 s", "nplc=1",
)  # fmt: skip


def main() -> None:
    """Measure and print; nothing fails, a slow computer least of all."""
    with tempfile.TemporaryDirectory() as folder:
        run_s = late_in_a_run(Path(folder))
    bare_s = late_in_a_bare_loop()
    for name, late_s in (("run, served bench", run_s), ("bare loop", bare_s)):
        shown = ", ".join(f"p{part} {np.percentile(late_s, part) * 1e3:6.2f} ms" for part in (50, 99, 100))
        print(f"{name:18} {len(late_s)} readings: {shown}")
    print(f"p99 of the run {np.percentile(run_s, 99) * 1e3:.2f} ms (target {TARGET_S * 1e3:g} ms)")


def late_in_a_run(folder: Path) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Run a dark current on a bench that another process serves; get by how much each reading came late."""
    program = [sys.executable, "-m", "xraydaq"]
    bench = folder / "served.toml"
    with subprocess.Popen(
        [*program, "sim", "serve", "--write", str(bench)], stdout=subprocess.PIPE, text=True, env=environment()
    ) as serving:
        assert serving.stdout is not None
        serving.stdout.readline()
        options = [word for setting in SETTINGS for word in ("--set", setting)]
        subprocess.run(
            [*program, "run", "bias_stability", "--bench", str(bench), "--out", str(folder), *options],
            check=True, stdout=subprocess.DEVNULL, env=environment(),
        )  # fmt: skip
        serving.terminate()
    (result,) = (path for path in folder.glob("*/*.h5") if path.name != "run.live.h5")
    return lateness_s(read_run(result).columns["elapsed"])


def late_in_a_bare_loop() -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Wait for the same moments and do nothing."""
    clock, woke_s = RealClock(), []
    start_s = clock.now()
    for index in range(round(DURATION_S / PERIOD_S)):
        clock.sleep_until(start_s + index * PERIOD_S)
        woke_s.append(clock.now())
    return lateness_s(np.array(woke_s))


def lateness_s(
    at_s: "np.ndarray[tuple[int], np.dtype[np.float64]]",
) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Get how far each moment lies behind its place on the grid, whose start is that of the earliest."""
    late_s = at_s - np.round(at_s / PERIOD_S) * PERIOD_S
    late_s = np.angle(np.exp(2j * np.pi * (late_s - np.median(late_s)) / PERIOD_S)) / (2 * np.pi) * PERIOD_S
    return np.asarray(late_s - late_s.min(), dtype=np.float64)


if __name__ == "__main__":
    main()
