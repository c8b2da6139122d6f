"""A dose calibration file: air kerma rate at the crystal, filter by filter, and everything it must say to be believed.

What a dose record needs (chamber, position, field size, collimator, filter, half-value layer, air density) follows
IAEA TRS 457, "Dosimetry in diagnostic radiology: an international code of practice" (2007), chapter 5.
"""

import math
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field

from xraydaq.config.messages import dotted
from xraydaq.config.values import Bounds, Model, Quantity
from xraydaq.config.words import Choice, Day, Switch, Text
from xraydaq.errors import ConfigError
from xraydaq.units import format_quantity

SAME_AL_M = 1e-7
"""Filters closer than this are one filter: the thinnest foils are 10 um."""

RATE_UNIT = "Gy/s/A"
CORRECTED = ("by program", "by instrument")

Line = Annotated[str, Text("anything worth knowing", r"[^\n]+", "text in quotes on one line, not empty")]
Share = Annotated[float, Quantity("", "2 %", Bounds(at_least=0.0, at_most=1.0))]


class CalibratedChamber(Model):
    """The dosimeter the kerma was measured with."""

    digitizer: Annotated[str, Text("Accu-Gold+ 48-0000")]
    chamber: Annotated[str, Text("10X6-180")]
    serial: Annotated[str, Text("00-0000")]
    certificate: Annotated[str, Text("laboratory, number and date")]


class CalibratedFilter(Model):
    """The beam behind one thickness of aluminium: kerma rate = kerma_rate_per_current x (current + current_offset)."""

    total_al_m: Annotated[float, Quantity("m", "1 mm", Bounds(above=0.0, at_most=0.1))] = Field(
        alias="total_aluminium"
    )
    """All aluminium between anode and crystal, the fixed filter included."""

    kerma_gy_per_s_a: Annotated[float, Quantity(RATE_UNIT, "212.5 nGy/s/uA", Bounds(above=0.0))] = Field(
        alias="kerma_rate_per_current"
    )
    kerma_relative_u: Share = Field(alias="uncertainty")
    """Of the statistics of this filter alone."""

    hvl_m: Annotated[float, Quantity("m", "0.97 mm", Bounds(above=0.0, at_most=0.1))] = Field(alias="half_value_layer")
    """First half-value layer in aluminium."""

    hvl_extrapolated: Annotated[bool, Switch()] = Field(False, alias="half_value_layer_extrapolated")


class CalibrationShares(Model):
    """Relative standard uncertainties (k = 1) that every kerma rate of the file has in common."""

    chamber_calibration: Share
    beam_quality: Share
    field: Share
    """Kerma not the same over the whole chamber."""

    repeatability: Share
    """Chamber readings, air density, distance, recombination."""

    tube_drift: Share = 0.0
    """Of the tube's output between this calibration and its use."""


class DoseCalibration(Model):
    """A calibration file; SI inside."""

    name: Annotated[str, Text("50 kV, 30 cm")]
    made_on: Annotated[date, Day("2026-11-25")] = Field(alias="date")
    valid_until: Annotated[date, Day("2027-05-25")]
    simulated: Annotated[bool, Switch()] = False
    """Made on a simulated bench: good for simulated benches only."""

    tube_voltage_v: Annotated[float, Quantity("V", "50 kV", Bounds(above=0.0))] = Field(alias="tube_voltage")
    distance_m: Annotated[float, Quantity("m", "30 cm", Bounds(above=0.0, at_most=10.0))] = Field(alias="distance")
    """From the anode to the crystal, where the chamber's reference point stood."""

    collimator: Annotated[str, Text("removed")]
    """While the chamber was in the beam."""

    field_covers_chamber: Annotated[bool, Switch()]
    air_density_corrected: Annotated[Literal["by program", "by instrument"], Choice(CORRECTED)]
    """Who corrected the readings for air density; twice or never is an error of some percent."""

    current_offset_a: Annotated[float, Quantity("A", "0.05 uA", Bounds(at_least=-1e-5, at_most=1e-5))] = Field(
        alias="current_offset"
    )
    """Added to the set tube current: what the tube does not show."""

    current_offset_u_a: Annotated[float, Quantity("A", "0.01 uA", Bounds(at_least=0.0))] = Field(
        alias="current_offset_uncertainty"
    )
    lowest_current_a: Annotated[float, Quantity("A", "50 uA", Bounds(above=0.0))] | None = Field(
        None, alias="lowest_tube_current"
    )
    highest_current_a: Annotated[float, Quantity("A", "200 uA", Bounds(above=0.0))] | None = Field(
        None, alias="highest_tube_current"
    )
    """Of the readings; kerma rates at other currents follow from the fitted line."""

    run: Line | None = None
    """The run the values come from."""

    note: Line | None = None
    chamber: CalibratedChamber
    filters_by_name: dict[str, CalibratedFilter] = Field(alias="filters")
    uncertainty: CalibrationShares

    @property
    def filters(self) -> tuple[CalibratedFilter, ...]:
        """Get the filters from the thinnest to the thickest."""
        return tuple(sorted(self.filters_by_name.values(), key=lambda each: each.total_al_m))

    @property
    def shares(self) -> dict[str, float]:
        """Get the relative standard uncertainties that all kerma rates have in common, by source."""
        return {name: float(share) for name, share in self.uncertainty.model_dump().items()}

    @property
    def common_relative_u(self) -> float:
        """Get the relative standard uncertainty that all kerma rates have in common (JCGM 100:2008, equation (10))."""
        return math.hypot(*self.shares.values())

    def filter_of(self, total_al_m: float) -> CalibratedFilter:
        """Get the filter of this much aluminium; never an interpolated one: what foils let through is measured.

        Raises:
            ConfigError: the file has no such filter.
        """
        for each in self.filters:
            if abs(each.total_al_m - total_al_m) <= SAME_AL_M:
                return each
        known = ", ".join(format_quantity(each.total_al_m, "m") for each in self.filters)
        raise ConfigError(
            f'calibration "{self.name}": no filter of {format_quantity(total_al_m, "m")} aluminium; allowed: {known}'
        )


