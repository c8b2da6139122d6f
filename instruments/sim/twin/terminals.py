"""What an instrument finds between its terminals: the crystal of the world, or nothing."""

from typing import Protocol

import numpy as np

from instruments.sim.twin.crystal import Crystal
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
    def bias_v(self) -> float:
        """Get the voltage across it."""
        return self._crystal.bias_v

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

    def conductance_s(self) -> float:
        """Get the slope of the current for an immediate change of bias."""
        return self._crystal.conductance_s() + self.leak_s.last

    def _fault_a(self, time_s: float) -> float:
        return self.leak_s.at(time_s)[1] * self.bias_v + self.offset_a.at(time_s)[1]


class OpenInput:
    """Wires that end in the air."""

    def __init__(self) -> None:
        self.bias_v = 0.0

    def set_bias(self, time_s: float, bias_v: float) -> None:  # noqa: ARG002
        """Change the voltage."""
        self.bias_v = bias_v

    def mean_current_a(self, start_s: float, end_s: float) -> float:  # noqa: ARG002
        """Get no current."""
        return 0.0

    def currents_a(self, start_s: float, spacing_s: float, count: int) -> Floats:  # noqa: ARG002
        """Get no current in any window."""
        return np.zeros(count)

    def conductance_s(self) -> float:
        """Get no conductance."""
        return 0.0
