"""Runs of the programme, two at a time, each in a process of its own and through the real drivers."""

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from xraydaq.clock import RealClock
from xraydaq.config import load_run, shipped_configs
from xraydaq.errors import RunFailed, StorageError
from xraydaq.evaluation.calibration_writing import write_calibration
from xraydaq.reproduce.programme import CALIBRATION, HOUR_S, Job

BENCHES = "benches"
RUNS = "runs"


@dataclass(frozen=True)
class Done:
    """A run that ended: its result file, or why there is none that can be used."""

    job: Job
    file: Path | None
    problem: str
    seconds: float


def run_all(
    jobs: Sequence[Job], folder: Path, *, seed: int, start_utc_s: float, processes: int,
    show: Callable[[Done, str], None],
) -> dict[str, Done]:  # fmt: skip
    """Run every job; `show` is told of each as it ends, and how many have ended ("3/33"), in any order.

    Every run has a seed of its own, made from `seed` and its place in the programme.
    """
    (folder / BENCHES).mkdir(parents=True, exist_ok=True)
    found: dict[str, Done] = {}
    numbered = list(enumerate(jobs))
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for later in (False, True):
            # what states a dose waits for the calibration; without one in the programme the shipped file is cited
            calibration = _calibration(found, folder) if later else None
            waiting = [
                pool.submit(run_job, job, folder, seed * 1000 + number, start_utc_s, calibration)
                for number, job in numbered
                if job.cites_calibration == later
            ]
            for future in as_completed(waiting):
                done = future.result()
                found[done.job.key] = done
                show(done, f"{len(found)}/{len(jobs)}")
    return {job.key: found[job.key] for job in jobs}


def _calibration(found: dict[str, Done], folder: Path) -> Path | None:
    """Write the calibration file of the programme's own calibration run, if it has one."""
    done = found.get(CALIBRATION)
    if done is None or done.file is None:
        return None
    path = folder / "calibration.toml"
    write_calibration(done.file, path)
    return path


def run_job(job: Job, folder: Path, seed: int, start_utc_s: float, calibration: Path | None = None) -> Done:
    """Run one job to its result file; a failure is returned, not raised: the other jobs go on."""
    from xraydaq.errors import XraydaqError
    from xraydaq.runner import RunOptions, run
    from xraydaq.runner.closing import close_run

    clock = RealClock()
    begin_s = clock.now()
    try:
        config = load_run(
            shipped_configs() / "recipes" / f"{job.recipe}.toml",
            bench=bench_for(job, folder),
            sample=shipped_configs() / "samples" / f"{job.sample}.toml",
            overrides=(*job.overrides, *([f"calibration={calibration.resolve()}"] if calibration else [])),
        )
        options = RunOptions(out=folder / RUNS, seed=seed, start_utc_s=start_utc_s + job.after_h * HOUR_S)
        outcome = run(config, options)
        if outcome.state != "finished":
            raise RunFailed(f"{outcome.state}: {outcome.reason}")
        closed = close_run(outcome.folder)
        return Done(job, closed.result_path, closed.problem, clock.now() - begin_s)
    except XraydaqError as error:
        return Done(job, None, str(error), clock.now() - begin_s)


def bench_for(job: Job, folder: Path) -> Path:
    """Get the bench file of a job; a changed world is a file of its own, so that a run's record shows it."""
    shipped = shipped_configs() / "benches" / f"{job.bench}.toml"
    if not job.twin:
        return shipped
    changes = "_".join(f"{key}_{value}" for key, value in sorted(job.twin.items()))
    path = folder / BENCHES / f"{job.bench}_{changes}.toml"
    try:
        path.write_text(changed(shipped.read_text(encoding="utf-8"), job.twin), encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from error
    return path


def changed(text: str, twin: Mapping[str, str | float]) -> str:
    """Get the text of a bench file with keys of its ``[twin]`` table, which is its last one, changed."""
    before, table, after = text.partition("[twin]")
    for key, value in twin.items():
        line = f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value!r}"
        after, count = re.subn(rf"(?m)^{key} *=.*$", line, after)
        if not count:
            after = f"{after.rstrip()}\n{line}\n"
    return f"{before}{table}{after}"
