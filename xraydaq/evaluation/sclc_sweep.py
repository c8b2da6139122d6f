"""Space-charge-limited current: from the file to the analysis and the figure."""

from typing import TYPE_CHECKING, Any

from xraydaq.analysis.sclc_sweep import SclcSweepResult
from xraydaq.analysis.sclc_sweep import evaluate as evaluate_arrays
from xraydaq.evaluation.told import accuracy_of, headings, parameters_of
from xraydaq.storage import StoredRun

if TYPE_CHECKING:
    from matplotlib.figure import Figure

USUAL_PERMITTIVITY, USUAL_PERMITTIVITY_U_REL = 32.0, 0.09
"""Of MAPbI3, with the spread of most of the literature."""


def evaluate(stored: StoredRun) -> SclcSweepResult:
    """Evaluate a run; the meter's resolution is that of the range the sweeps began with."""
    columns, sample = stored.columns, stored.header.sample
    permittivity, permittivity_u = _permittivity(sample)
    return evaluate_arrays(
        *(columns[name] for name in ("elapsed", "voltage", "current", "current_errors", "status", "direction")),
        voltage_u_v=columns["voltage_errors"],
        gap_m=sample["gap_m"],
        gap_u_m=sample["gap_u_m"],
        dielectric=parameters_of(stored)["dielectric"],
        resolution_a=accuracy_of(stored).resolution_a,
        temperature_k=columns.get("temperature"),
        relative_permittivity=permittivity,
        relative_permittivity_u=permittivity_u,
    )


def _permittivity(sample: dict[str, Any]) -> tuple[float, float]:
    """Relative permittivity of the crystal and its u: what the sample file says, else what is usual."""
    value, u = sample.get("relative_permittivity"), sample.get("relative_permittivity_u")
    if value is None:
        return USUAL_PERMITTIVITY, USUAL_PERMITTIVITY_U_REL * USUAL_PERMITTIVITY
    return float(value), USUAL_PERMITTIVITY_U_REL * float(value) if u is None else float(u)


def figure(result: SclcSweepResult, stored: StoredRun, *, width: str = "single") -> "Figure":
    """Draw current against bias, its regimes and slopes."""
    from xraydaq.report import sclc_sweep

    return sclc_sweep.figure(result, **headings(stored), width=width)
