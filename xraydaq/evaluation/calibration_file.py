"""From an evaluated dose calibration to the file that recipes cite."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from xraydaq.analysis.dose_calibration_result import DoseCalibrationResult
from xraydaq.config.calibration import (
    CalibratedChamber,
    CalibratedFilter,
    CalibrationShares,
    DoseCalibration,
)
from xraydaq.errors import Refused
from xraydaq.evaluation.told import parameters_of
from xraydaq.storage import StoredRun

SHARES = {
    "chamber_calibration": "chamber calibration",
    "beam_quality": "beam quality",
    "field": "field",
    "repeatability": "repeatability",
    "tube_drift": "tube drift",
}
"""Key in the file -> name in the budget."""

CHAMBER = "chamber"
NEVER = date(9999, 12, 31)
"""When a simulated beam is due for its next calibration: it does not age."""


def calibration_of(
    stored: StoredRun, result: DoseCalibrationResult, *, name: str = "", accept_untraceable: bool = False
) -> DoseCalibration:
    """Get the calibration that a run has measured, in SI.

    With `accept_untraceable` a calibration is made although the field does not seem to cover the chamber; it then
    says that it does not.

    Raises:
        Refused: the dose is not traceable, or the dosimeter did not tell what it is.
    """
    wanted = parameters_of(stored)
    covered = _covered(wanted["field_covers_chamber"], result)
    if not covered and not accept_untraceable:
        raise Refused("dose not traceable: the field does not cover the chamber, or does not seem to; no calibration")
    made_on = datetime.fromtimestamp(stored.header.start_utc_s, UTC).date()
    simulated = stored.header.simulated or stored.header.served_simulation
    beam = f"{wanted['tube_voltage_v'] / 1e3:g} kV, {wanted['distance_m'] * 100:g} cm"
    return DoseCalibration.model_construct(
        name=name or ("simulated " if simulated else "") + beam,
        made_on=made_on,
        valid_until=NEVER if simulated else made_on + timedelta(seconds=wanted["valid_for_s"]),
        simulated=simulated,
        tube_voltage_v=wanted["tube_voltage_v"],
        distance_m=wanted["distance_m"],
        collimator=wanted["collimator"],
        field_covers_chamber=covered,
        air_density_corrected=result.inputs["air_density_corrected"],
        current_offset_a=result.current_offset.value,
        current_offset_u_a=result.current_offset.u,
        lowest_current_a=result.inputs["lowest_tube_current_a"],
        highest_current_a=result.inputs["highest_tube_current_a"],
        run=stored.header.run_id or _run_name(stored.path),
        note="; ".join(result.flags) or None,
        chamber=_chamber(stored, wanted["certificate"]),
        filters_by_name=_filters(result),
        uncertainty=_shares(result),
    )


def _run_name(path: Path) -> str:
    """Get the name of a run from its result, which may stand anywhere, or from the folder of its journal."""
    return path.stem if path.suffix == ".h5" else path.parent.name


def _covered(said: bool, result: DoseCalibrationResult) -> bool:
    return said and (result.prediction is None or result.prediction.traceable)


def _filters(result: DoseCalibrationResult) -> dict[str, CalibratedFilter]:
    return {
        each.label: CalibratedFilter.model_construct(
            total_al_m=each.al_m,
            kerma_gy_per_s_a=each.kerma.value,
            kerma_relative_u=each.kerma.u / each.kerma.value,
            hvl_m=each.half_value_layer.value.value,
            hvl_extrapolated=each.half_value_layer.extrapolated,
        )
        for each in result.filters
    }


def _shares(result: DoseCalibrationResult) -> CalibrationShares:
    return CalibrationShares.model_construct(
        None, **{key: result.shares.get(label, 0.0) for key, label in SHARES.items()}
    )


def _chamber(stored: StoredRun, certificate: str) -> CalibratedChamber:
    told: dict[str, str] = next((json.loads(event.message) for event in stored.events if event.kind == CHAMBER), {})
    missing = [key for key in ("digitizer", "chamber", "chamber_serial") if not told.get(key)]
    if missing:
        raise Refused(
            f"the dosimeter did not tell its {', '.join(missing)}: write it in [dosimeter] of the bench file"
        )
    digitizer = " ".join(told[key] for key in ("digitizer", "digitizer_serial") if told.get(key))
    calibrated = f"; calibrated {told['calibrated']}" if told.get("calibrated") else ""
    return CalibratedChamber(
        digitizer=digitizer,
        chamber=told["chamber"],
        serial=told["chamber_serial"],
        certificate=certificate + calibrated,
    )
