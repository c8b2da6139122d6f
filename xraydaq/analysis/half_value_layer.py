"""Half-value layers from the kerma rates behind a set of filters.

The half-value layer of a beam is the aluminium that halves its air kerma (IEC 61267; AAPM Report 35 (1992), section
3). ln K falls smoothly and monotonically with aluminium, ever less steeply, so it is interpolated over the root of
the thickness by F. N. Fritsch, R. E. Carlson, "Monotone piecewise cubic interpolation", SIAM J. Numer. Anal. 17
(1980) 238.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq

from xraydaq.analysis.values import Booleans, Floats, NotEnoughData, Value

INTERPOLATION_SHARE = 1 / 5
"""Standard uncertainty of the interpolation, as a share of its distance from straight lines in ln K: checked on tube
spectra of 20 to 50 kV with filters a factor of 1.3 to 5 apart."""

LEAST_RELATIVE_U = 0.005
EXTRAPOLATION_RELATIVE_U = 0.05
LEAST_END_SLOPE = 0.5
"""Of the last interval's mean slope; with few filters far apart the interpolation may end flat, which no beam does."""

LEAST_FILTERS = 3
STEP = 1e-5
"""Of ln K, for derivatives."""

SQRT3 = float(np.sqrt(3.0))
"""Half-width of a rectangular distribution over its standard deviation (JCGM 100:2008, 4.3.7)."""


@dataclass(frozen=True)
class HalfValueLayer:
    """First half-value layer in metres of aluminium; extrapolated where no filter let so little through."""

    value: Value
    extrapolated: bool


def half_value_layers(
    al_m: Floats, kerma: Floats, kerma_relative_u: Floats, *, thickness_tolerance: float = 0.01
) -> tuple[HalfValueLayer, ...]:
    """Return the half-value layer of the beam behind each filter.

    `al_m` rising, `kerma` falling with it, in any unit; `thickness_tolerance`: relative half-width of what a label of
    aluminium may be off, each filter for itself.

    Raises:
        NotEnoughData: fewer than three filters, or the kerma does not fall from each to the next.
    """
    if len(al_m) < LEAST_FILTERS:
        raise NotEnoughData(f"{len(al_m)} filters; half-value layers need {LEAST_FILTERS} or more")
    log_k = np.log(kerma)
    if not (np.all(np.diff(al_m) > 0) and np.all(np.diff(log_k) < 0)):
        raise NotEnoughData("the kerma does not fall from each filter to the next thicker one; is a label wrong?")
    layers = _layers(al_m, log_k)
    label_u = np.abs(_Curve(al_m, log_k).slope(al_m)) * al_m * thickness_tolerance / SQRT3
    measured_u = _effects(al_m, log_k) @ np.diag(np.hypot(kerma_relative_u, label_u))
    apart_m = np.abs(layers.layer_m - layers.straight_m)
    between_u = np.hypot(INTERPOLATION_SHARE * apart_m, LEAST_RELATIVE_U * layers.layer_m)
    # between the tangent and the mean slope of the last interval the truth may lie anywhere
    beyond_u = np.where(layers.beyond, np.hypot(apart_m / SQRT3, EXTRAPOLATION_RELATIVE_U * layers.layer_m), 0.0)
    u_m = np.sqrt(np.sum(measured_u**2, axis=1) + between_u**2 + beyond_u**2)
    return tuple(
        HalfValueLayer(Value(float(layer), float(u), "m"), bool(far))
        for layer, u, far in zip(layers.layer_m, u_m, layers.beyond, strict=True)
    )


class _Curve:
    """ln K over aluminium; beyond the last filter along the tangent there, as the beam has hardened by then."""

    def __init__(self, al_m: Floats, log_k: Floats) -> None:
        self._over_root = PchipInterpolator(np.sqrt(al_m), log_k)
        self._last_m, self._last = float(al_m[-1]), float(log_k[-1])
        mean_slope = float((log_k[-1] - log_k[-2]) / (al_m[-1] - al_m[-2]))
        self._last_slope = max(min(float(self.slope(self._last_m)), LEAST_END_SLOPE * mean_slope), mean_slope)

    def slope(self, at_m: Floats | float) -> Floats:
        """Get the slope of ln K inside the filters."""
        root = np.sqrt(at_m)
        return np.asarray(self._over_root.derivative()(root) / (2 * root), dtype=np.float64)

    def reaches(self, log_k: float, from_m: float) -> float:
        """Get the thickness where ln K has fallen to a value."""
        if log_k < self._last:
            return self._last_m + (log_k - self._last) / self._last_slope
        return float(brentq(lambda at_m: float(self._over_root(np.sqrt(at_m))) - log_k, from_m, self._last_m))


@dataclass(frozen=True, eq=False)
class _Layers:
    layer_m: Floats
    straight_m: Floats
    """With straight lines in ln K instead of the curve."""

    beyond: Booleans
    """The half lies beyond the last filter."""


def _layers(al_m: Floats, log_k: Floats) -> _Layers:
    curve, half = _Curve(al_m, log_k), log_k - np.log(2.0)
    beyond = half < log_k[-1]
    ends_m = [curve.reaches(float(wanted), float(start_m)) for start_m, wanted in zip(al_m, half, strict=True)]
    mean_slope = (log_k[-1] - log_k[-2]) / (al_m[-1] - al_m[-2])
    inside_m = np.interp(-half, -log_k, al_m)
    straight_m = np.where(beyond, al_m[-1] + (half - log_k[-1]) / mean_slope, inside_m)
    return _Layers(np.array(ends_m) - al_m, straight_m - al_m, np.asarray(beyond, dtype=np.bool_))


def _effects(al_m: Floats, log_k: Floats) -> Floats:
    """Change of every layer (rows) with every ln K (columns), in metres."""
    columns = []
    for each in range(len(al_m)):
        step = np.where(np.arange(len(al_m)) == each, STEP, 0.0)
        columns.append((_layers(al_m, log_k + step).layer_m - _layers(al_m, log_k - step).layer_m) / (2 * STEP))
    return np.stack(columns, axis=1)
