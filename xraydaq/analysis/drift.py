"""Drift of the dark current: end-point metric and straight line.

Metric: d = (J(t2) - J(t1))/(E (t2 - t1)), customary in nA cm^-1 s^-1 V^-1. It depends on its end points, so t1 and t2
belong to it. Line: A. C. Aitken, "On least squares and linear combination of observations", Proc. R. Soc. Edinb. 55
(1935) 42, with the covariance of the block means from the PSD; u times sqrt(max(1, chi^2/dof)).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from xraydaq.analysis.correlated import Blocks, Noise
from xraydaq.analysis.current_density import Instrument, combined
from xraydaq.analysis.values import Floats, Value

WINDOW_S = 60.0
FIRST_S = 60.0
LEAST_WINDOW_ROWS = 3
STEEPEST_PER_K = 0.2
"""Largest temperature coefficient of a dark current that is expected, E_a/(k T^2) of 1.5 eV at 295 K."""


@dataclass(frozen=True)
class EndPoints:
    """Mean currents (A) of the two windows, their mean times since bias on, and the change with its budget in A."""

    t1_s: float
    t2_s: float
    i1_a: float
    i2_a: float
    change: Value
    budget: Mapping[str, float] = field(compare=False)


@dataclass(frozen=True)
class Line:
    """Straight line through the whole trace: current (A) at `middle_s`, slope in A/s, and how well it describes it."""

    middle_s: float
    level_a: float
    slope: Value
    chi2_per_dof: float
    covariance: Floats = field(compare=False, repr=False)

    def at(self, time_s: Floats) -> tuple[Floats, Floats]:
        """Return the line and its standard uncertainty in A at times since bias on."""
        x = time_s - self.middle_s
        variance = self.covariance[0, 0] + 2 * x * self.covariance[0, 1] + x**2 * self.covariance[1, 1]
        return self.level_a + self.slope.value * x, np.sqrt(variance)


def end_points(
    time_s: Floats, current_a: Floats, noise: Noise, instrument: Instrument, temperature_k: Floats | None = None
) -> EndPoints | None:
    """Return the change between the 60 s around t1 = 60 s after bias on and the last 60 s; None if either is empty.

    `temperature_k` of the crystal, one entry per reading: what it changed by between the windows moves the current by
    nothing to `STEEPEST_PER_K`, which is not known from the trace and stays in the change.
    """
    first, last = windows(time_s)
    rows = min(first.stop - first.start, last.stop - last.start)
    if rows < LEAST_WINDOW_ROWS or time_s[-1] < 2 * (FIRST_S + WINDOW_S):
        return None
    i1_a, i2_a = float(current_a[first].mean()), float(current_a[last].mean())
    curve_a = [_curvature(time_s[window], noise) for window in (first, last)]
    budget = {
        "correlated noise of the readings": noise.u_of_difference(time_s[first], time_s[last]),
        "resolution": instrument.resolution_u_a * float(np.sqrt(2)),
        "slow drift of the meter": instrument.drift_u_a(i2_a),
        "gain of the meter": abs(i2_a - i1_a) * instrument.gain_u_rel,
        "curvature within the windows": float(np.hypot(curve_a[0], curve_a[1]) / np.sqrt(3)),
        "temperature of the windows": abs(i2_a) * STEEPEST_PER_K * _warmer_k(temperature_k, first, last) / np.sqrt(3),
    }
    t1_s, t2_s = float(time_s[first].mean()), float(time_s[last].mean())
    return EndPoints(t1_s, t2_s, i1_a, i2_a, Value(i2_a - i1_a, combined(budget), "A"), budget)


def windows(time_s: Floats) -> tuple[slice, slice]:
    """Return the rows of the first and the last window; times since bias on, in order."""
    edges_s = (FIRST_S - WINDOW_S / 2, time_s[-1] - WINDOW_S)
    start, last = (int(row) for row in np.searchsorted(time_s, edges_s))
    stop = int(np.searchsorted(time_s, FIRST_S + WINDOW_S / 2, side="right"))
    return slice(start, stop), slice(last, len(time_s))


def _warmer_k(temperature_k: Floats | None, first: slice, last: slice) -> float:
    """Difference of the mean temperatures of two windows; 0 where it was not measured, which is flagged elsewhere."""
    if temperature_k is None:
        return 0.0
    means_k = [each[np.isfinite(each)].mean() if np.isfinite(each).any() else np.nan
               for each in (temperature_k[first], temperature_k[last])]  # fmt: skip
    return abs(float(means_k[1] - means_k[0])) if np.isfinite(means_k).all() else 0.0


def _curvature(time_s: Floats, noise: Noise) -> float:
    return float(noise.trend_at(time_s).mean() - noise.trend_at(time_s.mean()[None])[0])


def drift_metric(points: EndPoints | None, field_v_m: Value, area_m2: float, area_u_m2: float) -> Value:
    """Return d in A m^-1 s^-1 V^-1 (1 nA cm^-1 s^-1 V^-1 is 1e-7 of it), u with area and gap; nan if unknown."""
    unit = "A m^-1 s^-1 V^-1"
    if points is None:
        return Value(np.nan, np.nan, unit)
    per_ampere = 1 / (area_m2 * field_v_m.value * (points.t2_s - points.t1_s))
    metric = points.change.value * per_ampere
    common = float(np.hypot(area_u_m2 / area_m2, field_v_m.u / field_v_m.value))
    return Value(metric, float(np.hypot(points.change.u * per_ampere, metric * common)), unit)


def line(blocks: Blocks) -> Line:
    """Fit a straight line by generalised least squares to the block means."""
    middle_s = float(blocks.time_s.mean())
    design = np.column_stack((np.ones_like(blocks.time_s), blocks.time_s - middle_s))
    design[:, 1] /= np.ptp(blocks.time_s)
    covariance = _regular(blocks.covariance_a2, blocks.mean_a)
    factor = cho_factor(covariance, lower=True)
    parameters_u2 = np.linalg.inv(design.T @ cho_solve(factor, design))
    estimate = parameters_u2 @ (design.T @ cho_solve(factor, blocks.mean_a))
    left = blocks.mean_a - design @ estimate
    chi2_per_dof = float(left @ cho_solve(factor, left)) / (len(left) - 2)
    to_si = np.diag([1.0, 1 / np.ptp(blocks.time_s)])
    scaled = to_si @ parameters_u2 @ to_si * max(1.0, chi2_per_dof)
    slope = Value(float(estimate[1] / np.ptp(blocks.time_s)), float(np.sqrt(scaled[1, 1])), "A s^-1", len(left) - 2)
    return Line(middle_s, float(estimate[0]), slope, chi2_per_dof, scaled)


def _regular(covariance_a2: Floats, mean_a: Floats) -> Floats:
    """Keep the matrix positive definite when the trace has next to no noise."""
    least = 1e-9 * float(np.diag(covariance_a2).mean()) + 1e-24 * float(np.mean(mean_a**2))
    return np.asarray(covariance_a2 + np.eye(len(mean_a)) * (least if least > 0 else 1e-40))


def relative_slope(fit: Line, mean: Value) -> Value:
    """Return slope/mean in 1/s; nan where the mean is not known to be different from zero (3 u)."""
    if not abs(mean.value) > 3 * mean.u:
        return Value(np.nan, np.nan, "s^-1")
    relative = fit.slope.value / mean.value
    u = float(np.hypot(fit.slope.u / mean.value, relative * mean.u / mean.value))
    return Value(relative, u, "s^-1", fit.slope.dof)
