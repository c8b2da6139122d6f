"""What a reader must know about a dose calibration before using it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from xraydaq.analysis.dose_calibration_result import FilterResult
from xraydaq.analysis.dose_prediction import Prediction, prediction_remarks
from xraydaq.analysis.dose_readings import Visits
from xraydaq.analysis.dose_reference import Repeats
from xraydaq.analysis.values import Booleans, Floats

AGREEMENT = 0.005
"""Of the repeats of one setting, relative."""

LEAST_READINGS = 3
"""Under the beam, from which the factor in the rates is told."""

COVERED_HVL_M = (0.6e-3, 5.0e-3)
"""Half-value layers that a certificate for diagnostic beams covers."""

SURE = 2.0
FACTOR_ROUNDED = 2e-4
"""Of an air density factor that was computed from a temperature and a pressure with some digits."""

FACTOR_MATTERS = 0.005
"""Of the factor that is in the values; the rate at the end of a reading differs from its mean by less."""

NOT_FOLLOWING = "air-density correction does not follow from the stored temperature and pressure"


@dataclass(frozen=True)
class AirDensity:
    """What was stored of the air density correction, one entry per reading; nan is what is not known.

    `rate_gy_s`: corrected; `raw_rate_gy_s`: as it came; `factor`: k_TP as stored. `reference_k`, `reference_pa`: of
    the chamber's certificate, None if not stated. `by_program`: the factor is in the rate, and not in the raw one.
    """

    rate_gy_s: Floats
    raw_rate_gy_s: Floats
    factor: Floats
    temperature_k: Floats
    pressure_pa: Floats
    by_program: bool
    reference_k: float | None
    reference_pa: float | None


def air_density_remarks(air: AirDensity, is_on: Booleans) -> Iterator[str]:
    """Yield a sentence for a factor that is not (T/T0)(p0/p), and for one that is not in the rate exactly once.

    k_TP: IAEA TRS 457 (2007), chapter 3. The second is told from readings under the beam, `is_on`.
    """
    if air.reference_k is not None and air.reference_pa is not None:
        known = (air.temperature_k > 0) & (air.pressure_pa > 0) & np.isfinite(air.factor)
        stored = air.factor[known]
        expected = air.temperature_k[known] / air.reference_k * air.reference_pa / air.pressure_pa[known]
        off = np.abs(stored / expected - 1)
        if known.any() and not off.max() <= FACTOR_ROUNDED:
            worst = int(np.argmax(off))
            yield f"{NOT_FOLLOWING}: k_TP {stored[worst]:.4f} stored, they give {expected[worst]:.4f}"
    factor = air.factor if air.by_program else np.ones_like(air.factor)
    rows = is_on & (air.raw_rate_gy_s > 0) & (factor > 0)
    applied = air.rate_gy_s[rows] / air.raw_rate_gy_s[rows]
    left = applied / factor[rows] - 1
    left, applied = left[np.isfinite(left)], applied[np.isfinite(left)]
    if len(left) < LEAST_READINGS:
        return
    off_by = float(np.median(left))
    u = 1.4826 * float(np.median(np.abs(left - off_by))) * float(np.sqrt(np.pi / 2 / len(left)))
    if not abs(off_by) <= max(FACTOR_MATTERS, 3 * u):
        wanted = float(np.nanmedian(factor[rows]))
        yield f"{NOT_FOLLOWING}: {np.median(applied):.4f} is in the rates, {wanted:.4f} belongs there"


def remarks(
    found: Visits,
    repeats: Repeats,
    filters: tuple[FilterResult, ...],
    prediction: Prediction | None,
    *,
    asked_al_m: Floats,
    covered: bool,
) -> Iterator[str]:
    """Yield one sentence for everything that limits the calibration; `asked_al_m`: filters that were in the beam."""
    if not covered:
        yield "dose not traceable: the field did not cover the chamber"
    yield from _of_the_readings(found, repeats)
    yield from _of_the_filters(filters, asked_al_m)
    if prediction is None:
        yield "no predicted kerma for this beam: whether the field covers the chamber is not checked"
    else:
        yield from prediction_remarks(np.array([each.al_m for each in filters]), prediction)


def _of_the_readings(found: Visits, repeats: Repeats) -> Iterator[str]:
    if found.unbracketed:
        yield f"{found.unbracketed} visits have readings with the beam off on one side only"
    if len(repeats.relative) < 2:
        yield "no setting was repeated: a drift of the tube is not seen"
    elif not repeats.agreement.value <= AGREEMENT:
        worst = 100 * repeats.agreement.value
        yield f"repeats of the reference differ by {worst:.2g} %; allowed: {100 * AGREEMENT:g} %"
    if repeats.drifts:
        yield f"the tube drifts: {100 * repeats.slope.value * 3600:+.2g} %/h of the reference; was it warm?"


def _of_the_filters(filters: tuple[FilterResult, ...], asked_al_m: Floats) -> Iterator[str]:
    for al_m in sorted(set(np.unique(asked_al_m).tolist()) - {each.al_m for each in filters}):
        yield f"filter {al_m * 1e3:g} mm Al: no usable reading, not calibrated"
    for each in filters:
        if not each.linear:
            yield f"{each.label}: not linear in the tube current, chi2/dof {each.chi2_per_dof:.3g}"
        layer = each.half_value_layer.value
        if layer.value - SURE * layer.u > COVERED_HVL_M[1] or layer.value + SURE * layer.u < COVERED_HVL_M[0]:
            yield (
                f"{each.label}: half-value layer of {layer.value * 1e3:.3g} mm is outside "
                f"{COVERED_HVL_M[0] * 1e3:g} to {COVERED_HVL_M[1] * 1e3:g} mm; does the certificate cover it?"
            )
