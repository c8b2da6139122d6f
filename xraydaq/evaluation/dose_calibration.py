"""Dose calibration: from the file to the analysis and the figure."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from xraydaq.analysis.dose_calibration import DoseRecord
from xraydaq.analysis.dose_calibration import evaluate as evaluate_arrays
from xraydaq.analysis.dose_calibration_result import DoseCalibrationResult
from xraydaq.analysis.dose_remarks import AirDensity, air_density_remarks
from xraydaq.analysis.values import NotEnoughData
from xraydaq.config.tube_model import nominal_table
from xraydaq.evaluation.told import headings, parameters_of
from xraydaq.storage import StoredRun

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CORRECTED_BY = {1: "by program", 2: "by instrument"}


def evaluate(stored: StoredRun) -> DoseCalibrationResult:
    """Evaluate a run.

    Raises:
        Refused: the run does not say what a dose depends on.
        NotEnoughData: the readings do not allow it.
    """
    columns, wanted = stored.columns, parameters_of(stored)
    if not np.isfinite(columns["kerma_rate"]).any():
        raise NotEnoughData("the run ended before its first dose reading")
    table_al_m, table_gy_s_a = nominal_table(wanted["tube_voltage_v"], wanted["distance_m"])
    result = evaluate_arrays(
        columns["elapsed"] + np.nan_to_num(columns["duration"]) / 2,
        columns["kerma_rate"],
        columns["beam_on"],
        columns["tube_current_set"],
        columns["total_aluminium"],
        record=DoseRecord(
            tube_voltage_v=wanted["tube_voltage_v"],
            distance_m=wanted["distance_m"],
            collimator=wanted["collimator"],
            field_covers_chamber=wanted["field_covers_chamber"],
            air_density_corrected=_corrected_by(stored),
        ),
        reference=columns["reference"],
        flags=columns["dose_flags"].astype(np.int64),
        status=columns["status"].astype(np.int64),
        table_al_m=np.array(table_al_m) if table_al_m else None,
        table_gy_s_a=np.array(table_gy_s_a) if table_al_m else None,
        shares={
            "chamber calibration": wanted["chamber_calibration_u"],
            "beam quality": wanted["beam_quality_u"],
            "field": wanted["field_u"],
            "repeatability": wanted["repeatability_u"],
            "tube drift": wanted["tube_drift_u"],
        },
    )
    told = air_density_remarks(_air_density(stored), columns["beam_on"] == 1)
    return replace(result, flags=(*result.flags, *told))


def figure(result: DoseCalibrationResult, stored: StoredRun, *, width: str = "double") -> "Figure":
    """Draw kerma over aluminium, half-value layers, linearity, and the repeated setting."""
    from xraydaq.report import dose_calibration

    return dose_calibration.figure(result, **headings(stored), width=width)


def _air_density(stored: StoredRun) -> AirDensity:
    columns = stored.columns
    certificate = (stored.header.resolved.get("bench") or {}).get("dosimeter") or {}
    unknown = np.full(len(columns["status"]), np.nan)  # a table from elsewhere may lack them
    good = columns["status"].astype(np.int64) == 0  # a reading without value has neither rate nor factor
    rate, raw, factor, kelvin, pascal = (
        np.where(good, columns.get(name, unknown), np.nan)
        for name in ("kerma_rate", "raw_rate", "k_tp", "air_temperature", "air_pressure")
    )
    return AirDensity(
        rate_gy_s=rate,
        raw_rate_gy_s=raw,
        factor=factor,
        temperature_k=kelvin,
        pressure_pa=pascal,
        by_program=_corrected_by(stored) == "by program",
        reference_k=certificate.get("reference_temperature_k"),
        reference_pa=certificate.get("reference_pressure_pa"),
    )


def _corrected_by(stored: StoredRun) -> str | None:
    """Get who corrected the readings for air density; None, which is refused, where they do not agree."""
    codes = set(np.unique(stored.columns["corrected_by"][np.isfinite(stored.columns["kerma_rate"])]).tolist())
    return CORRECTED_BY.get(int(codes.pop())) if len(codes) == 1 else None
