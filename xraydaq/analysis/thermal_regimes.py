"""Which description of conductivity points holds, one regime or two, and what could shift its parameters."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xraydaq.analysis.arrhenius import PARALLEL, SHARP, Points, SingleLine, TwoRegimes, fit_line, fit_two_regimes
from xraydaq.analysis.conductance_points import Conductance
from xraydaq.analysis.values import Floats

LEAST_ON_A_SIDE = 5
LEAST_SPAN_K = 15.0
DECIDED = 6.0
UP, DOWN = 1, -1


@dataclass(frozen=True)
class Regimes:
    """Both models of two regimes (None where one does not fit), the single line, and which of them is reported.

    `chosen` is None where the single line is; `reason` says why. `delta_bic`: sharp minus parallel.
    """

    parallel: TwoRegimes | None
    sharp: TwoRegimes | None
    line: SingleLine
    chosen: TwoRegimes | None
    reason: str

    @property
    def delta_bic(self) -> float:
        """Get BIC(sharp) - BIC(parallel): positive where parallel describes the points better; nan without both."""
        if self.parallel is None or self.sharp is None:
            return float("nan")
        return self.sharp.bic - self.parallel.bic

    @property
    def decided(self) -> bool:
        """Get whether the criterion tells the two models apart."""
        return abs(self.delta_bic) >= DECIDED

    @property
    def other(self) -> TwoRegimes | None:
        """Get the model that was not chosen."""
        return self.sharp if self.chosen is self.parallel else self.parallel

    @property
    def name(self) -> str:
        """Get the name of what is reported: "parallel", "sharp" or "single line"."""
        return "single line" if self.chosen is None else self.chosen.name

    def log_sigma_t(self, temperature_k: Floats) -> Floats:
        """Return ln(sigma T) of what is reported."""
        return (self.chosen or self.line).log_sigma_t(temperature_k)


def regimes(points: Points) -> Regimes:
    """Fit all models and choose; raises NotEnoughData below three points.

    Two regimes need five points and 15 K on each side of T_c, and a lower criterion than the single line.
    """
    line = fit_line(points)
    parallel, sharp = fit_two_regimes(points, PARALLEL), fit_two_regimes(points, SHARP)
    both = [fit for fit in (parallel, sharp) if fit is not None]
    if not both:
        return Regimes(
            parallel, sharp, line, None, "the points do not steepen towards high temperature, or are too few"
        )
    best = min(both, key=lambda fit: fit.bic)
    if line.bic <= best.bic:
        return Regimes(parallel, sharp, line, None, "two regimes describe the points no better than one")
    reason = too_few(points.temperature_k, best.transition.value)
    return Regimes(parallel, sharp, line, None if reason else best, reason)


def too_few(temperature_k: Floats, change_k: float) -> str:
    """Return why points on both sides of a temperature do not suffice for two regimes; "" where they do."""
    from_change_k = temperature_k - change_k
    for side, distance_k in (
        ("below", -from_change_k[from_change_k < 0]),
        ("above", from_change_k[from_change_k > 0]),
    ):
        reach_k = float(distance_k.max()) if len(distance_k) else 0.0
        if len(distance_k) < LEAST_ON_A_SIDE or reach_k < LEAST_SPAN_K:
            return (
                f"{len(distance_k)} points reaching {reach_k:.3g} K {side} a change at {change_k:.4g} K: "
                f"{LEAST_ON_A_SIDE} and {LEAST_SPAN_K:g} K are needed"
            )
    return ""


def directions(found: Sequence[Conductance]) -> list[int]:
    """Return for each point, in order of time, whether it was reached upwards or downwards; 0: in no order.

    A sweep that turns more than once has no directions.
    """
    steps = np.sign(np.diff([one.temperature_k for one in found])).astype(int)
    if len(steps) == 0 or np.count_nonzero(np.diff(steps)) > 1:
        return [0] * len(found)
    return [int(steps[0]), *(int(step) for step in steps)]


def one_way(points: Points, way: Sequence[int], direction: int, sharpness: float) -> TwoRegimes | None:
    """Return the fit to the points of one direction alone; None where they do not suffice."""
    chosen = np.array(way) == direction
    if chosen.sum() < 2 * LEAST_ON_A_SIDE:
        return None
    fit = fit_two_regimes(points.some(chosen), sharpness)
    if fit is None or too_few(points.temperature_k[chosen], fit.transition.value):
        return None
    return fit
