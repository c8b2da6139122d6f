"""What a beam makes of the current: generation by the dose rate, collection by the field, and how it settles.

The laws are assumptions that give back the printed numbers (Y. Song et al., Research 2020, 5958243); see the devices.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from instruments.sim.twin.beam import BeamTable, Quality
from instruments.sim.twin.devices import REFERENCE_BIAS_V, Device
from instruments.sim.twin.exposure import Segment
from instruments.sim.twin.modes import Floats

Indices = NDArray[np.intp]

SPECTRAL = ("flat", "energy")
"""``flat``: the sensitivity does not know the filter, as printed. ``energy``: it follows the absorbed energy."""
DOSE_NONLINEARITY = ("mild", "none")
"""``mild``: gives the printed point and the printed slope at once. ``none``: that of the printed point everywhere."""
REFERENCE_KERMA_GY_S = 20.3e-6
REFERENCE_QUALITY = (50.0, 1e-3)
"""Assumed, the paper names no filter: voltage in kV and aluminium at which both spectral laws agree."""
SPOT_M2 = math.pi * 1e-3**2
"""Printed: a hole of 2 mm diameter."""
PARTIAL_SHARE = 1 / 955
"""Of the chamber that a narrow beam fills: what would make the printed sensitivity one of unity gain."""
DELAY_S = 0.15
"""Half of a rise of the tube's output in 0.3 s."""
FORGOTTEN = 45.0
"""Time constants after which nothing is left of a response: exp(-45) is below the last digit of 1."""


class Light(Protocol):
    """Where the crystal's radiation comes from."""

    def is_dark_from(self, start_s: float) -> bool:
        """Tell whether there is none from a moment on."""

    def segments(self, start_s: float, end_s: float) -> list[Segment]:
        """Get the air kerma rate from start to end in spans of constant rate."""


@dataclass(frozen=True, slots=True)
class Generation:
    """Settled photocurrent at the reference bias."""

    device: Device
    table: BeamTable
    spectral: str = "flat"
    dose_nonlinearity: str = "mild"
    chamber_share: float = 1.0
    """Of the true air kerma rate, what the chamber shows to which the device's sensitivity refers."""
    spot_m2: float = SPOT_M2
    """True area of the beam on the crystal."""

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("spectral", self.spectral, SPECTRAL),
            ("dose_nonlinearity", self.dose_nonlinearity, DOSE_NONLINEARITY),
        ):
            if value not in allowed:
                raise ValueError(f"{name} {value!r} is unknown; allowed are {', '.join(allowed)}")

    def current_a(self, kerma_gy_s: float, quality: Quality | None) -> float:
        """Get the settled current over the spot."""
        if kerma_gy_s <= 0 or quality is None:
            return 0.0
        shown_gy_s = kerma_gy_s * self.chamber_share
        return self.sensitivity_c_gy_m2(shown_gy_s) * self._hardness(quality) * self.spot_m2 * shown_gy_s

    def sensitivity_c_gy_m2(self, kerma_gy_s: float) -> float:
        """Get the sensitivity at the reference bias and quality, per dose that the chamber shows."""
        low, reference = self.device.sensitivity_low_c_gy_m2, self.device.sensitivity_c_gy_m2
        if self.dose_nonlinearity == "none":
            return reference
        scale = self.device.dose_scale_gy_s
        growth = (reference - low) * (REFERENCE_KERMA_GY_S + scale) / REFERENCE_KERMA_GY_S
        return low + growth * kerma_gy_s / (kerma_gy_s + scale)

    def settled(self, kerma_gy_s: float, quality: Quality | None) -> tuple[float, float]:
        """Get the settled current, and the variance that photons at random give its mean over one second.

        Half of the one-sided density 2 q^2 r <E^2>/<E>^2 with r absorbed photons per second of charge q = I/r.
        """
        current_a = self.current_a(kerma_gy_s, quality)
        if current_a == 0 or quality is None:
            return 0.0, 0.0
        absorbed_per_s = quality.absorbed_per_m2_gy * self.spot_m2 * kerma_gy_s
        return current_a, current_a**2 / absorbed_per_s * quality.energy_spread

    def _hardness(self, quality: Quality) -> float:
        if self.spectral == "flat" or self.device.is_air:
            return 1.0
        return quality.unity_gain_c_gy_m2 / self.table.quality(*REFERENCE_QUALITY).unity_gain_c_gy_m2


def collection(device: Device, bias_v: float) -> float:
    """Get the photocurrent over that at the reference bias; its sign is the bias's."""
    if bias_v == 0:
        return 0.0
    return math.copysign(_collected(device, abs(bias_v)) / _collected(device, REFERENCE_BIAS_V), bias_v)


def collection_slope_per_v(device: Device, bias_v: float) -> float:
    """Get the collection per volt of bias, also where both are zero."""
    if bias_v == 0:
        return 1 / (device.field_scale_v_m * device.gap_m) / _collected(device, REFERENCE_BIAS_V)
    return collection(device, bias_v) / bias_v


def _collected(device: Device, bias_v: float) -> float:
    u = bias_v / device.gap_m / device.field_scale_v_m
    return -u * math.expm1(-1 / u)


