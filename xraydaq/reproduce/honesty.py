"""Blind programmes of many seeds; ends with 1 if the pulls of any quantity are not those of honest uncertainties.

Run as ``python -m xraydaq.reproduce.honesty --seeds 20 --out FOLDER``.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from xraydaq.clock import RealClock
from xraydaq.reproduce.blind import Pull, dishonest, pulls_of, pulls_text
from xraydaq.reproduce.measured import read_back
from xraydaq.reproduce.programme import SHELF_DATES_H, programme
from xraydaq.reproduce.running import Done, run_all
from xraydaq.reproduce.shelf import with_trend

LEFT_OUT = ("response", *(f"shelf {hours} h" for hours in SHELF_DATES_H if hours not in (0, 200, 450, 650)))
"""Runs of the programme that have no truth to be compared with, and dates of the shelf that can be spared."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the programmes, print all pulls, and judge them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--processes", type=int, default=2)
    told = parser.parse_args(arguments)
    pulls: list[Pull] = []
    for seed in range(told.first, told.first + told.seeds):
        pulls += blind_pulls(seed, told.out / f"blind_{seed}", told.processes)
        print(f"{seed}: {len(pulls)} pulls so far", flush=True)
    print(pulls_text(pulls))
    found = dishonest(pulls, told.seeds)
    print("\n".join(found) or "the uncertainties are honest")
    return 1 if found else 0


def blind_pulls(seed: int, folder: Path, processes: int) -> list[Pull]:
    """Run one blind programme and open the truth."""
    jobs = [job for job in programme(seed) if job.key not in LEFT_OUT]
    start_utc_s = RealClock().utc()
    done = run_all(jobs, folder, seed=seed, start_utc_s=start_utc_s, processes=processes, show=_show)
    return pulls_of(with_trend(read_back({key: each.file for key, each in done.items()})))


def _show(done: Done, count: str) -> None:
    print(f"  {count} {done.job.key} {done.problem}".rstrip(), flush=True)


if __name__ == "__main__":
    sys.exit(main())
