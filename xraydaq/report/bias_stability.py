"""The figure of a dark current at constant bias: the trace with its drift, and what the trend leaves."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from xraydaq.analysis.bias_stability import BiasStabilityResult
from xraydaq.analysis.values import Floats
from xraydaq.report.style import BLUE, COVERAGE, SKY, VERMILION, entitle, prefixed, say_which_bench, styled_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT_MM = 92.0
ENVELOPE_BINS = 500
MEAN_BINS = 300
LINE_FITS = 2.0  # chi2/dof up to which a straight line is drawn as a description of the trace


@dataclass(frozen=True)
class _Scale:
    time_s: float
    time_unit: str
    current_a: float
    current_unit: str


def figure(
    result: BiasStabilityResult,
    elapsed_s: Floats,
    current_a: Floats,
    *,
    title: str = "",
    simulated: bool | None = None,
    served: bool = False,
    width: str = "single",
) -> "Figure":
    """Draw the dark current against time since bias on, with trend and drift, and what the trend leaves below.

    `elapsed_s`, `current_a`: the columns given to the evaluation, same length; `width` "single" (86 mm) or "double".
    """
    time_s, net_a = _evaluated(result, elapsed_s, current_a)
    scale = _scale(time_s, net_a)
    with styled_figure(width, HEIGHT_MM) as drawn:
        upper, lower = drawn.subplots(2, 1, sharex=True, height_ratios=(3, 1.1))
        _current(upper, result, time_s, net_a, scale)
        _residuals(lower, result, time_s, net_a, scale)
        drawn.align_ylabels()
        entitle(upper, title, width)
        say_which_bench(lower, simulated, served=served)
    return drawn


def _evaluated(result: BiasStabilityResult, elapsed_s: Floats, current_a: Floats) -> tuple[Floats, Floats]:
    used = result.rows_used
    if not len(used) == len(elapsed_s) == len(current_a):
        raise ValueError(f"{len(elapsed_s)} and {len(current_a)} rows given, {len(used)} were evaluated")
    time_s = np.asarray(elapsed_s, dtype=np.float64)[used] - result.bias_on_s
    return time_s, np.asarray(current_a, dtype=np.float64)[used] - result.offset.value.value


def _scale(time_s: Floats, net_a: Floats) -> _Scale:
    duration_s = float(time_s[-1])
    time = (3600.0, "h") if duration_s > 3 * 3600 else (60.0, "min") if duration_s > 600 else (1.0, "s")
    current_a, unit = prefixed(float(np.max(np.abs(net_a))))
    return _Scale(*time, current_a, unit)


def _current(axes: "Axes", result: BiasStabilityResult, time_s: Floats, net_a: Floats, scale: _Scale) -> None:
    at_s, low_a, high_a = _envelope(time_s, net_a)
    x = at_s / scale.time_s
    axes.fill_between(x, low_a / scale.current_a, high_a / scale.current_a, color=SKY, lw=0, label="readings, min–max")
    mean_s, mean_a = _means(time_s, net_a)
    axes.plot(mean_s / scale.time_s, mean_a / scale.current_a, color=BLUE, lw=1.0, label="readings, mean")
    _drift(axes, result, scale)
    axes.set_ylabel(f"Dark current ({scale.current_unit})")
    axes.margins(x=0.02, y=0.08)
    axes.legend(frameon=False, loc="best", handlelength=1.6, labelspacing=0.35)


def _drift(axes: "Axes", result: BiasStabilityResult, scale: _Scale) -> None:
    """Straight line with its band where a line describes the trace, else the line between the two end points."""
    points = result.end_points
    if result.line.chi2_per_dof <= LINE_FITS:
        line_s = np.linspace(0.0, result.duration_s, 100)
        line_a, u_a = result.line.at(line_s)
        _banded_line(axes, line_s, line_a, u_a, scale, label="drift, line and k = 2 band")
    if points is None:
        return
    at_s, at_a = np.array([points.t1_s, points.t2_s]), np.array([points.i1_a, points.i2_a])
    u_a = np.full(2, points.change.u / np.sqrt(2))
    if result.line.chi2_per_dof > LINE_FITS:
        _banded_line(axes, at_s, at_a, u_a, scale, label="drift between end points")
    x, y, wide = at_s / scale.time_s, at_a / scale.current_a, COVERAGE * u_a / scale.current_a
    axes.errorbar(
        x, y, yerr=wide, fmt="o", ms=3, color=VERMILION, lw=0.8, capsize=2, zorder=5, label="end points, k = 2"
    )


def _banded_line(axes: "Axes", time_s: Floats, line_a: Floats, u_a: Floats, scale: _Scale, *, label: str) -> None:
    x, y, wide = time_s / scale.time_s, line_a / scale.current_a, COVERAGE * u_a / scale.current_a
    axes.fill_between(x, y - wide, y + wide, color=VERMILION, alpha=0.25, lw=0)
    axes.plot(x, y, color=VERMILION, lw=1.0, ls=(0, (5, 2)), label=label)


def _residuals(axes: "Axes", result: BiasStabilityResult, time_s: Floats, net_a: Floats, scale: _Scale) -> None:
    from matplotlib.ticker import MaxNLocator

    trend_a = np.interp(time_s, result.curves["trend_time"][0], result.curves["trend_current"][0])
    left_a = net_a - trend_a
    unit_a, unit = prefixed(float(np.percentile(np.abs(left_a), 99.9)))
    at_s, low_a, high_a = _envelope(time_s, left_a)
    axes.fill_between(at_s / scale.time_s, low_a / unit_a, high_a / unit_a, color=SKY, lw=0)
    axes.axhline(0.0, color=BLUE, lw=0.8)
    axes.set_ylabel(f"Residual ({unit})")
    axes.set_xlabel(f"Time since bias on ({scale.time_unit})")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10]))
    axes.margins(x=0.02, y=0.08)


def _pieces(time_s: Floats, most: int) -> tuple[Floats, NDArray[np.intp]]:
    """Cut the time into equal pieces of at least four readings: their middles, and the piece of every reading."""
    count = max(1, min(most, len(time_s) // 4))
    edges = np.linspace(time_s[0], time_s[-1], count + 1)
    piece = np.clip(np.searchsorted(edges, time_s, side="right") - 1, 0, count - 1)
    return (edges[1:] + edges[:-1]) / 2, piece


def _envelope(time_s: Floats, current_a: Floats) -> tuple[Floats, Floats, Floats]:
    """Smallest and largest reading of each piece; nan, a gap in the figure, where there is no reading."""
    at_s, piece = _pieces(time_s, ENVELOPE_BINS)
    low, high = np.full(len(at_s), np.inf), np.full(len(at_s), -np.inf)
    np.minimum.at(low, piece, current_a)
    np.maximum.at(high, piece, current_a)
    empty = low > high
    return at_s, np.where(empty, np.nan, low), np.where(empty, np.nan, high)


def _means(time_s: Floats, current_a: Floats) -> tuple[Floats, Floats]:
    at_s, piece = _pieces(time_s, MEAN_BINS)
    readings = np.bincount(piece, minlength=len(at_s))
    total_a = np.bincount(piece, weights=current_a, minlength=len(at_s))
    return at_s, np.where(readings > 0, total_a / np.maximum(readings, 1), np.nan)
