"""A field sweep in words."""

import math
from collections.abc import Sequence

import numpy as np

from xraydaq.analysis.chopped import together
from xraydaq.analysis.field_points import SAME_BIAS, FieldPoint
from xraydaq.analysis.field_sweep_result import FieldSweepResult
from xraydaq.analysis.point_sensitivity import gain_text
from xraydaq.analysis.remarks import of_dark_readings
from xraydaq.analysis.sweep_texts import two_digits
from xraydaq.analysis.values import Floats, Value

DESCRIBES = 3.0  # chi2/dof up to which the law describes the points
HYSTERESIS = 0.01  # change from up to down that matters
EXTRAPOLATED = 0.9  # part of the plateau below which it was not reached


def described(result: FieldSweepResult) -> tuple[str, str, dict[str, str]]:
    """Return headline, verdict and the notes of the quantities."""
    cycles = sum(one.step.cycles_used for one in result.points)
    headline = (
        f"{len(result.points)} visits of {len({abs(one.bias_v) for one in result.points})} biases up to "
        f"{result.highest_field.to('V/mm').value:.3g} V/mm at {_gy(result.dose_rate)}, {cycles} cycles"
    )
    return headline, _verdict(result), _notes(result)


def _verdict(result: FieldSweepResult) -> str:
    at = f"S = {two_digits(result.highest)} µC Gy^-1 cm^-2 at {result.highest_field.to('V/mm').value:.3g} V/mm"
    beam = f"gain {gain_text(result.gain)}, {result.quality}"
    if not result.fit.seen:
        return f"{at} ({beam}); no saturation seen, proportional to the field within the noise"
    scale, part = result.scale.to("V/mm").plus_minus(), result.collected.to("%").value
    return f"{at} ({beam}), {part:.0f} % of the plateau {two_digits(result.plateau)}; field scale {scale}"


def flags_of(result: FieldSweepResult) -> tuple[str, ...]:
    """Return what a reader must know before using a number."""
    fit, change = result.fit, result.direction.change
    flags = []
    if not fit.seen:
        flags.append("no saturation seen: plateau and field scale are not known")
    elif result.collected.value < EXTRAPOLATED:
        flags.append("plateau extrapolated: it lies above every field measured and hangs on the law that is fitted")
    if fit.chi2_per_dof > DESCRIBES:
        flags.append(
            f"the law does not describe the points (chi2/dof {fit.chi2_per_dof:.3g}), u is widened by its root"
        )
    if abs(change.value) > 2 * change.u and abs(change.value) > HYSTERESIS:
        flags.append(f"up and down differ by {change.to('%').number()} %: hysteresis or a drift of the sensitivity")
    if not math.isfinite(change.value):
        flags.append("measured one way only: a drift of the sensitivity cannot be told from its field dependence")
    bent = [f"{one.bias_v:g} V" for one in result.points if one.bent]
    if bent:
        flags.append(f"dark current not settled after the bias step, baseline of order 3: {', '.join(bent)}")
    lost = sum(one.step.cycles_dropped for one in result.points)
    if lost:
        flags.append(f"{lost} cycles dropped")
    return tuple(flags)


def of_the_temperature(
    points: Sequence[FieldPoint], elapsed_s: Floats, temperature_k: Floats | None
) -> tuple[str, ...]:
    """Compare the dark current of all visits, each bias with itself, with the temperature of the crystal."""
    dark, biases_v = together([one.step.windows for one in points]), [one.bias_v for one in points]
    same_v = [
        next(each.bias_v for each in points if math.isclose(each.bias_v, v, rel_tol=SAME_BIAS)) for v in biases_v
    ]
    level_v = np.repeat(same_v, [len(one.step.windows.on) for one in points])
    off = ~dark.on
    return of_dark_readings(dark.time_s[off], dark.mean_a[off], elapsed_s, temperature_k, level_v[off])


def _notes(result: FieldSweepResult) -> dict[str, str]:
    beam = f"gain {gain_text(result.gain)}, {result.quality}"
    own = "u of the step only; dose, area and gap are common to all biases"
    return {
        "field scale": "nominal field, bias over gap; a figure of this device and beam",
        "plateau sensitivity": f"by the law fitted, S = P u (1 - exp(-1/u)), u = E/E0; {result.quality}",
        "sensitivity at highest field": f"at {_gy(result.dose_rate)}; {beam}",
        "gain at highest field": f"over the unity-gain sensitivity of this beam ({result.quality})",
        "change from up to down": f"mean over {result.direction.biases} biases",
        f"S at {result.points[0].bias_v:g} V {'up' if result.points[0].rising else 'down'}": own,
    }


def _gy(dose_rate: Value) -> str:
    shown = Value(dose_rate.value, 0.0, "Gy/s").prefixed()
    return f"{shown.value:.3g} {shown.unit}"
