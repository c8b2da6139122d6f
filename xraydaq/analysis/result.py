"""What the evaluation of a dark current trace gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from xraydaq.analysis.allan import AllanPoint
from xraydaq.analysis.current_density import Offset
from xraydaq.analysis.drift import EndPoints, Line
from xraydaq.analysis.noise import NoisePsd
from xraydaq.analysis.settling import Settling
from xraydaq.analysis.shape import Shape
from xraydaq.analysis.values import Booleans, Floats, Value

VERSION = "1"
METHOD = (
    "Offset: mean of the rows at 0 V before the bias. Mean: trapezoidal over the bias phase; u with the noise PSD "
    "h/f^gamma + w (Whittle fit to the residuals of a smooth trend, f > 10/T), extrapolated to 5e-7 Hz or 1/(10 T). "
    "Drift: difference of 60 s means around t1 = 60 s and at the end over E (t2 - t1). Slope: GLS line with that PSD. "
    "Settling: within 5 % of the median of the last 10 %. Allan: overlapping, readings as frequency data. "
    "Verdict: peak to peak of 60 s means over mean, against 5 %, at 2 u."
)


@dataclass(frozen=True)
class BiasStabilityResult:
    """Figures of one trace, SI inside; times are seconds since the bias came on.

    `rows_used` marks the evaluated rows at bias in the arrays given; `curves`: name -> (array, unit), short.
    `inputs`: what the evaluation was told, and rows used; `dropped`: rows without a usable reading, by reason.
    """

    verdict: str
    flags: tuple[str, ...]
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
    dropped: Mapping[str, int]
    budgets: Mapping[str, Mapping[str, float]]
    inputs: Mapping[str, float]
    rows_used: Booleans = field(compare=False, repr=False)
    curves: Mapping[str, tuple[Floats, str]] = field(compare=False, repr=False)
    method: str = METHOD
    version: str = VERSION

    def quantities(self) -> dict[str, Value]:
        """Return every figure by a name that fits a file, in SI units."""
        points = self.end_points
        times = {
            "drift_t1": points.t1_s if points else np.nan,
            "drift_t2": points.t2_s if points else np.nan,
            "bias_phase_duration": self.duration_s,
        }
        named = {file_name(label): value for label, value, _ in self.rows()}
        return named | {name: Value(time_s, 0.0, "s") for name, time_s in times.items()}

    def texts(self) -> dict[str, str]:
        """Return what is not a number: verdict, class, flags, method."""
        dropped = ", ".join(f"{reason} {count}" for reason, count in self.dropped.items())
        return {
            "verdict": self.verdict,
            "class": self.shape.kind,
            "flags": "\n".join(self.flags),
            "dropped_rows": dropped or "none",
            "method": self.method,
        }

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


def file_name(label: str) -> str:
    """Turn a label into a name that fits a file."""
    return label.replace("5 %", "5_percent").replace("1/f", "1_over_f").replace(".", "p").replace(" ", "_").lower()
