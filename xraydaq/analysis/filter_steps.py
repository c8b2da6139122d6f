"""Steps of a response from filter to filter: a change of beam quality that looks like a bend in dose rate.

Two nested models of ln(I/D), a smooth curve (straight in ln D, a parabola in D) with and without a level per filter,
are compared by the difference of chi2 (S. S. Wilks, "The large-sample distribution of the likelihood ratio for testing
composite hypotheses", Ann. Math. Stat. 9 (1938) 60).
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.stats import chi2 as chi2_distribution

from xraydaq.analysis.dose_lines import Points
from xraydaq.analysis.values import Floats, Value

STEP_THAT_MATTERS = 0.03  # relative
STEP_SEEN = 1e-3  # probability of such steps by chance
MANY, SOME = 8, 5  # points that allow a bend of two terms, and of one
NEAR = 1.1  # dose rates within this factor are that dose rate


@dataclass(frozen=True)
class FilterSteps:
    """Steps of the response from filter to filter at equal dose rate: largest relative one, whether it is real.

    `known` is False where the dose rates of the filters do not overlap enough to tell it from a bend of the response.
    """

    largest: Value
    known: bool
    seen: bool


def filter_steps(points: Points) -> tuple[float, FilterSteps]:
    """Return sqrt(max(1, chi2/dof)) of the points about a smooth curve, and the steps between their filters."""
    y = np.log(points.current_a / points.dose_rate_gy_s)
    u = np.hypot(points.current_u_a / points.current_a, points.dose_rate_u_gy_s / points.dose_rate_gy_s)
    bend = _smooth_curve(points.dose_rate_gy_s)
    order = bend.shape[1] - 1
    _, _, chi2 = weighted_fit(bend, y, u)
    dof = len(points) - order - 1
    filters = np.unique(points.total_al_m)
    unknown = FilterSteps(Value(np.nan, np.nan, "1"), known=len(filters) < 2, seen=False)
    if len(filters) < 2 or dof - len(filters) + 1 < 1 or not _overlap(points, filters):
        return float(np.sqrt(max(1.0, chi2 / dof))), unknown
    stepped = np.column_stack((bend, *(points.total_al_m == al for al in filters[1:])))
    fit, cov, chi2_stepped = weighted_fit(stepped.astype(np.float64), y, u)
    ratio = max(1.0, chi2_stepped / (dof - len(filters) + 1))
    steps = np.concatenate(([0.0], fit[order + 1 :]))
    high, low = int(np.argmax(steps)), int(np.argmin(steps))
    contrast = np.zeros(len(fit) + 1)
    contrast[order + 1 + high] += 1.0
    contrast[order + 1 + low] -= 1.0
    contrast = np.delete(contrast, order + 1)  # the first filter is the level itself
    u_largest = float(np.sqrt(contrast @ cov @ contrast * ratio))
    chance = float(chi2_distribution.sf((chi2 - chi2_stepped) / ratio, len(filters) - 1))
    largest = Value(float(np.expm1(steps[high] - steps[low])), u_largest, "1")
    seen = chance < STEP_SEEN and largest.value > max(STEP_THAT_MATTERS, 2 * largest.u)
    return float(np.sqrt(ratio)), FilterSteps(largest, known=True, seen=seen)


def _smooth_curve(dose_rate_gy_s: Floats) -> Floats:
    """Return columns that describe a power law which saturates or rises towards high dose rates."""
    relative = dose_rate_gy_s / dose_rate_gy_s.max()
    columns = (np.ones_like(relative), np.log(relative), relative, relative**2)
    terms = 4 if len(relative) >= MANY else 3 if len(relative) >= SOME else 2
    return np.column_stack(columns[:terms])


def _overlap(points: Points, filters: Floats) -> bool:
    """Ask whether each filter shares dose rates with the next: without that a step looks like a bend."""
    for thin, thick in pairwise(filters):
        lowest = points.dose_rate_gy_s[points.total_al_m == thin].min()
        highest = points.dose_rate_gy_s[points.total_al_m == thick].max()
        if not lowest <= NEAR * highest:
            return False
    return True


def weighted_fit(design: Floats, y: Floats, u: Floats) -> tuple[Floats, Floats, float]:
    """Return parameters, covariance (not scaled) and chi2 of a linear fit with uncertainties."""
    weighted = design / u[:, None]
    cov = np.linalg.inv(weighted.T @ weighted)
    fit = cov @ (weighted.T @ (y / u))
    left = (y - design @ fit) / u
    return fit, np.asarray(cov, dtype=np.float64), float(left @ left)
