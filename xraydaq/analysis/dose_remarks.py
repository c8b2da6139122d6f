"""What a reader must know about a dose calibration before using it."""

from collections.abc import Iterator

import numpy as np

from xraydaq.analysis.dose_calibration_result import FilterResult
from xraydaq.analysis.dose_prediction import Prediction, prediction_remarks
from xraydaq.analysis.dose_readings import Visits
from xraydaq.analysis.dose_reference import Repeats
from xraydaq.analysis.values import Floats

AGREEMENT = 0.005
"""Of the repeats of one setting, relative."""

COVERED_HVL_M = (0.6e-3, 5.0e-3)
"""Half-value layers that a certificate for diagnostic beams covers."""

SURE = 2.0


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
