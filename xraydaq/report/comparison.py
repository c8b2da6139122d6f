"""Sensitivity against detection limit: one's own detectors beside those of the literature."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xraydaq.analysis.values import Value
from xraydaq.config.reference import Literature, literature
from xraydaq.report.style import BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILION, entitle, say_which_bench, styled_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT_MM = 80.0
S_UNIT, LIMIT_UNIT = "uC Gy^-1 cm^-2", "nGy/s"
OWN_COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE)
OWN_MARKS = ("o", "s", "^", "D", "v")
LITERATURE_MARKS = ("*", "P", "X", "<", ">", "h")


@dataclass(frozen=True)
class Own:
    """A detector measured here: sensitivity in C Gy^-1 m^-2, detection limit in Gy/s, both with u (k = 1).

    `condition` says what a detection limit is meaningless without: noise source, reading time, window.
    `extrapolated`: it lies below the lowest dose rate measured, and is an estimate.
    """

    name: str
    sensitivity: Value
    detection_limit: Value
    condition: str = ""
    extrapolated: bool = False


def figure(
    own: Sequence[Own],
    others: Sequence[Literature] | None = None,
    *,
    title: str = "",
    simulated: bool | None = None,
    served: bool = False,
    width: str = "single",
) -> "Figure":
    """Draw the comparison in logarithms, better towards the upper left; bars are k = 1.

    `others`: None takes the detectors that come with the program. A point that is not positive is left out.
    """
    others = literature() if others is None else others
    with styled_figure(width, HEIGHT_MM) as drawn:
        axes = drawn.subplots()
        for number, each in enumerate(others):
            _other(axes, each, LITERATURE_MARKS[number % len(LITERATURE_MARKS)])
        for number, detector in enumerate(drawable(own)):
            _own(axes, detector, number)
        _scales(axes)
        entitle(axes, title, width)
        say_which_bench(axes, simulated, served=served)
    return drawn


def drawable(own: Sequence[Own]) -> list[Own]:
    """Get the detectors of which both numbers are known and positive."""
    return [each for each in own if _positive(each.sensitivity.value) and _positive(each.detection_limit.value)]


def table(own: Sequence[Own], others: Sequence[Literature] | None = None) -> str:
    """Return every detector on a line: sensitivity, detection limit, and under which condition it was found."""
    rows = [("", f"S / {S_UNIT}", f"limit / {LIMIT_UNIT}", "")]
    for each in own:
        s, limit = each.sensitivity.to(S_UNIT), each.detection_limit.to(LIMIT_UNIT)
        note = "; ".join(part for part in (each.condition, "extrapolated: an estimate" * each.extrapolated) if part)
        rows.append((each.name, s.number(), limit.number(), note))
    for other in literature() if others is None else others:
        s_uc, limit_ngy = other.sensitivity_c_gy_m2 / 1e-2, other.detection_limit_gy_s / 1e-9
        rows.append((other.name, f"{s_uc:.3g}", f"{limit_ngy:.3g}", other.note))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        f"{name:{widths[0]}}  {s:>{widths[1]}}  {limit:>{widths[2]}}  {note}".rstrip() for name, s, limit, note in rows
    ]
    return "\n".join(lines) + "\n"


def _positive(number: float) -> bool:
    return math.isfinite(number) and number > 0


def _own(axes: "Axes", detector: Own, number: int) -> None:
    s, limit = detector.sensitivity.to(S_UNIT), detector.detection_limit.to(LIMIT_UNIT)
    colour = OWN_COLOURS[number % len(OWN_COLOURS)]
    axes.errorbar(
        limit.value, s.value, xerr=_bar(limit), yerr=_bar(s), fmt=OWN_MARKS[number % len(OWN_MARKS)], ms=5,
        color=colour, mfc="white" if detector.extrapolated else colour, lw=0.9, capsize=2, zorder=4,
        label=detector.name + (" (limit extrapolated)" if detector.extrapolated else ""),
    )  # fmt: skip


def _bar(value: Value) -> list[list[float]]:
    """Get the bar below and above; in logarithms one that reaches zero is drawn down to a tenth of the value."""
    u = value.u if math.isfinite(value.u) else 0.0
    return [[min(u, 0.9 * value.value)], [u]]


def _other(axes: "Axes", other: Literature, mark: str) -> None:
    axes.plot(
        other.detection_limit_gy_s / 1e-9, other.sensitivity_c_gy_m2 / 1e-2, mark, ms=6, color=GREY, mec="white",
        mew=0.4, ls="none", label=other.name + (" (printed ratios)" if "ratio" in other.note else ""), zorder=3,
    )  # fmt: skip


def _scales(axes: "Axes") -> None:
    axes.set(xscale="log", yscale="log", xlabel="Detection limit (nGy s$^{-1}$)")
    axes.set_ylabel("Sensitivity (µC Gy$^{-1}$ cm$^{-2}$)")
    axes.margins(0.12)
    axes.legend(frameon=False, loc="lower left", handlelength=1.4, labelspacing=0.35)
