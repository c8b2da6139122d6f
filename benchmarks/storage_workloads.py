"""What `storage.py` measures, one process each: ``python storage_workloads.py NAME ROWS FOLDER``.

Every workload stores the same rows of five columns as fast as they come.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

from xraydaq.clock import RealClock
from xraydaq.storage import STATUS_FLAGS, Column, Header, RunWriter, build_result

COLUMNS = (
    Column("elapsed", "s", "time since start"),
    Column("epoch", "s", "UTC"),
    Column("voltage", "V", "bias"),
    Column("current", "A", "current"),
    Column("status", "", "status of the row", dtype="u4", flags=STATUS_FLAGS),
)
NAMES = tuple(column.name for column in COLUMNS)
START_UTC_S = 1.7e9
H5PY_BATCH = 1000
PYMEASURE_TITLES = ("elapsed (s)", "epoch (s)", "voltage (V)", "current (A)", "status")

Row = tuple[float, float, float, float, int]


def rows(count: int, jitter_s: float = 0.0) -> Iterator[Row]:
    """Yield readings as a source-measure unit sends them: seven digits of a noisy current, once a second.

    The noise is a linear congruential generator, so that drawing it costs next to nothing and nothing is imported.
    `jitter_s` is the width of what a real computer adds to the moment of a reading.
    """
    noise = 1
    for index in range(count):
        noise = (noise * 1103515245 + 12345) & 0x7FFFFFFF
        elapsed_s = index + (round(jitter_s * (noise / 0x7FFFFFFF), 9) if jitter_s else 0.0)
        yield elapsed_s, START_UTC_S + elapsed_s, 5.0, (9_000_000 + noise % 100_003) * 1e-16, 0


def draw_only(count: int, _folder: Path, _say: Callable[..., None]) -> None:
    """Cost of the rows themselves; subtracted from all others."""
    for _row in rows(count):
        pass


def journal_and_result(count: int, folder: Path, say: Callable[..., None]) -> None:
    """Our whole path on simulated time: journal, publisher with its live view, checked result, packed journal."""
    _record(count, folder, say, publish=True)


def journal_and_result_alone(count: int, folder: Path, say: Callable[..., None]) -> None:
    """The same without a publisher."""
    _record(count, folder, say, publish=False)


def _record(count: int, folder: Path, say: Callable[..., None], *, publish: bool) -> None:
    with RunWriter.create(folder, header(), wall=RealClock(), batch=True, publish=publish) as writer:
        if publish:
            until_there(writer.folder / "run.live.h5")  # its process counts from its start, in short runs too
        append = writer.append
        for row in rows(count):
            append(row)
        writer.commit()
        say(acquiring_mb=resident_mb("self"), publishing_mb=resident_mb(writer.publisher_pid))
        writer.finish("finished")
    journal_bytes = (writer.folder / "run.wal").stat().st_size
    result = build_result(writer.folder)
    packed_bytes = (writer.folder / "run.wal.gz").stat().st_size
    say(journal_bytes=journal_bytes, packed_bytes=packed_bytes, result_bytes=result.stat().st_size)
    say(peak_mb=resident_mb("self", "VmHWM"))


def bare_h5py(count: int, folder: Path, _say: Callable[..., None]) -> None:
    """A buffered append to five chunked datasets; nothing is synced, described, checked or watched."""
    import h5py
    import numpy as np

    buffer = np.empty((len(NAMES), H5PY_BATCH))
    with h5py.File(folder / "bare.h5", "x") as file:
        datasets = [file.create_dataset(name, (0,), "f8", maxshape=(None,), chunks=(1024,)) for name in NAMES]
        filled = 0
        for index, row in enumerate(rows(count), start=1):
            buffer[:, filled] = row
            filled += 1
            if filled == H5PY_BATCH or index == count:
                for dataset, values in zip(datasets, buffer, strict=True):
                    dataset.resize((index,))
                    dataset[index - filled :] = values[:filled]
                filled = 0


def pymeasure_csv(count: int, folder: Path, _say: Callable[..., None]) -> None:
    """pymeasure's stock path: a Worker runs a procedure whose rows its Recorder formats, one flushed line each."""
    from pymeasure.experiment import IntegerParameter, Procedure, Results, Worker

    class Reading(Procedure):  # type: ignore[misc]
        DATA_COLUMNS: ClassVar[list[str]] = list(PYMEASURE_TITLES)
        count = IntegerParameter("Rows")

        def execute(self) -> None:
            for row in rows(self.count):
                self.emit("results", dict(zip(PYMEASURE_TITLES, row, strict=True)))

    worker = Worker(Results(Reading(count=count), str(folder / "rows.csv")))
    worker.start()
    worker.join()


