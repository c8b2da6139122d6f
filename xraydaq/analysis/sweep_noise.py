"""Uncertainty of parameters that were fitted to a sweep whose noise is partly 1/f.

Points of a sweep are taken one after the other, and the noise of a crystal is 1/f and in proportion to its current:
neighbours in bias share it, so that the usual covariance of a fit is too small. How much of the scatter is 1/f is
judged from the residuals by restricted maximum likelihood (H. D. Patterson, R. Thompson, Biometrika 58 (1971) 545) on
a grid; the covariance of the weighted fit, (J'WJ)^-1 J'W C W J (J'WJ)^-1 with C of the points, is averaged over it.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, toeplitz

from xraydaq.analysis.values import Floats

FLICKER_SHARES = (0.0, 0.35, 0.7, 1.0)
SCATTER_FACTORS = (0.6, 0.85, 1.2, 1.7)
LOWEST_FREQUENCY = 64  # the noise goes on below one cycle per sweep, by this factor
LOCAL = 7


def parameter_covariance(jacobian: NDArray[np.float64], residuals: Floats, log_u: Floats, scatter: float) -> Floats:
    """Return the covariance of weighted least-squares parameters, misfit included.

    `jacobian` (points, parameters) and `residuals` (points) of ln I, not divided by their u, in order of bias; `log_u`
    the u of ln I used as weights, `scatter` the part of it that neighbouring points show.
    """
    hat = np.linalg.pinv(jacobian / log_u[:, None]) / log_u
    meter = np.diag(np.maximum(log_u**2 - scatter**2, 0.0))
    flicker, white = _flicker(len(residuals)), np.eye(len(residuals))
    likelihood, covariances = [], []
    for share in FLICKER_SHARES:
        for factor in SCATTER_FACTORS:
            points = meter + (factor * scatter) ** 2 * (share * flicker + (1 - share) * white)
            likelihood.append(_restricted_log_likelihood(points, jacobian, residuals))
            covariances.append(hat @ points @ hat.T)
    weights = np.exp(np.array(likelihood) - max(likelihood))
    return np.asarray(np.average(covariances, axis=0, weights=weights), dtype=np.float64)


def _restricted_log_likelihood(points: Floats, jacobian: NDArray[np.float64], residuals: Floats) -> float:
    factor = cho_factor(points, lower=True)
    weighted = cho_solve(factor, jacobian)
    normal = jacobian.T @ weighted
    left = residuals - jacobian @ np.linalg.lstsq(normal, weighted.T @ residuals, rcond=None)[0]
    misfit = float(left @ cho_solve(factor, left))
    return -0.5 * misfit - float(np.log(np.diag(factor[0])).sum()) - 0.5 * float(np.linalg.slogdet(normal)[1])


def _flicker(count: int) -> Floats:
    """Covariance of 1/f noise of equally spaced readings, scaled so that `sclc.scatter_of` would see one."""
    log_f = np.linspace(np.log(1 / (LOWEST_FREQUENCY * count)), np.log(0.5), 600)
    cosine = np.cos(2 * np.pi * np.outer(np.arange(count), np.exp(log_f)))
    covariance = toeplitz(np.trapezoid(cosine, log_f, axis=1))
    middle = LOCAL // 2
    around = -np.linalg.pinv(np.vander(np.arange(LOCAL) - middle, 5, increasing=True))[0]
    around[middle] += 1
    local = around @ covariance[:LOCAL, :LOCAL] @ around / (around @ around)
    return np.asarray(covariance / local, dtype=np.float64)
