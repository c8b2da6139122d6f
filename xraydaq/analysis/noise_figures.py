"""Figures of merit of a fitted noise spectrum: densities, white level, shot and Johnson noise, Allan deviation.

Shot noise 2 e I: W. Schottky, Ann. Phys. 362 (1918) 541. Johnson noise 4 k T/R: H. Nyquist, Phys. Rev. 32 (1928) 110.
Allan variance of a spectrum, 2 int S sin^4(pi f tau)/(pi f tau)^2 df: D. W. Allan, Proc. IEEE 54 (1966) 221; for 1/f
noise 2 ln 2 h at every tau.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.constants import elementary_charge
from scipy.constants import k as boltzmann_j_k
from scipy.special import gamma as gamma_function

from xraydaq.analysis.outcome import Budget
from xraydaq.analysis.spectrum_fit import SpectrumFit
from xraydaq.analysis.values import Floats, Value

DENSITY = "A/√Hz"
STATISTICS, GAIN = "statistics of the spectra", "gain of preamplifier and analyser"


@dataclass(frozen=True)
class WhiteNoise:
    """White noise powers of the device in A^2/Hz by its current and conductance; nan where these are not known."""

    shot: float
    johnson: float
    johnson_in_background: bool

    @property
    def beside_background(self) -> float:
        """Get what the background does not hold."""
        return float(np.nansum([self.shot, 0.0 if self.johnson_in_background else self.johnson]))

    @property
    def total(self) -> float:
        """Get shot and Johnson noise, as far as they are known."""
        return float(np.nansum([self.shot, self.johnson]))


@dataclass(frozen=True)
class Background:
    """Noise without the device, a/f + c: coefficients (A^2, A^2/Hz), their covariance, and where they come from.

    `kind` is "zero_bias", "open_input", "nominal" or "" for none; `deviance_per_dof` is nan if it was not measured.
    """

    kind: str
    coefficients: Floats
    covariance: Floats = field(repr=False)
    deviance_per_dof: float = np.nan

    def power(self, f_hz: Floats) -> Floats:
        """Return a/f + c in A^2/Hz."""
        return np.asarray(self.coefficients[0] / f_hz + self.coefficients[1], dtype=np.float64)


@dataclass(frozen=True)
class AllanReference:
    """Allan deviation (A) of the dark current of the same device at `tau_s`, and the current it was taken at.

    The noise of a resistor grows with its current; with `current_a` None the current is taken as the same.
    """

    tau_s: float
    deviation: Value
    current_a: float | None = None


def white_noise(current_a: float, conductance_s: float, temperature_k: float, *, in_background: bool) -> WhiteNoise:
    """Return 2 e I and 4 k T G in A^2/Hz; nan where an input is nan."""
    shot = 2 * elementary_charge * abs(current_a)
    return WhiteNoise(shot, 4 * boltzmann_j_k * temperature_k * abs(conductance_s), in_background)


def density(power: float, u_power: float, gain_u_rel: float) -> tuple[Value, Budget]:
    """Return the root of a power (A^2/Hz) as a density with its budget; nan where the power is not above zero."""
    if not power > 0:
        return Value(np.nan, np.nan, DENSITY), Budget(DENSITY, {})
    root = float(np.sqrt(power))
    budget = Budget(DENSITY, {STATISTICS: u_power / (2 * root), GAIN: gain_u_rel * root})
    return Value(root, budget.combined, DENSITY), budget


def device_density(fit: SpectrumFit, white: WhiteNoise, f_hz: float, gain_u_rel: float) -> tuple[Value, Budget]:
    """Return the density of the device at one frequency with its shot and Johnson noise, without the background."""
    power = float(fit.device(np.array([f_hz]))[0]) + white.total
    return density(power, fit.u_of_device(f_hz), gain_u_rel)


def corner(fit: SpectrumFit, white: WhiteNoise) -> Value:
    """Return the frequency where 1/f and white noise of the device are equal; nan where no white noise is seen."""
    level = fit.w_a2_hz + white.total
    if not (fit.white_seen and level > 0):
        return Value(np.nan, np.nan, "Hz")
    log_f = float(np.log(fit.h_a2_hz / level)) / fit.gamma
    slope = np.array([1.0, -log_f, -1 / level]) / fit.gamma
    f_hz = float(np.exp(log_f))
    return Value(f_hz, f_hz * float(np.sqrt(slope @ fit.covariance @ slope)), "Hz")


def allan_factor(gamma: float) -> float:
    """Return C in sigma^2(tau) = C h tau^(gamma - 1), 2 ln 2 for gamma = 1; for -1 < gamma < 3, exclusive.

    The integral of sin^4 x/x^(gamma + 2) is a sum of Mellin transforms of cosines, Gamma(s) cos(pi s/2) b^-s with
    s = -1 - gamma (NIST Digital Library of Mathematical Functions, 2.5); its poles at whole gamma are removable.
    """
    if abs(gamma - round(gamma)) < 1e-6:
        gamma += 1e-6 if gamma < round(gamma) + 1e-12 else 0.0
    s = -1 - gamma
    cosines = gamma_function(s) * np.cos(np.pi * s / 2) * (4.0**-s - 4 * 2.0**-s) / 8
    return float(2 * np.pi ** (gamma - 1) * cosines)


def expected_allan(fit: SpectrumFit, white: WhiteNoise, tau_s: float, gain_u_rel: float) -> Value:
    """Return the Allan deviation in A that the fitted noise gives to means over `tau_s`."""
    flicker = fit.h_a2_hz * allan_factor(fit.gamma) * tau_s ** (fit.gamma - 1)
    variance = flicker + (fit.w_a2_hz + white.total) / (2 * tau_s)
    step = 1e-4
    by_gamma = np.log(allan_factor(fit.gamma + step) / allan_factor(fit.gamma - step)) / (2 * step) + np.log(tau_s)
    slope = np.array([flicker, flicker * by_gamma, 1 / (2 * tau_s)]) / (2 * variance)
    u_rel = float(np.hypot(np.sqrt(slope @ fit.covariance @ slope), gain_u_rel))
    return Value(float(np.sqrt(variance)), float(np.sqrt(variance)) * u_rel, "A")


def measured_over_expected(reference: AllanReference, expected: Value, current_a: float) -> Value:
    """Return the ratio of a measured Allan deviation to the expected one, brought to the same current."""
    factor = 1.0 if reference.current_a is None else abs(reference.current_a / current_a)
    ratio = reference.deviation.value / (expected.value * factor)
    u_rel = float(np.hypot(reference.deviation.u / reference.deviation.value, expected.u / expected.value))
    return Value(ratio, ratio * u_rel, "1")
