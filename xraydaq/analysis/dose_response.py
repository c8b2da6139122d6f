"""Response of a detector to dose rate: lines per filter and over all, exponent, smooth curve, steps between filters.

Errors in both variables: `dose_lines`. Exponent: I ~ D^theta, the weighted line of ln I against ln D (points seen at
more than 3 u), as in A. Rose, Concepts in Photoconductivity and Allied Problems (1963), chapter 3.
"""

from dataclasses import dataclass

import numpy as np

from xraydaq.analysis.dose_lines import DoseLine, Points, propagated, unweighted_line, weighted_line
from xraydaq.analysis.filter_steps import NEAR, FilterSteps, filter_steps
from xraydaq.analysis.values import Booleans, NotEnoughData, Value

SEEN_POINT = 3.0  # u of the photocurrent
LEAST_POINTS = 3
SAME_SETTING = 1e-6  # relative difference of dose rates


@dataclass(frozen=True)
class FilterLine:
    """Weighted line of one filter."""

    total_al_m: float
    line: DoseLine


@dataclass(frozen=True)
class DoseResponse:
    """Lines in C/Gy and the exponent; `scatter`: sqrt(max(1, chi2/dof)) of the points about a smooth curve.

    `unweighted`, `weighted`: over all filters, up to a dose rate; `low`: weighted line below another one, None if too
    few points lie there.
    """

    points: Points
    per_filter: tuple[FilterLine, ...]
    unweighted: DoseLine
    weighted: DoseLine
    low: DoseLine | None
    theta: Value
    theta_chi2_per_dof: float
    scatter: float
    steps: FilterSteps

    @property
    def is_linear(self) -> bool:
        """Get whether the exponent is 1 within 2 u."""
        return not abs(self.theta.value - 1) > 2 * self.theta.u


def dose_response(points: Points, *, low_gy_s: float, slope_up_to_gy_s: float) -> DoseResponse:
    """Evaluate the points (repeats of one setting are merged first).

    The two lines over all filters take the points up to `slope_up_to_gy_s`, at least three. Raises NotEnoughData with
    fewer than 3 dose rates, or fewer than 3 seen at more than 3 u.
    """
    points = merged(points)
    seen = points.of(points.current_a > SEEN_POINT * points.current_u_a)
    if len(seen) < LEAST_POINTS:
        raise NotEnoughData(f"{len(seen)} dose rates with a photocurrent above 3 u, {LEAST_POINTS} are needed")
    theta, theta_ratio = exponent(seen)
    scatter, steps = filter_steps(seen)
    low = points.of(points.dose_rate_gy_s <= low_gy_s)
    straight = points.of(points.dose_rate_gy_s <= slope_up_to_gy_s)
    straight = straight if len(straight) >= LEAST_POINTS else points
    filters = [float(al) for al in np.unique(points.total_al_m)]
    by_filter = [(al, points.of(points.total_al_m == al)) for al in filters]
    return DoseResponse(
        points=points,
        per_filter=tuple(FilterLine(al, weighted_line(some)) for al, some in by_filter if len(some) >= 2),
        unweighted=unweighted_line(straight, scatter),
        weighted=weighted_line(straight),
        low=weighted_line(low) if len(low) >= LEAST_POINTS else None,
        theta=theta,
        theta_chi2_per_dof=theta_ratio,
        scatter=scatter,
        steps=steps,
    )


def merged(points: Points) -> Points:
    """Average the currents of points of one filter and dose rate: they share the error of the dose model."""
    order = np.lexsort((points.dose_rate_gy_s, points.total_al_m))
    dose, al = points.dose_rate_gy_s[order], points.total_al_m[order]
    new = (np.abs(np.diff(dose)) > SAME_SETTING * dose[1:]) | (np.diff(al) != 0)
    groups = np.split(order, np.flatnonzero(new) + 1)
    rows = [_mean_of(points.of(_mask(group, len(points)))) for group in groups]
    return Points(*(np.array(column, dtype=np.float64) for column in zip(*rows, strict=True)))


def _mask(rows: np.ndarray[tuple[int], np.dtype[np.intp]], length: int) -> Booleans:
    mask = np.zeros(length, dtype=np.bool_)
    mask[rows] = True
    return mask


def _mean_of(same: Points) -> tuple[float, ...]:
    weights = 1 / np.maximum(same.current_u_a, 1e-300) ** 2
    current_a = float(np.average(same.current_a, weights=weights))
    chi2 = float(weights @ (same.current_a - current_a) ** 2)
    scale = max(1.0, chi2 / (len(same) - 1)) if len(same) > 1 else 1.0
    u_a = float(np.sqrt(scale / weights.sum()))
    return (
        current_a, u_a, float(same.dose_rate_gy_s.mean()), float(same.dose_rate_u_gy_s.mean()),
        float(same.total_al_m[0]), float(same.time_s.mean()),
    )  # fmt: skip


def exponent(points: Points) -> tuple[Value, float]:
    """Return theta of I ~ D^theta with its u, and chi2/dof of the log-log line."""
    x, y = np.log(points.dose_rate_gy_s), np.log(points.current_a)
    if not np.ptp(x) > np.log(2):
        return Value(np.nan, np.nan, "1"), np.nan
    u_own, u_dose = points.current_u_a / points.current_a, points.dose_rate_u_gy_s / points.dose_rate_gy_s
    design = np.column_stack((x - x.mean(), np.ones_like(x)))
    theta = 1.0
    for _ in range(5):
        u = np.hypot(u_own, theta * u_dose)
        gain = np.linalg.pinv(design / u[:, None]) / u
        fit = gain @ y
        theta = float(fit[0])
    left = (y - design @ fit) / u
    ratio = float(left @ left) / (len(points) - 2)
    variance = propagated(gain, u_own, theta * u_dose, points.total_al_m)[0, 0] * max(1.0, ratio)
    return Value(theta, float(np.sqrt(variance)), "1", float(len(points) - 2)), ratio


def response_at(points: Points, dose_rate_gy_s: float) -> tuple[Value, float, int]:
    """Return current over dose rate in C/Gy at a dose rate, the dose rate it was measured at, and by how many points.

    Points within 10 % of it, averaged (their dose rates share one error); else the nearest points on either side,
    straight in ln(I/D) against ln D; nan outside the dose rates measured.
    """
    ratio = points.dose_rate_gy_s / dose_rate_gy_s
    near = (ratio < NEAR) & (ratio > 1 / NEAR)
    if near.any():
        current_a, u_a, dose, u_dose = _mean_of(points.of(near))[:4]
        response = current_a / dose
        return Value(response, float(np.hypot(u_a / dose, response * u_dose / dose)), "C Gy^-1"), dose, int(near.sum())
    below, above = np.flatnonzero(ratio < 1), np.flatnonzero(ratio > 1)
    if not len(below) or not len(above):
        return Value(np.nan, np.nan, "C Gy^-1"), dose_rate_gy_s, 0
    pair = [int(below[np.argmax(ratio[below])]), int(above[np.argmin(ratio[above])])]
    x = np.log(ratio[pair])
    share = np.array([x[1], -x[0]]) / (x[1] - x[0])
    each = points.current_a[pair] / points.dose_rate_gy_s[pair]
    u_each = points.sums_u_a(float(each.mean()))[pair] / points.dose_rate_gy_s[pair]
    response = float(np.exp(share @ np.log(np.maximum(each, 1e-300))))
    return Value(response, response * float(np.hypot(*(share * u_each / each))), "C Gy^-1"), dose_rate_gy_s, 2
