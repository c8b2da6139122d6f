"""Each beam-on window against its dark neighbours, and the edges at which the tube did not switch."""

import numpy as np

from xraydaq.analysis.chopped import Windows
from xraydaq.analysis.values import Booleans, Floats

LEAST_CYCLES = 4
CLEAR = 8.0  # step over scatter of the cycles, from which a cycle without a step can be told,
CLEAR_OF_NOISE = 3.0  # and over the scatter of a reading: that of few cycles may be small by chance
NOT_SWITCHED = 0.25  # of the usual step


def bracketed(windows: Windows) -> tuple[Floats, Booleans]:
    """Return on minus the line between the neighbouring offs for each on window that has both, and which those are."""
    inside = np.zeros(len(windows.on), dtype=np.bool_)
    inside[1:-1] = windows.on[1:-1] & ~windows.on[:-2] & ~windows.on[2:]
    return _against_neighbours(windows, inside), inside


def _against_neighbours(windows: Windows, inside: Booleans) -> Floats:
    at = np.flatnonzero(inside)
    share = (windows.time_s[at] - windows.time_s[at - 1]) / (windows.time_s[at + 1] - windows.time_s[at - 1])
    return windows.mean_a[at] - (1 - share) * windows.mean_a[at - 1] - share * windows.mean_a[at + 1]


def without_missing_edges(windows: Windows) -> Windows:
    """Leave out beam-on windows without a step, then beam-off windows without one: the tube did not switch."""
    difference_a, inside = bracketed(windows)
    if len(difference_a) < LEAST_CYCLES:
        return windows
    usual_a = float(np.median(difference_a))
    scatter_a = 1.4826 * float(np.median(np.abs(difference_a - usual_a)))
    if not abs(usual_a) > max(CLEAR * scatter_a, CLEAR_OF_NOISE * windows.scatter(on=False).value):
        return windows
    kept = np.ones(len(windows.on), dtype=np.bool_)
    kept[inside] = difference_a / usual_a > NOT_SWITCHED
    windows = windows.keep(kept, "beam did not come on")
    off = np.zeros(len(windows.on), dtype=np.bool_)
    off[1:-1] = ~windows.on[1:-1] & windows.on[:-2] & windows.on[2:]
    kept = np.ones(len(windows.on), dtype=np.bool_)
    kept[off] = -_against_neighbours(windows, off) / usual_a > NOT_SWITCHED
    return windows.keep(kept, "beam did not go off")
