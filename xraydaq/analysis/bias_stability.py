"""Evaluation of a dark current trace at constant bias: mean, current density, drift, settling, noise, stability.

The measurand is the noise-free current of the device; its low-frequency noise counts as uncertainty. Uncertainties are
standard ones (k = 1), combined after JCGM 100:2008, equation (10); the modules used name the sources of the methods.
"""

import numpy as np

from xraydaq.analysis.allan import AllanPoint, allan_points
from xraydaq.analysis.correlated import Noise, blocks_of, noise_of_trace
from xraydaq.analysis.current_density import (
    Instrument,
    Offset,
    combined,
    current_density,
    mean_current_budget,
    nominal_field,
    offset,
    time_mean,
)
from xraydaq.analysis.drift import drift_metric, end_points, line, relative_slope
from xraydaq.analysis.long_trace import gridded, rescaled
from xraydaq.analysis.outcome import Budget
from xraydaq.analysis.remarks import of_the_temperature, remarks
from xraydaq.analysis.result import METHOD, BiasStabilityResult, described
from xraydaq.analysis.settling import settling_time
from xraydaq.analysis.shape import shape, verdict
from xraydaq.analysis.trace import Phases, reading_period_s, split
from xraydaq.analysis.values import Floats, NotEnoughData, Value

__all__ = ["BiasStabilityResult", "NotEnoughData", "evaluate"]

ALLAN_TAUS_S = (1.0, 10.0, 100.0)
TAIL_SHOWN_S = 60.0
CURVE_POINTS = 1200
MUST_BE_POSITIVE = ("bias_v", "gap_m", "area_m2", "reading_time_s")


def evaluate(
    elapsed_s: Floats,
    current_a: Floats,
    voltage_v: Floats,
    status: Floats,
    *,
    bias_v: float,
    gap_m: float,
    gap_u_m: float,
    area_m2: float,
    area_u_m2: float,
    reading_time_s: float = 0.2,
    gain_u_rel: float = 0.0,
    offset_u_a: float = 0.0,
    resolution_a: float = 0.0,
    bias_on_s: float | None = None,
    temperature_k: Floats | None = None,
) -> BiasStabilityResult:
    """Evaluate a run; arrays of one length, one row per reading, the whole run with baseline, ramps and tail.

    Uncertainties are standard ones (k = 1); `status` as stored, rows with any flag are not used. `bias_on_s` (elapsed)
    defaults to the first row at bias. Raises NotEnoughData without a bias phase, ValueError for impossible inputs.
    """
    told = {
        "bias_v": bias_v,
        "gap_m": gap_m,
        "gap_u_m": gap_u_m,
        "area_m2": area_m2,
        "area_u_m2": area_u_m2,
        "reading_time_s": reading_time_s,
        "gain_u_rel": gain_u_rel,
        "offset_u_a": offset_u_a,
        "resolution_a": resolution_a,
    }
    _check_inputs(told)
    elapsed_s, current_a, voltage_v, status = _columns(elapsed_s, current_a, voltage_v, status)
    instrument = Instrument(gain_u_rel, offset_u_a, resolution_a)
    phases = split(elapsed_s, current_a, voltage_v, status, bias_v=bias_v, bias_on_s=bias_on_s)
    zero = offset(current_a[phases.baseline], instrument)
    time_s, net_a = elapsed_s[phases.bias], current_a[phases.bias]
    time_s -= phases.bias_on_s  # in place: these are copies, and may be long
    net_a -= zero.value.value
    grid_a = gridded(time_s, net_a, reading_period_s(time_s))
    noise = noise_of_trace(time_s, net_a, reading_time_s, grid_a)
    blocks = blocks_of(noise, grid_a)
    mean_a = time_mean(time_s, net_a)
    mean_budget = mean_current_budget(mean_a, blocks.u_of_mean(), zero, instrument)
    mean = Value(mean_a, combined(mean_budget), "A")
    field_strength = nominal_field(bias_v, gap_m, gap_u_m)
    kelvin = None if temperature_k is None else np.asarray(temperature_k, dtype=np.float64)[phases.bias]
    points, fit = end_points(time_s, net_a, noise, instrument, kelvin), line(blocks)
    form, settling = shape(time_s, net_a, noise, mean, instrument), settling_time(time_s, net_a, noise, blocks)
    flags = remarks(
        phases=phases,
        zero=zero,
        psd=noise.psd,
        points=points,
        fit=fit,
        form=form,
        settling=settling,
        mean=mean,
        resolution_a=resolution_a,
    )
    allan, detrended, curves = _curves(time_s, grid_a, noise)
    result = BiasStabilityResult(
        headline="",
        verdict=verdict(form.peak_to_peak),
        classification=form.kind,
        method=METHOD,
        flags=flags + of_the_temperature(temperature_k, phases.bias, net_a),
        mean_current=mean,
        current_density=current_density(mean, area_m2, area_u_m2),
        drift=drift_metric(points, field_strength, area_m2, area_u_m2),
        relative_slope=relative_slope(fit, mean),
        peak_to_peak=form.peak_to_peak,
        settling=settling,
        shape=form,
        allan=allan,
        allan_detrended=detrended,
        noise=noise.psd,
        offset=zero,
        tail_current=_tail(elapsed_s, current_a, phases, zero),
        field_strength=field_strength,
        end_points=points,
        line=fit,
        duration_s=float(time_s[-1]),
        bias_on_s=phases.bias_on_s,
        dropped=phases.dropped,
        budgets={
            "mean current": Budget("A", mean_budget),
            "change of current": Budget("A", dict(points.budget) if points else {}),
        },
        inputs=told | _rows_used(phases),
        rows_used=phases.bias,
        curves=curves,
    )
    return described(result)


