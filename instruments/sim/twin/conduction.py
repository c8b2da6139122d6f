"""Two branches of conduction: one for each side of the crossover temperature."""

import math
from dataclasses import dataclass

from instruments.sim.twin.devices import BOLTZMANN_J_PER_K, REFERENCE_BIAS_V, REFERENCE_TEMPERATURE_K, Device

KINDS = ("parallel", "sharp")


@dataclass(frozen=True, slots=True)
class Conduction:
    """Conductance of the device, and the ions' part in it, as functions of temperature."""

    device: Device
    kind: str
    """``parallel``: the branches add. ``sharp``: the larger one conducts alone."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"conduction {self.kind!r} is unknown; allowed are {', '.join(KINDS)}")

    def conductance_s(self, temperature_k: float) -> float:
        """Get the conductance before any ion has moved."""
        at_reference = self.device.dark_current_298k_a / REFERENCE_BIAS_V
        ratio = self._total(temperature_k) / self._total(REFERENCE_TEMPERATURE_K)
        return at_reference * ratio * REFERENCE_TEMPERATURE_K / temperature_k

    def ionic_share(self, temperature_k: float) -> float:
        """Get the high branch over the total; in ``sharp`` this is 1 above the crossover and continuous across it."""
        return self._branches(temperature_k)[1] / self._total(temperature_k)

    def temperature_coefficient_per_k(self, temperature_k: float) -> float:
        """Get the relative change of the conductance per kelvin."""
        step_k = 1e-3
        above, below = self.conductance_s(temperature_k + step_k), self.conductance_s(temperature_k - step_k)
        return math.log(above / below) / (2 * step_k)

    def _total(self, temperature_k: float) -> float:
        branches = self._branches(temperature_k)
        return sum(branches) if self.kind == "parallel" else max(branches)

    def _branches(self, temperature_k: float) -> tuple[float, float]:
        inverse_j = (1 / temperature_k - 1 / self.device.crossover_k) / BOLTZMANN_J_PER_K
        low = math.exp(-self.device.activation_low_j * inverse_j)
        return low, math.exp(-self.device.activation_high_j * inverse_j)
