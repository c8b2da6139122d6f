"""What a dose calibration says of itself beforehand: beam time, nominal dose, and what the chamber will not measure.

Doses are those of the tracked table of the tube, at its nominal output: what this run is there to replace.
"""

from collections.abc import Iterator

from procedures.calibration_order import conditioning_cycles, visits_of, wanted_of
from procedures.chopped_plan import of_the_warm_up
from xraydaq.config import RunConfig
from xraydaq.config.recipes.dose_calibration import DoseCalibrationParameters
from xraydaq.config.tube_model import nominal_kerma_gy_s_a
from xraydaq.units import format_quantity

LOWEST_GY_S = 2e-9
"""Nominal lower end of a 180 cm^3 chamber; not verified on hardware."""

HIGHEST_GY_S = 4.9e-3
LEAST_AL_M = 0.5e-3
LEAST_DISTANCE_M = 0.13
"""For a chamber of 180 cm^3 at full current."""


def details(config: RunConfig) -> tuple[tuple[str, str], ...]:
    """Get (label, text) lines of the settings."""
    wanted = wanted_of(config)
    filters = ", ".join(f"{each * 1e3:g}" for each in _total_al_m(config))
    currents = ", ".join(f"{each * 1e6:g}" for each in wanted.tube_currents_a)
    references = sum(visit.is_reference for visit in visits_of(wanted))
    field = "covers the chamber" if wanted.field_covers_chamber else "does NOT cover the chamber"
    return (
        ("aluminium in all", f"{filters} mm"),
        ("tube currents", f"{currents} uA at {wanted.tube_voltage_v / 1e3:g} kV"),
        ("each visit", f"{wanted.readings} readings of {wanted.reading_duration_s:g} s, each between two in the dark"),
        ("repeated setting", f"{wanted.reference_foil_m * 1e3:g} mm foil at {wanted.reference_current_a * 1e6:g} uA, "
         f"{references} times"),
        ("chamber", f"{format_quantity(wanted.distance_m, 'm')} from the anode, collimator {wanted.collimator}, "
         f"the field {field}"),
    )  # fmt: skip


def beam_s(wanted: DoseCalibrationParameters) -> float:
    """Get the time with the beam on."""
    each_s = wanted.settle_duration_s + wanted.reading_duration_s
    times = conditioning_cycles(wanted) + len(visits_of(wanted)) * wanted.readings
    return wanted.warm_up_duration_s + times * each_s


def dose_gy(config: RunConfig) -> float:
    """Get the nominal air kerma where the chamber is; 0 where the table has no such beam."""
    wanted = wanted_of(config)
    each_s = wanted.settle_duration_s + wanted.reading_duration_s
    at_reference_s = wanted.warm_up_duration_s + conditioning_cycles(wanted) * each_s
    reference = nominal_rate_gy_s(config, wanted.reference_foil_m, wanted.reference_current_a) * at_reference_s
    visits = (nominal_rate_gy_s(config, visit.foil_m, visit.current_a) for visit in visits_of(wanted))
    total = reference + sum(visits) * wanted.readings * each_s
    return total if total > 0 else 0.0


def warnings(config: RunConfig) -> tuple[str, ...]:
    """Get what the chamber cannot measure although no limit forbids it."""
    return (*_of_the_rates(config), *_of_the_place(config))


def _of_the_rates(config: RunConfig) -> Iterator[str]:
    wanted = wanted_of(config)
    for foil_m, total_m in zip(wanted.foils_m, _total_al_m(config), strict=True):
        lowest = nominal_rate_gy_s(config, foil_m, min(wanted.tube_currents_a))
        highest = nominal_rate_gy_s(config, foil_m, max(wanted.tube_currents_a))
        name = format_quantity(total_m, "m")
        if not total_m >= LEAST_AL_M * (1 - 1e-9):
            yield f"{name} of aluminium: below 0.5 mm no calibration covers the beam; such readings will not be used"
        if lowest < LOWEST_GY_S:
            yield f"{name} of aluminium: about {format_quantity(lowest, 'Gy/s', 2)} is below the chamber's 2 nGy/s"
        if highest > HIGHEST_GY_S:
            yield f"{name} of aluminium: about {format_quantity(highest, 'Gy/s', 2)} is above the chamber's 4.9 mGy/s"


def _of_the_place(config: RunConfig) -> Iterator[str]:
    wanted = wanted_of(config)
    if not dose_gy(config) > 0:
        tube = format_quantity(wanted.tube_voltage_v, "V")
        yield f"no dose is stated: the tracked table of the tube does not have {tube} behind each of these filters"
    if not wanted.field_covers_chamber:
        yield "the field does not cover the chamber: the dose will not be traceable"
    if not wanted.distance_m >= LEAST_DISTANCE_M:
        yield f"{format_quantity(wanted.distance_m, 'm')} from the anode: below 13 cm a 180 cm^3 chamber may saturate"
    yield from of_the_warm_up(wanted.warm_up_duration_s)


def _total_al_m(config: RunConfig) -> tuple[float, ...]:
    wanted = wanted_of(config)
    return tuple(config.bench.total_al_m(foil_m) for foil_m in wanted.foils_m)


def nominal_rate_gy_s(config: RunConfig, foil_m: float, current_a: float) -> float:
    """Get the nominal kerma rate; nan, which no comparison warns of, where the table has no such beam."""
    wanted = wanted_of(config)
    return current_a * nominal_kerma_gy_s_a(wanted.tube_voltage_v, config.bench.total_al_m(foil_m), wanted.distance_m)
