"""What the evaluation of a dose-rate sweep gives."""

from dataclasses import dataclass, field

import numpy as np

from xraydaq.analysis.detection_limit import IN_BAND_HZ
from xraydaq.analysis.dose_order import ReferenceDrift
from xraydaq.analysis.dose_response import DoseResponse
from xraydaq.analysis.outcome import Result
from xraydaq.analysis.sweep_limits import Limits
from xraydaq.analysis.sweep_steps import SweepSteps
from xraydaq.analysis.values import Value

SENSITIVITY = "uC Gy^-1 cm^-2"
NOT_KNOWN = float("nan")
METHOD = (
    "Steps: GLS on window means, cubic baseline, covariance from the noise spectrum of the blank runs, scaled by "
    "chi2/dof (bracketed differences without one). Lines: effective variance, through the origin unless an intercept "
    "is seen at 2 u. Exponent: weighted log-log line, points above 3 u. SNR limit: weighted line near the crossing "
    "over s of blank readings, Monte Carlo interval. Procedure limits: Currie, 5 %/5 %, scatter of blank results."
)


@dataclass(frozen=True, kw_only=True)
class DoseRateSweepResult(Result):
    """Sensitivities in C Gy^-1 m^-2 with all shares of u, the response behind them, and the detection limits.

    `point_dose_rate_gy_s`, `low_gy_s`: where `point` was taken, and up to where `low_slope` was fitted. `gain`:
    `point` over the unity-gain sensitivity of that beam quality. `lowest`: dose rate measured, in Gy/s. `quality`:
    the beam of `point` in words.
    """

    point: Value
    point_dose_rate_gy_s: float
    slope_unweighted: Value
    slope_weighted: Value
    low_slope: Value
    filter_slopes: tuple[tuple[float, Value], ...]
    low_gy_s: float
    gain: Value
    lowest: float
    quality: str
    response: DoseResponse = field(compare=False, repr=False)
    drift: ReferenceDrift
    limits: Limits
    steps: SweepSteps = field(compare=False, repr=False)
    area_m2: float
    method: str = METHOD

    def rows(self) -> list[tuple[str, Value, str]]:
        """Return (label, value in SI, unit to show it in); a unit of "" asks for the fitting SI prefix."""
        return [
            ("sensitivity", self.point, SENSITIVITY),
            ("dose rate of sensitivity", Value(self.point_dose_rate_gy_s, 0.0, "Gy/s"), "nGy/s"),
            ("sensitivity slope unweighted", self.slope_unweighted, SENSITIVITY),
            ("sensitivity slope weighted", self.slope_weighted, SENSITIVITY),
            ("sensitivity slope low dose rates", self.low_slope, SENSITIVITY),
            *((f"sensitivity slope {al_m * 1e3:.3g} mm Al", slope, SENSITIVITY) for al_m, slope in self.filter_slopes),
            ("exponent of dose rate", self.response.theta, "1"),
            ("photoconductive gain", self.gain, "1"),
            ("lowest dose rate", Value(self.lowest, 0.0, "Gy/s"), "nGy/s"),
            ("change of the reference", self.drift.change, "%"),
            *self._limit_rows(),
        ]  # fmt: skip

    def _limit_rows(self) -> list[tuple[str, Value, str]]:
        limits, unknown = self.limits, Value(NOT_KNOWN, NOT_KNOWN, "Gy/s")
        snr, procedure, floor, psd = limits.snr, limits.procedure, limits.floor, self.steps.psd
        name = "detection limit SNR 3" + (" extrapolated" if snr and snr.extrapolated else "")
        return [
            (name, snr.limit if snr else unknown, "nGy/s"),
            ("detection limit 3 s0 of averaged step", procedure.three_s0 if procedure else unknown, "nGy/s"),
            ("decision threshold", procedure.threshold if procedure else unknown, "nGy/s"),
            ("detection limit Currie", procedure.limit if procedure else unknown, "nGy/s"),
            ("detection limit of 1/f floor", floor.floor if floor else unknown, "nGy/s"),
            ("noise of blank readings", limits.noise, ""),
            ("scatter of blank steps", procedure.s0 if procedure else Value(np.nan, np.nan, "A"), ""),
            ("1/f noise density at 0.1 Hz", psd.density(IN_BAND_HZ) if psd else Value(np.nan, np.nan, "A/√Hz"), ""),
        ]

    def quantities(self) -> dict[str, Value]:
        """Return every value by a name that fits a file; the SNR limit has one name, extrapolated or not."""
        named = super().quantities()
        return {name.removesuffix("_extrapolated"): value for name, value in named.items()}
