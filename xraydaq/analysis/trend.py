"""Sensitivity of one sample over many runs and dates, with the drift of the bench divided out.

Model: ln(S_i / r_i) = level + slope (t_i - t_0), r_i the reading of the reference on that date over its reading at the
calibration; runs that share a reference share its error. Coverage: JCGM 100:2008, G.3.
"""

import math
from dataclasses import dataclass

import numpy as np

from xraydaq.analysis.outcome import Budget, Result
from xraydaq.analysis.trend_line import Fit, coverage_factor, fit
from xraydaq.analysis.trend_series import Series
from xraydaq.analysis.values import Floats, Value

HOUR_S = 3600.0


@dataclass(frozen=True, kw_only=True)
class TrendResult(Result):
    """Relative slope of the sensitivity, what change it excludes, and how the bench moved meanwhile."""

    span_h: float
    relative_slope: Value
    """In 1/s, bench drift divided out."""

    change: Value
    """Over the span, relative to the beginning."""

    excluded_low: float
    excluded_high: float
    """Changes below and above these are excluded at 2 sigma."""

    detectable: Value
    """Least change that this series could have told from none, at 2 sigma."""

    reproducibility: Value
    """Standard deviation of one run about the line, relative."""

    sensitivity: Value
    uncorrected_slope: Value
    reference_slope: Value
    chi2_per_dof: float

    def rows(self) -> list[tuple[str, Value, str]]:
        """Return the numbers."""
        return [
            ("relative slope", self.relative_slope, "%/h"),
            ("change over the span", self.change, "%"),
            ("detectable change 2 sigma", self.detectable, "%"),
            ("reproducibility of one run", self.reproducibility, "%"),
            ("mean sensitivity", self.sensitivity, "uC Gy^-1 cm^-2"),
            ("relative slope uncorrected", self.uncorrected_slope, "%/h"),
            ("relative slope of the reference", self.reference_slope, "%/h"),
        ]


def evaluate(
    hours: Floats,
    sensitivity_c_gy_m2: Floats,
    sensitivity_u_c_gy_m2: Floats,
    *,
    reference_ratio: Floats | None = None,
    reference_u: Floats | None = None,
    reference_index: Floats | None = None,
) -> TrendResult:
    """Evaluate a series of runs, one element per run, in any order.

    `hours`: date of each run. `sensitivity_u_c_gy_m2`: without what all runs share (calibration, area), which makes
    no trend. `reference_ratio`, `reference_u`: reference of the date over that of the calibration, and its u; None:
    not measured. `reference_index`: equal for runs that used one reading of the reference; None: each its own. Runs
    with a value that is not finite or not positive are dropped and counted.

    Raises:
        NotEnoughData: fewer than three runs, or all on one date.
        ValueError: arrays of unequal length.
    """
    series = Series.of(
        hours, sensitivity_c_gy_m2, sensitivity_u_c_gy_m2, reference_ratio, reference_u, reference_index
    )
    corrected = fit(series.hours, series.corrected, series.covariance)
    raw = fit(series.hours, np.log(series.sensitivity), np.diag(series.own_u**2))
    reference = series.reference_line()
    span_h = float(np.ptp(series.hours))
    change = _change(corrected, span_h)
    k = coverage_factor(change.dof)
    low, high = (math.expm1(corrected.slope_per_h.value * span_h + side * k * corrected.slope_per_h.u * span_h)
                 for side in (-1, 1))  # fmt: skip
    return TrendResult(
        headline=f"Sensitivity over {span_h:.4g} h: {len(series.hours)} runs used, {series.dropped} dropped",
        verdict=_verdict(change, span_h, low, high, k),
        flags=_flags(series, corrected, raw, reference, k),
        inputs={"runs_used": float(len(series.hours)), "span_h": span_h, "coverage_factor": k,
                "reference": "divided out" if series.has_reference else "none"},
        dropped={"run with a value that is not finite and positive": series.dropped},
        budgets={"relative slope": _budget(series, corrected)},
        notes={"mean sensitivity": "u without what all runs share: calibration of the dose, area",
               "detectable change 2 sigma": f"k = {k:.2f}"},
        curves=_curves(series, corrected),
        method="GLS line of ln(S/reference), variance between runs after Paule and Mandel",
        span_h=span_h,
        relative_slope=_per_second(corrected.slope_per_h),
        change=change,
        excluded_low=low,
        excluded_high=high,
        detectable=Value(k * change.u, k * change.u / math.sqrt(2 * (len(series.hours) - 2)), "1"),
        reproducibility=_reproducibility(series, corrected),
        sensitivity=Value(math.exp(corrected.level), math.exp(corrected.level) * corrected.level_u, "C Gy^-1 m^-2"),
        uncorrected_slope=_per_second(raw.slope_per_h),
        reference_slope=Value(math.nan, math.nan, "s^-1") if reference is None else _per_second(reference.slope_per_h),
        chi2_per_dof=corrected.chi2_per_dof,
    )  # fmt: skip


