"""Parameters of ``bias_stability``: dark current against time at a constant bias.

Settings follow the measuring practice of the bench: a fixed range, 10 PLC, compliance at least ten times what is
expected, a baseline before and a tail after at 0 V.
"""

from collections.abc import Iterable
from typing import Annotated, ClassVar

from pydantic import Field

from xraydaq.config.recipes.parts import DAY_S, Bias, Duration, OptionalDuration, SourceParameters
from xraydaq.config.values import Bounds, Quantity


class BiasStabilityParameters(SourceParameters):
    """The ``[parameters]`` table of a bias-stability recipe; SI inside."""

    ROLES: ClassVar[tuple[str, ...]] = ("smu",)

    bias_v: Bias = Field(alias="bias")
    """Bias of the long phase, either sign; checked against every limit."""

    duration_s: Duration = Field(alias="duration")
    """Time at bias."""

    period_s: Annotated[float, Quantity("s", "1 s", Bounds(above=0.0, at_most=DAY_S))] = Field(1.0, alias="period")
    """Time from one reading to the next."""

    baseline_duration_s: OptionalDuration = Field(60.0, alias="baseline_duration")
    """Time at 0 V before; zero leaves it out."""

    tail_duration_s: OptionalDuration = Field(600.0, alias="tail_duration")
    """Time at 0 V after, which shows absorption and offset; zero leaves it out."""

    def biases(self) -> Iterable[tuple[str, float]]:
        """Get the bias of the long phase."""
        return (("bias", self.bias_v),)

    def periods(self) -> Iterable[tuple[str, float]]:
        """Get the reading period."""
        return (("period", self.period_s),)

    def problems(self) -> Iterable[tuple[str, str]]:
        """Refuse a bias of zero."""
        if self.bias_v == 0:
            yield "bias", "0 V given; allowed: a bias of either sign (baseline and tail are taken at 0 V)"
