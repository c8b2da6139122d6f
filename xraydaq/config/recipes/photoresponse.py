"""Parameters of ``photoresponse``: the beam on and off, read fast after every edge.

Settings follow the measuring practice of the bench: readings at least as dense as the fastest time constant looked
for, a minute each of beam and dark, several cycles, two dose rates. On a glass blank it is the control for the
ionisation of air.
"""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from xraydaq.config.recipes.parts import Aluminium, Bias, ChoppedBeamParameters, OptionalDuration
from xraydaq.config.values import Bounds, Number, Quantities, Quantity

LEAST_CYCLES = 4
READINGS_AFTER_AN_EDGE = 40


class PhotoresponseParameters(ChoppedBeamParameters):
    """The ``[parameters]`` table of a photoresponse run; SI inside."""

    bias_v: Bias = Field(alias="bias")
    """Bias during the whole run, either sign."""

    nplc: Annotated[float, Number(0.2, Bounds(at_least=0.01, at_most=10.0))] = 0.2
    """Integration time of a reading in power line cycles; the fit integrates over it."""

    period_s: Annotated[float, Quantity("s", "25 ms", Bounds(above=0.0, at_most=1.0))] = Field(0.025, alias="period")
    """Time from one reading to the next after an edge, not longer than the time constant looked for."""

    dense_duration_s: Annotated[float, Quantity("s", "4 s", Bounds(above=0.0, at_most=3600.0))] = Field(
        4.0, alias="dense_duration"
    )
    """How long after an edge readings follow each other at `period`."""

    late_period_s: Annotated[float, Quantity("s", "0.25 s", Bounds(above=0.0, at_most=1.0))] = Field(
        0.25, alias="late_period"
    )
    """Time from one reading to the next after that, until the next edge."""

    foil_m: Aluminium = Field(1e-3, alias="foil")
    """Behind the fixed filter; 0 mm is the fixed filter alone."""

    tube_currents_a: Annotated[
        tuple[float, ...], Quantities(Quantity("A", "100 uA", Bounds(above=0.0, at_most=1e-3)))
    ] = Field((194e-6, 48e-6), alias="tube_currents")
    """One dose rate each, in this order."""

    cycles: Annotated[int, Number(5, Bounds(at_least=LEAST_CYCLES, at_most=1000), whole=True)] = 5
    """Of beam on and off at each dose rate, after a dark window."""

    half_period_s: Annotated[float, Quantity("s", "60 s", Bounds(at_least=1.0, at_most=3600.0))] = Field(
        60.0, alias="half_period"
    )
    settle_duration_s: OptionalDuration = Field(1800.0, alias="settle_duration")
    """Time at bias in the dark before the first beam."""

    discard_duration_s: Annotated[float, Quantity("s", "2 s", Bounds(at_least=0.0, at_most=3600.0))] = Field(
        2.0, alias="discard_duration"
    )
    """Of a blank: left out of the evaluation after each edge."""

    expected_sensitivity_c_gy_m2: (
        Annotated[float, Quantity("C Gy^-1 m^-2", "6e5 uC/Gy/cm^2", Bounds(above=0.0))] | None
    ) = Field(None, alias="expected_sensitivity")
    """For the plan: whether the photocurrent can be resolved. On a blank: of the sample it is compared with."""

    def biases(self) -> Iterable[tuple[str, float]]:
        """Get the bias."""
        return (("bias", self.bias_v),)

    def beams(self) -> Iterable[tuple[str, float, float]]:
        """Get every beam: one voltage at all currents."""
        return (("tube_currents", self.tube_voltage_v, current_a) for current_a in self.tube_currents_a)

    def foils(self) -> Iterable[tuple[str, float]]:
        """Get the foil."""
        return (("foil", self.foil_m),)

    def periods(self) -> Iterable[tuple[str, float]]:
        """Get both reading periods."""
        return (("period", self.period_s), ("late_period", self.late_period_s))

    def problems(self) -> Iterable[tuple[str, str]]:
        """Find what a fit of the response needs."""
        yield from super().problems()
        if self.bias_v == 0:
            yield "bias", "0 V given; allowed: a bias of either sign"
        if not self.dense_duration_s <= self.half_period_s:
            yield (
                "dense_duration",
                f"{self.dense_duration_s:g} s is longer than the half period of {self.half_period_s:g} s; allowed: "
                "at most that",
            )
        if not self.late_period_s >= self.period_s:
            yield "late_period", f"{self.late_period_s:g} s is shorter than the period of {self.period_s:g} s"
        least = (
            self.dense_duration_s / self.period_s + (self.half_period_s - self.dense_duration_s) / self.late_period_s
        )
        if least < READINGS_AFTER_AN_EDGE:
            yield "period", f"{least:.0f} readings between two edges; allowed: {READINGS_AFTER_AN_EDGE} or more"