def hold(count: int, folder: Path, say: Callable[..., None]) -> None:
    """A run of `count` rows that goes on by one row for every line on standard input."""
    with RunWriter.create(folder, header(), wall=RealClock(), batch=True) as writer:
        for row in rows(count):
            writer.append(row)
        writer.commit()
        say(folder=str(writer.folder))
        for _line in sys.stdin:
            writer.append((float(count), START_UTC_S, 5.0, 9e-10, 0))
            writer.commit()


def rest_simulated(count: int, folder: Path, say: Callable[..., None]) -> None:
    """What a run on simulated time leaves on the disk: an exact grid of times, many rows in a frame."""
    _leave(count, folder, say, jitter_s=0.0, rows_alone=False)


def rest_real_time(count: int, folder: Path, say: Callable[..., None]) -> None:
    """What a run in real time leaves at up to 10 Hz: times with jitter, a frame for each row."""
    _leave(count, folder, say, jitter_s=2e-3, rows_alone=True)


def _leave(count: int, folder: Path, say: Callable[..., None], *, jitter_s: float, rows_alone: bool) -> None:
    """Write the frames without syncing them: it is their size that counts, and 50,000 syncs take minutes."""
    import itertools
    import json

    from xraydaq.storage.frames import FrameType, pack
    from xraydaq.storage.journal import JournalFile
    from xraydaq.storage.rows import RowBuffer

    run = folder / "run"
    run.mkdir()
    journal, buffer = JournalFile.create(run / "run.wal"), RowBuffer(header())
    journal.write(pack(FrameType.HEAD, 0, header().to_json()))
    sequences = itertools.count(1)
    for row in rows(count, jitter_s):
        if not buffer.put(row) or rows_alone:
            journal.write(buffer.take(next(sequences)))
    if buffer:
        journal.write(buffer.take(next(sequences)))
    end = json.dumps({"state": "finished", "reason": "", "rows": count}).encode()
    journal.write(pack(FrameType.END, next(sequences), end))
    journal.close()
    result = build_result(run)
    say(packed_bytes=(run / "run.wal.gz").stat().st_size, result_bytes=result.stat().st_size)


def header() -> Header:
    """Get the header of a run of these rows."""
    return Header(procedure="bias_stability", title="Benchmark", columns=COLUMNS, start_utc_s=START_UTC_S)


def until_there(path: Path) -> None:
    """Wait for a file that another process makes."""
    clock = RealClock()
    while not path.exists():
        clock.sleep(0.01)


def resident_mb(process: object, key: str = "VmRSS") -> float:
    """Read how much memory a process holds (proc(5)); nan if there is no such process."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(key))
    except OSError:
        return float("nan")


WORKLOADS: tuple[Callable[[int, Path, Callable[..., None]], None], ...] = (
    draw_only,
    journal_and_result,
    journal_and_result_alone,
    bare_h5py,
    pymeasure_csv,
    rest_simulated,
    rest_real_time,
    hold,
)


def main() -> None:
    """Run one workload; what it found out goes to standard output as JSON lines."""
    import json

    name, count, folder = sys.argv[1:]
    workload = next(workload for workload in WORKLOADS if workload.__name__ == name)
    workload(int(count), Path(folder), lambda **facts: print(json.dumps(facts), flush=True))


if __name__ == "__main__":
    main()
