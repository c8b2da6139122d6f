"""The air of the room: temperature and pressure that wander slowly around a mean."""

import math
from collections.abc import Callable

import numpy as np

from instruments.sim.twin.streams import stream

PERIODS_S = (1900.0, 5300.0, 14900.0, 43000.0)


class Wander:
    """A sum of slow sines of random phase, rms `rms`: any moment can be asked for, in any order."""

    def __init__(self, rng: np.random.Generator, rms: float) -> None:
        self._amplitude = rms * math.sqrt(2 / len(PERIODS_S))
        self._phases = [float(phase) for phase in rng.uniform(0, 2 * math.pi, len(PERIODS_S))]

    def at(self, time_s: float) -> float:
        """Get the deviation at a moment."""
        return self._amplitude * sum(
            math.sin(2 * math.pi * time_s / period_s + phase)
            for period_s, phase in zip(PERIODS_S, self._phases, strict=True)
        )


class Wandering:
    """The crystal's temperature where no stage holds it."""

    def __init__(self, mean_k: float, wander: Callable[[float], float]) -> None:
        self._mean_k = mean_k
        self._wander = wander

    def crystal_k(self, time_s: float) -> float:
        """Get the temperature at a moment."""
        return self._mean_k + self._wander(time_s)


class Room:
    """Air around the chamber; how much it wanders is assumed."""

    def __init__(
        self, *, seed: int, temperature_k: float = 296.15, pressure_pa: float = 99_800.0, steady: bool = False
    ) -> None:
        self._temperature_k = temperature_k
        self._pressure_pa = pressure_pa
        self._warmth = Wander(stream(seed, "room temperature"), 0.0 if steady else 0.3)
        self._weather = Wander(stream(seed, "room pressure"), 0.0 if steady else 60.0)

    def temperature_k(self, time_s: float) -> float:
        """Get the temperature at a moment."""
        return self._temperature_k + self._warmth.at(time_s)

    def pressure_pa(self, time_s: float) -> float:
        """Get the pressure at a moment."""
        return self._pressure_pa + self._weather.at(time_s)
