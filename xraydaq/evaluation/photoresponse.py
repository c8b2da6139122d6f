"""Photoresponse, or on a glass blank the control for the ionisation of air: from the file to analysis and figure."""

from typing import TYPE_CHECKING

import numpy as np

from xraydaq.analysis import air_ionisation, photoresponse
from xraydaq.analysis.air_ionisation import AirIonisationResult
from xraydaq.analysis.photoresponse import PhotoresponseResult
from xraydaq.analysis.values import Value
from xraydaq.evaluation.dose_told import dose_of, settings_of, spot_of
from xraydaq.evaluation.told import accuracy_of, headings, parameters_of, reading_time_s
from xraydaq.storage import StoredRun

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLANK = "glass"
"""The treatment of a sample that is none."""

START_U_S = 3e-3
"""A reading is stamped when it is asked for and begins some milliseconds later: bus, trigger, source delay."""

SENSITIVITY_UNIT = "C Gy^-1 m^-2"


def evaluate(
    stored: StoredRun, *, sample_sensitivity: Value | None = None
) -> PhotoresponseResult | AirIonisationResult:
    """Evaluate a run; that of a blank is compared with `sample_sensitivity`, or with what the recipe expects.

    Raises:
        NotEnoughData: no dose rate with 4 whole cycles.
        ConfigError: the run cites no dose calibration.
    """
    columns, wanted = stored.columns, parameters_of(stored)
    numbers, current_a, al_m = settings_of(stored)
    rows = (
        columns["elapsed"],
        columns["current"],
        columns["status"],
        (columns["beam_on"] > 0).astype(np.float64),
        columns["point"],
    )
    dose = dose_of(stored, current_a, al_m, np.zeros(len(numbers), dtype=np.bool_))
    if stored.header.sample["treatment"] == BLANK:
        return air_ionisation.evaluate(
            *rows,
            dose=dose,
            spot=spot_of(stored),
            reading_time_s=reading_time_s(stored),
            offset_u_a=accuracy_of(stored).offset_u_a,
            sample_sensitivity=sample_sensitivity or _expected(wanted["expected_sensitivity_c_gy_m2"]),
            discard_s=wanted["discard_duration_s"],
            temperature_k=columns.get("temperature"),
        )
    return photoresponse.evaluate(
        *rows,
        dose=dose,
        spot=spot_of(stored),
        reading_time_s=reading_time_s(stored),
        bias_v=wanted["bias_v"],
        gap_m=stored.header.sample["gap_m"],
        edges_s=np.unique(columns["switched"][np.isfinite(columns["switched"])]),
        start_u_s=START_U_S,
        temperature_k=columns.get("temperature"),
    )


def _expected(sensitivity_c_gy_m2: float | None) -> Value | None:
    return None if sensitivity_c_gy_m2 is None else Value(sensitivity_c_gy_m2, 0.0, SENSITIVITY_UNIT)


def figure(result: PhotoresponseResult | AirIonisationResult, stored: StoredRun, *, width: str = "double") -> "Figure":
    """Draw the current and its edges; of a blank, the steps of its cycles."""
    from xraydaq.report import air_ionisation as blank
    from xraydaq.report import photoresponse as crystal

    if isinstance(result, AirIonisationResult):
        return blank.figure(result, **headings(stored), width=width)
    columns = stored.columns
    return crystal.figure(
        result, columns["elapsed"], columns["current"], columns["point"], **headings(stored), width=width
    )
