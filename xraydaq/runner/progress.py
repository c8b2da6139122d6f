"""What a run tells about itself while it runs, and who listens."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from procedures.base import Plan
from xraydaq.config import RunConfig

log = logging.getLogger(__name__)


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


class Shielded:
    """Passes everything on to a listener until that fails.

    A closed terminal or a broken pipe ends the showing. It must never end the run: an error in the thread that shows
    would leave the measuring thread without its way back.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._failed = False

    def started(self, config: RunConfig, plan: Plan, folder: Path) -> None:
        """Pass it on."""
        self.tell(lambda: self._listener.started(config, plan, folder))

    def progress(self, progress: Progress) -> None:
        """Pass it on."""
        self.tell(lambda: self._listener.progress(progress))

    def event(self, kind: str, message: str, severity: str) -> None:
        """Pass it on."""
        self.tell(lambda: self._listener.event(kind, message, severity))

    def tell(self, show: Callable[[], object]) -> None:
        """Call `show`, unless an earlier call failed."""
        if self._failed:
            return
        try:
            show()
        except Exception as error:  # whatever it is, the run matters more
            self._failed = True
            log.error("the run goes on, but is no longer shown: %s: %s", type(error).__name__, error)
