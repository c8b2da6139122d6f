"""Where printed numbers do not fit together, each with what this bench measured about it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from xraydaq.analysis.values import Value
from xraydaq.reproduce.measured import Measured, value_text

BOLTZMANN_J_PER_K = 1.380649e-23
ROOM_K = 298.15


@dataclass(frozen=True)
class Tension:
    """Two printed claims, what is wrong between them, and the bench's own numbers."""

    claims: str
    problem: str
    measured: str


def tensions_of(measured: Measured) -> Iterator[Tension]:
    """Get every tension, whether or not this bench could measure something about it."""
    yield Tension(
        "noise of 1e-10 A/√Hz with a 1/f slope; detection limit of 1.5 nGy/s at a signal-to-noise ratio of 3",
        "averaging does not lower 1/f noise: its Allan deviation, √(2 ln 2 h) = 1.18e-10 A, is 16 nGy/s on a spot of "
        "0.0314 cm² at SNR 3; 1.5 nGy/s need a quieter crystal, a hundred averaged cycles, or ten times the area",
        "; ".join(
            (
                _said("1/f noise density at 1 Hz", measured.value("noise", "1_over_f_noise_density_at_1_hz"), ""),
                _said(
                    "limit of this 1/f floor",
                    measured.value("dose sweep", "detection_limit_of_1_over_f_floor"),
                    "nGy/s",
                ),
                _said(
                    "detection limit, printed noise", measured.value("dose sweep", "detection_limit_snr_3"), "nGy/s"
                ),
                _said(
                    "detection limit, quiet crystal",
                    measured.value("dose sweep quiet", "detection_limit_snr_3"),
                    "nGy/s",
                ),
            )
        ),
    )
    yield Tension(
        "sensitivity of 8e5 uC/Gy/cm²; photogeneration",
        "every absorbed photon gives hundreds of times the charge that it can generate: photoconductive gain, which "
        "needs carriers that live, or are replaced, for tens of microseconds",
        _said("gain of the sweep", measured.value("dose sweep", "photoconductive_gain"), "1"),
    )
    yield Tension(
        "dose of a chamber of 180 cm³ at the same position; beam of 2 mm",
        "such a beam fills a thousandth of the chamber: if it was not opened for the calibration, true doses are a "
        "thousand times larger and the gain is one",
        _said(
            "predicted over measured kerma (0.3 to 3 is traceable)",
            measured.value("dose calibration", "predicted_over_measured_kerma"),
            "1",
        ),
    )
    yield Tension(
        "one slope over 1 to 1e4 nGy/s, set by current or aluminium",
        "aluminium hardens the beam, and an absorbing detector is six times as sensitive behind 30 mm as behind "
        "0.5 mm: points of several filters lie on one line only if the crystal does not care about energy",
        _said("exponent of the response over all filters", measured.value("dose sweep", "exponent_of_dose_rate"), "1"),
    )
    yield Tension(
        "1.5 nGy/s in the primary beam; tube currents from 5 uA",
        "at 50 kV and 30 cm the lowest current gives 1.4 nGy/s only behind 30 mm of aluminium",
        _said("lowest dose rate of the sweep", measured.value("dose sweep", "lowest_dose_rate"), "nGy/s"),
    )
    yield Tension(
        "dark current flat for 800 min; activation energy of 1.784 eV above 295 K",
        "the dark current at room temperature then follows the crystal by about 16 % per kelvin: flat within 1 % "
        "means stable within 0.06 K",
        _said("temperature coefficient at 298 K, from the fit", coefficient(measured, "atomistic"), "%"),
    )
    yield Tension(
        "three trap densities; a formula without the elementary charge",
        "as printed the formula gives 1e19 V for a trap-filled limit; with the elementary charge it gives 0.4 to "
        "3.6 V, and how that voltage is read off changes the density by up to 2.9",
        _said("trap-filled limit, untreated", measured.value("traps untreated", "trap-filled_limit"), ""),
    )


def coefficient(measured: Measured, treatment: str) -> Value | None:
    """Get d ln I/dT at 298 K of two parallel Arrhenius branches of σT, per kelvin, from the fitted parameters.

    With x = (1/T - 1/T_c)/k: share of the high branch s = 1/(1 + exp((E_high - E_low) x)), and
    d ln σ/dT = (s E_high + (1 - s) E_low)/(k T²) - 1/T. The uncertainty is that of E_high alone.
    """
    names = ("activation_energy_above_transition", "activation_energy_below_transition", "transition_temperature")
    high, low, change = (measured.value(f"conductivity {treatment}", name) for name in names)
    if high is None or low is None or change is None:
        return None
    x = (1 / ROOM_K - 1 / change.value) / BOLTZMANN_J_PER_K
    share = 1 / (1 + math.exp((high.value - low.value) * x))
    scale = BOLTZMANN_J_PER_K * ROOM_K**2
    per_k = (share * high.value + (1 - share) * low.value) / scale - 1 / ROOM_K
    return Value(per_k, share * high.u / scale, "1")


def _said(what: str, value: Value | None, unit: str) -> str:
    if value is None or not math.isfinite(value.value):
        return f"{what}: not measured"
    return f"{what}: {value_text(value, unit)}"
