"""A sensor input: ten readings a second with noise, drift, steps of a millikelvin, faults and the digital filter."""

import math
from collections import deque
from collections.abc import Callable, Iterator
from enum import Enum

import numpy as np

from instruments.sim.lakeshore335.settings import InputSettings

INVALID, UNDER_RANGE, OVER_RANGE, UNITS_ZERO, UNITS_OVER = 1, 16, 32, 64, 128
RESOLUTION_K = 1e-3
DRIFT_TIME_S = 600.0
DISABLED, DIODE, PLATINUM = 0, 1, 2
CURVE_ENDS_K = {DISABLED: (0.0, 673.15), DIODE: (1.4, 500.0), PLATINUM: (30.0, 800.0)}
DIODE_300K_V, DIODE_V_PER_K = 0.5597, -2.35e-3
BLOCK = 4096


class SensorFault(Enum):
    """What may be wrong with a sensor or its cable."""

    NONE = "none"
    OPEN = "open"
    UNITS_OVER = "units over range"
    TOO_HOT = "beyond the upper end of the curve"


class Input:
    """One input and what is connected to it."""

    def __init__(
        self,
        settings: InputSettings,
        source: Callable[[float], float] | None,
        rng: np.random.Generator,
        noise_k: float,
        drift_k: float,
    ) -> None:
        self.settings = settings
        self.fault = SensorFault.NONE
        self.shown_k = self.control_k = 0.0
        self.status = INVALID
        self._source = source
        self._normal = _normal(rng)
        self._noise_k = noise_k
        self._drift_k = drift_k
        self._drift = next(self._normal)
        self._recent: deque[float] = deque()

    @property
    def ends_k(self) -> tuple[float, float]:
        """Get the ends of the curve."""
        return CURVE_ENDS_K[self.settings.type]

    def tick(self, time_s: float, step_s: float) -> None:
        """Take one reading; the plant is asked for its temperature even if the cable is open: time passes there."""
        if self._source is None:
            return
        true_k = self._source(time_s)
        kept = 1 - step_s / DRIFT_TIME_S
        self._drift = kept * self._drift + math.sqrt(1 - kept * kept) * next(self._normal)
        noise_k = self._noise_k * next(self._normal) + self._drift_k * self._drift
        if self.settings.type == DISABLED:
            self._show(0.0, INVALID)
        elif self.fault is SensorFault.OPEN:
            self._show(0.0, INVALID | UNITS_ZERO)
        elif self.fault is SensorFault.UNITS_OVER:
            self._show(0.0, INVALID | UNITS_OVER)
        else:
            self._read(true_k + noise_k)

    def _read(self, kelvin: float) -> None:
        low_k, high_k = self.ends_k
        if self.fault is SensorFault.TOO_HOT or kelvin > high_k:
            self._show(high_k, OVER_RANGE)
        elif kelvin < low_k:
            self._show(low_k, UNDER_RANGE)
        else:
            self.status = 0
            self.control_k = round(kelvin / RESOLUTION_K) * RESOLUTION_K
            self.shown_k = self._filtered(self.control_k) if self.settings.filter_on else self.control_k

    def _show(self, kelvin: float, status: int) -> None:
        self.shown_k = self.control_k = kelvin
        self.status = status
        self._recent.clear()

    def _filtered(self, kelvin: float) -> float:
        """Average the last readings; one that is too far away starts the average anew."""
        recent, settings = self._recent, self.settings
        if recent and not abs(kelvin - self.shown_k) <= settings.filter_window_percent / 100 * self.shown_k:
            recent.clear()
        recent.append(kelvin)
        while len(recent) > settings.filter_points:
            recent.popleft()
        return sum(recent) / len(recent)

    @property
    def sensor_units(self) -> float:
        """Get the reading in volt (diode) or ohm (platinum)."""
        if self.status & (INVALID | UNITS_ZERO):
            return 0.0
        if self.settings.type == PLATINUM:
            celsius = self.shown_k - 273.15
            return 100 * (1 + 3.9083e-3 * celsius - 5.775e-7 * celsius**2)  # IEC 60751
        return DIODE_300K_V + DIODE_V_PER_K * (self.shown_k - 300)


def _normal(rng: np.random.Generator) -> Iterator[float]:
    while True:
        yield from rng.standard_normal(BLOCK).tolist()
