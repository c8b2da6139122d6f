"""What every evaluation of a run returns: named values with their uncertainties, and how they came about."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from xraydaq.analysis.values import Floats, Value


@dataclass(frozen=True)
class Budget:
    """What a standard uncertainty is made of: its contributions in one unit, by source."""

    unit: str
    shares: Mapping[str, float]

    @property
    def combined(self) -> float:
        """Get the root of the sum of squares (JCGM 100:2008, equation (10), for independent contributions)."""
        return math.hypot(*self.shares.values())

    @property
    def largest(self) -> str:
        """Get the source of the largest contribution."""
        return max(self.shares, key=lambda source: self.shares[source])


@dataclass(frozen=True, kw_only=True)
class Result:
    """Base of the results of all experiments, SI inside; subclasses add typed fields and list them in `rows`."""

    headline: str
    """One line: what was measured, and how many readings were used."""

    verdict: str
    """One sentence that a person can act on."""

    classification: str = ""
    """A word for the kind of behaviour, where there is one."""

    flags: tuple[str, ...] = ()
    """What a reader must know before using a number."""

    inputs: Mapping[str, float | str] = field(default_factory=dict)
    """What the evaluation was told, and how much of the data it used."""

    dropped: Mapping[str, int] = field(default_factory=dict)
    """Readings, cycles or points that were not used, by reason."""

    budgets: Mapping[str, Budget] = field(default_factory=dict)
    """By label of the quantity."""

    notes: Mapping[str, str] = field(default_factory=dict)
    """By label of the quantity: what its number depends on."""

    curves: Mapping[str, tuple[Floats, str]] = field(default_factory=dict, compare=False, repr=False)
    """Name -> (array, SI unit): what the figure shows besides the readings."""

    method: str = ""
    version: str = "1"

    def rows(self) -> list[tuple[str, Value, str]]:
        """Return (label, value in SI, unit to show it in); a unit of "" asks for the fitting SI prefix."""
        raise NotImplementedError

    def quantities(self) -> dict[str, Value]:
        """Return every value by a name that fits a file, in SI units."""
        return {file_name(label): value for label, value, _ in self.rows()}

    def texts(self) -> dict[str, str]:
        """Return what is not a number."""
        dropped = ", ".join(f"{reason} {count}" for reason, count in self.dropped.items() if count)
        told = {name: value for name, value in self.inputs.items() if isinstance(value, str)}
        return told | {
            "verdict": self.verdict,
            "class": self.classification,
            "flags": "\n".join(self.flags),
            "dropped": dropped or "none",
            "method": self.method,
        }


def file_name(label: str) -> str:
    """Turn a label into a name that fits a file."""
    name = label.replace("5 %", "5_percent").replace("1/f", "1_over_f").replace(".", "p").replace(" ", "_").lower()
    return "".join(letter for letter in name if letter.isalnum() or letter in "_-")
