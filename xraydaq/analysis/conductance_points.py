"""Conductance and temperature of each point of a sweep, from its pulses."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xraydaq.analysis.conductance import Columns, Pulse, PulseFit, fit_pulse
from xraydaq.analysis.values import Floats

LAG_S = 25.0  # of the crystal behind its sensor: what a stage that still moves makes of a temperature
REPEATABILITY = 1e-4  # of a meter within hours, relative (nominal); keeps u of noiseless readings above zero


@dataclass(frozen=True)
class Conductance:
    """One temperature: conductance with statistical u, temperature with u against the other points.

    The u holds what differs from pulse to pulse; noise slower than a point shows in the scatter of the points only.

    `absorbed`, `drifted`: a t^-n and b t at the end of a pulse, relative to the level at its beginning.
    `offset_left`: neither a rest nor the other sign of the bias has removed the offset of the meter.
    """

    point: int
    temperature_k: float
    u_temperature_k: float
    slope_k_s: float
    conductance_s: float
    u_s: float
    current_a: float
    start_s: float
    pulses: int
    absorbed: float
    drifted: float
    offset_left: bool


def conductances(
    columns: Columns, pulses: Sequence[Pulse], exponent: float, order: int = 1
) -> tuple[list[Conductance], int]:
    """Return one conductance per point in order of time, and how many points have no temperature.

    The scatter between pulses of a point, pooled over all points, scales the u of the fits (never down): noise that is
    correlated within a pulse does not show in one of them.
    """
    by_point: dict[int, list[tuple[Pulse, PulseFit]]] = {}
    for pulse in pulses:
        by_point.setdefault(pulse.point, []).append((pulse, fit_pulse(pulse, exponent, order)))
    excess = _excess(list(by_point.values()))
    found = [_conductance(columns, fits, excess, exponent) for fits in by_point.values()]
    known = [one for one in found if np.isfinite(one.temperature_k)]
    return known, len(found) - len(known)


def _excess(points: Sequence[Sequence[tuple[Pulse, PulseFit]]]) -> float:
    """Root of chi2/dof of the pulses about the mean of their point (and sign, where an offset is left), at least 1."""
    chi2, dof = 0.0, 0
    for fits in (group for point in points for group in _alike(point)):
        ratio = np.array([fit.level_a / pulse.bias_v for pulse, fit in fits])
        u = np.array([fit.u_a / abs(pulse.bias_v) + REPEATABILITY * abs(ratio.mean()) for pulse, fit in fits])
        chi2 += float(np.sum(((ratio - ratio.mean()) / u) ** 2))
        dof += len(fits) - 1
    return max(1.0, float(np.sqrt(chi2 / dof))) if dof else 1.0


def _alike(fits: Sequence[tuple[Pulse, PulseFit]]) -> list[list[tuple[Pulse, PulseFit]]]:
    if all(np.isfinite(pulse.before_a) for pulse, _ in fits):
        return [list(fits)]
    by_sign = [[one for one in fits if (one[0].bias_v > 0) == positive] for positive in (True, False)]
    return [group for group in by_sign if group]


def _conductance(
    columns: Columns, fits: Sequence[tuple[Pulse, PulseFit]], excess: float, exponent: float
) -> Conductance:
    bias_v = np.array([pulse.bias_v for pulse, _ in fits])
    ratio_s = np.array([fit.level_a for _, fit in fits]) / bias_v
    u_s = np.array([fit.u_a for _, fit in fits]) / np.abs(bias_v)
    positive = bias_v > 0
    both = bool(positive.any() and not positive.all())
    weight = np.where(positive, 1 / max(positive.sum(), 1), 1 / max((~positive).sum(), 1)) / (2 if both else 1)
    conductance_s = float(weight @ ratio_s)
    u_mean_s = excess * float(np.sqrt(np.sum((weight * u_s) ** 2)))
    end_s = float(np.mean([pulse.time_s[-1] for pulse, _ in fits]))
    level_a = np.abs(conductance_s * bias_v)
    point = fits[0][0].point
    starts_s = np.array([pulse.start_s for pulse, _ in fits])
    temperature_k, u_temperature_k, slope_k_s = _temperature(columns, point, starts_s)
    return Conductance(
        point=point,
        temperature_k=temperature_k,
        u_temperature_k=u_temperature_k,
        slope_k_s=slope_k_s,
        conductance_s=conductance_s,
        u_s=float(np.hypot(u_mean_s, REPEATABILITY * conductance_s)),
        current_a=float(level_a.mean()),
        start_s=float(starts_s[0]),
        pulses=len(fits),
        absorbed=float(np.mean([abs(fit.absorption_a) for _, fit in fits] / level_a)) * end_s**-exponent,
        drifted=float(np.mean([fit.drift_a_s * np.sign(pulse.bias_v) for pulse, fit in fits] / level_a)) * end_s,
        offset_left=not both and not all(np.isfinite(pulse.before_a) for pulse, _ in fits),
    )


def _temperature(columns: Columns, point: int, starts_s: Floats) -> tuple[float, float, float]:
    """Temperature when the pulses began, by a line through the readings at this point; its u and slope."""
    rows = (columns.point == point) & columns.good & np.isfinite(columns.temperature_k)
    time_s, kelvin = columns.elapsed_s[rows] - starts_s.mean(), columns.temperature_k[rows]
    if len(kelvin) < 3 or not np.ptp(time_s) > 0:
        return float(kelvin.mean()) if len(kelvin) else float("nan"), 0.0, 0.0
    slope_k_s, at_start_k = np.polyfit(time_s, kelvin, 1)
    scatter_k = float(np.std(kelvin - slope_k_s * time_s, ddof=1)) / float(np.sqrt(len(kelvin)))
    return float(at_start_k), float(np.hypot(scatter_k, LAG_S * slope_k_s)), float(slope_k_s)