class Photocurrent:
    """Photocurrent at the reference bias as it settles after each change of the light, without noise.

    Two linear modes after a delay, advanced exactly over spans of constant light. Bias is not its business: carriers
    are there before it moves them.
    """

    def __init__(self, light: Light, generation: Generation, *, delay_s: float = DELAY_S) -> None:
        device = generation.device
        shares = ((device.fast_share, device.fast_time_s), (1 - device.fast_share, device.slow_time_s))
        self._modes = [(share, time_s) for share, time_s in shares if share > 0]
        self._states_a = [0.0 for _ in self._modes]
        self._light = light
        self._generation = generation
        self._delay_s = delay_s
        self._memory_s = FORGOTTEN * max(time_s for _, time_s in self._modes)
        self._now_s = -math.inf

    @property
    def memory_s(self) -> float:
        """Get how long ago light may have been that still matters."""
        return self._delay_s + self._memory_s

    def current_a(self) -> float:
        """Get the present value."""
        return sum(self._states_a)

    def rests(self, start_s: float, end_s: float) -> bool:
        """Tell whether a window has neither light nor what light left, and let it pass if so: quick, as most are."""
        since_s = max(self._now_s, start_s - self._memory_s) - self._delay_s
        if any(self._states_a) or not self._light.is_dark_from(since_s):
            return False
        self._now_s = end_s
        return True

    def mean(self, start_s: float, end_s: float) -> tuple[float, float]:
        """Get the mean current of one window and the variance of the photons' noise in it: what `means` gives."""
        self._advance(start_s)
        segments = self._light.segments(start_s - self._delay_s, end_s - self._delay_s)
        self._now_s = end_s
        charge_c, noise_a2_s2 = 0.0, 0.0
        for each in segments:
            length_s = each.end_s - each.start_s
            target_a, noise_a2_s = self._generation.settled(each.kerma_gy_s, each.quality)
            noise_a2_s2 += noise_a2_s * length_s
            charge_c += target_a * length_s + self._settle(target_a, length_s)
        return charge_c / (end_s - start_s), noise_a2_s2 / (end_s - start_s) ** 2

    def _settle(self, target_a: float, length_s: float) -> float:
        """Take all modes through a span of constant target and get the charge that is ahead of it."""
        charge_c = 0.0
        for mode, (share, time_s) in enumerate(self._modes):
            ahead_a = self._states_a[mode] - share * target_a
            left = math.exp(-length_s / time_s)
            charge_c -= ahead_a * time_s * math.expm1(-length_s / time_s)
            self._states_a[mode] = share * target_a + ahead_a * left
        return charge_c

    def means(self, edges_s: Floats) -> tuple[Floats, Floats]:
        """Get the mean current of each window between edges, and the variance of the photons' noise in it."""
        start_s = float(edges_s[0])
        self._advance(start_s)
        spans = self._lit(start_s, float(edges_s[-1]))
        self._now_s = float(edges_s[-1])
        widths_s = np.diff(edges_s)
        if spans is None:
            return np.zeros(len(widths_s)), np.zeros(len(widths_s))
        starts_s, lengths_s, targets_a, noises_a2_s = spans
        at_s = edges_s - start_s
        index = np.searchsorted(starts_s, at_s, side="right") - 1
        since_s = at_s - starts_s[index]
        charge_c = np.zeros(len(edges_s))
        for mode, (share, time_s) in enumerate(self._modes):
            charge_c += self._pass(mode, time_s, lengths_s, share * targets_a, index, since_s)
        noise_a2_s2 = _cumulated(noises_a2_s * lengths_s)[index] + noises_a2_s[index] * since_s
        return np.diff(charge_c) / widths_s, np.diff(noise_a2_s2) / widths_s**2

    def _pass(
        self, mode: int, time_s: float, lengths_s: Floats, targets_a: Floats, index: Indices, since_s: Floats
    ) -> Floats:
        """Take a mode through spans of constant target and get its charge at moments, given as span and time in it."""
        kept = np.exp(-lengths_s / time_s)
        states_a = np.empty(len(lengths_s) + 1)
        states_a[0] = state_a = self._states_a[mode]
        for each, (target_a, left) in enumerate(zip(targets_a.tolist(), kept.tolist(), strict=True)):
            states_a[each + 1] = state_a = target_a + (state_a - target_a) * left
        self._states_a[mode] = state_a
        ahead_a = states_a[:-1] - targets_a
        before_c = _cumulated(targets_a * lengths_s - ahead_a * time_s * np.expm1(-lengths_s / time_s))
        inside_c = targets_a[index] * since_s - ahead_a[index] * time_s * np.expm1(-since_s / time_s)
        charge: Floats = before_c[index] + inside_c
        return charge

    def _advance(self, time_s: float) -> None:
        if not time_s > self._now_s:
            return
        if time_s - self._now_s > self._memory_s:
            self._states_a = [0.0 for _ in self._modes]
            self._now_s = time_s - self._memory_s
        segments = self._light.segments(self._now_s - self._delay_s, time_s - self._delay_s)
        self._now_s = time_s
        if any(self._states_a) or any(each.kerma_gy_s for each in segments):
            for each in segments:
                self._settle(self._generation.current_a(each.kerma_gy_s, each.quality), each.end_s - each.start_s)

    def _lit(self, start_s: float, end_s: float) -> tuple[Floats, Floats, Floats, Floats] | None:
        """Get starts (from `start_s` on), lengths, settled currents and noise of the spans; None when all is dark."""
        segments = self._light.segments(start_s - self._delay_s, end_s - self._delay_s)
        if not any(self._states_a) and not any(each.kerma_gy_s for each in segments):
            return None
        return _spans(segments, self._generation)


def _spans(segments: Sequence[Segment], generation: Generation) -> tuple[Floats, Floats, Floats, Floats]:
    starts_s = np.array([each.start_s for each in segments]) - segments[0].start_s
    lengths_s = np.array([each.end_s - each.start_s for each in segments])
    settled = np.array([generation.settled(each.kerma_gy_s, each.quality) for each in segments])
    return starts_s, lengths_s, settled[:, 0], settled[:, 1]


def _cumulated(values: Floats) -> Floats:
    return np.concatenate([[0.0], np.cumsum(values)])
