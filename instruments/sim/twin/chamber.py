"""A vented ion chamber with its electrometer: air kerma in, an uncorrected rate out.

The scale is that of a 180 cm3 chamber filled with dry air of 20 Celsius and 101.325 kPa, W/e = 33.97 J/C (ICRU 90).
Recombination, noise, offset and range are assumed.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from instruments.sim.twin.room import Room, Wander
from instruments.sim.twin.streams import stream

AIR_KG_PER_M3 = 1.2047
W_PER_E_J_PER_C = 33.97
STANDARD_K, STANDARD_PA = 293.15, 101_325.0
RECOMBINATION_S_PER_GY = 10.0
"""1 % at 1 mGy/s."""

NOISE_GY_PER_RTS = 1e-10
"""rms of a mean over one second, in Gy/s."""

OFFSET_GY_S = 1e-9
DRIFT_GY_S = 1e-11
DRIFT_GY_S_PER_K = 1e-11
SHORTEST_S = 1e-6


@dataclass(frozen=True, slots=True)
class ChamberLimits:
    """Rated range of the chamber; order of magnitude only, not from a data sheet."""

    rate_min_gy_s: float = 2e-9
    rate_max_gy_s: float = 4.9e-3


@dataclass(frozen=True, slots=True)
class ChamberSample:
    """One window: the rate on the scale of standard air, not corrected for the air that was there."""

    rate_gy_s: float
    over_rate: bool


class Chamber:
    """A chamber in a beam. `kerma_rate(start_s, end_s)` gives the true mean air kerma rate at its place in Gy/s.

    `irradiated_share` is the part of its volume that the beam covers, `factor` the error of its calibration.
    """

    def __init__(
        self,
        kerma_rate: Callable[[float, float], float],
        *,
        seed: int,
        room: Room | None = None,
        limits: ChamberLimits | None = None,
        irradiated_share: float = 1.0,
        volume_m3: float = 180e-6,
        factor: float = 1.0,
        noisy: bool = True,
    ) -> None:
        if not 0 < irradiated_share <= 1:
            raise ValueError(f"irradiated share {irradiated_share} is not above 0 and up to 1")
        self.room = Room(seed=seed) if room is None else room
        self.limits = limits or ChamberLimits()
        self.irradiated_share = irradiated_share
        self.factor = factor
        self.coulomb_per_gray = volume_m3 * AIR_KG_PER_M3 / W_PER_E_J_PER_C
        self.true_dose_gy = 0.0
        """Air kerma of all windows so far."""
        self._kerma_rate = kerma_rate
        self._rng = stream(seed, "ion chamber noise")
        self._noise = NOISE_GY_PER_RTS if noisy else 0.0
        self._offset_gy_s = float(stream(seed, "ion chamber offset").uniform(-OFFSET_GY_S, OFFSET_GY_S))
        self._drift = Wander(stream(seed, "ion chamber drift"), DRIFT_GY_S if noisy else 0.0)

    def measure(self, start_s: float, end_s: float) -> ChamberSample:
        """Collect charge over a window; windows follow each other."""
        if not SHORTEST_S <= end_s - start_s < math.inf:
            raise ValueError(f"window from {start_s} s to {end_s} s is shorter than 1 us or endless")
        true_gy_s = self._kerma_rate(start_s, end_s)
        if not 0 <= true_gy_s < math.inf:
            raise ValueError(f"an air kerma rate of {true_gy_s} Gy/s cannot be")
        self.true_dose_gy += true_gy_s * (end_s - start_s)
        middle_s = (start_s + end_s) / 2
        collected = self.factor * self._collected(true_gy_s) * self.irradiated_share * self.air_density_ratio(middle_s)
        noise = self._noise / math.sqrt(end_s - start_s) * float(self._rng.standard_normal())
        rate_gy_s = collected + self.offset_gy_s(middle_s) + noise
        over_rate = rate_gy_s > self.limits.rate_max_gy_s
        return ChamberSample(min(rate_gy_s, self.limits.rate_max_gy_s), over_rate)

    def air_density_ratio(self, time_s: float) -> float:
        """Get the density of the air in the chamber over that of standard air."""
        return STANDARD_K / self.room.temperature_k(time_s) * self.room.pressure_pa(time_s) / STANDARD_PA

    def offset_gy_s(self, time_s: float) -> float:
        """Get what is read without a beam: leakage, and how it follows the room."""
        warmth_k = self.room.temperature_k(time_s) - self.room.temperature_k(0.0)
        return self._offset_gy_s + self._drift.at(time_s) + DRIFT_GY_S_PER_K * warmth_k

    @staticmethod
    def _collected(true_gy_s: float) -> float:
        """Get what recombination leaves: the loss grows with the rate."""
        return true_gy_s / (1 + RECOMBINATION_S_PER_GY * true_gy_s)

    def truth(self) -> dict[str, object]:
        """Get what is true of the chamber, for the record of a run."""
        return {
            "irradiated_share": self.irradiated_share,
            "factor": self.factor,
            "coulomb_per_gray": self.coulomb_per_gray,
            "offset_gy_s": self._offset_gy_s,
            "recombination_s_per_gy": RECOMBINATION_S_PER_GY,
            "rate_min_gy_s": self.limits.rate_min_gy_s,
            "rate_max_gy_s": self.limits.rate_max_gy_s,
            "true_dose_gy": self.true_dose_gy,
        }
