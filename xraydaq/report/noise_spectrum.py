"""Figure of a noise spectrum: lines, means, fit, background, shot and Johnson noise."""

from typing import TYPE_CHECKING, Any

import numpy as np

from xraydaq.analysis.noise import HANN_CORRELATION
from xraydaq.analysis.noise_spectrum import NoiseSpectrumResult
from xraydaq.analysis.values import Floats, Value
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

HEIGHT_MM = 92.0
BANDS_PER_DECADE = 12
ROOM_ABOVE, ROOM_BELOW = 2.0, 0.5  # factors beyond what is drawn


def figure(
    result: NoiseSpectrumResult,
    *,
    title: str = "",
    simulated: bool | None = None,
    served: bool = False,
    width: str = "single",
) -> "Figure":
    """Draw the density of the current noise against frequency, and below it measured over fitted power.

    Dots are means over bands of a twelfth of a decade with k = 2 bars; `width` "single" (86 mm) or "double" (178 mm).
    """
    with styled_figure(width, HEIGHT_MM) as drawn:
        upper, lower = drawn.subplots(2, 1, sharex=True, height_ratios=(3, 1.1))
        _densities(upper, result)
        _ratio(lower, result)
        drawn.align_ylabels()
        entitle(upper, title, width)
        say_which_bench(lower, simulated, served=served)
    return drawn


def _densities(axes: "Axes", result: NoiseSpectrumResult) -> None:
    f_hz, measured, device, behind = (
        result.curves[name][0] for name in ("frequency", "measured", "device", "background")
    )
    unit_a, unit = prefixed(float(np.median(measured)))
    axes.loglog(f_hz, measured / unit_a, color=SKY, lw=0.5, label="lines")
    band_hz, ratio, u = _bands(result)
    total = np.interp(np.log(band_hz), np.log(f_hz), result.curves["fit"][0]) / unit_a
    mean = total * np.sqrt(ratio)
    bars = COVERAGE * total * u / (2 * np.sqrt(ratio))
    axes.errorbar(band_hz, mean, yerr=bars, fmt="o", ms=2.2, color=BLUE, lw=0.7, label="means, k = 2")
    axes.plot(f_hz, device / unit_a, color=VERMILION, lw=1.0, label=_name(result))
    levels = [_behind(axes, result, f_hz, behind / unit_a)]
    levels += [_level(axes, value.value / unit_a, *look) for value, look in _white_levels(result)]
    everything = np.concatenate((measured / unit_a, [each for each in levels if each > 0]))
    axes.set_ylim(ROOM_BELOW * everything.min(), ROOM_ABOVE * everything.max())
    axes.set_ylabel(f"Current noise ({unit}/√Hz)")
    axes.legend(frameon=False, loc="upper right", handlelength=1.6, labelspacing=0.3)


def _behind(axes: "Axes", result: NoiseSpectrumResult, f_hz: Floats, behind: Floats) -> float:
    """Draw the background and return its lowest value; nan where there is none."""
    if not np.any(behind > 0):
        return float("nan")
    names = {"zero_bias": "device at 0 V", "open_input": "open input", "nominal": "preamplifier, data sheet"}
    axes.plot(f_hz, behind, color=GREY, lw=1.0, ls=(0, (5, 2)))
    _written(axes, 0.24, behind[0], names[result.background], GREY)
    return float(behind[behind > 0].min())


def _white_levels(result: NoiseSpectrumResult) -> list[tuple[Value, tuple[str, str, float, str]]]:
    """Shot and Johnson noise, each with colour, line style, place of its name (share of the width) and name."""
    shot, johnson = (GREEN, "-.", 0.7, "shot noise"), ("black", ":", 0.98, "Johnson noise")
    return [(result.shot, shot), (result.johnson, johnson)]


def _level(axes: "Axes", value: float, color: str, style: str, place: float, name: str) -> float:
    if value > 0:
        axes.axhline(value, color=color, lw=0.9, ls=style)
        _written(axes, place, value, name, color)
    return value


def _written(axes: "Axes", place: float, value: float, name: str, color: str) -> None:
    at: dict[str, Any] = {
        "xycoords": axes.get_yaxis_transform(),
        "textcoords": "offset points",
        "ha": "right",
        "va": "bottom",
    }
    axes.annotate(name, (place, value), xytext=(0, 1.5), fontsize=7.0, color=color, **at)


def _name(result: NoiseSpectrumResult) -> str:
    white = " + white" if result.fit.white_seen else ""
    return f"device, 1/f$^{{{result.gamma.value:.2f}}}${white}"


def _ratio(axes: "Axes", result: NoiseSpectrumResult) -> None:
    f_hz = result.curves["frequency"][0]
    ratio = (result.curves["measured"][0] / result.curves["fit"][0]) ** 2
    axes.semilogx(f_hz, ratio, color=SKY, lw=0.4)
    band_hz, mean, u = _bands(result)
    axes.errorbar(band_hz, mean, yerr=COVERAGE * u, fmt="o", ms=2.2, color=BLUE, lw=0.7)
    axes.axhline(1.0, color=VERMILION, lw=0.8)
    axes.set_ylabel("Power / fit")
    axes.set_xlabel("Frequency (Hz)")
    axes.set_xlim(f_hz[0] / 1.1, f_hz[-1] * 1.1)
    axes.set_ylim(0.0, 2.0)


def _bands(result: NoiseSpectrumResult) -> tuple[Floats, Floats, Floats]:
    """Middle of each band (Hz), mean ratio of measured and fitted power, and its standard uncertainty."""
    f_hz, averages = result.curves["frequency"][0], result.curves["averages"][0]
    ratio = (result.curves["measured"][0] / result.curves["fit"][0]) ** 2
    band = np.floor(np.log10(f_hz / f_hz[0]) * BANDS_PER_DECADE).astype(np.int64)
    _, band = np.unique(band, return_inverse=True)
    weight = np.bincount(band, averages)
    mean = np.bincount(band, averages * ratio) / weight
    middle_hz = np.exp(np.bincount(band, averages * np.log(f_hz)) / weight)
    alone = np.bincount(band) == 1
    return middle_hz, mean, mean * np.sqrt(np.where(alone, 1.0, HANN_CORRELATION) / weight)
