"""Charge per dose of a detector that collects every pair once, and the gain over it.

Pair creation energy: R. Devanathan et al., "Signal variance in gamma-ray detectors - a review", Nucl. Instrum.
Methods A 565 (2006) 637, W = 2 E_g + 1.43 eV. Sensitivity at unity gain: S. Kasap et al., "Amorphous and
polycrystalline photoconductors for direct conversion flat panel X-ray image sensors", Sensors 11 (2011) 5112,
section 2; absorbed energy is that of all photons that interact. Gain: R. H. Bube, Photoconductivity of Solids (1960),
lifetime over transit time.
"""

import math
from collections.abc import Mapping

import numpy as np

from xraydaq.analysis.attenuation import ELECTRONVOLT_J, KEV_J
from xraydaq.analysis.outcome import Budget
from xraydaq.analysis.values import Floats, Value
from xraydaq.errors import LimitError

DEVANATHAN_OFFSET_J = 1.43 * ELECTRONVOLT_J
RULE_U_REL = 0.10
"""Of W, relative (assumed): measured W of Si, Ge, GaAs and CdTe (3.6, 3.0, 4.2, 4.4 eV) lie within 7 % of the rule,
those of PbI2 and HgI2 (4.9, 4.2 eV) about 20 and 25 % below it."""

BEAM_U_REL = 0.02
"""Of S0 from a spectrum: difference of two integrations and of the model of the target (assumed)."""

TABLES_U_REL = 0.02
"""Of S0 at one energy: attenuation and energy absorption of air, Hubbell and Seltzer, section 2."""

# J. H. Hubbell, S. M. Seltzer, NISTIR 5632 (1995), table 4, dry air from the K edge of argon: keV, mu_en/rho in cm^2/g
_AIR_KEV = (3.2029, 4, 5, 6, 8, 10, 15, 20, 30, 40, 50, 60, 80, 100)
_AIR_CM2_G = (
    146.0, 76.36, 39.31, 22.70, 9.446, 4.742, 1.334, 0.5389, 0.1537, 0.06833, 0.04098, 0.03041, 0.02407, 0.02325,
)  # fmt: skip
_CM2_PER_G = 0.1  # in m^2/kg


def pair_energy(gap: Value) -> tuple[Value, Budget]:
    """Return W in J for a band gap in J, and what its uncertainty is made of.

    Raises:
        LimitError: the gap is not positive.
    """
    if not gap.value > 0:
        raise LimitError(f"band gap {gap.value / ELECTRONVOLT_J:g} eV; allowed: above 0 eV")
    w_j = 2 * gap.value + DEVANATHAN_OFFSET_J
    budget = Budget("J", {"scatter of materials about the rule": RULE_U_REL * w_j, "band gap": 2 * gap.u})
    return Value(w_j, budget.combined, "J"), budget


def air_energy_absorption_m2_kg(energy_j: Floats | float) -> Floats:
    """Return mu_en/rho of dry air in m^2/kg at photon energies in J, straight between the nodes in logarithms.

    Raises:
        LimitError: an energy is outside 3.21 to 100 keV.
    """
    energy_kev = np.asarray(energy_j, dtype=np.float64) / KEV_J
    if not np.all((energy_kev >= _AIR_KEV[0]) & (energy_kev <= _AIR_KEV[-1] * (1 + 1e-12))):
        raise LimitError(f"photon energy outside {_AIR_KEV[0]:g} to {_AIR_KEV[-1]:g} keV, the table of kerma in air")
    logarithm = np.interp(np.log(energy_kev), np.log(_AIR_KEV), np.log(_AIR_CM2_G))
    return np.asarray(_CM2_PER_G * np.exp(logarithm))


def unity_gain_sensitivity_c_gy_m2(energy_j: Floats, photons: Floats, absorbed: Floats, pair_energy_j: float) -> float:
    """Return S0 = (e/W) sum(N E eta) / sum(N E mu_en/rho) in C Gy^-1 m^-2.

    `energy_j`, `photons` (relative numbers of photons per energy), `absorbed` (quantum efficiency): same shape.

    Raises:
        LimitError: no photons, or an energy without kerma in air.
    """
    energy_j = np.atleast_1d(np.asarray(energy_j, dtype=np.float64))
    fluence_j = np.asarray(photons, dtype=np.float64) * energy_j
    kerma = float(np.sum(fluence_j * air_energy_absorption_m2_kg(energy_j)))
    if not kerma > 0:
        raise LimitError("a spectrum without photons has no dose")
    return ELECTRONVOLT_J / pair_energy_j * float(np.sum(fluence_j * absorbed)) / kerma


def transit_time_s(gap_m: float, mobility_m2_vs: float, bias_v: float) -> float:
    """Return g^2/(mu V), the time a carrier takes across the gap in the nominal field.

    Raises:
        LimitError: one of them is not positive.
    """
    for name, value in (("gap", gap_m), ("mobility", mobility_m2_vs), ("bias", abs(bias_v))):
        if not value > 0:
            raise LimitError(f"{name} {value:g}; allowed: above 0, a transit time has no meaning otherwise")
    return gap_m**2 / (mobility_m2_vs * abs(bias_v))


def gain(sensitivity: Value, unity: Value, shares: Mapping[str, float] | None = None) -> tuple[Value, Budget]:
    """Return G = S/S0 and its budget; both in C Gy^-1 m^-2.

    `shares`: relative contributions to u(S0) by source; without them u(S0) is one share. Linear
    propagation does: the mean of the ratio is off by (u/S0)^2, 1 % of G at 10 %, a tenth of its uncertainty.
    """
    value = sensitivity.value / unity.value
    parts = {"unity-gain sensitivity": unity.u / unity.value} if shares is None else dict(shares)
    budget = Budget(
        "1", {"sensitivity": sensitivity.u / unity.value, **{name: u * abs(value) for name, u in parts.items()}}
    )
    return Value(value, math.hypot(*budget.shares.values()), "1", sensitivity.dof), budget
