"""Conductance at one temperature after another from pulses of bias between rests at 0 V.

A pulse is fitted by I = c + a t^-n + b t, t since the bias came on: a t^-n is the absorption current of a dielectric
(A. K. Jonscher, Dielectric Relaxation in Solids (1983), chapter 5: Curie - von Schweidler law), b t the beginning of
every slower change, of ions or of temperature. The current just before the pulse, a line through the end of the rest,
is subtracted: it holds the offset of the meter and what earlier pulses have left. G is (c - before)/V; pulses of both
signs are averaged, so that an offset cancels again. The exponent n is one for the whole run, by maximum likelihood.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from xraydaq.analysis.values import Booleans, Floats, Value

SKIPPED_S = 1.0  # after a step of the bias: a fixed-range meter and the absorption's first second
BEFORE_S = 10.0  # of the rest, for the current just before a pulse
LEAST_ROWS = 12
LEAST_ROWS_BEFORE = 4
AT_REST = 0.01  # of the bias of the pulse
EXPONENTS = tuple(0.3 + 0.1 * step for step in range(11))
STEP, NEAR = 0.02, 3  # of the finer search around the best of these
USUAL_EXPONENT = Value(0.8, 0.3, "1")  # where there is too little absorption to see


@dataclass(frozen=True)
class Columns:
    """The rows of a run in order of time, arrays of one length.

    `point`: number of the temperature, -1 between them; `pulse`: number of the pulse within it, -1 at rest; `good`:
    the row has a reading and no flag; `limited`: a limit of the meter was reached, which spoils the whole pulse.
    """

    elapsed_s: Floats
    voltage_v: Floats
    current_a: Floats
    temperature_k: Floats
    point: Floats
    pulse: Floats
    good: Booleans
    limited: Booleans


@dataclass(frozen=True)
class Pulse:
    """One pulse: bias, readings by the time since it came on, and the current before it (nan: no rest before)."""

    point: int
    bias_v: float
    start_s: float
    time_s: Floats = field(repr=False)
    current_a: Floats = field(repr=False)
    before_a: float
    u_before_a: float


@dataclass(frozen=True)
class PulseFit:
    """Level at the beginning minus the current before, its u from the scatter of the readings, a and b."""

    level_a: float
    u_a: float
    absorption_a: float
    drift_a_s: float


def pulses_of(columns: Columns, reading_time_s: float) -> tuple[list[Pulse], dict[str, int]]:
    """Return the pulses in order of time, and how many were dropped by reason."""
    pulses: list[Pulse] = []
    dropped = {"pulses at a limit of the meter": 0, "pulses with too few readings": 0}
    for rows in _runs((columns.point >= 0) & (columns.pulse >= 0), columns.point, columns.pulse):
        time_s = columns.elapsed_s[rows] - columns.elapsed_s[rows.start] + reading_time_s / 2
        used = columns.good[rows] & (time_s > SKIPPED_S)
        if columns.limited[rows].any():
            dropped["pulses at a limit of the meter"] += 1
        elif used.sum() < LEAST_ROWS or not abs(columns.voltage_v[rows][used].mean()) > 0:
            dropped["pulses with too few readings"] += 1
        else:
            bias_v = float(columns.voltage_v[rows][used].mean())
            point, start_s = int(columns.point[rows.start]), float(columns.elapsed_s[rows.start])
            current_a = columns.current_a[rows][used]
            pulses.append(
                Pulse(point, bias_v, start_s, time_s[used], current_a, *_before(columns, rows.start, bias_v))
            )
    return pulses, dropped


def _runs(wanted: Booleans, *labels: Floats) -> Iterator[slice]:
    """Yield slices of neighbouring wanted rows with the same labels."""
    changed = np.any(np.diff(np.vstack((*labels, wanted)), axis=1) != 0, axis=0)
    for first, end in pairwise(np.concatenate(([0], np.flatnonzero(changed) + 1, [len(wanted)]))):
        if end > first and wanted[first]:
            yield slice(int(first), int(end))


def _before(columns: Columns, start: int, bias_v: float) -> tuple[float, float]:
    """Current just before a pulse by a line through the end of the rest, and its u; nan without a rest."""
    first = start
    while (
        first > 0
        and columns.pulse[first - 1] < 0
        and columns.elapsed_s[start] - columns.elapsed_s[first - 1] <= BEFORE_S
    ):
        first -= 1
    rows = slice(first, start)
    used = columns.good[rows] & (np.abs(columns.voltage_v[rows]) <= AT_REST * abs(bias_v))
    if used.sum() < LEAST_ROWS_BEFORE:
        return float("nan"), float("nan")
    time_s = (columns.elapsed_s[rows] - columns.elapsed_s[start])[used]
    solution, covariance, _ = _least_squares(np.vstack((np.ones_like(time_s), time_s)), columns.current_a[rows][used])
    return float(solution[0]), float(np.sqrt(covariance[0, 0]))


def _least_squares(design: Floats, values: Floats) -> tuple[Floats, Floats, float]:
    """Solution, its covariance from the residuals, and the sum of their squares; design (parameters, rows)."""
    inverse = np.linalg.inv(design @ design.T)
    solution = inverse @ (design @ values)
    left = float(np.sum((values - solution @ design) ** 2))
    return solution, inverse * left / (len(values) - len(design)), left


def _design(pulse: Pulse, exponent: float, order: int) -> Floats:
    powers = [pulse.time_s**power for power in range(1, order + 1)]
    return np.vstack((np.ones_like(pulse.time_s), pulse.time_s**-exponent, *powers))


def exponent_of(pulses: Sequence[Pulse]) -> Value:
    """Return the exponent n that all pulses share, the usual 0.8 +- 0.3 where there is no absorption to see.

    Likelihood with an unknown variance for each pulse. Noise is correlated within a pulse, so u comes from how the
    pulses disagree, not from the curvature alone (H. White, "Maximum likelihood estimation of misspecified models",
    Econometrica 50 (1982) 1, theorem 3.2).
    """
    coarse = min(EXPONENTS, key=lambda exponent: float(_costs(pulses, exponent).sum()))
    near = coarse + STEP * np.arange(-NEAR, NEAR + 1)
    costs = np.array([_costs(pulses, float(exponent)) for exponent in near])
    best = int(np.clip(np.argmin(costs.sum(axis=1)), 1, len(near) - 2))
    slopes = (costs[best + 1] - costs[best - 1]) / 2
    curvature = float((costs[best + 1] - 2 * costs[best] + costs[best - 1]).sum())
    if not curvature > 0:
        return USUAL_EXPONENT
    shift = float(slopes.sum()) / curvature
    disagreement = float(np.sum((slopes - slopes.mean()) ** 2))
    u = float(np.sqrt(max(disagreement, curvature))) / curvature * STEP
    value = float(np.clip(near[best] - shift * STEP, EXPONENTS[0], EXPONENTS[-1]))
    return Value(value, u, "1") if u < USUAL_EXPONENT.u else USUAL_EXPONENT


def _costs(pulses: Sequence[Pulse], exponent: float) -> Floats:
    """Minus the logarithm of the likelihood of each pulse."""
    left = [_least_squares(_design(pulse, exponent, 1), pulse.current_a)[2] for pulse in pulses]
    rows = np.array([len(pulse.time_s) for pulse in pulses])
    return np.asarray(rows / 2 * np.log(np.maximum(left, np.finfo(float).tiny)), dtype=np.float64)


def fit_pulse(pulse: Pulse, exponent: float, order: int = 1) -> PulseFit:
    """Fit one pulse by c + a t^-n + b t, or with t^2 too for `order` 2."""
    solution, covariance, _ = _least_squares(_design(pulse, exponent, order), pulse.current_a)
    before_a, u_before_a = (pulse.before_a, pulse.u_before_a) if np.isfinite(pulse.before_a) else (0.0, 0.0)
    u_a = float(np.hypot(np.sqrt(covariance[0, 0]), u_before_a))
    return PulseFit(float(solution[0]) - before_a, u_a, float(solution[1]), float(solution[2]))
