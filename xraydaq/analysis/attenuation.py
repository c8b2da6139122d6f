"""Attenuation and quantum efficiency of a compound.

Tables: W. T. Elam, B. D. Ravel, J. R. Sieber, "A new atomic database for X-ray spectroscopic calculations", Radiat.
Phys. Chem. 63 (2002) 121, total cross sections, from the package xraydb. Mixture rule: J. H. Hubbell, S. M. Seltzer,
NISTIR 5632 (1995), equation (2). The escape of iodine K photons (28.6 keV, excited above 33.17 keV) is neglected.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from xraydaq.analysis.values import Floats
from xraydaq.errors import ConfigError, LimitError

ELECTRONVOLT_J = 1.602176634e-19
KEV_J = 1e3 * ELECTRONVOLT_J
LOWEST_J, HIGHEST_J = 1.0 * KEV_J, 800.0 * KEV_J
"""Below and above, the tables are not reliable."""

_CM2_PER_G = 0.1  # in m^2/kg


@dataclass(frozen=True)
class Absorber:
    """A compound by its formula and density."""

    formula: str
    density_kg_m3: float


MAPBI3 = Absorber("CH6NPbI3", 4160.0)
"""Density from the unit cell by X-ray diffraction."""

ALUMINIUM = Absorber("Al", 2699.0)
AIR = Absorber("C0.00015N0.784O0.2105Ar0.0047", 1.2047)
"""Dry, 20 °C, 101.325 kPa; atoms per pair."""


def mass_fractions(formula: str) -> dict[str, float]:
    """Return the share of each element in the mass of a compound.

    Raises:
        ConfigError: the text is no chemical formula, or names an element without data.
    """
    xraydb = _tables()
    try:
        atoms = xraydb.chemparse(formula)
        masses = {symbol: count * float(xraydb.atomic_mass(symbol)) for symbol, count in atoms.items()}
    except (ValueError, IndexError) as error:
        reason = str(error).splitlines()[0].rstrip(":")
        raise ConfigError(f'"{formula}" is not a chemical formula: {reason}; write for example "CH6NPbI3"') from None
    total = sum(masses.values())
    if not total > 0:
        raise ConfigError(f'"{formula}" names no element; write for example "CH6NPbI3"')
    return {symbol: mass / total for symbol, mass in masses.items()}


def attenuation_m1(absorber: Absorber, energy_j: Floats | float) -> Floats:
    """Return the linear attenuation coefficient in 1/m at photon energies in J, in the shape given.

    Raises:
        LimitError: an energy is outside 1 to 800 keV, where the tables hold, or the density is not positive.
        ConfigError: the formula is none.
    """
    xraydb = _tables()
    energy_j = np.asarray(energy_j, dtype=np.float64)
    if not absorber.density_kg_m3 > 0:
        raise LimitError(f"density {absorber.density_kg_m3:g} kg/m^3; allowed: above 0")
    if not np.all((energy_j >= LOWEST_J) & (energy_j <= HIGHEST_J)):
        outside = energy_j[~((energy_j >= LOWEST_J) & (energy_j <= HIGHEST_J))].ravel()[0] / KEV_J
        raise LimitError(f"photon energy {outside:g} keV; the attenuation tables hold from 1 to 800 keV")
    mass_m2_kg = np.zeros_like(energy_j)
    for symbol, share in mass_fractions(absorber.formula).items():
        try:
            table_cm2_g = xraydb.mu_elam(symbol, energy_j.ravel() / ELECTRONVOLT_J)
        except IndexError:
            raise ConfigError(f'"{absorber.formula}": no attenuation data for {symbol}') from None
        mass_m2_kg = mass_m2_kg + share * _CM2_PER_G * np.reshape(table_cm2_g, energy_j.shape)
    return np.asarray(absorber.density_kg_m3 * mass_m2_kg)


def quantum_efficiency(attenuation_per_m: Floats | float, thickness_m: float) -> Floats:
    """Return the share of photons that interact in a layer, 1 - exp(-mu t), for coefficients of any shape.

    Raises:
        LimitError: the thickness is negative or not a number.
    """
    if not thickness_m >= 0:
        raise LimitError(f"thickness {thickness_m:g} m; allowed: from 0")
    return np.asarray(-np.expm1(-np.asarray(attenuation_per_m, dtype=np.float64) * thickness_m))


def _tables() -> Any:
    """Import the tables when they are asked for; the package states no types."""
    return import_module("xraydb")
