"""Figure of a field sweep: sensitivity against nominal field, up and down, with the fitted law and what it leaves."""

from typing import TYPE_CHECKING

import numpy as np

from xraydaq.analysis.field_sweep_result import FieldSweepResult
from xraydaq.analysis.point_sensitivity import gain_text
from xraydaq.analysis.sweep_texts import two_digits
from xraydaq.report.style import BLUE, COVERAGE, GREY, SKY, VERMILION, entitle, say_which_bench, styled_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT_MM = 92.0
V_PER_MM = 1e3
SENSITIVITY = 1e-2 * 1e5  # 1e5 uC/Gy/cm^2 in SI


def figure(
    result: FieldSweepResult,
    *,
    title: str = "",
    simulated: bool | None = None,
    served: bool = False,
    width: str = "single",
) -> "Figure":
    """Draw sensitivity against nominal field with k = 2 bars and band, and the residuals below.

    The bars hold the statistics of each step only: dose, area and gap are common to all. `width` "single" (86 mm) or
    "double" (178 mm).
    """
    with styled_figure(width, HEIGHT_MM) as drawn:
        upper, lower = drawn.subplots(2, 1, sharex=True, height_ratios=(3, 1.1))
        _sensitivity(upper, result)
        _residuals(lower, result)
        drawn.align_ylabels()
        entitle(upper, title, width)
        say_which_bench(lower, simulated, served=served)
    return drawn


def _sensitivity(axes: "Axes", result: FieldSweepResult) -> None:
    curves = {name: column for name, (column, _) in result.curves.items()}
    line_x, line = curves["fit_field"] / V_PER_MM, curves["fit_sensitivity"] / SENSITIVITY
    wide = COVERAGE * curves["fit_sensitivity_u"] / SENSITIVITY
    axes.fill_between(line_x, line - wide, line + wide, color=SKY, alpha=0.6, lw=0)
    axes.plot(line_x, line, color=BLUE, lw=1.0, label=_law(result))
    for rising, marker, colour, name in ((1.0, "^", VERMILION, "up"), (0.0, "v", GREY, "down")):
        at = curves["rising"] == rising
        if at.any():
            axes.errorbar(
                curves["field"][at] / V_PER_MM, curves["sensitivity"][at] / SENSITIVITY,
                yerr=COVERAGE * curves["sensitivity_u"][at] / SENSITIVITY, fmt=marker, ms=4.0, mfc="none",
                color=colour, lw=0.8, capsize=1.5, label=f"{name}, k = 2", zorder=3,
            )  # fmt: skip
    axes.set_ylabel("Sensitivity (10$^5$ µC Gy$^{-1}$ cm$^{-2}$)")
    axes.set_ylim(bottom=0.0)
    axes.legend(frameon=False, loc="upper left", handlelength=1.6, labelspacing=0.35)
    axes.annotate(
        f"gain {gain_text(result.gain)} at the highest field\n{result.dose_rate.to('uGy/s').value:.3g} µGy/s, "
        f"{result.quality}",
        (0.98, 0.04), xycoords="axes fraction", ha="right", va="bottom", fontsize=7.0,
    )  # fmt: skip


def _law(result: FieldSweepResult) -> str:
    if not result.fit.seen:
        return "straight line: no saturation seen"
    plateau = f"plateau {two_digits(result.plateau)}"
    return f"E$_0$ = {result.scale.to('V/mm').number()} V/mm, {plateau}"


def _residuals(axes: "Axes", result: FieldSweepResult) -> None:
    """Draw points less fit in percent of the fit."""
    curves = {name: column for name, (column, _) in result.curves.items()}
    expected, _ = result.fit.at(curves["field"])
    left = 100 * (curves["sensitivity"] / expected - 1)
    wide = COVERAGE * 100 * curves["sensitivity_u"] / np.abs(expected)
    for rising, marker, colour in ((1.0, "^", VERMILION), (0.0, "v", GREY)):
        at = curves["rising"] == rising
        axes.errorbar(
            curves["field"][at] / V_PER_MM, left[at], yerr=wide[at], fmt=marker, ms=4.0, mfc="none", color=colour,
            lw=0.8, capsize=1.5,
        )  # fmt: skip
    axes.axhline(0.0, color=BLUE, lw=0.8)
    axes.set_ylabel("Off the fit (%)")
    axes.set_xlabel("Nominal field, bias over gap (V/mm)")
    axes.margins(y=0.15)
