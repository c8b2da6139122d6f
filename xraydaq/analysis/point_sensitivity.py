"""Sensitivity from the photocurrent at one dose rate, S = I_ph/(A D), with gain and beam quality.

A: irradiated spot, D: air kerma rate at the crystal. Gain: over the unity-gain sensitivity of the beam quality (S.
Kasap et al., "Amorphous and polycrystalline photoconductors for direct conversion flat panel X-ray image sensors",
Sensors 11 (2011) 5112). u after JCGM 100:2008, equation (10).
"""

import math

import numpy as np

from xraydaq.analysis.charge_yield import BEAM_U_REL, RULE_U_REL, gain
from xraydaq.analysis.outcome import Budget
from xraydaq.analysis.sweep_inputs import Dose, Spot
from xraydaq.analysis.values import Value

STATISTICS = "statistics of the step"
TRACEABLE = (0.3, 3.0)  # measured over predicted kerma rate
DOSE_OF_THE_POINT = "dose rate of the point"


def common_shares(dose: Dose, spot: Spot) -> dict[str, float]:
    """Return the relative u, by source, that all sensitivities of a run share."""
    return {
        "gain of the meter": spot.gain_u_rel,
        "area of the spot": spot.area_u_m2 / spot.area_m2,
        **spot.common_u_rel,
        **dose.common_u_rel,
    }


def statistical(step: Value, dose: Dose, spot: Spot, point: int) -> Value:
    """Return the sensitivity in C Gy^-1 m^-2 at a point, u of the step and of this point's dose rate only."""
    scale = spot.area_m2 * float(dose.dose_rate_gy_s[point])
    u_rel_dose = float(dose.dose_rate_u_gy_s[point] / dose.dose_rate_gy_s[point])
    return Value(
        step.value / scale, math.hypot(step.u / scale, step.value / scale * u_rel_dose), "C Gy^-1 m^-2", step.dof
    )


def with_budget(step: Value, dose: Dose, spot: Spot, point: int) -> tuple[Value, Budget]:
    """Return the sensitivity in C Gy^-1 m^-2 at a point with everything in u, and what u is made of."""
    scale = spot.area_m2 * float(dose.dose_rate_gy_s[point])
    size = abs(step.value) / scale
    shares = {
        STATISTICS: step.u / scale,
        DOSE_OF_THE_POINT: size * float(dose.dose_rate_u_gy_s[point] / dose.dose_rate_gy_s[point]),
    }
    budget = Budget("C Gy^-1 m^-2", shares | {source: size * u for source, u in common_shares(dose, spot).items()})
    return Value(step.value / scale, budget.combined, "C Gy^-1 m^-2", step.dof), budget


def gain_of(sensitivity: Value, dose: Dose, point: int) -> Value:
    """Return the sensitivity over the unity-gain one of this point's beam, nan where that is not known.

    Its u holds that of the unity-gain sensitivity, most of which is that of the pair creation energy.
    """
    unity = float(dose.unity_gain_c_gy_m2[point])
    shares = {"scatter of materials about the rule": RULE_U_REL, "beam spectrum": BEAM_U_REL}
    return gain(sensitivity, Value(unity, unity * math.hypot(*shares.values()), sensitivity.unit), shares)[0]


def gain_text(gain: Value) -> str:
    """Write a gain with two digits, "700"."""
    return f"{float(f'{gain.value:.2g}'):g}" if math.isfinite(gain.value) else "not known"


def quality_of(dose: Dose, point: int) -> str:
    """Return the beam in words: filter and half-value layer."""
    al_mm, hvl_mm = float(dose.total_al_m[point]) * 1e3, float(dose.half_value_layer_m[point]) * 1e3
    return f"{al_mm:.3g} mm Al, HVL " + (f"{hvl_mm:.2f} mm Al" if np.isfinite(hvl_mm) else "not known")


def flags_of_the_gain(dose: Dose) -> tuple[str, ...]:
    """Return what is missing for a sensitivity to be compared with that of another detector or beam."""
    if np.isfinite(dose.unity_gain_c_gy_m2).all():
        return ()
    return ("gain not stated: the unity-gain sensitivity of the beam is not known",)


def flags_of_the_dose(dose: Dose) -> tuple[str, ...]:
    """Return a flag for a dose rate that the beam model or the record of the calibration contradicts."""
    if not dose.field_covers_chamber:
        return ("dose not traceable: the field did not cover the chamber in the calibration",)
    if dose.kerma_ratio is None or TRACEABLE[0] < dose.kerma_ratio < TRACEABLE[1]:
        return ()
    return (f"dose not traceable: measured over predicted kerma rate is {dose.kerma_ratio:.3g}",)
