"""The true output of the tube: what the crystal is exposed to, whatever the controller says of it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

STEP_S = 0.05
"""The output moves in steps of this length (assumed); between two steps it is constant."""

FAST_SHARE, FAST_S, SLOW_S = 0.88, 0.15, 2.09
"""Fall of the voltage without current: from 15 kV about 1.1 kV after 1 s and 0.1 kV after 6 s (older Mini-X)."""

GONE_KV = 0.01
FULL_SCALE_V = 4.096
"""The set-point goes out as a voltage; the converter ends here (assumed)."""


class TubeHead(Protocol):
    """What stands in the beam."""

    def set_beam(self, time_s: float, kv: float, ua: float) -> None:
        """Change the beam; it stays so until the next call. Both are 0 as soon as no current flows."""


@dataclass(frozen=True, slots=True)
class BeamEvent:
    """A change of the true output. `on`: the tube is powered and enabled, also before its ramp has begun."""

    time_s: float
    on: bool
    kv: float
    ua: float
    cause: str


@dataclass(slots=True)
class Worst:
    """The largest values that ever were."""

    kv: float = 0.0
    ua: float = 0.0
    power_w: float = 0.0
    set_power_w: float = 0.0
    """Of the set-points a host sent: their product, also where the ramp never got so far."""


class Output:
    """High voltage and emission current."""

    def __init__(
        self, head: TubeHead, *, ramp_kv_s: float, ramp_ua_s: float,
        on_event: Callable[[BeamEvent], None] | None = None,
    ) -> None:  # fmt: skip
        self._head = head
        self._on_event = on_event
        self._rates = (ramp_kv_s * STEP_S, ramp_ua_s * STEP_S)
        self._target = (0.0, 0.0)
        self._cut_s = -math.inf
        self._told = (0.0, 0.0)
        self.kv = 0.0
        """Voltage while on; what it was at the cut afterwards."""

        self.ua = 0.0
        self.enabled = False
        """What the controller wants."""

        self.is_stuck = False
        self.on = False
        self.next_step_s = math.inf
        self._on_time_s, self._on_since_s = 0.0, 0.0
        self.beam_log: list[BeamEvent] = []
        self.worst = Worst()

    def kv_at(self, time_s: float) -> float:
        """Get the voltage, falling by itself after a cut; `time_s` may not lie before the last change."""
        if self.on:
            return self.kv
        after_s = time_s - self._cut_s
        return self.kv * (FAST_SHARE * math.exp(-after_s / FAST_S) + (1 - FAST_SHARE) * math.exp(-after_s / SLOW_S))

    def on_time_s(self, time_s: float) -> float:
        """Get for how long it has been on in all."""
        return self._on_time_s + (time_s - self._on_since_s if self.on else 0.0)

    def is_alive(self, time_s: float) -> bool:
        """Tell whether there is any voltage."""
        return self.on or self.kv_at(time_s) > GONE_KV

    def drive(self, time_s: float, kv: float, ua: float, cause: str) -> None:
        """Head for an output."""
        if not self.on:
            self.kv, self.ua, self._on_since_s = self.kv_at(time_s), 0.0, time_s
        changed = not self.enabled or self._target != (kv, ua)
        self.enabled = self.on = True
        self._target = (kv, ua)
        if changed:
            self._tell(time_s, cause)
        if (self.kv, self.ua) != self._target and self.next_step_s == math.inf:
            self.next_step_s = time_s + STEP_S

    def step(self) -> None:
        """Move on by one step."""
        time_s = self.next_step_s
        self.kv = _towards(self.kv, self._target[0], self._rates[0])
        self.ua = _towards(self.ua, self._target[1], self._rates[1])
        self._tell(time_s, "ramp")
        self.next_step_s = time_s + STEP_S if (self.kv, self.ua) != self._target else math.inf

    def cut(self, time_s: float, cause: str) -> None:
        """Take power and enable away; the current is gone at once (assumed), the voltage falls."""
        if self.enabled and self.is_stuck:
            self.enabled = False
            self.next_step_s = math.inf
            self._tell(time_s, f"{cause}, but it is stuck on")
        elif self.on and not self.is_stuck:
            self._on_time_s = self.on_time_s(time_s)
            self.enabled = self.on = False
            self._cut_s, self.ua = time_s, 0.0
            self.next_step_s = math.inf
            self._tell(time_s, cause)

    def _tell(self, time_s: float, cause: str) -> None:
        kv, ua = (self.kv, self.ua) if self.on else (0.0, 0.0)
        self.worst.kv, self.worst.ua = max(self.worst.kv, kv), max(self.worst.ua, ua)
        self.worst.power_w = max(self.worst.power_w, kv * ua * 1e-3)
        shone = (kv, ua) if ua > 0 else (0.0, 0.0)
        if shone != self._told:
            self._told = shone
            self._head.set_beam(time_s, *shone)
        event = BeamEvent(time_s, self.on, kv, ua, cause)
        self.beam_log.append(event)
        if self._on_event is not None:
            self._on_event(event)


def _towards(value: float, target: float, step: float) -> float:
    return min(value + step, target) if target > value else max(value - step, target)
