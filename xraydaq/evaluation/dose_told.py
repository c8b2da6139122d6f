"""What stored runs under the beam tell: dose rate and beam quality at each point, the irradiated spot."""

import math

import numpy as np
from numpy.typing import NDArray

from xraydaq.analysis.attenuation import MAPBI3
from xraydaq.analysis.beam_quality import TABLE_PAIR_ENERGY_J
from xraydaq.analysis.sweep_inputs import Dose, Spot
from xraydaq.analysis.values import Booleans, Floats
from xraydaq.config.calibration import CalibratedFilter, CalibrationShares, DoseCalibration, dose_rate
from xraydaq.config.tube_model import nominal_kerma_gy_s_a
from xraydaq.errors import ConfigError, LimitError
from xraydaq.evaluation.told import accuracy_of
from xraydaq.report.beams import tracked_beams
from xraydaq.storage import StoredRun

USUAL_THICKNESS_M = 1e-3


def calibration_of(stored: StoredRun) -> DoseCalibration:
    """Get the dose calibration that a run cited, as it was at the time.

    Raises:
        ConfigError: it cited none.
    """
    found = stored.header.resolved.get("calibration")
    if found is None:
        raise ConfigError(f"{stored.path}: the run cites no dose calibration")
    # the record holds checked SI values, not the texts with units that validation reads
    filters = {name: CalibratedFilter.model_construct(**each) for name, each in found["filters_by_name"].items()}
    shares = CalibrationShares.model_construct(**found["uncertainty"])
    return DoseCalibration.model_construct(**found | {"filters_by_name": filters, "uncertainty": shares})


def settings_of(stored: StoredRun) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Get (points, tube current in A, total aluminium in m): one entry per number in the column `point`, from 0.

    The current is what was set while the beam was on, 0 for a point without beam.
    """
    point = stored.columns["point"].astype(np.int64)
    numbers = np.arange(int(point.max(initial=-1)) + 1)
    current_a, al_m = np.zeros(len(numbers)), np.full(len(numbers), math.nan)
    on = (stored.columns["beam_on"] > 0) & (point >= 0)
    current_a[point[on]] = stored.columns["tube_current_set"][on]
    al_m[point[on]] = stored.columns["total_aluminium"][on]
    return numbers, current_a, al_m


def dose_of(stored: StoredRun, current_a: Floats, al_m: Floats, reference: Booleans) -> Dose:
    """Get dose rates and beam qualities of points; those without beam, or outside the calibration, have nan."""
    calibration = calibration_of(stored)
    rates = np.array([_rate(calibration, *each) for each in zip(current_a, al_m, strict=True)]).reshape(-1, 2)
    thickness_m = stored.header.sample.get("thickness_m") or USUAL_THICKNESS_M
    return Dose(
        dose_rate_gy_s=rates[:, 0],
        dose_rate_u_gy_s=rates[:, 1],
        total_al_m=al_m,
        reference=reference,
        unity_gain_c_gy_m2=np.array([_unity_gain(calibration.tube_voltage_v, al, thickness_m) for al in al_m]),
        half_value_layer_m=np.array([_half_value_layer_m(calibration, al) for al in al_m]),
        common_u_rel={f"dose: {name.replace('_', ' ')}": u for name, u in calibration.shares.items()},
        kerma_ratio=_kerma_ratio(calibration),
        field_covers_chamber=calibration.field_covers_chamber,
    )


def spot_of(stored: StoredRun) -> Spot:
    """Get the irradiated spot, and what is known of the meter."""
    sample, accuracy = stored.header.sample, accuracy_of(stored)
    return Spot(
        area_m2=sample["area_m2"],
        area_u_m2=sample["area_u_m2"],
        gain_u_rel=accuracy.gain_u_rel,
        resolution_a=accuracy.resolution_a,
    )


def _rate(calibration: DoseCalibration, current_a: float, al_m: float) -> tuple[float, float]:
    if not (current_a > 0 and math.isfinite(al_m)):
        return math.nan, math.nan
    try:
        return dose_rate(calibration, current_a, al_m)
    except ConfigError:
        return math.nan, math.nan


def _unity_gain(tube_voltage_v: float, al_m: float, thickness_m: float) -> float:
    if not math.isfinite(al_m):
        return math.nan
    try:
        beam = tracked_beams().at(
            tube_voltage_v, al_m, thickness_m=thickness_m, pair_energy_j=TABLE_PAIR_ENERGY_J, absorber=MAPBI3
        )
    except LimitError:
        return math.nan
    return beam.unity_gain_c_gy_m2


def _half_value_layer_m(calibration: DoseCalibration, al_m: float) -> float:
    try:
        return calibration.filter_of(al_m).hvl_m
    except ConfigError:
        return math.nan


def _kerma_ratio(calibration: DoseCalibration) -> float | None:
    """Get measured over nominal kerma rate, the median over the filters; None where no nominal one is known."""
    ratios = [
        each.kerma_gy_per_s_a
        / nominal_kerma_gy_s_a(calibration.tube_voltage_v, each.total_al_m, calibration.distance_m)
        for each in calibration.filters
    ]
    known = [ratio for ratio in ratios if math.isfinite(ratio)]
    return float(np.median(known)) if known else None
