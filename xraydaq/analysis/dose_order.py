"""What the order of a sweep does to it: drift of the repeated reference point, dose rates that only rise or fall."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

from xraydaq.analysis.dose_lines import Points
from xraydaq.analysis.values import Booleans, Floats, Value

DRIFT_ALLOWED = 0.02  # of the reference over the sweep; more is corrected, linearly
SEEN = 2.0
MONOTONIC = 0.9  # rank correlation of dose rate and time
LEAST_POINTS = 5


@dataclass(frozen=True)
class ReferenceDrift:
    """Relative change of the reference point from the first to the last point of the sweep, nan if not repeated.

    `corrected`: the currents were divided by a straight line in time. `u_left`: relative u that remains for one point.
    """

    change: Value
    repeats: int
    corrected: bool
    u_left: float


def reference_drift(points: Points, reference: Booleans) -> ReferenceDrift:
    """Fit a straight line in time through the repeats of the reference point; `reference` marks them."""
    repeats = int(reference.sum())
    span_s = float(np.ptp(points.time_s))
    if repeats < 2 or not np.ptp(points.time_s[reference]) > 0.5 * span_s:
        return ReferenceDrift(Value(np.nan, np.nan, "1"), repeats, corrected=False, u_left=0.0)
    level = points.current_a[reference] / float(np.mean(points.current_a[reference]))
    u = points.current_u_a[reference] / abs(float(np.mean(points.current_a[reference])))
    x = _position(points.time_s)[reference]
    design = np.column_stack((np.ones_like(x), x)) / u[:, None]
    cov = np.linalg.inv(design.T @ design)
    fit = cov @ (design.T @ (level / u))
    left = level / u - design @ fit
    scale = max(1.0, float(left @ left) / (repeats - 2)) if repeats > 2 else 1.0
    change = Value(float(fit[1] / fit[0]), float(np.sqrt(cov[1, 1] * scale) / fit[0]), "1", float(repeats - 2))
    corrected = abs(change.value) > max(DRIFT_ALLOWED, SEEN * change.u)
    u_left = (change.u if corrected else abs(change.value)) / float(np.sqrt(12))
    return ReferenceDrift(change, repeats, corrected, u_left)


def without_drift(points: Points, drift: ReferenceDrift) -> Points:
    """Return the points with the drift of the reference taken out, if it is to be; the middle of the sweep stays."""
    if not drift.corrected:
        return points
    factor = 1 + drift.change.value * _position(points.time_s)
    return Points(
        points.current_a / factor, points.current_u_a / factor, points.dose_rate_gy_s, points.dose_rate_u_gy_s,
        points.total_al_m, points.time_s,
    )  # fmt: skip


def monotonic_order(points: Points) -> str:
    """Return "rising" or "falling" if the dose rates did nothing else in the order of time, else ""."""
    if len(np.unique(points.dose_rate_gy_s)) < LEAST_POINTS:
        return ""
    rank = float(spearmanr(points.time_s, points.dose_rate_gy_s).statistic)
    return "rising" if rank > MONOTONIC else "falling" if rank < -MONOTONIC else ""


def _position(time_s: Floats) -> Floats:
    """Return -1/2 at the first and +1/2 at the last point of the sweep."""
    return np.asarray((time_s - time_s.min()) / np.ptp(time_s) - 0.5, dtype=np.float64)
