"""What a reader must know about a dose-rate sweep before using a number of it."""

from collections.abc import Iterator

import numpy as np

from xraydaq.analysis.chopped import together
from xraydaq.analysis.detection_limit import AGREE, noise_agrees
from xraydaq.analysis.dose_lines import Points
from xraydaq.analysis.dose_order import ReferenceDrift, monotonic_order
from xraydaq.analysis.dose_response import DoseResponse
from xraydaq.analysis.remarks import of_dark_readings
from xraydaq.analysis.sweep_inputs import Dose, Spot
from xraydaq.analysis.sweep_limits import Limits
from xraydaq.analysis.sweep_steps import LEAST_BLANK_WINDOWS, SweepSteps, Trace
from xraydaq.analysis.values import Booleans, Value

TRACEABLE = (0.3, 3.0)  # measured over predicted kerma rate
BENT = 2.0  # chi2/dof of a line that does not describe its points
MANY_DETRENDED = 0.1
LEAST_BLANK_RUNS = 20
LAG_SEEN, LAG_THAT_MATTERS = 2.0, 0.002


def remarks(
    steps: SweepSteps,
    measured: Points,
    response: DoseResponse,
    drift: ReferenceDrift,
    limits: Limits,
    dose: Dose,
    spot: Spot,
    trace: Trace,
) -> tuple[str, ...]:
    """Return one sentence for everything that limits the result."""
    return (
        *_of_the_dose(dose, steps),
        *_of_the_response(response),
        *_of_the_order(measured, response, drift, _is_reference(steps, dose)),
        *_of_the_traces(steps, measured, response, spot),
        *_of_the_limits(limits, steps),
        *_of_the_temperature(steps, trace),
    )


def _of_the_dose(dose: Dose, steps: SweepSteps) -> Iterator[str]:
    ratio = dose.kerma_ratio
    if not dose.field_covers_chamber:
        yield "dose not traceable: the field did not cover the chamber in the calibration"
    if ratio is not None and not TRACEABLE[0] <= ratio <= TRACEABLE[1]:
        yield (
            f"dose not traceable: the chamber read {ratio:.2g} times the kerma rate predicted, does the field cover "
            "it? Sensitivity and detection limit share that factor"
        )
    visited = steps.points_visited()
    if not np.isfinite(dose.half_value_layer_m[visited]).all():
        yield "half-value layer of a filter not known: the beam quality is not stated"
    outside = int((~np.isfinite(dose.dose_rate_gy_s[visited])).sum())
    if outside:
        yield f"{outside} points outside the dose calibration: not used"


def _of_the_response(response: DoseResponse) -> Iterator[str]:
    theta = response.theta
    if np.isfinite(theta.value) and not response.is_linear:
        yield f"photocurrent goes as dose rate to the {theta.number()}: sensitivity depends on the dose rate"
    steps = response.steps
    if steps.seen:
        yield (
            "quality changes along the sweep: at equal dose rate the filters differ by "
            f"{steps.largest.to('%').number()} %, one line over all filters is no sensitivity"
        )
    elif not steps.known:
        yield "filters share no dose rates: a change of beam quality would look like a bend of the response"
    if response.weighted.chi2_per_dof > BENT:
        yield f"one line does not describe all points: chi2/dof {response.weighted.chi2_per_dof:.3g}"
    lines = [(f"{each.total_al_m * 1e3:.3g} mm Al", each.line) for each in response.per_filter]
    for name, line in (*lines, ("all points", response.weighted)):
        if line.has_intercept:
            kept = Value(line.intercept, line.intercept_tested.u, "A").prefixed()
            yield f"intercept of {kept} in the line of {name}"


def _is_reference(steps: SweepSteps, dose: Dose) -> Booleans:
    """Tell which of the visits with a dose rate are the reference."""
    at = [visit.point for visit in steps.visits if np.isfinite(dose.dose_rate_gy_s[visit.point])]
    return np.asarray(dose.reference[at], dtype=np.bool_)


def _of_the_order(
    measured: Points, response: DoseResponse, drift: ReferenceDrift, is_reference: Booleans
) -> Iterator[str]:
    order = monotonic_order(measured.of(~is_reference))  # the reference comes in between, whatever the order
    if order:
        yield f"dose rates only {order} through the sweep: a drift of the sensitivity would look like a non-linearity"
    if not np.isfinite(drift.change.value):
        yield "reference point not repeated at beginning and end: a drift of the sensitivity is not excluded"
    elif drift.corrected:
        yield f"reference changed by {drift.change.to('%').number()} % over the sweep: corrected linearly"
    if response.scatter > np.sqrt(BENT):
        yield f"points scatter {response.scatter:.2g} times their uncertainty about a smooth curve: u enlarged"


