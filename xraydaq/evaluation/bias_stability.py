"""Dark current at constant bias: from the file to the analysis and the figure."""

from typing import TYPE_CHECKING

from xraydaq.analysis.bias_stability import BiasStabilityResult
from xraydaq.analysis.bias_stability import evaluate as evaluate_arrays
from xraydaq.evaluation.told import accuracy_of, headings, parameters_of, reading_time_s
from xraydaq.storage import StoredRun

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def evaluate(stored: StoredRun) -> BiasStabilityResult:
    """Evaluate a run."""
    columns, sample, accuracy = stored.columns, stored.header.sample, accuracy_of(stored)
    return evaluate_arrays(
        *(columns[name] for name in ("elapsed", "current", "voltage", "status")),
        bias_v=parameters_of(stored)["bias_v"],
        gap_m=sample["gap_m"],
        gap_u_m=sample["gap_u_m"],
        area_m2=sample["area_m2"],
        area_u_m2=sample["area_u_m2"],
        reading_time_s=reading_time_s(stored),
        gain_u_rel=accuracy.gain_u_rel,
        offset_u_a=accuracy.offset_u_a,
        resolution_a=accuracy.resolution_a,
        temperature_k=columns.get("temperature"),
    )


def figure(result: BiasStabilityResult, stored: StoredRun, *, width: str = "single") -> "Figure":
    """Draw current against time, and what the trend leaves."""
    from xraydaq.report import bias_stability

    elapsed_s, current_a = stored.columns["elapsed"], stored.columns["current"]
    return bias_stability.figure(result, elapsed_s, current_a, **headings(stored), width=width)
