"""What the evaluation of a field sweep gives."""

from dataclasses import dataclass, field

from xraydaq.analysis.field_points import Direction, FieldPoint
from xraydaq.analysis.outcome import Result
from xraydaq.analysis.saturation import Saturation
from xraydaq.analysis.values import Value

SENSITIVITY = "uC Gy^-1 cm^-2"
METHOD = (
    "Steps: GLS on window means, straight baseline (order 3 where it bends), u scaled by chi2/dof. Saturation: "
    "S = P u (1 - exp(-1/u)), u = E/E0, effective variance, u scaled by sqrt(max(1, chi2/dof)); dose, area and gap "
    "are common to all points and added once."
)


@dataclass(frozen=True, kw_only=True)
class FieldSweepResult(Result):
    """Sensitivities in C Gy^-1 m^-2, fields nominal (bias over gap) in V/m, u with all shares.

    `highest` is the mean of the visits of the highest bias, `collected` the part of the plateau that it reaches;
    `plateau` and `scale` are nan where no saturation is seen.
    """

    points: tuple[FieldPoint, ...] = field(repr=False)
    fit: Saturation
    plateau: Value
    scale: Value
    highest: Value
    highest_field: Value
    collected: Value
    gain: Value
    plateau_gain: Value
    direction: Direction
    dose_rate: Value
    gap_m: float
    quality: str
    method: str = METHOD

    def rows(self) -> list[tuple[str, Value, str]]:
        """Return (label, value in SI, unit to show it in); a unit of "" asks for the fitting SI prefix."""
        return [
            ("field scale", self.scale, "V/mm"),
            ("plateau sensitivity", self.plateau, SENSITIVITY),
            ("sensitivity at highest field", self.highest, SENSITIVITY),
            ("highest field", self.highest_field, "V/mm"),
            ("part of the plateau reached", self.collected, "%"),
            ("gain at highest field", self.gain, "1"),
            ("gain of the plateau", self.plateau_gain, "1"),
            ("change from up to down", self.direction.change, "%"),
            ("dose rate", self.dose_rate, "nGy/s"),
            *((f"S at {one.bias_v:g} V {way(one)}", one.sensitivity, SENSITIVITY) for one in self.points),
        ]


def way(point: FieldPoint) -> str:
    """Return "up" or "down"."""
    return "up" if point.rising else "down"
