"""Field sweep: from the file to the analysis and the figure."""

from typing import TYPE_CHECKING

import numpy as np

from instruments.keithley2400.ranges import voltage_range_v
from instruments.keithley2400.source_accuracy import bias_uncertainty_v
from xraydaq.analysis.field_sweep import Timing
from xraydaq.analysis.field_sweep import evaluate as evaluate_arrays
from xraydaq.analysis.field_sweep_result import FieldSweepResult
from xraydaq.analysis.values import NotEnoughData
from xraydaq.evaluation.dose_told import dose_of, settings_of, spot_of
from xraydaq.evaluation.told import headings, parameters_of, reading_time_s
from xraydaq.storage import StoredRun

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GUARD_S = 0.3
BASELINE_ORDER = 1


def evaluate(stored: StoredRun) -> FieldSweepResult:
    """Evaluate a run; the bias of a visit is that reported by the source.

    Raises:
        NotEnoughData: fewer than 4 biases with a photocurrent.
        ConfigError: the run cites no dose calibration.
    """
    columns, wanted, sample = stored.columns, parameters_of(stored), stored.header.sample
    numbers, current_a, al_m = settings_of(stored)
    if not len(numbers):
        raise NotEnoughData("the run ended before its first bias was measured")
    bias_v = np.array([np.nanmedian(columns["voltage"][columns["point"] == number]) for number in numbers])
    return evaluate_arrays(
        columns["elapsed"],
        columns["current"],
        columns["status"],
        (columns["beam_on"] > 0).astype(np.float64),
        columns["point"],
        bias_v=bias_v,
        bias_u_v=bias_uncertainty_v(float(np.median(np.abs(bias_v))), voltage_range_v(float(np.abs(bias_v).max()))),
        dose=dose_of(stored, current_a, al_m, np.zeros(len(numbers), dtype=np.bool_)),
        spot=spot_of(stored),
        timing=Timing(wanted["discard_duration_s"], GUARD_S, reading_time_s(stored), BASELINE_ORDER),
        gap_m=sample["gap_m"],
        gap_u_m=sample["gap_u_m"],
        temperature_k=columns.get("temperature"),
    )


def figure(result: FieldSweepResult, stored: StoredRun, *, width: str = "single") -> "Figure":
    """Draw sensitivity against field, and what the law leaves."""
    from xraydaq.report import field_sweep

    return field_sweep.figure(result, **headings(stored), width=width)
