"""Evaluation of a current-voltage sweep of a planar gap: regimes, trap-filled limit, areal trap density.

Methods: regimes and filling model after M. A. Lampert, P. Mark, Current Injection in Solids (1970); the density after
J. A. Geurst, Phys. Status Solidi 15 (1966) 107, with the elementary charge. Up against down: E. A. Duijnstee et al.,
ACS Energy Lett. 5 (2020) 376; V. M. Le Corre et al., ACS Energy Lett. 6 (2021) 1087. Uncertainties are standard ones
(k = 1), JCGM 100:2008, equation (10).
"""

from collections.abc import Sequence

import numpy as np

from xraydaq.analysis.outcome import Budget
from xraydaq.analysis.sclc_direction import FROM_SCATTER, evaluate_direction
from xraydaq.analysis.sclc_readings import ReadSweeps, read_sweeps
from xraydaq.analysis.sclc_remarks import headline, notes, remarks, verdict
from xraydaq.analysis.sclc_result import BY_NOTHING, DIRECTIONS, NOT_KNOWN_V, SclcSweepResult, Sweep
from xraydaq.analysis.trap_density import Dielectric, diffusion_floor_v, near_diffusion_limit, with_uncertainty
from xraydaq.analysis.values import Floats, Value

__all__ = ["SclcSweepResult", "evaluate"]

ROOM_K = 298.15
FROM_DIRECTION = "up against down"
NEIGHBOURS_SHARE = 0.4  # correlation of the limits of two sweeps under one 1/f noise, found with drawn sweeps
METHOD = (
    "weighted quadratics through 7 points of ln I against ln V; filling model fitted in ln I; planar gap after Geurst "
    "with the elementary charge"
)


def evaluate(
    elapsed_s: Floats,
    voltage_v: Floats,
    current_a: Floats,
    current_u_a: Floats,
    status: Floats,
    direction: Floats,
    *,
    gap_m: float,
    gap_u_m: float,
    relative_permittivity: float = 32.0,
    relative_permittivity_u: float = 2.88,
    dielectric: Dielectric = "both_sides",
    resolution_a: float = 0.0,
    voltage_u_v: Floats | None = None,
    temperature_k: Floats | None = None,
) -> SclcSweepResult:
    """Evaluate a run; arrays of one length, one row per reading in order of time, either polarity.

    `direction`: +1 in a sweep upwards, -1 downwards, 0 outside; rows at 0 V before the first sweep give the offset of
    the meter. `current_u_a`: standard uncertainty of each reading by the accuracy of the meter. `status` as stored,
    rows with any flag are not used. `voltage_u_v`: standard uncertainty of each bias, zero if not given;
    `resolution_a`: step of the display in the lowest range; relative permittivity 32 with 9 % unless told otherwise.
    Raises NotEnoughData without a usable sweep, ValueError for bad inputs.
    """
    told: dict[str, float | str] = {
        "gap_m": gap_m,
        "gap_u_m": gap_u_m,
        "relative_permittivity": relative_permittivity,
        "relative_permittivity_u": relative_permittivity_u,
        "dielectric": dielectric,
        "resolution_a": resolution_a,
    }
    _check_inputs(told)
    bias_u_v = np.zeros(len(voltage_v)) if voltage_u_v is None else voltage_u_v
    columns = (elapsed_s, voltage_v, current_a, current_u_a, status, direction, bias_u_v)
    read = read_sweeps(columns, resolution_a=resolution_a)
    sweeps = [evaluate_direction(sweep) for sweep in read.sweeps]
    gap, permittivity = Value(gap_m, gap_u_m, "m"), Value(relative_permittivity, relative_permittivity_u, "1")
    temperatures_k = np.asarray([] if temperature_k is None else temperature_k, dtype=np.float64)
    return _result(sweeps, gap, permittivity, dielectric, read, temperatures_k, told)


