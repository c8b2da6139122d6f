"""Figure of a space-charge-limited current: current against bias with its regimes, and the local slope below."""

from typing import TYPE_CHECKING

import numpy as np

from xraydaq.analysis.sclc_result import BY_NOTHING, SclcSweepResult, Sweep
from xraydaq.report.style import (
    BLUE,
    COVERAGE,
    GREEN,
    GREY,
    SKY,
    VERMILION,
    entitle,
    prefixed,
    say_which_bench,
    styled_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT_MM = 100.0
REGIME_COLOURS = {"ohmic": GREY, "filling": VERMILION, "square law": GREEN}
REGIME_SLOPES = {"ohmic": 1.0, "square law": 2.0}
MARKS = {1: ("o", BLUE, "full"), -1: ("s", BLUE, "none")}
BEYOND = 1.6  # factor by which the line of a regime is drawn past its ends
LEAST_SLOPE_RANGE = 4.0


def figure(
    result: SclcSweepResult,
    *,
    title: str = "",
    simulated: bool | None = None,
    served: bool = False,
    width: str = "single",
) -> "Figure":
    """Draw current against bias with the lines of the regimes and the band of the trap-filled limit, slopes below.

    Both polarities are drawn as sizes; the offset of the meter is taken off. `width` "single" (86 mm) or "double".
    """
    with styled_figure(width, HEIGHT_MM) as drawn:
        upper, lower = drawn.subplots(2, 1, sharex=True, height_ratios=(2.4, 1.1))
        _currents(upper, result)
        _slopes(lower, result)
        for axes in (upper, lower):
            _limit(axes, result)
        upper.legend(frameon=False, loc="best", handlelength=1.6, labelspacing=0.3)
        _limit_name(lower, result)
        drawn.align_ylabels()
        entitle(upper, title, width)
        say_which_bench(lower, simulated, served=served)
    return drawn


def _currents(axes: "Axes", result: SclcSweepResult) -> None:
    largest_a = max(float(sweep.points.current_a.max()) for sweep in result.sweeps)
    unit_a, unit = prefixed(largest_a)
    named: set[str] = set()
    for sweep in result.sweeps:
        marker, colour, fill = MARKS[sweep.direction]
        label = "" if sweep.name in named else f"readings, {sweep.name}"
        named.add(sweep.name)
        axes.loglog(
            sweep.points.bias_v, sweep.points.current_a / unit_a, marker, ms=2.4, mew=0.5, color=colour,
            fillstyle=fill, label=label or "_",
        )  # fmt: skip
    shown = _shown(result)
    if shown.fit is not None:
        bias_v = np.geomspace(shown.points.bias_v[0], shown.points.bias_v[-1], 400)
        axes.plot(bias_v, shown.fit.current_a(bias_v) / unit_a, color=SKY, lw=0.9, zorder=4, label="filling model")
    _lines(axes, shown, unit_a)
    axes.set_ylabel(f"Current ({unit})")
    _power_ticks(axes)


def _shown(result: SclcSweepResult) -> Sweep:
    """The sweep whose lines are drawn: the first that has a limit, else the first."""
    return next((sweep for sweep in result.sweeps if sweep.estimator != BY_NOTHING), result.sweeps[0])


def _lines(axes: "Axes", sweep: Sweep, unit_a: float) -> None:
    """Lines of slope 1 and 2 through their regimes, and the tangent at the steepest point."""
    for regime in sweep.regimes:
        slope = REGIME_SLOPES.get(regime.kind, sweep.top.slope.value)
        rows = regime.rows
        if regime.kind == "filling":
            middle_v, middle_a = sweep.top.bias.value, float(np.exp(sweep.top.log_current.value))
            ends_v = middle_v * np.array([1 / BEYOND, BEYOND])
        else:
            middle_v = float(np.exp(np.mean(sweep.points.log_bias[rows])))
            level = np.mean(sweep.points.log_current[rows] - slope * sweep.points.log_bias[rows])
            middle_a = float(np.exp(level)) * middle_v**slope
            ends_v = np.array([regime.from_v / BEYOND, regime.to_v * BEYOND])
        line_a = middle_a * (ends_v / middle_v) ** slope
        name = {"ohmic": "ohmic, slope 1", "square law": "square law, slope 2"}.get(
            regime.kind, f"filling, slope {slope:.1f}"
        )
        axes.plot(ends_v, line_a / unit_a, color=REGIME_COLOURS[regime.kind], lw=0.9, ls=(0, (5, 2)), label=name)


def _slopes(axes: "Axes", result: SclcSweepResult) -> None:
    for sweep in result.sweeps:
        marker, colour, fill = MARKS[sweep.direction]
        axes.errorbar(
            sweep.points.bias_v, sweep.slopes.slope, yerr=COVERAGE * sweep.slopes.u, fmt=marker, ms=2.0, mew=0.5,
            color=colour, fillstyle=fill, lw=0.4,
        )  # fmt: skip
    for regime in _shown(result).regimes:
        axes.axvspan(regime.from_v, regime.to_v, color=REGIME_COLOURS[regime.kind], alpha=0.12, lw=0)
    for slope in REGIME_SLOPES.values():
        axes.axhline(slope, color=GREY, lw=0.5, ls=":")
    top = max(LEAST_SLOPE_RANGE, *(sweep.top.slope.value for sweep in result.sweeps)) * 1.2
    axes.set_ylim(0.0, top)
    axes.set_ylabel("Slope d ln I / d ln V")
    axes.set_xlabel("Bias (V)")


def _limit(axes: "Axes", result: SclcSweepResult) -> None:
    """The trap-filled limit and its k = 2 band."""
    limit = result.trap_filled_limit
    if not np.isfinite(limit.value):
        return
    wide_v = COVERAGE * limit.u
    axes.axvspan(max(limit.value - wide_v, 0.0), limit.value + wide_v, color="black", alpha=0.15, lw=0)
    axes.axvline(limit.value, color="black", lw=0.8)


def _limit_name(axes: "Axes", result: SclcSweepResult) -> None:
    """Write the limit beside its line, on the side with more room."""
    limit = result.trap_filled_limit
    if not np.isfinite(limit.value):
        return
    low_v, high_v = axes.get_xlim()
    right = limit.value**2 < low_v * high_v
    axes.annotate(
        f"$V_T$ = {limit.prefixed()}", (limit.value, 0.95), xycoords=("data", "axes fraction"),
        xytext=(4 if right else -4, 0), textcoords="offset points", ha="left" if right else "right", va="top",
        fontsize=7.0,
    )  # fmt: skip


def _power_ticks(axes: "Axes") -> None:
    from matplotlib.ticker import LogLocator, NullLocator

    axes.yaxis.set_major_locator(LogLocator(base=10, numticks=8))
    axes.yaxis.set_minor_locator(NullLocator())
