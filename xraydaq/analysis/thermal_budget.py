"""Figures of a temperature sweep, and what could shift them: each source changed by its u, everything fitted again.

JCGM 100:2008, 5.1.3, note 2: the derivative of a result by an input is what a change of the input makes of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from xraydaq.analysis.arrhenius import Points, SingleLine, TwoRegimes, fit_line, fit_two_regimes
from xraydaq.analysis.cell_constant import CellConstant
from xraydaq.analysis.conductance import Columns, Pulse
from xraydaq.analysis.conductance_points import Conductance, conductances
from xraydaq.analysis.outcome import Budget
from xraydaq.analysis.thermal_regimes import Regimes
from xraydaq.analysis.values import Floats, Value

REFERENCE_K = 298.15
MIDDLE_K = 280.0  # about which a wrong slope of the thermometer turns; another choice moves its share to the offset
SCATTER = "scatter of the points"
CURVATURE = "curvature of the current within a pulse"
CURVATURE_WEIGHT = float(1 / np.sqrt(3))  # the truth lies anywhere between a fit with and one without t^2
HIGH, LOW, CHANGE, LINE, SIGMA = "high", "low", "change", "line", "conductivity"
UNITS = {HIGH: "J", LOW: "J", CHANGE: "K", LINE: "J", SIGMA: "S/m"}


@dataclass(frozen=True)
class Systematics:
    """Standard uncertainties of what all points share: offset and slope of the thermometer, exponent n, gain."""

    temperature_offset_u_k: float
    temperature_slope_u: float
    exponent: Value
    gain_u_rel: float


def points_of(found: Sequence[Conductance], cell_m: float) -> Points:
    """Return ln(sigma T) with sigma = G/C_g; conductances must be above zero."""
    kelvin = np.array([one.temperature_k for one in found])
    conductance_s = np.array([one.conductance_s for one in found])
    u_log = np.array([one.u_s for one in found]) / conductance_s
    u_kelvin = np.array([one.u_temperature_k for one in found])
    started_s = np.array([one.start_s for one in found])
    return Points(kelvin, np.log(conductance_s / cell_m * kelvin), u_log, u_kelvin, started_s)


def figures(points: Points, chosen: Regimes, *, refit: bool) -> dict[str, float]:
    """Return the reported figures by name, in SI; with `refit` those that other points give with the same model."""
    if chosen.chosen is None:
        line = fit_line(points) if refit else chosen.line
        return {LINE: line.activation.value} | _conductivity(points, line)
    fit = fit_two_regimes(points, chosen.chosen.sharpness) if refit else chosen.chosen
    fit = chosen.chosen if fit is None else fit
    values = {HIGH: fit.activation_high.value, LOW: fit.activation_low.value, CHANGE: fit.transition.value}
    return values | _conductivity(points, fit)


def budgets(
    columns: Columns,
    pulses: Sequence[Pulse],
    found: Sequence[Conductance],
    chosen: Regimes,
    cell: CellConstant,
    known: Systematics,
) -> dict[str, Budget]:
    """Return the contributions to u of each reported figure by its name."""
    points = points_of(found, cell.value.value)
    reported = figures(points, chosen, refit=False)
    shares = {name: {SCATTER: u} for name, u in _statistics(chosen, reported).items()}
    for source, changed in _changed(columns, pulses, found, cell.value.value, known).items():
        shifted = figures(changed, chosen, refit=True)
        weight = CURVATURE_WEIGHT if source == CURVATURE else 1.0
        for name, of_name in shares.items():
            of_name[source] = weight * abs(shifted[name] - reported[name])
    if chosen.chosen is not None and chosen.other is not None and not chosen.decided:
        other = replace(chosen, chosen=chosen.other)
        for name, value in figures(points, other, refit=False).items():
            shares[name]["model not decided"] = abs(value - reported[name]) / float(np.sqrt(3))
    if SIGMA in shares:
        shares[SIGMA]["cell constant"] = reported[SIGMA] * cell.value.u / cell.value.value
        shares[SIGMA]["gain of the meter"] = reported[SIGMA] * known.gain_u_rel
    return {name: Budget(UNITS[name], of_name) for name, of_name in shares.items()}


def _conductivity(points: Points, fit: SingleLine | TwoRegimes) -> dict[str, float]:
    """Conductivity at 298.15 K, if the points reach it."""
    if not points.temperature_k.min() - 1 <= REFERENCE_K <= points.temperature_k.max() + 1:
        return {}
    return {SIGMA: float(np.exp(fit.log_sigma_t(np.array([REFERENCE_K]))[0])) / REFERENCE_K}


def _statistics(chosen: Regimes, reported: Mapping[str, float]) -> dict[str, float]:
    fit = chosen.chosen
    if fit is None:
        u = {LINE: chosen.line.activation.u}
    else:
        u = {HIGH: fit.activation_high.u, LOW: fit.activation_low.u, CHANGE: fit.transition.u}
    if SIGMA in reported:
        u[SIGMA] = reported[SIGMA] * (fit or chosen.line).u_log_sigma(REFERENCE_K)
    return u


def _changed(
    columns: Columns, pulses: Sequence[Pulse], found: Sequence[Conductance], cell_m: float, known: Systematics
) -> dict[str, Points]:
    """Points as each source would have them."""
    points = points_of(found, cell_m)
    exponent = known.exponent
    stretched = known.temperature_slope_u * (points.temperature_k - MIDDLE_K)
    return {
        "temperature offset": _warmer(points, np.full_like(stretched, known.temperature_offset_u_k)),
        "temperature scale": _warmer(points, stretched),
        "absorption exponent": _of_pulses(columns, pulses, found, cell_m, exponent.value + exponent.u, 1),
        CURVATURE: _of_pulses(columns, pulses, found, cell_m, exponent.value, 2),
    }


def _warmer(points: Points, by_k: Floats) -> Points:
    kelvin = points.temperature_k + by_k
    log_sigma_t = points.log_sigma_t + np.log(kelvin / points.temperature_k)
    return replace(points, temperature_k=kelvin, log_sigma_t=log_sigma_t)


def _of_pulses(
    columns: Columns, pulses: Sequence[Pulse], found: Sequence[Conductance], cell_m: float, exponent: float, order: int
) -> Points:
    """Points with the conductances of another pulse model, where it gives one; the weights stay."""
    other = {one.point: one.conductance_s for one in conductances(columns, pulses, exponent, order)[0]}
    changed = [replace(one, conductance_s=other.get(one.point, one.conductance_s)) for one in found]
    kept = [new if new.conductance_s > 0 else old for new, old in zip(changed, found, strict=True)]
    points = points_of(found, cell_m)
    return replace(points, log_sigma_t=points_of(kept, cell_m).log_sigma_t)
