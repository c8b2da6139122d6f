"""Offset from the readings at 0 V, mean dark current, current density and field.

Combination of uncertainties: JCGM 100:2008 (GUM), equation (10); rectangular limits 4.3.7; resolution F.2.2.1.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from xraydaq.analysis.long_trace import pieces
from xraydaq.analysis.values import Floats, Value

# One kelvin of the room: the temperature coefficient of a SourceMeter, 0.15 of its accuracy per kelvin (nominal).
INSTRUMENT_DRIFT = 0.15
LEAST_BASELINE_ROWS = 5


@dataclass(frozen=True)
class Instrument:
    """What is known of the meter: standard uncertainties of gain (relative) and offset, step of the display, in SI."""

    gain_u_rel: float
    offset_u_a: float
    resolution_a: float

    @property
    def resolution_u_a(self) -> float:
        """Get the standard uncertainty of one step, resolution/sqrt(12)."""
        return self.resolution_a / float(np.sqrt(12))

    def drift_u_a(self, current_a: float) -> float:
        """Return the standard uncertainty in A of a slow change of offset and gain within one run."""
        return INSTRUMENT_DRIFT * float(np.hypot(self.offset_u_a, self.gain_u_rel * current_a))


@dataclass(frozen=True)
class Offset:
    """Reading at 0 V: the value that is subtracted, whether it was measured, and whether it stood still."""

    value: Value
    measured: bool
    settled: bool


def offset(baseline_a: Floats, instrument: Instrument) -> Offset:
    """Return the offset from the readings at 0 V before the bias; with fewer than 5 of them 0 A and the u stated.

    The scatter is inflated for correlated readings, sqrt((1 + r)/(1 - r)) with r the lag-1 correlation.
    """
    rows = len(baseline_a)
    if rows < LEAST_BASELINE_ROWS:
        return Offset(Value(0.0, instrument.offset_u_a, "A"), measured=False, settled=True)
    scatter = baseline_a - baseline_a.mean()
    power = float(scatter @ scatter)
    r = float(np.clip(scatter[1:] @ scatter[:-1] / power, 0.0, 0.95)) if power > 0 else 0.0
    u_a = float(baseline_a.std(ddof=1) / np.sqrt(rows)) * np.sqrt((1 + r) / (1 - r))
    halves_a = abs(float(baseline_a[: rows // 2].mean() - baseline_a[-(rows // 2) :].mean()))
    settled = not halves_a > 2 * instrument.resolution_u_a + 6 * float(baseline_a.std(ddof=1)) / np.sqrt(rows)
    u_a = float(np.hypot(u_a, 0.0 if settled else halves_a / np.sqrt(3)))
    return Offset(Value(float(baseline_a.mean()), float(np.hypot(u_a, instrument.resolution_u_a)), "A"), True, settled)


def combined(budget: Mapping[str, float]) -> float:
    """Return the root of the sum of squares of independent contributions."""
    return float(np.sqrt(sum(u * u for u in budget.values())))


def mean_current_budget(current_a: float, noise_u_a: float, zero: Offset, instrument: Instrument) -> dict[str, float]:
    """Return the contributions in A to u of the mean dark current.

    Without a baseline the whole offset uncertainty is in `zero`; with one, only its drift since then is left.
    """
    return {
        "correlated noise of the readings": noise_u_a,
        "offset at 0 V": zero.value.u,
        "offset drift since the baseline": INSTRUMENT_DRIFT * instrument.offset_u_a,
        "gain of the meter": abs(current_a) * instrument.gain_u_rel,
        "resolution": instrument.resolution_u_a,
    }


def time_mean(time_s: Floats, current_a: Floats) -> float:
    """Return the mean over time (trapezoidal rule): rows dropped in between do not shift it towards the rest."""
    area_as = sum(np.trapezoid(current_a[piece], time_s[piece]) for piece in pieces(len(time_s), overlap=1))
    return float(area_as / (time_s[-1] - time_s[0]))


def current_density(current: Value, area_m2: float, area_u_m2: float) -> Value:
    """Return J = I/A in A/m^2."""
    density = current.value / area_m2
    return Value(density, float(np.hypot(current.u / area_m2, density * area_u_m2 / area_m2)), "A m^-2", current.dof)


def nominal_field(bias_v: float, gap_m: float, gap_u_m: float) -> Value:
    """Return E = V/g in V/m, the nominal field: under coplanar electrodes the field in the crystal is lower."""
    field_v_m = bias_v / gap_m
    return Value(field_v_m, abs(field_v_m) * gap_u_m / gap_m, "V m^-1")
