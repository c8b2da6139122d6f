"""Measured kerma rates beside those that a tube model predicts: a check of the field, the filters and the voltage.

The output factor of such a model is good to a factor of about two, so that the ratio says nothing about the
calibration. It says a lot about a chamber that is larger than the beam: a 2 mm beam fills a thousandth of its volume.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from xraydaq.analysis.values import Floats, Value

LOWEST_RATIO, HIGHEST_RATIO = 0.3, 3.0
OUT_OF_LINE = 0.10
TILT = 0.15
LEAST_FOR_LINE = 4


@dataclass(frozen=True, eq=False)
class Prediction:
    """Predicted over measured kerma rate."""

    ratio: Value
    """Median over the filters."""

    by_filter: Floats
    """nan where the table has no such filter."""

    @property
    def traceable(self) -> bool:
        """Get whether the ratio is one that a field covering the chamber can have; nan is not."""
        return LOWEST_RATIO <= self.ratio.value <= HIGHEST_RATIO


def compare(
    al_m: Floats, k_gy_s_a: Floats, table_al_m: Floats, table_gy_s_a: Floats, *, relative_u: float
) -> Prediction | None:
    """Compare with a table at the same voltage and distance; None where no filter is inside the table.

    `relative_u`: of the measured rates, common to all.
    """
    if len(table_al_m) < 2:
        return None
    inside = (al_m >= table_al_m[0] * (1 - 1e-9)) & (al_m <= table_al_m[-1] * (1 + 1e-9))
    if not inside.any():
        return None
    predicted = np.exp(PchipInterpolator(table_al_m, np.log(table_gy_s_a))(al_m))
    by_filter = np.where(inside, predicted / k_gy_s_a, np.nan)
    median = float(np.nanmedian(by_filter))
    return Prediction(Value(median, median * relative_u, "1"), by_filter)


def prediction_remarks(al_m: Floats, prediction: Prediction) -> Iterator[str]:
    """Tell what the ratios say about the field, single filters, and the voltage."""
    if not prediction.traceable:
        yield (
            f"dose not traceable: predicted over measured kerma is {prediction.ratio.value:.3g}, outside "
            f"{LOWEST_RATIO:g} to {HIGHEST_RATIO:g}; does the field cover the chamber?"
        )
    known = np.isfinite(prediction.by_filter)
    if known.sum() < LEAST_FOR_LINE:
        return
    al_mm, log_ratio = al_m[known] * 1e3, np.log(prediction.by_filter[known])
    odd = _out_of_line(al_mm, log_ratio)
    for each in np.flatnonzero(np.abs(odd) > OUT_OF_LINE):
        yield (
            f"filter {al_mm[each]:g} mm: kerma {-100 * np.expm1(odd[each]):+.0f} % off the line through the other "
            "filters; is its label right?"
        )
    tilt = float(np.polyfit(al_mm, log_ratio, 1)[0] * np.ptp(al_mm))
    if abs(tilt) > TILT and not np.any(np.abs(odd) > OUT_OF_LINE):
        yield (
            f"predicted over measured kerma changes by {100 * np.expm1(tilt):+.0f} % from the thinnest to the "
            "thickest filter; is the tube voltage right?"
        )


def _out_of_line(al_mm: Floats, log_ratio: Floats) -> Floats:
    """Distance of the worst filter from the line through the others; zero for all that are not the worst."""
    left = np.zeros(len(al_mm))
    for each in range(len(al_mm)):
        others = np.arange(len(al_mm)) != each
        left[each] = log_ratio[each] - np.polyval(np.polyfit(al_mm[others], log_ratio[others], 1), al_mm[each])
    worst = int(np.argmax(np.abs(left)))
    others = np.arange(len(al_mm)) != worst
    # a wrong foil bends the line of every other filter as well: only where the others agree is it this one
    rest = log_ratio[others] - np.polyval(np.polyfit(al_mm[others], log_ratio[others], 1), al_mm[others])
    clear = np.max(np.abs(rest)) < abs(left[worst]) / 3
    return np.where((np.arange(len(al_mm)) == worst) & clear, left, 0.0)
