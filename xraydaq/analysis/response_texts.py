"""A photoresponse in rows and words."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from xraydaq.analysis.edge_response import LAG_TIMES_S, EdgeResponse
from xraydaq.analysis.point_sensitivity import gain_text
from xraydaq.analysis.values import Value

if TYPE_CHECKING:
    from xraydaq.analysis.photoresponse import PointResponse

SENSITIVITY = "uC Gy^-1 cm^-2"
METHOD = (
    "Two exponentials, a delay per edge and a straight baseline per edge, averaged over the integration time of every "
    "reading, fitted to all edges of one kind at once; 10-90 % times and lags are those of the fitted device "
    "response. u from leaving out one edge at a time."
)
DIFFERS = 2.0  # u
WORST_MISFIT = 0.03  # of the step
COMPLETE = 8.0  # slow time constants in a half period


def rows_of(points: Sequence["PointResponse"]) -> list[tuple[str, Value, str]]:
    """Return the rows of all dose rates, the first one without its dose rate in the label."""
    rows: list[tuple[str, Value, str]] = []
    for number, one in enumerate(points):
        rows += _rows(one, "" if number == 0 else f" at {_gy(one.dose_rate)}")
    return rows


def _rows(one: "PointResponse", at: str) -> list[tuple[str, Value, str]]:
    rows = [
        (f"rise time 10 to 90 percent{at}", one.rise.transition, ""),
        (f"fall time 90 to 10 percent{at}", one.fall.transition, ""),
    ]
    for name, response in (("rise", one.rise), ("fall", one.fall)):
        rows += [
            (f"fast time constant {name}{at}", response.fast, ""),
            (f"slow time constant {name}{at}", response.slow, ""),
            (f"slow share {name}{at}", response.slow_share, "%"),
            (f"delay {name}{at}", response.delay, ""),
        ]
    lags = zip(LAG_TIMES_S, one.fall.lags, strict=True)
    rows += [(f"lag after {time_s:g} s{at}", lag, "%") for time_s, lag in lags]
    return [
        *rows,
        (f"photocurrent step{at}", one.step, ""),
        (f"repeatability of the step{at}", one.repeatability, "%"),
        (f"dose rate{at}", one.dose_rate, "nGy/s"),
        (f"sensitivity{at}", one.sensitivity, SENSITIVITY),
        (f"photoconductive gain{at}", one.gain, "1"),
    ]


def summary(one: "PointResponse", quality: str) -> str:
    """Return the response at the highest dose rate in a sentence."""
    lag = one.fall.lags[0].to("%").number()
    return (
        f"rise {_time(one.rise)} (tube and device), fall {_time(one.fall)}, lag {lag} % after 1 s, steps repeat "
        f"within {one.repeatability.to('%').value:.2g} % at {_gy(one.dose_rate)} ({quality})"
    )


def flags_of(points: Sequence["PointResponse"], reading_time_s: float) -> tuple[str, ...]:
    """Return what a reader must know about the responses."""
    flags: list[str] = []
    for one in points:
        at = f"at {_gy(one.dose_rate)}"
        for name, response in (("rise", one.rise), ("fall", one.fall)):
            flags += _of_an_edge(one, response, f"{name} {at}")
        missing = one.dropped.get("edge: tube did not switch", 0)
        if missing:
            flags.append(f"{missing} edges {at} dropped: the tube did not switch")
        if reading_time_s > one.half_period_s / 20:
            flags.append(f"only {one.half_period_s / reading_time_s:.0f} integration times per half period {at}")
        if _differ(one.rise.transition, one.fall.transition):
            flags.append(f"rise and fall take different times {at}: {_reason(one)}")
    if any(_differ(points[0].rise.transition, one.rise.transition) for one in points[1:]):
        flags.append("the rise time depends on the dose rate: traps, state the dose rate with it")
    return tuple(flags)


def _reason(one: "PointResponse") -> str:
    if one.rise.transition.value > one.fall.transition.value:
        return "the tube needs its time to come up, so the fall is nearer to the device"
    return "carriers are released from traps, or the high voltage of the tube decays slowly"


def _of_an_edge(one: "PointResponse", response: EdgeResponse, where: str) -> list[str]:
    flags = []
    if not response.resolved:
        flags.append(
            f"{where}: time constant below the {one.period_s * 1e3:.3g} ms between readings, given as an upper limit"
        )
    if response.misfit > WORST_MISFIT:
        left = f"{100 * response.misfit:.1f} % of the step"
        flags.append(f"{where}: exponentials do not describe the edge, they leave up to {left}")
    if not response.slow_seen:
        flags.append(f"{where}: no slow part above the noise")
    if response.slow_seen and COMPLETE * response.slow.value > one.half_period_s:
        flags.append(f"{where}: half period below {COMPLETE:g} slow time constants, lag is left in the baseline")
    return flags


def notes_of(points: Sequence["PointResponse"], quality: str) -> dict[str, str]:
    """Return by label what a number depends on."""
    best = points[0]
    gain = gain_text(best.gain)
    notes = {
        "rise time 10 to 90 percent": _source(best.rise),
        "fall time 90 to 10 percent": _source(best.fall),
        "delay rise": "from the command to the beam on the crystal: tube and connection, not the device",
        "lag after 1 s": "signal left after beam-off, delay excluded, as a share of the step",
        "sensitivity": f"at {_gy(best.dose_rate)}; gain {gain}, {quality}",
        "photoconductive gain": f"over the unity-gain sensitivity of this beam ({quality})",
        "repeatability of the step": f"relative standard deviation over {best.step.dof or 0:.0f} + 1 cycles",
    }
    if best.edge_u_s > 0:
        notes["delay rise"] += f"; moments of commands and readings known to {best.edge_u_s * 1e3:.2g} ms"
    return notes


def _source(response: EdgeResponse) -> str:
    if not response.resolved:
        return "upper limit: the readings are farther apart than the time constant"
    return f"of the fitted response, {response.edges} edges; that of the tube is in it"


def _time(response: EdgeResponse) -> str:
    value = response.transition.prefixed()
    return f"{value.number()} {value.unit}" if response.resolved else f"below {value.value:.2g} {value.unit}"


def _differ(first: Value, second: Value) -> bool:
    return abs(first.value - second.value) > DIFFERS * math.hypot(first.u, second.u)


def _gy(dose_rate: Value) -> str:
    shown = Value(dose_rate.value, 0.0, "Gy/s").prefixed()
    return f"{shown.value:.3g} {shown.unit}"
