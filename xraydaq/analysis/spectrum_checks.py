"""Single tones in a noise spectrum, and what a reader must know about one before believing its figures."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import gammainccinv

from xraydaq.analysis.noise import HANN_CORRELATION
from xraydaq.analysis.noise_figures import Background
from xraydaq.analysis.spectra import Lines
from xraydaq.analysis.spectrum_fit import LEAST_EXPONENT, KnownPower, SpectrumFit, fit_spectrum
from xraydaq.analysis.values import Booleans, Floats, Value

CHANCE = 1e-4  # that noise alone makes one line of a spectrum a tone
TONE_HALF_WIDTH_LINES = 2.5  # of a tone under a Hann window, when it is not on a line
SHARE_ALLOWED = 1 / 9  # in power: the density of the background below a third of that of the device
SLOW_HZ = 3.0
SIGMAS = 4.0
LEAST_STEP = 0.1
ALLAN_AGREES = 0.15


@dataclass(frozen=True)
class Found:
    """What the checks look at: the fit, all usable lines with the expected power of each, and the background."""

    fit: SpectrumFit
    lines: Lines
    merged: Lines
    expected: Floats
    expected_merged: Floats
    background: Background
    tones_hz: Floats
    other_gain: int


def without_tones(lines: Lines, known: KnownPower) -> tuple[Booleans, Floats]:
    """Return which lines hold no single tone (pickup, a fan), and the frequencies of the tones.

    A tone is a line that noise with the fitted level reaches in one of 10^4 spectra (gamma distribution of the mean of
    N_eff periodograms), the highest first; lines within 2.5 spacings of it go with it.
    """
    fit = fit_spectrum(lines.f_hz, lines.power, lines.averages, known)
    expected = fit.device(lines.f_hz) + known.power
    highest = gammainccinv(lines.averages, CHANCE / len(lines.f_hz)) / lines.averages
    ratio, keep, tones = lines.power / expected, np.ones(len(lines.f_hz), dtype=np.bool_), []
    for at in np.argsort(-ratio / highest):
        if not ratio[at] > highest[at]:
            break
        if keep[at]:
            tones.append(float(lines.f_hz[at]))
            keep &= np.abs(lines.f_hz - lines.f_hz[at]) > TONE_HALF_WIDTH_LINES * lines.spacing_hz[at]
    return keep, np.sort(np.array(tones, dtype=np.float64))


def remarks(found: Found, share_top: float, allan_ratio: Value) -> tuple[str, ...]:
    """Return one sentence for everything that limits the result."""
    return (
        *_of_the_background(found, share_top),
        *_of_the_lines(found),
        *_of_the_spans(found),
        *_of_allan(allan_ratio),
    )


def _of_the_background(found: Found, share_top: float) -> Iterator[str]:
    behind = found.background
    if not behind.kind:
        yield "background not measured: the white level holds the noise of preamplifier and analyser"
    if behind.kind == "nominal":
        yield "background not measured: data sheet values of preamplifier and analyser are used for it"
    if found.other_gain:
        yield f"background spectra at another sensitivity: {found.other_gain} not used"
    if share_top > SHARE_ALLOWED:
        yield (
            f"noise of the preamplifier above a third of the device's at {found.merged.f_hz[-1]:.0f} Hz "
            f"({np.sqrt(share_top):.2f}): choose a more sensitive setting"
        )
    if behind.deviance_per_dof > _most_deviance(len(found.merged.f_hz)):
        yield f"background is not a/f + c (deviance/dof {behind.deviance_per_dof:.3g})"


def _of_the_lines(found: Found) -> Iterator[str]:
    if found.fit.deviance_per_dof > _most_deviance(found.fit.lines):
        yield f"h/f^gamma + w does not describe the spectrum (deviance/dof {found.fit.deviance_per_dof:.3g})"
    if abs(found.fit.gamma) < LEAST_EXPONENT:
        yield "no 1/f noise seen: the spectrum is white, its level stands as noise density"
    if len(found.tones_hz):
        yield f"single tones left out: {', '.join(f'{f_hz:.4g}' for f_hz in found.tones_hz[:6])} Hz"
    step, u = _step(found.merged, found.expected_merged, found.merged.f_hz < SLOW_HZ)
    if step < -max(SIGMAS * u, LEAST_STEP):
        yield f"lines below {SLOW_HZ:.0f} Hz {-step:.0%} under the fit: is the input coupled AC?"
    if step > max(SIGMAS * u, LEAST_STEP):
        yield f"lines below {SLOW_HZ:.0f} Hz {step:.0%} above the fit: was current or temperature still settling?"


def _of_the_spans(found: Found) -> Iterator[str]:
    """Compare the lines of a wider span below the edge of a narrower one with those of the narrower one."""
    lines = found.lines
    spans_hz = np.unique(lines.span_hz)
    for narrow_hz, wide_hz in pairwise(spans_hz):
        both = (lines.f_hz <= narrow_hz) & (lines.f_hz >= lines.f_hz[lines.span_hz == wide_hz].min())
        one, u_one = _step(lines, found.expected, both & (lines.span_hz == narrow_hz))
        other, u_other = _step(lines, found.expected, both & (lines.span_hz == wide_hz))
        change = (1 + other) / (1 + one) - 1
        if not abs(change) <= max(SIGMAS * float(np.hypot(u_one, u_other)), LEAST_STEP):
            yield (
                f"spans do not join: {wide_hz:.0f} Hz shows {change:+.0%} of the power of {narrow_hz:.0f} Hz below "
                f"{narrow_hz:.0f} Hz (sensitivity or unit changed, or the device did)"
            )


def _of_allan(ratio: Value) -> Iterator[str]:
    if abs(ratio.value - 1) > max(ALLAN_AGREES, 2 * ratio.u):
        yield (
            f"Allan deviation of the dark current is {ratio.value:.2f} of what the spectrum says: "
            "check rms or peak, one- or two-sided, sensitivity"
        )


def _step(lines: Lines, expected: Floats, chosen: Booleans) -> tuple[float, float]:
    """Mean excess of some lines over the expected power, relative, and its standard uncertainty; nan for no line."""
    if not chosen.any():
        return np.nan, np.nan
    weights = lines.averages[chosen]
    excess = float(np.average(lines.power[chosen] / expected[chosen], weights=weights)) - 1
    return excess, float(np.sqrt(HANN_CORRELATION / weights.sum()))


def _most_deviance(lines: int) -> float:
    """Deviance per degree of freedom that noise alone does not reach: a line scatters by sqrt(2), Hann lines more."""
    return 1.2 + SIGMAS * float(np.sqrt(2 * HANN_CORRELATION / lines))
