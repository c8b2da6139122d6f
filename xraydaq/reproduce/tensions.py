"""Where printed numbers do not fit together, each with what this bench measured about it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from xraydaq.analysis.values import Value
from xraydaq.reproduce.measured import NO_RESULT, Measured, called, shown
from xraydaq.reproduce.programme import TREATMENTS
from xraydaq.reproduce.sweep_said import LIMIT, estimators, foils_or_crystal, half_value_layers

BOLTZMANN_J_PER_K = 1.380649e-23
ROOM_K = 298.15
ESTIMATORS = ("trap-filled_limit", "steepest_point", "knee", "upper_crossing")
"""Ways to read the voltage off a sweep; the density is proportional to it."""


@dataclass(frozen=True)
class Tension:
    """Two printed claims, what is wrong between them, and the bench's own numbers, "no result" where there is none."""

    claims: str
    problem: str
    measured: tuple[str, ...]


def tensions_of(measured: Measured) -> Iterator[Tension]:
    """Get every tension, whether or not this bench could measure something about it."""
    yield _noise(measured)
    yield Tension(
        "sensitivity of 8e5 µC Gy⁻¹ cm⁻²; photogeneration",
        "every absorbed photon gives hundreds of times the charge that it can generate: photoconductive gain, which "
        "needs carriers that live, or are replaced, for tens of microseconds",
        (
            f"gain at the point: {measured.said('dose sweep', 'photoconductive_gain', '1')}",
            f"gain at the highest field: {measured.said('field', 'gain_at_highest_field', '1')}",
            f"fall of the photocurrent, 90 to 10 %: {measured.said('response', 'fall_time_90_to_10_percent', '')}",
        ),
    )
    yield Tension(
        "dose of a chamber of 180 cm³ at the same position; beam of 2 mm",
        "such a beam fills a thousandth of the chamber: if it was not opened for the calibration, true doses are a "
        "thousand times larger and the gain is one",
        (
            "predicted over measured kerma (0.3 to 3 is traceable): "
            + measured.said("dose calibration", "predicted_over_measured_kerma", "1"),
            f"the field covers the chamber: {measured.text('dose calibration', 'field_covers_chamber') or NO_RESULT}",
        ),
    )
    yield _slope(measured)
    yield Tension(
        "1.5 nGy/s in the primary beam; tube currents from 5 µA",
        "at 50 kV and 30 cm the lowest current gives 1.4 nGy/s only behind 30 mm of aluminium",
        (f"lowest dose rate of the sweep: {measured.said('dose sweep', 'lowest_dose_rate', 'nGy/s')}",),
    )
    yield _dark(measured)
    yield _traps(measured)


def _noise(measured: Measured) -> Tension:
    sweep, quiet = "dose sweep", "dose sweep quiet"
    return Tension(
        "noise of 1e-10 A/√Hz with a 1/f slope; detection limit of 1.5 nGy/s at a signal-to-noise ratio of 3",
        "averaging does not lower 1/f noise: its Allan deviation, √(2 ln 2 h) = 1.18e-10 A, is 16 nGy/s on a spot of "
        "0.0314 cm² at SNR 3; 1.5 nGy/s need a quieter crystal, a hundred averaged cycles, or ten times the area",
        (
            f"1/f noise density at 1 Hz: {measured.said('noise', '1_over_f_noise_density_at_1_hz', '')}",
            *(
                f"{what}, {crystal}: {measured.said(key, name, unit)}"
                for key, crystal in ((sweep, "printed noise"), (quiet, "quiet crystal"))
                for what, name, unit in (
                    ("1/f noise density at 0.1 Hz", "1_over_f_noise_density_at_0p1_hz", ""),
                    ("limit of this 1/f floor", "detection_limit_of_1_over_f_floor", "nGy/s"),
                    ("detection limit", LIMIT, "nGy/s"),
                )
            ),
        ),
    )


