"""Which chamber readings count.

Flags of a dosimeter reading: 0x0001 below range, 0x0002 over rate, 0x0004 over dose, 0x0008 zero missing or old,
0x0010 warming up, 0x0020 air missing or old, 0x0040 sensor changed, 0x0080 calibration out of date, 0x0100 link lost.
"""

import numpy as np
from numpy.typing import NDArray

from xraydaq.analysis.values import Booleans, Floats

BELOW_RANGE, WARMING_UP, CALIBRATION_OLD = 0x0001, 0x0010, 0x0080
FORBIDDING = {
    "over range": 0x0002 | 0x0004,
    "zero missing or old": 0x0008,
    "air missing or old": 0x0020,
    "sensor changed": 0x0040,
    "link lost": 0x0100,
}
LEAST_AL_M = 0.5e-3
"""Behind less, the 3 keV lines of a silver anode make most of the kerma, and no calibration covers them."""


def select(
    rate_gy_s: Floats,
    beam_on: Booleans,
    al_m: Floats,
    flags: NDArray[np.integer] | None,
    status: NDArray[np.integer] | None,
    lowest_rate_gy_s: float,
) -> tuple[Booleans, dict[str, int], tuple[str, ...]]:
    """Return the readings that count, the others by reason (each under its first), and what must be told.

    `status` is not zero where a reading failed, or belongs to a visit that was cut off and made again.
    """
    bits = np.zeros(len(rate_gy_s), np.int64) if flags is None else np.asarray(flags, np.int64)
    reasons = {"no value": ~np.isfinite(rate_gy_s)}
    if status is not None:
        reasons["marked in the run"] = np.asarray(status) != 0
    reasons |= {reason: (bits & mask) != 0 for reason, mask in FORBIDDING.items()}
    reasons["less than 0.5 mm aluminium"] = beam_on & ~(al_m >= LEAST_AL_M * (1 - 1e-9))
    low = ((bits & BELOW_RANGE) != 0) | ~(rate_gy_s >= lowest_rate_gy_s)
    reasons["below the range of the chamber"] = beam_on & low  # with the beam off, leakage always is
    keep = np.ones(len(rate_gy_s), bool)
    dropped = {}
    for reason, mask in reasons.items():
        dropped[reason] = int((mask & keep).sum())
        keep &= ~mask
    told = []
    if np.any(keep & ((bits & CALIBRATION_OLD) != 0)):
        told.append("the calibration of the chamber is out of date")
    if np.any(keep & ((bits & WARMING_UP) != 0)):
        told.append("readings while the chamber was warming up")
    return keep, {reason: count for reason, count in dropped.items() if count}, tuple(told)
