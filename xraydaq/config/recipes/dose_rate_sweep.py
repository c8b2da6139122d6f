"""Parameters of ``dose_rate_sweep``: photocurrent at many dose rates, in an order that a drift does not mimic.

Settings follow the measuring practice of the bench: dark and beam by turns, every foil at every tube current so that
neighbouring foils share dose rates, a reference point first, middle and last, blank runs before and after.
"""

from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from xraydaq.config.recipes.parts import Aluminium, Bias, ChoppedBeamParameters, TubeCurrent
from xraydaq.config.values import Bounds, Number, Quantities, Quantity
from xraydaq.config.words import Choice

ORDERS = ("random", "rising", "falling", "up and down")
LEAST_DOSE_RATES = 3
LEAST_CYCLES = 4


class DoseRateSweepParameters(ChoppedBeamParameters):
    """The ``[parameters]`` table of a dose-rate sweep; SI inside."""

    ROLES: ClassVar[tuple[str, ...]] = ("smu", "tube", "filters")

    bias_v: Bias = Field(alias="bias")
    """Bias during the whole sweep, either sign."""

    foils_m: Annotated[tuple[float, ...], Quantities(Quantity("m", "1 mm", Bounds(at_least=0.0, at_most=0.05)))] = (
        Field((1e-3, 4e-3, 14e-3, 29e-3), alias="foils")
    )
    """Behind the fixed filter, one at a time; 0 mm is the fixed filter alone."""

    tube_currents_a: Annotated[
        tuple[float, ...], Quantities(Quantity("A", "100 uA", Bounds(above=0.0, at_most=1e-3)))
    ] = Field((5e-6, 20e-6, 95e-6, 194e-6), alias="tube_currents")
    """Behind every foil; a factor of 40 in all, so that neighbouring foils share dose rates."""

    reference_foil_m: Aluminium = Field(1e-3, alias="reference_foil")
    """Behind the fixed filter, for the reference point."""

    reference_current_a: TubeCurrent = Field(194e-6, alias="reference_current")
    """The point that is measured first, in the middle and last; the sensitivity is stated at its dose rate."""

    order: Annotated[Literal["random", "rising", "falling", "up and down"], Choice(ORDERS)] = "random"
    """Of the dose rates; "rising" and "falling" make a drift of the crystal look like a non-linearity."""

    order_seed: Annotated[int, Number(1, Bounds(at_least=0, at_most=2**31), whole=True)] = 1
    """Of the random order."""

    repeats: Annotated[int, Number(1, Bounds(at_least=1, at_most=20), whole=True)] = 1
    """Visits to each point; all of them in one order."""

    cycles: Annotated[int, Number(10, Bounds(at_least=LEAST_CYCLES, at_most=1000), whole=True)] = 10
    """Of beam on and off at each visit, after a dark window."""

    blanks: Annotated[int, Number(20, Bounds(at_least=0, at_most=1000), whole=True)] = 20
    """Runs of the same timing that leave the beam off, half of them before and half after the visits."""

    discard_duration_s: Annotated[float, Quantity("s", "7.5 s", Bounds(at_least=0.0, at_most=3600.0))] = Field(
        7.5, alias="discard_duration"
    )
    """Left out of the evaluation after each edge: five times the slowest response, and 6 s or more."""

    slope_up_to_gy_s: Annotated[float, Quantity("Gy/s", "10 uGy/s", Bounds(above=0.0))] = Field(
        10e-6, alias="slope_up_to"
    )
    """Highest dose rate of the lines over all filters; the reference may lie above."""

    expected_sensitivity_c_gy_m2: (
        Annotated[float, Quantity("C Gy^-1 m^-2", "6e5 uC/Gy/cm^2", Bounds(above=0.0))] | None
    ) = Field(None, alias="expected_sensitivity")
    """For the plan only: whether the source-measure unit can resolve the photocurrents."""

    def biases(self) -> Iterable[tuple[str, float]]:
        """Get the bias."""
        return (("bias", self.bias_v),)

    def beams(self) -> Iterable[tuple[str, float, float]]:
        """Get every beam: one voltage at all currents."""
        beams = [("tube_currents", self.tube_voltage_v, current_a) for current_a in self.tube_currents_a]
        return (*beams, ("reference_current", self.tube_voltage_v, self.reference_current_a))

    def foils(self) -> Iterable[tuple[str, float]]:
        """Get every foil."""
        return (*(("foils", foil_m) for foil_m in self.foils_m), ("reference_foil", self.reference_foil_m))

    def problems(self) -> Iterable[tuple[str, str]]:
        """Find what steps, lines and windows need."""
        yield from super().problems()
        if self.bias_v == 0:
            yield "bias", "0 V given; allowed: a bias of either sign"
        if len(self.foils_m) * len(self.tube_currents_a) < LEAST_DOSE_RATES:
            yield (
                "tube_currents",
                f"fewer than {LEAST_DOSE_RATES} dose rates with these foils; allowed: more of either",
            )
        least_s = self.discard_duration_s + 20 * self.period_s
        if self.half_period_s < least_s:
            yield (
                "discard_duration",
                f"{self.discard_duration_s:g} s leave less than 20 readings of a half period of "
                f"{self.half_period_s:g} s; allowed: at most {max(self.half_period_s - 20 * self.period_s, 0):g} s",
            )
