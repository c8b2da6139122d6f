"""What a reader must know about a temperature sweep before believing its figures."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from xraydaq.analysis.arrhenius import TwoRegimes
from xraydaq.analysis.arrhenius_profile import Interval
from xraydaq.analysis.cell_constant import CellConstant
from xraydaq.analysis.conductance_points import Conductance
from xraydaq.analysis.outcome import Budget
from xraydaq.analysis.thermal_budget import CHANGE, HIGH, LINE, LOW, SIGMA
from xraydaq.analysis.thermal_regimes import DECIDED, DOWN, UP, Regimes
from xraydaq.analysis.values import Value

AGREE = 2.0  # in u
MANY = 0.1  # of the current, from which absorption or drift within a pulse is worth a word
MOVING_K_S = 0.1 / 60  # twice the slope at which a point should be taken
SCATTER = 10.0  # chi2/dof; 1/f noise that the pulses of one point share makes 2 to 4 of it
SHARP_FROM = 5.0
CLEARLY_ABOVE_ONE = 1.5

Directions = tuple[TwoRegimes | None, TwoRegimes | None]


def verdict(chosen: Regimes, values: Mapping[str, Value]) -> str:
    """Return one sentence: how many regimes, and their figures."""
    if chosen.chosen is None:
        return f"one activation energy, {values[LINE].to('eV').plus_minus()}"
    sure = "" if chosen.decided else ", not decided against the other model"
    words = {"parallel": "two regimes conducting in parallel", "sharp": "two regimes with a sharp change"}
    high, low = (values[name].to("eV") for name in (HIGH, LOW))
    return f"{words[chosen.chosen.name]}{sure}: {high} above {values[CHANGE]}, {low} below"


def remarks(
    found: Sequence[Conductance],
    chosen: Regimes,
    ways: Sequence[int],
    directions: Directions,
    sharpness: Interval,
    resolution_a: float,
    dropped: Mapping[str, int],
) -> tuple[str, ...]:
    """Return one sentence for everything that limits the result."""
    return (
        *_of_the_model(chosen, sharpness),
        *_of_the_directions(ways, directions),
        *_of_the_points(found, resolution_a),
        *(f"dropped: {reason} {count}" for reason, count in dropped.items() if count),
    )


def _of_the_model(chosen: Regimes, sharpness: Interval) -> Iterator[str]:
    if chosen.chosen is None:
        yield f"no two regimes: {chosen.reason}"
        return
    if not chosen.decided:
        yield f"model not decided: BIC differs by {abs(chosen.delta_bic):.2g} between them, {DECIDED:g} are needed"
    if sharpness.low > CLEARLY_ABOVE_ONE and sharpness.high < SHARP_FROM:
        yield f"neither parallel nor sharp: the sharpness lies between {sharpness.low:.2g} and {sharpness.high:.2g}"
    scatter = chosen.chosen.chi2 / chosen.chosen.dof
    if scatter > SCATTER:
        yield f"points scatter more than their uncertainty says (chi2/dof {scatter:.3g}): u allows for it"


def _of_the_directions(ways: Sequence[int], directions: Directions) -> Iterator[str]:
    if UP not in ways or DOWN not in ways:
        yield "one direction only: a hysteresis between heating and cooling would not show"
        return
    up, down = directions
    if up is None or down is None:
        yield "up and down are not compared: the points of one direction do not suffice for values of their own"
        return
    pairs = {
        "energy above": (up.activation_high, down.activation_high),
        "energy below": (up.activation_low, down.activation_low),
    }
    for name, (one, other) in pairs.items():
        apart = abs(one.value - other.value) / float(np.hypot(one.u, other.u))
        if apart > AGREE:
            yield f"up and down disagree: {name} by {apart:.2g} u"


def _of_the_points(found: Sequence[Conductance], resolution_a: float) -> Iterator[str]:
    weak = sum(not resolution_a <= one.current_a / 3 for one in found)
    if weak:
        yield f"resolution exceeds a third of the current at {weak} of {len(found)} temperatures"
    if any(one.offset_left for one in found):
        yield "offset of the meter not removed (one sign of the bias, no rest before it): its uncertainty is in u"
    moving = sum(abs(one.slope_k_s) > MOVING_K_S for one in found)
    if moving:
        yield f"temperature still moving at {moving} of {len(found)} points: the crystal lags behind its sensor"
    most = max(found, key=lambda one: one.absorbed)
    if most.absorbed > MANY:
        at_k = f"at {most.temperature_k:.4g} K"
        yield f"absorption current is {most.absorbed:.0%} of the current at the end of a pulse {at_k}"
    most = max(found, key=lambda one: abs(one.drifted))
    if abs(most.drifted) > MANY:
        at_k = f"at {most.temperature_k:.4g} K"
        yield f"current changes by {most.drifted:+.0%} within a pulse {at_k}: mobile ions, or heating"


def notes(
    chosen: Regimes, shares: Mapping[str, Budget], intervals: Mapping[str, Interval], cell: CellConstant
) -> dict[str, str]:
    """Return by name what a figure depends on."""
    told = {name: f"largest contribution to u: {budget.largest}" for name, budget in shares.items()}
    if chosen.chosen is not None:
        for name, unit in ((HIGH, "eV"), (LOW, "eV"), (CHANGE, "K")):
            ends = [
                Value(end, float("nan"), "K" if unit == "K" else "J").to(unit).value for end in _ends(intervals[name])
            ]
            told[name] = f"95 %: {ends[0]:.5g} to {ends[1]:.5g} {unit}; {told[name]}"
    told[SIGMA] = f"{told.get(SIGMA, 'the points do not reach it')}; bulk conduction assumed"
    return told | {"cell constant": cell.description}


def _ends(interval: Interval) -> tuple[float, float]:
    return interval.low, interval.high
