"""Figure of a dose-rate sweep: photocurrent against dose rate with residuals, signal-to-noise ratio with its limit."""

from typing import TYPE_CHECKING, Any

import numpy as np

from xraydaq.analysis.dose_rate_sweep_result import DoseRateSweepResult
from xraydaq.analysis.sweep_texts import gain_text, two_digits
from xraydaq.analysis.values import Booleans, Floats, Value
from xraydaq.report.style import (
    BLUE,
    COVERAGE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
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

HEIGHT_MM = {"single": 150.0, "double": 92.0}
# Okabe and Ito, in the order of growing filters; markers tell them apart in grey
FILTERS = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"), (PURPLE, "D"), ("#56B4E9", "v"), ("#000000", "P"))
SNR_SHOWN = 3.0
LEAST_SNR = 0.05  # where the axes end: what is below is noise
LEAST_SHOWN = 0.3  # of the line at the lowest dose rate


def figure(
    result: DoseRateSweepResult,
    *,
    title: str = "",
    simulated: bool | None = None,
    served: bool = False,
    width: str = "double",
) -> "Figure":
    """Draw photocurrent against dose rate (log-log, k = 2 errors both ways), residuals, and the SNR with its crossing.

    `width` "double" (178 mm, side by side) or "single" (86 mm, one below the other).
    """
    with styled_figure(width, HEIGHT_MM[width]) as drawn:
        response, residual, ratio = _axes(drawn, width)
        _response(response, result)
        _residuals(residual, result)
        _snr(ratio, result)
        entitle(response, title, width)
        say_which_bench(ratio, simulated, served=served)
    return drawn


def _axes(drawn: "Figure", width: str) -> tuple["Axes", "Axes", "Axes"]:
    if width == "single":
        grid: Any = drawn.add_gridspec(3, 1, height_ratios=(3, 1.3, 2.6))
        response, residual, ratio = (drawn.add_subplot(grid[row, 0]) for row in range(3))
    else:
        grid = drawn.add_gridspec(2, 2, height_ratios=(3, 1.2), width_ratios=(1.15, 1))
        response, residual = drawn.add_subplot(grid[0, 0]), drawn.add_subplot(grid[1, 0])
        ratio = drawn.add_subplot(grid[:, 1])
    residual.sharex(response)
    response.tick_params(labelbottom=False)
    return response, residual, ratio


def _by_filter(result: DoseRateSweepResult) -> list[tuple[float, Booleans, tuple[str, str]]]:
    """Return total aluminium in mm, mask of its points, colour and marker."""
    al_m = result.response.points.total_al_m
    styles = [FILTERS[index % len(FILTERS)] for index in range(len(np.unique(al_m)))]
    return [(float(al) * 1e3, al_m == al, style) for al, style in zip(np.unique(al_m), styles, strict=True)]


def _dose_unit(result: DoseRateSweepResult) -> tuple[float, str]:
    return prefixed(float(np.median(result.response.points.dose_rate_gy_s)), "Gy/s")


def _response(axes: "Axes", result: DoseRateSweepResult) -> None:
    points, (dose_unit, _) = result.response.points, _dose_unit(result)
    unit_a, unit = prefixed(float(np.median(np.abs(points.current_a))), "A")
    shown: Booleans = points.current_a > 0
    for al_mm, mask, (colour, marker) in _by_filter(result):
        at = mask & shown
        axes.errorbar(
            points.dose_rate_gy_s[at] / dose_unit, points.current_a[at] / unit_a,
            xerr=COVERAGE * points.dose_rate_u_gy_s[at] / dose_unit,
            yerr=_inside(points.current_a[at], COVERAGE * points.current_u_a[at]) / unit_a,
            fmt=marker, ms=3.2, color=colour, lw=0.8, capsize=1.5, label=f"{al_mm:.3g} mm Al", zorder=3,
        )  # fmt: skip
    dose = np.geomspace(points.dose_rate_gy_s.min(), points.dose_rate_gy_s.max(), 100)
    slope = result.response.unweighted.slope.value
    label = f"slope {two_digits(result.slope_unweighted)} µC Gy$^{{-1}}$ cm$^{{-2}}$"
    axes.plot(dose / dose_unit, slope * dose / unit_a, color=GREY, lw=0.9, label=label)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(bottom=LEAST_SHOWN * slope * dose[0] / unit_a)
    axes.set_ylabel(f"Photocurrent ({unit})")
    axes.legend(frameon=False, loc="upper left", handlelength=1.4, labelspacing=0.3)
    theta = result.response.theta
    axes.annotate(
        f"exponent {Value(theta.value, theta.u, '1')}\ngain {gain_text(result.gain)} ({result.quality})",
        (0.98, 0.04), xycoords="axes fraction", ha="right", va="bottom", fontsize=7.0,
    )  # fmt: skip


def _inside(value: Floats, wide: Floats) -> Floats:
    """Return lower and upper error, the lower one short of zero, which a logarithmic axis does not have."""
    return np.vstack((np.minimum(wide, 0.999 * value), wide))


def _residuals(axes: "Axes", result: DoseRateSweepResult) -> None:
    """Draw what the response is above the line through the origin, in percent; its error bars are clipped to 60 %."""
    points, (dose_unit, dose_name) = result.response.points, _dose_unit(result)
    slope = result.response.unweighted.slope.value
    relative = 100 * (points.current_a / (slope * points.dose_rate_gy_s) - 1)
    wide = COVERAGE * 100 * points.sums_u_a(slope) / (slope * points.dose_rate_gy_s)
    known = wide < 60
    for _, mask, (colour, marker) in _by_filter(result):
        at = mask & known
        axes.errorbar(
            points.dose_rate_gy_s[at] / dose_unit, relative[at], yerr=wide[at], fmt=marker, ms=3.0, color=colour,
            lw=0.8, capsize=1.5,
        )  # fmt: skip
    axes.axhline(0.0, color=GREY, lw=0.9)
    axes.set_ylabel("Above line (%)")
    axes.set_xlabel(f"Dose rate, air kerma ({dose_name})")
    axes.margins(y=0.15)


def _snr(axes: "Axes", result: DoseRateSweepResult) -> None:
    points, (dose_unit, dose_name), limits = result.response.points, _dose_unit(result), result.limits
    noise_a = limits.noise.value
    shown: Booleans = points.current_a > 0
    for _, mask, (colour, marker) in _by_filter(result):
        at = mask & shown
        axes.errorbar(
            points.dose_rate_gy_s[at] / dose_unit, points.current_a[at] / noise_a,
            yerr=_inside(points.current_a[at], COVERAGE * points.current_u_a[at]) / noise_a,
            fmt=marker, ms=3.2, color=colour, lw=0.8, capsize=1.5, zorder=3,
        )  # fmt: skip
    axes.axhline(SNR_SHOWN, color=GREY, lw=0.9, ls=(0, (4, 2)))
    axes.annotate("SNR 3", (0.99, SNR_SHOWN), xycoords=("axes fraction", "data"), xytext=(0, 2),
                  textcoords="offset points", ha="right", va="bottom", fontsize=7.0, color=GREY)  # fmt: skip
    if limits.snr:
        snr = limits.snr
        low, high = max(snr.low_gy_s, 1e-3 * snr.high_gy_s) / dose_unit, snr.high_gy_s / dose_unit
        axes.fill_between((low, high), LEAST_SNR, SNR_SHOWN, color=SKY, alpha=0.5, lw=0)
        kind = "estimate (extrapolated)" if snr.extrapolated else "detection limit"
        label = f"{kind} {snr.limit.to('nGy/s')}"
        axes.vlines(snr.limit.value / dose_unit, LEAST_SNR, SNR_SHOWN, color=VERMILION, lw=1.2, label=label, zorder=4)
        first = min(snr.limit.value, points.dose_rate_gy_s.min())
        dose = np.geomspace(0.8 * first, snr.line.highest_gy_s, 100)
        line_a = snr.line.at(dose)
        axes.plot(dose[line_a > 0] / dose_unit, line_a[line_a > 0] / noise_a, color=BLUE, lw=0.9, label="line near it")
        axes.legend(frameon=False, loc="upper left", handlelength=1.4, labelspacing=0.3)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(f"Dose rate, air kerma ({dose_name})")
    axes.set_ylim(bottom=LEAST_SNR)
    source = "blank runs" if limits.noise_from_blanks else "beam off"
    axes.set_ylabel("Photocurrent over noise of a reading")
    axes.annotate(
        f"s of {limits.reading_time_s:.2g} s readings, {source},\n{limits.window_s:.3g} s windows", (0.98, 0.04),
        xycoords="axes fraction", ha="right", va="bottom", fontsize=7.0,
    )  # fmt: skip
