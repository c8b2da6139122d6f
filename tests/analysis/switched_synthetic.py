"""Readings of a device in a beam that is switched; each reading is a sum over short slices of its time."""

from dataclasses import dataclass

import numpy as np

from tests.analysis.synthetic import flicker
from xraydaq.analysis.sweep_inputs import Dose, Spot

SLICES = 8
SPOT = Spot(3.1416e-6, 6e-8, {}, gain_u_rel=1e-4, resolution_a=0.0)


@dataclass(frozen=True)
class Device:
    """Response `share` slow, the rest fast, after a delay; dark current with a straight drift and 1/f noise."""

    step_a: float = 500e-9
    fast_s: float = 0.03
    slow_s: float = 1.5
    share: float = 0.08
    delay_s: float = 0.15
    dark_a: float = 150e-9
    drift_a_s: float = 0.0
    bend_a_s2: float = 0.0
    asd: float = 1e-10
    gamma: float = 1.0
    white_a: float = 5e-12

    def missing(self, t):
        """What of the step is not there yet, t since the beam changed."""
        return (1 - self.share) * np.exp(-t / self.fast_s) + self.share * np.exp(-t / self.slow_s)


@dataclass(frozen=True)
class Chopping:
    cycles: int = 5
    half_s: float = 60.0
    period_s: float = 0.025
    reading_s: float = 0.02
    late_s: float = 0.013  # commands come this long after a whole half period


def trace(rng, device, chopping=Chopping(), *, start_s=0.0, missing_cycle=None):
    """Return columns (elapsed, current, status, beam on) and the moments of the commands."""
    rows = round((2 * chopping.cycles + 1) * chopping.half_s / chopping.period_s)
    elapsed = chopping.period_s * np.arange(rows)
    inside = elapsed[:, None] + chopping.reading_s * (np.arange(SLICES) + 0.5) / SLICES
    response, beam_on = np.zeros(inside.shape), np.zeros(rows)
    commands = chopping.half_s * (np.arange(2 * chopping.cycles) + 1) + chopping.late_s
    for k, command_s in enumerate(commands):
        sign = 1.0 if k % 2 == 0 else -1.0
        beam_on[elapsed >= command_s] = max(sign, 0.0)
        if k // 2 != missing_cycle:
            since = inside - command_s - device.delay_s
            response += sign * np.where(since > 0, 1 - device.missing(np.maximum(since, 0)), 0.0)
    middle = elapsed - elapsed.mean()
    dark = device.dark_a + device.drift_a_s * middle + device.bend_a_s2 * middle**2
    noise = device.white_a * rng.standard_normal(rows)
    if device.asd:
        noise = noise + flicker(rng, rows, chopping.period_s, device.asd, device.gamma)
    current = dark + device.step_a * response.mean(axis=1) + noise
    return (start_s + elapsed, current, np.zeros(rows), beam_on), start_s + commands


def dose_of(rates_gy_s, *, u_rel=0.0, common=None, unity=11.4, hvl_m=1.36e-3):
    """Return what was set for points at these dose rates, all behind 2 mm Al."""
    rates = np.atleast_1d(np.asarray(rates_gy_s, dtype=float))
    same = np.ones_like(rates)
    return Dose(
        rates, u_rel * rates, 2e-3 * same, np.zeros(len(rates), dtype=bool), unity * same, hvl_m * same, common or {}
    )


def points_of(*traces):
    """Put traces one after the other: columns with the point, and all commands."""
    columns = [np.concatenate([one[0][i] for one in traces]) for i in range(4)]
    point = np.concatenate([np.full(len(one[0][0]), float(k)) for k, one in enumerate(traces)])
    return (*columns, point), np.concatenate([one[1] for one in traces])
