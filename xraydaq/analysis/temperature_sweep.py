"""Evaluation of a temperature sweep: conductivity, activation energies of one or two regimes, transition temperature.

Uncertainties are standard ones (k = 1), combined after JCGM 100:2008, equation (10); the modules used name the sources
of the methods. What is common to all points (temperature scale, geometry, pulse model) is never in the weights of a
fit: it is propagated by fitting again.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from xraydaq.analysis.arrhenius import Points, TwoRegimes
from xraydaq.analysis.arrhenius_model import E_HIGH, E_LOW, T_CHANGE
from xraydaq.analysis.arrhenius_profile import LEVEL, Interval, profile, sharpness
from xraydaq.analysis.cell_constant import CellConstant
from xraydaq.analysis.conductance import exponent_of, pulses_of
from xraydaq.analysis.conductance_points import Conductance, conductances
from xraydaq.analysis.outcome import Budget
from xraydaq.analysis.thermal_budget import (
    CHANGE,
    HIGH,
    LINE,
    LOW,
    SCATTER,
    SIGMA,
    UNITS,
    Systematics,
    budgets,
    figures,
    points_of,
)
from xraydaq.analysis.thermal_regimes import DOWN, UP, Regimes, directions, one_way, regimes
from xraydaq.analysis.thermal_remarks import notes, remarks, verdict
from xraydaq.analysis.thermal_result import LABELS, TemperatureSweepResult
from xraydaq.analysis.thermal_rows import columns_of, usable_points
from xraydaq.analysis.values import Floats, NotEnoughData, Value

__all__ = ["TemperatureSweepResult", "evaluate"]

EXPANDED = 1.96  # of a normal distribution: 95 %
UNKNOWN = Interval(float("nan"), float("nan"))
CURVE_POINTS = 200
MANY = 1000.0  # degrees of freedom that need not be counted


def evaluate(
    elapsed_s: Floats,
    voltage_v: Floats,
    current_a: Floats,
    temperature_k: Floats,
    status: Floats,
    point: Floats,
    pulse: Floats,
    *,
    cell: CellConstant,
    reading_time_s: float = 0.2,
    temperature_offset_u_k: float = 0.3,
    temperature_slope_u: float = 0.005,
    gain_u_rel: float = 0.0,
    offset_u_a: float = 0.0,
    resolution_a: float = 0.0,
) -> TemperatureSweepResult:
    """Evaluate a run: the whole trace in order of time, arrays of one length, one row per reading.

    `point`: number of the temperature a row belongs to, -1 between them; `pulse`: number of the pulse within it, -1 at
    0 V; each pulse starts with the row after the bias was set. `status` as stored. Systematic inputs are standard
    uncertainties: of the temperature scale its offset and its slope (K per K: the difference between crystal and
    sensor changes along the sweep), gain and offset of the meter; `resolution_a` is a step of its display.

    Raises NotEnoughData below three usable temperatures, ValueError for impossible inputs.
    """
    told = {
        "cell_constant_m": cell.value.value,
        "cell_constant_u_m": cell.value.u,
        "reading_time_s": reading_time_s,
        "temperature_offset_u_k": temperature_offset_u_k,
        "temperature_slope_u": temperature_slope_u,
        "gain_u_rel": gain_u_rel,
        "offset_u_a": offset_u_a,
        "resolution_a": resolution_a,
    }
    _check(told)
    columns, dropped = columns_of(elapsed_s, voltage_v, current_a, temperature_k, status, point, pulse)
    pulses, lost = pulses_of(columns, reading_time_s)
    if not pulses:
        raise NotEnoughData("no pulse with enough usable readings: nothing to evaluate")
    exponent = exponent_of(pulses)
    found, refused = usable_points(*conductances(columns, pulses, exponent.value), offset_u_a)
    chosen = regimes(points_of(found, cell.value.value))
    known = Systematics(temperature_offset_u_k, temperature_slope_u, exponent, gain_u_rel)
    shares = budgets(columns, pulses, found, chosen, cell, known)
    inputs = told | {"temperatures_used": len(found), "pulses_used": len(pulses)}
    return _result(found, chosen, shares, cell, exponent, inputs, dropped | lost | refused)


def _check(told: Mapping[str, float]) -> None:
    for name, value in told.items():
        positive = name in ("cell_constant_m", "reading_time_s")
        if not (np.isfinite(value) and (value > 0 if positive else value >= 0)):
            raise ValueError(f"{name} must be finite and {'above' if positive else 'not below'} zero, not {value}")


def _result(
    found: Sequence[Conductance],
    chosen: Regimes,
    shares: Mapping[str, Budget],
    cell: CellConstant,
    exponent: Value,
    inputs: dict[str, float],
    dropped: Mapping[str, int],
) -> TemperatureSweepResult:
    points = points_of(found, cell.value.value)
    values, intervals = _values(points, chosen, shares), _intervals(chosen, shares)
    like = chosen.chosen or chosen.parallel or chosen.sharp
    ways = directions(found)
    up, down = (None if like is None else one_way(points, ways, way, like.sharpness) for way in (UP, DOWN))
    how_sharp, between = (float("nan"), UNKNOWN) if like is None else sharpness(like)
    told = notes(chosen, shares, intervals, cell)
    return TemperatureSweepResult(
        headline=_headline(found),
        verdict=verdict(chosen, values),
        flags=remarks(found, chosen, ways, (up, down), between, inputs["resolution_a"], dropped),
        inputs={**inputs, "electrodes": cell.description},
        dropped=dropped,
        budgets={LABELS[name]: budget for name, budget in shares.items()},
        notes={LABELS.get(name, name): words for name, words in told.items()},
        curves=_curves(found, points, ways, chosen),
        activation_high=values[HIGH],
        activation_low=values[LOW],
        transition=values[CHANGE],
        activation_single=chosen.line.activation if chosen.chosen else values[LINE],
        conductivity_298=values[SIGMA],
        exponent=exponent,
        intervals=intervals,
        sharpness=how_sharp,
        interval_sharpness=between,
        regimes=chosen,
        cell=cell,
        up=up,
        down=down,
        points=tuple(found),
    )


def _headline(found: Sequence[Conductance]) -> str:
    kelvin = [one.temperature_k for one in found]
    pulses = sum(one.pulses for one in found)
    return (
        f"Conductivity from {min(kelvin):.4g} to {max(kelvin):.4g} K: "
        f"{len(found)} temperatures, {pulses} pulses of bias used"
    )


def _curves(
    found: Sequence[Conductance], points: Points, ways: Sequence[int], chosen: Regimes
) -> dict[str, tuple[Floats, str]]:
    """Points with their direction, and every fitted model on a fine grid of temperatures."""
    sigma_s_m = np.exp(points.log_sigma_t) / points.temperature_k
    grid_k = 1 / np.linspace(1 / points.temperature_k.max(), 1 / points.temperature_k.min(), CURVE_POINTS)
    curves = {
        "temperature": (points.temperature_k, "K"),
        "conductivity": (sigma_s_m, "S/m"),
        "u_conductivity": (sigma_s_m * points.u_log, "S/m"),
        "conductance": (np.array([one.conductance_s for one in found]), "S"),
        "direction": (np.array(ways, dtype=np.float64), "1"),
        "model_temperature": (grid_k, "K"),
        "single_line": (np.exp(chosen.line.log_sigma_t(grid_k)) / grid_k, "S/m"),
    }
    fits = {"parallel": chosen.parallel, "sharp": chosen.sharp}
    return curves | {
        name: (np.exp(fit.log_sigma_t(grid_k)) / grid_k, "S/m") for name, fit in fits.items() if fit is not None
    }


def _values(points: Points, chosen: Regimes, shares: Mapping[str, Budget]) -> dict[str, Value]:
    """Every figure with its combined u, nan where it is not reported; dof: JCGM 100:2008, equation (G.2b)."""
    dof = float(chosen.chosen.dof if chosen.chosen else len(points.temperature_k) - 2)
    values = {name: Value(float("nan"), float("nan"), unit) for name, unit in UNITS.items()}
    for name, value in figures(points, chosen, refit=False).items():
        u, scatter = shares[name].combined, shares[name].shares[SCATTER]
        effective = dof * (u / scatter) ** 4 if scatter > 0 else np.inf
        values[name] = Value(value, u, UNITS[name], effective if effective < MANY else None)
    return values


def _intervals(chosen: Regimes, shares: Mapping[str, Budget]) -> dict[str, Interval]:
    """95 % intervals by profile likelihood, each half widened by the systematic part."""
    fit = chosen.chosen
    if fit is None:
        return dict.fromkeys((HIGH, LOW, CHANGE), UNKNOWN)
    indices = {HIGH: E_HIGH, LOW: E_LOW, CHANGE: T_CHANGE}
    return {name: _widened(fit, index, shares[name]) for name, index in indices.items()}


def _widened(fit: TwoRegimes, index: int, budget: Budget) -> Interval:
    found = profile(fit, index, LEVEL)
    value = {E_HIGH: fit.activation_high, E_LOW: fit.activation_low, T_CHANGE: fit.transition}[index].value
    common = [u for source, u in budget.shares.items() if source != SCATTER]
    wide = EXPANDED * float(np.hypot.reduce(common))
    low, high = (float(np.hypot(end - value, wide)) for end in (found.low, found.high))
    return Interval(value - low, value + high, LEVEL)
