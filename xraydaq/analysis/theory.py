"""What a crystal of a given thickness can do at most, and the gain that a measured sensitivity means.

Sources: see `attenuation`, `charge_yield`, `beam_quality`. A gain of tau/t_tr (R. H. Bube, Photoconductivity of
Solids, 1960) above one needs carriers that are replaced at the contacts while their partners are trapped.
"""

import math
from collections.abc import Sequence
from itertools import zip_longest

import numpy as np

from xraydaq.analysis.attenuation import KEV_J, Absorber, attenuation_m1, quantum_efficiency
from xraydaq.analysis.beam_quality import BeamTable
from xraydaq.analysis.charge_yield import (
    BEAM_U_REL,
    TABLES_U_REL,
    gain,
    pair_energy,
    transit_time_s,
    unity_gain_sensitivity_c_gy_m2,
)
from xraydaq.analysis.outcome import Budget
from xraydaq.analysis.theory_result import AtBeam, AtEnergy, Carriers, TheoryResult
from xraydaq.analysis.values import Floats, Value
from xraydaq.errors import LimitError

CURVE_KEV = (5.0, 60.0)
CURVE_POINTS = 1101
BEAM_VOLTAGE_V = 50e3
GAIN_TO_EXPLAIN = 1.0
S0_UNIT = "C Gy^-1 m^-2"


def evaluate(
    absorber: Absorber,
    band_gap: Value,
    *,
    energies_j: Sequence[float],
    thicknesses_m: Sequence[float],
    table: BeamTable,
    beams: Sequence[tuple[float, float]],
    carriers: Carriers,
    sensitivities: Sequence[Value] = (),
) -> TheoryResult:
    """Evaluate attenuation and charge yield of a compound for photon energies (J) and layers (m).

    `band_gap` in J; `beams`: tube voltage (V) and total aluminium (m) of each; `sensitivities` in
    C Gy^-1 m^-2, as measured: none, or one for each beam.

    Raises:
        LimitError: an energy, thickness, filter or voltage is outside what the tables hold.
        ConfigError: the formula is none.
        ValueError: sensitivities and beams do not match.
    """
    if not thicknesses_m or not all(each > 0 for each in thicknesses_m):
        raise LimitError("thickness of each layer; allowed: above 0, at least one")
    if len(sensitivities) not in (0, len(beams)):
        raise ValueError(f"{len(sensitivities)} sensitivities for {len(beams)} beams")
    w, w_budget = pair_energy(band_gap)
    transit_s = transit_time_s(carriers.gap_m, carriers.mobility_m2_vs, carriers.bias_v)
    at_energies = tuple(_at_energy(absorber, each, thicknesses_m, w) for each in energies_j)
    shares = {name: u / w.value for name, u in w_budget.shares.items()} | {"beam spectrum": BEAM_U_REL}
    at_beams = tuple(
        _at_beam(absorber, beam, thicknesses_m, w, table, shares, measured, transit_s)
        for beam, measured in zip_longest(beams, sensitivities)
    )
    lifetime_gain = carriers.lifetime_s / transit_s
    return TheoryResult(
        headline=f"{absorber.formula}, {absorber.density_kg_m3 / 1e3:.4g} g/cm^3",
        verdict=_verdict(at_beams, lifetime_gain),
        flags=_flags(absorber, energies_j, at_beams, lifetime_gain),
        inputs=_inputs(absorber, band_gap, carriers),
        budgets=_budgets(w_budget, shares, at_beams),
        curves=_curves(absorber, thicknesses_m, w, table),
        method="W = 2 Eg + 1.43 eV (Devanathan 2006); total cross sections (Elam 2002); all energy of a photon that "
        "interacts is absorbed; W, the beam table and the tables of attenuation are shares of u",
        absorber=absorber,
        thicknesses_m=tuple(thicknesses_m),
        band_gap=band_gap,
        pair_energy=w,
        energies=at_energies,
        beams=at_beams,
        transit_time_s=transit_s,
        gain_of_lifetime=lifetime_gain,
    )


def _at_energy(absorber: Absorber, energy_j: float, thicknesses_m: Sequence[float], w: Value) -> AtEnergy:
    mu_m1 = float(attenuation_m1(absorber, energy_j))
    efficiency, unity = [], []
    for thickness_m in thicknesses_m:
        eta = float(quantum_efficiency(mu_m1, thickness_m))
        eta_u = mu_m1 * thickness_m * (1 - eta) * TABLES_U_REL
        s0 = unity_gain_sensitivity_c_gy_m2(np.array([energy_j]), np.ones(1), np.array([eta]), w.value)
        efficiency.append(Value(eta, eta_u, "1"))
        unity.append(Value(s0, s0 * math.hypot(w.u / w.value, eta_u / eta, TABLES_U_REL), S0_UNIT))
    return AtEnergy(energy_j, Value(mu_m1, TABLES_U_REL * mu_m1, "m^-1"), tuple(efficiency), tuple(unity))


