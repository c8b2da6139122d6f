"""In which order a dose calibration visits its settings, and how long that takes."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

from procedures.wanted import parameters_as
from xraydaq.config.recipes.dose_calibration import DoseCalibrationParameters


@dataclass(frozen=True, slots=True)
class Visit:
    """One foil at one tube current."""

    number: int
    foil_m: float
    current_a: float
    is_reference: bool = False

    @property
    def key(self) -> str:
        """Get the name of the checkpoint."""
        return f"visit {self.number}"

    @property
    def text(self) -> str:
        """Say what is measured."""
        return f"{self.current_a * 1e6:g} uA behind a foil of {self.foil_m * 1e3:g} mm"


wanted_of = parameters_as(DoseCalibrationParameters)


def visits_of(wanted: DoseCalibrationParameters) -> tuple[Visit, ...]:
    """Get all visits: settings in random order, the reference first, last, and in between all along."""
    settings = [(foil_m, current_a) for foil_m in wanted.foils_m for current_a in wanted.tube_currents_a]
    random.Random(wanted.order_seed).shuffle(settings)
    between = max(1, math.floor(wanted.reference_period_s / visit_s(wanted) - 1 + 1e-9))
    return tuple(
        Visit(number, foil_m, current_a, is_reference)
        for number, (foil_m, current_a, is_reference) in enumerate(_with_reference(wanted, settings, between))
    )


def _with_reference(
    wanted: DoseCalibrationParameters, settings: list[tuple[float, float]], between: int
) -> Iterator[tuple[float, float, bool]]:
    reference = (wanted.reference_foil_m, wanted.reference_current_a, True)
    yield reference
    for count, (foil_m, current_a) in enumerate(settings, 1):
        yield foil_m, current_a, False
        if count % between == 0 or count == len(settings):
            yield reference


def visit_s(wanted: DoseCalibrationParameters) -> float:
    """Get how long a visit takes, changing the foil not counted."""
    off_s = (wanted.readings + 1) * wanted.reading_duration_s
    return off_s + wanted.readings * (wanted.settle_duration_s + wanted.reading_duration_s)


def conditioning_off_s(wanted: DoseCalibrationParameters) -> float:
    """Get how long the beam is off in a cycle of the conditioning: the same share of the time as in a visit."""
    return (wanted.readings + 1) / wanted.readings * wanted.reading_duration_s


def conditioning_cycles(wanted: DoseCalibrationParameters) -> int:
    """Get how often the beam goes on and off before anything counts."""
    cycle_s = wanted.settle_duration_s + wanted.reading_duration_s + conditioning_off_s(wanted)
    return math.ceil(wanted.conditioning_duration_s / cycle_s - 1e-9)
