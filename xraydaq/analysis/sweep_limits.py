"""Detection limits of a dose-rate sweep, each with the noise it is from."""

from dataclasses import dataclass, replace

import numpy as np

from xraydaq.analysis.detection_limit import (
    NoiseFloor,
    ProcedureLimit,
    SnrLimit,
    noise_floor,
    procedure_limit,
    scatter_of,
    snr_limit,
)
from xraydaq.analysis.dose_lines import DoseLine, Points
from xraydaq.analysis.outcome import Budget
from xraydaq.analysis.sweep_inputs import Dose
from xraydaq.analysis.sweep_steps import SweepSteps, Timing
from xraydaq.analysis.values import NotEnoughData, Value
from xraydaq.analysis.window_noise import expected_scatter

LEAST_BLANK_RESULTS = 2


@dataclass(frozen=True)
class Limits:
    """Detection limits, each None where the data do not give it; scatter of a blank reading, and what was expected.

    `window_s`, `reading_time_s`, `cycles`: what the noise belongs to. `expected_noise_a`: by the spectrum, nan
    without one. `budgets`: of the limits, in Gy/s.
    """

    snr: SnrLimit | None
    procedure: ProcedureLimit | None
    floor: NoiseFloor | None
    noise: Value
    noise_from_blanks: bool
    blank_windows: int
    detrended_windows: int
    expected_noise_a: float
    window_s: float
    reading_time_s: float
    cycles: int
    budgets: dict[str, Budget]

    def conditions(self) -> str:
        """Return what a detection limit must be quoted with."""
        source = "blank runs" if self.noise_from_blanks else "beam-off windows between exposures"
        return (
            f"s of single readings of {source}, {self.reading_time_s:.3g} s per reading, "
            f"{self.blank_windows} windows of {self.window_s:.3g} s; steps of {self.cycles} cycles"
        )


def limits_of(steps: SweepSteps, points: Points, low: DoseLine | None, dose: Dose, timing: Timing) -> Limits:
    """Evaluate the limits; `low`: the line of the lowest dose rates, whose slope the procedure limits use."""
    noise, windows, from_blanks = steps.noise()
    readings = int(np.median(windows.readings))
    expected_a = np.nan
    if steps.psd:
        expected_a = expected_scatter(
            steps.psd, readings=readings, period_s=windows.period_s, reading_time_s=timing.reading_time_s
        )
    try:
        snr = snr_limit(points, noise)
    except NotEnoughData:
        snr = None
    line = snr.line if snr else low
    floor = noise_floor(steps.psd, line.slope, snr.limit) if steps.psd and line and snr else None
    limits = Limits(
        snr=snr,
        procedure=_procedure(steps, line, dose),
        floor=floor,
        noise=noise,
        noise_from_blanks=from_blanks,
        blank_windows=len(windows.on),
        detrended_windows=int(windows.detrended.sum()),
        expected_noise_a=expected_a,
        window_s=float(np.median(windows.length_s)),
        reading_time_s=timing.reading_time_s,
        cycles=int(np.median([visit.step.cycles_used for visit in steps.visits])),
        budgets={},
    )
    return _with_common_dose(limits, dose)


def _procedure(steps: SweepSteps, line: DoseLine | None, dose: Dose) -> ProcedureLimit | None:
    results_a = np.array([step.step.value for step in steps.blanks])
    if line is None or len(results_a) < LEAST_BLANK_RESULTS:
        return None
    photons = steps.photon_noise_a2_per_gy_s(dose.dose_rate_gy_s)
    try:
        return procedure_limit(scatter_of(results_a), line.slope, blanks=len(results_a), photon_a2_per_gy_s=photons)
    except NotEnoughData:
        return None


def _with_common_dose(limits: Limits, dose: Dose) -> Limits:
    """Add what is common to all dose rates to the u of every limit, once."""
    budgets: dict[str, Budget] = {}

    def widened(label: str, limit: Value) -> Value:
        shares = {name: abs(limit.value) * u for name, u in dose.common_u_rel.items()}
        budgets[label] = Budget("Gy/s", {"noise and response": limit.u} | shares)
        return replace(limit, u=budgets[label].combined)

    snr, procedure, floor = limits.snr, limits.procedure, limits.floor
    if snr:
        snr = replace(snr, limit=widened("detection limit SNR 3", snr.limit))
    if procedure:
        procedure = replace(
            procedure,
            three_s0=widened("detection limit 3 s0 of averaged step", procedure.three_s0),
            threshold=widened("decision threshold", procedure.threshold),
            limit=widened("detection limit Currie", procedure.limit),
        )
    if floor:
        floor = replace(floor, floor=widened("detection limit of 1/f floor", floor.floor))
    return replace(limits, snr=snr, procedure=procedure, floor=floor, budgets=budgets)
