"""Saturation of the sensitivity with the field, S(E) = P u (1 - exp(-1/u)), u = E/E0.

Charge collection of one carrier that is generated at one electrode (K. Hecht, "Zum Mechanismus des lichtelektrischen
Primärstromes in isolierenden Kristallen", Z. Phys. 77 (1932) 235, equation (6)); u is the schubweg over the gap. With
photoconductive gain the plateau P is gain times unity-gain sensitivity (S. Kasap et al., Sensors 11 (2011) 5112), and
E0 a scale of the device, not a material constant. Fitted as S = m E (1 - exp(-1/(k E))), m = P/E0, k = 1/E0; k = 0 is
the straight line, and chi2 has to be lower by 9 for a saturation to be seen. Errors of both: effective variance (J.
Orear, "Least squares when both variables have uncertainties", Am. J. Phys. 50 (1982) 912). Wide intervals: JCGM
101:2008.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import minimize_scalar

from xraydaq.analysis.values import Floats, NotEnoughData, Value

LEAST_FIELDS = 4
SEEN = 9.0  # by how much chi2 must be below that of a straight line
LEAST_CURVATURE = 1e-3  # k in units of 1/the highest field: below it nothing changes within doubles
WIDE = 0.1  # relative u from which the distribution is drawn
DRAWS = 20_000
MOST_CURVATURE = 1e3
GRID = 60
SLOPE_UNIT = "C Gy^-1 m^-1 V^-1"
PASSES = 3  # of the effective variance


@dataclass(frozen=True)
class Saturation:
    """Plateau (unit of S), field scale E0 and slope at low field (unit of S per V/m).

    Unless `seen`, plateau and scale are nan and a straight line of `slope` describes the points.
    """

    plateau: Value
    scale: Value
    slope: Value
    seen: bool
    chi2_per_dof: float
    dof: int
    residuals: Floats = field(compare=False, repr=False)
    """Of each point, in its own u."""
    parameters: Floats = field(compare=False, repr=False)
    """m and k; k alone is nan for a straight line."""
    covariance: Floats = field(compare=False, repr=False)

    def at(self, field_v_m: Floats) -> tuple[Floats, Floats]:
        """Return the fitted sensitivity at fields and its standard uncertainty (statistics of the fit only)."""
        x = np.asarray(field_v_m, dtype=np.float64)
        if not self.seen:
            return self.slope.value * x, self.slope.u * x
        m, k = (float(p) for p in self.parameters)
        jacobian = _slopes(x, m, k)
        u = np.sqrt(np.maximum(np.einsum("ni,ij,nj->n", jacobian, self.covariance, jacobian), 0.0))
        return _model(x, m, k), np.asarray(u, dtype=np.float64)


def saturation(field_v_m: Floats, sensitivity: Floats, u: Floats, *, field_u_v_m: Floats | None = None) -> Saturation:
    """Fit the law to points of one length; `u` and `field_u_v_m` are their independent standard uncertainties.

    Raises NotEnoughData for fewer than 4 different fields, ValueError for a field or u that is not above zero.
    """
    x, y, uy = (np.asarray(column, dtype=np.float64) for column in (field_v_m, sensitivity, u))
    ux = np.zeros_like(x) if field_u_v_m is None else np.asarray(field_u_v_m, dtype=np.float64)
    if not (bool((x > 0).all()) and bool((uy > 0).all()) and bool((ux >= 0).all())):
        raise ValueError("fields and uncertainties must be above zero")
    if len(np.unique(np.round(x / x.max(), 6))) < LEAST_FIELDS:
        raise NotEnoughData(f"{len(np.unique(x))} different fields, {LEAST_FIELDS} are needed")
    x_unit, y_unit = float(x.max()), float(np.abs(y).max())
    x, y, ux, uy = x / x_unit, y / y_unit, ux / x_unit, uy / y_unit
    p, left, u = _fitted(x, y, uy, ux)
    line, left_of_line = _straight(x, y, uy, ux)
    ratio = float(left @ left) / (len(x) - 2)
    seen = float(left_of_line @ left_of_line - left @ left) / max(1.0, ratio) > SEEN and p[1] > LEAST_CURVATURE
    units = np.array([y_unit / x_unit, 1 / x_unit])
    if not seen:
        return _line(line, left_of_line, units)
    weighted = _slopes(x, p[0], p[1]) / u[:, None]
    spread = np.linalg.inv(weighted.T @ weighted) * max(1.0, ratio) * np.outer(units, units)
    covariance = np.asarray(spread, dtype=np.float64)
    plateau, scale = _derived(p * units, covariance, float(len(x) - 2))
    return Saturation(
        plateau=plateau,
        scale=scale,
        slope=Value(float(p[0] * units[0]), math.sqrt(covariance[0, 0]), SLOPE_UNIT, float(len(x) - 2)),
        seen=True,
        chi2_per_dof=ratio,
        dof=len(x) - 2,
        residuals=left,
        parameters=p * units,
        covariance=covariance,
    )


def _line(line: Value, left: Floats, units: Floats) -> Saturation:
    dof = len(left) - 1
    ratio = float(left @ left) / dof
    slope = Value(line.value * units[0], line.u * units[0] * math.sqrt(max(1.0, ratio)), SLOPE_UNIT, float(dof))
    return Saturation(
        plateau=Value(math.nan, math.nan, "C Gy^-1 m^-2"),
        scale=Value(math.nan, math.nan, "V m^-1"),
        slope=slope,
        seen=False,
        chi2_per_dof=ratio,
        dof=dof,
        residuals=left,
        parameters=np.array([slope.value, math.nan]),
        covariance=np.array([[slope.u**2, math.nan], [math.nan, math.nan]]),
    )


def _straight(x: Floats, y: Floats, uy: Floats, ux: Floats) -> tuple[Value, Floats]:
    slope, u = float(np.median(y / x)), uy
    for _ in range(PASSES):
        u = np.hypot(uy, slope * ux)
        slope = float(np.sum(x * y / u**2) / np.sum((x / u) ** 2))
    return Value(slope, float(np.sum((x / u) ** 2)) ** -0.5, ""), np.asarray((y - slope * x) / u, dtype=np.float64)


def _model(x: Floats, m: float, k: float) -> Floats:
    return np.asarray(m * x * -np.expm1(-1 / (k * x)), dtype=np.float64)


def _slopes(x: Floats, m: float, k: float) -> Floats:
    """Return the derivatives of the law by m and by k, one row per field."""
    inverse = 1 / (k * x)
    return np.column_stack((-x * np.expm1(-inverse), -m * x * np.exp(-inverse) * inverse / k))


def _by_field(x: Floats, m: float, k: float) -> Floats:
    inverse = 1 / (k * x)
    return np.asarray(m * (-np.expm1(-inverse) - inverse * np.exp(-inverse)), dtype=np.float64)


def _fitted(x: Floats, y: Floats, uy: Floats, ux: Floats) -> tuple[Floats, Floats, Floats]:
    """Return (m, k), the residuals in units of u, and u; x and y of order one.

    m is linear, so the search is for k alone: no start to guess, no valley to miss.
    """
    p, u = np.array([float(np.median(y / x)), 0.5]), uy
    for _ in range(PASSES):
        u = np.hypot(uy, _by_field(x, p[0], p[1]) * ux)
        log_k = _lowest(x, y, u)
        p = np.array([_best_m(x, y, u, log_k), math.exp(log_k)])
    return p, np.asarray((y - _model(x, p[0], p[1])) / u, dtype=np.float64), u


def _best_m(x: Floats, y: Floats, u: Floats, log_k: float) -> float:
    form = _model(x, 1.0, math.exp(log_k)) / u
    return float(form @ (y / u) / (form @ form))


def _lowest(x: Floats, y: Floats, u: Floats) -> float:
    """Return ln k of the lowest chi2: the best of a grid, refined between its neighbours."""

    def chi2(log_k: float) -> float:
        return float(np.sum(((y - _best_m(x, y, u, log_k) * _model(x, 1.0, math.exp(log_k))) / u) ** 2))

    grid = np.linspace(math.log(LEAST_CURVATURE), math.log(MOST_CURVATURE), GRID)
    best = int(np.argmin([chi2(log_k) for log_k in grid]))
    around = (float(grid[max(best - 1, 0)]), float(grid[min(best + 1, GRID - 1)]))
    return float(minimize_scalar(chi2, bounds=around, method="bounded", options={"xatol": 1e-7}).x)


def _derived(p: Floats, covariance: Floats, dof: float) -> tuple[Value, Value]:
    """Return plateau m/k and scale 1/k: u by the law of propagation, from drawn values where it is wide."""
    m, k = (float(v) for v in p)
    to_plateau = np.array([1 / k, -m / k**2])
    u_scale = math.sqrt(covariance[1, 1]) / k**2
    u_plateau = math.sqrt(float(to_plateau @ covariance @ to_plateau))
    if u_scale * k > WIDE:
        drawn = np.random.default_rng(0).multivariate_normal(p, covariance, DRAWS)
        drawn = drawn[drawn[:, 1] > 0]
        u_scale, u_plateau = (_half_width(of) for of in (1 / drawn[:, 1], drawn[:, 0] / drawn[:, 1]))
    return Value(m / k, u_plateau, "C Gy^-1 m^-2", dof), Value(1 / k, u_scale, "V m^-1", dof)


def _half_width(drawn: Floats) -> float:
    low, high = np.percentile(drawn, [15.87, 84.13])
    return float(high - low) / 2
