"""Figure of a photoresponse: the current over the cycles, and what the edges look like on a logarithmic time axis."""

from typing import TYPE_CHECKING, Any

import numpy as np

from xraydaq.analysis.edge_response import EdgeResponse
from xraydaq.analysis.photoresponse import PhotoresponseResult, PointResponse
from xraydaq.analysis.point_sensitivity import gain_text
from xraydaq.analysis.values import Floats
from xraydaq.report.style import BLUE, GREY, SKY, VERMILION, entitle, prefixed, say_which_bench, styled_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT_MM = {"single": 140.0, "double": 84.0}
SHOWN_FROM_PERIODS = 0.15  # of the reading period: where the time axis begins
LEVELS = (0.1, 0.9)
ABOVE = 0.16  # room for the words above the trace, as a share of it


def figure(
    result: PhotoresponseResult,
    elapsed_s: Floats,
    current_a: Floats,
    point: Floats,
    *,
    title: str = "",
    simulated: bool | None = None,
    served: bool = False,
    width: str = "double",
) -> "Figure":
    """Draw the current at the highest dose rate, its rises and its falls with the fitted response.

    `elapsed_s`, `current_a`, `point`: the columns given to the evaluation; `width` "double" (178 mm) or "single"
    (86 mm, one below the other).
    """
    best = result.points[0]
    with styled_figure(width, HEIGHT_MM[width]) as drawn:
        trace, rise, fall = _axes(drawn, width)
        _trace(trace, best, elapsed_s, current_a, point)
        _edge(rise, best, best.rise, "rise", falling=False)
        _edge(fall, best, best.fall, "fall", falling=True)
        fall.set_xlabel("Time since the edge, delay taken off (s)")
        entitle(trace, title, width)
        say_which_bench(fall, simulated, served=served)
    return drawn


def _axes(drawn: "Figure", width: str) -> tuple["Axes", "Axes", "Axes"]:
    if width == "single":
        grid: Any = drawn.add_gridspec(3, 1, height_ratios=(1.3, 1, 1))
        places = (grid[0, 0], grid[1, 0], grid[2, 0])
    else:
        grid = drawn.add_gridspec(2, 2, width_ratios=(1.15, 1))
        places = (grid[:, 0], grid[0, 1], grid[1, 1])
    trace, rise, fall = (drawn.add_subplot(place) for place in places)
    rise.sharex(fall)
    rise.tick_params(labelbottom=False)
    return trace, rise, fall


def _trace(axes: "Axes", best: PointResponse, elapsed_s: Floats, current_a: Floats, point: Floats) -> None:
    rows = (point == best.point) & np.isfinite(current_a)
    unit_a, unit = prefixed(float(np.max(np.abs(current_a[rows]))))
    axes.plot((elapsed_s[rows] - elapsed_s[rows][0]) / 60, current_a[rows] / unit_a, color=BLUE, lw=0.6)
    axes.set_xlabel("Time (min)")
    axes.set_ylabel(f"Current ({unit})")
    axes.margins(x=0.02, y=0.08)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + ABOVE * (high - low))
    step, gain = best.step.prefixed(), gain_text(best.gain)
    axes.annotate(
        f"step {step.number()} {step.unit} at {best.dose_rate.to('uGy/s').value:.3g} µGy/s, gain {gain}\n"
        f"steps repeat within {best.repeatability.to('%').value:.2g} %",
        (0.02, 0.985), xycoords="axes fraction", ha="left", va="top", fontsize=7.0,
    )  # fmt: skip


def _edge(axes: "Axes", best: PointResponse, response: EdgeResponse, name: str, *, falling: bool) -> None:
    """Draw the part of the step that is there (rise) or left (fall), in percent, against the time since the edge."""
    time_s, part, _ = response.points
    shown = time_s > SHOWN_FROM_PERIODS * best.period_s
    axes.plot(
        time_s[shown],
        100 * _as(part[shown], falling),
        ".",
        ms=2.2,
        color=SKY,
        label=f"{response.edges} {name}s, means",
    )
    line_s = np.geomspace(SHOWN_FROM_PERIODS * best.period_s, float(time_s.max()), 300)
    line = 1 - response.remaining(line_s)
    axes.plot(line_s, 100 * _as(line, falling), color=VERMILION, lw=1.0, label="fitted response")
    for level in LEVELS:
        axes.axhline(100 * level, color=GREY, lw=0.6, ls=(0, (4, 3)))
    axes.set_xscale("log")
    axes.set_ylabel("Left of step (%)" if falling else "Part of step (%)")
    axes.set_ylim(-8, 112)
    axes.legend(
        frameon=False, loc="center right", handlelength=1.2, labelspacing=0.3, title=_times(response, name),
        title_fontsize=7.0,
    )  # fmt: skip


def _as(part: Floats, falling: bool) -> Floats:
    return 1 - part if falling else part


def _times(response: EdgeResponse, name: str) -> str:
    levels = "90–10 %" if name == "fall" else "10–90 %"
    value = response.transition.prefixed()
    if not response.resolved:
        return f"{name} {levels} below {value.value:.2g} {value.unit}"
    return f"{name} {levels}: {value.number()} {value.unit}"
