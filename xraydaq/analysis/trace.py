"""Which rows of a run are evaluated, and the smooth part of the trace at bias."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import make_lsq_spline

from xraydaq.analysis.long_trace import LONG, near, rises
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
    at_bias = near(voltage_v, bias_v, tolerance_v)
    if not at_bias.any():
        raise NotEnoughData(f"no row at the bias of {bias_v:g} V: nothing to evaluate")
    rows = len(at_bias)
    first, last = int(np.argmax(at_bias)), rows - 1 - int(np.argmax(at_bias[::-1]))
    good, reasons = _good_rows(elapsed_s, current_a, voltage_v, status)
    on_s = float(elapsed_s[first]) if bias_on_s is None else bias_on_s
    at_zero = [_at_zero(good, voltage_v, part, tolerance_v) for part in (slice(0, first), slice(last + 1, rows))]
    phases = Phases(
        baseline=at_zero[0],
        bias=good & at_bias & (elapsed_s >= on_s),
        tail=at_zero[1],
        bias_on_s=on_s,
        dropped=reasons,
        dropped_at_bias=_dropped_at_bias(good, voltage_v, at_bias, slice(first, last + 1)) if reasons else 0,
    )
    _check(elapsed_s, phases)
    return phases


def _at_zero(good: Booleans, voltage_v: Floats, part: slice, tolerance_v: float) -> Booleans:
    """Return the good rows at 0 V of one part of the run."""
    mask = np.zeros(len(good), dtype=np.bool_)
    mask[part] = good[part] & near(voltage_v[part], 0.0, tolerance_v)
    return mask


def _dropped_at_bias(good: Booleans, voltage_v: Floats, at_bias: Booleans, between: slice) -> int:
    belongs = _told_before(voltage_v, at_bias)
    belongs[between] = True
    return int((~good & belongs).sum())


def _good_rows(
    elapsed_s: Floats, current_a: Floats, voltage_v: Floats, status: Floats
) -> tuple[Booleans, dict[str, int]]:
    missing = ~(np.isfinite(elapsed_s) & np.isfinite(current_a) & np.isfinite(voltage_v) & np.isfinite(status))
    if not status.any():
        reasons = {"no reading": int(missing.sum())}
        return ~missing, {name: count for name, count in reasons.items() if count}
    flags = np.where(np.isfinite(status), status, 0).astype(np.int64)
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
    if not rises(elapsed_s, phases.bias):
        raise NotEnoughData("elapsed time does not increase from row to row")


def reading_period_s(time_s: Floats) -> float:
    """Return the usual spacing of the rows; long gaps do not count, a cluster of rows does not dominate."""
    every = max(1, len(time_s) // LONG)
    steps = time_s[1::every] - time_s[:-1:every]
    return float(max(np.median(steps), (time_s[-1] - time_s[0]) / (4 * len(time_s))))


def smooth_trend(
    time_s: Floats, current_a: Floats, *, period_s: float | None = None, readings: Floats | None = None
) -> Floats:
    """Return the smooth part of a trace: least-squares cubic spline in ln(t + 10 periods), t since the bias came on.

    `period_s` of the readings, by default the usual spacing; `readings`: of how many each value is the mean, by
    default one. Ionic transients, stretched exponentials and absorption currents are all smooth in ln t. Late in the
    run the knots are a quarter of the elapsed time apart, so noise faster than a few cycles per run is left in the
    residuals.
    Spline: C. de Boor, A Practical Guide to Splines, chapter XIV.
    """
    weights = None if readings is None else np.sqrt(readings)
    log_time = np.log(time_s - time_s[0] + 10 * (reading_period_s(time_s) if period_s is None else period_s))
    spline = make_lsq_spline(log_time, current_a, t=_knots(log_time), k=3, w=weights)
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
