from collections.abc import Callable
from pathlib import Path

import pytest

SAMPLE = """\
name = "mai 3"
treatment = "mai"
area = "0.031416 cm^2"
area_uncertainty = "2 %"
gap = "50 um"
gap_uncertainty = "3 um"
max_field = "0.5 V/um"
max_dark_current = "0.3 uA"
"""

BENCH = """\
name = "lab"

[roles.smu]
driver = "keithley2400"
resource = "GPIB0::24::INSTR"

[limits]
max_bias = "20 V"
max_current = "1 mA"
"""

RECIPE = """\
procedure = "bias_stability"
sample = "sample.toml"
bench = "bench.toml"

[parameters]
bias = "5 V"
duration = "10 min"
compliance = "50 uA"
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Work in an empty folder; returns what writes a file there."""
    monkeypatch.chdir(tmp_path)

    def to(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return Path(name)

    return to


@pytest.fixture
def recipe(write: Callable[[str, str], Path]) -> Path:
    """A good recipe with its sample and real bench, as ``recipe.toml`` in an empty folder."""
    write("sample.toml", SAMPLE)
    write("bench.toml", BENCH)
    return write("recipe.toml", RECIPE)


@pytest.fixture
def edit() -> Callable[..., None]:
    """Replace texts in a file, each of which must be there exactly once."""

    def change(name: str, *changes: tuple[str, str]) -> None:
        text = Path(name).read_text(encoding="utf-8")
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        Path(name).write_text(text, encoding="utf-8")

    return change
