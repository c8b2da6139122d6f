"""Straight line through the logarithms of measured values, with the scatter between them that it needs.

Generalised least squares: A. C. Aitken, "On least squares and linear combination of observations", Proc. R. Soc.
Edinb. 55 (1935) 42. Scatter beyond the stated uncertainties is a variance between values, found such that chi^2 equals
its degrees of freedom: R. C. Paule, J. Mandel, "Consensus values and weighting factors", J. Res. Natl. Bur. Stand. 87
(1982) 377.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import brentq
from scipy.stats import t as student

from xraydaq.analysis.values import Floats, Value

TWO_SIGMA = 0.9544997361036416
LEAST_SCATTER, MOST_SCATTER = (
    1e-10,
    10.0,
)  # in the logarithm; the latter is far beyond anything that still is one sample
ROUNDING = 1e-24  # keeps a covariance of values without uncertainty invertible


@dataclass(frozen=True)
class Fit:
    """Straight line of a logarithm: level at `middle_h`, slope per hour, and the scatter between runs it needed."""

    middle_h: float
    level: float
    slope_per_h: Value
    level_u: float
    cross: float
    between: float
    chi2_per_dof: float
    """Of the stated uncertainties alone."""

    slope_weights: Floats = field(compare=False, repr=False)
    """Slope per hour = these times the logarithms."""

    def at(self, hours: Floats) -> tuple[Floats, Floats]:
        """Return the line and its standard uncertainty at times, in the logarithm."""
        x = np.asarray(hours, dtype=np.float64) - self.middle_h
        variance = self.level_u**2 + 2 * x * self.cross + (x * self.slope_per_h.u) ** 2
        return self.level + self.slope_per_h.value * x, np.sqrt(variance)


def coverage_factor(dof: float | None) -> float:
    """Return the factor of u for the coverage of two sigma; 2 where u is known, larger where it is estimated."""
    return 2.0 if dof is None else float(student.ppf((1 + TWO_SIGMA) / 2, dof))


def fit(hours: Floats, logarithm: Floats, covariance: Floats) -> Fit:
    """Fit a line by generalised least squares; adds a variance between runs where the scatter asks for one.

    `covariance` of `logarithm`, (n, n). Without any stated uncertainty all of u comes from the scatter.
    """
    dof = len(hours) - 2
    middle_h = float(hours.mean())
    design = np.column_stack((np.ones_like(hours), (hours - middle_h) / np.ptp(hours)))
    stated = float(np.trace(covariance)) > 0
    chi2 = _solve(design, logarithm, covariance, 0.0)[2] if stated else math.inf
    between = 0.0 if chi2 <= dof else _between(design, logarithm, covariance, dof)
    parameters, u2, _ = _solve(design, logarithm, covariance, between)
    per_h = 1 / float(np.ptp(hours))
    weights = u2 @ np.linalg.solve(_whole(covariance, between), design).T
    slope = Value(float(parameters[1]) * per_h, math.sqrt(u2[1, 1]) * per_h, "h^-1", None if between == 0 else dof)
    return Fit(
        middle_h=middle_h,
        level=float(parameters[0]),
        slope_per_h=slope,
        level_u=math.sqrt(u2[0, 0]),
        cross=float(u2[0, 1]) * per_h,
        between=between,
        chi2_per_dof=chi2 / dof,
        slope_weights=np.asarray(weights[1] * per_h),
    )


def _whole(covariance: Floats, between: float) -> Floats:
    return np.asarray(covariance + np.eye(len(covariance)) * max(between**2, ROUNDING))


def _solve(design: Floats, logarithm: Floats, covariance: Floats, between: float) -> tuple[Floats, Floats, float]:
    whole = _whole(covariance, between)
    weighted = np.linalg.solve(whole, design)
    u2 = np.linalg.inv(design.T @ weighted)
    parameters = u2 @ (weighted.T @ logarithm)
    left = logarithm - design @ parameters
    return parameters, u2, float(left @ np.linalg.solve(whole, left))


def _between(design: Floats, logarithm: Floats, covariance: Floats, dof: int) -> float:
    def excess(ln_between: float) -> float:
        return _solve(design, logarithm, covariance, math.exp(ln_between))[2] - dof

    lowest, highest = math.log(LEAST_SCATTER), math.log(MOST_SCATTER)
    if excess(lowest) <= 0:
        return LEAST_SCATTER
    return math.exp(float(brentq(excess, lowest, highest, xtol=1e-6)))
