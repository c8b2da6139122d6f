"""What a run tells about itself while it runs, and who listens."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from procedures.base import Plan
from xraydaq.config import RunConfig


@dataclass(frozen=True, slots=True)
class Progress:
    """A moment of a run."""

    points: int
    total_points: int
    elapsed_s: float
    """Time of the run (simulated time on a simulated bench)."""
    remaining_s: float
    """Time of this computer until the plan is done, nan before the first reading."""
    end_utc_s: float
    current_a: float
    voltage_v: float
    phase: str


class Listener(Protocol):
    """Shows a run to a person or a program; never touches an instrument."""

    def started(self, config: RunConfig, plan: Plan, folder: Path) -> None:
        """Called once, before the first reading."""

    def progress(self, progress: Progress) -> None:
        """Called several times a second."""

    def event(self, kind: str, message: str, severity: str) -> None:
        """Called for each event of the run."""


class Silent:
    """Listens to nothing."""

    def started(self, config: RunConfig, plan: Plan, folder: Path) -> None:
        """Ignore it."""

    def progress(self, progress: Progress) -> None:
        """Ignore it."""

    def event(self, kind: str, message: str, severity: str) -> None:
        """Ignore it."""
