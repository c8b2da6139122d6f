"""Chamber readings to net kerma rates: leakage subtracted, repeats averaged, their scatter kept as the uncertainty.

Every reading under the beam is bracketed by readings with the beam off, and the leakage at its time is the line
between them (IAEA TRS 457 (2007), section 5.4; the chamber's leakage drifts slowly compared with a reading).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xraydaq.analysis.values import Booleans, Floats, NotEnoughData

LEAST_OFF_READINGS = 3
SCATTER_ROUNDS = 8

Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Visits:
    """Mean net kerma rates, one for each time a setting was gone to; arrays of the same length n."""

    time_s: Floats
    current_a: Floats
    al_m: Floats
    rate_gy_s: Floats
    covariance_gy2_s2: Floats
    """n x n: repeats and the leakage that neighbours share."""

    repeats: Indices
    is_reference: Booleans
    leakage_gy_s: Floats
    off_scatter_gy_s: float
    """Standard deviation of one reading with the beam off."""

    beam_scatter: float
    """Relative standard deviation of one reading under the beam beyond that, within a visit."""

    repeat_dof: int
    unbracketed: int
    """Visits with beam-off readings on one side only."""

    @property
    def u_gy_s(self) -> Floats:
        """Get the standard uncertainty of every rate."""
        return np.sqrt(np.diag(self.covariance_gy2_s2))


def visits(
    time_s: Floats, rate_gy_s: Floats, beam_on: Booleans, current_a: Floats, al_m: Floats, is_reference: Booleans
) -> Visits:
    """Average the net readings of each visit to a setting; all arrays in time order, one entry per reading.

    Raises:
        NotEnoughData: fewer than three readings with the beam off, or none under it.
    """
    off, on = np.flatnonzero(~beam_on), np.flatnonzero(beam_on)
    if len(off) < LEAST_OFF_READINGS or not len(on):
        raise NotEnoughData(
            f"{len(off)} readings with the beam off and {len(on)} under it; needed: {LEAST_OFF_READINGS} and one"
        )
    weights, lone = _leakage_weights(time_s, on, off)
    net_gy_s = rate_gy_s[on] - weights @ rate_gy_s[off]
    visit = _visit_numbers(current_a[on], al_m[on], is_reference[on])
    mean = _averaging(visit)
    off_scatter = _off_scatter(rate_gy_s[off])
    rates = mean @ net_gy_s
    beam_scatter, dof = _beam_scatter(net_gy_s, visit, rates, off_scatter)
    variance = off_scatter**2 + (beam_scatter * rates[visit]) ** 2
    shared = mean @ weights
    covariance = mean @ np.diag(variance) @ mean.T + off_scatter**2 * shared @ shared.T
    first = np.array([int(np.flatnonzero(visit == each)[0]) for each in range(len(rates))])
    return Visits(
        time_s=mean @ time_s[on],
        current_a=current_a[on][first],
        al_m=al_m[on][first],
        rate_gy_s=rates,
        covariance_gy2_s2=covariance,
        repeats=np.bincount(visit),
        is_reference=is_reference[on][first],
        leakage_gy_s=shared @ rate_gy_s[off],
        off_scatter_gy_s=off_scatter,
        beam_scatter=beam_scatter,
        repeat_dof=dof,
        unbracketed=len(set(visit[lone].tolist())),
    )


def _leakage_weights(time_s: Floats, on: Indices, off: Indices) -> tuple[Floats, Booleans]:
    """Weight of every beam-off reading (columns) in the leakage at every beam-on reading (rows), and who lacks one."""
    weights = np.zeros((len(on), len(off)))
    after = np.searchsorted(off, on)
    lone = (after == 0) | (after == len(off))
    left, right = np.maximum(after - 1, 0), np.minimum(after, len(off) - 1)
    span_s = time_s[off[right]] - time_s[off[left]]
    share = np.where(span_s > 0, (time_s[on] - time_s[off[left]]) / np.where(span_s > 0, span_s, 1.0), 0.0)
    rows = np.arange(len(on))
    np.add.at(weights, (rows, left), 1.0 - share)
    np.add.at(weights, (rows, right), share)
    return weights, lone


def _visit_numbers(current_a: Floats, al_m: Floats, is_reference: Booleans) -> Indices:
    changed = (np.diff(current_a) != 0) | (np.diff(al_m) != 0) | (np.diff(is_reference.astype(np.int8)) != 0)
    return np.concatenate(([0], np.cumsum(changed))).astype(np.intp)


def _averaging(visit: Indices) -> Floats:
    counts = np.bincount(visit)
    mean = np.zeros((len(counts), len(visit)))
    mean[visit, np.arange(len(visit))] = 1.0 / counts[visit]
    return mean


def _off_scatter(off_gy_s: Floats) -> float:
    """Standard deviation from successive differences, which a slow drift of the leakage leaves alone.

    J. von Neumann et al., "The mean square successive difference", Ann. Math. Statist. 12 (1941) 153.
    """
    return float(np.sqrt(np.mean(np.diff(off_gy_s) ** 2) / 2))


def _beam_scatter(net_gy_s: Floats, visit: Indices, rates: Floats, off_scatter: float) -> tuple[float, int]:
    """Relative scatter under the beam, pooled over visits with weights by how well each one shows it."""
    counts = np.bincount(visit)
    squares = np.bincount(visit, weights=(net_gy_s - rates[visit]) ** 2)
    shown = (counts > 1) & (rates > 0)
    dof = counts[shown] - 1
    if not dof.sum():
        return 0.0, 0
    off_share = (off_scatter / rates[shown]) ** 2
    excess = squares[shown] / dof / rates[shown] ** 2 - off_share
    variance = 0.0
    for _ in range(SCATTER_ROUNDS):
        weight = dof / (off_share + variance + 1e-18) ** 2
        variance = max(0.0, float(weight @ excess / weight.sum()))
    return float(np.sqrt(variance)), int(dof.sum())
