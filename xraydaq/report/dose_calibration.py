"""Figure of a dose calibration: kerma over aluminium, half-value layers, linearity, and the repeated setting.

Colours of points by tube current: M. Okabe, K. Ito, Color Universal Design (2008); markers differ as well.
"""

from typing import TYPE_CHECKING

import numpy as np

from xraydaq.analysis.dose_calibration_result import DoseCalibrationResult
from xraydaq.analysis.values import Floats
from xraydaq.report.notices import bench_notice
from xraydaq.report.style import BLUE, COVERAGE, GREEN, GREY, ORANGE, SKY, VERMILION, styled_figure, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHTS_MM = {"single": 180.0, "double": 112.0}
STYLES = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"), (VERMILION, "D"), (GREY, "v"))
NGY_S_UA = 1e-3


def figure(
    result: DoseCalibrationResult,
    *,
    title: str = "",
    simulated: bool | None = None,
    served: bool = False,
    width: str = "double",
) -> "Figure":
    """Draw the four panels; `width` "single" (86 mm, one below the other) or "double" (178 mm, two by two)."""
    shape = (4, 1) if width == "single" else (2, 2)
    with styled_figure(width, HEIGHTS_MM[width]) as drawn:
        kerma, layers, linearity, repeats = drawn.subplots(*shape).flat
        _kerma(kerma, result)
        _layers(layers, result)
        _linearity(linearity, result)
        _repeats(repeats, result)
        drawn.align_ylabels()
        for letter, axes in zip("abcd", (kerma, layers, linearity, repeats), strict=True):
            axes.set_title(letter, loc="left", fontweight="bold")
        if title:
            drawn.suptitle(wrapped(title, width), x=0.01, ha="left", fontsize=8.0, parse_math=False)
        if notice := bench_notice(simulated, served=served):
            drawn.supxlabel(notice, x=0.99, ha="right", fontsize=6.0, color=GREY)
    return drawn


def _kerma(axes: "Axes", result: DoseCalibrationResult) -> None:
    al_mm = _al_mm(result)
    kerma = np.array([each.kerma.value for each in result.filters]) / NGY_S_UA
    wide = COVERAGE * np.array([each.total_u for each in result.filters]) / NGY_S_UA
    predicted = np.array([each.predicted_over_measured for each in result.filters]) * kerma
    if np.isfinite(predicted).any():
        axes.plot(al_mm, predicted, color=GREY, lw=0.8, ls=(0, (5, 2)), label="tube model, output nominal")
    axes.errorbar(al_mm, kerma, yerr=wide, fmt="o", ms=3, color=BLUE, lw=0.8, capsize=2, label="measured, k = 2")
    axes.set_yscale("log")
    axes.set_xlabel("Total aluminium (mm)")
    axes.set_ylabel("Kerma rate per current\n(nGy s$^{-1}$ µA$^{-1}$)")
    axes.legend(frameon=False, loc="best", handlelength=1.8)


def _layers(axes: "Axes", result: DoseCalibrationResult) -> None:
    al_mm = _al_mm(result)
    layer_mm = np.array([each.half_value_layer.value.value for each in result.filters]) * 1e3
    wide_mm = COVERAGE * np.array([each.half_value_layer.value.u for each in result.filters]) * 1e3
    far = np.array([each.half_value_layer.extrapolated for each in result.filters])
    for mask, fill, label in ((~far, BLUE, "measured, k = 2"), (far, "white", "extrapolated, k = 2")):
        if mask.any():
            axes.errorbar(
                al_mm[mask], layer_mm[mask], yerr=wide_mm[mask], fmt="o", ms=3.5, color=BLUE, mfc=fill, lw=0.8,
                capsize=2, label=label,
            )  # fmt: skip
    axes.set_xlabel("Total aluminium (mm)")
    axes.set_ylabel("Half-value layer\n(mm Al)")
    axes.set_ylim(bottom=0.0)
    axes.legend(frameon=False, loc="lower right", handlelength=1.8)


def _linearity(axes: "Axes", result: DoseCalibrationResult) -> None:
    """Residuals of the model, one place for each filter, one style for each current; repeats have their own panel."""
    model, found = result.model, result.visits
    place = np.searchsorted(model.al_m, found.al_m).astype(np.float64)
    percent, wide = 100 * model.residuals, 100 * COVERAGE * model.relative_u
    currents = np.unique(found.current_a[~found.is_reference])
    for number, current_a in enumerate(currents):
        mine = (found.current_a == current_a) & ~found.is_reference
        colour, marker = STYLES[number % len(STYLES)]
        shift = 0.5 * (number - (len(currents) - 1) / 2) / len(currents)
        axes.errorbar(
            place[mine] + shift, percent[mine], yerr=wide[mine], fmt=marker, ms=2.8, color=colour, lw=0.7, capsize=1.5,
            label=f"{current_a * 1e6:g} µA",
        )  # fmt: skip
    axes.axhline(0.0, color=GREY, lw=0.6)
    axes.set_xticks(np.arange(len(model.al_m)), [f"{al_m * 1e3:g}" for al_m in model.al_m])
    axes.set_xlabel("Total aluminium (mm)")
    axes.set_ylabel("Measured over\nmodel − 1 (%)")
    axes.margins(y=0.35)
    axes.legend(frameon=False, loc="upper left", ncols=len(currents), handlelength=1.0, columnspacing=1.0)


def _repeats(axes: "Axes", result: DoseCalibrationResult) -> None:
    minutes = result.reference_time_s / 60
    percent = 100 * (result.reference - 1)
    if len(minutes):
        own = 100 * COVERAGE * result.model.relative_u[result.visits.is_reference]
        axes.errorbar(minutes, percent, yerr=own, fmt="o", ms=3, color=BLUE, lw=0.8, capsize=2)
    if np.isfinite(result.drift.value):
        _band(axes, result, minutes)
    axes.axhline(0.0, color=GREY, lw=0.6)
    axes.set_xlabel("Time (min)")
    axes.set_ylabel("Repeated setting\nover mean − 1 (%)")


def _band(axes: "Axes", result: DoseCalibrationResult, minutes: Floats) -> None:
    line_min = np.linspace(minutes[0], minutes[-1], 50)
    centred_s = 60 * (line_min - minutes.mean())
    line, wide = 100 * result.drift.value * centred_s, 100 * COVERAGE * result.drift.u * np.abs(centred_s)
    axes.fill_between(line_min, line - wide, line + wide, color=SKY, alpha=0.5, lw=0)
    axes.plot(line_min, line, color=VERMILION, lw=1.0, ls=(0, (5, 2)), label="drift, slope ± 2u")
    axes.legend(frameon=False, loc="best", handlelength=1.8)


def _al_mm(result: DoseCalibrationResult) -> Floats:
    return np.array([each.al_m for each in result.filters]) * 1e3
