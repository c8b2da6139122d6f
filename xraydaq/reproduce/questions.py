"""What a reviewer asks of such results, each answered from the runs of the programme."""

import math
from collections.abc import Iterator

import numpy as np

from xraydaq.analysis.values import Value
from xraydaq.reproduce.measured import NO_RESULT, UNTOLD, Measured, called, sentence, shown, told_text
from xraydaq.reproduce.programme import TREATMENTS
from xraydaq.reproduce.shelf import KEY as SHELF
from xraydaq.reproduce.sweep_said import (
    SENSITIVITY,
    estimators,
    foils_or_crystal,
    half_value_layers,
    how_limited,
    of_the_sensitivity,
)
from xraydaq.reproduce.thermal_said import of_the_regimes

SWEEP, QUIET = "dose sweep", "dose sweep quiet"


def answers_of(measured: Measured) -> Iterator[tuple[str, str]]:
    """Get (question, answer); what no run gave is said as "no result"."""
    yield "Which area, and how was it measured?", _area(measured)
    yield "How was the dose measured?", _dose(measured)
    yield "Is the gain stated, with the beam quality and the response time?", _gain(measured)
    yield (
        "Was the detection limit measured at that dose rate, with which noise, bandwidth and window?",
        f"Printed noise: {how_limited(measured, SWEEP)}. Quiet crystal: {how_limited(measured, QUIET)}.",
    )
    yield "At which dose rate and field, is it linear, with which weights?", _linear(measured)
    yield (
        "Do filters change the beam quality along the sweep?",
        f"Yes: {half_value_layers(measured)}; both are stored for each point, and lines are fitted foil by foil. "
        f"{sentence('; '.join(foils_or_crystal(measured, QUIET)))}",
    )
    yield "What are dark current, drift and bias history?", _bias(measured)
    yield "Are the responses of air and substrate subtracted?", _air(measured)
    yield "Is the noise that of the bias in use, and where is the preamplifier's floor?", _noise(measured)
    yield "How many devices, and how do they spread?", _devices(measured)
    yield "Space charge: direction, hysteresis, permittivity, geometry, estimator?", _traps(measured)
    yield (
        "Activation energy: σT or σ, points per regime, interval, up and down?",
        "ln(σT) against 1/kT. " + " ".join(of_the_regimes(measured, treatment) for treatment in TREATMENTS),
    )
    yield "In which units is the drift, and which area is in it?", _drift(measured)
    yield "Is temperature logged, and humidity?", _temperature(measured)
    yield (
        "Are raw data and settings there?",
        f"Each of the {len(measured.runs)} runs is one HDF5 file: all readings, the verbatim configuration, the "
        "settings of every instrument at beginning and end.",
    )


def _area(measured: Measured) -> str:
    sample = measured.sample(SWEEP)
    area_m2, u_m2 = sample.get("area_m2", math.nan), sample.get("area_u_m2", math.nan)
    if not math.isfinite(area_m2):
        return UNTOLD
    return (
        f"Sensitivity and current density refer to the beam spot, not to crystal or electrodes: "
        f"{shown(Value(area_m2, u_m2, 'm^2'), 'cm^2')}, a round hole of {2e3 * math.sqrt(area_m2 / math.pi):.3g} mm; "
        "told, not measured: a real bench needs a film or an edge scan. Conductivity and trap density use no spot."
    )


def _dose(measured: Measured) -> str:
    run = measured.runs.get(SWEEP)
    calibration = None if run is None else run.header.resolved.get("calibration")
    if not calibration:
        return "no calibration on record"
    covers = "covers" if calibration["field_covers_chamber"] else "does not cover"
    common_u = math.hypot(*calibration["uncertainty"].values())
    return (
        f"Chamber {calibration['chamber']['chamber']} ({calibration['chamber']['certificate']}) at the place of the "
        f"crystal, {told_text(calibration['distance_m'], 'cm', 1e-2)} from the tube at "
        f"{told_text(calibration['tube_voltage_v'], 'kV', 1e3)}, "
        f"collimator {calibration['collimator']}, the field {covers} the chamber, air density corrected "
        f"{calibration['air_density_corrected']}; predicted over measured kerma "
        f"{measured.said('dose calibration', 'predicted_over_measured_kerma', '1')}; "
        f"{half_value_layers(measured)}, stated for each dose; {100 * common_u:.2g} % (k = 1) common to all doses."
    )


def _gain(measured: Measured) -> str:
    point, gain = (measured.value(SWEEP, name) for name in ("sensitivity", "photoconductive_gain"))
    unity = None if point is None or gain is None else Value(point.value / gain.value, math.nan, point.unit)
    return (
        f"Gain {shown(gain, '1')} over the unity-gain sensitivity of the same beam, {shown(unity, SENSITIVITY)}: "
        f"{of_the_sensitivity(measured, SWEEP)}. The photocurrent falls from 90 to 10 % in "
        f"{measured.said('response', 'fall_time_90_to_10_percent', '')}, lag after 1 s "
        f"{measured.said('response', 'lag_after_1_s', '%')}."
    )


