"""What an instrument finds between its terminals: the crystal of the world, or nothing."""

import math
from itertools import pairwise
from typing import Protocol

import numpy as np

from instruments.sim.twin.crystal import RESOLUTION_S, Crystal
from instruments.sim.twin.modes import Floats
from instruments.sim.twin.timeline import Steps


class Surroundings(Protocol):
    """What has to have happened before the crystal can be asked."""

    def catch_up(self, time_s: float) -> None:
        """Let everything happen that would have happened by now."""

    def follow(self, time_s: float) -> None:
        """Take the crystal through its temperatures up to a moment."""

    def steady_until_s(self, start_s: float, end_s: float) -> float:
        """Get the moment from which on the temperature is another one, `end_s` if there is none before."""


class Terminals:
    """The crystal with its wires; a leak and an offset current are faults."""

    def __init__(self, crystal: Crystal, surroundings: Surroundings) -> None:
        self._crystal = crystal
        self._surroundings = surroundings
        self.leak_s = Steps("leak", 0.0)
        self.offset_a = Steps("offset current", 0.0)

    @property
    def now_s(self) -> float:
        """Get the crystal's present."""
        return self._crystal.now_s

    def set_bias(self, time_s: float, bias_v: float) -> None:
        """Change the voltage."""
        self._surroundings.catch_up(time_s)
        self._surroundings.follow(time_s)
        self._crystal.set_bias(time_s, bias_v)

    def mean_current_a(self, start_s: float, end_s: float) -> float:
        """Let time pass to `end_s` and get the mean current of the window; its temperature is that of its start."""
        self._surroundings.catch_up(end_s)
        self._surroundings.follow(start_s)
        return self._crystal.mean_current_a(start_s, end_s) + self._fault_a(start_s)

    def currents_a(self, start_s: float, spacing_s: float, count: int) -> Floats:
        """Let time pass and get the mean current of each of so many adjoining windows."""
        end_s = start_s + count * spacing_s
        self._surroundings.catch_up(end_s)
        found = np.empty(count)
        first = 0
        while first < count:
            at_s = start_s + first * spacing_s
            self._surroundings.follow(at_s)
            steady = round((self._surroundings.steady_until_s(at_s, end_s) - at_s) / spacing_s)
            last = min(first + max(steady, 1), count)
            found[first:last] = self._crystal.currents_a(at_s, spacing_s, last - first) + self._fault_a(at_s)
            first = last
        return found

    def chord_s(self, bias_v: float) -> float:
        """Get the current over the voltage for an immediate change of bias to it."""
        return self._crystal.chord_s(bias_v) + self.leak_s.last

    def _fault_a(self, time_s: float) -> float:
        return self.leak_s.at(time_s)[1] * self._crystal.bias_v + self.offset_a.at(time_s)[1]


class Socket:
    """The input of one instrument: the crystal while it is plugged in there, and wires that end in the air otherwise.

    Whoever plugs has had every instrument sample its past first. A window that a person plugs in the middle of shows
    nothing of the part before the crystal's present.
    """

    def __init__(self, name: str, terminals: Terminals, wiring: Steps[str]) -> None:
        self._name = name
        self._terminals = terminals
        self._wiring = wiring
        self.bias_v = 0.0
        """Voltage at this input, whether the crystal is there or not."""

    def set_bias(self, time_s: float, bias_v: float) -> None:
        """Change the voltage."""
        if self._wiring.last == self._name:
            self._terminals.set_bias(time_s, bias_v)
        self.bias_v = bias_v

    def mean_current_a(self, start_s: float, end_s: float) -> float:
        """Let time pass to `end_s` and get the mean current of the window."""
        moments_s = self._plugged_s(start_s, end_s)
        if not moments_s:
            return self._terminals.mean_current_a(start_s, end_s) if self._is_here(start_s) else 0.0
        charge_c = 0.0
        for first_s, last_s in pairwise([start_s, *moments_s, end_s]):
            from_s = max(first_s, self._terminals.now_s)
            if self._is_here(first_s) and last_s - from_s >= RESOLUTION_S:
                charge_c += self._terminals.mean_current_a(from_s, last_s) * (last_s - from_s)
        return charge_c / (end_s - start_s)

    def currents_a(self, start_s: float, spacing_s: float, count: int) -> Floats:
        """Let time pass and get the mean current of each of so many adjoining windows."""
        moments_s = self._plugged_s(start_s, start_s + spacing_s * count)
        if not moments_s:
            if not self._is_here(start_s):
                return np.zeros(count)
            return self._terminals.currents_a(start_s, spacing_s, count)
        found = np.zeros(count)
        edges = [min(math.ceil((each - start_s) / spacing_s - 1e-6), count) for each in moments_s]
        for first, last in pairwise([0, *edges, count]):
            at_s = start_s + spacing_s * first
            if last > first and self._is_here(at_s) and at_s >= self._terminals.now_s - RESOLUTION_S:
                found[first:last] = self._terminals.currents_a(at_s, spacing_s, last - first)
        return found

    def chord_s(self, bias_v: float) -> float:
        """Get the current over the voltage for an immediate change of bias to it."""
        return self._terminals.chord_s(bias_v) if self._wiring.last == self._name else 0.0

    def _is_here(self, time_s: float) -> bool:
        return self._wiring.at(time_s + RESOLUTION_S)[1] == self._name

    def _plugged_s(self, start_s: float, end_s: float) -> list[float]:
        return self._wiring.between(start_s + RESOLUTION_S, end_s - RESOLUTION_S)
