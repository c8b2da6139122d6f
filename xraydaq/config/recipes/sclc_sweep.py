"""Parameters of ``sclc_sweep``: current against bias, up and down in equal steps of the logarithm.

Settings follow the measuring practice for space-charge-limited currents: 20 mV to 20 V, 30 points per decade, 1 s per
point, both directions; pulses where ions move (E. A. Duijnstee et al., ACS Energy Lett. 5 (2020) 376).
"""

import math
from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from xraydaq.config.recipes.parts import Bias, OptionalDuration, SourceParameters
from xraydaq.config.values import Bounds, Number, Quantity
from xraydaq.config.words import Choice

DIRECTIONS = ("up and down", "up", "down")
DIELECTRICS = ("both_sides", "crystal_air")
LEAST_POINTS = 20
"""Fewer in one sweep cannot show where the slope changes."""


class SclcSweepParameters(SourceParameters):
    """The ``[parameters]`` table of a current-voltage sweep; SI inside.

    `current_range` is the range that a sweep begins with and never goes below; it follows the current upwards.
    """

    ROLES: ClassVar[tuple[str, ...]] = ("smu",)

    lowest_bias_v: Bias = Field(20e-3, alias="lowest_bias")
    """Smallest bias in size; of the same sign as the highest."""

    highest_bias_v: Bias = Field(20.0, alias="highest_bias")
    """Largest bias in size, either sign; checked against every limit."""

    points_per_decade: Annotated[int, Number(30, Bounds(at_least=5, at_most=200), whole=True)] = 30
    """Readings per decade of the bias, equally spaced in its logarithm."""

    directions: Annotated[Literal["up and down", "up", "down"], Choice(DIRECTIONS)] = "up and down"
    """Whether ions move shows only in a comparison of both."""

    repeats: Annotated[int, Number(1, Bounds(at_least=1, at_most=20), whole=True)] = 1
    """How often the sweeps are taken."""

    period_s: Annotated[float, Quantity("s", "1 s", Bounds(above=0.0, at_most=3600.0))] = Field(1.0, alias="period")
    """Time at each bias; the reading is taken at its end."""

    rest_duration_s: OptionalDuration = Field(600.0, alias="rest_duration")
    """Time at 0 V between repeats."""

    pulse_rest_duration_s: OptionalDuration = Field(0.0, alias="pulse_rest_duration")
    """Time at 0 V before each point: above zero, every point is a pulse of one period."""

    baseline_duration_s: OptionalDuration = Field(60.0, alias="baseline_duration")
    """Time at 0 V before the first sweep, for the offset of the meter; zero leaves it out."""

    dielectric: Annotated[Literal["both_sides", "crystal_air"], Choice(DIELECTRICS)] = "both_sides"
    """What the trap density takes to be above the gap: the crystal once more, as usually printed, or air."""

    def biases(self) -> Iterable[tuple[str, float]]:
        """Get both ends of the sweep."""
        return (("lowest_bias", self.lowest_bias_v), ("highest_bias", self.highest_bias_v))

    def periods(self) -> Iterable[tuple[str, float]]:
        """Get the time of a point."""
        return (("period", self.period_s),)

    def problems(self) -> Iterable[tuple[str, str]]:
        """Compare both ends of the sweep, and what there is between them."""
        low, high = self.lowest_bias_v, self.highest_bias_v
        if not low * high > 0:
            yield "lowest_bias", f"{low:g} V and {high:g} V; allowed: both of one sign, none of them 0 V"
        elif not abs(low) < abs(high):
            yield "lowest_bias", f"{low:g} V is not below the highest_bias of {high:g} V; allowed: smaller in size"
        elif len(self.levels_v) < LEAST_POINTS:
            yield (
                "points_per_decade",
                f"{self.points_per_decade} give {len(self.levels_v)} points between lowest_bias and highest_bias; "
                f"allowed: what gives at least {LEAST_POINTS}",
            )

    @property
    def levels_v(self) -> tuple[float, ...]:
        """Get the bias of every point of a sweep upwards, equal steps of the logarithm, both ends included."""
        steps = max(1, self._steps)
        ratio = self.highest_bias_v / self.lowest_bias_v
        return (*(self.lowest_bias_v * ratio ** (step / steps) for step in range(steps)), self.highest_bias_v)

    @property
    def _steps(self) -> int:
        return round(self.points_per_decade * math.log10(self.highest_bias_v / self.lowest_bias_v))
