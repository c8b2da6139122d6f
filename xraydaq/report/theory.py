"""Attenuation, charge yield and gain as a table and as a figure."""

import math
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from xraydaq.analysis.attenuation import KEV_J
from xraydaq.analysis.theory import BEAM_VOLTAGE_V
from xraydaq.analysis.theory_result import TheoryResult
from xraydaq.analysis.values import Value
from xraydaq.report.style import BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILION, entitle, say_which_bench, styled_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHTS_MM = {"single": 110.0, "double": 72.0}
LAYER_COLOURS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, GREY)
LAYER_STYLES = ("-", (0, (5, 2)), (0, (1, 1.2)), "-.", (0, (7, 2, 1, 2, 1, 2)), "-")
S0_UNIT = "uC Gy^-1 cm^-2"


def figure(
    result: TheoryResult,
    *,
    title: str = "",
    simulated: bool | None = None,
    served: bool = False,
    width: str = "double",
) -> "Figure":
    """Draw quantum efficiency against energy, and S0 against filter at 50 kV with the measured sensitivity if any.

    `width` "double" (178 mm) puts the panels side by side, "single" (86 mm) one above the other.
    """
    with styled_figure(width, HEIGHTS_MM[width]) as drawn:
        left, right = drawn.subplots(*((1, 2) if width == "double" else (2, 1)))
        _efficiency(left, result)
        _sensitivity(right, result)
        entitle(left, title, "single")
        say_which_bench(right, simulated, served=served)
    return drawn


def _efficiency(axes: "Axes", result: TheoryResult) -> None:
    energy_kev = result.curves["energy"][0] / KEV_J
    for number, (thickness_m, colour, style) in enumerate(_layers(result), 1):
        eta = result.curves[f"quantum_efficiency_{number}"][0]
        axes.plot(energy_kev, eta, color=colour, ls=style, lw=1.1, label=_thickness(thickness_m))
    for at in result.energies:
        axes.axvline(at.energy_j / KEV_J, color=GREY, lw=0.6, ls=(0, (2, 2)), zorder=0)
    axes.set(xlabel="Photon energy (keV)", ylabel="Quantum efficiency", ylim=(0, 1.03))
    axes.set_xlim(energy_kev[0], energy_kev[-1])
    axes.legend(frameon=False, title=result.absorber.formula, title_fontsize=7.0, loc="lower left", handlelength=2.4)


def _sensitivity(axes: "Axes", result: TheoryResult) -> None:
    al_mm = result.curves["total_aluminium"][0] * 1e3
    u_rel = _u_rel(result)
    for number, (thickness_m, colour, style) in enumerate(_layers(result), 1):
        s0 = result.curves[f"unity_gain_{number}"][0] / 1e-2
        axes.plot(al_mm, s0, color=colour, ls=style, lw=1.1, label=f"unity gain, {_thickness(thickness_m)}")
        axes.fill_between(al_mm, s0 * (1 - u_rel), s0 * (1 + u_rel), color=colour, alpha=0.15, lw=0)
    _measured(axes, result)
    axes.set(xscale="log", yscale="log", xlabel="Total aluminium (mm)")
    axes.set_ylabel("Sensitivity (µC Gy$^{-1}$ cm$^{-2}$)")
    axes.set_xticks([0.5, 1, 2, 5, 10, 20], labels=["0.5", "1", "2", "5", "10", "20"])
    axes.minorticks_off()
    axes.legend(frameon=False, title="50 kV, bands k = 1", title_fontsize=7.0, loc="best", handlelength=2.4)


def _measured(axes: "Axes", result: TheoryResult) -> None:
    at_50_kv = [beam for beam in result.beams if math.isclose(beam.quality.tube_voltage_v, BEAM_VOLTAGE_V)]
    points = [(beam.quality.total_al_m * 1e3, beam.sensitivity.to(S0_UNIT)) for beam in at_50_kv if beam.sensitivity]
    if points:
        axes.errorbar(
            [al_mm for al_mm, _ in points], [s.value for _, s in points], yerr=[s.u for _, s in points], fmt="s", ms=4,
            color="black", lw=0.8, capsize=2, label="measured, k = 1",
        )  # fmt: skip


def _u_rel(result: TheoryResult) -> float:
    return result.beams[0].unity_gain[0].u / result.beams[0].unity_gain[0].value if result.beams else 0.0


def _layers(result: TheoryResult) -> Iterator[tuple[float, str, object]]:
    for number, thickness_m in enumerate(result.thicknesses_m):
        yield thickness_m, LAYER_COLOURS[number % 6], LAYER_STYLES[number % 6]


def _thickness(thickness_m: float) -> str:
    return f"{thickness_m * 1e3:g} mm" if thickness_m >= 1e-3 else f"{thickness_m * 1e6:g} µm"


def table(result: TheoryResult) -> str:
    """Return the numbers for a terminal of 80 columns: by energy, by beam, and what the gain means."""
    gap = result.band_gap.to("eV")
    lines = [
        f"{result.headline}; band gap {gap.number()} eV, W = {result.pair_energy.to('eV').number()} eV",
        "",
        *_by_energy(result),
        "",
        *_by_beam(result),
        "",
        f"transit time {Value(result.transit_time_s, 0.0, 's').prefixed()}; lifetime over transit time "
        f"{result.gain_of_lifetime:.3g}",
        "Uncertainties are standard uncertainties, k = 1.",
        *(line for flag in result.flags for line in _wrapped_lines(flag, "! ")),
        *_wrapped_lines(result.verdict, "verdict: "),
    ]
    return "\n".join(lines) + "\n"


def _wrapped_lines(text: str, before: str) -> list[str]:
    return textwrap.wrap(text, 80, initial_indent=before, subsequent_indent=" " * min(len(before), 2))


def _by_energy(result: TheoryResult) -> list[str]:
    names = [_thickness(each) for each in result.thicknesses_m]
    rows = [["keV", "mu / cm^-1", "1/mu / um", *(f"eta {name}" for name in names), *(f"S0 {name}" for name in names)]]
    for at in result.energies:
        mu_cm1 = at.attenuation.value / 100
        rows.append(
            [f"{at.energy_j / KEV_J:.5g}", f"{mu_cm1:.4g}", f"{1e4 / mu_cm1:.3g}"]
            + [f"{each.value:.3f}" for each in at.efficiency]
            + [f"{each.to(S0_UNIT).value:.0f}" for each in at.unity_gain]
        )
    return _aligned(rows)


def _by_beam(result: TheoryResult) -> list[str]:
    rows = [["kV", "Al", "HVL", "layer", "S0", "measured S", "gain", "lifetime for it"]]
    for beam in result.beams:
        quality = beam.quality
        named = [
            f"{quality.tube_voltage_v / 1e3:g}",
            f"{quality.total_al_m * 1e3:g}",
            f"{quality.half_value_layer_m * 1e3:.3g}",
        ]
        measured = "-" if beam.sensitivity is None else beam.sensitivity.to(S0_UNIT).number()
        for number, thickness_m in enumerate(result.thicknesses_m):
            rows.append(
                [
                    *named,
                    _thickness(thickness_m),
                    beam.unity_gain[number].to(S0_UNIT).number(),
                    measured,
                    beam.gain[number].number() if beam.gain else "-",
                    str(beam.lifetime[number].prefixed()) if beam.lifetime else "-",
                ]
            )
    return ["S0 and S in uC Gy^-1 cm^-2; aluminium and half-value layer (aluminium) in mm", *_aligned(rows)]


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True))]
        ).rstrip()
        for row in rows
    ]
