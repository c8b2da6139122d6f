"""Arrhenius figure of a temperature sweep: conductivity, both models, and what the reported one leaves."""

from typing import TYPE_CHECKING

import numpy as np

from xraydaq.analysis.arrhenius_model import branches
from xraydaq.analysis.temperature_sweep import TemperatureSweepResult
from xraydaq.analysis.values import Booleans, Floats
from xraydaq.report.style import BLUE, COVERAGE, GREEN, GREY, VERMILION, say_which_bench, styled_figure, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT_MM = 98.0
S_CM = 1e2  # one S/cm in S/m
TICKS_K = 10.0
ROOM = 3.0  # factor below the smallest point that the branches may reach
SHOWN = {"parallel": ("parallel", "sharp"), "sharp": ("sharp", "parallel"), "single line": ("single_line", "")}
LABELS = {"parallel": "branches in parallel", "sharp": "broken line", "single_line": "one line"}
WAYS = ((1.0, "heating", "o", BLUE), (-1.0, "cooling", "s", GREEN), (0.0, "measured", "o", BLUE))


def figure(
    result: TemperatureSweepResult,
    *,
    title: str = "",
    simulated: bool | None = None,
    served: bool = False,
    width: str = "single",
) -> "Figure":
    """Draw sigma T against 1000/T with the reported model, its branches and the other model; below the residuals.

    Bars are k = 2, of the scatter only; `width` "single" (86 mm) or "double" (178 mm).
    """
    with styled_figure(width, HEIGHT_MM) as drawn:
        upper, lower = drawn.subplots(2, 1, sharex=True, height_ratios=(3, 1.1))
        _points(upper, result)
        _models(upper, result)
        _transition(upper, result)
        _kelvin(upper, result)
        _residuals(lower, result)
        drawn.align_ylabels()
        drawn.suptitle(wrapped(title, width), x=0.02, ha="left", fontsize=8.0, parse_math=False)
        say_which_bench(lower, simulated, served=served)
    return drawn


def _column(result: TemperatureSweepResult, name: str) -> Floats:
    return result.curves[name][0]


def _per_kelvin(kelvin: Floats) -> Floats:
    return np.asarray(1e3 / kelvin, dtype=np.float64)


def _points(axes: "Axes", result: TemperatureSweepResult) -> None:
    kelvin = _column(result, "temperature")
    for chosen, label, marker, colour in _by_way(result):
        scale = kelvin[chosen] / S_CM
        axes.errorbar(
            _per_kelvin(kelvin[chosen]),
            _column(result, "conductivity")[chosen] * scale,
            yerr=COVERAGE * _column(result, "u_conductivity")[chosen] * scale,
            fmt=marker, ms=3, mfc="none", mew=0.8, color=colour, lw=0.7, label=label,
        )  # fmt: skip
    axes.set_yscale("log")
    axes.set_ylabel(r"$\sigma T$ (S K cm$^{-1}$)")


def _by_way(result: TemperatureSweepResult) -> list[tuple[Booleans, str, str, str]]:
    way = _column(result, "direction")
    return [(way == value, label, marker, colour) for value, label, marker, colour in WAYS if (way == value).any()]


def _models(axes: "Axes", result: TemperatureSweepResult) -> None:
    kelvin = _column(result, "model_temperature")
    bottom, top = axes.get_ylim()
    reported, other = SHOWN[result.model]
    line = _column(result, reported) * kelvin / S_CM
    axes.plot(_per_kelvin(kelvin), line, color=VERMILION, lw=1.1, label=LABELS[reported])
    if other in result.curves:
        line = _column(result, other) * kelvin / S_CM
        axes.plot(_per_kelvin(kelvin), line, color=GREY, lw=0.8, ls=(0, (4, 2)), label=LABELS[other])
    if result.regimes.chosen is not None:
        for log_sigma_t in branches(result.regimes.chosen.parameters, kelvin):
            axes.plot(_per_kelvin(kelvin), np.exp(log_sigma_t) / S_CM, color=VERMILION, lw=0.6, ls=(0, (1, 1.5)))
    axes.set_ylim(bottom / ROOM, top)
    axes.legend(frameon=False, loc="upper right", handlelength=1.6, labelspacing=0.35)


def _transition(axes: "Axes", result: TemperatureSweepResult) -> None:
    """Mark T_c with its k = 2 band, and write the energies."""
    if result.regimes.chosen is None:
        axes.annotate(f"$E_a$ = {result.activation_single.to('eV')}", (0.03, 0.05), xycoords="axes fraction")
        return
    kelvin, u = result.transition.value, COVERAGE * result.transition.u
    axes.axvspan(1e3 / (kelvin + u), 1e3 / (kelvin - u), color=GREY, alpha=0.25, lw=0)
    text = "\n".join(
        (
            f"$E_\\mathrm{{high}}$ = {result.activation_high.to('eV')}",
            f"$E_\\mathrm{{low}}$ = {result.activation_low.to('eV')}",
            f"$T_\\mathrm{{c}}$ = {result.transition}",
        )
    )
    behind = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.0}  # a branch may pass there
    axes.annotate(text, (0.03, 0.05), xycoords="axes fraction", fontsize=7.0, linespacing=1.4, bbox=behind)


def _kelvin(axes: "Axes", result: TemperatureSweepResult) -> None:
    kelvin = _column(result, "temperature")
    first = np.ceil(kelvin.min() / TICKS_K) * TICKS_K
    ticks = np.arange(first, kelvin.max() + 1e-9, 2 * TICKS_K)
    above = axes.secondary_xaxis("top", functions=(lambda x: x, lambda x: x))
    above.set_xticks(_per_kelvin(ticks), [f"{each:.0f}" for each in ticks])
    above.set_xlabel("Temperature (K)")


def _residuals(axes: "Axes", result: TemperatureSweepResult) -> None:
    kelvin = _column(result, "temperature")
    left = np.log(_column(result, "conductivity") * kelvin) - result.regimes.log_sigma_t(kelvin)
    u = _column(result, "u_conductivity") / _column(result, "conductivity")
    axes.axhline(0.0, color=VERMILION, lw=0.8)
    for chosen, _, marker, colour in _by_way(result):
        axes.errorbar(
            _per_kelvin(kelvin[chosen]), 1e2 * left[chosen], yerr=COVERAGE * 1e2 * u[chosen],
            fmt=marker, ms=3, mfc="none", mew=0.8, color=colour, lw=0.7,
        )  # fmt: skip
    axes.set_ylabel("Residual (%)")
    axes.set_xlabel("1000 K / temperature")
    axes.margins(y=0.15)
