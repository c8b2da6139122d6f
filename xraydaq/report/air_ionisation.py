"""Figure of the air-ionisation control: the step of every cycle on the blank, and what would be taken for a signal."""

from typing import TYPE_CHECKING

import numpy as np

from xraydaq.analysis.air_ionisation import AirIonisationResult
from xraydaq.analysis.photocurrent_step import bracketed
from xraydaq.report.style import BLUE, COVERAGE, GREY, SKY, VERMILION, entitle, say_which_bench, styled_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT_MM = 70.0
PICO = 1e-12
MICRO_PER_CM2 = 1e-2  # 1 uC/Gy/cm^2 in SI


def figure(
    result: AirIonisationResult,
    *,
    title: str = "",
    simulated: bool | None = None,
    served: bool = False,
    width: str = "single",
) -> "Figure":
    """Draw beam on less beam off of every cycle, their mean with k = 2, and one step of the meter's display.

    The axis on the right says what sensitivity such a step would be taken for. `width` "single" (86 mm) or "double".
    """
    with styled_figure(width, HEIGHT_MM) as drawn:
        axes = drawn.subplots()
        _steps(axes, result)
        entitle(axes, title, width)
        say_which_bench(axes, simulated, served=served)
    return drawn


def _steps(axes: "Axes", result: AirIonisationResult) -> None:
    difference_a, inside = bracketed(result.step.windows)
    time_s = result.step.windows.time_s[inside]
    minutes = (time_s - result.step.windows.time_s[0]) / 60
    axes.plot(minutes, difference_a / PICO, "o", ms=2.6, color=BLUE, label="on less off, each cycle")
    mean, wide = result.step.step.value / PICO, COVERAGE * result.step.step.u / PICO
    axes.axhspan(mean - wide, mean + wide, color=SKY, alpha=0.6, lw=0)
    axes.axhline(mean, color=VERMILION, lw=1.0, label="step, k = 2")
    count = result.inputs["resolution_a"]
    assert isinstance(count, float)
    axes.axhline(count / PICO, color=GREY, lw=0.8, ls=(0, (4, 2)), label="one step of the display")
    axes.axhline(0.0, color=GREY, lw=0.6)
    axes.set_xlabel("Time (min)")
    axes.set_ylabel("Step of the current (pA)")
    axes.margins(x=0.02)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.35 * (high - low))
    axes.legend(frameon=False, loc="upper right", handlelength=1.6, labelspacing=0.3)
    per_pa = PICO / (float(result.inputs["area_m2"]) * result.dose_rate.value) / MICRO_PER_CM2
    right = axes.secondary_yaxis(
        "right", functions=(lambda y: np.asarray(y) * per_pa, lambda y: np.asarray(y) / per_pa)
    )
    right.set_ylabel("Taken for (µC Gy$^{-1}$ cm$^{-2}$)")
    right.spines["right"].set_visible(True)
