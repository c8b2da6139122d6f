"""What storing a row costs, beside a bare h5py append and pymeasure's CSV: ``python benchmarks/storage.py [--quick]``.

See README.md for what is counted and what is not.
"""

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from measuring import cpu_cost, environment, instruction_counter, instructions  # noqa: E402

from xraydaq.clock import RealClock  # noqa: E402
from xraydaq.storage import live_view, read_run, tail_journal  # noqa: E402

SIZES = (1_000, 10_000, 100_000, 1_000_000)
OURS = "journal_and_result"
COMPARED = (OURS, "journal_and_result_alone", "bare_h5py", "pymeasure_csv")
COMPARED_AT = 100_000
"""Also the smallest size whose processor time stands out from that of starting Python twice."""
CPU_REPEATS = 5
READS, POLLS = 7, 200
MAIN_JOB_ROWS = 48_001


def command(name: str, rows: int) -> list[str]:
    return [sys.executable, str(HERE / "storage_workloads.py"), name, str(rows)]


def per_row(total: Callable[[str, int], float], name: str, rows: int) -> float:
    """Get what a row costs: without starting and ending, which one row also costs, and without drawing the row."""
    whole = total(name, rows) - total(name, 1)
    drawn = total("draw_only", rows) - total("draw_only", 1)
    return (whole - drawn) / (rows - 1)


def remembered(measure: Callable[[str, int], float]) -> Callable[[str, int], float]:
    known: dict[tuple[str, int], float] = {}

    def total(name: str, rows: int) -> float:
        if (name, rows) not in known:
            known[name, rows] = measure(name, rows)
        return known[name, rows]

    return total


def show_costs(title: str, total: Callable[[str, int], float], sizes: Sequence[int], scale: float) -> None:
    print(f"\n{title}")
    for rows in sizes:
        print(f"  {OURS:26s} {rows:9,d} rows {scale * per_row(total, OURS, rows):12,.1f}")
    base = per_row(total, OURS, COMPARED_AT)
    for name in COMPARED:
        cost = per_row(total, name, COMPARED_AT)
        print(f"  {name:26s} {COMPARED_AT:9,d} rows {scale * cost:12,.1f}   {cost / base:6.2f} of ours")


def show_memory(sizes: Sequence[int]) -> None:
    print("\nresident memory in MB: acquiring process, publisher, peak while the result is built")
    for rows in sizes:
        facts = cpu_cost(command(OURS, rows)).facts
        print(f"  {rows:9,d} rows {facts['acquiring_mb']:8.1f} {facts['publishing_mb']:8.1f} {facts['peak_mb']:8.1f}")


def show_bytes_at_rest() -> None:
    print(f"\nbytes per row at rest, {MAIN_JOB_ROWS:,d} rows: packed journal, result, both")
    for name in ("rest_simulated", "rest_real_time"):
        facts = cpu_cost(command(name, MAIN_JOB_ROWS)).facts
        packed, result = facts["packed_bytes"] / MAIN_JOB_ROWS, facts["result_bytes"] / MAIN_JOB_ROWS
        print(f"  {name:26s} {packed:8.1f} {result:8.1f} {packed + result:8.1f}")


def show_reading() -> None:
    clock = RealClock()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([*command(OURS, COMPARED_AT), folder], check=True, env=environment(), capture_output=True)
        (run,) = Path(folder).iterdir()
        times_s = []
        for _ in range(READS):
            start_s = clock.now()
            assert read_run(run).rows == COMPARED_AT
            times_s.append(clock.now() - start_s)
    print(f"\nread back {COMPARED_AT:,d} rows: {_milliseconds(times_s)}, the first {1e3 * times_s[0]:.1f} ms")


def show_polls(sizes: Sequence[int]) -> None:
    print("\na second process polls a run that goes on: live HDF5 view, journal")
    for rows in sizes:
        with _held_run(rows) as (folder, go_on), live_view(folder) as view, tail_journal(folder) as tail:
            _wait_for(lambda: bool(view.poll()) and view.rows >= rows)  # noqa: B023
            while tail.poll(2**20).rows:
                pass
            views_s, tails_s = _timed(view.poll, go_on), _timed(tail.poll, go_on)
        print(f"  {rows:9,d} rows   view {_milliseconds(views_s)}   journal {_milliseconds(tails_s)}")


def _timed(poll: Callable[[], object], go_on: Callable[[], None]) -> list[float]:
    clock, times_s = RealClock(), []
    for _ in range(POLLS):
        go_on()
        clock.sleep(0.01)  # two seconds in all: some polls find new rows, most do not
        start_s = clock.now()
        poll()
        times_s.append(clock.now() - start_s)
    return times_s


def _milliseconds(times_s: list[float]) -> str:
    return f"median {1e3 * statistics.median(times_s):.2f} ms, most {1e3 * max(times_s):.2f} ms"


@contextmanager
def _held_run(rows: int) -> Iterator[tuple[Path, Callable[[], None]]]:
    with tempfile.TemporaryDirectory() as root:
        process = subprocess.Popen(
            [*command("hold", rows), root], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(), text=True
        )
        assert process.stdin is not None
        assert process.stdout is not None
        stdin = process.stdin
        process.stdout.readline()
        yield next(Path(root).iterdir()), lambda: print(file=stdin, flush=True)
        stdin.close()
        process.wait()
        process.stdout.close()


def _wait_for(condition: Callable[[], bool]) -> None:
    clock = RealClock()
    while not condition():
        clock.sleep(0.05)


def main() -> None:
    """Measure everything and print it."""
    quick = "--quick" in sys.argv
    sizes = SIZES[:-1] if quick else SIZES
    cpu_s = remembered(lambda name, rows: cpu_cost(command(name, rows), 1 if quick else CPU_REPEATS).cpu_s)
    show_costs("processor time per row in us", cpu_s, [rows for rows in sizes if rows >= COMPARED_AT], 1e6)
    show_memory(sizes)
    show_bytes_at_rest()
    show_reading()
    show_polls(sizes)
    counter = instruction_counter()
    if counter:
        counted = remembered(lambda name, rows: instructions(command(name, rows), counter))
        show_costs(f"instructions per row in user space ({counter})", counted, sizes, 1.0)
    else:
        print("\ninstructions: neither perf nor valgrind is here")


if __name__ == "__main__":
    main()
