"""What a dose-rate sweep says in words: its verdict taken apart, and what its foils tell from its dose rates."""

import math
import re
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from xraydaq.analysis.values import Floats, Value
from xraydaq.reproduce.measured import NO_RESULT, Measured, readable, shown, told_text

SENSITIVITY = "uC Gy^-1 cm^-2"
LIMIT = "detection_limit_snr_3"
SEEN = 3.0
"""Photocurrents above so many of their uncertainties are compared."""

DIFFERENT = 3.0
"""Steps between foils above so many of their uncertainties count as seen."""

NEAR = 1.1
"""Dose rates within this factor are compared as one."""

Points: TypeAlias = tuple[Floats, Floats, Floats, Floats, Floats]
"""Dose rate, its u (what the points do not share), photocurrent, its u, total aluminium."""


def of_the_sensitivity(measured: Measured, key: str) -> str:
    """Get the first part of a sweep's verdict: sensitivity with its beam, gain, slope, exponent."""
    return readable(_parts(measured.text(key, "verdict"))[0])


def of_the_limit(measured: Measured, key: str) -> str:
    """Get the end of a sweep's verdict: what noise, reading time, windows and cycles the detection limit is of."""
    limit = _parts(measured.text(key, "verdict"))[1]
    return limit.partition("(k=1), ")[2] or limit


def _parts(verdict: str) -> tuple[str, str]:
    parts = re.split(r"; (?=detection limit|estimated|no detection limit)", verdict, maxsplit=1)
    return (parts[0], parts[1]) if len(parts) == 2 else (verdict or NO_RESULT, NO_RESULT)


def is_extrapolated(measured: Measured, key: str) -> bool | None:
    """Ask whether the detection limit lies below every dose rate that was measured; None where there is none."""
    limit, lowest = measured.value(key, LIMIT), measured.value(key, "lowest_dose_rate")
    return None if limit is None or lowest is None else limit.value < lowest.value


def how_limited(measured: Measured, key: str) -> str:
    """Say a detection limit, whether it was measured down to it, and with which noise, time, bandwidth and windows."""
    limit, below = measured.value(key, LIMIT), is_extrapolated(measured, key)
    if limit is None or below is None:
        return NO_RESULT
    rates = measured.curve(key, "dose_rate")
    count = 0 if rates is None else int(np.sum(rates <= limit.value))
    lowest = measured.said(key, "lowest_dose_rate", "nGy/s")
    kind = "extrapolated, an estimate and no limit" if below else f"measured, {count} of the dose rates at or below it"
    reading_s = measured.told(key, "reading_time_s")
    return (
        f"{shown(limit, 'nGy/s')}, {kind} (lowest {lowest}); noise {measured.said(key, 'noise_of_blank_readings', '')}"
        f", {of_the_limit(measured, key)}; a reading passes noise up to about "
        f"{told_text(0.5 / reading_s, 'Hz')}; of the averaged step: 3 s₀/S "
        f"{measured.said(key, 'detection_limit_3_s0_of_averaged_step', 'nGy/s')}, Currie "
        f"{measured.said(key, 'detection_limit_currie', 'nGy/s')}"
    )


def estimators(measured: Measured, key: str) -> list[str]:
    """Say every number of a sweep that is called sensitivity."""
    names = {
        "sensitivity at a point": "sensitivity",
        "slope unweighted": "sensitivity_slope_unweighted",
        "slope weighted": "sensitivity_slope_weighted",
        "slope at low dose rates": "sensitivity_slope_low_dose_rates",
    }
    said = [f"{label} {measured.said(key, name, SENSITIVITY)}" for label, name in names.items()]
    return [*said, _slopes_by_filter(measured, key)]


def _slopes_by_filter(measured: Measured, key: str) -> str:
    found = measured.named(key, "sensitivity_slope_", "_mm_al")
    said = ", ".join(f"{shown(value, SENSITIVITY)} behind {al} mm Al" for al, value in found.items())
    return f"slope {said}" if said else f"slope of each filter {NO_RESULT}"


