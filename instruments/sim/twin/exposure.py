"""The beam in time: what the tube, the filters and the faults of the bench make of the air kerma rate.

Assumed: all constants below except the distance. The real output of a tube is what the chamber says.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from instruments.sim.twin.beam import TABLE_DISTANCE_M, BeamTable, Quality
from instruments.sim.twin.timeline import Steps

OUTPUT_FACTOR = 0.40
"""Nominal, from a dose rate of 1 Sv/h at 30 cm, 50 kV and 80 uA; 0.5 to 0.8 were measured on a like tube."""
OFFSET_A = 0.05e-6
"""Tube current that flows besides the one that was set."""
WARM_UP_DEFICIT = 0.03
WARM_UP_S = 240.0
COOL_DOWN_S = 2400.0
"""The tube and its supply lose their heat more slowly than they gain it, so that a chopped beam stays warm."""
RIPPLE = 1e-3
"""Standard deviation of the output's mean over one second; each second has its own, for all who look."""
RIPPLE_S = 1.0
BLOCK = 1024
STRAY_KV = 50.0
REACH_KV = 50.0


@dataclass(frozen=True, slots=True)
class Tube:
    """True output of the tube since a moment, and how warm it was then (0 cold, 1 warm)."""

    kv: float = 0.0
    current_a: float = 0.0
    warmth: float = 0.0

    @property
    def is_on(self) -> bool:
        """Tell whether X-rays are made."""
        return self.kv > 0 and self.current_a > 0


@dataclass(frozen=True, slots=True)
class Segment:
    """A span of constant air kerma rate."""

    start_s: float
    end_s: float
    kerma_gy_s: float
    quality: Quality | None
    """None without radiation."""

    @property
    def dose_gy(self) -> float:
        """Get the air kerma of the span."""
        return self.kerma_gy_s * (self.end_s - self.start_s)


