"""What a trial leaves to be judged. Times are seconds of the log's clock, the simulators' own."""

from dataclasses import dataclass
from typing import Any

NEVER = float("inf")


@dataclass(frozen=True)
class Happened:
    """A fault that was put in; `lease_s` is for how long a beam may still be right after it began."""

    kind: str
    time_s: float
    duration_s: float = 0.0
    lease_s: float = 0.0


@dataclass(frozen=True)
class Acknowledged:
    """The run said that it has so many rows; `elapsed_s` is that of the last or of the one before it."""

    time_s: float
    rows: int
    elapsed_s: float


@dataclass(frozen=True)
class Stored:
    """A run as it is after it was recovered; `problems` are those of `xraydaq runs verify`."""

    state: str
    reason: str
    rows: int
    elapsed_s: tuple[float, ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """All of one trial."""

    begin_s: float
    end_s: float
    """When it was over, with everything as a person leaves it."""

    faults: tuple[Happened, ...]
    log: tuple[dict[str, Any], ...]
    """Of the simulators: time_s, role, kind, text."""

    guardian: tuple[dict[str, Any], ...] = ()
    """Of the guardian of this run: time_s, kind, text, trip."""

    acknowledged: tuple[Acknowledged, ...] = ()
    planned_rows: int = 0
    stop_asked_s: float = NEVER
    """When somebody asked the run to stop: by a signal, or by ``xraydaq off``."""

    killed_s: float = NEVER
    """When the run was killed, by SIGKILL."""

    processes_ended_s: float = NEVER
    """When run and guardian, or caretaker, were both gone."""

    exit_code: int | None = None
    reachable_s: float | None = None
    """From when on everything left on could have been switched off: nothing unplugged, somebody there to do it."""

    stored: Stored | None = None
    """None where no run began."""

    locked: tuple[str, ...] = ()
    """Resources that somebody held although all processes were gone."""

    hung: tuple[str, ...] = ()
    """Processes that had to be killed because they did not end."""


@dataclass(frozen=True)
class Findings:
    """What the judge found; all zero and empty is good."""

    faults: tuple[str, ...] = ()
    lit_s: float = 0.0
    """How long the beam was on altogether."""

    outside_s: float = 0.0
    """How long it was on outside a valid lease."""

    unsafe: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    dishonest: tuple[str, ...] = ()
    left_on: tuple[str, ...] = ()
    locked: tuple[str, ...] = ()
    hung: tuple[str, ...] = ()
    state: str = ""
    rows: int = 0

    @property
    def problems(self) -> tuple[str, ...]:
        """Get every finding that must not be."""
        return (
            *self.unsafe, *self.lost, *self.unreadable, *self.dishonest, *self.left_on, *self.locked, *self.hung,
        )  # fmt: skip
