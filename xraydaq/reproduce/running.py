"""Runs of the programme, two at a time, each in a process of its own and through the real drivers."""

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from xraydaq.clock import RealClock
from xraydaq.config import load_run, shipped_configs
from xraydaq.errors import EXIT_BUG, EXIT_DONE, RunFailed, StorageError, XraydaqError
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
    duration_s: float
    exit_code: int = EXIT_DONE
    """As of ``xraydaq run``: not 0 if the run or its analysis failed."""


def run_all(
    jobs: Sequence[Job], folder: Path, *, seed: int, start_utc_s: float, processes: int,
    show: Callable[[Done, str], None],
) -> dict[str, Done]:  # fmt: skip
    """Run every job; `show` is told of each as it ends, and how many have ended ("3/33"), in any order.

    Every run has a seed of its own, made from `seed` and its place in the whole programme. A job that fails is told
    like any other. What states a dose waits for the calibration, and fails with it.
    """
    (folder / BENCHES).mkdir(parents=True, exist_ok=True)
    benches = {job.key: bench_for(job, folder) for job in jobs}  # before any process reads them
    found: dict[str, Done] = {}

    def ended(done: Done) -> None:
        found[done.job.key] = done
        show(done, f"{len(found)}/{len(jobs)}")

    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for later in (False, True):
            wave = [job for job in jobs if job.cites_calibration == later]
            calibration, problem = _calibration(found, folder) if later else (None, "")
            if problem:
                for job in wave:
                    ended(Done(job, None, problem, 0.0, RunFailed.exit_code))
                continue
            waiting = {
                pool.submit(
                    run_job, job, benches[job.key], folder, seed * 1000 + job.number, start_utc_s, calibration
                ): job
                for job in wave
            }  # fmt: skip
            for future in as_completed(waiting):
                ended(_result_of(future, waiting[future]))
    return {job.key: found[job.key] for job in jobs}


def _result_of(future: Future[Done], job: Job) -> Done:
    try:
        return future.result()
    except Exception as error:  # a process that died, for one: the others' results are still good
        return Done(job, None, f"{type(error).__name__}: {error}", 0.0, EXIT_BUG)


def _calibration(found: dict[str, Done], folder: Path) -> tuple[Path | None, str]:
    """Write the calibration file of the programme's own calibration run; without such a run the shipped one serves.

    Returns the file, and why there is none although there should be.
    """
    done = found.get(CALIBRATION)
    if done is None:
        return None, ""
    if done.file is None or done.exit_code:
        return None, f"no dose calibration: {done.problem}"
    path = folder / "calibration.toml"
    try:
        write_calibration(done.file, path)
    except XraydaqError as error:
        return None, f"no dose calibration: {error}"
    return path, ""


def run_job(
    job: Job, bench: Path, folder: Path, seed: int, start_utc_s: float, calibration: Path | None = None
) -> Done:  # fmt: skip
    """Run one job to its result file; a failure is returned, not raised: the other jobs go on."""
    from xraydaq.runner import RunOptions, run
    from xraydaq.runner.closing import close_run

    clock = RealClock()
    begin_s = clock.now()
    try:
        config = load_run(
            shipped_configs() / "recipes" / f"{job.recipe}.toml",
            bench=bench,
            sample=shipped_configs() / "samples" / f"{job.sample}.toml",
            overrides=(*job.overrides, *([f"calibration={calibration.resolve()}"] if calibration else [])),
        )
        options = RunOptions(out=folder / RUNS, seed=seed, start_utc_s=start_utc_s + job.after_h * HOUR_S)
        outcome = run(config, options)
        if outcome.state != "finished":
            raise RunFailed(f"{outcome.state}: {outcome.reason}")
        closed = close_run(outcome.folder)
        return Done(job, closed.result_path, closed.problem, clock.now() - begin_s, closed.exit_code)
    except XraydaqError as error:
        return Done(job, None, str(error), clock.now() - begin_s, error.exit_code)


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
