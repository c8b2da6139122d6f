"""Noise spectra of a crystal: from the file to the analysis and the figure."""

from typing import TYPE_CHECKING

import numpy as np

from xraydaq.analysis.allan import allan_point
from xraydaq.analysis.long_trace import gridded
from xraydaq.analysis.noise import NoisePsd
from xraydaq.analysis.noise_spectrum import AllanReference, NoiseSpectrumResult, Spectrum
from xraydaq.analysis.noise_spectrum import evaluate as evaluate_arrays
from xraydaq.analysis.trace import reading_period_s
from xraydaq.analysis.values import Floats, NotEnoughData
from xraydaq.evaluation.told import headings, parameters_of
from xraydaq.storage import Block, StoredRun

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ALLAN_TAU_S, AVERAGES = 10.0, 60
ABSORBED_S = 60.0  # after a step of the bias the dielectric takes a current of its own
PREAMPLIFIER_U_REL = 0.005 / np.sqrt(3)  # 0.5 % of gain (engineering knowledge), rectangular
ANALYSER_U_REL = (10 ** (0.15 / 20) - 1) / np.sqrt(3)  # 0.15 dB (HP 35670A Technical Specifications), rectangular
LEAST_READINGS = 400


def evaluate(stored: StoredRun) -> NoiseSpectrumResult:
    """Evaluate a run: its spectra, and the dark current where it was read."""
    wanted, blocks, (time_s, current_a) = parameters_of(stored), _good(stored), _dark_current(stored)
    spectra_s = np.mean([_middle_s(block) for block in blocks if block.header["kind"] == "device"])
    level_a, level_u_a = _current_at(float(spectra_s), time_s, current_a)
    return evaluate_arrays(
        [_spectrum(block, _current_at(_middle_s(block), time_s, current_a)[0]) for block in blocks],
        current_a=level_a,
        current_u_a=level_u_a,
        temperature_k=_temperature_k(stored),
        gain_u_rel=float(np.hypot(PREAMPLIFIER_U_REL, ANALYSER_U_REL)),
        mains_hz=wanted["line_frequency_hz"],
        allan=_allan(time_s, current_a),
    )


def figure(result: NoiseSpectrumResult, stored: StoredRun, *, width: str = "single") -> "Figure":
    """Draw the density against frequency."""
    from xraydaq.report import noise_spectrum

    return noise_spectrum.figure(result, **headings(stored), width=width)


def _good(stored: StoredRun) -> list[Block]:
    """Spectra that were not overloaded; the last one of each number."""
    found = {block.header["number"]: block for block in stored.blocks if not block.header["overload"]}
    if not any(block.header["kind"] == "device" for block in found.values()):
        raise NotEnoughData("the run has no spectrum of the crystal at bias")
    return list(found.values())


def _spectrum(block: Block, current_a: float) -> Spectrum:
    told = block.header
    return Spectrum(
        kind=told["kind"],
        frequency_hz=np.asarray(block.values[0], dtype=np.float64),
        asd_v_rthz=np.asarray(block.values[1], dtype=np.float64),
        averages=told["averages"],
        sensitivity_a_per_v=told["sensitivity_a_per_v"],
        pole_hz=told["pole_hz"],
        bias_v=told["bias_v"],
        overlap=told["overlap"],
        current_a=current_a if told["kind"] == "device" else np.nan,
    )


def _dark_current(stored: StoredRun) -> tuple[Floats, Floats]:
    """Time and current of the good readings of the source-measure unit, without those just after it was connected."""
    columns = stored.columns
    good = (columns["spectrum"] == 0) & (columns["status"] == 0) & np.isfinite(columns["current"])
    time_s, current_a = columns["elapsed"][good], columns["current"][good]
    if not len(time_s):
        return time_s, current_a
    settled = time_s >= time_s[0] + min(ABSORBED_S, float(np.ptp(time_s)) / 5)
    return time_s[settled], current_a[settled]


def _middle_s(block: Block) -> float:
    return float(block.header["started_s"] + block.header["duration_s"] / 2)


def _current_at(at_s: float, time_s: Floats, current_a: Floats) -> tuple[float, float]:
    """Dark current at the time of the spectra, by a straight line through the readings after them; nan if none.

    u: half of what the line adds to their mean, as the current need not have followed it.
    """
    if len(current_a) < LEAST_READINGS:
        return (float(current_a.mean()) if len(current_a) else np.nan), 0.0
    middle_s = time_s.mean()
    slope_a_s = float(np.polyfit(time_s - middle_s, current_a, 1)[0])
    added_a = slope_a_s * (at_s - middle_s)
    return float(current_a.mean() + added_a), abs(added_a) / 2


def _temperature_k(stored: StoredRun) -> float:
    kelvin = stored.columns["temperature"]
    return float(np.nanmean(kelvin)) if np.isfinite(kelvin).any() else np.nan


def _allan(time_s: Floats, current_a: Floats) -> AllanReference | None:
    """Allan deviation of the dark current with a parabola taken off, which leaves that of shorter times as it is."""
    if len(current_a) < LEAST_READINGS:
        return None
    period_s = reading_period_s(time_s)
    since_s = (time_s - time_s.mean()) / np.ptp(time_s)
    left_a = gridded(time_s, current_a - np.polyval(np.polyfit(since_s, current_a, 2), since_s), period_s)
    flicker = NoisePsd(1.0, 1.0, 0.0, period_s, False, np.zeros((3, 3)))  # for the degrees of freedom
    point = allan_point(left_a, min(ALLAN_TAU_S, float(np.ptp(time_s)) / AVERAGES), flicker)
    return None if point is None else AllanReference(point.tau_s, point.deviation, float(current_a.mean()))
