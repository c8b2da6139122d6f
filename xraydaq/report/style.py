"""How figures for a paper look: sizes, letters, colours, title, and what is said of the bench.

Built as Figure objects, without pyplot and its state. Colours: M. Okabe, K. Ito, Color Universal Design (2008),
distinguishable with any colour vision and in grey.
"""

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from xraydaq.analysis.values import PREFIXES, prefix_of
from xraydaq.report.notices import bench_notice

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, SKY, VERMILION, GREY = "#0072B2", "#9CCBEA", "#D55E00", "#6E6E6E"
GREEN, ORANGE, PURPLE = "#009E73", "#E69F00", "#CC79A7"
COVERAGE = 2.0
WIDTHS_MM = {"single": 86.0, "double": 178.0}
MM_PER_INCH = 25.4
POINTS_PER_INCH = 72.0
BESIDE_AXES_POINTS = 42.0  # axis label and numbers left of the axes
TITLE_LETTER_POINTS = 4.4  # mean width of a letter of the title, generously
NOTICE_BELOW_POINTS = -28.0  # below the label of the time axis
STYLE: Any = {
    "font.family": "sans-serif",
    "font.size": 8.0,
    "axes.labelsize": 8.0,
    "axes.titlesize": 8.0,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 7.0,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.direction": "out",
    "ytick.direction": "out",
    "axes.formatter.useoffset": False,
}


@contextmanager
def styled_figure(width: str, height_mm: float) -> "Iterator[Figure]":
    """Begin a figure of a width, "single" (86 mm) or "double" (178 mm); what is drawn inside has the common style."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        size = (WIDTHS_MM[width] / MM_PER_INCH, height_mm / MM_PER_INCH)
        yield Figure(figsize=size, layout="constrained")


def wrapped(title: str, width: str) -> str:
    """Break a title into lines that fit above axes of a figure of this width."""
    points = WIDTHS_MM[width] / MM_PER_INCH * POINTS_PER_INCH - BESIDE_AXES_POINTS
    return textwrap.fill(title, int(points / TITLE_LETTER_POINTS))


def entitle(axes: "Axes", title: str, width: str) -> None:
    """Write the title above axes that have the width of the figure."""
    axes.set_title(wrapped(title, width), loc="left", parse_math=False)


def say_which_bench(axes: "Axes", simulated: bool | None, *, served: bool) -> None:
    """Write what is to be said of the bench below the lowest axes, where neither title nor data can cover it."""
    if text := bench_notice(simulated, served=served):
        axes.annotate(
            text, (1.0, 0.0), xytext=(0, NOTICE_BELOW_POINTS), xycoords="axes fraction", textcoords="offset points",
            ha="right", va="top", fontsize=6.0, color=GREY,
        )  # fmt: skip


def prefixed(magnitude: float, unit: str = "A") -> tuple[float, str]:
    """Get the multiple of a unit that fits a magnitude in it, and the name of the multiple."""
    prefix = prefix_of(magnitude)
    exponent = next(exponent for exponent, name in PREFIXES.items() if name == prefix)
    return float(10.0**exponent), f"{prefix}{unit}"
