"""What the evaluation of a dark current trace gives."""

from dataclasses import dataclass, field, replace

import numpy as np

from xraydaq.analysis.allan import AllanPoint
from xraydaq.analysis.current_density import Offset
from xraydaq.analysis.drift import EndPoints, Line
from xraydaq.analysis.noise import NoisePsd
from xraydaq.analysis.outcome import Result
from xraydaq.analysis.settling import Settling
from xraydaq.analysis.shape import Shape
from xraydaq.analysis.values import Booleans, Value

SURE = 4  # the largest of many noisy values is expected to be up to this many u without any change behind it
METHOD = (
    "Offset: mean of the rows at 0 V before the bias. Mean: trapezoidal over the bias phase; u with the noise PSD "
    "h/f^gamma + w (Whittle fit to the residuals of a smooth trend, f > 10/T), extrapolated to 5e-7 Hz or 1/(10 T). "
    "Drift: difference of 60 s means around t1 = 60 s and at the end over E (t2 - t1). Slope: GLS line with that PSD. "
    "Settling: within 5 % of the median of the last 10 %. Allan: overlapping, readings as frequency data. "
    "Verdict: peak to peak of 60 s means over mean, against 5 %, at 2 u."
)


@dataclass(frozen=True, kw_only=True)
class BiasStabilityResult(Result):
    """Figures of one trace, SI inside; times are seconds since the bias came on.

    `rows_used` marks the evaluated rows at bias in the arrays given.
    """

    mean_current: Value
    current_density: Value
    drift: Value
    relative_slope: Value
    peak_to_peak: Value
    settling: Settling
    shape: Shape
    allan: tuple[AllanPoint, ...]
    allan_detrended: tuple[AllanPoint, ...]
    noise: NoisePsd
    offset: Offset
    tail_current: Value
    field_strength: Value
    end_points: EndPoints | None
    line: Line
    duration_s: float
    bias_on_s: float
    rows_used: Booleans = field(compare=False, repr=False)

    def quantities(self) -> dict[str, Value]:
        """Return every figure by a name that fits a file, in SI units."""
        points = self.end_points
        times = {
            "drift_t1": points.t1_s if points else np.nan,
            "drift_t2": points.t2_s if points else np.nan,
            "bias_phase_duration": self.duration_s,
        }
        return super().quantities() | {name: Value(time_s, 0.0, "s") for name, time_s in times.items()}

    def rows(self) -> list[tuple[str, Value, str]]:
        """Return (label, value in SI, unit to show it in); a unit of "" asks for the fitting SI prefix."""
        return [
            ("mean dark current", self.mean_current, ""),
            ("dark current density", self.current_density, "nA cm^-2"),
            ("nominal field", self.field_strength, "V/mm"),
            ("drift metric", self.drift, "nA cm^-1 s^-1 V^-1"),
            ("relative slope", self.relative_slope, "%/h"),
            ("peak to peak over mean", self.peak_to_peak, "%"),
            ("steepest change", self.shape.steepest, ""),
            ("settling time 5 %", self.settling.time, "s"),
            *((f"Allan deviation {p.tau_s:.3g} s", p.deviation, "") for p in self.allan),
            *((f"Allan deviation {p.tau_s:.3g} s detrended", p.deviation, "") for p in self.allan_detrended),
            ("1/f noise density at 0.1 Hz", self.noise.density(0.1), ""),
            ("1/f noise density at 1 Hz", self.noise.density(1.0), ""),
            ("noise exponent gamma", self.noise.gamma_value(), "1"),
            ("offset at 0 V", self.offset.value, ""),
            ("current at 0 V end of tail", self.tail_current, ""),
        ]


def described(result: BiasStabilityResult) -> BiasStabilityResult:
    """Add to a result what its own numbers say about each other: headline and notes."""
    return replace(result, headline=_headline(result), notes=_notes(result))


def _headline(result: BiasStabilityResult) -> str:
    hours = f"{result.duration_s / 3600:.4g} h" if result.duration_s >= 3600 else f"{result.duration_s / 60:.3g} min"
    used, dropped = result.inputs["rows_used"], result.inputs["rows_dropped_at_bias"]
    return f"Dark current at {result.inputs['bias_v']:g} V for {hours}: {used} rows used, {dropped} dropped"


def _notes(result: BiasStabilityResult) -> dict[str, str]:
    """Notes by label: what a number depends on, or why it says little."""
    notes = {"mean dark current": f"largest contribution to u: {result.budgets['mean current'].largest}"}
    if result.end_points is not None:
        points = result.end_points
        notes["drift metric"] = f"from t1 = {points.t1_s:.0f} s to t2 = {points.t2_s:.0f} s after bias"
        if not abs(result.drift.value) > 2 * result.drift.u:
            notes["drift metric"] += "; not distinguished from zero"
    if result.shape.steepest.value < SURE * result.shape.steepest.u:
        notes["steepest change"] = "not above the noise"
    if not result.noise.fitted:
        notes["1/f noise density at 1 Hz"] = "not fitted, 1/f assumed"
    if not result.offset.measured:
        notes["offset at 0 V"] = "not measured, nothing subtracted"
    return notes