def _at_beam(
    absorber: Absorber,
    beam: tuple[float, float],
    thicknesses_m: Sequence[float],
    w: Value,
    table: BeamTable,
    shares: dict[str, float],
    sensitivity: Value | None,
    transit_s: float,
) -> AtBeam:
    qualities = [table.at(*beam, thickness_m=each, pair_energy_j=w.value, absorber=absorber) for each in thicknesses_m]
    u_rel = math.hypot(*shares.values())
    unity = tuple(Value(each.unity_gain_c_gy_m2, u_rel * each.unity_gain_c_gy_m2, S0_UNIT) for each in qualities)
    if sensitivity is None:
        return AtBeam(qualities[0], unity)
    gains = tuple(gain(sensitivity, each)[0] for each in unity)
    lifetimes = tuple(Value(each.value * transit_s, each.u * transit_s, "s") for each in gains)
    return AtBeam(qualities[0], unity, sensitivity, gains, lifetimes)


def _verdict(beams: tuple[AtBeam, ...], lifetime_gain: float) -> str:
    gains = [value for beam in beams for value in beam.gain]
    if not gains:
        return f"no measured sensitivity given; the lifetime given allows a gain of {_two(lifetime_gain)}"
    low, high = min(each.value for each in gains), max(each.value for each in gains)
    span = _two(low) if math.isclose(low, high, rel_tol=0.05) else f"{_two(low)} to {_two(high)}"
    if all(each.value - 2 * each.u <= GAIN_TO_EXPLAIN for each in gains):
        return f"gain {span}: no photoconductive gain above unity is needed"
    return f"gain {span}: every pair moves more than one charge; the lifetime given allows {_two(lifetime_gain)}"


def _two(number: float) -> str:
    """Two significant digits, never as a power of ten."""
    return f"{float(f'{number:.1e}'):g}"


def _flags(
    absorber: Absorber, energies_j: Sequence[float], beams: tuple[AtBeam, ...], lifetime_gain: float
) -> tuple[str, ...]:
    flags = []
    if any(each.value - 2 * each.u > lifetime_gain for beam in beams for each in beam.gain):
        flags.append(
            "the gain is larger than lifetime over transit time: trapping or injection prolongs the response, "
            "or the dose is not that at the crystal; look at the response time"
        )
    if "I" in absorber.formula and any(each > 33.17 * KEV_J for each in energies_j):
        flags.append("above 33.17 keV the escape of iodine K photons is neglected; S0 is an upper limit there")
    return tuple(flags)


def _inputs(absorber: Absorber, band_gap: Value, carriers: Carriers) -> dict[str, float | str]:
    return {
        "formula": absorber.formula,
        "density_kg_m3": absorber.density_kg_m3,
        "band_gap_j": band_gap.value,
        "electrode_gap_m": carriers.gap_m,
        "bias_v": carriers.bias_v,
        "mobility_m2_vs": carriers.mobility_m2_vs,
        "lifetime_s": carriers.lifetime_s,
    }


def _budgets(w_budget: Budget, shares: dict[str, float], beams: tuple[AtBeam, ...]) -> dict[str, Budget]:
    budgets = {"pair creation energy": w_budget}
    for beam in beams:
        if beam.sensitivity is not None:
            label = f"gain {beam.quality.tube_voltage_v / 1e3:g} kV {beam.quality.total_al_m * 1e3:g} mm Al"
            budgets[label] = gain(beam.sensitivity, beam.unity_gain[0], shares)[1]
    return budgets


def _curves(
    absorber: Absorber, thicknesses_m: Sequence[float], w: Value, table: BeamTable
) -> dict[str, tuple[Floats, str]]:
    energy_j = np.linspace(*CURVE_KEV, CURVE_POINTS) * KEV_J
    mu_m1 = attenuation_m1(absorber, energy_j)
    al_m = np.geomspace(0.5e-3, 35e-3, 40)
    curves = {"energy": (energy_j, "J"), "attenuation": (mu_m1, "m^-1"), "total_aluminium": (al_m, "m")}
    for number, thickness_m in enumerate(thicknesses_m, 1):
        curves[f"quantum_efficiency_{number}"] = (quantum_efficiency(mu_m1, thickness_m), "1")
        s0 = [
            table.at(
                BEAM_VOLTAGE_V, each, thickness_m=thickness_m, pair_energy_j=w.value, absorber=absorber
            ).unity_gain_c_gy_m2
            for each in al_m
        ]
        curves[f"unity_gain_{number}"] = (np.array(s0), S0_UNIT)
    return curves
