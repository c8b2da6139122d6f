"""Numbers of the programme's runs, read back from their result files."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xraydaq.analysis.outcome import Result
from xraydaq.analysis.values import Floats, Value
from xraydaq.storage import StoredAnalysis, StoredRun, read_run

PLAIN = {"": "1", "A Hz^-0.5": "A/√Hz"}
NO_RESULT = "no result"
UNTOLD = "not on record"

SHOWN = ((r"\^-1\b", "⁻¹"), (r"\^-2\b", "⁻²"), (r"\^2\b", "²"), (r"Hz\^\(1/2\)", "√Hz"), (r"\bu(?=(C|Gy|A|m)\b)", "µ"))
"""Patterns of units, and how people read them."""


@dataclass(frozen=True)
class Measured:
    """The runs of the programme by the key of their job, with their last analysis; what failed is not there."""

    runs: Mapping[str, StoredRun]
    more: Mapping[str, Result] = field(default_factory=dict)
    """Results that are of no single run, by their key."""

    def value(self, key: str, name: str) -> Value | None:
        """Get a result by its name in the file; None where there is none, or where it is no number."""
        if key in self.more:
            value = self.more[key].quantities().get(name)
        else:
            analysis = self.analysis(key)
            found = None if analysis is None else analysis.results.get(name)
            value = None if found is None else Value(found.value, found.u, PLAIN.get(found.unit, found.unit))
        return value if value is not None and math.isfinite(value.value) else None

    def said(self, key: str, name: str, unit: str) -> str:
        """Write a result in a unit, "no result" where there is none; a unit of "" asks for the fitting SI prefix."""
        return shown(self.value(key, name), unit)

    def named(self, key: str, begin: str, end: str) -> dict[str, Value]:
        """Get all results whose names begin and end so, by what stands between, in order of their size as a number."""
        analysis = self.analysis(key)
        names = self.more[key].quantities() if key in self.more else {} if analysis is None else analysis.results
        between = [name[len(begin) : -len(end)] for name in names if name.startswith(begin) and name.endswith(end)]
        found = {each: self.value(key, f"{begin}{each}{end}") for each in sorted(between, key=_number)}
        return {each: value for each, value in found.items() if value is not None}

    def text(self, key: str, name: str) -> str:
        """Get a text of an analysis; empty where there is none."""
        if key in self.more:
            return self.more[key].texts().get(name, "")
        analysis = self.analysis(key)
        return "" if analysis is None else analysis.text.get(name, "")

    def told(self, key: str, name: str) -> float:
        """Get what an analysis was told; nan where it is not on record."""
        source = self.more.get(key) or self.analysis(key)
        return math.nan if source is None else float(source.inputs.get(name, math.nan))

    def curve(self, key: str, name: str) -> Floats | None:
        """Get an array that an analysis left, in SI."""
        source = self.more.get(key) or self.analysis(key)
        return source.curves[name][0] if source is not None and name in source.curves else None

    def parameters(self, key: str) -> Mapping[str, Any]:
        """Get the parameters of a run's recipe, in SI; empty where there is no such run."""
        run = self.runs.get(key)
        return {} if run is None else run.header.resolved["recipe"]["parameters"]

    def sample(self, key: str) -> Mapping[str, Any]:
        """Get what a run knows of its sample, in SI; empty where there is no such run."""
        run = self.runs.get(key)
        return {} if run is None else run.header.sample

    def analysis(self, key: str) -> StoredAnalysis | None:
        """Get the last analysis of a run."""
        run = self.runs.get(key)
        return run.analyses[max(run.analyses)] if run is not None and run.analyses else None


def read_back(files: Mapping[str, Path | None]) -> Measured:
    """Read the result files of the programme."""
    return Measured({key: read_run(path) for key, path in files.items() if path is not None})


def value_text(value: Value, unit: str) -> str:
    """Write a value with its uncertainty in a unit; a unit of "" asks for the fitting SI prefix.

    Where no uncertainty is stated, it has four digits.
    """
    there = value.to(unit) if unit else value.prefixed()
    number = there.number() if there.u > 0 else f"{there.value:.4g}"
    return number if there.unit == "1" else f"{number} {readable(there.unit)}"


def shown(value: Value | None, unit: str) -> str:
    """Write a value that may be missing: a report says so and does not leave it out."""
    return NO_RESULT if value is None else value_text(value, unit)


def told_text(value: float, unit: str, factor: float = 1.0) -> str:
    """Write a number that was told, over `factor`, with its unit."""
    return f"{value / factor:.4g} {readable(unit)}".strip() if math.isfinite(value) else UNTOLD


def readable(unit: str) -> str:
    """Write powers and micro of units as people do."""
    for plain, nice in SHOWN:
        unit = re.sub(plain, nice, unit)
    return unit


def called(treatment: str) -> str:
    """Get the name of a treatment in a sentence."""
    return "MAI" if treatment == "mai" else treatment


def sentence(text: str) -> str:
    """Let a text begin as a sentence does and end with a full stop."""
    return f"{text[:1].upper()}{text[1:]}."


def _number(text: str) -> float:
    try:
        return float(text.split("_", maxsplit=1)[0].replace("p", "."))
    except ValueError:
        return math.inf
