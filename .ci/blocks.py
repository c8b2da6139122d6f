"""Runs the command blocks of a page, so that nothing in the documentation is written from memory.

A block that is fenced as ``bash`` is run by ``bash -eu -o pipefail`` in the present directory, in the order of the
page; one fenced as ``console`` or ``text`` is only shown. ``bash exit=2`` says that the last command fails on purpose.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

BLOCK = re.compile(r"^```bash(?: exit=(?P<exit>\d+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
README_COMMANDS = 2


def main() -> int:
    """Run the blocks and return 1 at the first that does not end as the page says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path)
    parser.add_argument("--only", type=int, help="run one block, counted from 1")
    parser.add_argument("--count", action="store_true", help=f"only check that there are {README_COMMANDS} blocks")
    options = parser.parse_args()
    blocks = list(BLOCK.finditer(options.page.read_text()))
    if options.count:
        print(f"{options.page.name}: {len(blocks)} command blocks")
        return 0 if len(blocks) == README_COMMANDS else 1
    chosen = blocks if options.only is None else [blocks[options.only - 1]]
    print(f"{options.page.name}: {len(chosen)} blocks", flush=True)
    return max((_run(block) for block in chosen), default=0)


def _run(block: re.Match[str]) -> int:
    wanted = int(block["exit"] or 0)
    print("$ " + block["text"].strip().replace("\n", "\n  "), flush=True)
    code = subprocess.run(["bash", "-eu", "-o", "pipefail", "-c", block["text"]], check=False).returncode
    if code != wanted:
        print(f"this block ended with {code}, the page says {wanted}", flush=True)
    return int(code != wanted)


if __name__ == "__main__":
    sys.exit(main())
