"""Evaluation of a dose-rate sweep: sensitivity, linearity and detection limit from chopped traces.

Sensitivity S = I_ph/(A D) with A the irradiated spot and D the air kerma rate at the crystal; gain = S over the
unity-gain sensitivity of the beam quality (S. Kasap et al., Sensors 11 (2011) 5112). The modules used name the sources
of the methods. Uncertainties are standard ones (k = 1), combined after JCGM 100:2008, equation (10).
"""

from dataclasses import replace

import numpy as np

from xraydaq.analysis.dose_lines import Points
from xraydaq.analysis.dose_order import ReferenceDrift, reference_drift, without_drift
from xraydaq.analysis.dose_rate_sweep_result import DoseRateSweepResult
from xraydaq.analysis.dose_response import DoseResponse, dose_response, response_at
from xraydaq.analysis.dose_sweep_remarks import remarks
from xraydaq.analysis.noise import NoisePsd
from xraydaq.analysis.outcome import Budget
from xraydaq.analysis.point_sensitivity import gain_of
from xraydaq.analysis.sweep_inputs import Dose, Spot, points_of, trace_of
from xraydaq.analysis.sweep_limits import Limits, limits_of
from xraydaq.analysis.sweep_steps import SweepSteps, Timing, sweep_steps
from xraydaq.analysis.sweep_texts import described
from xraydaq.analysis.values import Floats, Value

__all__ = ["Dose", "DoseRateSweepResult", "Spot", "Timing", "evaluate"]

LOW_GY_S = 300e-9
NOT_MEASURED = Value(np.nan, np.nan, "C Gy^-1")


def evaluate(
    elapsed_s: Floats,
    current_a: Floats,
    status: Floats,
    beam_on: Floats,
    point: Floats,
    blank: Floats,
    *,
    dose: Dose,
    spot: Spot,
    timing: Timing,
    stated_gy_s: float,
    slope_up_to_gy_s: float = np.inf,
    low_gy_s: float = LOW_GY_S,
    psd: NoisePsd | None = None,
    temperature_k: Floats | None = None,
) -> DoseRateSweepResult:
    """Evaluate a sweep; columns of one length, one entry per reading, the whole run in order of time.

    Args:
        elapsed_s: start of each reading.
        current_a: reading; nan where there is none.
        status: as stored; flagged readings are not used.
        beam_on: state of the beam by the schedule, 0 or 1; in a blank run what it would be at that moment.
        point: index of the point that is visited, in a blank run the number of the run, -1 outside of any.
        blank: 1 in a blank run, where the beam stays off.
        dose: what was set at each point.
        spot: what turns currents into sensitivities.
        timing: how the windows are cut.
        stated_gy_s: dose rate at which the sensitivity is stated.
        slope_up_to_gy_s: highest dose rate of the slopes over all filters.
        low_gy_s: highest dose rate of the low slope.
        psd: spectrum of the dark current at this bias; None takes that of the blank runs.
        temperature_k: of the crystal, per reading.

    Raises:
        NotEnoughData: fewer than 3 dose rates with a photocurrent.
        ValueError: an area, dose rate or uncertainty that cannot be.
    """
    dose.check()
    spot.check()
    trace = trace_of(elapsed_s, current_a, status, beam_on, point, blank, temperature_k)
    steps = sweep_steps(trace, timing, psd)
    measured, reference = points_of(steps, dose, spot.resolution_a)
    drift = reference_drift(measured, reference)
    points = without_drift(measured, drift)
    response = dose_response(points, low_gy_s=low_gy_s, slope_up_to_gy_s=slope_up_to_gy_s)
    limits = limits_of(steps, response.points, response.low, dose, timing)
    at_point, at_gy_s, _ = response_at(response.points, stated_gy_s)
    slopes = {
        "sensitivity": at_point,
        "sensitivity slope unweighted": response.unweighted.slope,
        "sensitivity slope weighted": response.weighted.slope,
        "sensitivity slope low dose rates": response.low.slope if response.low else NOT_MEASURED,
    }
    slopes |= {f"sensitivity slope {f.total_al_m * 1e3:.3g} mm Al": f.line.slope for f in response.per_filter}
    budgets = {label: _budget(slope, dose, spot, drift) for label, slope in slopes.items()}
    point_value, unweighted, weighted, low, *filters = (
        replace(slope, value=slope.value / spot.area_m2, u=budgets[label].combined, unit="C Gy^-1 m^-2")
        for label, slope in slopes.items()
    )
    result = DoseRateSweepResult(
        headline="",
        verdict="",
        flags=remarks(steps, measured, response, drift, limits, dose, spot, trace),
        inputs=_inputs(spot, timing, (stated_gy_s, slope_up_to_gy_s, low_gy_s), steps),
        dropped=_dropped(steps, dose),
        budgets=budgets | limits.budgets,
        curves=_curves(steps, measured, response, limits),
        point=point_value,
        point_dose_rate_gy_s=at_gy_s,
        slope_unweighted=unweighted,
        slope_weighted=weighted,
        low_slope=low,
        filter_slopes=tuple(zip([f.total_al_m for f in response.per_filter], filters, strict=True)),
        low_gy_s=low_gy_s,
        gain=gain_of(point_value, dose, _nearest(at_gy_s, dose)),
        lowest=float(np.nanmin(response.points.dose_rate_gy_s)),
        quality=_quality(at_gy_s, dose),
        response=response,
        drift=drift,
        limits=limits,
        steps=steps,
        area_m2=spot.area_m2,
    )
    headline, verdict, notes = described(result)
    return replace(result, headline=headline, verdict=verdict, notes=notes)


