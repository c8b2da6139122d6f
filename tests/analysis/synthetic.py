"""Signals whose truth is known, made with formulas of their own."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

BIAS_V, GAP_M, AREA_M2 = 5.0, 50e-6, 3.1416e-6


@dataclass(frozen=True)
class Device:
    start_a: float
    rise: float = 0.0
    rise_s: float = 1.0
    stretch: float = 1.0
    fall: float = 0.0
    fall_s: float = 1.0
    absorbed_a: float = 0.0
    asd: float = 1e-10
    gamma: float = 1.0

    def current_a(self, t: NDArray[np.float64]) -> NDArray[np.float64]:
        slow = 1 + self.rise * -np.expm1(-((t / self.rise_s) ** self.stretch)) + self.fall * np.expm1(-t / self.fall_s)
        return self.start_a * slow + self.absorbed_a * np.maximum(t, 0.5) ** -0.8


FLAT = Device(150e-9, 0.0026, 12000, absorbed_a=1.5e-9)
RISING = Device(400e-9, 0.69, 9000, 0.7, absorbed_a=6e-9, asd=8e-10, gamma=1.1)
PEAKED = Device(1.2e-6, 2.55, 700, 1, 2.89, 7000, absorbed_a=15e-9, asd=2e-9, gamma=1.15)
DEVICES = {"flat": FLAT, "rising": RISING, "peaked": PEAKED}


def flicker(
    rng: np.random.Generator, rows: int, period_s: float, asd: float, gamma: float, slower: int = 64
) -> np.ndarray:
    """1/f^gamma noise with frequencies from 1/(slower T): FFT for 8 T, sinusoids in random phase below."""
    count = 8 * rows
    f = np.fft.rfftfreq(count, period_s)[1:]
    power = asd**2 * f**-gamma / (count * period_s)
    lines = np.sqrt(power / 2) * (rng.standard_normal(len(f)) + 1j * rng.standard_normal(len(f)))
    noise = np.fft.irfft(np.concatenate(([0], lines)), count)[:rows] * count / np.sqrt(2)
    edges = np.geomspace(1 / (slower * rows * period_s), f[0] / 2, 13)
    t = period_s * np.arange(rows)
    for low, high in pairwise(edges):
        middle = np.sqrt(low * high)
        size = np.sqrt(asd**2 * middle**-gamma * (high - low))
        a, b = rng.standard_normal(2)
        noise += size * (a * np.cos(2 * np.pi * middle * t) + b * np.sin(2 * np.pi * middle * t))
    return noise


def folded_flicker(rng: np.random.Generator, rows: int, period_s: float, device: Device) -> np.ndarray:
    """Noise as readings of a fifth of the period see it: noise above half the reading rate is folded down."""
    return flicker(rng, 5 * rows, period_s / 5, device.asd, device.gamma)[::5]


@dataclass(frozen=True)
class Run:
    """Columns of a run and the truth behind them."""

    columns: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
    settings: dict[str, float]
    mean_a: float
    change_a: float
    metric: float
    change_per_metric: float


def make_run(
    device: Device,
    seed: int,
    *,
    duration_s: float = 8000.0,
    period_s: float = 1.0,
    gain_u_rel: float = 1.7e-4,
    offset_u_a: float = 1.7e-10,
    area_u_rel: float = 0.0,
    gap_u_rel: float = 0.0,
    white_a: float = 5e-12,
    step_a: float = 1e-11,
    noisy: bool = True,
) -> Run:
    """60 s at 0 V, ramp, bias, ramp, 60 s at 0 V; every error drawn from the uncertainty stated."""
    rng = np.random.default_rng(seed)
    rows = round(duration_s / period_s) + 1
    t = period_s * np.arange(rows) + 0.4
    truth = device.current_a(t)
    noise = folded_flicker(rng, rows, period_s, device) * truth / device.start_a if noisy else 0.0
    before, after = np.full(round(60 / period_s), 0.0), np.full(round(60 / period_s), 0.0)
    ramp = np.array([1.5, 3.5])
    current = np.concatenate((before, ramp * 1e-9, truth + noise, ramp * 1e-9, after))
    voltage = np.concatenate((before, ramp, np.full(rows, BIAS_V), ramp[::-1], after))
    elapsed = period_s * np.arange(len(current))
    gain, offset_a = 1 + gain_u_rel * rng.standard_normal(), offset_u_a * rng.standard_normal()
    wander = 0.15 * offset_u_a * rng.standard_normal(2)
    offset_now_a = offset_a + wander[0] * (elapsed > 60) + wander[1] * elapsed / elapsed[-1]
    read = current * gain + offset_now_a + white_a * noisy * rng.standard_normal(len(current))
    if step_a > 0:
        read = np.round(read / step_a) * step_a
    first, last = (t >= 29.9) & (t <= 90.1), t >= t[-1] - 60
    area, gap = AREA_M2 * (1 + area_u_rel * rng.standard_normal()), GAP_M * (1 + gap_u_rel * rng.standard_normal())
    change_a = float(truth[last].mean() - truth[first].mean())
    per_ampere = 1 / (area * BIAS_V / gap * (t[last].mean() - t[first].mean()))
    settings = {
        "bias_v": BIAS_V,
        "gap_m": GAP_M,
        "gap_u_m": GAP_M * gap_u_rel,
        "area_m2": AREA_M2,
        "area_u_m2": AREA_M2 * area_u_rel,
        "reading_time_s": 0.2,
        "gain_u_rel": gain_u_rel,
        "offset_u_a": offset_u_a,
        "resolution_a": step_a,
        "bias_on_s": elapsed[len(before) + 2] - 0.4,
    }
    mean_a = float(np.trapezoid(truth, t) / (t[-1] - t[0]))
    columns = (elapsed, read, voltage, np.zeros(len(elapsed)))
    return Run(columns, settings, mean_a, change_a, change_a * per_ampere, per_ampere)
