"""Chamber readings of a made-up tube: a sum of two exponentials behind aluminium, drifting leakage, ripple."""

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import brentq

AL_M = np.array([1.0, 2.0, 3.0, 5.0, 10.0, 15.0, 20.0, 30.0]) * 1e-3
CURRENTS_A = np.array([50e-6, 100e-6, 200e-6])
REFERENCE = (1, 100e-6)  # 2 mm, 100 uA


def kerma_gy_s_a(al_m):
    soft, hard = np.exp(-np.asarray(al_m) / 1.1e-3), np.exp(-np.asarray(al_m) / 6.5e-3)
    return 0.35 * soft + 0.08 * hard


def half_value_layer_m(al_m, kerma=kerma_gy_s_a):
    return float(brentq(lambda layer_m: kerma(al_m + layer_m) / kerma(al_m) - 0.5, 1e-6, 50e-3))


ENERGY_KEV = np.linspace(10.0, 50.0, 161)
PER_M = 7000.0 * (ENERGY_KEV / 10.0) ** -3 + 45.0  # photoelectric absorption and scattering in aluminium, roughly


def spectral_kerma(al_m):
    """Behind aluminium, of a straight-line spectrum up to 50 keV filtered by 0.3 mm; arbitrary unit."""
    weight = (50.0 - ENERGY_KEV) * ENERGY_KEV**-2 * np.exp(-PER_M * 0.3e-3)
    return np.exp(-np.multiply.outer(np.asarray(al_m), PER_M)) @ weight


@dataclass
class Tube:
    offset_a: float = 0.05e-6
    leakage_gy_s: float = 0.6e-9
    leakage_slope_gy_s2: float = 2e-14
    off_noise_gy_s: float = 0.013e-9
    ripple: float = 2e-4
    comes_back: float = 3e-4
    drift_per_h: float = 0.0
    bend: float = 0.0  # of the current
    scale: float = 1.0
    rows: list = field(default_factory=list)

    def reading(self, rng, at_s, current_a, al_m, *, on, setting=1.0, reference=False):
        leakage = self.leakage_gy_s + self.leakage_slope_gy_s2 * at_s
        rate = leakage + rng.normal(0, self.off_noise_gy_s)
        if on:
            straight_a = current_a * (1 + self.bend * current_a / 200e-6) + self.offset_a
            beam = self.scale * kerma_gy_s_a(al_m) * straight_a * setting * (1 + self.drift_per_h * at_s / 3600)
            rate += beam * (1 + rng.normal(0, self.ripple))
        self.rows.append((at_s, rate, on, current_a, al_m, reference))

    def columns(self):
        at_s, rate, on, current_a, al_m, reference = (np.array(each) for each in zip(*self.rows, strict=True))
        return {
            "elapsed_s": at_s, "kerma_rate_gy_s": rate, "beam_on": on.astype(float), "tube_current_a": current_a,
            "total_al_m": al_m, "reference": reference.astype(float),
        }  # fmt: skip


def measure(seed, *, tube=None, al_m=AL_M, repeats=3, every=5, order="random"):
    """Off, three under the beam, off, for every filter and current; one setting again every few."""
    rng = np.random.default_rng(seed)
    tube = Tube() if tube is None else tube
    settings = [(filter_m, current_a, False) for filter_m in al_m for current_a in CURRENTS_A]
    if order == "random":
        rng.shuffle(settings)
    reference = (al_m[REFERENCE[0]], REFERENCE[1], True)
    plan = [reference]
    for number, each in enumerate(settings, 1):
        plan += [each, reference] if number % every == 0 else [each]
    at_s = 0.0
    for filter_m, current_a, is_reference in plan:
        setting = 1 + rng.normal(0, tube.comes_back)
        for on in (False, *[True] * repeats, False):
            tube.reading(rng, at_s, current_a, filter_m, on=on, setting=setting, reference=is_reference)
            at_s += 62.0
    return tube.columns()
