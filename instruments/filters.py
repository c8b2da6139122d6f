"""Filters in front of the tube: who changes them, and what is known of what hangs there.

Only the thickness on the label is known here. How much a filter lets through is measured, never assumed. Not verified
on hardware: the holder has no cable.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from xraydaq.clock import Clock
from xraydaq.errors import InstrumentError, InstrumentTimeout, LimitError, Refused, UnitError
from xraydaq.units import format_quantity, parse_quantity

SAME_M = 1e-7
"""Labels closer than this are the same piece: the thinnest foils are 10 um."""

TRIES = 5
THICKEST_M = 0.1


@dataclass(frozen=True, slots=True)
class Mounted:
    """What is in the beam, as somebody confirmed it."""

    thickness_m: float
    """On the label; 0 is an empty holder."""

    material: str
    confirmed_s: float
    """On the clock of the bench."""


class FilterHolder(Protocol):
    """Changes filters. `mounted` is None as long as nobody knows."""

    name: str
    thicknesses_m: tuple[float, ...]

    @property
    def mounted(self) -> Mounted | None:
        """Get what was confirmed last, None if that is not known."""

    def mount(self, thickness_m: float) -> Mounted:
        """Have a filter of the list mounted, the beam being off.

        Raises:
            LimitError: it is not on the list of the bench.
            Refused: the beam is not shown to be off.
            InstrumentError: it was not confirmed; what is mounted is then unknown.
        """


class OperatorFilterHolder:
    """A holder that a person serves. `ask` shows a text and returns the line that was typed.

    `beam_is_off` must return True, before and after. An answer that comes after `timeout_s` does not count.
    """

    def __init__(
        self, ask: Callable[[str], str], *, clock: Clock, thicknesses_m: Sequence[float],
        beam_is_off: Callable[[], bool], timeout_s: float = 600.0, material: str = "Al", name: str = "filters",
    ) -> None:  # fmt: skip
        if not 0 < timeout_s < math.inf:
            raise LimitError(f"{name}: a timeout of {timeout_s} s; allowed: above 0 s")
        self.name = name
        self.thicknesses_m = _checked_list(name, thicknesses_m)
        self.material = material
        self._ask = ask
        self._clock = clock
        self._beam_is_off = beam_is_off
        self._timeout_s = timeout_s
        self._mounted: Mounted | None = None

    @property
    def mounted(self) -> Mounted | None:
        """Get what the operator confirmed last."""
        return self._mounted

    def mount(self, thickness_m: float) -> Mounted:
        """Ask the operator to mount a filter; confirmed by typing what the label says, not by a mere yes.

        Raises: as `FilterHolder.mount`.
        """
        thickness_m = _on_list(self, thickness_m)
        _require_dark(self.name, self._beam_is_off)
        self._mounted = None
        self._confirm(thickness_m, self._clock.now() + self._timeout_s)
        _require_dark(self.name, self._beam_is_off)
        self._mounted = Mounted(thickness_m, self.material, self._clock.now())
        return self._mounted

    def _confirm(self, thickness_m: float, deadline_s: float) -> None:
        wanted = describe(thickness_m, self.material)
        prompt = f"Beam is off. Mount {wanted}, then type what its label says (none if empty): "
        shown = prompt
        for count in range(TRIES):
            if count:
                _require_dark(self.name, self._beam_is_off)  # the prompt says so again
            typed = self._ask(shown).strip()
            if not self._clock.now() <= deadline_s:
                raise InstrumentTimeout(f"{self.name}: {wanted} was not confirmed within {self._timeout_s:g} s")
            try:
                found_m = 0.0 if typed.casefold() == "none" else parse_quantity(typed, "m", example_unit="mm")
            except UnitError as error:
                shown = f"{error}\n{prompt}"
                continue
            if abs(found_m - thickness_m) <= SAME_M:
                return
            shown = f"{_label(found_m)} is not {_label(thickness_m)}\n{prompt}"
        raise InstrumentError(f"{self.name}: {wanted} was not confirmed in {TRIES} answers")


class ChangerFilterHolder:
    """A holder with a changer: `change` mounts a thickness, or raises."""

    def __init__(
        self, change: Callable[[float], None], *, clock: Clock, thicknesses_m: Sequence[float],
        beam_is_off: Callable[[], bool], material: str = "Al", name: str = "filters",
    ) -> None:  # fmt: skip
        self.name = name
        self.thicknesses_m = _checked_list(name, thicknesses_m)
        self.material = material
        self._change = change
        self._clock = clock
        self._beam_is_off = beam_is_off
        self._mounted: Mounted | None = None

    @property
    def mounted(self) -> Mounted | None:
        """Get what the changer mounted last without an error."""
        return self._mounted

    def mount(self, thickness_m: float) -> Mounted:
        """Let the changer mount a filter.

        Raises: as `FilterHolder.mount`, and what the changer raises.
        """
        thickness_m = _on_list(self, thickness_m)
        _require_dark(self.name, self._beam_is_off)
        self._mounted = None
        self._change(thickness_m)
        _require_dark(self.name, self._beam_is_off)
        self._mounted = Mounted(thickness_m, self.material, self._clock.now())
        return self._mounted


def describe(thickness_m: float, material: str) -> str:
    """Get a filter in words."""
    return "no filter (holder empty)" if thickness_m == 0 else f"{format_quantity(thickness_m, 'm')} {material}"


def _label(thickness_m: float) -> str:
    return "none" if thickness_m == 0 else format_quantity(thickness_m, "m")


def _checked_list(name: str, thicknesses_m: Sequence[float]) -> tuple[float, ...]:
    found = tuple(sorted(thicknesses_m))
    if not found or not all(0 <= each <= THICKEST_M for each in found):
        raise LimitError(f"{name}: filters {tuple(thicknesses_m)} m; allowed: at least one, 0 to {THICKEST_M} m each")
    if any(not later - earlier > SAME_M for earlier, later in pairwise(found)):
        raise LimitError(f"{name}: filters {found} m; allowed: each thickness once")
    return found


def _on_list(holder: FilterHolder, thickness_m: float) -> float:
    found = next((each for each in holder.thicknesses_m if abs(each - thickness_m) <= SAME_M), None)
    if found is None:
        allowed = ", ".join(map(_label, holder.thicknesses_m))
        raise LimitError(f"{holder.name}: a filter of {thickness_m} m; allowed: {allowed}")
    return found


def _require_dark(name: str, beam_is_off: Callable[[], bool]) -> None:
    if beam_is_off() is not True:
        raise Refused(f"{name}: the beam is not shown to be off; no filter is changed under a beam")
