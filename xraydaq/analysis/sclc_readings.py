"""Which readings of a current-voltage run belong to which sweep, without the offset of the meter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xraydaq.analysis.current_density import Instrument, Offset, offset
from xraydaq.analysis.sclc import WINDOW
from xraydaq.analysis.trace import FLAG_NAMES
from xraydaq.analysis.values import Booleans, Floats, NotEnoughData

ABOVE_ACCURACY = 3.0  # a current below three times its u is not one whose logarithm means anything
SAME_BIAS = 0.01  # readings closer than this, relatively, are one point
STEP_BACK = 2.0  # a bias that falls by this factor in a sweep upwards begins the next sweep
AT_ZERO_V = 1e-4


@dataclass(frozen=True)
class Readings:
    """One sweep in rising order of bias; bias and current above zero, with their u, in V and A.

    `offset_u_a` is the part of u that all readings share: what is left of the offset of the meter.
    """

    bias_v: Floats
    current_a: Floats
    current_u_a: Floats
    bias_u_v: Floats
    offset_u_a: float


@dataclass(frozen=True)
class ReadSweep:
    """Readings of one sweep, its direction (+1, -1) and when it began."""

    direction: int
    begins_s: float
    readings: Readings


@dataclass(frozen=True)
class ReadSweeps:
    """All sweeps with at least 7 points, the offset that was subtracted, and the readings not used, by reason."""

    sweeps: tuple[ReadSweep, ...]
    offset: Offset
    dropped: Mapping[str, int]
    rows_used: int
    baseline_rows: int


def read_sweeps(columns: Sequence[Floats], *, resolution_a: float) -> ReadSweeps:
    """Sort the rows of a run into sweeps.

    `columns`: time, voltage, current, its u, status, direction, u of the voltage, as `sclc_sweep.evaluate` has them.
    Raises NotEnoughData without a sweep of 7 points, or if the columns are of different length.
    """
    arrays = _columns(*columns)
    elapsed_s, voltage_v, current_a, current_u_a, _, direction, voltage_u_v = arrays
    good, dropped = _good_rows(arrays)
    before = np.arange(len(good)) < np.flatnonzero(good & (direction != 0))[0]
    at_zero = good & (direction == 0) & before & (np.abs(voltage_v) <= AT_ZERO_V)
    accuracy_a = float(np.median(current_u_a[at_zero])) if at_zero.any() else 0.0
    meter = Instrument(0.0, accuracy_a, resolution_a)
    zero = offset(current_a[at_zero], meter)
    shared_u_a = float(current_u_a[good].min())
    if zero.measured:
        # in higher ranges the offset is another one; there the current is so large that neither matters
        shared_u_a = float(np.hypot(zero.value.u, meter.drift_u_a(0.0)))
        current_u_a = np.sqrt(np.maximum(current_u_a**2 - accuracy_a**2, 0.0) + shared_u_a**2)
        current_a = current_a - zero.value.value
    sweeps, weak, short = [], 0, 0
    for rows in _sweeps(good, direction, voltage_v):
        readings, below = _readings(
            voltage_v[rows], current_a[rows], current_u_a[rows], voltage_u_v[rows], shared_u_a
        )  # fmt: skip
        weak += below
        if len(readings.bias_v) >= WINDOW:
            sweeps.append(ReadSweep(int(np.sign(direction[rows[0]])), float(elapsed_s[rows[0]]), readings))
        else:
            short += len(rows) - below
    if not sweeps:
        raise NotEnoughData(f"no sweep with {WINDOW} points above the accuracy of the meter")
    dropped |= {"below the accuracy of the meter": weak, "in a sweep of too few points": short}
    used = int((good & (direction != 0)).sum()) - weak - short
    kept = {reason: count for reason, count in dropped.items() if count}
    return ReadSweeps(tuple(sweeps), zero, kept, used, int(at_zero.sum()))


def _columns(*columns: Floats) -> tuple[Floats, ...]:
    arrays = tuple(np.asarray(column, dtype=np.float64) for column in columns)
    if any(array.shape != arrays[0].shape or array.ndim != 1 for array in arrays):
        raise NotEnoughData("columns of one length are needed")
    return arrays


def _good_rows(columns: tuple[Floats, ...]) -> tuple[Booleans, dict[str, int]]:
    missing = ~np.all(np.isfinite(columns), axis=0)
    flags = np.where(np.isfinite(columns[4]), columns[4], 0).astype(np.int64)
    dropped = {name: int(((flags & bit) != 0).sum()) for bit, name in FLAG_NAMES.items()}
    dropped["other flag"] = int((flags >= 2 * max(FLAG_NAMES)).sum())
    dropped["no reading"] = int((missing & (flags == 0)).sum())
    good = ~missing & (flags == 0)
    if not (good & (columns[5] != 0)).any():
        raise NotEnoughData("no usable reading in a sweep")
    return good, dropped


def _sweeps(good: Booleans, direction: Floats, voltage_v: Floats) -> list[NDArray[np.intp]]:
    """Rows of each sweep: of one direction, without a step back to where a sweep begins."""
    rows = np.flatnonzero(good & (direction != 0))
    ways, bias_v = np.sign(direction[rows]), np.abs(voltage_v[rows])
    back = np.where(ways[1:] > 0, bias_v[:-1] > STEP_BACK * bias_v[1:], bias_v[1:] > STEP_BACK * bias_v[:-1])
    return np.split(rows, np.flatnonzero((np.diff(ways) != 0) | back) + 1)


def _readings(
    voltage_v: Floats, current_a: Floats, current_u_a: Floats, voltage_u_v: Floats, shared_u_a: float
) -> tuple[Readings, int]:
    """Fold both polarities, sort by bias, join readings of one bias; from the highest one below the accuracy upwards.

    The cut is at one bias for all: to drop single small readings would leave the large half of the noise.
    """
    order = np.argsort(np.abs(voltage_v), kind="stable")
    columns = [np.abs(voltage_v), np.sign(voltage_v) * current_a, current_u_a, voltage_u_v]
    bias_v, along_a, u_a, _ = columns = [column[order] for column in columns]
    weak = np.flatnonzero(~((along_a > ABOVE_ACCURACY * u_a) & (bias_v > 0)))
    first = int(weak[-1]) + 1 if weak.size else 0
    bias_v = bias_v[first:]
    if not bias_v.size:
        return Readings(bias_v, bias_v, bias_v, bias_v, shared_u_a), first
    group = np.concatenate(([0], np.cumsum(np.diff(bias_v) > SAME_BIAS * bias_v[:-1]))).astype(np.intp)
    joined = [np.bincount(group, weights=column[first:]) / np.bincount(group) for column in columns]
    bias_v, along_a, u_a, bias_u_v = joined
    return Readings(bias_v, along_a, u_a, bias_u_v, offset_u_a=shared_u_a), first
