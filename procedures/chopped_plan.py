"""What procedures with a chopped beam say of themselves beforehand: dose, and what the physics will not allow."""

import math
from collections.abc import Iterator

from instruments.keithley2400.ranges import current_accuracy
from procedures.meter_plan import of_the_range
from xraydaq.config import RunConfig
from xraydaq.config.calibration import dose_rate, is_extrapolated
from xraydaq.config.recipes.parts import ChoppedBeamParameters
from xraydaq.units import format_quantity

LEAST_WARM_UP_S = 900.0


def dose_rate_gy_s(config: RunConfig, foil_m: float, current_a: float) -> float:
    """Get the air kerma rate at the crystal by the calibration."""
    calibration = config.calibration
    assert calibration is not None, "a checked procedure with a beam has a calibration"
    return dose_rate(calibration, current_a, config.bench.total_al_m(foil_m))[0]


def conditioning_cycles(wanted: ChoppedBeamParameters) -> int:
    """Get how often the beam goes on and off before anything counts."""
    return math.ceil(wanted.warm_up_duration_s / (2 * wanted.half_period_s) - 1e-9)


def of_the_dose(config: RunConfig, currents_a: tuple[float, ...]) -> Iterator[str]:
    """Warn of tube currents that the calibration did not measure."""
    calibration = config.calibration
    assert calibration is not None
    outside = sorted({each for each in currents_a if is_extrapolated(calibration, each)})
    if outside:
        currents = ", ".join(format_quantity(each, "A") for each in outside)
        yield f"{currents}: outside the tube currents of the calibration, dose rates by its line"


def of_the_photocurrents(
    config: RunConfig, sensitivity_c_gy_m2: float | None, lowest: tuple[float, str], highest_gy_s: float
) -> Iterator[str]:
    """Warn of photocurrents by an expected sensitivity, or say that there is none to tell them by.

    `lowest` is the smallest photocurrent, as the dose rate in Gy/s that gives it at that sensitivity, and where that
    is; at `highest_gy_s` photocurrent and dark current together are the largest.
    """
    wanted = config.recipe.parameters
    assert isinstance(wanted, ChoppedBeamParameters)
    if sensitivity_c_gy_m2 is None:
        yield (
            "the photocurrent was not compared with the accuracy of the current range: the recipe has no "
            "expected_sensitivity"
        )
        return
    per_rate = sensitivity_c_gy_m2 * config.sample.area_m2
    yield from of_the_photocurrent(wanted, per_rate * lowest[0], lowest[1])
    largest_a = per_rate * highest_gy_s + config.sample.max_dark_current_a
    yield from of_the_range(wanted, largest_a, f"max_dark_current and the photocurrent at {gy_text(highest_gy_s)}")


def of_the_photocurrent(wanted: ChoppedBeamParameters, lowest_a: float, where: str) -> Iterator[str]:
    """Warn of a photocurrent that the meter does not resolve, or that is under the accuracy of its range."""
    if wanted.current_range_a is None:
        return
    accuracy = current_accuracy(wanted.current_range_a, wanted.nplc)
    shown = f"about {format_quantity(lowest_a, 'A', 2)} {where}"
    if accuracy.resolution_a > lowest_a / 3:
        step = format_quantity(accuracy.resolution_a, "A")
        yield f"photocurrent {shown}: a step of the display, {step}, exceeds a third of it"
    if accuracy.offset_u_a > lowest_a:
        offset = format_quantity(accuracy.offset_u_a, "A", 2)
        yield f"photocurrent {shown}: under the range accuracy (offset {offset}), only chopping finds it"


def of_the_warm_up(duration_s: float) -> Iterator[str]:
    """Warn of a tube that is still cold."""
    if not duration_s >= LEAST_WARM_UP_S:
        yield "warm-up below 15 min: the output of the tube still rises"


def gy_text(gy_s: float) -> str:
    """Write a dose rate."""
    return format_quantity(gy_s, "Gy/s", 3)
