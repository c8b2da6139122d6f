"""Whittle fit of averaged power spectra: S(f) = h/(f/1 Hz)^gamma + w + what is known.

Likelihood of averaged lines, N_eff sum(P/S + ln S): P. Whittle, "The analysis of multiple stationary time series",
J. R. Stat. Soc. B 15 (1953) 125. It is maximised by Fisher scoring (P. McCullagh, J. A. Nelder, Generalized Linear
Models, 2nd ed. (1989), 2.5 and 8.3: gamma distribution). Neighbouring lines of a Hann window are correlated: the
Fisher information is divided by 1 + 2(4/9 + 1/36) = 1.944. A straight line through ln P would read low by
exp((psi(N) - ln N)/2), 25 % for one average.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from xraydaq.analysis.noise import HANN_CORRELATION
from xraydaq.analysis.values import Floats, NotEnoughData

LEAST_LINES = 20
SEEN = 2.0  # a white level is fitted where it exceeds its own uncertainty so many times
ONE_SIDED_95 = 1.645
MOST_STEPS = 60
SINGULAR = 1e-9  # smallest eigenvalue of the information over the largest, in units of its diagonal
TOLERANCE = 1e-9
LEAST_EXPONENT = 0.3  # noise that is flatter than this is white: a second white level has no meaning
STEEPEST = 6.0
LOG_LEVEL_KNOWN = 0.5  # u of ln h from which on there is noise of a device to speak of
STARTS = 12  # logarithmic bands through which the first guess of h and gamma goes

Model = Callable[[Floats], tuple[Floats, Floats]]


@dataclass(frozen=True)
class KnownPower:
    """Power in A^2/Hz that is not fitted: `power` at every line, from `basis` (terms x lines) times coefficients."""

    power: Floats
    basis: Floats = field(repr=False)
    covariance: Floats = field(repr=False)

    def at(self, keep: Floats) -> "KnownPower":
        """Return the known power at some of the lines."""
        return KnownPower(self.power[keep], self.basis[:, keep], self.covariance)


@dataclass(frozen=True)
class SpectrumFit:
    """`h`, `w` in A^2/Hz at 1 Hz; `covariance` 3 x 3 of (ln h, gamma, w), zero for w where it is `white_seen` False.

    `white_limit_a2_hz`: 95 % upper limit of w; `gamma_at_limit`: the exponent if w were there; both nan where the
    fitted noise is itself white, the exponent also where the lines do not tell it beside that level.
    `deviance_per_dof` is 1 where the model describes the lines; u is scaled with its root where it is above 1.
    """

    h_a2_hz: float
    gamma: float
    w_a2_hz: float
    covariance: Floats = field(repr=False)
    white_seen: bool
    white_u_a2_hz: float
    white_limit_a2_hz: float
    gamma_at_limit: float
    deviance_per_dof: float
    lines: int

    def flicker(self, f_hz: Floats) -> Floats:
        """Return h/f^gamma in A^2/Hz."""
        return np.asarray(self.h_a2_hz * f_hz**-self.gamma, dtype=np.float64)

    def device(self, f_hz: Floats) -> Floats:
        """Return h/f^gamma + w in A^2/Hz."""
        return self.flicker(f_hz) + self.w_a2_hz

    def with_half_of(self, other: "SpectrumFit") -> "SpectrumFit":
        """Return the same fit with half of its difference to another one as a further uncertainty."""
        white = self.w_a2_hz - other.w_a2_hz if self.white_seen and other.white_seen else 0.0
        half = np.array([float(np.log(self.h_a2_hz / other.h_a2_hz)), self.gamma - other.gamma, white]) / 2
        return replace(self, covariance=self.covariance + np.outer(half, half))

    def u_of_device(self, f_hz: float) -> float:
        """Return the standard uncertainty (statistics) of h/f^gamma + w at one frequency, in A^2/Hz."""
        flicker = float(self.h_a2_hz * f_hz**-self.gamma)
        slope = np.array([flicker, -flicker * np.log(f_hz), 1.0])
        return float(np.sqrt(max(float(slope @ self.covariance @ slope), 0.0)))


def effective_averages(averages: int, overlap: float) -> float:
    """Return N/(1 + 2 sum (1 - k/N) rho_k), rho_k the squared overlap of Hann windows shifted by k records' steps.

    P. D. Welch, "The use of fast Fourier transform for the estimation of power spectra", IEEE Trans. Audio
    Electroacoust. 15 (1967) 70; 0.95 N at 50 % and 0.52 N at 75 %. `overlap`: 0 <= overlap < 1.
    """
    if not (averages >= 1 and 0 <= overlap < 1):
        raise ValueError(f"{averages} averages with an overlap of {overlap}: at least 1, and 0 <= overlap < 1")
    k = np.arange(1, averages)
    shift = k * (1 - overlap)
    k, shift = k[shift < 1], shift[shift < 1]
    turn = 2 * np.pi * shift
    common = (1 - shift) * (2 + np.cos(turn)) / 3 + np.sin(turn) / (2 * np.pi)
    return float(averages / (1 + 2 * np.sum((1 - k / averages) * common**2)))


def fit_background(f_hz: Floats, power: Floats, averages: Floats) -> tuple[Floats, Floats, float]:
    """Fit a/f + c to lines of the background: coefficients (a, c), their covariance, and the deviance per dof.

    Arrays of one length: Hz, A^2/Hz, effective averages. Amplifier noise turns into 1/f below some hertz; both terms
    are linear, so one that is too small to be seen does no harm.
    """
    _check(f_hz, power)
    scale = float(np.median(power))
    basis = np.vstack((1 / f_hz, np.ones_like(f_hz)))

    def model(p: Floats) -> tuple[Floats, Floats]:
        return p @ basis, basis

    start = np.array([0.0, float(np.average(power / scale, weights=averages))])
    best, covariance, deviance = _scored(power / scale, averages, model, start)
    return best * scale, covariance * scale**2, deviance


def known_power(f_hz: Floats, coefficients: Floats, covariance: Floats, extra_a2_hz: float = 0.0) -> KnownPower:
    """Return a/f + c + `extra_a2_hz` at lines `f_hz`; `extra` (shot, Johnson noise) counts as exact."""
    basis = np.vstack((1 / f_hz, np.ones_like(f_hz)))
    return KnownPower(coefficients @ basis + extra_a2_hz, basis, covariance)


def fit_spectrum(f_hz: Floats, power: Floats, averages: Floats, known: KnownPower) -> SpectrumFit:
    """Fit h, gamma and w beside the known power; arrays of one length: Hz, A^2/Hz, effective averages.

    A white level that is not seen at 2 u is left out of the fit, and an upper limit given: with it free, the exponent
    of noise that is 1/f in the whole band would lose half of its digits. Raises NotEnoughData for fewer than 20 lines,
    where the noise does not stand out of the known power, or where the lines leave its exponent open.
    """
    _check(f_hz, power)
    scale = float(np.median(power))
    data = _Lines(f_hz, power / scale, averages, known.power / scale)
    narrow = _scored(data.power, averages, data.model(0.0), data.start())
    if not (narrow[1][0, 0] < LOG_LEVEL_KNOWN**2 and abs(narrow[0][1]) < STEEPEST):
        raise NotEnoughData("the noise of the device does not stand out of the background")
    best, covariance, deviance = np.append(narrow[0], 0.0), _padded(narrow[1]), narrow[2]
    behind = data.from_known(best, covariance, known, scale)
    seen, u_w, limit, gamma_at_limit = False, np.nan, np.nan, np.nan
    if abs(best[1]) > LEAST_EXPONENT:
        try:
            wide = _scored(data.power, averages, data.model(None), best)
        except NotEnoughData:  # nothing tells a white level from the rest: it is not above the quietest lines
            limit = data.highest_white()
        else:
            wide_behind = data.from_known(wide[0], wide[1], known, scale)
            w, u_w = float(wide[0][2]), float(np.sqrt(wide[1][2, 2] + wide_behind[2, 2]))
            seen, limit = w > SEEN * u_w, max(w, 0.0) + ONE_SIDED_95 * u_w
            gamma_at_limit = data.exponent_beside(limit, narrow[0])
            if seen:
                (best, covariance, deviance), behind = wide, wide_behind
    covariance = covariance + behind
    to_one_hz = np.array([[1.0, data.log_middle, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, scale]])
    return SpectrumFit(
        h_a2_hz=float(np.exp(best[0] + best[1] * data.log_middle)) * scale,
        gamma=float(best[1]),
        w_a2_hz=float(best[2]) * scale,
        covariance=to_one_hz @ covariance @ to_one_hz.T * max(1.0, deviance),
        white_seen=bool(seen),
        white_u_a2_hz=u_w * scale,
        white_limit_a2_hz=limit * scale,
        gamma_at_limit=gamma_at_limit,
        deviance_per_dof=deviance,
        lines=len(f_hz),
    )


class _Lines:
    """Lines in units of their median power; parameters (ln h at the middle frequency, gamma[, w])."""

    def __init__(self, f_hz: Floats, power: Floats, averages: Floats, known: Floats) -> None:
        self.power, self._known, self._averages = power, known, averages
        self.log_middle = float(np.mean(np.log(f_hz)))  # h there and gamma are nearly independent
        self._log_f = np.log(f_hz) - self.log_middle

    def model(self, white: float | None) -> Model:
        """Return power and its slopes for a white level that is given, or for one that is the third parameter."""

        def model(p: Floats) -> tuple[Floats, Floats]:
            flicker = np.exp(np.clip(p[0] - p[1] * self._log_f, -300.0, 300.0))
            slopes = [flicker, -flicker * self._log_f]
            if white is None:
                slopes.append(np.ones_like(flicker))
            return flicker + (p[2] if white is None else white) + self._known, np.vstack(slopes)

        return model

    def start(self) -> Floats:
        """Return a straight line through the logarithm of what stands out of the known power, in bands."""
        edges = np.unique(np.linspace(0, len(self.power), STARTS + 1).astype(np.int64))[:-1]
        order = np.argsort(self._log_f)
        counts = np.diff(np.append(edges, len(self.power)))
        excess = np.add.reduceat((self.power - self._known)[order], edges) / counts
        log_f = np.add.reduceat(self._log_f[order], edges) / counts
        if (excess > 0).sum() < 2:
            raise NotEnoughData("the noise of the device does not stand out of the background")
        line = np.polyfit(log_f[excess > 0], np.log(excess[excess > 0]), 1)
        return np.array([line[1], float(np.clip(-line[0], 0.3, 2.0))])

    def highest_white(self) -> float:
        """Return a 95 % upper limit of the white level from the quarter of the lines with the highest frequencies."""
        top = self._log_f >= np.quantile(self._log_f, 0.75)
        weights = self._averages[top]
        quiet = float(np.average(self.power[top], weights=weights))
        relative_u = float(np.sqrt(HANN_CORRELATION / weights.sum()))
        return max(quiet * (1 + ONE_SIDED_95 * relative_u) - float(np.average(self._known[top], weights=weights)), 0.0)

    def exponent_beside(self, white: float, start: Floats) -> float:
        """Return the exponent if the white level were `white`; nan where nothing is left then."""
        try:
            return float(_scored(self.power, self._averages, self.model(white), start)[0][1])
        except NotEnoughData:
            return np.nan

    def from_known(self, best: Floats, covariance: Floats, known: KnownPower, scale: float) -> Floats:
        """Covariance that the coefficients of the known power add: they shift the estimate by -I^-1 K."""
        power, slopes = self.model(None)(best)
        weights = self._averages / HANN_CORRELATION / power**2
        shift = covariance @ (slopes * weights) @ (known.basis / scale).T
        return np.asarray(shift @ known.covariance @ shift.T)


def _scored(power: Floats, averages: Floats, model: Model, start: Floats) -> tuple[Floats, Floats, float]:
    """Fisher scoring with halved steps: estimate, covariance (statistics) and deviance per degree of freedom.

    Raises NotEnoughData where the lines leave a combination of the parameters open.
    """
    best, expected, slopes = start, *model(start)
    cost = _cost(power, averages, expected)
    for _ in range(MOST_STEPS):
        relative = slopes / expected
        information = (relative * averages) @ relative.T
        step = _inverse(information) @ (relative @ (averages * (power / expected - 1)))
        for share in 0.5 ** np.arange(30):
            trial, trial_slopes = model(best + share * step)
            if (change := cost - _cost(power, averages, trial)) >= 0:
                best, expected, slopes, cost = best + share * step, trial, trial_slopes, cost - change
                break
        if not change > TOLERANCE * len(power):
            break
    relative = slopes / expected
    covariance = HANN_CORRELATION * _inverse((relative * averages) @ relative.T)
    ratio = power / expected
    deviance = float(2 * np.sum(averages * (ratio - 1 - np.log(ratio)))) / (len(power) - len(start))
    return best, np.asarray(covariance, dtype=np.float64), deviance


def _inverse(information: Floats) -> Floats:
    """Invert in units of the diagonal; rounding makes an inverse of what is nearly singular meaningless."""
    size = np.sqrt(np.diag(information))
    if not np.all(size > 0):
        raise NotEnoughData("the lines do not tell noise and its exponent")
    values, vectors = np.linalg.eigh(information / np.outer(size, size))
    if not values[0] > SINGULAR * values[-1]:
        raise NotEnoughData("the lines do not tell 1/f noise, its exponent and white noise apart")
    return np.asarray((vectors / values) @ vectors.T / np.outer(size, size), dtype=np.float64)


def _cost(power: Floats, averages: Floats, expected: Floats) -> float:
    return float(np.sum(averages * (power / expected + np.log(expected)))) if np.all(expected > 0) else np.inf


def _padded(covariance: Floats) -> Floats:
    padded = np.zeros((3, 3))
    padded[:2, :2] = covariance
    return padded


def _check(f_hz: Floats, power: Floats) -> None:
    if not len(f_hz) >= LEAST_LINES:
        raise NotEnoughData(f"{len(f_hz)} usable lines of a spectrum, {LEAST_LINES} are needed")
    if not (np.all(f_hz > 0) and np.all(power > 0)):
        raise ValueError("frequencies and powers of a spectrum must be above zero (a density in decibel is not)")
