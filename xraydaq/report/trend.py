"""The figure of a sensitivity over runs and dates."""

from typing import TYPE_CHECKING

import numpy as np

from xraydaq.analysis.trend import HOUR_S, TrendResult
from xraydaq.analysis.values import Floats
from xraydaq.report.style import BLUE, GREY, VERMILION, entitle, say_which_bench, styled_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT_MM = 92.0
PERCENT = 1e-2


def figure(
    result: TrendResult, *, title: str = "", simulated: bool | None = None, served: bool = False, width: str = "single"
) -> "Figure":
    """Draw the sensitivity relative to its mean with the line and its band; the reference below. Bars k = 1."""
    with styled_figure(width, HEIGHT_MM) as drawn:
        if result.inputs["reference"] == "none":
            upper = lower = drawn.subplots()
        else:
            upper, lower = drawn.subplots(2, 1, sharex=True, height_ratios=(2.2, 1))
            _reference(lower, result)
        _sensitivity(upper, result)
        lower.set_xlabel("Time (h)")
        entitle(upper, title, width)
        drawn.align_ylabels()
        say_which_bench(lower, simulated, served=served)
    return drawn


def _sensitivity(axes: "Axes", result: TrendResult) -> None:
    mean = result.sensitivity.value
    time_h, line_h = (result.curves[name][0] / HOUR_S for name in ("time", "line_time"))
    line, wide = (_percent(result.curves[name][0], mean) for name in ("line", "line_u"))
    k = float(result.inputs["coverage_factor"])
    axes.fill_between(line_h, line - k * wide - 100, line + k * wide - 100, color=VERMILION, alpha=0.2, lw=0)
    axes.plot(line_h, line - 100, color=VERMILION, lw=1.0, ls=(0, (5, 2)), label="line and 2σ band")
    if result.inputs["reference"] != "none":
        raw = _percent(result.curves["sensitivity"][0], mean)
        axes.plot(time_h, raw - 100, "o", ms=3, mfc="white", color=GREY, mew=0.7, label="as measured")
    corrected, u = (_percent(result.curves[name][0], mean) for name in ("corrected", "corrected_u"))
    axes.errorbar(
        time_h, corrected - 100, yerr=u, fmt="o", ms=3, color=BLUE, lw=0.8, capsize=1.5,
        label="bench drift divided out" if result.inputs["reference"] != "none" else "runs",
    )  # fmt: skip
    axes.axhline(0, color=GREY, lw=0.5, zorder=0)
    axes.set_ylabel("Sensitivity, change\nfrom its mean (%)")
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.45 * (high - low))  # room for the legend above the points
    axes.legend(frameon=False, loc="upper left", handlelength=1.8, labelspacing=0.3)


def _reference(axes: "Axes", result: TrendResult) -> None:
    time_h = result.curves["time"][0] / HOUR_S
    ratio, u = (_percent(result.curves[name][0], 1.0) for name in ("reference", "reference_u"))
    axes.errorbar(time_h, ratio - 100, yerr=u, fmt="s", ms=2.5, color=GREY, lw=0.8, capsize=1.5)
    axes.axhline(0, color=GREY, lw=0.5, zorder=0)
    axes.set_ylabel("Reference (%)")


def _percent(values: Floats, whole: float) -> Floats:
    return np.asarray(values / whole / PERCENT)
