"""The page of failure modes promises what a test shows: every test that it names exists, and every row is there."""

import re

from tests.faults.bench import HOME

PAGE = HOME / "docs/reference/failure-modes.md"
ROWS = 36
NAMED = re.compile(r"`([a-z_/0-9]+\.py)::(test_\w+)`")


def rows():
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def test_every_test_that_the_page_names_exists():
    named = [found for cells in rows() for found in NAMED.findall(cells[-1])]
    assert len(named) > ROWS
    texts = {file: (HOME / "tests" / file).read_text(encoding="utf-8") for file, _ in named}
    assert [f"{file}::{name}" for file, name in named if f"\ndef {name}(" not in texts[file]] == []


def test_every_row_is_there_and_names_a_test_or_says_that_there_is_none():
    assert [cells[0] for cells in rows() if cells[0]] == [str(number) for number in range(1, ROWS + 1)]
    assert [cells[1] for cells in rows() if not NAMED.search(cells[-1]) and "**not tested**" not in cells[-1]] == []


def test_every_test_of_a_row_is_on_the_page():
    page = PAGE.read_text(encoding="utf-8")
    names = [
        name
        for file in sorted((HOME / "tests/faults").glob("test_*.py"))
        for name in re.findall(r"^def (test_rows?_\d\w*)", file.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert len(names) > 20
    assert [name for name in names if f"::{name}`" not in page] == []
