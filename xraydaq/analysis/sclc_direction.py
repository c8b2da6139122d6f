"""Trap-filled limit of one sweep: the fit of the filling model, kept honest by the steepest point."""

import numpy as np

from xraydaq.analysis.filling_model import FillingFit, fit_filling
from xraydaq.analysis.outcome import Budget
from xraydaq.analysis.sclc import Points, Regime, Top, crossing, local_slopes, power_law, regimes, scatter_of, steepest
from xraydaq.analysis.sclc_readings import ReadSweep
from xraydaq.analysis.sclc_result import BY_FIT, BY_NOTHING, BY_STEEPEST, NOT_KNOWN_V, Sweep
from xraydaq.analysis.values import Value

MISFIT = 10.0  # chi2/dof from which the model is not a description of the sweep
STEEPEST_U_REL = 0.15  # of the steepest point alone, without a model to compare it with
LEAST_SCATTER = 1e-4  # of ln I: less is the rounding of the readings, not their noise
FROM_SCATTER = "scatter of the readings"
FROM_ESTIMATOR = "estimator: fit against steepest point"
FROM_SOURCE = "bias of the source"


def evaluate_direction(sweep: ReadSweep) -> Sweep:
    """Evaluate one sweep; u of ln I is the meter's relative u and the scatter of neighbouring points.

    Raises NotEnoughData below 7 points, or if no local slope is known well enough.
    """
    readings = sweep.readings
    bias_v, current_a = readings.bias_v, readings.current_a
    floor_rel = readings.current_u_a / current_a
    scatter = max(scatter_of(bias_v, current_a, floor_rel), LEAST_SCATTER)
    points = Points(bias_v, current_a, np.hypot(floor_rel, scatter), scatter, readings.offset_u_a / current_a)
    slopes = local_slopes(points)
    top = steepest(points, slopes)
    found = {regime.kind: regime for regime in regimes(points, slopes, top)}
    filled = "filling" in found and top.finished
    fit = fit_filling(points, top.bias.value) if filled else None
    limit, budget, estimator = _limit(fit, top) if filled else (NOT_KNOWN_V, Budget("V", {}), BY_NOTHING)
    if filled:
        source_u_v = float(np.interp(limit.value, bias_v, readings.bias_u_v))
        budget = Budget("V", dict(budget.shares) | {FROM_SOURCE: source_u_v})
        limit = Value(limit.value, budget.combined, "V")
    return Sweep(
        direction=sweep.direction,
        begins_s=sweep.begins_s,
        points=points,
        slopes=slopes,
        top=top,
        regimes=tuple(found.values()),
        fit=fit,
        limit=limit,
        budget=budget,
        estimator=estimator,
        knee=_crossing(points, top, found.get("ohmic"), 1.0) if filled else NOT_KNOWN_V,
        upper_crossing=_crossing(points, top, found.get("square law"), 2.0) if filled else NOT_KNOWN_V,
        ohmic=_conductance(points, found.get("ohmic")),
    )


def _limit(fit: FillingFit | None, top: Top) -> tuple[Value, Budget, str]:
    away_v = STEEPEST_U_REL * top.bias.value if fit is None else abs(fit.limit_v - top.bias.value) / np.sqrt(3)
    if fit is None or fit.chi2_per_dof > MISFIT:
        budget = Budget("V", {FROM_SCATTER: top.bias.u, FROM_ESTIMATOR: float(away_v)})
        return Value(top.bias.value, budget.combined, "V"), budget, BY_STEEPEST
    budget = Budget("V", {FROM_SCATTER: fit.u_v, FROM_ESTIMATOR: float(away_v)})
    return Value(fit.limit_v, budget.combined, "V", float(fit.dof)), budget, BY_FIT


def _crossing(points: Points, top: Top, regime: Regime | None, exponent: float) -> Value:
    if regime is None:
        return NOT_KNOWN_V
    return crossing(top, *power_law(points, regime.rows, exponent), exponent)


def _conductance(points: Points, regime: Regime | None) -> Value:
    if regime is None:
        return Value(np.nan, np.nan, "S")
    log_s, u_log = power_law(points, regime.rows, 1.0)
    return Value(float(np.exp(log_s)), float(np.exp(log_s)) * u_log, "S")