def _change(line: Fit, span_h: float) -> Value:
    relative = math.expm1(line.slope_per_h.value * span_h)
    return Value(relative, (1 + relative) * line.slope_per_h.u * span_h, "1", line.slope_per_h.dof)


def _per_second(slope_per_h: Value) -> Value:
    return Value(slope_per_h.value / HOUR_S, slope_per_h.u / HOUR_S, "s^-1", slope_per_h.dof)


def _reproducibility(series: Series, line: Fit) -> Value:
    left = series.corrected - line.at(series.hours)[0]
    dof = len(left) - 2
    spread = float(np.sqrt(np.sum(left**2) / dof))
    return Value(spread, spread / math.sqrt(2 * dof), "1", dof)


def _budget(series: Series, line: Fit) -> Budget:
    """Shares of u of the slope: its weights on the runs, applied to each covariance."""
    weights = line.slope_weights / HOUR_S
    parts = {
        "statistics of the runs": np.diag(series.own_u**2),
        "reference": series.shared,
        "scatter between runs": np.eye(len(weights)) * line.between**2,
    }
    return Budget("s^-1", {name: math.sqrt(max(float(weights @ c @ weights), 0.0)) for name, c in parts.items()})


def _verdict(change: Value, span_h: float, low: float, high: float, k: float) -> str:
    told = f"{round(100 * change.value, 1) + 0.0:+.1f} ± {100 * change.u:.1f} % over {span_h:.0f} h"
    if low <= 0 <= high:
        return (
            f"no change told from zero ({told}); excluded at 2 sigma (k = {k:.2f}): "
            f"a loss of more than {100 * max(-low, 0):.1f} % and a gain of more than {100 * max(high, 0):.1f} %"
        )
    return f"the sensitivity {'grows' if change.value > 0 else 'falls'}: {told}, distinguished from zero at 2 sigma"


def _flags(series: Series, line: Fit, raw: Fit, reference: Fit | None, k: float) -> tuple[str, ...]:
    flags = []
    if not series.has_reference:
        flags.append("no reference was measured: a drift of the bench is not separated from one of the sample")
    if reference is not None and abs(reference.slope_per_h.value) > k * reference.slope_per_h.u:
        percent = 100 * math.expm1(reference.slope_per_h.value * float(np.ptp(series.hours)))
        flags.append(f"the bench drifts: {percent:+.1f} % of the reference over the span, divided out")
    if _told(raw, k) and not _told(line, k) and series.has_reference:
        flags.append("the apparent trend is that of the bench: it is gone once the reference is divided out")
    if line.between > 0 and line.chi2_per_dof > 2:
        flags.append(f"the runs scatter by {100 * line.between:.1f} % more than their uncertainties say; taken into u")
    return tuple(flags)


def _told(line: Fit, k: float) -> bool:
    return abs(line.slope_per_h.value) > k * line.slope_per_h.u


def _curves(series: Series, line: Fit) -> dict[str, tuple[Floats, str]]:
    at_h = np.linspace(series.hours.min(), series.hours.max(), 200)
    level, u = line.at(at_h)
    whole_u = np.sqrt(np.diag(series.covariance) + line.between**2)
    corrected = np.exp(series.corrected)
    unit = "C Gy^-1 m^-2"
    return {
        "time": (series.hours * HOUR_S, "s"),
        "sensitivity": (series.sensitivity, unit),
        "sensitivity_u": (series.own_u * series.sensitivity, unit),
        "corrected": (corrected, unit),
        "corrected_u": (whole_u * corrected, unit),
        "reference": (series.reference, "1"),
        "reference_u": (series.reference_u * series.reference, "1"),
        "line_time": (at_h * HOUR_S, "s"),
        "line": (np.exp(level), unit),
        "line_u": (u * np.exp(level), unit),
    }
