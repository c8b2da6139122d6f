"""Edges of a switched beam in a trace of readings, and the readings around each, averaged ever longer away from it."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from xraydaq.analysis.values import Booleans, Floats, NotEnoughData
from xraydaq.storage.model import STATUS_FLAGS

FINE_READINGS = 60.0  # readings after an edge that are not averaged: the beam may need a second to come up
BIN_WIDTH = 0.1  # of the time since the edge, farther away
BEFORE = 0.25  # share of the preceding window that serves as baseline: its last part, where lag has died away
LEAST_ROWS_AFTER = 20
LEAST_ROWS_BEFORE = 5


@dataclass(frozen=True)
class Edge:
    """The beam was told to change between rows `row - 1` and `row`, at `at_s`; `u_s` if that is known from rows only.

    `first` and `last`: the rows from the edge before (or the start) up to the edge after (or the end, not included).
    """

    at_s: float
    u_s: float
    rising: bool
    first: int
    row: int
    last: int


@dataclass(frozen=True)
class Window:
    """Readings around one edge in means of `rows` neighbours; `at_s`: mean start of their readings after the edge."""

    rising: bool
    at_s: Floats = field(repr=False)
    mean_a: Floats = field(repr=False)
    rows: Floats = field(repr=False)
    start_s: Floats = field(repr=False)
    """Start of every single reading after the edge."""
    first_row: NDArray[np.intp] = field(repr=False)
    reading_time_s: float
    period_s: float
    """From reading to reading next to the edge; they may be farther apart later."""
    after_s: float


def columns_of(elapsed_s: Floats, current_a: Floats, status: Floats, beam_on: Floats, point: Floats) -> list[Floats]:
    """Return the five columns without the rows of parts that an interruption cut off and that were taken again.

    Raises NotEnoughData unless they have one length and are in order of time.
    """
    columns: list[Floats] = [
        np.asarray(column, dtype=np.float64) for column in (elapsed_s, current_a, status, beam_on, point)
    ]
    if any(column.shape != columns[0].shape or column.ndim != 1 for column in columns):
        raise NotEnoughData("time, current, status, beam and point must be columns of one length")
    kept = (np.nan_to_num(columns[2]).astype(np.int64) & STATUS_FLAGS["abandoned"]) == 0
    columns = [column[kept] for column in columns]
    if not bool(np.all(np.diff(columns[0]) > 0)):
        raise NotEnoughData("elapsed time does not increase from row to row")
    return columns


def edges(
    elapsed_s: Floats, beam_on: Floats, *, reading_time_s: float, switched_s: Floats | None = None
) -> tuple[Edge, ...]:
    """Find where the commanded state `beam_on` (0 or 1 per reading) changes; arrays of one length, in order of time.

    `switched_s`: moments of the commands, on the time axis of `elapsed_s`; without them an edge lies between the end
    of one reading and the start of the next, with the standard uncertainty of a rectangle of that width.
    """
    changes = np.flatnonzero(np.diff(beam_on) != 0) + 1
    limits = np.concatenate(([0], changes, [len(beam_on)]))
    found = []
    for k, row in enumerate(changes):
        at_s, u_s = _moment(elapsed_s, int(row), reading_time_s, switched_s)
        found.append(Edge(at_s, u_s, bool(beam_on[row] > 0), int(limits[k]), int(row), int(limits[k + 2])))
    return tuple(found)


def _moment(elapsed_s: Floats, row: int, reading_time_s: float, switched_s: Floats | None) -> tuple[float, float]:
    before_s, after_s = float(elapsed_s[row - 1]), float(elapsed_s[row])
    if switched_s is not None:
        told = switched_s[(switched_s > before_s) & (switched_s <= after_s)]
        if len(told) == 1:
            return float(told[0]), 0.0
    width_s = max(after_s - before_s - reading_time_s, 0.0)
    return after_s - width_s / 2, width_s / float(np.sqrt(12.0))


def window(elapsed_s: Floats, current_a: Floats, good: Booleans, edge: Edge, reading_time_s: float) -> Window | None:
    """Return the readings around an edge in means over stretches that grow with the distance from it.

    Under 1/f noise a mean is as noisy however long it is, so stretches in proportion to the distance carry about equal
    knowledge each. Returns None if too few readings are left (20 after the edge, 5 before).
    """
    begin_s = edge.at_s - BEFORE * (edge.at_s - elapsed_s[edge.first])
    rows = np.arange(edge.first, edge.last)
    rows = rows[good[rows] & (elapsed_s[rows] >= begin_s)]
    if (rows >= edge.row).sum() < LEAST_ROWS_AFTER or (rows < edge.row).sum() < LEAST_ROWS_BEFORE:
        return None
    start_s = elapsed_s[rows] - edge.at_s
    after = rows >= edge.row
    period_s = float(np.median(np.diff(start_s[after][:LEAST_ROWS_AFTER])))
    stretch = _stretches(start_s, after, FINE_READINGS * period_s)
    first_row = np.concatenate(([0], np.flatnonzero(np.diff(stretch) != 0) + 1))
    count = np.diff(np.append(first_row, len(rows))).astype(np.float64)
    return Window(
        rising=edge.rising,
        at_s=np.add.reduceat(start_s, first_row) / count,
        mean_a=np.add.reduceat(current_a[rows], first_row) / count,
        rows=count,
        start_s=start_s,
        first_row=first_row,
        reading_time_s=reading_time_s,
        period_s=period_s,
        after_s=float(start_s[-1]),
    )


def _stretches(start_s: Floats, after: Booleans, fine_s: float) -> Floats:
    """Return a number per reading, the same for those that are averaged: none before `fine_s` after the edge."""
    distance = np.maximum(np.abs(start_s) / fine_s, 1e-12)
    far = np.floor(np.log(distance) / BIN_WIDTH)
    single = after & (distance <= 1)
    return np.asarray(np.where(single, 1e6 + np.arange(len(start_s)), np.where(after, far, -1e6 + far)))


def averaged_response(window: Window, tau_s: float, delay_s: float) -> tuple[Floats, Floats, Floats]:
    """Return the mean over each stretch of `1 - exp(-t/tau)`, t > 0 since the delay, averaged over every reading.

    With it its derivatives by ln tau and by the delay (1/s). The mean from t to t + T is `(P(t + T) - P(t))/T`, with
    `P(t) = t - tau (1 - exp(-t/tau))` the integral from 0.
    """
    since_s = window.start_s - delay_s
    ends_s = np.maximum(np.concatenate((since_s, since_s + window.reading_time_s)), 0.0)
    late = np.exp(-ends_s / tau_s)
    integrals = (ends_s + tau_s * (late - 1), tau_s * (late - 1) + ends_s * late, late - 1)
    half = len(since_s)
    response, by_log_tau, by_delay = (
        np.add.reduceat(integral[half:] - integral[:half], window.first_row) / (window.reading_time_s * window.rows)
        for integral in integrals
    )
    return response, by_log_tau, by_delay
