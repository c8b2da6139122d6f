"""Parameters of ``field_sweep``: photocurrent at several biases in one beam, up and down.

Settings follow the measuring practice of the bench: minutes of rest after every change of bias, both ways, so that a
drift of the crystal is not taken for a dependence on the field.
"""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from xraydaq.config.recipes.parts import Aluminium, ChoppedBeamParameters, OptionalDuration, TubeCurrent
from xraydaq.config.values import Bounds, Number, Quantities, Quantity
from xraydaq.config.words import Choice

DIRECTIONS = ("up and down", "up", "down")
REST = ("chopped", "off")
LEAST_BIASES = 4
LEAST_CYCLES = 4


class FieldSweepParameters(ChoppedBeamParameters):
    """The ``[parameters]`` table of a field sweep; SI inside."""

    biases_v: Annotated[tuple[float, ...], Quantities(Quantity("V", "5 V"))] = Field(
        (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0), alias="biases"
    )
    """All of one sign; nominal field = bias / gap."""

    direction: Annotated[Literal["up and down", "up", "down"], Choice(DIRECTIONS)] = "up and down"
    """Of the biases; one way only cannot tell a drift from a dependence on the field."""

    foil_m: Aluminium = Field(1e-3, alias="foil")
    """Behind the fixed filter; 0 mm is the fixed filter alone."""

    tube_current_a: TubeCurrent = Field(194e-6, alias="tube_current")
    """With the foil it gives the one dose rate of the sweep."""

    cycles: Annotated[int, Number(5, Bounds(at_least=LEAST_CYCLES, at_most=1000), whole=True)] = 5
    """Of beam on and off at each bias, after a dark window."""

    half_period_s: Annotated[float, Quantity("s", "14 s", Bounds(at_least=1.0, at_most=3600.0))] = Field(
        14.0, alias="half_period"
    )
    settle_duration_s: OptionalDuration = Field(600.0, alias="settle_duration")
    """Time at the first bias in the dark before anything else."""

    bias_settle_duration_s: OptionalDuration = Field(300.0, alias="bias_settle_duration")
    """Time after every change of bias before its photocurrent is read; at least 5 min are recommended."""

    beam_at_rest: Annotated[Literal["chopped", "off"], Choice(REST)] = "chopped"
    """While the bias settles: "chopped" goes on switching, so that the tube stays as warm as while it is read."""

    discard_duration_s: Annotated[float, Quantity("s", "7.5 s", Bounds(at_least=0.0, at_most=3600.0))] = Field(
        7.5, alias="discard_duration"
    )
    """Left out of the evaluation after each edge: five times the slowest response, and 6 s or more."""

    expected_sensitivity_c_gy_m2: (
        Annotated[float, Quantity("C Gy^-1 m^-2", "6e5 uC/Gy/cm^2", Bounds(above=0.0))] | None
    ) = Field(None, alias="expected_sensitivity")
    """At the highest bias, for the plan only: whether the source-measure unit can resolve the photocurrents."""

    def visits_v(self) -> tuple[float, ...]:
        """Get the bias of every visit, in order."""
        rising = tuple(sorted(self.biases_v, key=abs))
        return {"up": rising, "down": rising[::-1], "up and down": rising + rising[::-1]}[self.direction]

    def biases(self) -> Iterable[tuple[str, float]]:
        """Get every bias."""
        return (("biases", bias_v) for bias_v in self.biases_v)

    def beams(self) -> Iterable[tuple[str, float, float]]:
        """Get the one beam."""
        return (("tube_current", self.tube_voltage_v, self.tube_current_a),)

    def foils(self) -> Iterable[tuple[str, float]]:
        """Get the foil."""
        return (("foil", self.foil_m),)

    def problems(self) -> Iterable[tuple[str, str]]:
        """Find what a saturation curve and its windows need."""
        yield from super().problems()
        if not (all(bias_v > 0 for bias_v in self.biases_v) or all(bias_v < 0 for bias_v in self.biases_v)):
            yield "biases", "0 V or both signs given; allowed: biases of one sign"
        if len(self.biases_v) < LEAST_BIASES:
            yield "biases", f"{len(self.biases_v)} biases; allowed: {LEAST_BIASES} or more, for a curve"
        if self.half_period_s < self.discard_duration_s + 20 * self.period_s:
            yield (
                "discard_duration",
                f"{self.discard_duration_s:g} s leave less than 20 readings of a half period of "
                f"{self.half_period_s:g} s; allowed: at most {max(self.half_period_s - 20 * self.period_s, 0):g} s",
            )