def _result(
    sweeps: Sequence[Sweep], gap: Value, permittivity: Value, dielectric: Dielectric, read: ReadSweeps,
    temperatures_k: Floats, told: dict[str, float | str],
) -> SclcSweepResult:  # fmt: skip
    known_k = temperatures_k[np.isfinite(temperatures_k)]
    temperature_k = float(known_k.mean()) if known_k.size else ROOM_K
    inputs = told | {"rows_used": read.rows_used, "rows_of_baseline": read.baseline_rows}
    up, down = (_of_way(sweeps, way) for way in DIRECTIONS)
    hysteresis = _hysteresis(up, down)
    limit, limit_budget = _combined([sweep for sweep in sweeps if sweep.estimator != BY_NOTHING], hysteresis)
    budgets, density = {}, Value(np.nan, np.nan, "m^-2")
    if np.isfinite(limit.value):
        density, density_budget = with_uncertainty(limit, limit_budget, gap, permittivity, dielectric)
        budgets = {"trap-filled limit": limit_budget, "trap density": density_budget}
    near = bool(np.isfinite(limit.value)) and near_diffusion_limit(limit.value, temperature_k)
    return SclcSweepResult(
        headline=headline(limit, density, sweeps, inputs),
        verdict=verdict(density, limit, hysteresis, near),
        flags=remarks(sweeps, hysteresis, near, read.offset.measured, known_k, read.dropped),
        inputs=inputs | {"temperature_k": temperature_k},
        dropped=read.dropped,
        budgets=budgets,
        notes=notes(density, gap.value, permittivity.value, dielectric, near),
        curves=_curves(sweeps),
        method=METHOD,
        trap_filled_limit=limit,
        trap_density=density,
        limit_up=up[0],
        limit_down=down[0],
        hysteresis=hysteresis,
        knee=_mean([sweep.knee for sweep in sweeps], "V"),
        steepest_point=_mean([sweep.top.bias for sweep in sweeps if sweep.estimator != BY_NOTHING], "V"),
        upper_crossing=_mean([sweep.upper_crossing for sweep in sweeps], "V"),
        ohmic_conductance=_mean([sweep.ohmic for sweep in sweeps], "S"),
        offset=read.offset.value,
        diffusion_floor=Value(diffusion_floor_v(temperature_k), 0.0, "V"),
        estimator=" and ".join(sorted({sweep.estimator for sweep in sweeps} - {BY_NOTHING})) or BY_NOTHING,
        dielectric=dielectric,
        near_diffusion_limit=near,
        sweeps=tuple(sweeps),
    )


def _check_inputs(told: dict[str, float | str]) -> None:
    for name, value in told.items():
        if isinstance(value, str):
            continue
        positive = name in ("gap_m", "relative_permittivity")
        if not (value > 0 if positive else value >= 0) or not np.isfinite(value):
            raise ValueError(f"{name} must be finite and {'above' if positive else 'not below'} zero, not {value}")


def _of_way(sweeps: Sequence[Sweep], way: int) -> tuple[Value, float]:
    """Limit in one direction, and the relative u of it from scatter alone."""
    known = [sweep for sweep in sweeps if sweep.direction == way and sweep.estimator != BY_NOTHING]
    if not known:
        return NOT_KNOWN_V, np.nan
    limit, budget = _combined(known, Value(np.nan, np.nan, "1"))
    return limit, budget.shares[FROM_SCATTER] / limit.value


def _hysteresis(up: tuple[Value, float], down: tuple[Value, float]) -> Value:
    ratio = up[0].value / down[0].value
    return Value(ratio - 1, ratio * float(np.hypot(up[1], down[1])), "1")


def _combined(sweeps: Sequence[Sweep], hysteresis: Value) -> tuple[Value, Budget]:
    """Geometric mean of the limits; every share but scatter is common to all sweeps, and scatter is in part."""
    if not sweeps:
        return NOT_KNOWN_V, Budget("V", {})
    limit_v = float(np.exp(np.mean([np.log(sweep.limit.value) for sweep in sweeps])))
    sources = dict.fromkeys(source for sweep in sweeps for source in sweep.budget.shares)
    relative = {
        source: np.mean([sweep.budget.shares.get(source, 0.0) / sweep.limit.value for sweep in sweeps])
        for source in sources
    }
    shares = {source: limit_v * float(share) for source, share in relative.items()}
    shares[FROM_SCATTER] *= float(np.sqrt(NEIGHBOURS_SHARE + (1 - NEIGHBOURS_SHARE) / len(sweeps)))
    if abs(hysteresis.value) > 2 * hysteresis.u:  # the truth is anywhere between the two: a rectangle
        shares[FROM_DIRECTION] = limit_v * float(abs(np.log1p(hysteresis.value)) / (2 * np.sqrt(3)))
    budget = Budget("V", shares)
    return Value(limit_v, budget.combined, "V"), budget


def _mean(values: Sequence[Value], unit: str) -> Value:
    """Mean of the values that are known; u that of the mean of independent ones."""
    known = [value for value in values if np.isfinite(value.value)]
    if not known:
        return Value(np.nan, np.nan, unit)
    return Value(
        float(np.mean([v.value for v in known])), float(np.linalg.norm([v.u for v in known])) / len(known), unit
    )


def _curves(sweeps: Sequence[Sweep]) -> dict[str, tuple[Floats, str]]:
    curves: dict[str, tuple[Floats, str]] = {}
    for number, sweep in enumerate(sweeps):
        columns = {
            "bias": (sweep.points.bias_v, "V"),
            "current": (sweep.points.current_a, "A"),
            "log_current_u": (sweep.points.log_u, "1"),
            "slope": (sweep.slopes.slope, "1"),
            "slope_u": (sweep.slopes.u, "1"),
        }
        if sweep.fit is not None:
            columns["fitted_current"] = (sweep.fit.current_a(sweep.points.bias_v), "A")
        curves |= {f"{column}_{number + 1}_{sweep.name}": value for column, value in columns.items()}
    return curves
