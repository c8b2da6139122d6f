"""What the controller measures of itself: 12-bit counts, refreshed ten times per second."""

import math

import numpy as np

REFRESH_S = 0.1
FULL_SCALE = 4095
BLOCK = 256
KV_NOISE, UA_NOISE, INTERLOCK_NOISE, SUPPLY_NOISE = 1.0, 0.3, 1.0, 1.0
"""In counts rms (assumed)."""

INTERLOCK_COUNTS_PER_MA = 80.39
SUPPLY_COUNTS_PER_V = 306.7
KELVIN_PER_W = 1.2
WARMING_S = 900.0
"""Rise of the board over its surroundings and how long it takes (assumed)."""


class Monitors:
    """The converter. The noise of a refresh does not depend on who looks how often."""

    def __init__(self, *, seed: int, start_s: float, kv_gain: float, ua_gain: float) -> None:
        self._seed = seed
        self._start_s = start_s
        self._gains = (kv_gain, ua_gain)
        self._block: tuple[int, np.ndarray] = (-1, np.zeros((BLOCK, 5)))
        self.offset_kv = self.offset_ua = 0.0
        self.index = 0
        self.kv_counts = self.ua_counts = 0

    @property
    def next_s(self) -> float:
        """Get the moment of the next refresh."""
        return self._start_s + (self.index + 1) * REFRESH_S

    def refresh_at(self, time_s: float) -> int:
        """Get the number of the last refresh before `time_s`."""
        return max(math.floor((time_s - self._start_s) / REFRESH_S + 1e-9), 0)

    def refresh(self, index: int, kv: float, ua: float, scales: tuple[float, float]) -> None:
        """Convert voltage and current once."""
        self.index = index
        noise = self._noise(index)
        kv_v = (kv * self._gains[0] + self.offset_kv) / scales[0]
        ua_v = (ua * self._gains[1] + self.offset_ua) / scales[1]
        self.kv_counts = _counts(kv_v * 1000 + KV_NOISE * noise[0])
        self.ua_counts = _counts(ua_v * 1000 + UA_NOISE * noise[1])

    def interlock_counts(self, current_ma: float) -> int:
        """Convert the current of the interlock loop."""
        return _counts(current_ma * INTERLOCK_COUNTS_PER_MA + INTERLOCK_NOISE * self._noise(self.index)[2])

    def supply_counts(self, tube_v: float, controller_v: float) -> tuple[int, int]:
        """Convert both supplies."""
        noise = self._noise(self.index)
        return tuple(  # type: ignore[return-value]
            _counts(volts * SUPPLY_COUNTS_PER_V + SUPPLY_NOISE * noise[at])
            for volts, at in ((tube_v, 3), (controller_v, 4))
        )

    def _noise(self, index: int) -> list[float]:
        number, place = divmod(index, BLOCK)
        if self._block[0] != number:
            rng = np.random.default_rng([self._seed, 2, number])
            self._block = (number, rng.standard_normal((BLOCK, 5)))
        found: list[float] = self._block[1][place].tolist()
        return found


class Board:
    """Temperature of the controller board: warms with the power of the tube."""

    def __init__(self, ambient_c: float, time_s: float) -> None:
        self.ambient_c = ambient_c
        self._rise_k = 0.0
        self._power_w = 0.0
        self._time_s = time_s

    def celsius(self, time_s: float) -> float:
        """Get the temperature."""
        return self.ambient_c + self._rise_at(time_s)

    def load(self, time_s: float, power_w: float) -> None:
        """Change the power."""
        self._rise_k, self._time_s, self._power_w = self._rise_at(time_s), time_s, power_w

    def _rise_at(self, time_s: float) -> float:
        end_k = KELVIN_PER_W * self._power_w
        return end_k + (self._rise_k - end_k) * math.exp(-(time_s - self._time_s) / WARMING_S)


def _counts(value: float) -> int:
    return min(max(round(value), 0), FULL_SCALE)
