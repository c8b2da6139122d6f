"""Straight lines through photocurrents against dose rates, both with errors.

Effective variance u_I^2 + (slope u_D)^2, iterated: J. Orear, "Least squares when both variables have uncertainties",
Am. J. Phys. 50 (1982) 912, equation (8). Weighted lines scale u by sqrt(max(1, chi2/dof)).
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student_t

from xraydaq.analysis.values import Booleans, Floats, NotEnoughData, Value

ROUNDS = 50
BY_CHANCE = 0.0455  # probability of an intercept that is not there: 2 sigma, with Student's t for few points


@dataclass(frozen=True)
class Points:
    """Per point: photocurrent in A, dose rate in Gy/s, their statistical u, total aluminium in m, moment in s."""

    current_a: Floats
    current_u_a: Floats
    dose_rate_gy_s: Floats
    dose_rate_u_gy_s: Floats
    total_al_m: Floats
    time_s: Floats

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.current_a)

    def of(self, chosen: Booleans) -> "Points":
        """Return the points marked."""
        return Points(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))

    def sums_u_a(self, slope: float) -> Floats:
        """Return the effective u of the currents for a slope in A per Gy/s."""
        return np.hypot(self.current_u_a, slope * self.dose_rate_u_gy_s)


@dataclass(frozen=True)
class DoseLine:
    """Line of current against dose rate: `slope` in C/Gy, through the origin unless an `intercept` (A) was seen.

    `intercept_tested`: what a line with a free intercept gives for it, nan where there are too few points.
    """

    slope: Value
    intercept: float
    intercept_tested: Value
    chi2_per_dof: float
    points: int
    lowest_gy_s: float
    highest_gy_s: float
    covariance: Floats
    """2 x 2, of slope and intercept (zero where none was kept), scaled as u."""

    @property
    def has_intercept(self) -> bool:
        """Get whether the line has an intercept, seen at more than 2 u."""
        return self.intercept != 0.0

    def at(self, dose_rate_gy_s: Floats) -> Floats:
        """Return the current in A at a dose rate."""
        return self.slope.value * dose_rate_gy_s + self.intercept


def weighted_line(points: Points, by_chance: float = BY_CHANCE) -> DoseLine:
    """Fit a line through the origin; an intercept is kept where it is seen at more than 2 u.

    `by_chance`: probability of keeping one that is not there.

    Raises NotEnoughData with fewer than 2 points, or without an uncertainty above zero.
    """
    _check(points)
    slope, _, cov, chi2 = _fit(points, free=False)
    origin = _line(points, slope, 0.0, cov, chi2, len(points) - 1, Value(np.nan, np.nan, "A"))
    if len(points) < 4:
        return origin
    slope, intercept, cov, chi2 = _fit(points, free=True)
    scale = max(1.0, chi2 / (len(points) - 2))
    tested = Value(intercept, float(np.sqrt(cov[1, 1] * scale)), "A", float(len(points) - 2))
    if not abs(tested.value) > float(student_t.isf(by_chance / 2, len(points) - 2)) * tested.u:
        return _line(points, origin.slope.value, 0.0, origin.covariance, origin.chi2_per_dof * (len(points) - 1),
                     len(points) - 1, tested, scaled=True)  # fmt: skip
    return _line(points, slope, intercept, cov, chi2, len(points) - 2, tested)


def unweighted_line(points: Points, scatter: float = 1.0) -> DoseLine:
    """Fit a line through the origin with equal weights: its slope is that of the highest dose rates.

    u is what the u of the points give, times `scatter`, the factor by which they scatter about a smooth curve: a
    response that is not straight does not inflate it, the figure is defined by the dose rates used.
    """
    _check(points)
    x, y = points.dose_rate_gy_s, points.current_a
    slope = float(x @ y / (x @ x))
    gain = (x / (x @ x))[None, :]
    (variance,) = np.diag(
        propagated(gain, scatter * points.current_u_a, slope * points.dose_rate_u_gy_s, points.total_al_m)
    )
    left = (y - slope * x) / points.sums_u_a(slope)
    cov = np.array([[float(variance), 0.0], [0.0, 0.0]])
    return _line(points, slope, 0.0, cov, float(left @ left), len(points) - 1, Value(np.nan, np.nan, "A"), scaled=True)


def _check(points: Points) -> None:
    if len(points) < 2:
        raise NotEnoughData(f"{len(points)} dose rates: 2 are needed for a line")
    if not bool(np.all(points.current_u_a > 0)):
        raise NotEnoughData("a photocurrent without an uncertainty cannot be weighted")


def _fit(points: Points, *, free: bool) -> tuple[float, float, Floats, float]:
    """Return slope, intercept, covariance (not scaled) and chi2 of the line with effective weights."""
    x, y = points.dose_rate_gy_s, points.current_a
    unit = float(np.mean(x))
    design = np.column_stack((x / unit, np.ones_like(x))) if free else (x / unit)[:, None]
    slope = float(x @ y / (x @ x))
    for _ in range(ROUNDS):
        u_a = points.sums_u_a(slope)
        gain = np.linalg.pinv(design / u_a[:, None]) / u_a
        found = gain @ y
        before, slope = slope, float(found[0]) / unit
        if abs(slope - before) <= 1e-12 * abs(slope):
            break
    left = (y - design @ found) / points.sums_u_a(slope)
    cov = np.zeros((2, 2))
    size = len(found)
    cov[:size, :size] = propagated(gain, points.current_u_a, slope * points.dose_rate_u_gy_s, points.total_al_m)
    to_si = np.diag([1 / unit, 1.0])
    intercept = float(found[1]) if free else 0.0
    return slope, intercept, np.asarray(to_si @ cov @ to_si, dtype=np.float64), float(left @ left)


def propagated(gain: Floats, u_own: Floats, u_dose: Floats, total_al_m: Floats) -> Floats:
    """Return the covariance of `gain @ y`, y with independent u and dose errors that the points of a filter share.

    `gain`: parameters x points. The kerma rate per current of a filter is one number: its error does not average.
    """
    covariance = (gain * u_own**2) @ gain.T
    for al in np.unique(total_al_m):
        part = gain[:, total_al_m == al] @ u_dose[total_al_m == al]
        covariance = covariance + np.outer(part, part)
    return np.asarray(covariance, dtype=np.float64)


def _line(
    points: Points, slope: float, intercept: float, cov: Floats, chi2: float, dof: int, tested: Value, *,
    scaled: bool = False,
) -> DoseLine:  # fmt: skip
    ratio = chi2 / dof
    cov = cov if scaled else cov * max(1.0, ratio)
    return DoseLine(
        slope=Value(slope, float(np.sqrt(cov[0, 0])), "C Gy^-1", float(dof)),
        intercept=intercept,
        intercept_tested=tested,
        chi2_per_dof=ratio,
        points=len(points),
        lowest_gy_s=float(points.dose_rate_gy_s.min()),
        highest_gy_s=float(points.dose_rate_gy_s.max()),
        covariance=cov,
    )