class Exposure:
    """Air kerma rate on the beam's axis at a distance from the focus."""

    def __init__(
        self, table: BeamTable, *, seed: int, total_al_m: float, distance_m: float = TABLE_DISTANCE_M,
        output_factor: float = OUTPUT_FACTOR, ripple: float = RIPPLE,
    ) -> None:  # fmt: skip
        if not 0 < distance_m < math.inf:
            raise ValueError(f"distance {distance_m} m is not a positive length")
        self.table = table
        self.distance_m = distance_m
        self.output_factor = output_factor
        table.lowest_kv(total_al_m)  # refuses what the table does not hold
        self.tube = Steps("tube", Tube())
        self.total_al_m = Steps("filter", total_al_m)
        self.is_blocked = Steps("blocked beam", False)
        self.stray_gy_s = Steps("stray radiation", 0.0)
        self._histories: tuple[Steps[Tube], Steps[float], Steps[bool], Steps[float]] = (
            self.tube, self.total_al_m, self.is_blocked, self.stray_gy_s,
        )  # fmt: skip
        self.beam_on_s = 0.0
        """Time with the tube on, until the last change of the tube."""
        # Left out: the table's 30 cm of air stay in the way at every distance.
        self._scale = output_factor * (TABLE_DISTANCE_M / distance_m) ** 2
        self._ripple = ripple
        self._seed = seed
        self._origin_s: float | None = None
        self._ripple_block = lru_cache(maxsize=64)(self._draw_ripple)

    def set_tube(self, time_s: float, kv: float, current_a: float) -> None:
        """Change the tube's true output at a moment."""
        if not (0 <= kv <= REACH_KV and 0 <= current_a < math.inf):
            raise ValueError(
                f"tube output {kv} kV, {current_a * 1e6} uA is outside 0 to {REACH_KV:g} kV and from 0 uA"
            )
        if self._origin_s is None:
            self._origin_s = time_s
        since_s, tube = self.tube.at(time_s)
        self.tube.step(time_s, Tube(kv, current_a, _warmth(tube, time_s - since_s)))
        if tube.is_on:
            self.beam_on_s += time_s - since_s

    def set_filter(self, time_s: float, total_al_m: float) -> None:
        """Change the total aluminium in the beam, fixed filter included."""
        self.table.lowest_kv(total_al_m)
        self.total_al_m.step(time_s, total_al_m)

    def set_blocked(self, time_s: float, is_blocked: bool) -> None:
        """Put something opaque into the beam, or take it out."""
        self.is_blocked.step(time_s, is_blocked)

    def set_stray(self, time_s: float, stray_gy_s: float) -> None:
        """Add radiation that is there whatever the tube says."""
        if not 0 <= stray_gy_s < math.inf:
            raise ValueError(f"stray kerma rate {stray_gy_s} Gy/s is not a rate")
        self.stray_gy_s.step(time_s, stray_gy_s)

    def is_dark_from(self, start_s: float) -> bool:
        """Tell whether there has been no radiation since a moment, as far as anything has happened yet."""
        tube, stray_gy_s = self.tube, self.stray_gy_s
        return not (tube.last.is_on or stray_gy_s.last > 0 or max(tube.last_s, stray_gy_s.last_s) > start_s)

    def segments(self, start_s: float, end_s: float) -> list[Segment]:
        """Get the air kerma rate from start to end in spans of constant rate."""
        if start_s < self._kept_from_s():
            raise ValueError(f"the beam at {start_s} s is asked for after it was forgotten")
        changes = [moment_s for history in self._histories for moment_s in history.between(start_s, end_s)]
        if not changes:
            return self._steady(start_s, end_s)
        found: list[Segment] = []
        for first_s, last_s in pairwise([start_s, *sorted(set(changes)), end_s]):
            found += self._steady(first_s, last_s)
        return found

    def mean_kerma_gy_s(self, start_s: float, end_s: float) -> float:
        """Get the mean air kerma rate of a window."""
        return sum(each.dose_gy for each in self.segments(start_s, end_s)) / (end_s - start_s)

    def forget(self, before_s: float) -> None:
        """Drop the history that nobody will ask for."""
        for history in self._histories:
            history.forget(before_s)

    def _kept_from_s(self) -> float:
        return max(history.first_s for history in self._histories)

    def _steady(self, start_s: float, end_s: float) -> list[Segment]:
        """Get the spans between two changes: one per second of ripple where there is a beam, else a single one."""
        since_s, tube = self.tube.at(start_s)
        al_m, stray_gy_s = self.total_al_m.at(start_s)[1], self.stray_gy_s.at(start_s)[1]
        reaches = tube.is_on and not self.is_blocked.at(start_s)[1] and tube.kv >= self.table.lowest_kv(al_m)
        if not reaches:
            quality = self.table.quality(STRAY_KV, al_m) if stray_gy_s > 0 else None
            return [Segment(start_s, end_s, stray_gy_s, quality)]
        quality = self.table.quality(tube.kv, al_m)
        full_gy_s = self._scale * quality.kerma_gy_s_a * (tube.current_a + OFFSET_A)
        found = []
        for first_s, last_s, ripple in self._ripples(start_s, end_s):
            warm = _mean_warmth(tube, first_s - since_s, last_s - since_s)
            rate_gy_s = full_gy_s * (1 - WARM_UP_DEFICIT * (1 - warm)) * ripple + stray_gy_s
            found.append(Segment(first_s, last_s, rate_gy_s, quality))
        return found

    def _ripples(self, start_s: float, end_s: float) -> list[tuple[float, float, float]]:
        origin_s = start_s if self._origin_s is None else self._origin_s
        found, cell, first_s = [], math.floor((start_s - origin_s) / RIPPLE_S), start_s
        while first_s < end_s:
            last_s = min(origin_s + (cell + 1) * RIPPLE_S, end_s)
            if last_s > first_s:
                block, index = divmod(cell, BLOCK)
                found.append((first_s, last_s, 1 + self._ripple * self._ripple_block(block)[index]))
                first_s = last_s
            cell += 1
        return found

    def _draw_ripple(self, block: int) -> list[float]:
        """Get the ripple of a block of seconds from its number alone, so that all who look see the same."""
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([self._seed, 0xBEA3, block])))
        return [float(value) for value in rng.standard_normal(BLOCK)]


def _warmth(tube: Tube, span_s: float) -> float:
    if not math.isfinite(span_s):
        return tube.warmth
    goal, time_s = (1.0, WARM_UP_S) if tube.is_on else (0.0, COOL_DOWN_S)
    return goal + (tube.warmth - goal) * math.exp(-span_s / time_s)


def _mean_warmth(tube: Tube, start_s: float, end_s: float) -> float:
    """Get the mean warmth of a tube that is on, between two times since its last change."""
    spans = (end_s - start_s) / WARM_UP_S
    return 1 + (tube.warmth - 1) * math.exp(-start_s / WARM_UP_S) * -math.expm1(-spans) / spans