def _slope(measured: Measured) -> Tension:
    key = "dose sweep quiet" if measured.curve("dose sweep quiet", "dose_rate") is not None else "dose sweep"
    return Tension(
        "one slope over 1 to 1e4 nGy/s, set by current or aluminium; 8e5 at a point and 7.1e5 as a slope",
        "aluminium hardens the beam, and an absorbing detector is six times as sensitive behind 30 mm as behind "
        "0.5 mm; a crystal can be non-linear by itself. Dose rates alone do not tell the two apart: half-value layers,"
        " one foil at several currents, and two foils at one dose rate do. Where the exponent is not one, sensitivity "
        "at a point, weighted slope and unweighted slope are different numbers",
        (
            f"exponent over all foils: {measured.said('dose sweep', 'exponent_of_dose_rate', '1')}",
            half_value_layers(measured),
            *foils_or_crystal(measured, key),
            *estimators(measured, "dose sweep"),
        ),
    )


def _dark(measured: Measured) -> Tension:
    per_k = coefficient(measured, "atomistic")
    ripple = measured.value("dark atomistic", "peak_to_peak_over_mean")
    allowed = None
    if per_k is not None and ripple is not None and ripple.value > 0:
        swing_k = ripple.value / per_k.value
        allowed = Value(swing_k, swing_k * math.hypot(ripple.u / ripple.value, per_k.u / per_k.value), "K")
    return Tension(
        "dark current flat for 800 min; activation energy of 1.784 eV above 295 K",
        "the dark current at room temperature then follows the crystal by about 16 % per kelvin: flat within 1 % "
        "means stable within 0.06 K",
        (
            f"relative change per kelvin at 298 K, from the fit: {shown(per_k, '%')}",
            f"dark current, peak to peak over mean: {shown(ripple, '%')}",
            f"as a change of temperature: {shown(allowed, 'K')}",
        ),
    )


def _traps(measured: Measured) -> Tension:
    return Tension(
        "three trap densities; a formula without the elementary charge",
        "as printed the formula gives 1e19 V for a trap-filled limit; with the elementary charge it gives 0.4 to "
        "3.6 V, and how that voltage is read off changes the density by up to 2.9",
        tuple(_limits(measured, treatment) for treatment in TREATMENTS),
    )


def _limits(measured: Measured, treatment: str) -> str:
    found = {name: measured.value(f"traps {treatment}", name) for name in ESTIMATORS}
    listed = ", ".join(f"{name.replace('_', ' ')} {shown(value, '')}" for name, value in found.items())
    volts = [value.value for value in found.values() if value is not None]
    factor = f", a factor of {max(volts) / min(volts):.2g} between them" if len(volts) == len(ESTIMATORS) else ""
    return f"{called(treatment)}: {listed}{factor}"


def coefficient(measured: Measured, treatment: str) -> Value | None:
    """Get d ln I/dT at 298 K of two parallel Arrhenius branches of σT, per kelvin, from the fitted parameters.

    The three are taken as independent.
    """
    names = ("activation_energy_above_transition", "activation_energy_below_transition", "transition_temperature")
    found = [value for name in names if (value := measured.value(f"conductivity {treatment}", name)) is not None]
    if len(found) < len(names):
        return None

    def moved(number: int, side: float) -> float:
        return _per_k(*(each.value + side * each.u * (n == number) for n, each in enumerate(found)))

    shares = [(moved(number, 1.0) - moved(number, -1.0)) / 2 for number in range(len(found))]
    return Value(moved(0, 0.0), math.hypot(*shares), "1")


def _per_k(high_j: float, low_j: float, change_k: float) -> float:
    """Return d ln I/dT per kelvin at 298 K.

    With x = (1/T - 1/T_c)/k: share of the high branch s = 1/(1 + exp((E_high - E_low) x)), and
    d ln σ/dT = (s E_high + (1 - s) E_low)/(k T²) - 1/T.
    """
    x = (1 / ROOM_K - 1 / change_k) / BOLTZMANN_J_PER_K
    share = 1 / (1 + math.exp((high_j - low_j) * x))
    return (share * high_j + (1 - share) * low_j) / (BOLTZMANN_J_PER_K * ROOM_K**2) - 1 / ROOM_K
