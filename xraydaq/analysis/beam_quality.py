"""Unity-gain sensitivity for a beam quality: from the tracked table, and for any thickness from a model spectrum.

The table comes from spectra of G. Poludniowski et al., "SpekPy v2.0", Med. Phys. 48 (2021) 3630, silver transmission
target, 30 cm of air. The model is a closed form fitted to the 50 kV spectrum; only ratios between
layers are taken from it, so that its output cancels.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.interpolate import PchipInterpolator

from xraydaq.analysis.attenuation import (
    AIR,
    ALUMINIUM,
    ELECTRONVOLT_J,
    KEV_J,
    MAPBI3,
    Absorber,
    attenuation_m1,
    quantum_efficiency,
)
from xraydaq.analysis.values import Booleans, Floats
from xraydaq.errors import LimitError

TABLE_PAIR_ENERGY_J = 4.63 * ELECTRONVOLT_J
TABLE_THICKNESS_M, THIN_M = 1e-3, 0.2e-3
MODEL_VOLTAGE_V = 50e3
AIR_PATH_M = 0.3
STEP_KEV = 0.1
LOWEST_KEV = 3.25
SILVER, BERYLLIUM = Absorber("Ag", 10490.0), Absorber("Be", 1848.0)
SELF_M, WINDOW_M = 0.1761e-6, 127e-6
LINES_KEV = np.array([21.99, 22.163, 24.92, 25.45])
LINES_PHOTONS = np.array([5.42e7, 1.022e8, 2.63e7, 5.2e6])


@dataclass(frozen=True)
class BeamQuality:
    """S0 in C Gy^-1 m^-2 and what names the beam."""

    tube_voltage_v: float
    total_al_m: float
    half_value_layer_m: float
    mean_energy_j: float
    unity_gain_c_gy_m2: float

    def __str__(self) -> str:
        """Name the beam as a sensitivity must: voltage, filter, half-value layer."""
        return (
            f"{self.tube_voltage_v / 1e3:g} kV, {self.total_al_m * 1e3:g} mm Al, "
            f"HVL {self.half_value_layer_m * 1e3:.3g} mm Al"
        )


@dataclass(frozen=True)
class BeamTable:
    """Columns of the tracked table, one element per beam, SI; S0 of 1 mm and 0.2 mm of MAPbI3 at W = 4.63 eV."""

    tube_voltage_v: Floats
    total_al_m: Floats
    half_value_layer_m: Floats
    mean_energy_j: Floats
    s0_1mm_c_gy_m2: Floats
    s0_0p2mm_c_gy_m2: Floats

    def at(
        self,
        tube_voltage_v: float,
        total_al_m: float,
        *,
        thickness_m: float,
        pair_energy_j: float,
        absorber: Absorber = MAPBI3,
    ) -> BeamQuality:
        """Return the beam quality of a tube voltage of the table and a filter within it, and S0 of a layer.

        Raises:
            LimitError: the voltage is not in the table, the filter outside it, or S0 of this layer is not known at
                this voltage (1 mm and 0.2 mm of MAPbI3 always are, any other at 50 kV).
        """
        rows = np.isclose(self.tube_voltage_v, tube_voltage_v)
        if not rows.any():
            allowed = ", ".join(f"{kv:g}" for kv in np.unique(self.tube_voltage_v) / 1e3)
            raise LimitError(f"tube voltage {tube_voltage_v / 1e3:g} kV; the beam table holds {allowed} kV")
        al_m = self.total_al_m[rows]
        if not al_m.min() * (1 - 1e-9) <= total_al_m <= al_m.max() * (1 + 1e-9):
            raise LimitError(
                f"{total_al_m * 1e3:g} mm of aluminium at {tube_voltage_v / 1e3:g} kV; the beam table holds "
                f"{al_m.min() * 1e3:g} to {al_m.max() * 1e3:g} mm"
            )
        s0 = self._s0(rows, tube_voltage_v, total_al_m, thickness_m, absorber)
        return BeamQuality(
            tube_voltage_v,
            total_al_m,
            _between(al_m, self.half_value_layer_m[rows], total_al_m),
            _between(al_m, self.mean_energy_j[rows], total_al_m),
            s0 * TABLE_PAIR_ENERGY_J / pair_energy_j,
        )

    def _s0(
        self, rows: Booleans, tube_voltage_v: float, total_al_m: float, thickness_m: float, absorber: Absorber
    ) -> float:
        for column, tabled_m in ((self.s0_1mm_c_gy_m2, TABLE_THICKNESS_M), (self.s0_0p2mm_c_gy_m2, THIN_M)):
            if absorber == MAPBI3 and np.isclose(thickness_m, tabled_m):
                return _between(self.total_al_m[rows], column[rows], total_al_m)
        if not np.isclose(tube_voltage_v, MODEL_VOLTAGE_V):
            raise LimitError(
                f"S0 of {thickness_m * 1e3:g} mm of {absorber.formula} is not known at {tube_voltage_v / 1e3:g} kV; "
                f"allowed: 1 mm or 0.2 mm of {MAPBI3.formula}, and any layer at {MODEL_VOLTAGE_V / 1e3:g} kV"
            )
        tabled = _between(self.total_al_m[rows], self.s0_1mm_c_gy_m2[rows], total_al_m)
        share = absorbed_share(absorber, total_al_m, thickness_m)
        return tabled * share / absorbed_share(MAPBI3, total_al_m, TABLE_THICKNESS_M)


def model_spectrum(total_al_m: float) -> tuple[Floats, Floats]:
    """Return photon energies in J and relative photon numbers at 50 kV behind 30 cm of air and a filter.

    Continuum `(50/E)^1.0507 (1 - E/50)^0.5102` behind silver and beryllium, and the K lines of silver.
    """
    energy_j, photons, aluminium_m1 = _unfiltered()
    return energy_j, photons * np.exp(-aluminium_m1 * total_al_m)


def absorbed_share(absorber: Absorber, total_al_m: float, thickness_m: float) -> float:
    """Return the share of the energy of the 50 kV beam behind a filter whose photons interact in a layer."""
    energy_j, photons = model_spectrum(total_al_m)
    absorbed = quantum_efficiency(_on_the_grid(absorber), thickness_m)
    return float(np.sum(photons * energy_j * absorbed) / np.sum(photons * energy_j))


@cache
def _unfiltered() -> tuple[Floats, Floats, Floats]:
    """Energies, photons behind target and air, and the attenuation of aluminium; once, for the tables are slow."""
    bins = round((50 - LOWEST_KEV) / STEP_KEV)
    continuum_kev = np.asarray(LOWEST_KEV + STEP_KEV * (np.arange(bins) + 0.5), dtype=np.float64)
    shape = 1.764e7 * (50 / continuum_kev) ** 1.0507 * (1 - continuum_kev / 50) ** 0.5102 * STEP_KEV
    target = attenuation_m1(SILVER, continuum_kev * KEV_J) * SELF_M
    target = target + attenuation_m1(BERYLLIUM, continuum_kev * KEV_J) * WINDOW_M
    energy_j = np.concatenate((continuum_kev, LINES_KEV)) * KEV_J
    photons = np.concatenate((shape * np.exp(-target), LINES_PHOTONS))
    photons *= np.exp(-attenuation_m1(AIR, energy_j) * AIR_PATH_M)
    return energy_j, photons, attenuation_m1(ALUMINIUM, energy_j)


@cache
def _on_the_grid(absorber: Absorber) -> Floats:
    return attenuation_m1(absorber, _unfiltered()[0])


def _between(al_m: Floats, column: Floats, wanted_m: float) -> float:
    """Interpolate the logarithm of a column by a monotone cubic (F. N. Fritsch, R. E. Carlson, 1980)."""
    clipped_m = min(max(wanted_m, float(al_m[0])), float(al_m[-1]))
    return float(np.exp(PchipInterpolator(al_m, np.log(column))(clipped_m)))
