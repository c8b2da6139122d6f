"""Which rows of a run are evaluated, and the smooth part of the trace at bias."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import make_lsq_spline

from xraydaq.analysis.values import Booleans, Floats, NotEnoughData
from xraydaq.storage.model import STATUS_FLAGS

FLAG_NAMES = {bit: name.replace("_", " ") for name, bit in STATUS_FLAGS.items()}
LEAST_ROWS = 20
KNOT_SPACING = 0.25  # of the smooth trend, in ln(time): an exponential is followed to about 1e-4 of its height
LEAST_ROWS_BETWEEN_KNOTS = 6


@dataclass(frozen=True)
class Phases:
    """Masks over all rows of a run; `dropped` counts rows without a usable reading by reason (a row may have two)."""

    baseline: Booleans
    bias: Booleans
    tail: Booleans
    bias_on_s: float
    dropped: Mapping[str, int]
    dropped_at_bias: int


def split(
    elapsed_s: Floats, current_a: Floats, voltage_v: Floats, status: Floats, *, bias_v: float, bias_on_s: float | None
) -> Phases:
    """Find baseline (0 V before), bias phase and tail (0 V after); arrays of one length, one row each.

    At bias means within 0.5 % + 2 mV of `bias_v`; rows of a ramp belong to no phase. Raises NotEnoughData.
    """
    tolerance_v = 2e-3 + 5e-3 * abs(bias_v)
    at_bias = np.abs(voltage_v - bias_v) <= tolerance_v
    if not at_bias.any():
        raise NotEnoughData(f"no row at the bias of {bias_v:g} V: nothing to evaluate")
    row = np.arange(len(elapsed_s))
    first, last = int(row[at_bias][0]), int(row[at_bias][-1])
    between = (row >= first) & (row <= last)
    at_zero = np.abs(voltage_v) <= tolerance_v
    good, reasons = _good_rows(elapsed_s, current_a, voltage_v, status)
    on_s = float(elapsed_s[first]) if bias_on_s is None else bias_on_s
    phases = Phases(
        baseline=good & at_zero & (row < first),
        bias=good & at_bias & (elapsed_s >= on_s),
        tail=good & at_zero & (row > last),
        bias_on_s=on_s,
        dropped=reasons,
        dropped_at_bias=int((~good & (between | _told_before(voltage_v, at_bias))).sum()),
    )
    _check(elapsed_s, phases)
    return phases


def _good_rows(
    elapsed_s: Floats, current_a: Floats, voltage_v: Floats, status: Floats
) -> tuple[Booleans, dict[str, int]]:
    flags = np.where(np.isfinite(status), status, 0).astype(np.int64)
    missing = ~(np.isfinite(elapsed_s) & np.isfinite(current_a) & np.isfinite(voltage_v) & np.isfinite(status))
    reasons = {name: int(((flags & bit) != 0).sum()) for bit, name in FLAG_NAMES.items()}
    reasons["other flag"] = int((flags >= 2 * max(FLAG_NAMES)).sum())
    reasons["no reading"] = int((missing & (flags == 0)).sum())
    return ~missing & (flags == 0), {name: count for name, count in reasons.items() if count}


def _told_before(voltage_v: Floats, at_bias: Booleans) -> Booleans:
    """Return `at_bias`, for a row without a voltage that of the last row before it that has one."""
    row = np.where(np.isfinite(voltage_v), np.arange(len(voltage_v)), 0)
    return np.asarray(at_bias[np.maximum.accumulate(row)], dtype=np.bool_)


def _check(elapsed_s: Floats, phases: Phases) -> None:
    rows = int(phases.bias.sum())
    if rows < LEAST_ROWS:
        raise NotEnoughData(f"{rows} usable rows at bias, {LEAST_ROWS} are needed")
    if not bool(np.all(np.diff(elapsed_s[phases.bias]) > 0)):
        raise NotEnoughData("elapsed time does not increase from row to row")


def reading_period_s(time_s: Floats) -> float:
    """Return the usual spacing of the rows; long gaps do not count, a cluster of rows does not dominate."""
    steps = np.diff(time_s)
    return float(max(np.median(steps), (time_s[-1] - time_s[0]) / (4 * len(time_s))))


def smooth_trend(time_s: Floats, current_a: Floats) -> Floats:
    """Return the smooth part of a trace: least-squares cubic spline in ln(t + 10 periods), t since the bias came on.

    Ionic transients, stretched exponentials and absorption currents are all smooth in ln t. Late in the run the knots
    are a quarter of the elapsed time apart, so noise faster than a few cycles per run is left in the residuals.
    Spline: C. de Boor, A Practical Guide to Splines, chapter XIV.
    """
    log_time = np.log(time_s - time_s[0] + 10 * reading_period_s(time_s))
    spline = make_lsq_spline(log_time, current_a, t=_knots(log_time), k=3)
    return np.asarray(spline(log_time), dtype=np.float64)


def _knots(log_time: Floats) -> Floats:
    """Cubic knots with enough rows in every interval, so that gaps in the trace leave the fit well posed."""
    candidates = np.arange(log_time[0] + KNOT_SPACING, log_time[-1], KNOT_SPACING)
    kept: list[float] = []
    filled_to = 0
    for knot, row in zip(candidates, np.searchsorted(log_time, candidates), strict=True):
        if row - filled_to >= LEAST_ROWS_BETWEEN_KNOTS and len(log_time) - row >= LEAST_ROWS_BETWEEN_KNOTS:
            kept.append(float(knot))
            filled_to = int(row)
    return np.concatenate(([log_time[0]] * 4, kept, [log_time[-1]] * 4))


def moving_mean(current_a: Floats, rows: int) -> Floats:
    """Return means over `rows` neighbouring readings; len(current_a) - rows + 1 of them."""
    total = np.concatenate(([0.0], np.cumsum(current_a - current_a[0])))
    return np.asarray((total[rows:] - total[:-rows]) / rows + current_a[0], dtype=np.float64)


def on_a_grid(time_s: Floats, values: Floats, period_s: float) -> Floats:
    """Return `values` on a regular grid from the first row on: the row where there is one, else a line between."""
    grid_s = time_s[0] + period_s * np.arange(round((time_s[-1] - time_s[0]) / period_s) + 1)
    right = np.clip(np.searchsorted(time_s, grid_s), 1, len(time_s) - 1)
    nearest = np.where(grid_s - time_s[right - 1] < time_s[right] - grid_s, right - 1, right)
    close = np.abs(time_s[nearest] - grid_s) <= 0.6 * period_s
    return np.asarray(np.where(close, values[nearest], np.interp(grid_s, time_s, values)), dtype=np.float64)
