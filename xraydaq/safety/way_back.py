"""The way back: steps registered before the way in, each tried even if another fails.

Order is the order of registration; a procedure registers tube, bias, output, heater. Nothing here raises: what failed
is returned, because the caller is already on its way out and has a run to close.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Step:
    """One action of the way back and how to name it to a person."""

    label: str
    action: Callable[[], None]
    otherwise: Callable[[], object] | None = None
    """Done at once if the action fails, before the next step."""


@dataclass(slots=True)
class WayBack:
    """Collects the steps and takes them, at most once each that succeeded."""

    _steps: list[Step] = field(default_factory=list)

    def add(self, label: str, action: Callable[[], None], otherwise: Callable[[], object] | None = None) -> None:
        """Register a step, and what is done if it fails; call this before the action it undoes."""
        self._steps.append(Step(label, action, otherwise))

    def take(self) -> tuple[str, ...]:
        """Try every step in order and return one sentence per failure.

        A step that succeeded is forgotten, so that a second call repeats only what failed.
        """
        failures: list[str] = []
        remaining: list[Step] = []
        for step in self._steps:
            try:
                step.action()
            except Exception as error:  # every later step must still be tried, whatever this one met
                failures.append(f"{step.label}: {error}")
                remaining.append(step)
                if step.otherwise is not None:
                    with suppress(Exception):  # the failure to tell is the first one
                        step.otherwise()
        self._steps = remaining
        return tuple(failures)
