"""Voltage spectra as an analyser averages them: records in time, Hann window, overlap; with formulas of their own."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from xraydaq.analysis.spectra import Spectrum

E = 1.602e-19
PREAMPLIFIER, ANALYSER_V = 6e-13, 30e-9
SPANS = ((25.0, 400), (400.0, 1600))


@dataclass(frozen=True)
class Truth:
    """One device behind one preamplifier: current noise in A^2/Hz."""

    h: float = 1e-20
    gamma: float = 1.0
    white: float = 0.0
    current_a: float = 150e-9
    sensitivity: float = 1e-6
    pole_hz: float = 2e4
    preamplifier: float = PREAMPLIFIER

    def device(self, f):
        return self.h / f**self.gamma + self.white + 2 * E * self.current_a

    def behind_pole(self, f):
        return 1 / (1 + (f / self.pole_hz) ** 2) / self.sensitivity**2

    def volts(self, f, kind="device"):
        """Power at the analyser in V^2/Hz; the analyser's own noise has not been through the pole."""
        own = self.device(f) if kind == "device" else 0.0
        return (own + self.preamplifier**2) * self.behind_pole(f) + ANALYSER_V**2 * (1 + 10 / f)


def noise(rng: np.random.Generator, samples: int, rate_hz: float, power: Callable) -> np.ndarray:
    """Gaussian noise with a given one-sided power; twice as long as asked, so that its ends do not meet."""
    count = 2 * samples
    f = np.fft.rfftfreq(count, 1 / rate_hz)[1:]
    lines = np.sqrt(power(f) * rate_hz * count / 4) * (rng.standard_normal(len(f)) + 1j * rng.standard_normal(len(f)))
    return np.fft.irfft(np.concatenate(([0], lines)), count)[:samples]


def averaged(volts: np.ndarray, rate_hz: float, samples: int, averages: int, overlap: float) -> np.ndarray:
    """Density in V/√Hz: root of the mean of Hann periodograms of overlapping records."""
    step = round(samples * (1 - overlap))
    window = np.hanning(samples + 1)[:-1]
    records = np.lib.stride_tricks.sliding_window_view(volts, samples)[::step][:averages]
    assert len(records) == averages
    periodograms = np.abs(np.fft.rfft(records * window)) ** 2
    return np.sqrt(2 * periodograms.mean(axis=0) / (rate_hz * np.sum(window**2)))


def spectrum(
    truth: Truth,
    rng: np.random.Generator,
    span: tuple[float, int] = SPANS[0],
    *,
    kind: str = "device",
    averages: int = 64,
    overlap: float = 0.5,
    added: Callable | None = None,
    offset_v: float = 0.0,
) -> Spectrum:
    """One spectrum of `span` (Hz, lines); `added` are further volts as a function of time in s."""
    span_hz, lines = span
    samples, rate_hz = int(2.56 * lines), 2.56 * span_hz
    length = samples + int((averages - 1) * round(samples * (1 - overlap)))
    volts = noise(rng, length, rate_hz, lambda f: truth.volts(f, kind)) + offset_v
    if added is not None:
        volts = volts + added(np.arange(length) / rate_hz)
    density = averaged(volts, rate_hz, samples, averages, overlap)[: lines + 1]
    f_hz = span_hz / lines * np.arange(lines + 1)
    bias_v = 5.0 if kind == "device" else 0.0
    return Spectrum(kind, f_hz, density, averages, truth.sensitivity, truth.pole_hz, bias_v, overlap)


def spectra(truth: Truth, rng: np.random.Generator, spans=SPANS, kinds=("device", "open_input")) -> list[Spectrum]:
    return [spectrum(truth, rng, span, kind=kind) for kind in kinds for span in spans]
