"""Evaluation of a photoresponse run: rise, fall, delay, lag and repeatability of a beam switched on and off.

The response is that of the device with whatever the tube does when it is switched; a delay is fitted and left out. The
modules used name the sources of the methods.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from xraydaq.analysis.edge_response import LEAST_EDGES, EdgeResponse, edge_response
from xraydaq.analysis.outcome import Budget, Result
from xraydaq.analysis.point_sensitivity import flags_of_the_dose, flags_of_the_gain, gain_of, quality_of, with_budget
from xraydaq.analysis.remarks import of_dark_readings
from xraydaq.analysis.response_texts import METHOD, flags_of, notes_of, rows_of, summary
from xraydaq.analysis.sweep_inputs import Dose, Spot
from xraydaq.analysis.switching import BEFORE, Window, columns_of, edges, window
from xraydaq.analysis.values import Booleans, Floats, NotEnoughData, Value

NOT_SWITCHED = 0.25  # of the usual step: below it the tube did not follow the command
DARK_PIECES = 3
CLEAR = 8.0  # usual step over the scatter of the steps, from which a missing one can be told


@dataclass(frozen=True)
class PointResponse:
    """Response at one dose rate; `repeatability` is the relative standard deviation of the steps of the cycles.

    `edge_u_s`: standard uncertainty of the moments of commands and readings, already in the delays.
    """

    point: int
    dose_rate: Value
    step: Value
    sensitivity: Value
    gain: Value
    repeatability: Value
    rise: EdgeResponse
    fall: EdgeResponse
    half_period_s: float
    period_s: float
    edge_u_s: float
    budget: Budget = field(compare=False, repr=False)
    dropped: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PhotoresponseResult(Result):
    """Responses by dose rate, the highest first: that one gives the figures without a dose rate in their label."""

    points: tuple[PointResponse, ...]
    reading_time_s: float

    def rows(self) -> list[tuple[str, Value, str]]:
        """Return (label, value in SI, unit to show it in); a unit of "" asks for the fitting SI prefix."""
        return rows_of(self.points)


def evaluate(
    elapsed_s: Floats,
    current_a: Floats,
    status: Floats,
    beam_on: Floats,
    point: Floats,
    *,
    dose: Dose,
    spot: Spot,
    reading_time_s: float,
    bias_v: float,
    gap_m: float,
    edges_s: Floats | None = None,
    start_u_s: float = 0.0,
    temperature_k: Floats | None = None,
) -> PhotoresponseResult:
    """Evaluate on/off cycles; columns of one length, one entry per reading, the whole run in order of time.

    Args:
        elapsed_s: start of each reading.
        current_a: reading; nan where there is none.
        status: as stored; flagged readings are not used.
        beam_on: commanded state of the beam, 0 or 1.
        point: index of the dose rate, -1 outside of any.
        dose: what was set at each point.
        spot: what turns currents into sensitivities.
        reading_time_s: integration time of a reading.
        bias_v: bias of the crystal.
        gap_m: electrode gap; the field stated is the nominal bias_v/gap_m.
        edges_s: moments of the commands on the time axis of `elapsed_s`, where known better than by the readings.
        start_u_s: standard uncertainty of when readings really begin, common to all; it enters the delays.
        temperature_k: of the crystal, per reading.

    Raises:
        NotEnoughData: no dose rate with 4 rises and 4 falls.
        ValueError: an area, dose rate or uncertainty that cannot be.
    """
    dose.check()
    spot.check()
    if not (reading_time_s > 0 and gap_m > 0):
        raise ValueError(f"integration time and gap must be above zero, not {reading_time_s} s and {gap_m} m")
    time_s, read_a, flags, on, at = columns_of(elapsed_s, current_a, status, beam_on, point)
    good = np.isfinite(read_a) & (flags == 0)
    found, reasons = [], []
    for k in np.unique(at[at >= 0]).astype(np.int64):
        rows = at == k
        try:
            found.append(_point(int(k), (time_s[rows], read_a[rows], good[rows], on[rows]), dose, spot,
                                reading_time_s, edges_s, start_u_s))  # fmt: skip
        except NotEnoughData as error:
            reasons.append(f"no response at {dose.dose_rate_gy_s[k]:.3g} Gy/s: {error}")
    if not found:
        raise NotEnoughData("; ".join(reasons) or "no reading belongs to a dose rate")
    points = tuple(sorted(found, key=lambda one: -one.dose_rate.value))
    best = points[0]
    quality = quality_of(dose, best.point)
    return PhotoresponseResult(
        headline=f"{best.rise.edges} rises and {best.fall.edges} falls at each of {len(points)} dose rates, "
        f"readings every {best.period_s * 1e3:.3g} ms at {bias_v:g} V ({bias_v / gap_m / 1e3:.3g} V/mm nominal)",
        verdict=summary(best, quality),
        flags=(
            *reasons,
            *flags_of(points, reading_time_s),
            *flags_of_the_gain(dose),
            *flags_of_the_dose(dose),
            *of_dark_readings(
                *_dark_means(time_s, read_a, good & (at >= 0), on),
                np.asarray(elapsed_s, dtype=np.float64),
                temperature_k,
            ),
        ),
        inputs={
            "bias_v": bias_v,
            "gap_m": gap_m,
            "area_m2": spot.area_m2,
            "area_u_m2": spot.area_u_m2,
            "reading_time_s": reading_time_s,
            "points": len(points),
            "beam quality": quality,
            "moments of the edges": "between the readings" if edges_s is None else "told",
        },
        dropped=_dropped(points, int((~good).sum())),
        budgets={"sensitivity": best.budget},
        notes=notes_of(points, quality),
        curves=_curves(best),
        points=points,
        reading_time_s=reading_time_s,
        method=METHOD,
    )


def _point(
    k: int,
    columns: tuple[Floats, Floats, Booleans, Floats],
    dose: Dose,
    spot: Spot,
    reading_time_s: float,
    edges_s: Floats | None,
    start_u_s: float,
) -> PointResponse:
    time_s, read_a, good, on = columns
    found = edges(time_s, on, reading_time_s=reading_time_s, switched_s=edges_s)
    windows = [window(time_s, read_a, good, edge, reading_time_s) for edge in found]
    windows, dropped = _that_switched(windows)
    kept = [w for w in windows if w is not None]
    rise, fall = (edge_response([w for w in kept if w.rising == rising]) for rising in (True, False))
    edge_u_s = math.hypot(start_u_s, max(edge.u_s for edge in found))
    step, repeatability = _steps(windows)
    sensitivity, budget = with_budget(step, dose, spot, k)
    return PointResponse(
        point=k,
        dose_rate=Value(float(dose.dose_rate_gy_s[k]), float(dose.dose_rate_u_gy_s[k]), "Gy/s"),
        step=step,
        sensitivity=sensitivity,
        gain=gain_of(sensitivity, dose, k),
        repeatability=repeatability,
        rise=_with_edge_u(rise, edge_u_s),
        fall=_with_edge_u(fall, edge_u_s),
        half_period_s=float(np.median([w.after_s for w in kept])),
        period_s=float(np.median([w.period_s for w in kept])),
        edge_u_s=edge_u_s,
        budget=budget,
        dropped=dropped,
    )


def _dark_means(time_s: Floats, read_a: Floats, good: Booleans, on: Floats) -> tuple[Floats, Floats]:
    """Return times and means of pieces of the later halves of all stretches without beam, where lag has died away."""
    changes = np.flatnonzero(np.diff(on) != 0) + 1
    means = []
    for stretch in np.split(np.arange(len(on)), changes):
        rows = stretch[good[stretch]]
        if len(rows) and not on[rows[0]]:
            pieces = np.array_split(rows[time_s[rows] > (time_s[rows[0]] + time_s[rows[-1]]) / 2], DARK_PIECES)
            means += [(time_s[piece].mean(), read_a[piece].mean()) for piece in pieces if len(piece)]
    times_s, means_a = np.array(means, dtype=np.float64).reshape(-1, 2).T
    return times_s, means_a


def _that_switched(windows: Sequence[Window | None]) -> tuple[list[Window | None], dict[str, int]]:
    """Leave out edges without readings, and those without a step if the others have a clear one; count them."""
    steps_a = np.array([math.nan if one is None else _height(one) for one in windows])
    dropped = {"edge: too few readings": int(np.isnan(steps_a).sum())}
    known = steps_a[np.isfinite(steps_a)]
    usual_a = float(np.median(known)) if len(known) else math.nan
    scatter_a = 1.4826 * float(np.median(np.abs(known - usual_a))) if len(known) else math.nan
    if not abs(usual_a) > CLEAR * scatter_a:
        return list(windows), dropped
    missing = steps_a / usual_a < NOT_SWITCHED
    dropped["edge: tube did not switch"] = int(missing.sum())
    return [None if lost else one for one, lost in zip(windows, missing, strict=True)], dropped


def _height(one: Window) -> float:
    """Step of an edge: the last quarter of the time after it less that of the time before it."""
    late_a = float(one.mean_a[one.at_s > (1 - BEFORE) * one.after_s].mean())
    return (1.0 if one.rising else -1.0) * (late_a - float(one.mean_a[one.at_s < 0].mean()))


def _steps(windows: Sequence[Window | None]) -> tuple[Value, Value]:
    """Return step (A) and repeatability: a cycle's step is the mean of its rise and the fall after it.

    In that mean a straight drift cancels. u for few cycles: JCGM 101:2008, 6.4.9.4; of a standard deviation of n
    values: its relative u is 1/sqrt(2(n - 1)) (JCGM 100:2008, E.4.3).
    """
    pairs = [
        (_height(up) + _height(down)) / 2
        for up, down in pairwise(windows)
        if up is not None and down is not None and up.rising
    ]
    n = len(pairs)
    if n < LEAST_EDGES:
        raise NotEnoughData(f"{n} cycles with both edges, {LEAST_EDGES} are needed")
    mean_a, sd_a = float(np.mean(pairs)), float(np.std(pairs, ddof=1))
    step = Value(mean_a, sd_a / math.sqrt(n) * math.sqrt((n - 1) / (n - 3)), "A", n - 1.0)
    relative = sd_a / abs(mean_a)
    return step, Value(relative, relative / math.sqrt(2 * (n - 1)), "1", n - 1.0)


def _with_edge_u(response: EdgeResponse, edge_u_s: float) -> EdgeResponse:
    delay = response.delay
    return replace(response, delay=replace(delay, u=math.hypot(delay.u, edge_u_s)))


def _dropped(points: Sequence[PointResponse], readings: int) -> dict[str, int]:
    dropped = {"reading": readings} if readings else {}
    for one in points:
        for reason, count in one.dropped.items():
            if count:
                dropped[reason] = dropped.get(reason, 0) + count
    return dropped


def _curves(best: PointResponse) -> dict[str, tuple[Floats, str]]:
    curves = {}
    for name, response in (("rise", best.rise), ("fall", best.fall)):
        for what, column in zip(("time", "part", "fitted_part"), response.points, strict=True):
            curves[f"{name}_{what}"] = (column, "s" if what == "time" else "1")
    return curves