def _rows_used(phases: Phases) -> dict[str, float]:
    return {
        "bias_on_s": phases.bias_on_s,
        "rows_used": int(phases.bias.sum()),
        "rows_dropped_at_bias": phases.dropped_at_bias,
        "rows_of_baseline": int(phases.baseline.sum()),
    }


def _check_inputs(told: dict[str, float]) -> None:
    for name, value in told.items():
        least = "must be finite and above zero" if name in MUST_BE_POSITIVE else "must be finite and not below zero"
        size = abs(value) if name == "bias_v" else value
        if not (size > 0 if name in MUST_BE_POSITIVE else size >= 0) or not np.isfinite(value):
            raise ValueError(f"{name} {least}, not {value}")


def _columns(*columns: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    elapsed_s, current_a, voltage_v, status = (np.asarray(column, dtype=np.float64) for column in columns)
    if not elapsed_s.shape == current_a.shape == voltage_v.shape == status.shape or elapsed_s.ndim != 1:
        raise NotEnoughData("elapsed time, current, voltage and status must be columns of one length")
    return elapsed_s, current_a, voltage_v, status


def _tail(elapsed_s: Floats, current_a: Floats, phases: Phases, zero: Offset) -> Value:
    """Mean of the last minute at 0 V after the bias: what absorption and depolarisation have left."""
    if not phases.tail.any():
        return Value(np.nan, np.nan, "A")
    rows_a = current_a[phases.tail & (elapsed_s >= elapsed_s[phases.tail][-1] - TAIL_SHOWN_S)]
    scatter_a = float(rows_a.std(ddof=1)) / float(np.sqrt(len(rows_a))) if len(rows_a) > 1 else 0.0
    return Value(float(rows_a.mean()) - zero.value.value, float(np.hypot(scatter_a, zero.value.u)), "A")


def _curves(
    time_s: Floats, grid_a: Floats, noise: Noise
) -> tuple[tuple[AllanPoint, ...], tuple[AllanPoint, ...], dict[str, tuple[Floats, str]]]:
    chosen, raw = allan_points(grid_a, ALLAN_TAUS_S, noise.psd)
    left_a = rescaled(noise.residual_a, time_s[0], noise.psd.period_s, noise.time_s, noise.scale)
    chosen_flat, flat = allan_points(left_a, ALLAN_TAUS_S, noise.psd)
    last = len(time_s) - 1
    shown = (np.linspace(0, last, CURVE_POINTS), np.geomspace(1, last, CURVE_POINTS))
    at = np.unique(np.concatenate(shown).astype(np.int64))
    curves = {
        "trend_time": (time_s[at], "s"),
        "trend_current": (noise.trend_at(time_s[at]), "A"),
        "allan_tau": (np.array([p.tau_s for p in raw]), "s"),
        "allan_deviation": (np.array([p.deviation.value for p in raw]), "A"),
        "allan_deviation_detrended": (np.array([p.deviation.value for p in flat]), "A"),
    }
    return chosen, chosen_flat, curves
