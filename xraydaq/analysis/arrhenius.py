"""Fits of one or two conduction regimes to ln(sigma T), and the criterion that chooses between them.

Broken line for the start: every break of a grid is solved in closed form, so nothing is guessed. Temperature in the
weights: D. York, "Least-squares fitting of a straight line", Can. J. Phys. 44 (1966) 1079, as effective variance.
Criterion: G. Schwarz, "Estimating the dimension of a model", Ann. Stat. 6 (1978) 461, unknown scale of the u.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from xraydaq.analysis.arrhenius_model import (
    BOLTZMANN_EV_K,
    E_HIGH,
    E_LOW,
    EV_J,
    T_CHANGE,
    curve,
    derivatives,
    reciprocal,
    slope_ev,
)
from xraydaq.analysis.broken_line import Held, broken_line
from xraydaq.analysis.slow_scatter import covariance_of_fit
from xraydaq.analysis.values import Booleans, Floats, NotEnoughData, Value

PARALLEL, SHARP = 1.0, float("inf")
MODEL_NAMES = {PARALLEL: "parallel", SHARP: "sharp"}
REWEIGHTINGS = 2
HIGHEST_EV = 10.0
LEAST_POINTS_OF_A_LINE = 3
LEAST_POINTS_OF_TWO_REGIMES = 7
STARTS_K = (0.0, -6.0, 6.0)  # from the break of the broken line, which is off by up to 5 K where branches add
STEEPER = 1.15  # a broken line reads E_high low where branches add


@dataclass(frozen=True)
class Points:
    """Conductivity against temperature, arrays of one length in any order.

    `log_sigma_t`: ln(sigma T/(S K/m)); `u_log`: standard uncertainty of ln sigma; `u_temperature_k`: of the
    temperature of a point against that of the others; `time_s`: when it was measured, nan where that is not known.
    """

    temperature_k: Floats
    log_sigma_t: Floats
    u_log: Floats
    u_temperature_k: Floats
    time_s: Floats

    def some(self, chosen: Booleans) -> "Points":
        """Return the points that a mask chooses."""
        columns = (self.temperature_k, self.log_sigma_t, self.u_log, self.u_temperature_k, self.time_s)
        return Points(*(column[chosen] for column in columns))

    def u(self, energy_ev: Floats | float) -> Floats:
        """Return u of the distance to a model of local energy E: a temperature off by d adds d (1/T - E/kT^2)."""
        per_kelvin = 1 / self.temperature_k - energy_ev / (BOLTZMANN_EV_K * self.temperature_k**2)
        return np.asarray(np.hypot(self.u_log, per_kelvin * self.u_temperature_k), dtype=np.float64)


@dataclass(frozen=True)
class TwoRegimes:
    """One model fitted; `parameters` ln B, E_low/eV, E_high/eV, T_c/K, `covariance` 4 x 4 of them.

    The covariance is statistical; what the points scatter beyond their `u`, the weights used, is in it as slow noise.
    """

    sharpness: float
    parameters: Floats = field(compare=False)
    covariance: Floats = field(compare=False, repr=False)
    points: Points = field(compare=False, repr=False)
    u: Floats = field(compare=False, repr=False)
    chi2: float
    bic: float

    @property
    def dof(self) -> int:
        """Get the degrees of freedom."""
        return len(self.u) - 4

    @property
    def name(self) -> str:
        """Get the name of the model, "parallel" or "sharp"."""
        return MODEL_NAMES.get(self.sharpness, f"sharpness {self.sharpness:.3g}")

    @property
    def activation_low(self) -> Value:
        """Get the activation energy of the regime below T_c, in J."""
        return self._value(E_LOW, EV_J, "J")

    @property
    def activation_high(self) -> Value:
        """Get the activation energy of the regime above T_c, in J."""
        return self._value(E_HIGH, EV_J, "J")

    @property
    def transition(self) -> Value:
        """Get the temperature in K at which both branches are equal."""
        return self._value(T_CHANGE, 1.0, "K")

    def log_sigma_t(self, temperature_k: Floats) -> Floats:
        """Return ln(sigma T) of the model at temperatures in K."""
        return curve(self.parameters, self.sharpness, temperature_k)

    def u_log_sigma(self, temperature_k: float) -> float:
        """Return the statistical u of ln sigma of the model at one temperature in K."""
        slope = derivatives(self.parameters, self.sharpness, np.array([temperature_k]))[:, 0]
        return float(np.sqrt(slope @ self.covariance @ slope))

    def _value(self, index: int, in_si: float, unit: str) -> Value:
        u = float(np.sqrt(self.covariance[index, index]))
        return Value(float(self.parameters[index]) * in_si, u * in_si, unit, dof=float(self.dof))


@dataclass(frozen=True)
class SingleLine:
    """One regime: activation energy in J (statistical u), ln(sigma T) and its u at the middle temperature."""

    activation: Value
    chi2: float
    bic: float
    middle_k: float
    intercept: float
    u_intercept: float

    def log_sigma_t(self, temperature_k: Floats) -> Floats:
        """Return ln(sigma T) of the line at temperatures in K."""
        return self.intercept - self.activation.value / EV_J * reciprocal(temperature_k, self.middle_k)

    def u_log_sigma(self, temperature_k: float) -> float:
        """Return the statistical u of ln sigma of the line at one temperature in K."""
        x = float(reciprocal(np.array([temperature_k]), self.middle_k)[0])
        return float(np.hypot(self.u_intercept, self.activation.u / EV_J * x))


def criterion(chi2: float, points: int, parameters: int) -> float:
    """Return the Bayesian information criterion n ln(chi2/n) + k ln n."""
    return float(points * np.log(max(chi2, np.finfo(float).tiny) / points) + parameters * np.log(points))


def fit_line(points: Points) -> SingleLine:
    """Fit one straight line; raises NotEnoughData below three points or without a span of temperature."""
    count = len(points.temperature_k)
    if count < LEAST_POINTS_OF_A_LINE or not np.ptp(points.temperature_k) > 0:
        raise NotEnoughData(f"{count} usable temperatures, {LEAST_POINTS_OF_A_LINE} different ones are needed")
    u, energy_ev = points.u_log, 0.0
    for _ in range(1 + REWEIGHTINGS):
        u = points.u(energy_ev)
        middle_k = float(np.sum(u**-2) / np.sum(u**-2 / points.temperature_k))  # where u of the line is smallest
        weighted = np.vstack((1 / u, -reciprocal(points.temperature_k, middle_k) / u))
        (intercept, energy_ev), *_ = np.linalg.lstsq(weighted.T, points.log_sigma_t / u, rcond=None)
    left = points.log_sigma_t - u * (np.array([intercept, energy_ev]) @ weighted)
    chi2 = float(np.sum((left / u) ** 2))
    u_fit = np.sqrt(np.diag(covariance_of_fit(weighted * u, left, u, points.time_s)))
    activation = Value(float(energy_ev) * EV_J, float(u_fit[1]) * EV_J, "J", dof=float(count - 2))
    return SingleLine(activation, chi2, criterion(chi2, count, 2), middle_k, float(intercept), float(u_fit[0]))


def fit_two_regimes(points: Points, sharpness: float) -> TwoRegimes | None:
    """Fit the model of a given sharpness (1 parallel, infinite sharp).

    None below seven points, where the points do not steepen towards high temperature, and where they do not determine
    all four parameters.
    """
    if len(points.temperature_k) < LEAST_POINTS_OF_TWO_REGIMES:
        return None
    u = points.u_log
    parameters = broken_line(points.temperature_k, points.log_sigma_t, u)
    far = True
    for _ in range(1 + REWEIGHTINGS):
        if parameters is None:
            return None
        u = points.u(slope_ev(parameters, sharpness, points.temperature_k))
        parameters = best_parameters(points, u, sharpness, parameters, far=far)
        far = False
    return None if parameters is None else _finished(points, u, sharpness, parameters)


def best_parameters(
    points: Points, u: Floats, sharpness: float, start: Floats, held: Held = None, *, far: bool = False
) -> Floats | None:
    """Return the parameters of least chi2, one of them held (index, value) or none; None where there are none.

    `far`: the start is that of a broken line, and several beside it are tried.
    """
    if np.isinf(sharpness):
        return broken_line(points.temperature_k, points.log_sigma_t, u, held)
    steep = start * np.array([1.0, 1.0, STEEPER, 1.0])
    starts = [steep + np.array([0.0, 0.0, 0.0, shift_k]) for shift_k in STARTS_K] if far else [start]
    tries = [descend(points, u, sharpness, first, held) for first in starts]
    return min(tries, key=lambda tried: tried[0])[1]


def descend(points: Points, u: Floats, sharpness: float, start: Floats, held: Held) -> tuple[float, Floats]:
    """Return chi2 and the parameters that bounded least squares reach from a start, for a finite sharpness."""
    free = [index for index in range(4) if held is None or index != held[0]]
    whole = start.copy()
    if held is not None:
        whole[held[0]] = held[1]

    def filled(some: NDArray[np.floating]) -> Floats:
        parameters = whole.copy()
        parameters[free] = some
        return parameters

    def residuals(some: NDArray[np.floating]) -> Floats:
        return np.asarray((curve(filled(some), sharpness, points.temperature_k) - points.log_sigma_t) / u)

    def slopes(some: NDArray[np.floating]) -> Floats:
        return np.asarray((derivatives(filled(some), sharpness, points.temperature_k)[free] / u).T)

    lower = np.array([-np.inf, 0.0, 0.0, points.temperature_k.min()])[free]
    upper = np.array([np.inf, HIGHEST_EV, HIGHEST_EV, points.temperature_k.max()])[free]
    begin = np.clip(start[free], lower + 1e-6, upper - 1e-6)
    fit = least_squares(residuals, begin, jac=slopes, method="lm", x_scale="jac", max_nfev=200)
    if not bool(np.all((fit.x >= lower) & (fit.x <= upper))):  # the bounded method finds the same, forty times slower
        fit = least_squares(residuals, begin, jac=slopes, bounds=(lower, upper), x_scale="jac", max_nfev=200)
    return float(2 * fit.cost), filled(fit.x)


def _finished(points: Points, u: Floats, sharpness: float, parameters: Floats) -> TwoRegimes | None:
    if parameters[E_LOW] > parameters[E_HIGH]:  # the branches of a sum have no order of their own
        parameters = parameters[[0, E_HIGH, E_LOW, T_CHANGE]]
    count = len(points.temperature_k)
    left = points.log_sigma_t - curve(parameters, sharpness, points.temperature_k)
    chi2 = float(np.sum((left / u) ** 2))
    slopes = derivatives(parameters, sharpness, points.temperature_k)
    information = (slopes / u) @ (slopes / u).T
    size = np.sqrt(np.diag(information))
    if not (np.all(size > 0) and np.linalg.cond(information / np.outer(size, size)) < 1e10):
        return None
    covariance = covariance_of_fit(slopes, left, u, points.time_s)
    return TwoRegimes(sharpness, parameters, covariance, points, u, chi2, criterion(chi2, count, 4))
