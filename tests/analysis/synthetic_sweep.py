"""Chopped traces and whole dose-rate sweeps whose truth is known, made with formulas of their own."""

from dataclasses import dataclass, field

import numpy as np

from tests.analysis.synthetic import FLAT, Device, flicker
from xraydaq.analysis.dose_rate_sweep import Dose, Spot, Timing, evaluate
from xraydaq.analysis.noise import NoisePsd

PERIOD_S, READING_S = 0.22, 0.2
AREA_M2 = 3.1416e-6
FAST_S, SLOW_S, SLOW_SHARE = 0.03, 1.5, 0.08


def response(since_s, slow_share=SLOW_SHARE):
    """How far the photocurrent has come after an edge, 0 before."""
    t = np.clip(since_s, 0, None)
    return (1 - slow_share) * -np.expm1(-t / FAST_S) + slow_share * -np.expm1(-t / SLOW_S)


def chopped(cycles, half_s, slow_share=SLOW_SHARE, missing=()):
    """Times, commanded state and response of cycles that begin and end with the beam off; `missing` stay dark."""
    t = PERIOD_S * np.arange(int((2 * cycles + 1) * half_s / PERIOD_S))
    on = ((t // half_s) % 2 == 1).astype(float)
    y = np.zeros_like(t)
    for cycle in set(range(cycles)) - set(missing):
        up = (2 * cycle + 1) * half_s
        y += response(t - up, slow_share) - response(t - up - half_s, slow_share)
    return t, on, y


def averaged_flicker(rng, rows, device):
    """Noise as readings of 0.2 s every 0.22 s see it: means over their time, faster noise folded down."""
    pieces = flicker(rng, 11 * rows, PERIOD_S / 11, device.asd, device.gamma)
    return pieces.reshape(rows, 11)[:, :10].mean(axis=1)


def spectrum(device: Device, relative: float = 1.0, white_a: float = 5e-12) -> NoisePsd:
    return NoisePsd(
        (device.asd * relative) ** 2, device.gamma, 2 * PERIOD_S * white_a**2, PERIOD_S, True, np.zeros((3, 3))
    )


def trace(device, step_a, seed, *, cycles=10, half_s=20.0, from_s=300.0, missing=(), slow_share=SLOW_SHARE):
    """A visit that begins `from_s` after the bias: times, readings, commanded state, spectrum in its middle."""
    rng = np.random.default_rng(seed)
    t, on, y = chopped(cycles, half_s, slow_share, missing)
    dark_a = device.current_a(t + from_s)
    relative = dark_a / device.start_a
    noise_a = averaged_flicker(rng, len(t), device) * relative
    read_a = dark_a + step_a * y + noise_a + 5e-12 * rng.standard_normal(len(t))
    return t, read_a, on, spectrum(device, float(relative[len(t) // 2]))


@dataclass(frozen=True)
class Sweep:
    """A detector and how it is swept. `bend`: sensitivity gained between low and high dose rates, around 30 uGy/s."""

    sensitivity: float = 6000.0
    bend: float = 0.0
    doses: tuple[float, ...] = (5e-9, 10e-9, 20e-9, 50e-9, 40e-9, 100e-9, 300e-9, 1e-6, 0.5e-6, 3e-6, 10e-6, 20.3e-6)
    filters_mm: tuple[float, ...] = (30, 30, 30, 30, 10, 10, 10, 10, 2, 2, 2, 2)
    order: str = "random"
    cycles: int = 4
    half_s: float = 12.5
    blanks: int = 12
    drift_per_sweep: float = 0.0
    quality: dict[float, float] = field(default_factory=dict)
    step_a: float = 0.0
    dose_u_rel: float = 0.003
    common_dose: float = 0.0
    device: Device = FLAT
    discard_s: float = 7.5
    since_bias_s: float = 3600.0
    slow_share: float = SLOW_SHARE
    missing: dict[int, tuple[int, ...]] = field(default_factory=dict)
    photon_a: float = 2.4e-7
    """Standard deviation of a reading by photons, in A at 1 Gy/s, growing as the root of the dose rate."""

    def slope(self, dose):
        return AREA_M2 * (self.sensitivity + self.bend * dose / (dose + 30e-6))

    def visits(self, rng):
        """Indices of the doses in the order of visit, the last one (the reference) first, middle and last."""
        middle = list(range(len(self.doses)))
        if self.order == "random":
            rng.shuffle(middle)
        reference = len(self.doses) - 1
        if self.order == "rising":
            return middle
        half = len(middle) // 2
        return [reference, *middle[:half], reference, *middle[half:], reference]


def make_sweep(sweep: Sweep, seed: int):
    """Return (columns, settings) for `evaluate`: blanks half before and half after the visits."""
    rng = np.random.default_rng(seed)
    visits = sweep.visits(rng)
    runs = [-1] * (sweep.blanks // 2) + list(range(len(visits))) + [-1] * (sweep.blanks - sweep.blanks // 2)
    set_gy_s = np.array([sweep.doses[v] for v in visits])
    al_mm = np.array([sweep.filters_mm[v] for v in visits], dtype=float)
    offsets = {mm: 1 + sweep.dose_u_rel * rng.standard_normal() for mm in set(sweep.filters_mm)}
    common = 1 + sweep.common_dose * rng.standard_normal()
    true_gy_s = set_gy_s * np.array([offsets[mm] for mm in al_mm]) * common
    parts = []
    for place, visit in enumerate(runs):
        t, on, y = chopped(sweep.cycles, sweep.half_s, sweep.slow_share, sweep.missing.get(visit, ()))
        dose = true_gy_s[visit] if visit >= 0 else 0.0
        gained = (1 + sweep.drift_per_sweep * (place / (len(runs) - 1) - 0.5)) * sweep.quality.get(
            al_mm[visit] if visit >= 0 else 0.0, 1.0
        )
        photo_a = sweep.slope(dose) * gained * dose * y
        photo_a = photo_a + sweep.photon_a * np.sqrt(dose) * y * rng.standard_normal(len(t))
        blank = np.full(len(t), float(visit < 0))
        parts.append((t, photo_a, on, np.full(len(t), float(visit if visit >= 0 else place)), blank))
    lengths = [len(part[0]) for part in parts]
    start_s = np.concatenate(([0.0], np.cumsum([PERIOD_S * n + 1.0 for n in lengths])[:-1]))
    elapsed_s = np.concatenate([part[0] + s for part, s in zip(parts, start_s, strict=True)])
    photo_a, on, point, blank = (np.concatenate([part[k] for part in parts]) for k in (1, 2, 3, 4))
    dark_a = sweep.device.current_a(elapsed_s + sweep.since_bias_s)
    noise_a = averaged_flicker(rng, len(elapsed_s), sweep.device) * dark_a
    read_a = dark_a + photo_a + noise_a / sweep.device.start_a + 5e-12 * rng.standard_normal(len(dark_a))
    if sweep.step_a > 0:
        read_a = np.round(read_a / sweep.step_a) * sweep.step_a
    columns = (elapsed_s, read_a, np.zeros(len(on)), on, point, blank)
    dose = Dose(
        set_gy_s, sweep.dose_u_rel * set_gy_s, al_mm * 1e-3, np.array(visits) == len(sweep.doses) - 1,
        np.full(len(visits), 8.4), np.full(len(visits), 0.97e-3), {"chamber calibration": sweep.common_dose},
    )  # fmt: skip
    settings = {
        "dose": dose,
        "spot": Spot(AREA_M2, 0.0, {}, 0.0, sweep.step_a),
        "timing": Timing(sweep.discard_s, 0.3, READING_S),
        "stated_gy_s": 20.3e-6,
    }
    return columns, settings


def evaluated(sweep: Sweep, seed: int, **changed):
    columns, settings = make_sweep(sweep, seed)
    return evaluate(*columns, **(settings | changed))
