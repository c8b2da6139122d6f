"""Air-ionisation control: what the same beam makes of a glass blank with the same electrodes in the sample's place.

The signal of the air between the contacts and along the beam is stated as the sensitivity it would be taken for, or as
an upper limit. A mean of readings that all fall on the same one or two steps of the display is no finer than the step:
the error of a mean of quantised readings with Gaussian scatter s and step q is a sum of sines of amplitude
q/(pi k) exp(-2 pi^2 k^2 s^2/q^2) (B. Widrow, I. Kollar, Quantization Noise, Cambridge 2008, chapter 19). Free air:
air density over W/e, ICRU Report 90 (2016): W/e = 33.97 J/C.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from scipy.special import stdtrit

from xraydaq.analysis.noise import NoisePsd
from xraydaq.analysis.outcome import Budget, Result
from xraydaq.analysis.photocurrent_step import Step, photocurrent_step
from xraydaq.analysis.point_sensitivity import flags_of_the_dose, quality_of, with_budget
from xraydaq.analysis.remarks import of_dark_readings
from xraydaq.analysis.sweep_inputs import Dose, Spot
from xraydaq.analysis.switching import columns_of
from xraydaq.analysis.values import Floats, NotEnoughData, Value

SENSITIVITY = "uC Gy^-1 cm^-2"
ONE_SIDED = 0.95
SEEN = 3.0  # u
MANY = 1e6  # degrees of freedom where none are stated
LONGEST_AIR_M = 0.5  # of air that a bench has in its beam
HARMONICS = 50
AIR_KG_M3 = 1.2047  # dry, 20 degree Celsius, 101.325 kPa
W_OVER_E_J_C = 33.97
METHOD = (
    "Chopped beam on the blank; step by generalised least squares (bracketed differences without a noise spectrum), "
    "the offset of the meter cancels; u of quantised readings added; upper limit: one-sided 95 %."
)


@dataclass(frozen=True, kw_only=True)
class AirIonisationResult(Result):
    """Sensitivities in C Gy^-1 m^-2. `apparent` of the step on the blank, `limit` one-sided 95 %.

    `one_count`, `offset_limit`: what one step of the display, and the offset a meter may have, would be taken for.
    `ratio`: blank over sample, `ratio_limit` its upper limit, nan without a sample. `air_column`: the length of free
    air in the whole spot that collects `apparent`.
    """

    apparent: Value
    limit: Value
    seen: bool
    one_count: Value
    offset_limit: Value
    ratio: Value
    ratio_limit: Value
    air_column: Value
    step: Step = field(compare=False, repr=False)
    dose_rate: Value
    method: str = METHOD

    def rows(self) -> list[tuple[str, Value, str]]:
        """Return (label, value in SI, unit to show it in); a unit of "" asks for the fitting SI prefix."""
        return [
            ("photocurrent step of the blank", self.step.step, ""),
            ("apparent sensitivity", self.apparent, SENSITIVITY),
            ("apparent sensitivity upper limit", self.limit, SENSITIVITY),
            ("sensitivity of one display count", self.one_count, SENSITIVITY),
            ("sensitivity of the meter offset", self.offset_limit, SENSITIVITY),
            ("ratio to the sample", self.ratio, "%"),
            ("ratio to the sample upper limit", self.ratio_limit, "%"),
            ("column of free air", self.air_column, "mm"),
            ("dose rate", self.dose_rate, "nGy/s"),
        ]


def evaluate(
    elapsed_s: Floats,
    current_a: Floats,
    status: Floats,
    beam_on: Floats,
    point: Floats,
    *,
    dose: Dose,
    spot: Spot,
    reading_time_s: float,
    offset_u_a: float = 0.0,
    sample_sensitivity: Value | None = None,
    same_beam: bool = True,
    discard_s: float = 2.0,
    guard_s: float = 0.3,
    psd: NoisePsd | None = None,
    edges_s: Floats | None = None,
    temperature_k: Floats | None = None,
) -> AirIonisationResult:
    """Evaluate a chopped run on a blank at its highest dose rate; columns of one length, one entry per reading.

    Args:
        elapsed_s: start of each reading.
        current_a: reading; nan where there is none.
        status: as stored; flagged readings are not used.
        beam_on: commanded state of the beam, 0 or 1.
        point: index of the dose rate, -1 outside of any.
        dose: what was set at each point.
        spot: what turns currents into sensitivities; the blank is taken to see the sample's spot.
        reading_time_s: integration time of a reading.
        offset_u_a: standard uncertainty of the meter's offset; it does not enter a chopped step.
        sample_sensitivity: of the sample, C Gy^-1 m^-2; at this dose rate and field.
        same_beam: dose and area of the two are the same, so that they cancel in the ratio; the u of
            `sample_sensitivity` should then be its statistical one.
        discard_s: left out after each edge; a blank has no slow response of its own.
        guard_s: left out before the next edge.
        psd: spectrum of the current without beam; None falls back to bracketed differences.
        edges_s: moments of the edges at that dose rate, where known better than by the readings.
        temperature_k: of the blank, per reading.

    Raises:
        NotEnoughData: fewer than 4 usable cycles.
        ValueError: an area, dose rate or uncertainty that cannot be.
    """
    dose.check()
    spot.check()
    time_s, read_a, flags, on, at = columns_of(elapsed_s, current_a, status, beam_on, point)
    measured = np.unique(at[at >= 0]).astype(np.int64)
    measured = measured[np.isfinite(dose.dose_rate_gy_s[measured])]
    if not len(measured):
        raise NotEnoughData("no reading belongs to a dose rate that is known")
    k = int(measured[np.argmax(dose.dose_rate_gy_s[measured])])
    rows = at == k
    step = photocurrent_step(
        time_s[rows], read_a[rows], on[rows], psd=psd, discard_s=discard_s, guard_s=guard_s, baseline_order=1,
        reading_time_s=reading_time_s, edges_s=edges_s, status=flags[rows],
    )  # fmt: skip
    coarse_a = of_quantised_means(step, spot.resolution_a)
    apparent, budget = with_budget(step.step, dose, spot, k)
    per_ampere = 1 / (spot.area_m2 * float(dose.dose_rate_gy_s[k]))
    budget = Budget(budget.unit, {**budget.shares, "steps of the display": coarse_a * per_ampere})
    apparent = Value(apparent.value, budget.combined, apparent.unit, step.step.dof)
    own_u = budget.combined if not same_beam else math.hypot(step.step.u, coarse_a) * per_ampere
    ratio = _ratio(apparent, own_u, sample_sensitivity)
    seen = apparent.value > SEEN * math.hypot(step.step.u, coarse_a) * per_ampere
    limit, ratio_limit = _upper(apparent), _upper(ratio)
    quality = quality_of(dose, k)
    return AirIonisationResult(
        headline=f"{step.cycles_used} cycles on the blank, {step.readings} readings per window, "
        f"{step.cycles_dropped} cycles dropped",
        verdict=_verdict(apparent, limit, ratio, ratio_limit, seen),
        flags=(
            *_flags(step, spot, coarse_a, _air_column(apparent) if seen else None),
            *flags_of_the_dose(dose),
            *of_dark_readings(
                step.windows.time_s[~step.windows.on],
                step.windows.mean_a[~step.windows.on],
                np.asarray(elapsed_s, dtype=np.float64),
                temperature_k,
            ),
        ),
        inputs={
            "area_m2": spot.area_m2,
            "area_u_m2": spot.area_u_m2,
            "resolution_a": spot.resolution_a,
            "offset_u_a": offset_u_a,
            "reading_time_s": reading_time_s,
            "discard_s": discard_s,
            "guard_s": guard_s,
            "beam quality": quality,
            "dose and area of the sample": "the same" if same_beam else "its own",
        },
        dropped={f"window: {reason}": count for reason, count in step.dropped.items()},
        budgets={"apparent sensitivity": budget},
        notes={
            "apparent sensitivity": f"step on the blank over the area of the sample's spot; {quality}",
            "apparent sensitivity upper limit": "one-sided 95 %",
            "sensitivity of one display count": "what one step of the display would be taken for",
            "sensitivity of the meter offset": "what the standard uncertainty of the offset would be taken for: it "
            "cancels between beam on and off, but not in a single reading",
            "column of free air": "length of air in the spot whose ions, all collected, would give the step",
        },
        apparent=apparent,
        limit=limit,
        seen=seen,
        one_count=Value(spot.resolution_a * per_ampere, 0.0, apparent.unit),
        offset_limit=Value(offset_u_a * per_ampere, 0.0, apparent.unit),
        ratio=ratio,
        ratio_limit=ratio_limit,
        air_column=_air_column(apparent),
        step=step,
        dose_rate=Value(float(dose.dose_rate_gy_s[k]), float(dose.dose_rate_u_gy_s[k]), "Gy/s"),
    )


def of_quantised_means(step: Step, resolution_a: float) -> float:
    """Return u in A of the difference of two means, of readings rounded to `resolution_a`.

    With no scatter this is that of two rectangles of one step, q/sqrt(6); with a scatter of half a step it is gone.
    """
    if not resolution_a > 0:
        return 0.0
    read_a = min(step.s_off.value, step.s_on.value)
    scatter = max((read_a / resolution_a) ** 2 - 1 / 12, 0.0)  # of the current itself, in steps squared
    order = np.arange(1, HARMONICS + 1)
    sines = np.exp(-2 * math.pi**2 * order**2 * scatter) / (math.pi * order)
    return resolution_a * float(np.sqrt(np.sum(sines**2)))


def _ratio(apparent: Value, own_u: float, sample: Value | None) -> Value:
    if sample is None or not abs(sample.value) > 0:
        return Value(math.nan, math.nan, "1")
    ratio = apparent.value / sample.value
    return Value(ratio, math.hypot(own_u / sample.value, ratio * sample.u / sample.value), "1", apparent.dof)


def _upper(value: Value) -> Value:
    """Return the one-sided 95 % limit of a quantity that cannot be negative: below zero it is taken from zero."""
    factor = float(stdtrit(value.dof or MANY, ONE_SIDED))  # quantile of Student's t
    return Value(max(value.value, 0.0) + factor * value.u, 0.0, value.unit)


def _air_column(apparent: Value) -> Value:
    per_m = AIR_KG_M3 / W_OVER_E_J_C  # C Gy^-1 m^-3 of air
    return Value(apparent.value / per_m, apparent.u / per_m, "m", apparent.dof)


def _verdict(apparent: Value, limit: Value, ratio: Value, ratio_limit: Value, seen: bool) -> str:
    known = math.isfinite(ratio.value)
    if seen:
        of_sample = f", {ratio.to('%').number()} % of the sample" if known else ""
        return f"the blank responds like {apparent.to(SENSITIVITY).plus_minus()}{of_sample}"
    of_sample = f", {ratio_limit.to('%').value:.2g} % of the sample" if known else ""
    return f"below the resolution: less than {limit.to(SENSITIVITY).value:.2g} µC Gy^-1 cm^-2 (95 %){of_sample}"


def _flags(step: Step, spot: Spot, coarse_a: float, column: Value | None) -> list[str]:
    flags = list(step.flags)
    if not spot.resolution_a <= abs(step.step.value) / 3:
        flags.append(f"resolution of {spot.resolution_a:.3g} A exceeds a third of the signal")
    if coarse_a > step.step.u:
        flags.append("readings scatter less than a step of the display: their mean is no finer than the step")
    if column is not None and column.value > LONGEST_AIR_M:
        length = f"{column.value:.2g} m"
        flags.append(f"it takes {length} of free air in the spot: air beside it, leads or glass respond as well")
    if -step.step.value > SEEN * math.hypot(step.step.u, coarse_a):
        flags.append("the blank answers with the wrong sign: not ionisation of air, look for a pick-up of the tube")
    return flags
