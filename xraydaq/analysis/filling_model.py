"""Model of a current while traps fill, fitted in the logarithm of the current.

Charge balance of a gap with ohmic contacts, in volts of the charge that the bias puts into it: what is injected is
free or trapped, V = n + V_T n/(n + r V_T), with n the free part, V_T the trap-filled limit, and r V_T the free part at
which half the traps are filled. Current: I = G V + B n V. M. A. Lampert, P. Mark, Current Injection in Solids (1970),
chapter 4 (a single level). Levels spread in depth, a normal distribution of ln r: S. Nespurek, J. Sworakowski,
J. Appl. Phys. 51 (1980) 2098. The variance of that distribution is a parameter of every fit: a single level imposed on
spread ones gives a limit that is some percent low with an uncertainty that does not say so.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import OptimizeResult, least_squares

from xraydaq.analysis.sclc import Points
from xraydaq.analysis.sweep_noise import parameter_covariance
from xraydaq.analysis.values import Floats, Value

RATIO_STARTS = (1e-4, 1e-3, 1e-2, 1e-1)
VARIANCE_STARTS = (0.3,)
WIDEST_SPREAD = 4.0
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(31)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


@dataclass(frozen=True)
class FillingFit:
    """Parameters of the best fit; `u_v` is the standard uncertainty of the limit from scatter and misfit alone."""

    limit_v: float
    u_v: float
    ratio: float
    ohmic_s: float
    injection_a_v2: float
    variance: Value
    """Of ln r over the trap levels; zero for a single level."""

    chi2_per_dof: float
    dof: int
    single_level_v: float
    """The limit of a fit with a single level, the model with four parameters."""

    @property
    def spread(self) -> float:
        """Get the standard deviation of ln r over the levels, that is of their depth in kT."""
        return math.sqrt(self.variance.value)

    @property
    def levels_are_spread(self) -> bool:
        """Tell whether the data show a spread, by more than twice its u."""
        return self.variance.value > 2 * self.variance.u

    def current_a(self, bias_v: Floats) -> Floats:
        """Return the fitted current in A at bias voltages in V, above zero."""
        of_one_level = np.log([self.ohmic_s, self.injection_a_v2, self.limit_v, self.ratio])
        return np.asarray(np.exp(_log_current(np.append(of_one_level, self.variance.value), bias_v)), dtype=np.float64)


def fit_filling(points: Points, start_v: float) -> FillingFit | None:
    """Fit the model, first with a single level; `start_v` is the steepest point. None if it does not converge."""
    single = _best(points, [_start(points, start_v, ratio) for ratio in RATIO_STARTS])
    if single is None:
        return None
    spread = _best(points, [np.append(single.x, variance) for variance in VARIANCE_STARTS])
    if spread is None or len(points.bias_v) <= len(spread.x):
        return None
    return _result(points, spread, float(np.exp(single.x[2])))


def free_part_v(bias_v: Floats, limit_v: float, ratio: float, spread: float = 0.0) -> Floats:
    """Solve the charge balance for n, in V; `spread` is the standard deviation of ln r over the levels."""
    if spread == 0:
        return _of_one_level(bias_v, limit_v, ratio)
    level_v = limit_v * ratio * np.exp(spread * _NODES)
    low = np.log(_of_one_level(bias_v.min(keepdims=True), limit_v, float(level_v.min()) / limit_v))[0] - 1
    log_n = np.linspace(low, np.log(bias_v.max()), 240)  # total charge is smooth and rising in ln n: invert the table
    total = _total(log_n, limit_v, level_v)[0]
    solved = PchipInterpolator(np.log(total), log_n, extrapolate=True)(np.log(bias_v))
    for _ in range(2):  # Newton's steps from a start within 1e-3
        charge_v, derivative = _total(solved, limit_v, level_v)
        solved = solved - np.log(charge_v / bias_v) * charge_v / derivative
    return np.asarray(np.exp(solved), dtype=np.float64)


def _of_one_level(bias_v: Floats, limit_v: float, ratio: float) -> Floats:
    half = ratio * limit_v + limit_v - bias_v
    root = np.sqrt(half * half + 4 * ratio * limit_v * bias_v)
    # of the two ways to write the root of the quadratic, the one without a difference of nearly equal numbers
    return np.where(half > 0, 2 * ratio * limit_v * bias_v / (half + root), (root - half) / 2)


def _total(log_n: Floats, limit_v: float, level_v: Floats) -> tuple[Floats, Floats]:
    """Charge in V that goes with a free part, and its derivative by ln n."""
    n = np.exp(log_n)[:, None]
    filled = n / (n + level_v)
    total = n[:, 0] + limit_v * (filled @ _WEIGHTS)
    return total, n[:, 0] + limit_v * ((filled * (1 - filled)) @ _WEIGHTS)


def _log_current(parameters: Floats, bias_v: Floats) -> Floats:
    """Parameters: ln G, ln B, ln V_T, ln r and, of spread levels, the variance of ln r."""
    ohmic_s, injection_a_v2, limit_v, ratio = np.exp(parameters[:4])
    spread = math.sqrt(parameters[4]) if len(parameters) > 4 else 0.0
    n = free_part_v(bias_v, float(limit_v), float(ratio), spread)
    return np.asarray(np.log(ohmic_s * bias_v + injection_a_v2 * n * bias_v), dtype=np.float64)


def _start(points: Points, limit_v: float, ratio: float) -> Floats:
    bias_v, current_a = points.bias_v, points.current_a
    above_v = max(bias_v[-1] - limit_v, 0.1 * bias_v[-1])
    return np.log([np.median(current_a[:5] / bias_v[:5]), current_a[-1] / bias_v[-1] / above_v, limit_v, ratio])


def _best(points: Points, starts: list[Floats]) -> OptimizeResult | None:
    fits = [fit for start in starts if (fit := _fit(points, start)) is not None]
    return min(fits, key=lambda fit: float(fit.cost), default=None)


def _fit(points: Points, start: Floats) -> OptimizeResult | None:
    margin = np.log([1e6, 1e6, 3.0, 1e6])
    lower, upper = start[:4] - margin, np.minimum(start[:4] + margin, [np.inf, np.inf, np.inf, 1.0])
    if len(start) > 4:
        lower, upper = np.append(lower, 0.0), np.append(upper, WIDEST_SPREAD**2)

    def residuals(p: Floats) -> Floats:
        return np.asarray((_log_current(p, points.bias_v) - points.log_current) / points.log_u)

    fit = least_squares(
        residuals, start, bounds=(lower, upper), x_scale="jac", max_nfev=200,
    )  # fmt: skip
    return fit if fit.success and np.all(np.isfinite(fit.x)) else None


def _result(points: Points, fit: OptimizeResult, single_level_v: float) -> FillingFit:
    jacobian, residuals = fit.jac * points.log_u[:, None], fit.fun * points.log_u
    u = np.sqrt(np.diag(parameter_covariance(jacobian, residuals, points.log_u, points.scatter)))
    ohmic_s, injection_a_v2, limit_v, ratio = (float(np.exp(value)) for value in fit.x[:4])
    dof = len(points.bias_v) - len(fit.x)
    return FillingFit(
        limit_v=limit_v,
        u_v=limit_v * float(u[2]),
        ratio=ratio,
        ohmic_s=ohmic_s,
        injection_a_v2=injection_a_v2,
        variance=Value(float(fit.x[4]), float(u[4]), "1"),
        chi2_per_dof=2 * float(fit.cost) / dof,
        dof=dof,
        single_level_v=single_level_v,
    )
