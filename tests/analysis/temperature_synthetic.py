"""Temperature sweeps whose truth is known, made with formulas of their own."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from tests.analysis.synthetic import flicker
from xraydaq.analysis.cell_constant import CellConstant, Size, single_gap

K_EV = 8.617333262e-5
BETWEEN_S = 200.0
BIAS_V, PULSE_S, REST_S, PERIOD_S = 20.0, 30.0, 30.0, 0.25
UPWARDS = np.arange(240.0, 320.1, 2.5)
CELL: CellConstant = single_gap(width=Size(500e-6), gap=Size(50e-6), length=Size(3e-3))


@dataclass(frozen=True)
class Crystal:
    """Conductivity at 298 K, energies in eV, crossover; relative ionic rise and fall; absorption; relative noise."""

    at_298_s_m: float
    low_ev: float
    high_ev: float
    change_k: float
    rise: float = 0.0
    rise_s: float = 1.0
    stretch: float = 1.0
    fall: float = 0.0
    fall_s: float = 1.0
    absorbed_a: float = 0.0
    noise: float = 7e-4
    gamma: float = 1.0
    sharp: bool = False

    def sigma_s_m(self, kelvin):
        """Both branches from their own prefactors, which make them equal at the crossover."""
        at = partial(self._branches, kelvin=np.asarray(kelvin, dtype=float))
        reference = self._joined(*self._branches(kelvin=np.array(298.0)))
        return self.at_298_s_m * self._joined(*at()) / reference

    def ionic(self, kelvin: float) -> float:
        low, high = self._branches(kelvin=np.array(kelvin))
        return float(high / (low + high))

    def _branches(self, kelvin):
        return tuple(
            np.exp(e / K_EV / self.change_k) * np.exp(-e / K_EV / kelvin) / kelvin for e in (self.low_ev, self.high_ev)
        )

    def _joined(self, low, high):
        return np.maximum(low, high) if self.sharp else low + high

    def after_step(self, t, kelvin: float):
        """Current per volt of a step, t seconds after it."""
        slower = np.exp(0.3 / K_EV * (1 / kelvin - 1 / 298.0))
        rise = self.rise * -np.expm1(-((t / self.rise_s / slower) ** self.stretch))
        fall = self.fall * -np.expm1(-t / self.fall_s / slower)
        ohmic = float(self.sigma_s_m(kelvin)) * CELL.value.value * (1 + self.ionic(kelvin) * (rise - fall))
        return ohmic + self.absorbed_a / BIAS_V * t**-0.8


PLAIN = Crystal(1.84e-6, 0.30, 0.984, 285.0)
UNTREATED = replace(PLAIN, rise=0.9, rise_s=9000, stretch=0.7, absorbed_a=2.3e-9, noise=2e-3, gamma=1.1)
MAI = Crystal(5.52e-6, 0.30, 0.814, 274.0, 3.0, 700, 1, 3.4, 7000, 5.8e-9, 1.7e-3, 1.15)
ATOMISTIC = Crystal(6.9e-7, 0.30, 1.784, 295.0, 0.004, 12000, absorbed_a=5.8e-10, noise=6.7e-4)
CRYSTALS = {"untreated": UNTREATED, "mai": MAI, "atomistic": ATOMISTIC}


def make_sweep(
    crystal: Crystal,
    seed: int,
    *,
    kelvin=UPWARDS,
    pairs: int = 2,
    noisy: bool = True,
    offset_k: float = 0.0,
    stretched: float = 0.0,
    offset_a: float = 6e-11,
    rests: bool = True,
    signs=(1, -1, -1, 1),
):
    """Columns of a sweep: at each temperature a rest, then pulses with rests between them.

    The 1/f noise is one for the whole sweep, so that it shifts neighbouring temperatures together.
    """
    rng = np.random.default_rng(seed)
    parts, start_s = [], 0.0
    point_rows = round((2 * pairs * (PULSE_S + (REST_S if rests else 0.0)) + (REST_S if rests else 0.0)) / PERIOD_S)
    between = round(BETWEEN_S / PERIOD_S)
    noise = np.zeros(0)
    if noisy:
        noise = flicker(rng, len(kelvin) * (point_rows + between), PERIOD_S, crystal.noise, crystal.gamma)
    for index, true_k in enumerate(np.asarray(kelvin, dtype=float)):
        steps, marks, now = [], [], REST_S if rests else 0.0
        for number in range(2 * pairs):
            sign = signs[number % len(signs)]
            steps += [(now, sign), (now + PULSE_S, -sign)]
            marks.append((now, sign))
            now += PULSE_S + (REST_S if rests else 0.0)
        t = PERIOD_S * np.arange(round(now / PERIOD_S))
        current, voltage, pulse = np.zeros_like(t), np.zeros_like(t), np.full(len(t), -1.0)
        for at, sign in steps:
            since = t + 0.1 - at
            on = since > 0
            current[on] += sign * BIAS_V * crystal.after_step(since[on], true_k)
        for number, (at, sign) in enumerate(marks):
            on = (t >= at) & (t < at + PULSE_S)
            voltage[on], pulse[on] = sign * BIAS_V, number
        if noisy:
            first = index * (point_rows + between)
            current = current * (1 + noise[first : first + len(t)])
            current = np.round((current + offset_a + 5e-12 * rng.standard_normal(len(t))) / 1e-11) * 1e-11
        shown_k = (
            true_k + offset_k + stretched * (true_k - 280) + (5e-3 * rng.standard_normal(len(t)) if noisy else 0.0)
        )
        columns = (t + start_s, voltage, current, np.broadcast_to(shown_k, t.shape), 0 * t, 0 * t + index, pulse)
        parts.append(np.vstack(columns))
        start_s += now + BETWEEN_S
    return tuple(np.hstack(parts))
