"""Photocurrent step of a chopped trace whose dark current drifts and carries 1/f noise.

With a noise spectrum: generalised least squares on the window means, mean = polynomial baseline + step * state, the
covariance of the means from the spectrum, scaled by chi2/dof (A. C. Aitken, "On least squares and linear combination
of observations", Proc. R. Soc. Edinb. 55 (1936) 42). Without one: each beam-on window against the line between its
neighbours, u from the scatter over the cycles with its lag-1 autocovariance (P. R. Bevington, D. K. Robinson, Data
Reduction and Error Analysis, 3rd ed.; variance of a mean of correlated values: M. S. Bartlett, "On the theoretical
specification and sampling properties of autocorrelated time-series", Suppl. J. R. Stat. Soc. 8 (1946) 27).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.polynomial import legendre
from scipy.linalg import cho_factor, cho_solve
from scipy.stats import t as student_t

from xraydaq.analysis.chopped import Windows, windows_of
from xraydaq.analysis.missing_edges import LEAST_CYCLES, bracketed, without_missing_edges
from xraydaq.analysis.noise import NoisePsd
from xraydaq.analysis.values import Floats, NotEnoughData, Value
from xraydaq.analysis.window_noise import covariance_of_means, expected_scatter

__all__ = ["Step", "bracketed", "photocurrent_step"]

BY_CHANCE = 0.0027  # probability of a drift or a lag that is not real (3 sigma)
LAG_THAT_MATTERS = 0.002  # of the step


@dataclass(frozen=True)
class Step:
    """Photocurrent of one chopped trace, in A; `method` "gls" or "bracketed".

    `cycles_dropped`: cycles that lost a window; `dropped`: windows by reason. `s_off`, `s_on`: scatter of a reading in
    a window, pooled. `lag`: step of the later minus that of the earlier halves of the windows, u from the cycles.
    """

    step: Value
    method: Literal["gls", "bracketed"]
    cycles_used: int
    cycles_dropped: int
    dropped: Mapping[str, int]
    window_s: float
    readings: int
    s_off: Value
    s_on: Value
    baseline_settled: bool
    lag: Value
    chi2_per_dof: float
    flags: tuple[str, ...]
    windows: Windows = field(compare=False, repr=False)
    baseline_a: Floats = field(compare=False, repr=False)
    """What the dark current was at the middle of each window, by the baseline."""


def photocurrent_step(
    elapsed_s: Floats,
    current_a: Floats,
    beam_on: Floats,
    *,
    psd: NoisePsd | None = None,
    discard_s: float = 7.5,
    guard_s: float = 0.3,
    baseline_order: int = 3,
    reading_time_s: float = 0.2,
    edges_s: Floats | None = None,
    status: Floats | None = None,
) -> Step:
    """Return the step of one chopped trace; arrays of one length, one entry per reading, in order of time.

    Args:
        elapsed_s: start of each reading.
        current_a: reading, nan where there is none.
        beam_on: commanded state at each reading, 0 or 1; the edges are where it changes.
        psd: spectrum of the dark current; None falls back to bracketed differences.
        discard_s: left out after each edge, five times the slowest response or 6 s, whichever is more.
        guard_s: left out before the next edge.
        baseline_order: of the polynomial that the dark current follows over the trace.
        reading_time_s: integration time of a reading.
        edges_s: moments of the edges, where known better than by the readings.
        status: as stored; limited readings cost their window, other flagged ones are left out.

    Raises:
        NotEnoughData: fewer than 4 usable cycles, or columns that cannot be cut into windows.
    """
    columns = [np.asarray(column, dtype=np.float64) for column in (elapsed_s, current_a, beam_on)]
    if not columns[0].shape == columns[1].shape == columns[2].shape or columns[0].ndim != 1:
        raise NotEnoughData("elapsed time, current and state of the beam must be columns of one length")
    windows = windows_of(
        *columns, discard_s=discard_s, guard_s=guard_s, reading_time_s=reading_time_s, edges_s=edges_s, status=status
    )
    cycles = int(np.count_nonzero(np.diff(columns[2]) > 0))
    windows = without_missing_edges(windows)
    difference_a = bracketed(windows)[0]
    if len(difference_a) < LEAST_CYCLES:
        raise NotEnoughData(f"{len(difference_a)} usable on/off cycles, {LEAST_CYCLES} are needed")
    if psd is None or not psd.h_a2_hz + psd.w_a2_hz > 0:
        return _bracketed_step(windows, cycles, baseline_order)
    return _gls_step(windows, cycles, baseline_order, psd, reading_time_s)


def _gls_step(windows: Windows, cycles: int, order: int, psd: NoisePsd, reading_time_s: float) -> Step:
    seen = _seen_over_expected(windows, psd, reading_time_s)  # else the photons, which are in A, would not fit to it
    covariance = covariance_of_means(windows.time_s, windows.length_s, windows.readings, psd) * seen
    s_off, s_on = windows.scatter(on=False), windows.scatter(on=True)
    photons_a2 = max(s_on.value**2 - s_off.value**2, 0.0)  # noise of the beam itself, white from reading to reading
    covariance += np.diag(np.where(windows.on, photons_a2 / windows.readings, 0.0))
    order = min(order, len(windows.on) - 3)
    design = _design(windows, order)
    fit_a, fit_cov, chi2 = _least_squares(design, windows.mean_a, covariance)
    dof = len(windows.on) - design.shape[1]
    ratio = chi2 / dof
    step = Value(float(fit_a[0]), float(np.sqrt(fit_cov[0, 0] * ratio)), "A", float(dof))
    settled = not _bends(windows, covariance, s_off.dof)
    return _step(windows, cycles, step, "gls", ratio, settled, design[:, 1:] @ fit_a[1:])


def _design(windows: Windows, order: int) -> Floats:
    """Columns: state of the beam, then Legendre polynomials of the time over the trace."""
    first_s, last_s = windows.time_s[0], windows.time_s[-1]
    x = (2 * windows.time_s - first_s - last_s) / (last_s - first_s)
    return np.column_stack((windows.on.astype(np.float64), legendre.legvander(x, order)))


def _least_squares(design: Floats, mean_a: Floats, covariance: Floats) -> tuple[Floats, Floats, float]:
    scale_a2 = float(np.trace(covariance)) / len(mean_a)
    factor = cho_factor(covariance / scale_a2, lower=True)
    weighted = cho_solve(factor, design)
    fit_cov = np.linalg.inv(design.T @ weighted)
    fit_a = fit_cov @ (weighted.T @ mean_a)
    left_a = mean_a - design @ fit_a
    chi2 = float(left_a @ cho_solve(factor, left_a)) / scale_a2
    return fit_a, np.asarray(fit_cov * scale_a2, dtype=np.float64), chi2


def _seen_over_expected(windows: Windows, psd: NoisePsd, reading_time_s: float) -> float:
    """Return the variance of dark readings within windows over that of the spectrum: no slow bend is in it.

    1 if the dark readings do not scatter at all, as coarse digits make them.
    """
    off = ~windows.on
    expected_a = expected_scatter(
        psd, readings=int(np.median(windows.readings[off])), period_s=windows.period_s, reading_time_s=reading_time_s
    )
    seen_a = windows.scatter(on=False).value
    return (seen_a / expected_a) ** 2 if seen_a > 0 else 1.0


def _bends(windows: Windows, covariance: Floats, dof: float | None) -> bool:
    """Ask whether a parabola in the baseline is more than the noise makes."""
    if len(windows.on) < 6:
        return False
    fit_a, fit_cov, _ = _least_squares(_design(windows, 2), windows.mean_a, covariance)
    return _seen(float(fit_a[3]), float(np.sqrt(fit_cov[3, 3])), 100.0 if dof is None else max(dof, 1.0))


def _seen(value: float, u: float, dof: float) -> bool:
    """Ask whether a value differs from zero by more than 3 u would for many degrees of freedom (Student's t)."""
    return abs(value) > float(student_t.isf(BY_CHANCE / 2, dof)) * u


def _bracketed_step(windows: Windows, cycles: int, order: int) -> Step:
    difference_a, inside = bracketed(windows)
    step_a, n = float(difference_a.mean()), len(difference_a)
    left_a = difference_a - step_a
    power_a2 = float(left_a @ left_a)
    r = float(np.clip(left_a[1:] @ left_a[:-1] / power_a2, 0.0, 0.5)) if power_a2 > 0 else 0.0
    u_a = float(np.sqrt(power_a2 / (n - 1) / n * (1 + 2 * r * (n - 1) / n)))
    offs = windows.readings[~windows.on]
    covariance = np.eye(len(windows.on)) * max(power_a2 / (n - 1) / 1.5, 1e-60)  # a bracket: 1 + 1/4 + 1/4 windows
    design = _design(windows, min(order, len(windows.on) - 3))
    fit_a, _, _ = _least_squares(design, windows.mean_a, covariance)
    white_a2 = windows.scatter(on=True).value ** 2 / windows.readings[inside].mean()
    white_a2 += windows.scatter(on=False).value ** 2 / offs.mean() / 2
    ratio = power_a2 / (n - 1) / white_a2 if white_a2 > 0 else np.nan
    return _step(
        windows, cycles, Value(step_a, u_a, "A", float(n - 1)), "bracketed", ratio,
        not _bends(windows, covariance, float(n - 1)), design[:, 1:] @ fit_a[1:],
    )  # fmt: skip


def _step(
    windows: Windows, cycles: int, step: Value, method: Literal["gls", "bracketed"], ratio: float, settled: bool,
    baseline_a: Floats,
) -> Step:  # fmt: skip
    used = int(bracketed(windows)[1].sum())
    lag = _lag(windows)
    return Step(
        step=step,
        method=method,
        cycles_used=used,
        cycles_dropped=max(cycles - used, 0),
        dropped=dict(windows.dropped),
        window_s=float(np.median(windows.length_s)),
        readings=int(np.median(windows.readings)),
        s_off=windows.scatter(on=False),
        s_on=windows.scatter(on=True),
        baseline_settled=settled,
        lag=lag,
        chi2_per_dof=ratio,
        flags=tuple(_flags(windows, step, method, settled, lag)),
        windows=windows,
        baseline_a=baseline_a,
    )


def _lag(windows: Windows) -> Value:
    """Return how much the step grows from the earlier to the later halves of the windows; a straight drift cancels."""
    later_a = windows.late_a - windows.early_a
    parts = [later_a[windows.on], later_a[~windows.on]]
    u_a = float(np.sqrt(sum(float(part.var(ddof=1)) / len(part) for part in parts)))
    return Value(float(parts[0].mean() - parts[1].mean()), u_a, "A", float(min(len(part) for part in parts) - 1))


def _flags(windows: Windows, step: Value, method: str, settled: bool, lag: Value) -> list[str]:
    flags = []
    lost = ", ".join(f"{reason} {count}" for reason, count in windows.dropped.items())
    if lost:
        flags.append(f"windows dropped: {lost}")
    if not settled:
        flags.append("baseline not settled: the dark current bends over the cycles, bias too recent?")
    if _seen(lag.value, lag.u, lag.dof or 1.0) and abs(lag.value) > LAG_THAT_MATTERS * abs(step.value):
        flags.append(f"step still grows within the windows by {lag.to('pA').plus_minus()}: discard more after an edge")
    if method == "bracketed":
        flags.append("no noise spectrum: bracketed differences instead of generalised least squares")
    return flags
