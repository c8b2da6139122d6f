"""The visits of a field sweep: a photocurrent step and its sensitivity at each bias, up and down compared.

The dark baseline is straight, minutes after a bias step; where it still bends it is fitted with order 3.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from xraydaq.analysis.noise import NoisePsd
from xraydaq.analysis.photocurrent_step import Step, photocurrent_step
from xraydaq.analysis.point_sensitivity import statistical
from xraydaq.analysis.sweep_inputs import Dose, Spot
from xraydaq.analysis.sweep_steps import Timing
from xraydaq.analysis.values import Floats, NotEnoughData, Value

BENDING_ORDER = 3
WINDOW_OFFSET = 0.2  # of E[s^2] = h (ln(T/t_r) + 0.2), the variance of readings in a window under 1/f noise
SAME_BIAS = 1e-3  # relative


@dataclass(frozen=True)
class FieldPoint:
    """One visit of a bias; `sensitivity` with the u of its step and own dose rate only, `rising`: on the way up."""

    point: int
    bias_v: float
    rising: bool
    step: Step = field(compare=False, repr=False)
    sensitivity: Value
    bent: bool
    """The dark current bends; the baseline was fitted with order 3."""


@dataclass(frozen=True)
class Direction:
    """Sensitivity on the way down over that on the way up, less one; `chi2_per_dof` of the biases around the mean."""

    change: Value
    chi2_per_dof: float
    biases: int


def field_points(
    columns: Sequence[Floats],
    bias_v: Floats,
    dose: Dose,
    spot: Spot,
    timing: Timing,
    psd: NoisePsd | None,
) -> tuple[tuple[FieldPoint, ...], tuple[str, ...]]:
    """Return the points of a sweep, and in words those without a result.

    `columns`: elapsed time, current, status, beam, point. Without a spectrum 1/f noise is assumed; its size does not
    matter, as u is scaled by what the fit leaves.
    """
    time_s, read_a, flags, on, at = columns
    points, failed = [], []
    rising = _rising(np.abs(bias_v))
    for k, level_v in enumerate(bias_v):
        rows = at == k
        if not rows.any():
            continue
        try:
            step, bent = _step((time_s[rows], read_a[rows], on[rows], flags[rows]), timing, psd)
        except NotEnoughData as error:
            failed.append(f"no photocurrent at {level_v:g} V: {error}")
            continue
        sensitivity = statistical(step.step, dose, spot, k)
        points.append(FieldPoint(k, float(level_v), bool(rising[k]), step, sensitivity, bent))
    return tuple(points), tuple(failed)


def _rising(size_v: Floats) -> list[bool]:
    """Say for each visit whether it belongs to the way up; a bias that comes twice in a row turns the way round."""
    ways: list[bool] = []
    for k, level_v in enumerate(size_v):
        if k == 0:
            ways.append(len(size_v) < 2 or bool(size_v[1] >= level_v))
        elif math.isclose(level_v, size_v[k - 1], rel_tol=SAME_BIAS):
            ways.append(not ways[-1])
        else:
            ways.append(bool(level_v > size_v[k - 1]))
    return ways


def _step(columns: tuple[Floats, Floats, Floats, Floats], timing: Timing, psd: NoisePsd | None) -> tuple[Step, bool]:
    time_s, read_a, on, flags = columns

    def step_with(order: int, spectrum: NoisePsd | None) -> Step:
        return photocurrent_step(
            time_s, read_a, on, psd=spectrum, discard_s=timing.discard_s, guard_s=timing.guard_s,
            baseline_order=order, reading_time_s=timing.reading_time_s, status=flags,
        )  # fmt: skip

    spectrum = psd or _assumed_psd(step_with(timing.baseline_order, None), timing)
    step = step_with(timing.baseline_order, spectrum)
    if step.baseline_settled or timing.baseline_order >= BENDING_ORDER:
        return step, False
    return step_with(BENDING_ORDER, spectrum), True


def _assumed_psd(rough: Step, timing: Timing) -> NoisePsd | None:
    """Return the 1/f spectrum that makes the readings scatter as they do with the beam off."""
    scatter_a2 = rough.s_off.value**2
    if not scatter_a2 > 0:
        return None
    h = scatter_a2 / (math.log(max(rough.window_s / timing.reading_time_s, 2.0)) + WINDOW_OFFSET)
    return NoisePsd(h, 1.0, 0.0, rough.windows.period_s, False, np.zeros((3, 3)))


def up_and_down(points: Sequence[FieldPoint]) -> Direction:
    """Compare the biases that were visited both ways; the change is nan where none was."""
    changes = []
    for up in (one for one in points if one.rising):
        for down in (one for one in points if not one.rising):
            if math.isclose(up.bias_v, down.bias_v, rel_tol=SAME_BIAS):
                s_up, s_down = up.sensitivity, down.sensitivity
                mean = (s_up.value + s_down.value) / 2
                changes.append(((s_down.value - s_up.value) / mean, math.hypot(s_up.u, s_down.u) / abs(mean)))
    if not changes:
        return Direction(Value(math.nan, math.nan, "1"), math.nan, 0)
    change, u = np.array(changes).T
    weight = u**-2
    mean_change = float(weight @ change / weight.sum())
    dof = len(change) - 1
    ratio = float(weight @ (change - mean_change) ** 2) / dof if dof else math.nan
    u_mean = float(weight.sum()) ** -0.5 * math.sqrt(max(ratio, 1.0) if dof else 1.0)
    return Direction(Value(mean_change, u_mean, "1", float(dof)), ratio, len(change))
