"""Evaluation of a field sweep: sensitivity at each bias at a fixed dose rate, and how it saturates.

The modules used name the sources of the methods; uncertainties are standard ones (k = 1), combined after JCGM
100:2008, equation (10).
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from xraydaq.analysis.field_points import FieldPoint, field_points, up_and_down
from xraydaq.analysis.field_sweep_result import FieldSweepResult
from xraydaq.analysis.field_texts import described, flags_of, of_the_temperature
from xraydaq.analysis.noise import NoisePsd
from xraydaq.analysis.outcome import Budget
from xraydaq.analysis.point_sensitivity import (
    common_shares,
    flags_of_the_dose,
    flags_of_the_gain,
    gain_of,
    quality_of,
)
from xraydaq.analysis.saturation import Saturation, saturation
from xraydaq.analysis.sweep_inputs import Dose, Spot
from xraydaq.analysis.sweep_steps import Timing
from xraydaq.analysis.switching import columns_of
from xraydaq.analysis.values import Floats, NotEnoughData, Value

__all__ = ["Dose", "FieldSweepResult", "Spot", "Timing", "evaluate"]

CURVE_POINTS = 200


def evaluate(
    elapsed_s: Floats,
    current_a: Floats,
    status: Floats,
    beam_on: Floats,
    point: Floats,
    *,
    bias_v: Floats,
    dose: Dose,
    spot: Spot,
    timing: Timing,
    gap_m: float,
    gap_u_m: float,
    bias_u_v: float = 0.0,
    psd: NoisePsd | None = None,
    temperature_k: Floats | None = None,
) -> FieldSweepResult:
    """Evaluate a sweep of the bias; columns of one length, one entry per reading, the whole run in order of time.

    Args:
        elapsed_s: start of each reading.
        current_a: reading; nan where there is none.
        status: as stored; flagged readings are not used.
        beam_on: commanded state of the beam, 0 or 1.
        point: index of the visit of a bias, in order of time; -1 outside of any.
        bias_v: of each visit, one sign throughout; the same bias may come twice, on the way up and down.
        dose: what was set at each visit, one dose rate throughout.
        spot: what turns currents into sensitivities.
        timing: how the windows are cut, order of the baseline (1 is enough minutes after a bias step).
        gap_m: electrode gap.
        gap_u_m: its standard uncertainty, common to all fields.
        bias_u_v: standard uncertainty of a bias, independent between visits.
        psd: spectrum of the dark current; its size does not matter, u comes from what is left. None assumes 1/f.
        temperature_k: of the crystal, per reading.

    Raises:
        NotEnoughData: fewer than 4 biases with a photocurrent.
        ValueError: a bias, area, dose rate or uncertainty that cannot be.
    """
    levels_v = np.asarray(bias_v, dtype=np.float64)
    _check(levels_v, dose, spot, gap_m, gap_u_m, bias_u_v)
    columns = columns_of(elapsed_s, current_a, status, beam_on, point)
    points, failed = field_points(columns, levels_v, dose, spot, timing, psd)
    if not points:
        raise NotEnoughData("; ".join(failed) or "no reading belongs to a bias")
    fields_v_m = np.array([abs(one.bias_v) for one in points]) / gap_m
    fit = saturation(
        fields_v_m,
        np.array([one.sensitivity.value for one in points]),
        np.array([one.sensitivity.u for one in points]),
        field_u_v_m=np.full(len(points), bias_u_v / gap_m),
    )
    result = _result(points, fit, dose, spot, gap_m, gap_u_m)
    headline, verdict, notes = described(result)
    return replace(
        result,
        headline=headline,
        verdict=verdict,
        notes=notes,
        flags=(
            *failed,
            *flags_of(result),
            *flags_of_the_gain(dose),
            *flags_of_the_dose(dose),
            *of_the_temperature(points, np.asarray(elapsed_s, dtype=np.float64), temperature_k),
        ),
        inputs={
            "gap_m": gap_m,
            "gap_u_m": gap_u_m,
            "bias_u_v": bias_u_v,
            "area_m2": spot.area_m2,
            "area_u_m2": spot.area_u_m2,
            "discard_s": timing.discard_s,
            "guard_s": timing.guard_s,
            "reading_time_s": timing.reading_time_s,
            "baseline_order": timing.baseline_order,
            "points_used": len(points),
            "beam quality": result.quality,
            "noise spectrum": "1/f assumed" if psd is None else "given",
        },
        dropped=_dropped(points, len(failed)),
    )


def _check(bias_v: Floats, dose: Dose, spot: Spot, gap_m: float, gap_u_m: float, bias_u_v: float) -> None:
    dose.check()
    spot.check()
    if not (gap_m > 0 and gap_u_m >= 0 and bias_u_v >= 0):
        raise ValueError(f"gap {gap_m} m must be above zero, the uncertainties {gap_u_m} m and {bias_u_v} V not below")
    if not (bool((bias_v > 0).all()) or bool((bias_v < 0).all())):
        raise ValueError("the biases of a field sweep must have one sign and not be zero")
    if len(bias_v) != len(dose.dose_rate_gy_s):
        raise ValueError(f"{len(bias_v)} biases and {len(dose.dose_rate_gy_s)} dose rates given")
    if not float(np.ptp(dose.dose_rate_gy_s)) <= 0.01 * float(np.mean(dose.dose_rate_gy_s)):
        raise ValueError("the dose rate of a field sweep must be the same at every bias")


def _result(
    points: tuple[FieldPoint, ...], fit: Saturation, dose: Dose, spot: Spot, gap_m: float, gap_u_m: float
) -> FieldSweepResult:
    top = max(points, key=lambda one: abs(one.bias_v))
    highest_v_m, gap_u_rel = abs(top.bias_v) / gap_m, gap_u_m / gap_m
    highest, highest_budget = _with_common(_mean_of_the_highest(points, top.bias_v), dose, spot)
    plateau, plateau_budget = _with_common(fit.plateau, dose, spot)
    scale_budget = Budget("V m^-1", {"fit": fit.scale.u, "electrode gap": fit.scale.value * gap_u_rel})
    dose_rate = float(dose.dose_rate_gy_s[top.point])
    dose_u = math.hypot(float(dose.dose_rate_u_gy_s[top.point]), *(dose_rate * u for u in dose.common_u_rel.values()))
    return FieldSweepResult(
        headline="",
        verdict="",
        budgets={
            "field scale": scale_budget,
            "plateau sensitivity": plateau_budget,
            "sensitivity at highest field": highest_budget,
        },
        curves=_curves(points, fit, gap_m, highest_v_m),
        points=points,
        fit=fit,
        plateau=plateau,
        scale=replace(fit.scale, u=scale_budget.combined),
        highest=highest,
        highest_field=Value(highest_v_m, highest_v_m * gap_u_rel, "V m^-1"),
        collected=_collected(fit, highest_v_m),
        gain=gain_of(highest, dose, top.point),
        plateau_gain=gain_of(plateau, dose, top.point),
        direction=up_and_down(points),
        dose_rate=Value(dose_rate, dose_u, "Gy/s"),
        gap_m=gap_m,
        quality=quality_of(dose, top.point),
    )


def _mean_of_the_highest(points: Sequence[FieldPoint], bias_v: float) -> Value:
    """Weighted mean of the visits; where they differ by more than their u say, u covers half their difference."""
    visits = [one.sensitivity for one in points if math.isclose(one.bias_v, bias_v, rel_tol=1e-3)]
    values, weights = np.array([v.value for v in visits]), np.array([v.u for v in visits]) ** -2.0
    mean, u = float(weights @ values / weights.sum()), float(weights.sum()) ** -0.5
    chi2 = float(weights @ (values - mean) ** 2)
    ratio = max(1.0, chi2 / (len(visits) - 1)) if len(visits) > 1 else 1.0
    return Value(mean, u * math.sqrt(ratio), "C Gy^-1 m^-2")


def _with_common(sensitivity: Value, dose: Dose, spot: Spot) -> tuple[Value, Budget]:
    shares = {source: abs(sensitivity.value) * u for source, u in common_shares(dose, spot).items()}
    budget = Budget("C Gy^-1 m^-2", {"steps and fit": sensitivity.u, **shares})
    return replace(sensitivity, u=budget.combined), budget


def _collected(fit: Saturation, field_v_m: float) -> Value:
    """Part of the plateau at a field, u (1 - exp(-1/u)); dose, area and gap cancel."""
    if not fit.seen:
        return Value(math.nan, math.nan, "1")
    u_field = field_v_m / fit.scale.value
    part = u_field * -math.expm1(-1 / u_field)
    by_scale = (part - math.exp(-1 / u_field)) / fit.scale.value
    return Value(part, abs(by_scale) * fit.scale.u, "1", float(fit.dof))


def _dropped(points: Sequence[FieldPoint], failed: int) -> dict[str, int]:
    dropped = {"bias": failed} if failed else {}
    for one in points:
        for reason, count in one.step.dropped.items():
            dropped[f"window: {reason}"] = dropped.get(f"window: {reason}", 0) + count
    return dropped


def _curves(
    points: Sequence[FieldPoint], fit: Saturation, gap_m: float, highest_v_m: float
) -> dict[str, tuple[Floats, str]]:
    line_v_m = np.linspace(0.0, 1.15 * highest_v_m, CURVE_POINTS)[1:]
    line, line_u = fit.at(line_v_m)
    return {
        "bias": (np.array([one.bias_v for one in points]), "V"),
        "field": (np.array([abs(one.bias_v) / gap_m for one in points]), "V m^-1"),
        "sensitivity": (np.array([one.sensitivity.value for one in points]), "C Gy^-1 m^-2"),
        "sensitivity_u": (np.array([one.sensitivity.u for one in points]), "C Gy^-1 m^-2"),
        "rising": (np.array([float(one.rising) for one in points]), ""),
        "photocurrent": (np.array([one.step.step.value for one in points]), "A"),
        "residual": (fit.residuals, "1"),
        "fit_field": (line_v_m, "V m^-1"),
        "fit_sensitivity": (line, "C Gy^-1 m^-2"),
        "fit_sensitivity_u": (line_u, "C Gy^-1 m^-2"),
    }
