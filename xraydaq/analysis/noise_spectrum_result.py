"""What the evaluation of the noise spectra of one device gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from xraydaq.analysis.noise_figures import (
    DENSITY,
    STATISTICS,
    AllanReference,
    Background,
    WhiteNoise,
    corner,
    density,
    device_density,
    expected_allan,
    measured_over_expected,
)
from xraydaq.analysis.outcome import Budget, Result
from xraydaq.analysis.spectrum_checks import Found, remarks
from xraydaq.analysis.spectrum_fit import LEAST_EXPONENT, ONE_SIDED_95, SEEN, SpectrumFit
from xraydaq.analysis.values import Floats, Value

NEARLY_ONE = 0.3
FLOOR_TAU_S = 10.0
SHOWN_HZ = (1.0, 10.0)
UNKNOWN = Value(np.nan, np.nan, "1")

METHOD = (
    "Density of the current: V/√Hz times sensitivity, pole of the preamplifier corrected. Left out: the first lines "
    "of each span, 0.5 Hz around mains harmonics, lines above half the pole, single tones. Wider spans join above "
    "narrower ones. Whittle fit of h/f^gamma + w beside a/f + c fitted to the background, shot noise 2 e I, and "
    "Johnson noise 4 k T/R where the background is that of an open input; w kept where it exceeds 2 u, else a 95 % "
    "upper limit. "
    "u: Fisher information over 1.944 (Hann), with that of the background, times sqrt(max(1, deviance/dof))."
)


@dataclass(frozen=True, kw_only=True)
class NoiseSpectrumResult(Result):
    """Noise of a device at one bias: densities in A/√Hz (one-sided, rms), SI inside.

    Densities of the device are without the background. `white`: white noise of the device with its shot and Johnson
    noise, nan where no excess over these is seen; `white_limit` is then the 95 % upper limit. `floor`: Allan deviation
    that noise of this level leaves however long one averages, at `floor_tau_s`.
    """

    fit: SpectrumFit
    density_1_hz: Value
    density_10_hz: Value
    flicker_1_hz: Value
    gamma: Value
    over_current: Value
    white: Value
    white_limit: Value
    corner: Value
    shot: Value
    johnson: Value
    over_shot: Value
    over_johnson: Value
    background_share_10_hz: Value
    background_share_top: Value
    floor: Value
    floor_tau_s: float
    allan_ratio: Value
    bias_v: float
    band_hz: tuple[float, float]
    background: str
    method: str = field(default=METHOD)

    def rows(self) -> list[tuple[str, Value, str]]:
        """Return (label, value in SI, unit to show it in)."""
        rows = [
            ("noise density at 1 Hz", self.density_1_hz, ""),
            ("noise density at 10 Hz", self.density_10_hz, ""),
            ("1/f noise density at 1 Hz", self.flicker_1_hz, ""),
            ("noise exponent gamma", self.gamma, "1"),
            ("1/f noise at 1 Hz over dark current", self.over_current, "1/√Hz"),
            ("white level", self.white, ""),
            ("white level upper limit", self.white_limit, ""),
            ("corner frequency", self.corner, "Hz"),
            ("shot noise", self.shot, ""),
            ("Johnson noise", self.johnson, ""),
            ("ratio to shot noise at 1 Hz", self.over_shot, "1"),
            ("ratio to Johnson noise at 1 Hz", self.over_johnson, "1"),
            ("background share of the power at 10 Hz", self.background_share_10_hz, "%"),
            ("background share of the power at the top", self.background_share_top, "%"),
            (f"Allan deviation expected at {self.floor_tau_s:.3g} s", self.floor, ""),
            ("Allan deviation measured over expected", self.allan_ratio, "1"),
        ]
        return [row for row in rows if np.isfinite(row[1].value)]


def result_of(
    found: Found, gamma_statistics_u: float, white: WhiteNoise, told: Mapping[str, float], allan: AllanReference | None
) -> NoiseSpectrumResult:
    """Draw the figures of merit from the fit; `told` is what `evaluate` was told, by name.

    `gamma_statistics_u`: what of the uncertainty of the exponent is not due to a current that drifts between spans.
    """
    gain_u_rel = told["gain_u_rel"]
    fit, band_hz = found.fit, (float(found.merged.f_hz[0]), float(found.merged.f_hz[-1]))
    at = {f_hz: device_density(fit, white, f_hz, gain_u_rel) for f_hz in SHOWN_HZ}
    shown = [at[f_hz][0] if band_hz[0] <= f_hz <= band_hz[1] else Value(np.nan, np.nan, DENSITY) for f_hz in SHOWN_HZ]
    flicker = density(fit.h_a2_hz, fit.h_a2_hz * float(np.sqrt(fit.covariance[0, 0])), gain_u_rel)[0]
    tau_s = FLOOR_TAU_S if allan is None else allan.tau_s
    floor = expected_allan(fit, white, tau_s, gain_u_rel)
    ratio = UNKNOWN if allan is None else measured_over_expected(allan, floor, told["current_a"])
    shot, johnson = (density(power, 0.0, 0.0)[0] for power in (white.shot, white.johnson))
    share = {f_hz: _share(found.background, fit, white, f_hz) for f_hz in (10.0, band_hz[1])}
    gamma = Value(fit.gamma, float(np.sqrt(fit.covariance[1, 1])), "1", fit.lines - 2)
    return NoiseSpectrumResult(
        headline=_headline(told["bias_v"], band_hz, fit.lines),
        verdict=_verdict(at[1.0][0], gamma, _over(shown[0], shot), band_hz),
        flags=remarks(found, share[band_hz[1]].value, ratio),
        inputs=dict(told) | {"lines_used": float(fit.lines)},
        dropped=found.merged.dropped,
        budgets={f"noise density at {f_hz:.0f} Hz": budget for f_hz, (_, budget) in at.items()}
        | {"noise exponent gamma": _gamma_budget(gamma.u, gamma_statistics_u)},
        notes=_notes(found),
        curves=_curves(found, white),
        fit=fit,
        density_1_hz=shown[0],
        density_10_hz=shown[1],
        flicker_1_hz=flicker,
        gamma=gamma,
        over_current=_over_current(flicker, told["current_a"], told["current_u_a"]),
        white=_white_level(fit, white, gain_u_rel),
        white_limit=_white_limit(fit, white),
        corner=corner(fit, white),
        shot=shot,
        johnson=johnson,
        over_shot=_over(shown[0], shot),
        over_johnson=_over(shown[0], johnson),
        background_share_10_hz=share[10.0],
        background_share_top=share[band_hz[1]],
        floor=floor,
        floor_tau_s=tau_s,
        allan_ratio=ratio,
        bias_v=told["bias_v"],
        band_hz=band_hz,
        background=found.background.kind,
    )


def _gamma_budget(u: float, statistics_u: float) -> Budget:
    drift_u = float(np.sqrt(max(u**2 - statistics_u**2, 0.0)))
    return Budget("1", {STATISTICS: statistics_u, "drift of the current between spans": drift_u})


def _white_level(fit: SpectrumFit, white: WhiteNoise, gain_u_rel: float) -> Value:
    if not fit.white_seen:
        return Value(np.nan, np.nan, DENSITY)
    return density(fit.w_a2_hz + white.total, float(np.sqrt(fit.covariance[2, 2])), gain_u_rel)[0]


def _white_limit(fit: SpectrumFit, white: WhiteNoise) -> Value:
    limit = np.nan if fit.white_seen else fit.white_limit_a2_hz + white.total
    return Value(float(np.sqrt(limit)), 0.0, DENSITY)


def _share(behind: Background, fit: SpectrumFit, white: WhiteNoise, f_hz: float) -> Value:
    """Background over device, in power; the background is known much better than the device."""
    power = float(behind.power(np.array([f_hz]))[0])
    own = float(fit.device(np.array([f_hz]))[0]) + white.beside_background
    slope = np.array([1 / f_hz, 1.0])
    u_rel = float(np.sqrt(slope @ behind.covariance @ slope)) / power if power > 0 else 0.0
    return Value(power / own, power / own * float(np.hypot(u_rel, fit.u_of_device(f_hz) / own)), "1")


def _over(level: Value, reference: Value) -> Value:
    """Ratio of two densities, nan where either is not known or zero."""
    if not reference.value > 0:
        return UNKNOWN
    return Value(level.value / reference.value, level.u / reference.value, "1")


def _over_current(flicker: Value, current_a: float, current_u_a: float) -> Value:
    """Noise of a resistor in proportion to its current (F. N. Hooge, Phys. Lett. A 29 (1969) 139); nan if unknown."""
    if not abs(current_a) > current_u_a:
        return Value(np.nan, np.nan, "1/√Hz")
    ratio = flicker.value / abs(current_a)
    return Value(ratio, ratio * float(np.hypot(flicker.u / flicker.value, current_u_a / current_a)), "1/√Hz")


def _headline(bias_v: float, band_hz: tuple[float, float], lines: int) -> str:
    return f"noise spectrum at {bias_v:g} V, {band_hz[0]:.3g} Hz to {band_hz[1]:.4g} Hz, {lines} lines"


def _verdict(level: Value, gamma: Value, over_shot: Value, band_hz: tuple[float, float]) -> str:
    kind = "white" if abs(gamma.value) < LEAST_EXPONENT else f"1/f^{gamma.value:.1f}"
    kind = "1/f" if abs(gamma.value - 1) <= NEARLY_ONE else kind
    times = f", {over_shot.value:.3g} times the shot noise" if np.isfinite(over_shot.value) else ""
    band = f"between {band_hz[0]:.3g} and {band_hz[1]:.4g} Hz"
    return f"{kind} noise, {level.prefixed()} at 1 Hz (gamma {gamma}) {band}{times}"


def _notes(found: Found) -> dict[str, str]:
    if not np.isfinite(found.fit.white_limit_a2_hz):
        return {}
    if found.fit.white_seen:
        return {"white level": f"exceeds shot noise, Johnson noise and background by more than {SEEN:g} u"}
    at_limit = f"with white noise at its upper limit it would be {found.fit.gamma_at_limit:.3f}"
    return {
        "noise exponent gamma": f"no white noise beyond shot, Johnson and background assumed; {at_limit}",
        "white level upper limit": f"95 %, one-sided: {ONE_SIDED_95} u above what is found",
    }


def _curves(found: Found, white: WhiteNoise) -> dict[str, tuple[Floats, str]]:
    """Merged lines and the fit at them, both with the background, and the background."""
    lines, total = found.merged, np.sqrt(found.expected_merged)
    behind = np.sqrt(np.maximum(found.background.power(lines.f_hz), 0.0))
    device = np.sqrt(found.fit.device(lines.f_hz) + white.total)
    return {
        "frequency": (lines.f_hz, "Hz"),
        "measured": (np.sqrt(lines.power), DENSITY),
        "averages": (lines.averages, "1"),
        "fit": (total, DENSITY),
        "device": (device, DENSITY),
        "background": (behind, DENSITY),
    }