def half_value_layers(measured: Measured) -> str:
    """Say the half-value layer behind the thinnest and the thickest filter of the calibration."""
    found = measured.named("dose calibration", "half-value_layer_behind_", "_mm_al")
    if not found:
        return f"half-value layer: {NO_RESULT}"
    ends = [*dict.fromkeys((next(iter(found)), next(reversed(found))))]
    return "half-value layer " + ", ".join(f"{shown(found[al], 'mm')} Al behind {al} mm" for al in ends)


def foils_or_crystal(measured: Measured, key: str) -> list[str]:
    """Say what one foil alone and neighbouring foils at one dose rate tell about a response that is not linear."""
    one, steps = exponent_of_one_filter(measured, key), steps_between_filters(measured, key)
    said = []
    if one is not None:
        said.append(f"exponent behind {one[1] * 1e3:.3g} mm Al alone, one beam quality: {shown(one[0], '1')}")
    if not steps:
        return [*said, f"foils at equal dose rate: {NO_RESULT}, so that foils and crystal are not told apart"]
    each = ", ".join(f"{thick * 1e3:.3g} to {thin * 1e3:.3g} mm {shown(step, '%')}" for thin, thick, step in steps)
    said.append(f"response behind two foils at equal dose rate, relative: {each}")
    seen = any(abs(step.value) > DIFFERENT * step.u for _, _, step in steps)
    of_foils = "the foils differ at equal dose rate: beam quality is in the response"
    of_dose = "no step from foil to foil is seen: what bends is the crystal, or the scale of the dose"
    return [*said, of_foils if seen else of_dose]


def exponent_of_one_filter(measured: Measured, key: str) -> tuple[Value, float] | None:
    """Get the exponent of the response from lowest to highest dose rate behind the thinnest filter, and the filter.

    There the beam quality is one: what bends is the crystal's response, or the dose. ln(I2/I1) / ln(D2/D1).
    """
    arrays = _points(measured, key)
    if arrays is None:
        return None
    rate, rate_u, current, current_u, al_m = arrays
    of_it = np.flatnonzero(al_m == al_m.min())
    low, high = of_it[np.argmin(rate[of_it])], of_it[np.argmax(rate[of_it])]
    if not rate[high] > NEAR * rate[low]:
        return None
    span = math.log(rate[high] / rate[low])
    exponent = math.log(current[high] / current[low]) / span
    ends = [low, high]
    u = float(np.hypot.reduce(np.concatenate((current_u[ends] / current[ends], exponent * rate_u[ends] / rate[ends]))))
    return Value(exponent, u / span, "1"), float(al_m.min())


def steps_between_filters(measured: Measured, key: str) -> list[tuple[float, float, Value]]:
    """Get (thinner, thicker filter in m, relative change of I/D) of neighbours that were read at nearly one dose rate.

    Of each two the pair that is nearest in dose rate is taken.
    """
    arrays = _points(measured, key)
    if arrays is None:
        return []
    rate, rate_u, current, current_u, al_m = arrays
    response = current / rate
    relative_u = np.hypot(current_u / current, rate_u / rate)
    found = []
    for thin, thick in pairwise(np.unique(al_m)):
        pairs = [(abs(math.log(rate[a] / rate[b])), a, b)
                 for a in np.flatnonzero(al_m == thin) for b in np.flatnonzero(al_m == thick)]  # fmt: skip
        apart, a, b = min(pairs)
        if apart <= math.log(NEAR):
            ratio = float(response[b] / response[a])
            step = Value(ratio - 1, ratio * float(np.hypot(relative_u[a], relative_u[b])), "1")
            found.append((float(thin), float(thick), step))
    return found


def _points(measured: Measured, key: str) -> Points | None:
    names = ("dose_rate", "dose_rate_u", "photocurrent", "photocurrent_u", "total_aluminium")
    arrays = [curve for name in names if (curve := measured.curve(key, name)) is not None]
    if len(arrays) < len(names):
        return None
    rate, rate_u, current, current_u, al_m = arrays
    good = (current > SEEN * current_u) & (rate > 0)
    return (rate[good], rate_u[good], current[good], current_u[good], al_m[good]) if good.any() else None
