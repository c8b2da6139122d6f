"""Overlapping Allan and Hadamard deviation of readings on a regular grid, taken as frequency data.

W. J. Riley, Handbook of Frequency Stability Analysis, NIST SP 1065 (2008): overlapping Allan variance equation (10),
Hadamard 5.2.10 (overlapping form), degrees of freedom 5.4.1 (simple formulas), chi-square interval equation (45).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri

from xraydaq.analysis.long_trace import cell_rows, cells, pieces
from xraydaq.analysis.noise import NoisePsd
from xraydaq.analysis.trace import moving_mean
from xraydaq.analysis.values import Floats, Value

ONE_SIGMA = 0.6826894921370859
NEAR_CELLS = 4  # averages over more cells than this are averages of cells
SHIFTS_PER_AVERAGE = 4


@dataclass(frozen=True)
class AllanPoint:
    """Deviation in A at one averaging time, its one-sigma interval, the noise assumed for its degrees of freedom."""

    tau_s: float
    deviation: Value
    low_a: float
    high_a: float
    noise: str


def overlapping_allan(current_a: Floats, rows: int) -> float:
    """Return the overlapping Allan deviation in A for averages over `rows` neighbouring readings."""
    means = moving_mean(current_a, rows)
    change = means[rows:] - means[:-rows]
    return float(np.sqrt(np.mean(change**2) / 2))


def overlapping_hadamard(current_a: Floats, rows: int) -> float:
    """Return the overlapping Hadamard deviation in A: like Allan, but immune to a linear drift."""
    means = moving_mean(current_a, rows)
    change = means[2 * rows :] - 2 * means[rows:-rows] + means[: -2 * rows]
    return float(np.sqrt(np.mean(change**2) / 6))


def degrees_of_freedom(noise: str, phases: int, m: int) -> float:
    """Return those of the overlapping Allan variance; `phases` = readings + 1, averages over m readings."""
    n = phases
    if noise == "white":
        return float((3 * (n - 1) / (2 * m) - 2 * (n - 2) / n) * 4 * m**2 / (4 * m**2 + 5))
    if noise == "1/f":
        return float(2 * (n - 2) ** 2 / (2.3 * n - 4.9)) if m == 1 else float(5 * n**2 / (4 * m * (n + 3 * m)))
    return float((n - 2) / m * ((n - 1) ** 2 - 3 * m * (n - 1) + 4 * m**2) / (n - 3) ** 2)


def allan_points(
    current_a: Floats, taus_s: Sequence[float], psd: NoisePsd
) -> tuple[tuple[AllanPoint, ...], list[AllanPoint]]:
    """Return the overlapping Allan deviation nearest to chosen times, and at octaves of the reading period.

    Times of which fewer than three averages fit the trace are left out.
    """
    count = len(current_a)
    chosen = [rows for tau_s in taus_s if (rows := _rows_of(tau_s, count, psd.period_s))]
    octaves = [1 << octave for octave in range(int(np.log2(max(count // 3, 1))) + 1)]
    deviation_a = _deviations(current_a, {*chosen, *octaves})
    points = {rows: _point(deviation_a[rows], rows, count, psd) for rows in deviation_a}
    return tuple(points[rows] for rows in chosen), [points[rows] for rows in octaves if 3 * rows <= count]


def allan_point(current_a: Floats, tau_s: float, psd: NoisePsd) -> AllanPoint | None:
    """Return the overlapping Allan deviation nearest to `tau_s`; None if fewer than three averages fit the trace."""
    rows = _rows_of(tau_s, len(current_a), psd.period_s)
    return _point(_deviations(current_a, {rows})[rows], rows, len(current_a), psd) if rows else None


def allan_curve(current_a: Floats, psd: NoisePsd) -> list[AllanPoint]:
    """Return the overlapping Allan deviation at octaves of the reading period."""
    return allan_points(current_a, (), psd)[1]


def _rows_of(tau_s: float, count: int, period_s: float) -> int:
    """Readings of an average over about `tau_s`, 0 if there is none; whole cells where cells are averaged."""
    rows, cell = max(1, round(tau_s / period_s)), cell_rows(count)
    if rows > NEAR_CELLS * cell:
        rows = round(rows / cell) * cell
    return 0 if abs(rows * period_s - tau_s) > 0.5 * tau_s or 3 * rows > count else rows


def _deviations(current_a: Floats, wanted: Collection[int]) -> dict[int, float]:
    """Overlapping Allan deviation in A by readings per average; of a long trace in one pass through its pieces.

    There the averages are shifted by a quarter of their length, not by one reading: next to nothing is lost, for
    neighbours are nearly equal (SP 1065, 5.2.4). Beyond `NEAR_CELLS` cells, cells take the place of readings.
    """
    cell = cell_rows(len(current_a))
    if cell == 1:
        return {rows: overlapping_allan(current_a, rows) for rows in wanted}
    near, far = (sorted(rows for rows in wanted if (rows > NEAR_CELLS * cell) == beyond) for beyond in (False, True))
    means_a = cells(current_a, cell)
    return _deviations_in_pieces(current_a, near) | {rows: overlapping_allan(means_a, rows // cell) for rows in far}


def _deviations_in_pieces(current_a: Floats, wanted: Sequence[int]) -> dict[int, float]:
    squares, counts = dict.fromkeys(wanted, 0.0), dict.fromkeys(wanted, 0)
    for piece in pieces(len(current_a), overlap=2 * max(wanted) - 1):
        total = np.empty(piece.stop - piece.start + 1)
        total[0] = 0.0
        np.cumsum(current_a[piece] - current_a[piece.start], out=total[1:])
        for rows in wanted:
            step = max(1, rows // SHIFTS_PER_AVERAGE)
            change = total[2 * rows :: step] + total[: -2 * rows : step]
            change -= 2 * total[rows:-rows:step]
            squares[rows] += float(np.einsum("i,i", change, change))
            counts[rows] += len(change)
    return {rows: float(np.sqrt(squares[rows] / counts[rows] / 2)) / rows for rows in wanted}


def _point(deviation_a: float, rows: int, count: int, psd: NoisePsd) -> AllanPoint:
    noise = _noise_at(rows * psd.period_s, psd)
    edf = max(degrees_of_freedom(noise, count + 1, rows), 1.0)
    low_a, high_a = (
        deviation_a * float(np.sqrt(edf / chdtri(edf, tail))) for tail in ((1 - ONE_SIGMA) / 2, (1 + ONE_SIGMA) / 2)
    )
    u_a = deviation_a / float(np.sqrt(2 * edf))
    return AllanPoint(rows * psd.period_s, Value(deviation_a, u_a, "A", edf), low_a, high_a, noise)


def _noise_at(tau_s: float, psd: NoisePsd) -> str:
    f_hz = 1 / (2 * tau_s)
    if psd.w_a2_hz > psd.h_a2_hz * f_hz**-psd.gamma:
        return "white"
    return "1/f" if psd.gamma < 1.5 else "1/f^2"
