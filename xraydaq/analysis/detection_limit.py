"""Detection limits of a dose rate, each of its own kind: they differ severalfold for one device and one noise.

SNR limit: L. Pan et al., "Determination of X-ray detection limit and applications in perovskite X-ray detectors",
Nat. Commun. 12 (2021) 5258: the dose rate at which the step is three times the standard deviation s of the readings,
here of dedicated blank runs. Decision threshold and detection limit of the procedure: L. A. Currie, "Nomenclature in
evaluation of analytical methods including detection and quantification capabilities", Pure Appl. Chem. 67 (1995) 1699,
and ISO 11929-1. Intervals: Monte Carlo after JCGM 101:2008.
"""

from dataclasses import dataclass

import numpy as np

from xraydaq.analysis.dose_lines import DoseLine, Points, weighted_line
from xraydaq.analysis.noise import NoisePsd
from xraydaq.analysis.values import Floats, NotEnoughData, Value

SNR = 3.0
K = 1.645  # one-sided 5 %
LEAST_POINTS = 5
LINE_UP_TO = 30.0  # times the limit: higher dose rates are another part of the response
DRAWS = 20_000
UNLIKELY = 0.0027  # of an intercept by chance (3 sigma): one that is not there would move the crossing by its u
ONE_SIGMA = (15.865525393, 84.134474607)
SEED = 11929
AGREE = 0.30
IN_BAND_HZ = 0.1


@dataclass(frozen=True)
class SnrLimit:
    """Dose rate in Gy/s at SNR 3, with its 95 % interval; `noise` is the s that was used, in A.

    `extrapolated`: below the lowest dose rate measured, so an estimate and no detection limit. `line`: the currents
    the crossing was taken from, `points` of them.
    """

    limit: Value
    low_gy_s: float
    high_gy_s: float
    extrapolated: bool
    noise: Value
    line: DoseLine
    enough_points: bool
    lowest_gy_s: float

    def snr(self, current_a: Floats) -> Floats:
        """Return the signal-to-noise ratio of a step."""
        return np.asarray(current_a / self.noise.value, dtype=np.float64)


@dataclass(frozen=True)
class ProcedureLimit:
    """Limits in Gy/s of the whole procedure, from the scatter `s0` (A) of its result without beam.

    `three_s0`: 3 s0/S; `threshold`: decision threshold y*; `limit`: detection limit y#, which contains the photon
    noise. `blanks`: how many results s0 is from.
    """

    s0: Value
    three_s0: Value
    threshold: Value
    limit: Value
    blanks: int


@dataclass(frozen=True)
class NoiseFloor:
    """Lowest dose rate at SNR 3 that averaging reaches under 1/f noise, and what was measured over it."""

    floor: Value
    measured_over_floor: float

    @property
    def in_tension(self) -> bool:
        """Get whether the limit measured is below what the noise density allows one comparison of on and off."""
        return self.measured_over_floor < 1.0


def snr_limit(points: Points, noise: Value, *, seed: int = SEED) -> SnrLimit:
    """Return the dose rate at which the step crosses three times `noise`, on a weighted line near the crossing.

    The points up to 30 times the limit are used, at least the five lowest. Raises NotEnoughData without a rising line
    or without noise.
    """
    if not noise.value > 0:
        raise NotEnoughData("no scatter of the blank readings: no detection limit")
    near = _near_the_limit(points, noise.value)
    line = weighted_line(near, UNLIKELY)
    if not line.slope.value > 3 * line.slope.u:
        raise NotEnoughData("the photocurrent does not rise with the dose rate: no detection limit")
    limit_gy_s = (SNR * noise.value - line.intercept) / line.slope.value
    drawn = _draws(line, noise, seed)
    low, high = np.percentile(drawn, (2.5, 97.5))
    lowest_gy_s = float(points.dose_rate_gy_s.min())
    return SnrLimit(
        limit=Value(limit_gy_s, float(np.diff(np.percentile(drawn, ONE_SIGMA))[0]) / 2, "Gy/s", noise.dof),
        low_gy_s=float(low),
        high_gy_s=float(high),
        extrapolated=not limit_gy_s >= lowest_gy_s,
        noise=noise,
        line=line,
        enough_points=line.points >= LEAST_POINTS,
        lowest_gy_s=lowest_gy_s,
    )