def _budget(slope: Value, dose: Dose, spot: Spot, drift: ReferenceDrift) -> Budget:
    """Return the shares of u of a sensitivity in C Gy^-1 m^-2; what is common to all points is added here, once."""
    common = {
        "drift over the sweep": drift.u_left,
        "gain of the meter": spot.gain_u_rel,
        "area of the spot": spot.area_u_m2 / spot.area_m2,
        **spot.common_u_rel,
        **dose.common_u_rel,
    }
    size = abs(slope.value) / spot.area_m2
    statistics = {"steps and dose model": slope.u / spot.area_m2}
    return Budget("C Gy^-1 m^-2", statistics | {source: size * u for source, u in common.items()})


def _nearest(at_gy_s: float, dose: Dose) -> int:
    return int(np.nanargmin(np.abs(np.log(dose.dose_rate_gy_s / at_gy_s))))


def _quality(at_gy_s: float, dose: Dose) -> str:
    """Return the beam in words: filter and half-value layer."""
    nearest = _nearest(at_gy_s, dose)
    al_mm, hvl_mm = dose.total_al_m[nearest] * 1e3, dose.half_value_layer_m[nearest] * 1e3
    return f"{al_mm:.3g} mm Al, HVL " + (f"{hvl_mm:.2f} mm Al" if np.isfinite(hvl_mm) else "not known")


def _inputs(
    spot: Spot, timing: Timing, dose_rates: tuple[float, float, float], steps: SweepSteps
) -> dict[str, float | str]:
    stated_gy_s, slope_up_to_gy_s, low_gy_s = dose_rates
    return {
        "area_m2": spot.area_m2,
        "area_u_m2": spot.area_u_m2,
        "gain_u_rel": spot.gain_u_rel,
        "resolution_a": spot.resolution_a,
        "discard_s": timing.discard_s,
        "guard_s": timing.guard_s,
        "reading_time_s": timing.reading_time_s,
        "baseline_order": timing.baseline_order,
        "stated_gy_s": stated_gy_s,
        "slope_up_to_gy_s": slope_up_to_gy_s,
        "low_gy_s": low_gy_s,
        "points": len(steps.points_visited()),
        "visits_used": len(steps.visits),
        "blank_runs_used": len(steps.blanks),
        "noise spectrum": "given" if steps.psd_given else "of the blank runs" if steps.psd else "none",
    }


def _dropped(steps: SweepSteps, dose: Dose) -> dict[str, int]:
    dropped = dict(steps.failed)
    for step in (*(visit.step for visit in steps.visits), *steps.blanks):
        for reason, count in step.dropped.items():
            dropped[f"window: {reason}"] = dropped.get(f"window: {reason}", 0) + count
    cycles = sum(visit.step.cycles_dropped for visit in steps.visits)
    outside = int((~np.isfinite(dose.dose_rate_gy_s[steps.points_visited()])).sum())
    return dropped | ({"cycle": cycles} if cycles else {}) | ({"point without dose rate": outside} if outside else {})


def _curves(
    steps: SweepSteps, measured: Points, response: DoseResponse, limits: Limits
) -> dict[str, tuple[Floats, str]]:
    points = response.points
    return {
        "dose_rate": (points.dose_rate_gy_s, "Gy/s"),
        "dose_rate_u": (points.dose_rate_u_gy_s, "Gy/s"),
        "photocurrent": (points.current_a, "A"),
        "photocurrent_u": (points.current_u_a, "A"),
        "total_aluminium": (points.total_al_m, "m"),
        "snr": (points.current_a / limits.noise.value if limits.noise.value > 0 else points.current_a * np.nan, "1"),
        "visit_time": (measured.time_s, "s"),
        "visit_photocurrent": (measured.current_a, "A"),
        "blank_step": (np.array([step.step.value for step in steps.blanks]), "A"),
    }
