"""Fit of exponentials that several edges share, with a delay, a level and a slope of each edge's own.

Linear coefficients are eliminated and the Jacobian is that of L. Kaufman, "A variable projection method for solving
separable nonlinear least squares problems", BIT 15 (1975) 49; after G. H. Golub, V. Pereyra, SIAM J. Numer. Anal. 10
(1973) 413.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from xraydaq.analysis.switching import Window, averaged_response
from xraydaq.analysis.values import Floats

LONGEST_DELAY_S = 3.0
START_TAUS = 7  # on a logarithmic grid
START_EDGES = 2
STARTS = 4
ROUGH_STEPS = 12
MOST_STEPS = 40
BASELINE_TERMS = 2
SINGULAR = 1e-9  # of the largest singular value: two exponentials that have become one


@dataclass(frozen=True)
class EdgeFit:
    """Time constants in ascending order, delays by edge, and per edge: level, slope, one amplitude per exponential.

    `cost` is the weighted sum of squares, `left` what the fit leaves of every window.
    """

    taus_s: tuple[float, ...]
    delays_s: Floats
    coefficients: Floats
    cost: float
    left: tuple[Floats, ...]

    @property
    def amplitudes(self) -> Floats:
        """Get the height of every step (A)."""
        return np.asarray(self.coefficients[:, BASELINE_TERMS:].sum(axis=1), dtype=np.float64)

    @property
    def left_over(self) -> float:
        """Get the mean square of what the fit leaves (A^2), every mean counted alike."""
        return float(np.mean(np.concatenate(self.left) ** 2))

    @property
    def slow_share(self) -> float:
        """Get the part of the slower exponential, 0 if there is one only."""
        slow_a = self.coefficients[:, BASELINE_TERMS + 1 :].sum()
        return float(slow_a / self.amplitudes.sum())

    def parameters(self) -> Floats:
        """Return what a descent starts from."""
        return np.concatenate((np.log(self.taus_s), self.delays_s))


def fit_edges(windows: Sequence[Window], weights: Sequence[Floats], exponentials: int) -> EdgeFit:
    """Fit from the best points of a grid of time constants and delays; one weight per mean of each window."""
    starts = [
        np.append(start[:-1], np.full(len(windows), start[-1])) for start in _starts(windows, weights, exponentials)
    ]
    rough = [descend(windows, weights, start, exponentials, steps=ROUGH_STEPS) for start in starts]
    best = min(rough, key=lambda fit: fit.cost)
    return descend(windows, weights, best.parameters(), exponentials)


def descend(
    windows: Sequence[Window], weights: Sequence[Floats], start: Floats, exponentials: int, *, steps: int = MOST_STEPS
) -> EdgeFit:
    """Fit from the parameters of another fit: logarithms of the time constants, then the delays."""
    period_s, after_s = windows[0].period_s, min(window.after_s for window in windows)
    sizes = [float(np.ptp(window.mean_a)) or 1.0 for window in windows]
    edges = list(zip(windows, weights, sizes, strict=True))

    def residuals(p: Floats) -> Floats:
        return np.concatenate([_projected(k, *edge, p, exponentials)[0] for k, edge in enumerate(edges)])

    def jacobian(p: Floats) -> Floats:
        blocks = []
        for k, edge in enumerate(edges):
            slopes = _projected(k, *edge, p, exponentials)[1]
            block = np.zeros((len(slopes), len(p)))
            block[:, :exponentials], block[:, exponentials + k] = slopes[:, :-1], slopes[:, -1]
            blocks.append(block)
        return np.vstack(blocks)

    low = np.concatenate((np.full(exponentials, np.log(period_s / 30)), np.full(len(windows), -period_s)))
    high = np.concatenate((np.full(exponentials, np.log(after_s / 5)), np.full(len(windows), LONGEST_DELAY_S)))
    best = least_squares(
        residuals,
        np.clip(start, low + 1e-9, high - 1e-9),
        jac=jacobian,
        bounds=(low, high),
        x_scale=np.concatenate((np.ones(exponentials), np.full(len(windows), max(math.exp(start[0]), period_s)))),
        xtol=1e-6,
        ftol=1e-8,
        max_nfev=steps,
    )
    return _filled(windows, weights, np.asarray(best.x, dtype=np.float64), exponentials, float(best.cost))


def _filled(
    windows: Sequence[Window], weights: Sequence[Floats], p: Floats, exponentials: int, cost: float
) -> EdgeFit:
    log_taus, delays_s = np.sort(p[:exponentials]), p[exponentials:]
    solved = [
        _solved(window, weight, log_taus, float(delay_s))
        for window, weight, delay_s in zip(windows, weights, delays_s, strict=True)
    ]
    taus_s = tuple(float(tau_s) for tau_s in np.exp(log_taus))
    return EdgeFit(taus_s, delays_s, np.array([c for c, _ in solved]), cost, tuple(left for _, left in solved))


def _columns(window: Window, log_taus: Floats, delay_s: float) -> tuple[Floats, list[tuple[Floats, Floats]]]:
    """Return the columns of one edge, and the derivatives of the exponential ones by ln tau and by the delay."""
    sign = 1.0 if window.rising else -1.0
    parts = [averaged_response(window, math.exp(log_tau), delay_s) for log_tau in log_taus]
    columns = [np.ones(len(window.mean_a)), window.at_s / window.after_s, *(sign * part[0] for part in parts)]
    return np.column_stack(columns), [(sign * by_tau, sign * by_delay) for _, by_tau, by_delay in parts]


def _projected(
    k: int, window: Window, weight: Floats, size: float, p: Floats, exponentials: int
) -> tuple[Floats, Floats]:
    """Return the residuals of one edge with its best linear coefficients, and their slopes by taus and delay."""
    columns, derivatives = _columns(window, p[:exponentials], float(p[exponentials + k]))
    columns, measured = columns * weight[:, None], window.mean_a * weight
    left_vectors, values, right = np.linalg.svd(columns, full_matrices=False)
    kept = values > SINGULAR * values[0]
    basis = left_vectors[:, kept]
    inside = basis.T @ measured
    coefficients = right[kept].T @ (inside / values[kept])
    amplitudes = coefficients[BASELINE_TERMS:]
    slopes = [by_tau * amplitude for (by_tau, _), amplitude in zip(derivatives, amplitudes, strict=True)]
    slopes.append(np.sum([by_delay * a for (_, by_delay), a in zip(derivatives, amplitudes, strict=True)], axis=0))
    moved = np.column_stack(slopes) * weight[:, None]
    moved -= basis @ (basis.T @ moved)
    return (measured - basis @ inside) / size, -moved / size


def _solved(window: Window, weight: Floats, log_taus: Floats, delay_s: float) -> tuple[Floats, Floats]:
    columns, _ = _columns(window, log_taus, delay_s)
    found = np.linalg.lstsq(columns * weight[:, None], window.mean_a * weight, rcond=SINGULAR)[0]
    return np.asarray(found, dtype=np.float64), np.asarray(window.mean_a - columns @ found, dtype=np.float64)


def _starts(windows: Sequence[Window], weights: Sequence[Floats], exponentials: int) -> list[Floats]:
    """Best points (ln taus, delay) of a grid on the first edges: a descent does not leave the valley it starts in."""
    windows, weights = windows[:START_EDGES], weights[:START_EDGES]
    period_s, after_s = windows[0].period_s, min(window.after_s for window in windows)
    log_taus = np.log(np.geomspace(period_s / 2, after_s / 5, START_TAUS))
    half_s = _half_time_s(windows)
    tried = []
    for taus in itertools.combinations(log_taus, exponentials):
        delays_s = {0.0, half_s / 2, *(max(half_s - part * math.exp(taus[0]), 0.0) for part in (0.35, 0.7))}
        tried.append(min((_left(windows, weights, np.array(taus), delay_s), *taus, delay_s) for delay_s in delays_s))
    return [np.array(start) for _, *start in sorted(tried)[:STARTS]]


def _left(windows: Sequence[Window], weights: Sequence[Floats], log_taus: Floats, delay_s: float) -> float:
    left = [_solved(w, weight, log_taus, delay_s)[1] * weight for w, weight in zip(windows, weights, strict=True)]
    return sum(float(part @ part) for part in left)


def _half_time_s(windows: Sequence[Window]) -> float:
    """Time after which half of the step is there, in the median over the edges."""
    times = []
    for window in windows:
        before_a, after = window.mean_a[window.at_s < 0].mean(), window.at_s >= 0
        part = (window.mean_a[after] - before_a) / (window.mean_a[-3:].mean() - before_a)
        times.append(float(window.at_s[after][np.argmax(part > 0.5)]))
    return min(max(float(np.median(times)), 0.0), LONGEST_DELAY_S)
