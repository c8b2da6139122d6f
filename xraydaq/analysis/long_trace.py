"""Traces of millions of readings: what is slow is worked out on means over cells, what is fast in pieces.

A piece fits the cache of a processor, so that a pass over 10^7 readings costs milliseconds and no memory. Traces of up
to `LONG` readings are one piece and their cells are readings: nothing is approximated there.
"""

from collections.abc import Iterator

import numpy as np

from xraydaq.analysis.values import Booleans, Floats

LONG = 1 << 16
PIECE = 1 << 16
EARLY_CELLS = 64  # so many cells of readings are kept one by one at the start, where a trace changes fast


def cell_rows(rows: int) -> int:
    """Return the readings per cell, a power of two: 1 up to 65 536 readings, else as many as leave half of that."""
    return 1 << max(0, int(np.ceil(np.log2(max(rows, 1) / LONG))))


def pieces(rows: int, overlap: int = 0) -> Iterator[slice]:
    """Cut `rows` into pieces that share `overlap` rows with the next."""
    for start in range(0, max(rows - overlap, 1), PIECE):
        yield slice(start, min(start + PIECE + overlap, rows))


def cells(values: Floats, rows: int) -> Floats:
    """Return means over `rows` neighbouring values; what does not fill the last cell is left out."""
    count = len(values) // rows
    return np.asarray(values[: count * rows].reshape(count, rows).mean(axis=1), dtype=np.float64)


def thinned(time_s: Floats, values: Floats) -> tuple[Floats, Floats, Floats]:
    """Return time, value and number of readings of the early readings one by one and of cells after them."""
    rows = cell_rows(len(time_s))
    if rows == 1:
        return time_s, values, np.ones_like(time_s)
    early = EARLY_CELLS * rows
    last = slice(early + (len(time_s) - early) // rows * rows, None)
    parts = [
        np.concatenate(
            (column[:early], cells(column[early:], rows), [column[last].mean()] if column[last].size else [])
        )
        for column in (time_s, values)
    ]
    counts = np.full(len(parts[0]), float(rows))
    counts[:early] = 1.0
    if time_s[last].size:
        counts[-1] = time_s[last].size
    return parts[0], parts[1], counts


def rises(values: Floats, used: Booleans) -> bool:
    """Tell whether every used value is above the used one before."""
    last = -np.inf
    for piece in pieces(len(values)):
        part = values[piece][used[piece]]
        if len(part) and not (part[0] > last and bool(np.all(part[1:] > part[:-1]))):
            return False
        last = part[-1] if len(part) else last
    return True


def near(values: Floats, level: float, tolerance: float) -> Booleans:
    """Tell which values are within `tolerance` of a level; a value that is not known is not."""
    close = np.empty(len(values), dtype=np.bool_)
    for piece in pieces(len(values)):
        close[piece] = np.abs(values[piece] - level) <= tolerance
    return close


def gridded(time_s: Floats, values: Floats, period_s: float) -> Floats:
    """Return `values` on a regular grid from the first row on: the nearest row, else a line between its neighbours."""
    grid_a = np.empty(round((time_s[-1] - time_s[0]) / period_s) + 1)
    for piece, at_s in _times(len(grid_a), time_s[0], period_s):
        first, last = np.searchsorted(time_s, (at_s[0] - period_s / 2, at_s[-1] + period_s / 2))
        if last - first == len(at_s) and np.abs(time_s[first:last] - at_s).max() < period_s / 2:
            grid_a[piece] = values[first:last]
            continue
        around = slice(max(first - 1, 0), last + 1)
        grid_a[piece] = _nearest(at_s, time_s[around], values[around], period_s)
    return grid_a


def _nearest(at_s: Floats, time_s: Floats, values: Floats, period_s: float) -> Floats:
    part = np.full(len(at_s), np.nan)
    place = np.rint((time_s - at_s[0]) / period_s).astype(np.int64)
    here = slice(*np.searchsorted(place, (0, len(at_s))))
    part[place[here]] = values[here]
    gaps = np.flatnonzero(np.isnan(part))
    part[gaps] = np.interp(at_s[gaps], time_s, values)
    return part


def _times(count: int, start_s: float, period_s: float) -> Iterator[tuple[slice, Floats]]:
    """Pieces of a grid, and the times in them."""
    since_s = period_s * np.arange(PIECE)
    for piece in pieces(count):
        yield piece, since_s[: piece.stop - piece.start] + (start_s + period_s * piece.start)


def subtract_trend(grid_a: Floats, start_s: float, period_s: float, support_s: Floats, trend_a: Floats) -> None:
    """Take a trend that is known at `support_s` off values on a grid, in place."""
    for piece, at_s in _times(len(grid_a), start_s, period_s):
        grid_a[piece] -= np.interp(at_s, support_s, trend_a)


def rescaled(grid_a: Floats, start_s: float, period_s: float, support_s: Floats, scale: Floats) -> Floats:
    """Return values on a grid times a scale that is known at `support_s`; the same array where that is 1."""
    if np.all(scale == 1):
        return grid_a
    scaled_a = np.empty_like(grid_a)
    for piece, at_s in _times(len(grid_a), start_s, period_s):
        scaled_a[piece] = grid_a[piece] * np.interp(at_s, support_s, scale)
    return scaled_a
