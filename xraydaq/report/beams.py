"""The tracked table of the beam as the analysis takes it."""

from collections.abc import Callable
from functools import cache

import numpy as np

from xraydaq.analysis.attenuation import KEV_J
from xraydaq.analysis.beam_quality import BeamTable
from xraydaq.analysis.values import Floats
from xraydaq.config.reference import BeamRow, beam_table


@cache
def tracked_beams() -> BeamTable:
    """Read the beam table that comes with the program; once, for evaluations ask it for every point."""
    rows = beam_table()

    def column(of: Callable[[BeamRow], float]) -> Floats:
        return np.array([of(row) for row in rows], dtype=np.float64)

    return BeamTable(
        tube_voltage_v=column(lambda row: row.tube_voltage_v),
        total_al_m=column(lambda row: row.total_al_m),
        half_value_layer_m=column(lambda row: row.half_value_layer_m),
        mean_energy_j=column(lambda row: row.mean_energy_kev * KEV_J),
        s0_1mm_c_gy_m2=column(lambda row: row.s0_1mm_c_gy_m2),
        s0_0p2mm_c_gy_m2=column(lambda row: row.s0_0p2mm_c_gy_m2),
    )
