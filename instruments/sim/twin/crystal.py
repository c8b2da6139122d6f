"""The crystal as an instrument sees it: a bias in, a mean current over a window out."""

import math
from dataclasses import asdict

import numpy as np

from instruments.sim.twin.dark import NANOSECONDS_PER_S, DarkCurrent
from instruments.sim.twin.devices import (
    ELEMENTARY_CHARGE_C,
    REFERENCE_BIAS_V,
    REFERENCE_TEMPERATURE_K,
    Device,
    device_of,
)
from instruments.sim.twin.flicker import FlickerNoise
from instruments.sim.twin.injection import filling_voltage_v
from instruments.sim.twin.modes import Floats
from instruments.sim.twin.photocurrent import Photocurrent, collection, collection_slope_per_v
from instruments.sim.twin.streams import stream

NOISE_PROFILES = {"psd": 1.0, "lod": 0.0355, "none": 0.0}
"""Factor on the low-frequency noise density. ``psd``: the printed density. ``lod``: what the printed detection limit
asks for. ``none``: the truth, for tests; no shot noise either."""

RESOLUTION_S = 1 / NANOSECONDS_PER_S
SECONDS_PER_HOUR = 3600.0


class Crystal:
    """A crystal, relaxed at 0 V until its first bias; in the dark unless it is given a photocurrent.

    Times are seconds of the bench's clock, from any origin, and never go back. Differences below 1 ns do not count.
    """

    def __init__(
        self,
        device: Device | str,
        *,
        seed: int,
        temperature_k: float = 298.15,
        conduction: str = "parallel",
        noise: str = "psd",
        photocurrent: Photocurrent | None = None,
        sensitivity_drift_per_h: float = 0.0,
        drift_from_s: float = 0.0,
    ) -> None:
        if noise not in NOISE_PROFILES:
            raise ValueError(f"noise {noise!r} is unknown; allowed are {', '.join(NOISE_PROFILES)}")
        self.device = device_of(device)
        self.worst_bias_v = 0.0
        """Largest absolute bias so far."""
        self._seed = seed
        self._noise = noise
        self._dark = DarkCurrent(self.device, conduction, temperature_k)
        self._flicker = FlickerNoise(stream(seed, "low-frequency noise"), self.device.noise_exponent)
        self._shot_rng = stream(seed, "shot noise")
        self._photocurrent = photocurrent
        if not math.isfinite(sensitivity_drift_per_h):
            raise ValueError(f"sensitivity drift {sensitivity_drift_per_h} per hour is not a finite number")
        self._drift_per_s = sensitivity_drift_per_h / SECONDS_PER_HOUR
        self._drift_from_s = drift_from_s
        self._photon_rng = stream(seed, "photon noise")
        self._now_s: float | None = None
        self._flicker_s = 0.0
        self._biased_a: float | None = None
        """Dark current of the last window with a bias."""

    @property
    def bias_v(self) -> float:
        """Get the present bias."""
        return self._dark.bias_v

    @property
    def temperature_k(self) -> float:
        """Get the present temperature."""
        return self._dark.temperature_k

    def set_bias(self, time_s: float, bias_v: float) -> None:
        """Change the bias at a time."""
        if not math.isfinite(bias_v):
            raise ValueError(f"bias {bias_v} V is not a finite number")
        self._advance(time_s)
        self._dark.set_bias(bias_v)
        self.worst_bias_v = max(self.worst_bias_v, abs(bias_v))

    def set_temperature(self, time_s: float, temperature_k: float) -> None:
        """Change the crystal's temperature at a time."""
        self._advance(time_s)
        self._dark.set_temperature(temperature_k)

    def mean_current_a(self, start_s: float, end_s: float) -> float:
        """Let time pass to `end_s` and get the mean current from `start_s` on, with noise."""
        if not RESOLUTION_S <= end_s - start_s < math.inf:
            raise ValueError(f"window from {start_s} s to {end_s} s is shorter than 1 ns or endless")
        window_ns = _nanoseconds(end_s - start_s)
        self._advance(start_s)
        dark_a = self._dark.mean_current_a(window_ns)
        if self.bias_v:
            self._biased_a = dark_a
        self._now_s = end_s
        light_a, photons_a2 = 0.0, 0.0
        if self._photocurrent is not None and not self._photocurrent.rests(start_s, end_s):
            mean_a, variance_a2 = self._photocurrent.mean(start_s, end_s)
            collected = collection(self.device, self.bias_v) * self._sensitivity_left(start_s)
            light_a, photons_a2 = collected * mean_a, collected**2 * variance_a2
        if self._noise == "none":
            return dark_a + light_a
        noise_a = self._noise_a(dark_a, light_a, start_s, end_s, window_ns)
        if photons_a2 > 0:
            noise_a += math.sqrt(photons_a2) * float(self._photon_rng.standard_normal())
        return dark_a + light_a + noise_a

    def currents_a(self, start_s: float, spacing_s: float, count: int) -> Floats:
        """Let time pass and get the mean current of each of so many adjoining windows, with noise.

        The numbers are those of as many calls of `mean_current_a`, up to rounding, when the spacing is a whole number
        of nanoseconds.
        """
        if not RESOLUTION_S <= spacing_s < math.inf or count < 1:
            raise ValueError(f"{count} windows of {spacing_s} s: at least 1 of at least 1 ns is needed")
        window_ns = _nanoseconds(spacing_s)
        self._advance(start_s)
        dark_a = self._dark.mean_currents_a(window_ns, count)
        if self.bias_v:
            self._biased_a = float(dark_a[-1])
        self._now_s = start_s + count * spacing_s
        light_a, photons_a2 = np.zeros(count), np.zeros(count)
        if self._photocurrent is not None:
            edges_s: Floats = start_s + spacing_s * np.arange(count + 1, dtype=np.float64)
            means_a, variances_a2 = self._photocurrent.means(edges_s)
            collected = collection(self.device, self.bias_v) * self._sensitivity_left(start_s)
            light_a, photons_a2 = collected * means_a, collected**2 * variances_a2
        if self._noise == "none":
            return dark_a + light_a
        return dark_a + light_a + self._noises_a(dark_a, light_a, photons_a2, start_s, window_ns)

    def conductance_s(self) -> float:
        """Get the slope for an immediate change of bias: of the dark current, and the photocurrent's line to 0 V."""
        return self._dark.conductance_s + self._light_s(self.bias_v)

    def chord_s(self, bias_v: float) -> float:
        """Get the current over the voltage for an immediate change of bias to it."""
        return self._dark.chord_s(bias_v) + self._light_s(bias_v)

    def _light_s(self, bias_v: float) -> float:
        if self._photocurrent is None:
            return 0.0
        light_a = self._photocurrent.current_a() * self._sensitivity_left(self.now_s)
        return light_a * collection_slope_per_v(self.device, bias_v)

    def _sensitivity_left(self, time_s: float) -> float:
        """Get what a slow drift has left of the sensitivity; within one window or record it stands still."""
        if self._drift_per_s == 0:
            return 1.0
        return math.exp(self._drift_per_s * max(time_s - self._drift_from_s, 0.0))

    @property
    def now_s(self) -> float:
        """Get the crystal's present, minus infinity before anything was done with it."""
        return -math.inf if self._now_s is None else self._now_s

    def truth(self) -> dict[str, object]:
        """Get what this crystal is, for the record of a run: numbers and words only, units in the names."""
        conduction = self._dark.conduction
        device = asdict(self.device)
        device["noise_1hz_a_per_rthz"] *= NOISE_PROFILES[self._noise]
        device["device"] = device.pop("name")
        reference_k = REFERENCE_TEMPERATURE_K
        return device | {
            "seed": self._seed,
            "conduction": conduction.kind,
            "noise": self._noise,
            "temperature_k": self.temperature_k,
            "conductance_s": self._dark.conductance_s,
            "conductivity_298k_s_per_m": conduction.conductance_s(reference_k) / self.device.cell_constant_m,
            "ionic_share_298k": conduction.ionic_share(reference_k),
            "temperature_coefficient_298k_per_k": conduction.temperature_coefficient_per_k(reference_k),
            "noise_at_bias_a_per_rthz": device["noise_1hz_a_per_rthz"] * self._noise_share,
            "trap_filling_voltage_v": filling_voltage_v(self.device),
            "sensitivity_drift_per_h": self._drift_per_s * SECONDS_PER_HOUR,
            "worst_bias_v": self.worst_bias_v,
        }

    @property
    def _noise_share(self) -> float:
        """Get the noise under the last bias over that at the reference current, that of 5 V before any bias."""
        usual_a = REFERENCE_BIAS_V * self._dark.conduction.conductance_s(self.temperature_k)
        biased_a = usual_a if self._biased_a is None else abs(self._biased_a)
        return biased_a / self.device.dark_current_298k_a

    def _advance(self, time_s: float) -> None:
        if not math.isfinite(time_s):
            raise ValueError(f"time {time_s} s is not a finite number")
        if self._now_s is None:
            self._now_s = self._flicker_s = time_s
        # The end of one window and the start of the next may be sums of different terms, a last digit apart.
        if not time_s >= self._now_s - RESOLUTION_S - 4 * math.ulp(self._now_s):
            raise ValueError(f"time {time_s} s is before the crystal's present, {self._now_s} s")
        self._dark.advance(_nanoseconds(time_s - self._now_s))
        self._now_s = max(time_s, self._now_s)

    def _noise_a(self, dark_a: float, light_a: float, start_s: float, end_s: float, window_ns: int) -> float:
        """Get the mean of the noise over a window: fluctuations of the conductance, and shot noise.

        The fluctuations follow the mean dark current: within one window a settled current changes by far less than
        itself. Those of the photocurrent, beyond shot and photon noise, are left out.
        """
        flicker = self._flicker.mean(_nanoseconds(start_s - self._flicker_s), window_ns)
        self._flicker_s = end_s
        density = NOISE_PROFILES[self._noise] * self.device.noise_1hz_a_per_rthz
        # A one-sided density of 2 e I is a variance of e I / window in the mean over the window.
        shot_a = math.sqrt(ELEMENTARY_CHARGE_C * abs(dark_a + light_a) * NANOSECONDS_PER_S / window_ns)
        relative = dark_a / self.device.dark_current_298k_a
        return density * relative * flicker + shot_a * float(self._shot_rng.standard_normal())

    def _noises_a(self, dark_a: Floats, light_a: Floats, photons_a2: Floats, start_s: float, window_ns: int) -> Floats:
        """Get the same for adjoining windows, with the photons' noise; the numbers are drawn in the same order."""
        first = self._flicker.mean(_nanoseconds(start_s - self._flicker_s), window_ns)
        flicker = np.concatenate([[first], self._flicker.means(window_ns, len(dark_a) - 1)])
        self._flicker_s = self.now_s
        density = NOISE_PROFILES[self._noise] * self.device.noise_1hz_a_per_rthz
        shot_a = np.sqrt(ELEMENTARY_CHARGE_C * np.abs(dark_a + light_a) * NANOSECONDS_PER_S / window_ns)
        noise_a = density * dark_a / self.device.dark_current_298k_a * flicker
        noise_a += shot_a * self._shot_rng.standard_normal(len(dark_a))
        lit = photons_a2 > 0
        noise_a[lit] += np.sqrt(photons_a2[lit]) * self._photon_rng.standard_normal(int(lit.sum()))
        total_a: Floats = noise_a
        return total_a


def _nanoseconds(span_s: float) -> int:
    return max(0, round(span_s * NANOSECONDS_PER_S))
