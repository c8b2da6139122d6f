"""Numbers of the programme's runs, read back from their result files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xraydaq.analysis.values import Value
from xraydaq.storage import StoredAnalysis, StoredRun, read_run

PLAIN = {"": "1", "A Hz^-0.5": "A/√Hz"}


@dataclass(frozen=True)
class Measured:
    """The runs of the programme by the key of their job, with their last analysis; what failed is not there."""

    runs: Mapping[str, StoredRun]
    more: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    """What several runs say together, by key and name."""

    def value(self, key: str, name: str) -> Value | None:
        """Get a result of a run by its name in the file; None where there is none."""
        if key in self.more:
            return self.more[key].get(name)
        analysis = self.analysis(key)
        found = None if analysis is None else analysis.results.get(name)
        return None if found is None else Value(found.value, found.u, PLAIN.get(found.unit, found.unit))

    def text(self, key: str, name: str) -> str:
        """Get a text of an analysis; empty where there is none."""
        analysis = self.analysis(key)
        return "" if analysis is None else analysis.text.get(name, "")

    def analysis(self, key: str) -> StoredAnalysis | None:
        """Get the last analysis of a run."""
        run = self.runs.get(key)
        return run.analyses[max(run.analyses)] if run is not None and run.analyses else None


def read_back(files: Mapping[str, Path | None]) -> Measured:
    """Read the result files of the programme."""
    return Measured({key: read_run(path) for key, path in files.items() if path is not None})


def value_text(value: Value, unit: str) -> str:
    """Write a value with its uncertainty in a unit; a unit of "" asks for the fitting SI prefix."""
    shown = value.to(unit) if unit else value.prefixed()
    return shown.number() if shown.unit == "1" else f"{shown.number()} {shown.unit}"
