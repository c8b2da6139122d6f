"""Calibration of the beam: chamber readings behind a set of filters at several tube currents, beam on and off.

Procedure and what must be known of it: IAEA TRS 457, "Dosimetry in diagnostic radiology: an international code of
practice" (2007), chapter 5; AAPM Report 35 (1992) for low energies. Uncertainties: JCGM 100:2008.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xraydaq.analysis.dose_calibration_result import DoseCalibrationResult, FilterResult
from xraydaq.analysis.dose_model import DoseModel, fit_dose_model
from xraydaq.analysis.dose_prediction import Prediction, compare
from xraydaq.analysis.dose_readings import Visits, visits
from xraydaq.analysis.dose_reference import repeats_of
from xraydaq.analysis.dose_remarks import remarks
from xraydaq.analysis.dose_selection import select
from xraydaq.analysis.half_value_layer import half_value_layers
from xraydaq.analysis.outcome import Budget
from xraydaq.analysis.values import Floats, Value
from xraydaq.errors import Refused

SHARES = {
    "chamber calibration": 0.020,
    "beam quality": 0.012,  # +-2 % rectangular
    "field": 0.006,
    "repeatability": 0.004,  # chamber, air density, distance, recombination
    "tube drift": 0.003,
}
"""Relative standard uncertainties that all kerma rates have in common, for good practice: a fixed filter of 0.5 mm
aluminium or more, a certificate for half-value layers of 0.6 to 5 mm, and a field that covers the chamber."""

LOWEST_RATE_GY_S = 2e-9


@dataclass(frozen=True)
class DoseRecord:
    """How the chamber stood; None is what nobody said, and is refused."""

    tube_voltage_v: float
    distance_m: float | None
    collimator: str | None
    """While the chamber was in the beam: "removed", or what was there."""

    field_covers_chamber: bool | None
    air_density_corrected: str | None
    """Who did it: "by program" or "by instrument"."""

    def check(self) -> None:
        """Refuse a record that does not say what a dose depends on.

        Raises:
            Refused: with one line for everything that is missing.
        """
        wanted = {
            "whether the field covered the chamber": self.field_covers_chamber,
            "what collimator was in the beam": self.collimator or None,
            "how far the chamber was from the anode": self.distance_m,
            "who corrected the readings for air density": self.air_density_corrected or None,
        }
        missing = [f"dose record refused: it does not say {what}" for what, said in wanted.items() if said is None]
        if missing:
            raise Refused("\n".join(missing))


def evaluate(
    elapsed_s: Floats,
    kerma_rate_gy_s: Floats,
    beam_on: NDArray[np.generic],
    tube_current_a: Floats,
    total_al_m: Floats,
    *,
    record: DoseRecord,
    reference: NDArray[np.generic] | None = None,
    flags: NDArray[np.integer] | None = None,
    status: NDArray[np.integer] | None = None,
    table_al_m: Floats | None = None,
    table_gy_s_a: Floats | None = None,
    shares: Mapping[str, float] = SHARES,
    lowest_rate_gy_s: float = LOWEST_RATE_GY_S,
) -> DoseCalibrationResult:
    """Evaluate all chamber readings of a calibration, in time order, one entry per reading.

    `elapsed_s`: middle of the reading; `kerma_rate_gy_s`: its mean, corrected for air density, nan without a value;
    `beam_on`, `reference`: 0 or 1; `flags` of the dosimeter and `status` of the row: as in `dose_selection`;
    `table_*`: kerma rate per current that a tube model predicts at this voltage and distance over rising aluminium.

    Raises:
        Refused: the record does not say what a dose depends on.
        NotEnoughData: too few readings with the beam off, one tube current only, fewer than three filters.
    """
    record.check()
    is_reference = np.zeros(len(elapsed_s), bool) if reference is None else np.asarray(reference) == 1
    is_on = np.asarray(beam_on) == 1
    keep, dropped, told = select(kerma_rate_gy_s, is_on, total_al_m, flags, status, lowest_rate_gy_s)
    columns = (elapsed_s, kerma_rate_gy_s, is_on, tube_current_a, total_al_m, is_reference)
    found = visits(*(np.asarray(column)[keep] for column in columns))
    repeats = repeats_of(found)
    model = fit_dose_model(found, return_scatter=repeats.return_scatter)
    shares = dict(shares) | {"tube drift": max(shares.get("tube drift", 0.0), repeats.standard_deviation)}
    common = math.hypot(*shares.values())
    prediction = (
        None
        if table_al_m is None or table_gy_s_a is None
        else compare(model.al_m, model.k_gy_s_a, table_al_m, table_gy_s_a, relative_u=common)
    )
    filters = _filters(model, common, prediction)
    covered = bool(record.field_covers_chamber)
    return DoseCalibrationResult(
        headline=f"{record.tube_voltage_v / 1e3:g} kV: {len(filters)} filters, {int(keep.sum())} readings, "
        f"{len(found.rate_gy_s)} visits to a setting",
        verdict=_verdict(record, filters, common, prediction),
        flags=(*told, *remarks(found, repeats, filters, prediction, asked_al_m=total_al_m[is_on], covered=covered)),
        inputs=_inputs(record, found, lowest_rate_gy_s) | {"common_relative_u": common},
        dropped=dropped,
        budgets={
            f"kerma per current behind {each.label}": Budget(
                "1", shares | {"statistics": each.kerma.u / each.kerma.value}
            )
            for each in filters
        },
        notes={
            f"half-value layer behind {e.label}": "extrapolated" for e in filters if e.half_value_layer.extrapolated
        },
        filters=filters,
        current_offset=Value(model.offset_a, model.offset_u_a, "A", model.dof),
        common_relative_u=common,
        shares=shares,
        repeatability=Value(found.beam_scatter, found.beam_scatter / math.sqrt(2 * max(found.repeat_dof, 1)), "1"),
        drift=repeats.slope,
        repeat_agreement=repeats.agreement,
        prediction=prediction,
        model=model,
        visits=found,
        reference_time_s=repeats.time_s,
        reference=repeats.relative,
    )


def _filters(model: DoseModel, common: float, prediction: Prediction | None) -> tuple[FilterResult, ...]:
    layers = half_value_layers(model.al_m, model.k_gy_s_a, model.k_relative_u)
    ratios = np.full(len(layers), np.nan) if prediction is None else prediction.by_filter
    return tuple(
        FilterResult(
            al_m=float(al_m),
            kerma=Value(float(k), float(k * u), "Gy/s/A", model.dof),
            total_u=float(k) * math.hypot(float(u), common),
            half_value_layer=layer,
            chi2_per_dof=float(per_dof),
            linear=bool(linear),
            predicted_over_measured=float(ratio),
        )
        for al_m, k, u, layer, per_dof, linear, ratio in zip(
            model.al_m, model.k_gy_s_a, model.k_relative_u, layers, model.filter_chi2_per_dof, model.linear, ratios,
            strict=True,
        )
    )  # fmt: skip


def _inputs(record: DoseRecord, found: Visits, lowest_rate_gy_s: float) -> dict[str, float | str]:
    assert record.distance_m is not None  # checked before anything was computed
    return {
        "tube_voltage_v": record.tube_voltage_v,
        "distance_m": record.distance_m,
        "collimator": str(record.collimator),
        "field_covers_chamber": "yes" if record.field_covers_chamber else "no",
        "air_density_corrected": str(record.air_density_corrected),
        "lowest_rate_gy_s": lowest_rate_gy_s,
        "visits": float(len(found.rate_gy_s)),
        "lowest_tube_current_a": float(found.current_a.min()),
        "highest_tube_current_a": float(found.current_a.max()),
        "leakage_mean_gy_s": float(found.leakage_gy_s.mean()),
        "off_scatter_gy_s": found.off_scatter_gy_s,
    }


def _verdict(
    record: DoseRecord, filters: tuple[FilterResult, ...], common: float, prediction: Prediction | None
) -> str:
    if not record.field_covers_chamber or (prediction is not None and not prediction.traceable):
        return "dose not traceable: does the field cover the chamber?"
    linear = sum(each.linear for each in filters)
    thin, thick = (each.kerma.to("nGy/s/uA").value for each in (filters[0], filters[-1]))
    return (
        f"{thick:.3g} to {thin:.3g} nGy/s/uA behind {len(filters)} filters, {linear} of them linear in the current; "
        f"{100 * common:.2g} % (k = 1) common to all"
    )
