"""Regimes of a space-charge-limited current: local slopes, and the voltages that are read from them.

Everything here is model-free and works on ln I against ln V. Regimes: M. A. Lampert, P. Mark, Current Injection in
Solids (1970): ohmic (slope 1), filling of traps (steep), space charge only (slope 2, the square law). Local slopes by
least squares over a window: A. Savitzky, M. J. E. Golay, Anal. Chem. 36 (1964) 1627, here weighted.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from xraydaq.analysis.values import Booleans, Floats, NotEnoughData, Value

Kind: TypeAlias = Literal["ohmic", "filling", "square law"]
WINDOW = 7
OHMIC_TOLERANCE, SQUARE_LAW_TOLERANCE, FILLING_SLOPE = 0.25, 0.35, 2.5
RESOLVED_SLOPE_U = 0.25  # a slope known worse than this tells nothing about a regime
LEAST_OF_A_REGIME = 3
AROUND_THE_TOP = 2
"""Slopes on each side of the largest that place the steepest point."""


@dataclass(frozen=True)
class Points:
    """One sweep: bias in V and current in A, both positive and in rising order of bias; u of ln I of each point.

    `scatter` is the part of `log_u` that neighbouring points show, `shared` the one that all have from one offset.
    """

    bias_v: Floats
    current_a: Floats
    log_u: Floats
    scatter: float
    shared: Floats

    @property
    def log_bias(self) -> Floats:
        """Get ln(V / volt)."""
        return np.asarray(np.log(self.bias_v), dtype=np.float64)

    @property
    def log_current(self) -> Floats:
        """Get ln(I / ampere)."""
        return np.asarray(np.log(self.current_a), dtype=np.float64)

    def u_of(self, rows: NDArray[np.float64]) -> Floats:
        """Return u of linear forms `rows @ ln I`: own scatter of the points, and what they share with one sign."""
        own = np.maximum(self.log_u**2 - self.shared**2, 0.0)
        return np.asarray(np.sqrt(rows**2 @ own + (rows @ self.shared) ** 2), dtype=np.float64)


@dataclass(frozen=True)
class Slopes:
    """Local slope d ln I / d ln V and smoothed ln I at every point; `slope = slope_rows @ ln I`, likewise smooth."""

    slope: Floats
    u: Floats
    smooth: Floats
    slope_rows: NDArray[np.float64]
    smooth_rows: NDArray[np.float64]


@dataclass(frozen=True)
class Regime:
    """An unbroken stretch of one regime: its ends in V, the mean slope in it, and how many points it has."""

    kind: Kind
    from_v: float
    to_v: float
    slope: Value
    points: int
    rows: slice


@dataclass(frozen=True)
class Top:
    """The steepest point: bias, ln I and slope there."""

    bias: Value
    log_current: Value
    slope: Value
    finished: bool
    """The slope falls again above it: the filling ends inside the sweep."""


def local_slopes(points: Points) -> Slopes:
    """Fit a weighted quadratic to 7 neighbouring points around each one; at the ends the last full window serves.

    Raises NotEnoughData below 7 points.
    """
    count = len(points.bias_v)
    if count < WINDOW:
        raise NotEnoughData(f"{count} points of a sweep above the accuracy of the meter, {WINDOW} are needed")
    slope_rows, smooth_rows = np.zeros((count, count)), np.zeros((count, count))
    for row in range(count):
        start = min(max(row - WINDOW // 2, 0), count - WINDOW)
        window = slice(start, start + WINDOW)
        design = np.vander(points.log_bias[window] - points.log_bias[row], 3, increasing=True)
        inverse = np.linalg.pinv(design / points.log_u[window, None]) / points.log_u[window]
        smooth_rows[row, window], slope_rows[row, window] = inverse[0], inverse[1]
    y = points.log_current
    return Slopes(slope_rows @ y, points.u_of(slope_rows), smooth_rows @ y, slope_rows, smooth_rows)


def scatter_of(bias_v: Floats, current_a: Floats, floor_rel: Floats) -> float:
    """Return the standard deviation of ln I around smooth pieces, robustly: 1.4826 times the median size.

    Only the half of the points with the smallest `floor_rel` counts, the relative u from the meter: there the scatter
    of the current itself shows. The pieces are quartics through 7 points: a quadratic does not follow the bends of the
    filling, and what it misses would be taken for noise. In the middle of a piece 1 - h of the variance is left, h the
    weight of the middle itself.
    """
    x, y, middle = np.log(bias_v), np.log(current_a), WINDOW // 2
    left, floor = [], []
    for start in range(len(x) - WINDOW + 1):
        window = slice(start, start + WINDOW)
        weights = np.linalg.pinv(np.vander(x[window] - x[start + middle], 5, increasing=True))[0]
        left.append(abs(y[start + middle] - weights @ y[window]) / np.sqrt(1 - weights[middle]))
        floor.append(floor_rel[start + middle])
    quiet = np.array(floor) <= np.median(floor) if floor else np.array([], dtype=np.bool_)
    return 1.4826 * float(np.median(np.array(left)[quiet])) if floor else 0.0


def steepest(points: Points, slopes: Slopes) -> Top:
    """Return the steepest point by a parabola through the largest slope and two neighbours on each side."""
    resolved = np.where(slopes.u <= RESOLVED_SLOPE_U, slopes.slope, -np.inf)
    if not np.isfinite(resolved).any():
        raise NotEnoughData("no local slope is known to 0.25: the current is not above the accuracy of the meter")
    top = int(np.argmax(resolved))
    low = min(max(top - AROUND_THE_TOP, 0), len(resolved) - 2 * AROUND_THE_TOP - 1)
    near = slice(low, low + 2 * AROUND_THE_TOP + 1)
    x, middle = points.log_bias[near], points.log_bias[top]

    def place(slope: Floats) -> float:
        curve, line, _ = np.polyfit(x - middle, slope, 2)
        return float(np.clip(-line / (2 * curve), *(x[[0, -1]] - middle))) if curve < 0 else 0.0

    shift = place(slopes.slope[near])
    u_log = _u_of(place, slopes.slope[near], slopes.slope_rows[near], points)
    bias_v = float(np.exp(middle + shift))
    finished = WINDOW // 2 < top < len(resolved) - 1 - WINDOW // 2 and bool(_falls_above(slopes, top))
    slope = Value(float(slopes.slope[top]), float(slopes.u[top]), "1")
    height = float(np.interp(middle + shift, points.log_bias, slopes.smooth))
    height_u = float(points.u_of(slopes.smooth_rows[top]))
    return Top(Value(bias_v, bias_v * u_log, "V"), Value(height, height_u, "1"), slope, finished)


def _falls_above(slopes: Slopes, top: int) -> bool:
    above = slice(top + 1, None)
    return bool(np.any(slopes.slope[top] - slopes.slope[above] > 2 * np.hypot(slopes.u[top], slopes.u[above])))


def _u_of(function: Callable[[Floats], float], at: Floats, rows: NDArray[np.float64], points: Points) -> float:
    """First-order u of a function of some slopes, which share the points they come from."""
    step = 1e-4
    gradient = np.array([(function(at + step * unit) - function(at - step * unit)) for unit in np.eye(len(at))])
    return float(points.u_of((gradient / (2 * step)) @ rows))


def regimes(points: Points, slopes: Slopes, top: Top) -> tuple[Regime, ...]:
    """Return the longest unbroken stretch of each regime, in order of bias; a stretch has at least three points.

    Ohmic: |m - 1| <= max(0.25, 2u) below the steepest point; filling: m - 2u > 2.5; square law: |m - 2| <= 0.35 above.
    """
    m, u, below = slopes.slope, slopes.u, points.bias_v < top.bias.value
    resolved = u <= RESOLVED_SLOPE_U
    filling = resolved & (m - 2 * u > FILLING_SLOPE)
    masks: dict[Kind, Booleans] = {"filling": filling}
    if filling.any():  # without a steep part there is nothing to be below or above of
        masks["square law"] = resolved & ~below & (np.abs(m - 2) <= SQUARE_LAW_TOLERANCE)
    else:
        below = np.ones_like(below)
    masks["ohmic"] = resolved & below & (np.abs(m - 1) <= np.maximum(OHMIC_TOLERANCE, 2 * u))
    found = [_regime(kind, rows, points, slopes) for kind, mask in masks.items() if (rows := _longest(mask))]
    return tuple(sorted(found, key=lambda regime: regime.from_v))


def _longest(mask: Booleans) -> slice | None:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    runs = [slice(int(start), int(stop)) for start, stop in pairwise(edges) if mask[start]]
    best = max(runs, key=lambda run: run.stop - run.start, default=slice(0, 0))
    return best if best.stop - best.start >= LEAST_OF_A_REGIME else None


def _regime(kind: Kind, rows: slice, points: Points, slopes: Slopes) -> Regime:
    mean = slopes.slope_rows[rows].mean(axis=0)
    slope = Value(float(slopes.slope[rows].mean()), float(points.u_of(mean)), "1")
    bias_v = points.bias_v[rows]
    return Regime(kind, float(bias_v[0]), float(bias_v[-1]), slope, len(bias_v), rows)


def power_law(points: Points, rows: slice, exponent: float) -> tuple[float, float]:
    """Return ln c and its u of I = c V^exponent, the weighted mean over a regime."""
    weight = points.log_u[rows] ** -2.0
    level = points.log_current[rows] - exponent * points.log_bias[rows]
    scatter = float(np.std(level, ddof=1)) / np.sqrt(len(level))
    return float(weight @ level / weight.sum()), float(max(scatter, weight.sum() ** -0.5))


def crossing(top: Top, log_factor: float, log_factor_u: float, exponent: float) -> Value:
    """Return the bias in V where the tangent at the steepest point meets the power law I = c V^exponent.

    With the ohmic line this is the knee that most papers call the trap-filled limit; with the square law it is the
    upper crossing. Both are off the limit by 30 to 60 % in opposite directions; they are given for comparison.
    """
    steepness = top.slope.value - exponent
    log_top = float(np.log(top.bias.value))
    away = (top.log_current.value - exponent * log_top - log_factor) / steepness
    # where exactly the tangent touches does not matter: at the steepest point the curve follows its tangent
    u_log = np.hypot(np.hypot(log_factor_u, top.log_current.u), away * top.slope.u) / steepness
    bias_v = float(np.exp(log_top - away))
    return Value(bias_v, bias_v * float(u_log), "V")
