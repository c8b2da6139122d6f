"""What the evaluation of a space-charge-limited current sweep returns."""

from dataclasses import dataclass

import numpy as np

from xraydaq.analysis.filling_model import FillingFit
from xraydaq.analysis.outcome import Budget, Result
from xraydaq.analysis.sclc import Points, Regime, Slopes, Top
from xraydaq.analysis.values import Value

NOT_KNOWN_V = Value(np.nan, np.nan, "V")
BY_FIT, BY_STEEPEST, BY_NOTHING = "filling model", "steepest point", "none"
DIRECTIONS = {1: "up", -1: "down"}


@dataclass(frozen=True)
class Sweep:
    """One sweep in one direction: its points, its regimes and the trap-filled limit it gives.

    Voltages that cannot be had are nan; `budget` holds the shares of the limit's u in V.
    """

    direction: int
    begins_s: float
    points: Points
    slopes: Slopes
    top: Top
    regimes: tuple[Regime, ...]
    fit: FillingFit | None
    limit: Value
    budget: Budget
    estimator: str
    knee: Value
    upper_crossing: Value
    ohmic: Value

    @property
    def name(self) -> str:
        """Get "up" or "down"."""
        return DIRECTIONS[self.direction]

    def regime(self, kind: str) -> Regime | None:
        """Return the regime of a kind ("ohmic", "filling", "square law"); None where the sweep has none."""
        return next((regime for regime in self.regimes if regime.kind == kind), None)


@dataclass(frozen=True, kw_only=True)
class SclcSweepResult(Result):
    """Trap-filled limit and areal trap density, SI inside; what cannot be had is nan."""

    trap_filled_limit: Value
    """Geometric mean of all sweeps that have one."""

    trap_density: Value
    limit_up: Value
    limit_down: Value
    hysteresis: Value
    """Limit upwards over limit downwards, minus one."""

    knee: Value
    steepest_point: Value
    upper_crossing: Value
    ohmic_conductance: Value
    offset: Value
    diffusion_floor: Value
    estimator: str
    """Where the limit comes from: "filling model", "steepest point", both, or "none"."""

    dielectric: str
    near_diffusion_limit: bool
    sweeps: tuple[Sweep, ...]

    def rows(self) -> list[tuple[str, Value, str]]:
        """Return (label, value in SI, unit to show it in)."""
        return [
            ("trap density", self.trap_density, "cm^-2"),
            ("trap-filled limit", self.trap_filled_limit, ""),
            ("trap-filled limit up", self.limit_up, ""),
            ("trap-filled limit down", self.limit_down, ""),
            ("hysteresis", self.hysteresis, "%"),
            ("steepest point", self.steepest_point, ""),
            ("knee", self.knee, ""),
            ("upper crossing", self.upper_crossing, ""),
            ("ohmic conductance", self.ohmic_conductance, ""),
            ("floor of diffusion", self.diffusion_floor, ""),
            ("offset of the meter", self.offset, ""),
        ]

    def regime_table(self) -> list[tuple[str, str, float, float, Value, int]]:
        """Return (direction, regime, from V, to V, mean slope, points) of every regime of every sweep."""
        return [
            (sweep.name, regime.kind, regime.from_v, regime.to_v, regime.slope, regime.points)
            for sweep in self.sweeps
            for regime in sweep.regimes
        ]

    def texts(self) -> dict[str, str]:
        """Return what is not a number, with the regimes as lines of text."""
        lines = [
            f"{name} {kind}: {from_v:.3g} to {to_v:.3g} V, slope {slope}, {points} points"
            for name, kind, from_v, to_v, slope, points in self.regime_table()
        ]
        told = {"estimator": self.estimator, "dielectric": self.dielectric}
        return super().texts() | told | {"regimes": "\n".join(lines) or "none"}
