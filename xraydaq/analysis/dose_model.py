"""The dose model K = k(Al) (I + u0): one factor for each filter, one offset of the tube current for all.

The emission of an X-ray tube is proportional to the current through it at a fixed voltage (H. A. Kramers, "On the
theory of X-ray absorption and of the continuous X-ray spectrum", Philos. Mag. 46 (1923) 836, equation (8)); u0 is
what the current on the tube's display lacks. Fitted by generalised least squares to all filters and currents at once.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2

from xraydaq.analysis.dose_readings import Indices, Visits
from xraydaq.analysis.values import Booleans, Floats, NotEnoughData

LINEAR_CHI2_PER_DOF = 2.0
LINEAR_SIGNIFICANCE = 0.01
"""Of all filters together: one of many is above two by chance often enough."""

ROUNDS = 20
CONVERGED = 1e-12


@dataclass(frozen=True, eq=False)
class DoseModel:
    """The fitted model; arrays over the filters, from thin to thick."""

    al_m: Floats
    k_gy_s_a: Floats
    offset_a: float
    covariance: Floats
    """Of (ln k of every filter, offset in A), scaled by chi2/dof where that is above one."""

    chi2_per_dof: float
    dof: int
    filter_chi2_per_dof: Floats
    linear: Booleans
    """Whether the currents of a filter lie on a line through the common offset."""

    residuals: Floats
    """Of every visit, relative to the model."""

    relative_u: Floats
    """Of every visit: repeats, leakage and how well a setting comes back."""

    @property
    def k_relative_u(self) -> Floats:
        """Get the relative standard uncertainty of every k."""
        return np.sqrt(np.diag(self.covariance)[:-1])

    @property
    def offset_u_a(self) -> float:
        """Get the standard uncertainty of the offset."""
        return float(np.sqrt(self.covariance[-1, -1]))

    def rate(self, index: int, current_a: float) -> tuple[float, float]:
        """Return kerma rate and its statistical standard uncertainty at a current behind filter number `index`."""
        total_a = current_a + self.offset_a
        slope = np.zeros(len(self.al_m) + 1)
        slope[index], slope[-1] = 1.0, 1.0 / total_a
        rate_gy_s = float(self.k_gy_s_a[index]) * total_a
        return rate_gy_s, rate_gy_s * float(np.sqrt(slope @ self.covariance @ slope))


def fit_dose_model(found: Visits, *, return_scatter: float = 0.0) -> DoseModel:
    """Fit every k and the common offset.

    `return_scatter`: relative standard deviation with which a setting comes back when it is gone to again.

    Raises:
        NotEnoughData: no filter was measured at two currents, or a net kerma rate is not above zero.
    """
    al_m, number = np.unique(found.al_m, return_inverse=True)
    if not any(len(np.unique(found.current_a[number == each])) > 1 for each in range(len(al_m))):
        raise NotEnoughData("no filter was measured at two tube currents: the offset of the current is not known")
    if not np.all(found.rate_gy_s > 0):
        raise NotEnoughData("a net kerma rate is not above zero: the leakage is as large as the reading")
    relative = found.covariance_gy2_s2 / np.outer(found.rate_gy_s, found.rate_gy_s)
    relative = relative + np.eye(len(number)) * (return_scatter**2 + np.finfo(float).tiny)
    log_k, offset_a, inverse = _solve(np.log(found.rate_gy_s), found.current_a, number, relative)
    residuals = np.log(found.rate_gy_s) - log_k[number] - np.log(found.current_a + offset_a)
    dof = len(residuals) - len(al_m) - 1
    total = float(residuals @ np.linalg.solve(relative, residuals)) / dof if dof > 0 else np.nan
    by_filter, linear = _linearity(residuals, relative, number, len(al_m))
    return DoseModel(
        al_m=al_m,
        k_gy_s_a=np.exp(log_k),
        offset_a=offset_a,
        covariance=inverse * (max(1.0, total) if dof > 0 else 1.0),
        chi2_per_dof=total,
        dof=dof,
        filter_chi2_per_dof=by_filter,
        linear=linear,
        residuals=np.expm1(residuals),
        relative_u=np.sqrt(np.diag(relative)),
    )


def _solve(log_rate: Floats, current_a: Floats, number: Indices, covariance: Floats) -> tuple[Floats, float, Floats]:
    """Gauss-Newton in (ln k, u0); the model is linear in ln k and nearly so in u0."""
    filters = int(number.max()) + 1
    whiten = np.linalg.inv(np.linalg.cholesky(covariance))
    design = np.zeros((len(number), filters + 1))
    design[np.arange(len(number)), number] = 1.0
    unit_a = float(np.median(current_a))
    log_k, offset_a = np.zeros(filters), 0.0
    for _ in range(ROUNDS):
        design[:, -1] = unit_a / (current_a + offset_a)
        left = log_rate - log_k[number] - np.log(current_a + offset_a)
        step = np.linalg.lstsq(whiten @ design, whiten @ left, rcond=None)[0]
        log_k = log_k + step[:-1]
        # never so far that a current passes through zero, where no logarithm is
        offset_a = max(offset_a + step[-1] * unit_a, -0.5 * float(current_a.min()))
        if np.max(np.abs(step)) < CONVERGED:
            break
    inverse = np.linalg.inv((whiten @ design).T @ (whiten @ design))
    scale = np.append(np.ones(filters), unit_a)
    return log_k, float(offset_a), np.asarray(inverse * np.outer(scale, scale), dtype=np.float64)


def _linearity(residuals: Floats, covariance: Floats, number: Indices, filters: int) -> tuple[Floats, Booleans]:
    per_dof, linear = np.full(filters, np.nan), np.ones(filters, dtype=np.bool_)
    for each in range(filters):
        mine = number == each
        dof = int(mine.sum()) - 1
        if dof < 1:
            continue
        total = float(residuals[mine] @ np.linalg.solve(covariance[np.ix_(mine, mine)], residuals[mine]))
        per_dof[each] = total / dof
        by_chance = float(chi2.sf(total, dof)) >= LINEAR_SIGNIFICANCE / filters
        linear[each] = per_dof[each] < LINEAR_CHI2_PER_DOF or by_chance
    return per_dof, linear
