"""Parameters of ``temperature_sweep``: conductivity from pulses of bias at one temperature after another.

Settings follow the measuring practice for mixed conductors: both signs of the bias, 0 V between the pulses so that
little is polarised, one sweep up and one down. Limits of the temperature belong to the bench file.
"""

import math
from collections.abc import Iterable
from typing import Annotated, ClassVar

from pydantic import Field

from xraydaq.config.recipes.parts import Bias, SourceParameters, Temperature
from xraydaq.config.values import Bounds, Number, Quantity

LEAST_PULSE_READINGS = 20
LEAST_REST_READINGS = 5
MOST_TEMPERATURES = 1000
ROUNDING = 1e-6  # of a step, for ends that are a whole number of steps apart

Step = Annotated[float, Quantity("K", "2.5 K", Bounds(above=0.0, at_most=100.0))]
OptionalStep = Annotated[float, Quantity("K", "4 K", Bounds(at_least=0.0, at_most=100.0))]
Pulse = Annotated[float, Quantity("s", "30 s", Bounds(at_least=1.0, at_most=3600.0))]


class TemperatureSweepParameters(SourceParameters):
    """The ``[parameters]`` table of a temperature sweep; SI inside.

    `current_range` is the largest measure range; smaller ones are taken where the current is small.
    """

    ROLES: ClassVar[tuple[str, ...]] = ("smu", "temperature")

    bias_v: Bias = Field(20.0, alias="bias")
    """Size of the pulses; both signs are applied."""

    lowest_temperature_k: Temperature = Field(240.0, alias="lowest_temperature")
    """First temperature; the stage goes there without measuring on the way."""

    highest_temperature_k: Temperature = Field(320.0, alias="highest_temperature")
    """Where the way up ends and the way down begins; below the phase transition at 327 K."""

    step_up_k: Step = Field(2.5, alias="step_up")
    """From one temperature to the next on the way up."""

    step_down_k: OptionalStep = Field(4.0, alias="step_down")
    """The same on the way down again, which shows hysteresis; zero leaves the way down out."""

    pulse_duration_s: Pulse = Field(30.0, alias="pulse_duration")
    """Time at bias of each pulse."""

    rest_duration_s: Pulse = Field(30.0, alias="rest_duration")
    """Time at 0 V before each pulse."""

    pairs: Annotated[int, Number(2, Bounds(at_least=1, at_most=50), whole=True)] = 2
    """Pulses of each sign at every temperature."""

    period_s: Annotated[float, Quantity("s", "0.5 s", Bounds(above=0.0, at_most=60.0))] = Field(0.5, alias="period")
    """Time from one reading to the next."""

    @property
    def roles(self) -> tuple[str, ...]:
        """Get the roles that a run needs."""
        return self.ROLES

    def biases(self) -> Iterable[tuple[str, float]]:
        """Get both signs of the bias."""
        return (("bias", self.bias_v), ("bias", -self.bias_v))

    def temperatures(self) -> Iterable[tuple[str, float]]:
        """Get the ends of the sweep."""
        ends = (
            ("lowest_temperature", self.lowest_temperature_k),
            ("highest_temperature", self.highest_temperature_k),
        )
        return (*ends, *super().temperatures())

    def periods(self) -> Iterable[tuple[str, float]]:
        """Get the reading period."""
        return (("period", self.period_s),)

    def problems(self) -> Iterable[tuple[str, str]]:
        """Compare the ends of the sweep, and the pulses with the readings they must hold."""
        if self.bias_v == 0:
            yield "bias", "0 V given; allowed: a bias of either sign (0 V is between the pulses)"
        if self.stage_temperature_k is not None:
            yield "stage_temperature", "not for a sweep; allowed: lowest_temperature and highest_temperature"
        if not self.lowest_temperature_k < self.highest_temperature_k:
            yield (
                "lowest_temperature",
                f"{self.lowest_temperature_k:g} K is not below the highest_temperature of "
                f"{self.highest_temperature_k:g} K; allowed: lower",
            )
        elif self._span_k / self.step_up_k > MOST_TEMPERATURES:
            yield "step_up", f"more than {MOST_TEMPERATURES} temperatures; allowed: larger steps"
        elif self.step_down_k > 0 and self._span_k / self.step_down_k > MOST_TEMPERATURES:
            yield "step_down", f"more than {MOST_TEMPERATURES} temperatures; allowed: larger steps"
        for key, duration_s, least in (
            ("pulse_duration", self.pulse_duration_s, LEAST_PULSE_READINGS),
            ("rest_duration", self.rest_duration_s, LEAST_REST_READINGS),
        ):
            if not duration_s >= least * self.period_s:
                yield (
                    key,
                    f"{duration_s:g} s does not hold {least} readings every {self.period_s:g} s; "
                    f"allowed: at least {least * self.period_s:g} s",
                )

    @property
    def levels_k(self) -> tuple[float, ...]:
        """Get every temperature in order: up with both ends, then down."""
        up = [
            self.lowest_temperature_k + self.step_up_k * number
            for number in range(_steps(self._span_k, self.step_up_k))
        ]
        up.append(self.highest_temperature_k)
        if self.step_down_k == 0:
            return tuple(up)
        downs = _steps(self._span_k, self.step_down_k)
        down = [self.highest_temperature_k - self.step_down_k * number for number in range(1, downs)]
        return (*up, *down, self.lowest_temperature_k)

    @property
    def signs(self) -> tuple[int, ...]:
        """Get the signs of the pulses at a temperature: + -, - +, so that a slow change has no side."""
        return tuple(sign for pair in range(self.pairs) for sign in ((1, -1) if pair % 2 == 0 else (-1, 1)))

    @property
    def _span_k(self) -> float:
        return self.highest_temperature_k - self.lowest_temperature_k


def _steps(span_k: float, step_k: float) -> int:
    """Number of steps, the last of which may be shorter."""
    return max(1, math.ceil(span_k / step_k - ROUNDING))
