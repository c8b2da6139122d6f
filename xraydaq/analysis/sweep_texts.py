"""A dose-rate sweep in words: sensitivity with gain and beam quality, limits with their noise and setting."""

import math

from xraydaq.analysis.dose_lines import DoseLine
from xraydaq.analysis.dose_rate_sweep_result import SENSITIVITY, DoseRateSweepResult
from xraydaq.analysis.values import Value


def described(result: DoseRateSweepResult) -> tuple[str, str, dict[str, str]]:
    """Return headline, verdict and the notes of the quantities."""
    return _headline(result), f"{_of_the_sensitivity(result)}; {_of_the_limit(result)}", _notes(result)


def two_digits(sensitivity: Value) -> str:
    """Return a sensitivity as it may be quoted, "7.1e5": its uncertainty leaves two digits."""
    value = sensitivity.to(SENSITIVITY).value
    if not math.isfinite(value):
        return "not known"
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa}e{int(exponent)}"


def _headline(result: DoseRateSweepResult) -> str:
    points = result.response.points
    readings = sum(int(visit.step.windows.readings.sum()) for visit in result.steps.visits)
    return (
        f"{len(points)} dose rates from {_gy(points.dose_rate_gy_s.min())} to {_gy(points.dose_rate_gy_s.max())}, "
        f"{len(result.steps.visits)} visits and {len(result.steps.blanks)} blank runs, {readings} readings in windows"
    )


def _of_the_sensitivity(result: DoseRateSweepResult) -> str:
    linear = "linear" if result.response.is_linear else "not linear"
    theta = result.response.theta.number()
    return (
        f"S = {two_digits(result.point)} µC Gy^-1 cm^-2 at {_gy(result.point_dose_rate_gy_s)} ({result.quality}), "
        f"gain {gain_text(result.gain)}; slope {two_digits(result.slope_unweighted)}; "
        f"{linear} (exponent {theta})"
    )


def gain_text(gain: Value) -> str:
    """Return a gain to two digits."""
    return f"{float(f'{gain.value:.2g}'):g}" if math.isfinite(gain.value) else "not known"


def _of_the_limit(result: DoseRateSweepResult) -> str:
    snr = result.limits.snr
    if snr is None:
        return "no detection limit"
    kind = "estimated (extrapolated) SNR 3 dose rate" if snr.extrapolated else "detection limit at SNR 3"
    return f"{kind} {snr.limit.to('nGy/s').plus_minus()}, {result.limits.conditions()}"


def _notes(result: DoseRateSweepResult) -> dict[str, str]:
    beam = f"gain {gain_text(result.gain)}, {result.quality}"
    weighted, low = result.response.weighted, result.response.low
    notes = {
        "sensitivity": f"at {_gy(result.point_dose_rate_gy_s)}; {beam}",
        "sensitivity slope unweighted": (
            f"through the origin, equal weights, {_span(result.response.unweighted)}; {beam}"
        ),
        "sensitivity slope weighted": (
            f"effective variance, {_origin(weighted.has_intercept)}, {_span(weighted)}; {beam}"
        ),
        "photoconductive gain": f"over the unity-gain sensitivity of this beam ({result.quality})",
        "exponent of dose rate": "weighted log-log line of the points above 3 u",
    }
    if low:
        notes["sensitivity slope low dose rates"] = (
            f"effective variance, {low.points} points up to {_gy(result.low_gy_s)}, {_origin(low.has_intercept)}"
        )
    return notes | _notes_of_limits(result)


def _notes_of_limits(result: DoseRateSweepResult) -> dict[str, str]:
    limits = result.limits
    notes = {"noise of blank readings": limits.conditions()}
    if limits.snr:
        interval = f"95 % interval {_gy(limits.snr.low_gy_s)} to {_gy(limits.snr.high_gy_s)} for this calibration"
        where = "extrapolated: an estimate" if limits.snr.extrapolated else "measured down to it"
        notes["detection limit SNR 3"] = f"{limits.conditions()}; {interval}; {where}"
        notes["detection limit SNR 3 extrapolated"] = notes["detection limit SNR 3"]
    if limits.procedure:
        averaged = f"steps of {limits.cycles} cycles, scatter of {limits.procedure.blanks} blank runs"
        notes["detection limit 3 s0 of averaged step"] = averaged
        notes["decision threshold"] = f"5 % false alarms; {averaged}"
        notes["detection limit Currie"] = f"5 % / 5 %, with the photon noise; {averaged}"
    if limits.floor:
        notes["detection limit of 1/f floor"] = "3 sqrt(2 ln2 f S(f)) over the slope: no averaging time goes below"
    return notes


def _span(line: DoseLine) -> str:
    return f"{line.points} points from {_gy(line.lowest_gy_s)} to {_gy(line.highest_gy_s)}"


def _origin(has_intercept: bool) -> str:
    return "with an intercept" if has_intercept else "through the origin"


def _gy(gy_s: float) -> str:
    shown = Value(gy_s, 0.0, "Gy/s").prefixed()
    return f"{shown.value:.3g} {shown.unit}"
