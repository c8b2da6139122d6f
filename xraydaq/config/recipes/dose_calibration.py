"""Parameters of ``dose_calibration``: ion chamber in place of the crystal, every filter at several tube currents.

What a dose record must state (collimator, field, distance, certificate) has no default: a recipe that is silent about
it is refused. Settings follow IAEA TRS 457 (2007), chapter 5, and AAPM Report 35 (1992).
"""

from collections.abc import Iterable
from typing import Annotated, ClassVar

from pydantic import Field

from xraydaq.config.recipes.parts import (
    DAY_S,
    Aluminium,
    OptionalDuration,
    ProcedureParameters,
    TubeCurrent,
    TubeVoltage,
)
from xraydaq.config.values import Bounds, Number, Quantities, Quantity
from xraydaq.config.words import Switch, Text

LEAST_FILTERS, LEAST_CURRENTS = 3, 2
LONGEST_VALID_S = 732 * DAY_S

Share = Annotated[float, Quantity("", "2 %", Bounds(at_least=0.0, at_most=1.0))]


class DoseCalibrationParameters(ProcedureParameters):
    """The ``[parameters]`` table of a dose calibration; SI inside."""

    ROLES: ClassVar[tuple[str, ...]] = ("tube", "dosimeter", "filters")

    collimator: Annotated[str, Text("removed", r"[^\n]+", "text in quotes on one line, not empty")]
    """What is in the beam besides the filters while the chamber is: "removed", or its opening."""

    field_covers_chamber: Annotated[bool, Switch()]
    """Whether the field is larger than the chamber; a chamber larger than the beam reads far too little."""

    distance_m: Annotated[float, Quantity("m", "30 cm", Bounds(at_least=0.05, at_most=5.0))] = Field(alias="distance")
    """From the anode to the chamber's reference point, which is where the crystal will be."""

    certificate: Annotated[str, Text("laboratory, number, date", r"[^\n]+", "text in quotes on one line, not empty")]
    """Of the chamber's calibration."""

    tube_voltage_v: TubeVoltage = Field(50e3, alias="tube_voltage")
    """Of every setting; recipes that cite the calibration must use the same."""

    tube_currents_a: Annotated[
        tuple[float, ...], Quantities(Quantity("A", "100 uA", Bounds(above=0.0, at_most=1e-3)))
    ] = Field((50e-6, 100e-6, 200e-6), alias="tube_currents")
    """Measured behind every foil; kerma rates at other currents follow from the line through these."""

    foils_m: Annotated[tuple[float, ...], Quantities(Quantity("m", "1 mm", Bounds(at_least=0.0, at_most=0.05)))] = (
        Field((0.0, 1e-3, 2e-3, 4e-3, 9e-3, 14e-3, 19e-3, 29e-3), alias="foils")
    )
    """Behind the fixed filter, one at a time; 0 mm is the fixed filter alone."""

    reference_foil_m: Aluminium = Field(1e-3, alias="reference_foil")
    """Behind the fixed filter, for the reference setting."""

    reference_current_a: TubeCurrent = Field(100e-6, alias="reference_current")
    """The setting that is measured again and again: first, last, and every `reference_period`."""

    reference_period_s: Annotated[float, Quantity("s", "30 min", Bounds(above=0.0, at_most=DAY_S))] = Field(
        1800.0, alias="reference_period"
    )
    """At most so long from one visit to the reference setting to the next."""

    readings: Annotated[int, Number(3, Bounds(at_least=2, at_most=100), whole=True)] = 3
    """Under the beam at each visit to a setting, every one between two with the beam off."""

    reading_duration_s: Annotated[float, Quantity("s", "60 s", Bounds(at_least=5.0, at_most=3600.0))] = Field(
        60.0, alias="reading_duration"
    )
    """Integration time of one reading of the chamber."""

    settle_duration_s: Annotated[float, Quantity("s", "10 s", Bounds(at_least=1.0, at_most=3600.0))] = Field(
        10.0, alias="settle_duration"
    )
    """Time with the beam on before a reading begins."""

    warm_up_duration_s: OptionalDuration = Field(900.0, alias="warm_up_duration")
    """Time the tube runs at the reference setting first; at least 15 min are recommended."""

    conditioning_duration_s: OptionalDuration = Field(900.0, alias="conditioning_duration")
    """Time after it with the beam switched as it will be, without readings: the tube is as warm as in use."""

    order_seed: Annotated[int, Number(1, Bounds(at_least=0, at_most=2**31), whole=True)] = 1
    """Of the random order of the settings."""

    air_temperature_k: Annotated[float, Quantity("K", "23 degC", Bounds(at_least=273.15, at_most=323.15))] | None = (
        Field(None, alias="air_temperature")
    )
    """Of the air in the chamber, where the dosimeter does not measure it itself."""

    air_pressure_pa: Annotated[float, Quantity("Pa", "99.8 kPa", Bounds(at_least=50e3, at_most=110e3))] | None = Field(
        None, alias="air_pressure"
    )
    """In the room, told to the dosimeter; left out where the instrument knows or the person is asked."""

    valid_for_s: Annotated[float, Quantity("s", "180 day", Bounds(above=0.0, at_most=LONGEST_VALID_S))] = Field(
        180 * DAY_S, alias="valid_for"
    )
    """The calibration file says until when; a run after it warns."""

    chamber_calibration_u: Share = Field(0.020, alias="chamber_calibration_uncertainty")
    """Relative standard uncertainty of the certificate."""

    beam_quality_u: Share = Field(0.012, alias="beam_quality_uncertainty")
    """Of the chamber's factor for these half-value layers; more where the certificate does not cover them."""

    field_u: Share = Field(0.006, alias="field_uncertainty")
    """Kerma not the same over the chamber."""

    repeatability_u: Share = Field(0.004, alias="repeatability_uncertainty")
    """Chamber, air density, distance, recombination."""

    tube_drift_u: Share = Field(0.003, alias="tube_drift_uncertainty")
    """Of the tube's output between this calibration and its use."""

    def beams(self) -> Iterable[tuple[str, float, float]]:
        """Get every beam: one voltage at all currents."""
        beams = [("tube_currents", self.tube_voltage_v, current_a) for current_a in self.tube_currents_a]
        return (*beams, ("reference_current", self.tube_voltage_v, self.reference_current_a))

    def foils(self) -> Iterable[tuple[str, float]]:
        """Get every foil."""
        return (*(("foils", foil_m) for foil_m in self.foils_m), ("reference_foil", self.reference_foil_m))

    def problems(self) -> Iterable[tuple[str, str]]:
        """Find what a line in the current, half-value layers and the air density need."""
        if len(self.tube_currents_a) < LEAST_CURRENTS:
            yield "tube_currents", f"one tube current; allowed: {LEAST_CURRENTS} or more, for its offset"
        if len(self.foils_m) < LEAST_FILTERS:
            yield "foils", f"{len(self.foils_m)} foils; allowed: {LEAST_FILTERS} or more, for half-value layers"
        if not any(abs(self.reference_foil_m - each) < 1e-9 for each in self.foils_m):
            yield "reference_foil", "not one of the foils; allowed: one of them"
        if (self.air_temperature_k is None) != (self.air_pressure_pa is None):
            alone = "air_temperature" if self.air_pressure_pa is None else "air_pressure"
            yield alone, "alone does not give the air density; allowed: air_temperature and air_pressure, or neither"
