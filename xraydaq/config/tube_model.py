"""Nominal air kerma rates of a 50 kV silver tube, from the tracked beam table: for plans and plausibility only.

The table is that of a tube model (G. Poludniowski et al., "SpekPy v2.0", Med. Phys. 48 (2021) 3630). What a real tube
gives is the model's output times a factor that only a chamber can tell.
"""

import math
from bisect import bisect_right
from functools import cache

from xraydaq.config.reference import beam_table

NOMINAL_OUTPUT = 0.40
"""Of the model; from the maker's 1 Sv/h at 30 cm, 50 kV and 80 uA. Published measurements give up to twice as much."""

TABLE_DISTANCE_M = 0.30


@cache
def nominal_table(tube_voltage_v: float, distance_m: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Get rising thicknesses of aluminium (m) and the kerma rate per current behind them (Gy/s/A).

    Both are empty for a voltage that the table does not have. Other distances by the inverse square; what the air
    takes away on a longer way is left out.
    """
    rows = [row for row in beam_table() if math.isclose(row.tube_voltage_v, tube_voltage_v, rel_tol=1e-6)]
    factor = NOMINAL_OUTPUT * (TABLE_DISTANCE_M / distance_m) ** 2
    rows.sort(key=lambda row: row.total_al_m)
    return tuple(row.total_al_m for row in rows), tuple(factor * row.kerma_rate_per_current_gy_s_a for row in rows)


def nominal_kerma_gy_s_a(tube_voltage_v: float, total_al_m: float, distance_m: float) -> float:
    """Get the nominal kerma rate per tube current, linear in ln K between the table's rows; nan outside of them."""
    al_m, kerma = nominal_table(tube_voltage_v, distance_m)
    if not al_m or not al_m[0] * (1 - 1e-9) <= total_al_m <= al_m[-1] * (1 + 1e-9):
        return math.nan
    right = min(max(bisect_right(al_m, total_al_m), 1), len(al_m) - 1)
    share = (total_al_m - al_m[right - 1]) / (al_m[right] - al_m[right - 1])
    return math.exp((1 - share) * math.log(kerma[right - 1]) + share * math.log(kerma[right]))
