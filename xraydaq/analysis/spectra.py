"""Averaged voltage spectra behind a current preamplifier, and their usable lines as densities of current.

S_I = S_V s^2 (1 + (f/f_p)^2), s the sensitivity in A/V, f_p the pole of the preamplifier (one real pole). The first
lines hold what a Hann window leaks of the offset (F. J. Harris, "On the use of windows for harmonic analysis with the
discrete Fourier transform", Proc. IEEE 66 (1978) 51); lines near harmonics of the mains hold the mains. A line is a
mean over its neighbourhood: the power of a Hann window has a variance of 1/3 lines squared, so line k of 1/f noise, of
curvature 2/k^2, reads high by 1/(3 k^2), 4 % for the first one used.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from xraydaq.analysis.spectrum_fit import effective_averages
from xraydaq.analysis.values import Booleans, Floats

Kind = Literal["device", "zero_bias", "open_input"]
FIRST_LINE = 3  # 0 Hz and two lines that the offset leaks into
MAINS_HALF_WIDTH_HZ = 0.5
HIGHEST_OF_POLE = 0.5  # above it the correction is more than a quarter, and hangs on a nominal pole


@dataclass(frozen=True)
class Spectrum:
    """One averaged spectrum: one-sided density of the voltage (rms) in V/√Hz, Hann window, lines from 0 Hz on.

    `frequency_hz`, `asd_v_rthz`: one length, equally spaced. `overlap` of the records, 0 <= overlap < 1. `pole_hz` may
    be infinite. `kind` says what the input of the preamplifier was connected to, `current_a` the dark current then,
    nan where it is not known. Raises ValueError where a setting is
    missing (nan) or impossible: a density without its sensitivity is not one of a current.
    """

    kind: Kind
    frequency_hz: Floats = field(repr=False)
    asd_v_rthz: Floats = field(repr=False)
    averages: int
    sensitivity_a_per_v: float
    pole_hz: float
    bias_v: float = 0.0
    overlap: float = 0.5
    current_a: float = np.nan

    def __post_init__(self) -> None:
        f_hz, asd = self.frequency_hz, self.asd_v_rthz
        if not (f_hz.ndim == 1 and f_hz.shape == asd.shape and len(f_hz) > FIRST_LINE + 1):
            raise ValueError(f"a spectrum needs as many densities as frequencies, not {asd.shape} and {f_hz.shape}")
        if not (f_hz[0] >= 0 and np.allclose(np.diff(f_hz), f_hz[1] - f_hz[0], rtol=1e-3) and f_hz[1] > f_hz[0]):
            raise ValueError("the frequencies of a spectrum must rise in equal steps from 0 Hz or above")
        if not (np.all(np.isfinite(asd)) and np.all(asd >= 0)):
            raise ValueError("a density in V/√Hz is not negative and not nan; is the trace in decibel?")
        if not 0 < self.sensitivity_a_per_v < np.inf:
            raise ValueError(f"sensitivity of {self.sensitivity_a_per_v} A/V: not recorded, or impossible")
        if not (self.pole_hz > 0 and np.isfinite(self.bias_v)):
            raise ValueError(f"preamplifier pole of {self.pole_hz} Hz at a bias of {self.bias_v} V: impossible")
        effective_averages(self.averages, self.overlap)

    @property
    def spacing_hz(self) -> float:
        """Get the distance of two lines."""
        return float(self.frequency_hz[1] - self.frequency_hz[0])

    @property
    def span_hz(self) -> float:
        """Get the highest frequency."""
        return float(self.frequency_hz[-1])


def at_one_current(spectra: Sequence[Spectrum], current_a: float) -> list[Spectrum]:
    """Return spectra as they would be at one current, where theirs is known: the noise of a resistor grows with it.

    F. N. Hooge, "1/f noise is no surface effect", Phys. Lett. A 29 (1969) 139. Spans are taken one after the other; a
    current that drifts meanwhile would bend the merged spectrum.
    """
    return [
        replace(each, asd_v_rthz=each.asd_v_rthz * abs(current_a / each.current_a))
        if np.isfinite(each.current_a) and np.isfinite(current_a)
        else each
        for each in spectra
    ]


@dataclass(frozen=True)
class Lines:
    """Usable lines: frequency (Hz, rising), density squared of the current (A^2/Hz), effective averages, span and
    distance of the lines of the span it is from (Hz).

    `joined`: lines that belong to the merged spectrum; the others repeat what a narrower span shows better. `dropped`
    counts lines that are not among them, by reason.
    """

    f_hz: Floats
    power: Floats
    averages: Floats
    span_hz: Floats
    spacing_hz: Floats
    joined: Booleans
    dropped: dict[str, int]

    def merged(self) -> "Lines":
        """Return the lines of the merged spectrum."""
        return self.where(self.joined)

    def where(self, keep: Booleans) -> "Lines":
        """Return some of the lines."""
        columns = (self.f_hz, self.power, self.averages, self.span_hz, self.spacing_hz)
        f_hz, power, averages, span_hz, spacing_hz = (column[keep] for column in columns)
        return Lines(f_hz, power, averages, span_hz, spacing_hz, self.joined[keep], self.dropped)


def usable_lines(spectra: Sequence[Spectrum], mains_hz: float) -> Lines:
    """Return the usable lines of spectra of one kind, in order of frequency; `mains_hz` 0 for none (battery, shield).

    Where spans overlap, the narrower one, with its finer lines, is the merged spectrum; spectra of the same span are
    both in it.
    """
    dropped = {"first lines of a spectrum": 0, "mains": 0, "above half the preamplifier's pole": 0, "empty": 0}
    columns, joined = [], []
    for spectrum in spectra:
        keep = _kept(spectrum, mains_hz, dropped)
        f_hz = spectrum.frequency_hz[keep]
        power = (spectrum.asd_v_rthz[keep] * spectrum.sensitivity_a_per_v) ** 2 * (1 + (f_hz / spectrum.pole_hz) ** 2)
        power /= 1 + (spectrum.spacing_hz / f_hz) ** 2 / 3
        count = effective_averages(spectrum.averages, spectrum.overlap)
        same = (np.full(len(f_hz), value) for value in (count, spectrum.span_hz, spectrum.spacing_hz))
        columns.append(np.vstack((f_hz, power, *same)))
        joined.append(f_hz > _from_hz(spectrum, spectra))
    table = np.hstack(columns)
    order = np.argsort(table[0], kind="stable")
    f_hz, power, averages, span_hz, spacing_hz = table[:, order]
    return Lines(f_hz, power, averages, span_hz, spacing_hz, np.concatenate(joined)[order], dropped)


def _kept(spectrum: Spectrum, mains_hz: float, dropped: dict[str, int]) -> Booleans:
    f_hz = spectrum.frequency_hz
    reasons = {
        "first lines of a spectrum": f_hz < (FIRST_LINE - 0.5) * spectrum.spacing_hz,
        "mains": near_mains(f_hz, mains_hz),
        "above half the preamplifier's pole": f_hz > HIGHEST_OF_POLE * spectrum.pole_hz,
        "empty": spectrum.asd_v_rthz == 0,
    }
    keep = np.ones(len(f_hz), dtype=np.bool_)
    for reason, bad in reasons.items():
        dropped[reason] += int((keep & bad).sum())
        keep &= ~bad
    return keep


def near_mains(f_hz: Floats, mains_hz: float) -> Booleans:
    """Return which frequencies lie within half a hertz of a harmonic of the mains."""
    if not mains_hz > 0:
        return np.zeros(len(f_hz), dtype=np.bool_)
    harmonic = np.maximum(np.round(f_hz / mains_hz), 1)
    return np.asarray(np.abs(f_hz - harmonic * mains_hz) <= MAINS_HALF_WIDTH_HZ, dtype=np.bool_)


def _from_hz(spectrum: Spectrum, others: Iterable[Spectrum]) -> float:
    """Highest frequency of the next narrower span; 0 where there is none."""
    return max((other.span_hz for other in others if other.span_hz < 0.999 * spectrum.span_hz), default=0.0)