def _linear(measured: Measured) -> str:
    bias_v, gap_m = measured.parameters(SWEEP).get("bias_v", math.nan), measured.sample(SWEEP).get("gap_m", math.nan)
    return (
        f"At {measured.said(SWEEP, 'dose_rate_of_sensitivity', 'uGy/s')} and a nominal field (bias over gap) of "
        f"{told_text(bias_v / gap_m, 'V/mm', 1e3)}; exponent of the dose rate "
        f"{measured.said(SWEEP, 'exponent_of_dose_rate', '1')}. Lines go through the origin, unless an intercept "
        f"is seen at 2 u; unweighted up to {told_text(measured.told(SWEEP, 'slope_up_to_gy_s'), 'uGy/s', 1e-6)}, "
        f"weighted by the effective variance over all points. {sentence('; '.join(estimators(measured, SWEEP)))}"
    )


def _bias(measured: Measured) -> str:
    key = "dark atomistic"
    return (
        f"Mean dark current {measured.said(key, 'mean_dark_current', '')}, relative slope "
        f"{measured.said(key, 'relative_slope', '%/h')}, settled within 5 % after "
        f"{measured.said(key, 'settling_time_5_percent', '')}; bias on at "
        f"{told_text(measured.told(key, 'bias_on_s'), 's')} after a baseline at 0 V, then "
        f"{told_text(measured.told(key, 'bias_v'), 'V')} for {measured.said(key, 'bias_phase_duration', 'min')}. "
        f"Before the dose-rate sweep the bias was on for "
        f"{told_text(measured.parameters(SWEEP).get('settle_duration_s', math.nan), 'min', 60.0)}. "
        "Ramps are events of each run."
    )


def _air(measured: Measured) -> str:
    return (
        f"A glass blank gives {measured.said('air', 'apparent_sensitivity', SENSITIVITY)}, below "
        f"{measured.said('air', 'apparent_sensitivity_upper_limit', SENSITIVITY)} at 95 %, "
        f"{measured.said('air', 'ratio_to_the_sample', '%')} of the sample; one display count is "
        f"{measured.said('air', 'sensitivity_of_one_display_count', SENSITIVITY)}. Nothing is subtracted."
    )


def _noise(measured: Measured) -> str:
    return (
        f"At {told_text(measured.told('noise', 'bias_v'), 'V')}; the background measured with the same settings is "
        f"{measured.said('noise', 'background_share_of_the_power_at_10_hz', '%')} of the power at 10 Hz and "
        f"{measured.said('noise', 'background_share_of_the_power_at_the_top', '%')} at the top of the band; at "
        f"1 Hz the noise is {measured.said('noise', 'ratio_to_shot_noise_at_1_hz', '1')} times the shot noise."
    )


def _devices(measured: Measured) -> str:
    found = {str(run.header.sample.get("treatment", "")) for run in measured.runs.values()}
    names = [called(treatment) for treatment in TREATMENTS if treatment in found]
    repeats = sum(key.startswith(f"{SHELF} ") for key in measured.runs)
    return (
        f"One simulated crystal of each treatment ({', '.join(names) or UNTOLD}): a spread over devices cannot be "
        f"stated from these runs. {repeats} dates of the one atomistic crystal scatter by "
        f"{measured.said(SHELF, 'reproducibility_of_one_run', '%')}, which is repeatability. Blind programmes draw "
        "other crystals around the published ones; their spread is drawn, not grown."
    )


def _traps(measured: Measured) -> str:
    key = f"traps {TREATMENTS[0]}"
    permittivity = Value(
        measured.told(key, "relative_permittivity"), measured.told(key, "relative_permittivity_u"), "1"
    )
    gap = Value(measured.told(key, "gap_m"), measured.told(key, "gap_u_m"), "m")
    each = "; ".join(
        f"{called(treatment)}: hysteresis {measured.said(f'traps {treatment}', 'hysteresis', '%')}, up "
        f"{measured.said(f'traps {treatment}', 'trap-filled_limit_up', '')}, down "
        f"{measured.said(f'traps {treatment}', 'trap-filled_limit_down', '')}, "
        f"{measured.text(f'traps {treatment}', 'verdict') or NO_RESULT}"
        for treatment in TREATMENTS
    )
    return (
        f"Relative permittivity {shown(permittivity, '1')}, gap {shown(gap, 'um')}; Geurst's planar gap with the "
        f"elementary charge, dielectric {measured.text(key, 'dielectric').replace('_', ' ') or UNTOLD}; estimator "
        f"{measured.text(key, 'estimator') or NO_RESULT}, with steepest point, knee and crossing beside it. {each}."
    )


def _drift(measured: Measured) -> str:
    key = "dark atomistic"
    area = Value(measured.told(key, "area_m2"), measured.told(key, "area_u_m2"), "m^2")
    return (
        f"{measured.said(key, 'drift_metric', 'nA cm^-1 s^-1 V^-1')}, (J(t2) − J(t1)) / (E (t2 − t1)) with the "
        f"beam spot of {shown(area, 'cm^2')}, t1 {measured.said(key, 'drift_t1', 'min')} and t2 "
        f"{measured.said(key, 'drift_t2', 'min')} after the bias; peak to peak over mean "
        f"{measured.said(key, 'peak_to_peak_over_mean', '%')}, steepest change "
        f"{measured.said(key, 'steepest_change', '')}."
    )


def _temperature(measured: Measured) -> str:
    run = measured.runs.get("dark atomistic")
    kelvin = np.array([]) if run is None else run.columns.get("temperature", np.array([]))
    kelvin = kelvin[np.isfinite(kelvin)]
    held = "in the dark run " + UNTOLD
    if len(kelvin):
        held = f"{kelvin.mean():.2f} K within {np.ptp(kelvin) * 1e3:.0f} mK (peak to peak) through the dark run"
    return f"Temperature of the stage in every row with the crystal: {held}. The bench has no sensor of humidity."