def _near_the_limit(points: Points, noise_a: float) -> Points:
    order = np.argsort(points.dose_rate_gy_s)
    few = points.of(np.isin(np.arange(len(points)), order[:LEAST_POINTS]))
    for _ in range(3):
        line = weighted_line(few)
        if not line.slope.value > 0:
            break
        top_gy_s = LINE_UP_TO * SNR * noise_a / line.slope.value
        rank = np.argsort(order)
        few = points.of((points.dose_rate_gy_s <= top_gy_s) | (rank < LEAST_POINTS))
    return few


def _draws(line: DoseLine, noise: Value, seed: int) -> Floats:
    """Draw limits: s from its chi-square distribution, the line from a normal one (JCGM 101:2008, 6.4)."""
    rng = np.random.default_rng(seed)
    dof = max(noise.dof, 2.0) if noise.dof is not None else 0.5 * (noise.value / noise.u) ** 2
    noise_a = noise.value * np.sqrt(dof / rng.chisquare(dof, DRAWS))
    one, other = rng.standard_normal((2, DRAWS))
    u_slope, shared = line.slope.u, line.covariance[0, 1] / line.slope.u
    u_rest = float(np.sqrt(max(line.covariance[1, 1] - shared**2, 0.0)))
    slope = line.slope.value + u_slope * one
    return np.asarray((SNR * noise_a - line.intercept - shared * one - u_rest * other) / slope, dtype=np.float64)


def procedure_limit(s0: Value, slope: Value, *, blanks: int, photon_a2_per_gy_s: float = 0.0) -> ProcedureLimit:
    """Return the characteristic limits of results that scatter by `s0` (A) without beam; `slope` in C/Gy.

    y* = k s0/S; y# = y* + k sqrt(s0^2 + b y#)/S, solved: 2 k s0/S + k^2 b/S^2 with b the photon noise of the result
    in A^2 per Gy/s (Currie 1995; k = 1.645 for 5 % either way).
    """
    if not (s0.value > 0 and slope.value > 0):
        raise NotEnoughData("no scatter of the blanks, or no response: no limits of the procedure")
    relative = float(np.hypot(s0.u / s0.value, slope.u / slope.value))
    per_s0 = s0.value / slope.value
    photons = K**2 * max(photon_a2_per_gy_s, 0.0) / slope.value**2

    def value(gy_s: float, u_gy_s: float) -> Value:
        return Value(gy_s, u_gy_s, "Gy/s", s0.dof)

    return ProcedureLimit(
        s0=s0,
        three_s0=value(SNR * per_s0, SNR * per_s0 * relative),
        threshold=value(K * per_s0, K * per_s0 * relative),
        limit=value(2 * K * per_s0 + photons, 2 * K * per_s0 * relative),
        blanks=blanks,
    )


def scatter_of(results_a: Floats) -> Value:
    """Return the standard deviation in A of blank results, u = s0/sqrt(2 (n - 1)); nan with fewer than 2."""
    n = len(results_a)
    if n < 2:
        return Value(np.nan, np.nan, "A")
    s0_a = float(np.std(results_a, ddof=1))
    return Value(s0_a, s0_a / float(np.sqrt(2 * (n - 1))), "A", float(n - 1))


def noise_floor(psd: NoisePsd, slope: Value, limit: Value) -> NoiseFloor:
    """Return what a 1/f noise density allows: three Allan deviations sqrt(2 ln2 f S(f)) over the slope (C/Gy).

    f S(f) is taken at 0.1 Hz, inside the band of chopped readings, where their white noise matters least.

    The Allan deviation of 1/f noise is the same at every averaging time (W. J. Riley, NIST SP 1065 (2008), section
    3.1), so a longer window does not help, only more on/off cycles do.
    """
    density = psd.density(IN_BAND_HZ)
    floor = SNR * float(np.sqrt(2 * np.log(2) * IN_BAND_HZ)) * density.value / slope.value
    u = floor * float(np.hypot(density.u / density.value, slope.u / slope.value)) if density.value > 0 else 0.0
    return NoiseFloor(Value(floor, u, "Gy/s"), limit.value / floor if floor > 0 else np.inf)


def noise_agrees(measured: Value, expected_a: float) -> bool:
    """Ask whether the scatter of blank readings is what the noise spectrum says, within 30 %."""
    return abs(measured.value / expected_a - 1) <= AGREE if expected_a > 0 else False
