"""Quality and output of the simulated tube's beam, from a tracked table.

The table holds an end-window silver tube (0.75 um Ag on 127 um Be) at 30 cm in air, computed with SpekPy 2.5.4
(G. Poludniowski et al., Med. Phys. 48 (2021) 3630), and what a perovskite crystal absorbs of it (coefficients of
W. T. Elam et al., Radiat. Phys. Chem. 63 (2002) 121). Nothing is recomputed at run time.
"""

import csv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from instruments.sim.twin.devices import ELECTRONVOLT_J
from instruments.sim.twin.modes import Floats

TABLE_DISTANCE_M = 0.30
KEV_J = 1e3 * ELECTRONVOLT_J
SENSITIVITY_SI = 1e-2
"""C/(Gy m2) in 1 uC/(Gy cm2)."""
FLUENCE_SI = 1e10
"""1/(Gy m2) in 1/(uGy cm2)."""

COLUMNS = {
    "air_kerma_rate_Gy_s_per_uA_kout1": 1e6,
    "mean_energy_keV": KEV_J,
    "hvl_mm_Al": 1e-3,
    "photons_cm2_per_uGy": FLUENCE_SI,
    "S0_1mm_uC_Gy_cm2": SENSITIVITY_SI,
    "S0_0p2mm_uC_Gy_cm2": SENSITIVITY_SI,
    "absorbed_photons_1mm_cm2_per_uGy": FLUENCE_SI,
    "mean_absorbed_energy_keV": KEV_J,
    "mean_square_absorbed_energy_keV2": KEV_J**2,
}
"""Columns of the table, in the order of the fields of `Quality`, and what makes SI of them."""

CHAMBER_HVL_M = np.array(
    [0.642, 0.972, 1.363, 1.672, 1.793, 2.286, 3.533, 3.846, 4.191, 4.588, 4.866, 5.077, 5.244]
) * 1e-3  # fmt: skip
CHAMBER_RESPONSE = np.array(
    [0.960, 0.987, 1.000, 1.005, 1.007, 1.011, 1.017, 1.018, 1.019, 1.020, 1.020, 1.021, 1.021]
)
"""Assumed: response of an air chamber behind a wall like 1 mm of polycarbonate, relative to 2 mm Al at 50 kV."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What one tube voltage and one thickness of aluminium make of the beam, 30 cm from the focus."""

    kerma_gy_s_a: float
    """Air kerma rate per tube current for an output factor of 1."""
    mean_energy_j: float
    hvl_m: float
    """First half-value layer in aluminium."""
    photons_per_m2_gy: float
    unity_gain_c_gy_m2: float
    """Sensitivity of 1 mm of crystal when every generated carrier is collected once."""
    unity_gain_thin_c_gy_m2: float
    """The same for 0.2 mm."""
    absorbed_per_m2_gy: float
    """Photons absorbed in 1 mm of crystal."""
    mean_absorbed_j: float
    mean_square_absorbed_j2: float

    @property
    def energy_spread(self) -> float:
        """Get the mean square of the absorbed energy over the square of its mean."""
        return self.mean_square_absorbed_j2 / self.mean_absorbed_j**2


class BeamTable:
    """Qualities between the nodes of the table: monotone cubics in the logarithm, over 1/kV, then aluminium."""

    def __init__(self, rows: Iterable[Mapping[str, str]] | None = None) -> None:
        self._columns = _columns(_tracked_rows() if rows is None else rows)
        self.al_m = np.array(sorted(self._columns))
        self._lowest_kv = np.array([self._columns[al][0][0] for al in self.al_m])
        self._highest_kv = min(float(self._columns[al][0][-1]) for al in self.al_m)
        self.quality = lru_cache(maxsize=4096)(self._quality)
        self._along_kv = lru_cache(maxsize=None)(self._interpolator)

    def lowest_kv(self, total_al_m: float) -> float:
        """Get the voltage below which the table says nothing behind this much aluminium, for want of any dose."""
        self._check_al(total_al_m)
        return float(self._lowest_kv[np.searchsorted(self.al_m, total_al_m * (1 - 1e-9))])

    def _quality(self, kv: float, total_al_m: float) -> Quality:
        """Get the quality at a tube voltage in kilovolts behind a total thickness of aluminium."""
        from scipy.interpolate import PchipInterpolator  # slow to import, and a bench without a tube never needs it

        lowest = self.lowest_kv(total_al_m)
        if not lowest <= kv <= self._highest_kv:
            allowed = f"{lowest:g} kV to {self._highest_kv:g} kV"
            raise ValueError(
                f"tube voltage {kv} kV is outside the beam table ({allowed} behind {_mm(total_al_m)} mm Al)"
            )
        usable = np.flatnonzero(self._lowest_kv <= kv)
        logs = np.array([self._along_kv(index)(-1 / kv) for index in usable])
        al_m = min(max(total_al_m, self.al_m[0]), self.al_m[usable[-1]])  # a last digit, no more: see the check
        return Quality(*map(float, np.exp(PchipInterpolator(self.al_m[usable], logs)(al_m))))

    def chamber_response(self, kv: float, total_al_m: float) -> float:
        """Get the air chamber's response relative to 50 kV and 2 mm Al, from the half-value layer."""
        hvl_m = self.quality(kv, total_al_m).hvl_m
        low, high = CHAMBER_HVL_M[0], CHAMBER_HVL_M[-1]
        if not low * (1 - 1e-3) <= hvl_m <= high * (1 + 1e-3):
            raise ValueError(f"half-value layer {_mm(hvl_m)} mm Al is outside {_mm(low)} to {_mm(high)} mm Al")
        return float(np.interp(hvl_m, CHAMBER_HVL_M, CHAMBER_RESPONSE))

    def _interpolator(self, index: int) -> Callable[[float], Floats]:
        from scipy.interpolate import PchipInterpolator

        kv, logs = self._columns[self.al_m[index]]
        if len(kv) == 1:
            return lambda _: logs[0]
        return PchipInterpolator(-1 / kv, logs)  # over 1/kV the logarithms are less curved than over kV

    def _check_al(self, total_al_m: float) -> None:
        low, high = self.al_m[0], self.al_m[-1]
        if not low * (1 - 1e-9) <= total_al_m <= high * (1 + 1e-9):
            allowed = f"{_mm(low)} mm to {_mm(high)} mm"
            raise ValueError(f"total aluminium {_mm(total_al_m)} mm is outside the beam table ({allowed})")


def _mm(length_m: float) -> str:
    return f"{length_m * 1e3:.6g}"


def reference_folder() -> Path:
    """Get the folder of tracked reference data: in the installed package, else in the checkout."""
    here = Path(__file__).resolve().parent
    installed = here / "reference"
    return installed if installed.is_dir() else here.parents[2] / "data" / "reference"


def _tracked_rows() -> list[dict[str, str]]:
    with (reference_folder() / "beam_grid_30cm.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _columns(rows: Iterable[Mapping[str, str]]) -> dict[float, tuple[Floats, Floats]]:
    """Get, for each thickness of aluminium in metres, the voltages and the logarithms of all quantities there."""
    found: dict[float, list[list[float]]] = {}
    for row in rows:
        values = [float(row[name]) * factor for name, factor in COLUMNS.items()]
        al_m = round(float(row["total_Al_mm"]) * 1e-3, 9)
        found.setdefault(al_m, []).append([float(row["tube_voltage_kV"]), *values])
    columns = {}
    for al_m, lines in found.items():
        block = np.array(sorted(lines))
        columns[al_m] = (block[:, 0], np.log(block[:, 1:]))
    return columns
