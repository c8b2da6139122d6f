"""Uncertainty of a fit to points that were measured one after another on a device with 1/f noise.

What points scatter beyond their own uncertainty is taken as noise whose autocovariance falls as the logarithm of the
lag, as that of 1/f noise does (M. S. Keshner, "1/f noise", Proc. IEEE 70 (1982) 212): it shifts neighbours together,
and a weighted fit that took it for white would state half of what its parameters scatter. Its strength comes from
chi2, by the expectation of a quadratic form; the parameters are linear in the points, so their covariance is B C B^T
(JCGM 102:2011, 6.2.1.3).
"""

import numpy as np

from xraydaq.analysis.values import Floats

AVERAGED = float(np.exp(-1.5))  # of the length of a mean: lag at which 1/f noise has the variance of that mean
LONGEST = 10.0  # in lengths of the run; a longer one shifts all points alike, which no slope feels


def covariance_of_fit(derivatives: Floats, residual: Floats, u: Floats, time_s: Floats) -> Floats:
    """Return the covariance of the parameters of a weighted fit.

    `derivatives`: of the model by its parameters, shape (parameters, points); `residual`, `u` (the weights), `time_s`:
    one per point, nan where the time is not known. Without times the covariance is scaled by chi2/dof where that
    exceeds 1. Raises LinAlgError where the points do not determine the parameters.
    """
    weighted = derivatives / u
    inverse = np.linalg.inv(weighted @ weighted.T)
    dof = len(u) - len(derivatives)
    chi2 = float(np.sum((residual / u) ** 2))
    if dof < 1 or chi2 <= dof:
        return np.asarray(inverse, dtype=np.float64)
    if not bool(np.all(np.isfinite(time_s))) or len(np.unique(time_s)) < len(time_s):
        return np.asarray(inverse * chi2 / dof, dtype=np.float64)
    slow = _logarithmic(time_s)
    gain = inverse @ (weighted / u)
    left = np.diag(1 / u**2) - (derivatives / u**2).T @ gain
    strength = (chi2 - dof) / float(np.trace(left @ slow))
    return np.asarray(inverse + strength * gain @ slow @ gain.T, dtype=np.float64)


def _logarithmic(time_s: Floats) -> Floats:
    """Autocovariance of means over the time between neighbours, for noise of unit strength."""
    shortest_s = AVERAGED * float(np.min(np.diff(np.sort(time_s))))
    lag_s = np.maximum(np.abs(np.subtract.outer(time_s, time_s)), shortest_s)
    return np.asarray(np.log(LONGEST * max(float(np.ptp(time_s)), shortest_s) / lag_s), dtype=np.float64)
