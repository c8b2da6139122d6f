"""The temperature stage: a heated block on a cold finger, and the crystal that follows it.

Two masses and a sensor, ``C dT/dt = P - G (T - T_cold) - G2 (T - T_x)`` and
``C2 dT_x/dt = G2 (T - T_x) - g2 (T_x - T_room)``; all parameters are assumed. The cold end draws 25 W from a block at
room temperature, so that a heater of 50 W gives 25 W net either way.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache

import numpy as np

from instruments.sim.twin.modes import Floats

NANOSECONDS_PER_S = 1_000_000_000
STEPS_KEPT = 1024

Coefficients = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class StageParameters:
    """What the stage is made of."""

    block_j_per_k: float = 80.0
    block_to_cold_w_per_k: float = 0.25
    crystal_j_per_k: float = 1.5
    block_to_crystal_w_per_k: float = 0.06
    crystal_to_room_w_per_k: float = 3e-4
    sensor_lag_s: float = 1.5
    dead_time_s: float = 2.0
    room_k: float = 296.15

    @property
    def crystal_lead_per_k(self) -> float:
        """Get how much closer to the room the settled crystal is than the block, per kelvin of the block above it."""
        stray_w_per_k = self.crystal_to_room_w_per_k
        return stray_w_per_k / (self.block_to_crystal_w_per_k + stray_w_per_k)


class Stage:
    """A stage that is brought to the time it is asked about; times are of the bench's clock and never go back.

    `cold_k` is the temperature of the cold end, None when no coolant flows: then it is at room temperature.
    `sensor_offset_k` is what the sensor has too much at room temperature, `sensor_slope` the same per kelvin above.
    `wander` gives, for any moment, what block, crystal and sensor have in common on top of what the heater makes.
    """

    def __init__(
        self,
        parameters: StageParameters | None = None,
        *,
        start_k: float | None = None,
        cold_k: float | None = 196.15,
        sensor_offset_k: float = 0.0,
        sensor_slope: float = 0.0,
        wander: Callable[[float], float] | None = None,
    ) -> None:
        self.parameters = parameters or StageParameters()
        room_k = self.parameters.room_k
        start_k = room_k if start_k is None else start_k
        if not 0 < start_k < math.inf:
            raise ValueError(f"start at {start_k} K is no temperature")
        self._block_k = self._crystal_k = self._sensor_k = start_k
        self._cold_k = _cold(cold_k, room_k)
        self._heater_w = self._disturbance_w = 0.0
        self._on_the_way: deque[tuple[int, float]] = deque()
        self._now_ns: int | None = None
        self._controller: Callable[[float], None] | None = None
        self._catching_up = False
        self._sensor_offset_k, self._sensor_slope = sensor_offset_k, sensor_slope
        self._wander = wander
        self.hottest_k = start_k
        """Highest temperature the crystal had at any step."""

    def follow(self, controller: Callable[[float], None]) -> None:
        """Have `controller` act up to a moment before the stage is looked at then."""
        self._controller = controller

    def set_heater_w(self, time_s: float, power_w: float) -> None:
        """Drive the heater from `time_s` on; it is felt after the dead time."""
        if not 0 <= power_w < math.inf:
            raise ValueError(f"a heater cannot give {power_w} W")
        due_ns = _nanoseconds(time_s + self.parameters.dead_time_s)
        self._on_the_way.append((due_ns, power_w))

    def set_disturbance_w(self, time_s: float, power_w: float) -> None:
        """Have a stray heat load on the block from `time_s` on."""
        if not math.isfinite(power_w):
            raise ValueError(f"a heat load of {power_w} W is not finite")
        self._advance(time_s)
        self._disturbance_w = power_w

    def set_cold_k(self, time_s: float, cold_k: float | None) -> None:
        """Change the cold end at `time_s`; None stops the coolant."""
        self._advance(time_s)
        self._cold_k = _cold(cold_k, self.parameters.room_k)

    def sensor_k(self, time_s: float) -> float:
        """Get what the control sensor on the block has, without noise."""
        self._advance(time_s)
        return self._sensor_k + self._too_much_k(self._sensor_k) + self._wander_k(time_s)

    def stage_k(self, time_s: float) -> float:
        """Get the temperature of the block."""
        self._catch_up(time_s)
        return self._block_k + self._wander_k(time_s)

    def crystal_k(self, time_s: float) -> float:
        """Get the temperature of the crystal."""
        self._catch_up(time_s)
        return self._crystal_k + self._wander_k(time_s)

    def truth(self) -> dict[str, object]:
        """Get what this stage is, for the record of a run."""
        return asdict(self.parameters) | {
            "cold_k": self._cold_k,
            "block_k": self._block_k,
            "crystal_k": self._crystal_k,
            "hottest_k": self.hottest_k,
            "sensor_offset_k": self._sensor_offset_k,
            "sensor_slope": self._sensor_slope,
        }

    def _too_much_k(self, sensor_k: float) -> float:
        return self._sensor_offset_k + self._sensor_slope * (sensor_k - self.parameters.room_k)

    def _wander_k(self, time_s: float) -> float:
        return 0.0 if self._wander is None else self._wander(time_s)

    def _catch_up(self, time_s: float) -> None:
        if self._controller is not None and not self._catching_up:
            self._catching_up = True  # the controller reads sensors of this stage while it acts
            try:
                self._controller(time_s)
            finally:
                self._catching_up = False
        self._advance(time_s)

    def _advance(self, time_s: float) -> None:
        """Go to `time_s`; a moment that is over gives the present, one step of a controller is coarser than that."""
        target_ns = _nanoseconds(time_s)
        if self._now_ns is None:
            self._now_ns = target_ns
        while self._on_the_way and self._on_the_way[0][0] <= target_ns:
            due_ns, power_w = self._on_the_way.popleft()
            self._step(due_ns)
            self._heater_w = power_w
        self._step(target_ns)

    def _step(self, target_ns: int) -> None:
        assert self._now_ns is not None
        if target_ns <= self._now_ns:
            return
        for_block, for_crystal, for_sensor = _coefficients(self.parameters, target_ns - self._now_ns)
        power_w = self._heater_w + self._disturbance_w
        block_k, crystal_k, sensor_k = self._block_k, self._crystal_k, self._sensor_k
        cold_k, room_k = self._cold_k, self.parameters.room_k
        a, b, c, d, e, f = for_block
        self._block_k = a * block_k + b * crystal_k + c * sensor_k + d * power_w + e * cold_k + f * room_k
        a, b, c, d, e, f = for_crystal
        self._crystal_k = a * block_k + b * crystal_k + c * sensor_k + d * power_w + e * cold_k + f * room_k
        a, b, c, d, e, f = for_sensor
        self._sensor_k = a * block_k + b * crystal_k + c * sensor_k + d * power_w + e * cold_k + f * room_k
        self.hottest_k = max(self.hottest_k, self._crystal_k)
        self._now_ns = target_ns


@lru_cache(maxsize=STEPS_KEPT)
def _coefficients(parameters: StageParameters, step_ns: int) -> Coefficients:
    """Solve the stage exactly for constant inputs: rows for block, crystal and sensor."""
    rates_per_s, modes, inverse, settled = _modes(parameters)
    kept = (modes * np.exp(rates_per_s * (step_ns / NANOSECONDS_PER_S))) @ inverse
    solution = np.hstack([kept, (np.eye(3) - kept) @ settled])
    return tuple(tuple(float(value) for value in row) for row in solution)


@lru_cache(maxsize=16)
def _modes(parameters: StageParameters) -> tuple[Floats, Floats, Floats, Floats]:
    """Get rates, modes, their inverse, and where power, cold end and room drive it in the end.

    Nearly every step has a length of its own, and a matrix exponential takes far longer than three numbers.
    """
    p = parameters
    block, crystal = p.block_j_per_k, p.crystal_j_per_k
    cold, link, stray = p.block_to_cold_w_per_k, p.block_to_crystal_w_per_k, p.crystal_to_room_w_per_k
    system = np.array(
        [
            [-(cold + link) / block, link / block, 0],
            [link / crystal, -(link + stray) / crystal, 0],
            [1 / p.sensor_lag_s, 0, -1 / p.sensor_lag_s],
        ]
    )
    inputs = np.array([[1 / block, cold / block, 0], [0, 0, stray / crystal], [0, 0, 0]])
    rates_per_s, modes = np.linalg.eig(system)
    return rates_per_s, modes, np.linalg.inv(modes), -np.linalg.solve(system, inputs)


def _cold(cold_k: float | None, room_k: float) -> float:
    if cold_k is None:
        return room_k
    if not 0 < cold_k < math.inf:
        raise ValueError(f"a cold end at {cold_k} K is no temperature")
    return cold_k


def _nanoseconds(time_s: float) -> int:
    if not math.isfinite(time_s):
        raise ValueError(f"time {time_s} s is not a finite number")
    return round(time_s * NANOSECONDS_PER_S)