def dose_rate(calibration: DoseCalibration, tube_current_a: float, total_al_m: float) -> tuple[float, float]:
    """Get the air kerma rate in Gy/s and its statistical standard uncertainty.

    The uncertainty holds the filter's statistics and the current offset; `DoseCalibration.common_relative_u` is not
    in it, it shifts all rates alike.

    Raises:
        ConfigError: no such filter in the file, or a tube current that is not above zero.
    """
    if not 0 < tube_current_a < math.inf:
        raise ConfigError(
            f'calibration "{calibration.name}": a tube current of {tube_current_a} A; allowed: above 0 A'
        )
    found = calibration.filter_of(total_al_m)
    rate_gy_s = found.kerma_gy_per_s_a * (tube_current_a + calibration.current_offset_a)
    offset_u_gy_s = found.kerma_gy_per_s_a * calibration.current_offset_u_a
    return rate_gy_s, math.hypot(rate_gy_s * found.kerma_relative_u, offset_u_gy_s)


def is_extrapolated(calibration: DoseCalibration, tube_current_a: float) -> bool:
    """Tell whether a tube current lies outside the currents of the calibration's readings."""
    lowest_a, highest_a = calibration.lowest_current_a, calibration.highest_current_a
    below = lowest_a is not None and not tube_current_a >= lowest_a * (1 - 1e-9)
    return below or (highest_a is not None and not tube_current_a <= highest_a * (1 + 1e-9))


def calibration_problems(calibration: DoseCalibration) -> Iterator[str]:
    """Find what contradicts itself in a file whose single values are good: ``key: what; what is allowed``."""
    if not calibration.filters_by_name:
        yield "filters: there is no filter; write for example a table [filters.al_1mm]"
    if calibration.valid_until < calibration.made_on:
        yield (
            f"valid_until: {calibration.valid_until.isoformat()} is before the date "
            f"{calibration.made_on.isoformat()}; allowed: that day or later"
        )
    named = sorted(calibration.filters_by_name.items(), key=lambda each: each[1].total_al_m)
    for (thin, thinner), (thick, thicker) in pairwise(named):
        table = dotted(("filters", thick))
        if thicker.total_al_m - thinner.total_al_m <= SAME_AL_M:
            yield f"{table}: the same aluminium as {dotted(('filters', thin))}; allowed: each thickness once"
        elif not thicker.kerma_gy_per_s_a < thinner.kerma_gy_per_s_a:
            yield f"{table}: more kerma than behind {dotted(('filters', thin))}; allowed: less behind more aluminium"


def calibration_remarks(calibration: DoseCalibration, today: date) -> Iterator[str]:
    """Tell what a reader of any dose from this file must know."""
    if calibration.valid_until < today:
        yield f'calibration "{calibration.name}" was valid until {calibration.valid_until.isoformat()}'
    if not calibration.field_covers_chamber:
        yield f'calibration "{calibration.name}": the field did not cover the chamber; dose not traceable'
    if calibration.simulated:
        yield f'calibration "{calibration.name}" was made on a simulated bench'
