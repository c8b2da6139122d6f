"""Dose-rate sweep: from the file to the analysis and the figure."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from xraydaq.analysis.dose_rate_sweep import Timing
from xraydaq.analysis.dose_rate_sweep import evaluate as evaluate_arrays
from xraydaq.analysis.dose_rate_sweep_result import DoseRateSweepResult
from xraydaq.analysis.values import Booleans, Floats, NotEnoughData
from xraydaq.evaluation.dose_told import dose_of, settings_of, spot_of
from xraydaq.evaluation.told import headings, parameters_of, reading_time_s
from xraydaq.storage import STATUS_FLAGS, StoredRun

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GUARD_S = 0.3
SAME = 1e-6


def evaluate(stored: StoredRun) -> DoseRateSweepResult:
    """Evaluate a run.

    Raises:
        NotEnoughData: fewer than 3 dose rates with a photocurrent.
        ConfigError: the run cites no dose calibration.
    """
    columns, wanted = stored.columns, parameters_of(stored)
    point = columns["point"]
    numbers, current_a, al_m = settings_of(stored)
    if not len(numbers):
        raise NotEnoughData("the run ended before its first point was measured")
    blank = np.isin(point, numbers[current_a == 0.0])
    fixed_m = (stored.header.resolved["bench"]["filters"] or {}).get("fixed_m", 0.0)
    reference = np.isclose(current_a, wanted["reference_current_a"], rtol=SAME) & np.isclose(
        al_m, fixed_m + wanted["reference_foil_m"], rtol=SAME
    )
    dose = dose_of(stored, current_a, al_m, reference)
    return evaluate_arrays(
        columns["elapsed"],
        columns["current"],
        columns["status"],
        _scheduled(columns, blank, wanted["half_period_s"]),
        point,
        blank.astype(np.float64),
        dose=dose,
        spot=spot_of(stored),
        timing=Timing(wanted["discard_duration_s"], GUARD_S, reading_time_s(stored)),
        stated_gy_s=float(np.nanmax(dose.dose_rate_gy_s[reference])) if reference.any() else np.nan,
        slope_up_to_gy_s=wanted["slope_up_to_gy_s"],
        temperature_k=columns.get("temperature"),
    )


def figure(result: DoseRateSweepResult, stored: StoredRun, *, width: str = "double") -> "Figure":
    """Draw photocurrent and signal-to-noise ratio against dose rate."""
    from xraydaq.report import dose_rate_sweep

    return dose_rate_sweep.figure(result, **headings(stored), width=width)


def _scheduled(columns: Mapping[str, Floats], blank: Booleans, half_period_s: float) -> Floats:
    """Return the commanded state; in blank runs what it would have been: dark and beam by turns from their start.

    A blank run that was cut off and repeated starts where it was repeated: abandoned rows stay dark.
    """
    elapsed_s, point = columns["elapsed"], columns["point"]
    kept = blank & (columns["status"].astype(np.int64) & STATUS_FLAGS["abandoned"] == 0)
    scheduled = np.array(columns["beam_on"] > 0, dtype=np.float64)
    for number in np.unique(point[kept]):
        rows = np.flatnonzero(kept & (point == number))
        since_s = elapsed_s[rows] - elapsed_s[rows[0]]
        scheduled[rows] = np.floor(since_s / half_period_s + 1e-6) % 2
    return scheduled
