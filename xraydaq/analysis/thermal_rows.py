"""Which rows and points of a temperature sweep are evaluated."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from xraydaq.analysis.conductance import Columns
from xraydaq.analysis.conductance_points import Conductance
from xraydaq.analysis.trace import FLAG_NAMES
from xraydaq.analysis.values import Floats, NotEnoughData

LIMITS = ("overflow", "compliance", "range change")
ABOVE_NOISE = 2.0  # in u


def columns_of(*given: Floats) -> tuple[Columns, dict[str, int]]:
    """Return the columns with the marks of usable rows, and how many rows within points are not, by reason.

    Time, voltage, current, temperature, status, point and pulse, one row each; raises NotEnoughData for columns that
    are not of one length or not in order of time.
    """
    arrays = [np.asarray(column, dtype=np.float64) for column in given]
    if len({column.shape for column in arrays}) != 1 or arrays[0].ndim != 1:
        raise NotEnoughData("all columns must have one length")
    elapsed_s, voltage_v, current_a, temperature_k, status, point, pulse = arrays
    if not bool(np.all(np.diff(elapsed_s) > 0)):
        raise NotEnoughData("elapsed time does not increase from row to row")
    flags = np.where(np.isfinite(status), status, 0).astype(np.int64)
    missing = ~(np.isfinite(voltage_v) & np.isfinite(current_a) & np.isfinite(status))
    within = point >= 0
    dropped = {f"rows with {name}": int(np.sum(within & ((flags & bit) != 0))) for bit, name in FLAG_NAMES.items()}
    dropped["rows without reading"] = int(np.sum(within & missing & (flags == 0)))
    limits = sum(bit for bit, name in FLAG_NAMES.items() if name in LIMITS)
    columns = Columns(
        elapsed_s=elapsed_s,
        voltage_v=voltage_v,
        current_a=current_a,
        temperature_k=temperature_k,
        point=np.where(np.isfinite(point), point, -1.0),
        pulse=np.where(np.isfinite(pulse), pulse, -1.0),
        good=~missing & (flags == 0),
        limited=(flags & limits) != 0,
    )
    return columns, {reason: count for reason, count in dropped.items() if count}


def usable_points(
    found: Sequence[Conductance], unknown: int, offset_u_a: float
) -> tuple[list[Conductance], dict[str, int]]:
    """Return the points with a conductance above its noise, and how many have none or no temperature (`unknown`).

    Where nothing has removed the offset of the meter, its uncertainty joins that of the conductance.
    """
    whole = [_with_offset(one, offset_u_a) if one.offset_left else one for one in found]
    above = [one for one in whole if one.conductance_s > ABOVE_NOISE * one.u_s]
    refused = {"points without temperature": unknown, "points not above the noise": len(whole) - len(above)}
    return above, {reason: count for reason, count in refused.items() if count}


def _with_offset(one: Conductance, offset_u_a: float) -> Conductance:
    u_offset_s = offset_u_a * one.conductance_s / one.current_a if one.current_a > 0 else np.inf
    return replace(one, u_s=float(np.hypot(one.u_s, u_offset_s)))