def _of_the_traces(steps: SweepSteps, measured: Points, response: DoseResponse, spot: Spot) -> Iterator[str]:
    visits = steps.visits
    bent = sum(not visit.step.baseline_settled for visit in visits)
    if bent:
        yield f"baseline not settled: the dark current bends in {bent} of {len(visits)} visits, bias too recent?"
    # a step of few counts is measured several counts wrong: the line through all points says better how small it is
    by_line_a = np.abs(response.weighted.slope.value * measured.dose_rate_gy_s)
    coarse = int((spot.resolution_a > np.fmin(np.abs(measured.current_a), by_line_a) / 3).sum())
    if coarse:
        yield f"resolution exceeds a third of the signal at {coarse} of {len(measured)} visits"
    lag = _lag(steps)
    if abs(lag.value) > LAG_SEEN * lag.u and abs(lag.value) > LAG_THAT_MATTERS:
        yield f"lag: the steps still grow by {lag.to('%').number()} % within the windows, discard more after an edge"
    lost = sum(visit.step.cycles_dropped for visit in visits)
    if lost:
        reasons = sorted({reason for visit in visits for reason in visit.step.dropped})
        yield f"{lost} cycles dropped: {', '.join(reasons) or 'incomplete'}"
    if any(visit.step.method == "bracketed" for visit in visits):
        yield "no noise spectrum: bracketed differences instead of generalised least squares"
    for reason, count in steps.failed.items():
        yield f"{count} x {reason}"


def _lag(steps: SweepSteps) -> Value:
    """Return the growth of the step within a window relative to the step, over all visits."""
    size = np.array([visit.step.step.value for visit in steps.visits])
    grown = np.array([visit.step.lag.value for visit in steps.visits])
    u = np.array([max(visit.step.lag.u, 1e-300) for visit in steps.visits])
    information = float(np.sum((size / u) ** 2))
    if not information > 0:
        return Value(0.0, np.inf, "1")
    return Value(float(np.sum(size * grown / u**2)) / information, information**-0.5, "1")


def _of_the_limits(limits: Limits, steps: SweepSteps) -> Iterator[str]:
    if not limits.noise_from_blanks:
        yield "no blank runs: noise from beam-off windows between exposures, which lag and recovery enlarge"
    elif limits.blank_windows < LEAST_BLANK_WINDOWS:
        yield f"{limits.blank_windows} blank windows, {LEAST_BLANK_WINDOWS} are needed"
    if limits.noise_from_blanks and len(steps.blanks) < LEAST_BLANK_RUNS:
        yield f"scatter of blank steps from {len(steps.blanks)} runs: {LEAST_BLANK_RUNS} give it to 16 %"
    yield from _of_the_snr_limit(limits)
    if limits.detrended_windows > MANY_DETRENDED * limits.blank_windows:
        yield f"drift removed from {limits.detrended_windows} of {limits.blank_windows} blank windows before taking s"
    if np.isfinite(limits.expected_noise_a) and not noise_agrees(limits.noise, limits.expected_noise_a):
        yield (
            f"noise of the blank readings is {limits.noise.value / limits.expected_noise_a:.2f} of what the noise "
            f"spectrum says, more than {AGREE:.0%} off"
        )
    if limits.floor and limits.floor.in_tension:
        yield (
            "detection limit below that of the 1/f floor: the noise density and the limit do not belong to one "
            f"setting (limit over floor {limits.floor.measured_over_floor:.2g})"
        )


def _of_the_snr_limit(limits: Limits) -> Iterator[str]:
    snr = limits.snr
    if snr is None:
        yield "no detection limit: the photocurrent does not rise with the dose rate over the noise"
        return
    if snr.extrapolated:
        lowest = Value(snr.lowest_gy_s, 0.0, "Gy/s").prefixed()
        yield f"SNR limit extrapolated below the lowest dose rate of {lowest}: an estimate, no detection limit"
    if not snr.enough_points:
        yield f"detection limit from {snr.line.points} dose rates, 5 are needed"


def _of_the_temperature(steps: SweepSteps, trace: Trace) -> tuple[str, ...]:
    """Compare the dark current of all windows without beam with the temperature at their time."""
    dark = together([visit.step.windows for visit in steps.visits] + [step.windows for step in steps.blanks])
    return of_dark_readings(dark.time_s[~dark.on], dark.mean_a[~dark.on], trace.elapsed_s, trace.temperature_k)
