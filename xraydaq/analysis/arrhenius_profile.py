"""Intervals by profile likelihood, and how sharp the change of regime is.

Profile: one parameter held, the others fitted again, until chi2 has risen by t^2 times the variance of the parameter
over that of the weights (D. M. Bates, D. G. Watts, Nonlinear Regression Analysis and Its Applications (1988), 6.1).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import t as student

from xraydaq.analysis.arrhenius import TwoRegimes, best_parameters, descend
from xraydaq.analysis.arrhenius_model import E_HIGH, E_LOW, EV_J, T_CHANGE, curve, derivatives
from xraydaq.analysis.values import Floats

LEVEL = 0.95
ONE_SIGMA = 0.6827
STEP = 0.5  # in u
REACH = 16  # steps that an end of an interval is looked for
LEAST_SHARPNESS, LARGEST_SHARPNESS = 0.2, 40.0
SHARPNESS_TRIED = 15
SHARPNESS_STEP = 0.15  # in ln s
IN_SI = {E_LOW: EV_J, E_HIGH: EV_J, T_CHANGE: 1.0}


@dataclass(frozen=True)
class Interval:
    """Ends of an interval of a stated level, in SI; an end is nan where the data do not bound it."""

    low: float
    high: float
    level: float = LEVEL

    def holds(self, value: float) -> bool:
        """Return whether a value lies in the interval."""
        return self.low <= value <= self.high


def profile(fit: TwoRegimes, index: int, level: float = LEVEL) -> Interval:
    """Return the interval of one parameter (`E_LOW`, `E_HIGH`, `T_CHANGE`) at a level, in SI; statistics only."""
    rise = _beyond_weights(fit, index) * float(student.ppf(0.5 + level / 2, fit.dof)) ** 2
    step = STEP * float(np.sqrt(fit.covariance[index, index]))
    low, high = (_end(fit, index, rise, sign * step) for sign in (-1, 1))
    return Interval(low * IN_SI[index], high * IN_SI[index], level)


def _beyond_weights(fit: TwoRegimes, index: int) -> float:
    """Return the variance of a parameter over the one that the weights alone would give it."""
    slopes = derivatives(fit.parameters, fit.sharpness, fit.points.temperature_k) / fit.u
    return float(fit.covariance[index, index] / np.linalg.inv(slopes @ slopes.T)[index, index])


def _end(fit: TwoRegimes, index: int, rise: float, step: float) -> float:
    nearest = fit.parameters

    def excess(value: float) -> float:
        nonlocal nearest
        found = best_parameters(fit.points, fit.u, fit.sharpness, nearest, (index, value))
        if found is None:
            return np.inf
        nearest = found
        return _chi2(fit, fit.sharpness, found) - fit.chi2 - rise

    return _crossing(excess, float(fit.parameters[index]), step)


def _crossing(excess: Callable[[float], float], start: float, step: float) -> float:
    """Go outwards from a minimum in steps until the excess is positive, and find where it became so; nan: nowhere."""
    inner = start
    for count in range(1, REACH + 1):
        outer = start + count * step
        above = excess(outer)
        if above > 0:
            return float(brentq(excess, inner, outer, xtol=1e-2 * abs(step))) if np.isfinite(above) else outer
        inner = outer
    return float("nan")


def _chi2(fit: TwoRegimes, sharpness: float, parameters: Floats) -> float:
    y = curve(parameters, sharpness, fit.points.temperature_k)
    return float(np.sum(((fit.points.log_sigma_t - y) / fit.u) ** 2))


def sharpness(fit: TwoRegimes) -> tuple[float, Interval]:
    """Return the sharpness s that describes the points of a fit best, and its 68 % interval by profile.

    s near 1: the branches add; above 5: a broken line (larger s are hardly told apart; 40 is the largest tried). An
    end of the interval that the data do not bound is nan.
    """
    nearest = fit.parameters

    def chi2(log_s: float) -> float:
        nonlocal nearest
        _, nearest = descend(fit.points, fit.u, float(np.exp(log_s)), nearest, None)
        return _chi2(fit, float(np.exp(log_s)), nearest)

    grid = np.linspace(np.log(LEAST_SHARPNESS), np.log(LARGEST_SHARPNESS), SHARPNESS_TRIED)
    grid = grid[::-1] if np.isinf(fit.sharpness) else grid  # from the model of the fit on, start by start
    on_grid = [chi2(float(log_s)) for log_s in grid]
    best = int(np.argmin(on_grid))
    low, high = sorted((float(grid[max(best - 1, 0)]), float(grid[min(best + 1, SHARPNESS_TRIED - 1)])))
    found = minimize_scalar(chi2, bounds=(low, high), method="bounded", options={"xatol": 1e-3})
    least, at = min((float(found.fun), float(found.x)), (on_grid[best], float(grid[best])))
    rise = _beyond_weights(fit, E_HIGH)
    low, high = (_crossing(lambda log_s: chi2(log_s) - least - rise, at, sign * SHARPNESS_STEP) for sign in (-1, 1))
    return float(np.exp(at)), Interval(float(np.exp(low)), float(np.exp(high)), ONE_SIGMA)
