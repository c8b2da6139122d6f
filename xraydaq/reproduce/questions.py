"""What a reviewer asks of such results, each answered from the runs of the programme."""

from collections.abc import Iterator

from xraydaq.analysis.values import Value
from xraydaq.reproduce.measured import Measured, value_text
from xraydaq.reproduce.programme import TREATMENTS


def answers_of(measured: Measured) -> Iterator[tuple[str, str]]:
    """Get (question, answer); an answer that needs a run that failed says so."""
    sample = _sample(measured)
    yield (
        "Which area, and how was it measured?",
        f"The beam spot of a 2 mm hole, {_si(sample, 'area_m2', 1e4)} cm² with a standard uncertainty of "
        f"{_si(sample, 'area_u_m2', 1e4)} cm² from the diameter of the hole. On the bench it needs an edge scan.",
    )
    yield "How was the dose measured?", _dose(measured)
    yield (
        "Is the gain stated?",
        f"Gain {_shown(measured.value('dose sweep', 'photoconductive_gain'), '1')} over the unity-gain sensitivity "
        f"of the same beam quality; {measured.text('dose sweep', 'verdict')}. The photocurrent falls from 90 to 10 % "
        f"in {_shown(measured.value('response', 'fall_time_90_to_10_percent'), '')}.",
    )
    yield "Was the detection limit measured at that dose rate?", _limit(measured)
    yield (
        "At which dose rate and field, and is it linear?",
        "Sensitivity at 20.3 uGy/s and 100 V/mm (nominal); exponent of the dose rate "
        f"{_shown(measured.value('dose sweep', 'exponent_of_dose_rate'), '1')}; slopes per filter, weighted and "
        "unweighted, stand in the run's table.",
    )
    yield (
        "Do filters change the beam quality along the sweep?",
        "Yes; half-value layer and filter are stored for each point, and lines are fitted filter by filter.",
    )
    yield (
        "What are dark current, drift and bias history?",
        f"Mean dark current {_shown(measured.value('dark atomistic', 'mean_dark_current'), '')}, "
        f"relative slope {_shown(measured.value('dark atomistic', 'relative_slope'), '%/h')}; "
        "each trace begins with a baseline at 0 V and its ramps are events of the run.",
    )
    yield (
        "Are the responses of air and substrate subtracted?",
        f"A glass blank gives {_shown(measured.value('air', 'apparent_sensitivity'), 'uC Gy^-1 cm^-2')}; "
        "nothing is subtracted.",
    )
    yield (
        "Is the noise that of the bias in use, and where is the preamplifier's floor?",
        f"At bias; the background measured with the same settings is "
        f"{_shown(measured.value('noise', 'background_share_of_the_power_at_10_hz'), '%')} of the power at 10 Hz.",
    )
    yield "How many devices?", "One simulated crystal of each treatment; blind runs draw others around them."
    yield (
        "Space charge: direction, hysteresis, permittivity, geometry, estimator?",
        "Both directions; relative permittivity 32 ± 3; Geurst's planar gap with the elementary charge; hysteresis "
        + ", ".join(f"{t} {_shown(measured.value(f'traps {t}', 'hysteresis'), '%')}" for t in TREATMENTS)
        + "; estimator: fit of the filling model, with steepest point and knee beside it.",
    )
    yield (
        "Activation energy: σT or σ, points per regime, interval, up and down?",
        "σT; " + "; ".join(f"{t}: {measured.text(f'conductivity {t}', 'verdict')}" for t in TREATMENTS),
    )
    yield (
        "In which units is the drift, and which area is in it?",
        f"{_shown(measured.value('dark atomistic', 'drift_metric'), 'nA cm^-1 s^-1 V^-1')}, with the beam spot.",
    )
    yield (
        "Is temperature logged, and humidity?",
        "Temperature in every row of every run, the stage being held; the bench has no sensor of humidity.",
    )
    yield (
        "Are raw data and settings there?",
        "Every run is one HDF5 file: all readings, the verbatim configuration, the settings of every instrument.",
    )


def _dose(measured: Measured) -> str:
    run = measured.runs.get("dose sweep")
    calibration = None if run is None else run.header.resolved.get("calibration")
    if not calibration:
        return "no calibration on record"
    covers = "covers" if calibration["field_covers_chamber"] else "does not cover"
    return (
        f"Chamber {calibration['chamber']['chamber']} ({calibration['chamber']['certificate']}) at the place of the "
        f"crystal, collimator {calibration['collimator']}, the field {covers} the chamber, air density corrected "
        f"{calibration['air_density_corrected']}; filter and half-value layer are stated for each dose."
    )


def _limit(measured: Measured) -> str:
    said = [measured.text(key, "verdict") for key in ("dose sweep", "dose sweep quiet")]
    return " ".join(dict.fromkeys(filter(None, said))) or "no sweep on record"


def _sample(measured: Measured) -> dict[str, float]:
    run = measured.runs.get("dose sweep")
    return {} if run is None else run.header.sample


def _si(sample: dict[str, float], key: str, factor: float) -> str:
    return f"{sample[key] * factor:.4g}" if key in sample else "(not on record)"


def _shown(value: Value | None, unit: str) -> str:
    return "(not measured)" if value is None else value_text(value, unit)
