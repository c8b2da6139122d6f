"""Evaluation of noise spectra of a biased device: level, exponent, white noise, share of the preamplifier."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from xraydaq.analysis.noise_figures import (
    AllanReference,
    Background,
    WhiteNoise,
    white_noise,
)
from xraydaq.analysis.noise_spectrum_result import NoiseSpectrumResult, result_of
from xraydaq.analysis.spectra import Kind, Spectrum, at_one_current, usable_lines
from xraydaq.analysis.spectrum_checks import Found, without_tones
from xraydaq.analysis.spectrum_fit import KnownPower, fit_background, fit_spectrum, known_power
from xraydaq.analysis.values import Floats

__all__ = ["AllanReference", "NoiseSpectrumResult", "NominalBackground", "Spectrum", "evaluate"]

NOMINAL_U_REL = 0.5  # of the power that a data sheet promises


@dataclass(frozen=True)
class NominalBackground:
    """Noise of the preamplifier (A/√Hz) and of the analyser (V/√Hz) by their data sheets, where none was measured."""

    preamplifier_a_rthz: float
    analyser_v_rthz: float = 0.0


def evaluate(
    spectra: Sequence[Spectrum],
    *,
    current_a: float = np.nan,
    current_u_a: float = 0.0,
    temperature_k: float = np.nan,
    conductance_s: float | None = None,
    gain_u_rel: float = 0.01,
    mains_hz: float = 50.0,
    nominal: NominalBackground | None = None,
    allan: AllanReference | None = None,
) -> NoiseSpectrumResult:
    """Evaluate the spectra of one device at one bias together with those of the background, in any order.

    `current_a`, `current_u_a`: dark current during the spectra and its standard uncertainty; nan where it is not
    known, there is no shot noise then.
    `conductance_s`: of small signals, by default |current/bias|. `gain_u_rel`: standard uncertainty of a density by
    sensitivity and analyser. `mains_hz` 0 keeps the harmonics of the mains. Raises ValueError for settings that are
    impossible or do not go together, NotEnoughData where too few lines are left or the device is not seen.
    """
    device = _device(spectra)
    _check(gain_u_rel, mains_hz)
    behind = _background(spectra, device[0], mains_hz, nominal)
    if conductance_s is None:
        conductance_s = current_a / device[0].bias_v if device[0].bias_v else np.nan
    white = white_noise(current_a, conductance_s, temperature_k, in_background=behind.kind == "zero_bias")
    found = _fitted(spectra, at_one_current(device, current_a), behind, white, mains_hz)
    statistics_u = float(np.sqrt(found.fit.covariance[1, 1]))
    as_taken = _fitted(spectra, device, behind, white, mains_hz).fit
    found = replace(found, fit=found.fit.with_half_of(as_taken))
    told = {
        "bias_v": device[0].bias_v,
        "current_a": current_a,
        "current_u_a": current_u_a,
        "temperature_k": temperature_k,
        "conductance_s": conductance_s,
        "gain_u_rel": gain_u_rel,
        "mains_hz": mains_hz,
    }
    return result_of(found, statistics_u, white, told, allan)


def _check(gain_u_rel: float, mains_hz: float) -> None:
    for name, value in (("gain_u_rel", gain_u_rel), ("mains_hz", mains_hz)):
        if not 0 <= value < np.inf:
            raise ValueError(f"{name} must be finite and not below zero, not {value}")


def _device(spectra: Sequence[Spectrum]) -> list[Spectrum]:
    device = [each for each in spectra if each.kind == "device"]
    if not device:
        raise ValueError("no spectrum of the device among the spectra")
    for name in ("bias_v", "sensitivity_a_per_v", "pole_hz"):
        values = sorted({getattr(each, name) for each in device})
        if len(values) > 1:
            raise ValueError(f"spectra of the device with several values of {name}: {values}")
    return device


def _same_gain(one: Spectrum, other: Spectrum) -> bool:
    return (one.sensitivity_a_per_v, one.pole_hz) == (other.sensitivity_a_per_v, other.pole_hz)


def _background(
    spectra: Sequence[Spectrum], device: Spectrum, mains_hz: float, nominal: NominalBackground | None
) -> Background:
    """Take the device at 0 V where measured, for it holds the Johnson noise; else the open input, else nominal."""
    kinds: tuple[Kind, ...] = ("zero_bias", "open_input")
    for kind in kinds:
        chosen = [each for each in spectra if each.kind == kind and _same_gain(each, device)]
        if chosen:
            lines = usable_lines(chosen, mains_hz).merged()
            return Background(kind, *fit_background(lines.f_hz, lines.power, lines.averages))
    if nominal is None:
        return Background("", np.zeros(2), np.zeros((2, 2)))
    power = nominal.preamplifier_a_rthz**2 + (nominal.analyser_v_rthz * device.sensitivity_a_per_v) ** 2
    return Background("nominal", np.array([0.0, power]), np.diag([0.0, (NOMINAL_U_REL * power) ** 2]))


def _fitted(
    spectra: Sequence[Spectrum], device: Sequence[Spectrum], behind: Background, white: WhiteNoise, mains_hz: float
) -> Found:
    def known(f_hz: Floats) -> KnownPower:
        return known_power(f_hz, behind.coefficients, behind.covariance, white.beside_background)

    lines = usable_lines(device, mains_hz)
    merged = lines.merged()
    keep, tones_hz = without_tones(merged, known(merged.f_hz))
    merged.dropped["tones"] = int((~keep).sum())
    merged = merged.where(keep)
    fit = fit_spectrum(merged.f_hz, merged.power, merged.averages, known(merged.f_hz))
    expected, expected_merged = (fit.device(each.f_hz) + known(each.f_hz).power for each in (lines, merged))
    other_gain = sum(each.kind != "device" and not _same_gain(each, device[0]) for each in spectra)
    return Found(fit, lines, merged, expected, expected_merged, behind, tones_hz, other_gain)
