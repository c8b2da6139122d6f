"""Dark current in time: conduction, ions that follow the bias, dielectric absorption, and what contacts inject.

Every slow process is a set of linear modes, dx/dt = (bias - x)/time constant, updated exactly over spans of constant
bias and temperature. Steps of the bias superpose by themselves, and memory and cost do not grow with their number.
"""

import math
from functools import lru_cache

import numpy as np

from instruments.sim.twin.conduction import Conduction
from instruments.sim.twin.devices import BOLTZMANN_J_PER_K, REFERENCE_BIAS_V, REFERENCE_TEMPERATURE_K, Device
from instruments.sim.twin.injection import Injection
from instruments.sim.twin.modes import Floats, power_law, stretched

REMEMBERED_SPANS = 256
NANOSECONDS_PER_S = 1e9
BLOCK = 8192


class DarkCurrent:
    """The crystal's dark current without noise. It starts relaxed at 0 V; time is given in spans, whole nanoseconds.

    Whole nanoseconds make repeated spans equal, so that their decay factors are computed once.
    """

    def __init__(self, device: Device, conduction: str, temperature_k: float) -> None:
        self.conduction = Conduction(device, conduction)
        self.bias_v = 0.0
        self._device = device
        self._injection = Injection(device) if device.injects else None
        self._injected_a = 0.0
        rise, absorption = stretched(device.rise_beta), power_law(device.absorption_exponent)
        self._ion_times_s = device.rise_time_s * rise.times
        self._ion_shares = device.rise_share * rise.weights
        if device.fall_time_s is not None:
            self._ion_times_s = np.append(self._ion_times_s, device.fall_time_s)
            self._ion_shares = np.append(self._ion_shares, -device.fall_share)
        self._absorption_times_s = absorption.times
        self._absorption_s = device.absorption_1s_a / REFERENCE_BIAS_V * absorption.weights
        self._ahead_v = np.zeros(len(self._ion_times_s) + len(absorption.times))  # x - bias, of each mode
        self._span = lru_cache(maxsize=REMEMBERED_SPANS)(self._compute_span)
        self.set_temperature(temperature_k)

    @property
    def conductance_s(self) -> float:
        """Get dI/dV at the present bias and temperature, of the conduction and of what is injected.

        The displacement current that a step adds is left out: nearly all of it is gone after some milliseconds.
        """
        return self._conductance_s + (0.0 if self._injection is None else self._injection.slope_s(self.bias_v))

    def chord_s(self, bias_v: float) -> float:
        """Get the current over the voltage for an immediate change of bias."""
        if self._injection is None:
            return self._conductance_s
        if bias_v == 0:
            return self._conductance_s + self._injection.slope_s(0.0)
        return self._conductance_s + self._injection.current_a(bias_v) / bias_v

    def set_bias(self, bias_v: float) -> None:
        """Step the bias; the modes stay where they are."""
        self._ahead_v += self.bias_v - bias_v
        self.bias_v = bias_v
        if self._injection is not None:
            self._injected_a = self._injection.current_a(bias_v)

    def set_temperature(self, temperature_k: float) -> None:
        """Step the temperature: conductance, ionic share and the ions' time constants follow, absorption does not."""
        if not 100 <= temperature_k <= 400:
            raise ValueError(f"crystal temperature {temperature_k} K is outside 100 K to 400 K")
        self.temperature_k = temperature_k
        self._conductance_s = self.conduction.conductance_s(temperature_k)
        ionic_s = self._conductance_s * self.conduction.ionic_share(temperature_k) * self._ion_shares
        self._settled_s = self._conductance_s + float(ionic_s.sum())
        self._mode_s = np.concatenate([ionic_s, -self._absorption_s])
        inverse_j = (1 / temperature_k - 1 / REFERENCE_TEMPERATURE_K) / BOLTZMANN_J_PER_K
        slower = math.exp(self._device.migration_j * inverse_j)
        self._times_s = np.concatenate([slower * self._ion_times_s, self._absorption_times_s])
        self._span.cache_clear()

    def advance(self, span_ns: int) -> None:
        """Let time pass."""
        if span_ns > 0:
            self._ahead_v *= self._span(span_ns)[0]

    def mean_current_a(self, span_ns: int) -> float:
        """Let time pass and get the mean current over it."""
        kept, mean_s = self._span(span_ns)
        mean_a = self._settled_s * self.bias_v + float(mean_s @ self._ahead_v) + self._injected_a
        self._ahead_v *= kept
        return mean_a

    def mean_currents_a(self, span_ns: int, count: int) -> Floats:
        """Let adjoining windows of the same span pass and get the mean current over each."""
        mean_s, found = self._span(span_ns)[1], np.empty(count)
        spans = span_ns / NANOSECONDS_PER_S / self._times_s
        for first in range(0, count, BLOCK):
            last = min(first + BLOCK, count)
            ahead = np.exp(-np.arange(last - first)[:, None] * spans)
            found[first:last] = self._settled_s * self.bias_v + ahead @ (mean_s * self._ahead_v) + self._injected_a
            self._ahead_v *= np.exp(-(last - first) * spans)
        return found

    def _compute_span(self, span_ns: int) -> tuple[Floats, Floats]:
        """Get what is left of each mode at the end of a span, and its contribution to the mean current over it."""
        spans = span_ns / NANOSECONDS_PER_S / self._times_s
        gone = -np.expm1(-spans)
        return 1 - gone, self._mode_s * gone / spans
