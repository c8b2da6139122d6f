"""Every file in ``broken/`` is refused with the messages of its ``.expected`` neighbour, one line each.

A first line ``# options: ...`` holds what stands behind ``xraydaq run FILE``. Names are relative to ``broken/``.
"""

import argparse
import re
import shlex
from pathlib import Path

import pytest

from xraydaq.config import check_file, load_run
from xraydaq.errors import ConfigError

BROKEN = Path(__file__).parent / "broken"
FILES = sorted(each.name for each in BROKEN.glob("*.toml"))
GOOD = sorted(each.relative_to(BROKEN).as_posix() for each in BROKEN.glob("good/*.toml"))
OPTIONS = b"# options: "

PLACE = re.compile(r"(?P<file>[\w/.]+\.toml)(:(?P<line>\d+))?: \S|--(set|sample|bench): \S")


def problems_of(name: str) -> list[str]:
    first_line = Path(name).read_bytes().partition(b"\n")[0]
    if not first_line.startswith(OPTIONS):
        return list(check_file(Path(name)).problems)
    options = argparse.ArgumentParser(exit_on_error=False)
    options.add_argument("--set", action="append", default=[])
    options.add_argument("--bench", type=Path)
    options.add_argument("--sample", type=Path)
    given = options.parse_args(shlex.split(first_line.removeprefix(OPTIONS).decode()))
    try:
        load_run(Path(name), bench=given.bench, sample=given.sample, overrides=given.set)
    except ConfigError as error:
        return list(error.problems)
    return []


@pytest.fixture(autouse=True)
def _among_the_files(monkeypatch):
    monkeypatch.chdir(BROKEN)


@pytest.mark.parametrize("name", FILES)
def test_a_broken_file_is_refused_with_exactly_these_words(name):
    assert problems_of(name) == Path(name).with_suffix(".expected").read_text(encoding="utf-8").splitlines()


def test_every_broken_file_has_an_expectation_and_there_are_many():
    expected = {each.stem for each in BROKEN.glob("*.expected")}
    assert expected == {Path(name).stem for name in FILES}
    assert all((BROKEN / f"{stem}.expected").read_text(encoding="utf-8").strip() for stem in expected)
    assert len(FILES) >= 40


@pytest.mark.parametrize("name", GOOD)
def test_the_files_they_lean_on_are_good(name):
    assert check_file(Path(name)).problems == ()


@pytest.mark.parametrize("name", FILES)
def test_every_message_begins_with_the_place_of_the_mistake(name):
    for problem in Path(name).with_suffix(".expected").read_text(encoding="utf-8").splitlines():
        place = PLACE.match(problem)
        assert place is not None, problem
        if place["line"]:
            lines = Path(place["file"]).read_bytes().split(b"\n")
            assert 1 <= int(place["line"]) <= len(lines), problem
