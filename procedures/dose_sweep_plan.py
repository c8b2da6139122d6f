"""What a dose-rate sweep says of itself beforehand: readings, beam time, dose, and what the physics will not allow."""

import math
from collections.abc import Iterator

from instruments.keithley2400.ranges import current_accuracy
from procedures.base import Phase, Plan
from procedures.chopping import chopped_points
from procedures.dose_sweep_order import Point, dose_rate_gy_s, points_of, total_al_m, wanted_of
from procedures.source import LONGEST_WAY_TO_ZERO_S, compliance_text, reading_text
from xraydaq.config import RunConfig
from xraydaq.config.calibration import is_extrapolated
from xraydaq.config.recipes.dose_rate_sweep import DoseRateSweepParameters
from xraydaq.units import format_quantity

LEAST_SETTLE_S = 3600.0
LEAST_WARM_UP_S = 900.0
LEAST_BLANKS = 20


def conditioning_cycles(wanted: DoseRateSweepParameters) -> int:
    """Get how often the beam goes on and off before anything counts."""
    return math.ceil(wanted.warm_up_duration_s / (2 * wanted.half_period_s) - 1e-9)


def visit_s(wanted: DoseRateSweepParameters) -> float:
    """Get how long a visit or a blank run takes, changing the foil not counted."""
    return (2 * wanted.cycles + 1) * wanted.half_period_s


def plan_of(config: RunConfig) -> Plan:
    """Compute visits, beam time and dose; opens nothing."""
    wanted, points = wanted_of(config), points_of(config)
    visits = [point for point in points if not point.is_blank]
    up_s = abs(wanted.bias_v) / wanted.ramp_rate_v_per_s
    on_s = wanted.cycles * wanted.half_period_s
    conditioning_s = conditioning_cycles(wanted) * wanted.half_period_s
    dose_gy = sum(dose_rate_gy_s(config, each.foil_m, each.current_a) for each in visits) * on_s
    dose_gy += conditioning_s * dose_rate_gy_s(config, max(wanted.foils_m), wanted.reference_current_a)
    return Plan(
        tuple(phase for phase in _phases(wanted, points) if phase.duration_s > 0),
        ramp_s=up_s + min(up_s, LONGEST_WAY_TO_ZERO_S),
        details=_details(config, visits),
        beam_s=len(visits) * on_s + conditioning_s,
        dose_gy=dose_gy,
        warnings=(*_of_the_dose(config, visits), *_of_the_currents(config, visits), *_of_the_practice(config)),
    )


def _phases(wanted: DoseRateSweepParameters, points: tuple[Point, ...]) -> tuple[Phase, ...]:
    each_s, readings = visit_s(wanted), chopped_points(wanted.cycles, wanted.half_period_s, wanted.period_s)
    before, visits = wanted.blanks // 2, len(points) - wanted.blanks
    after = wanted.blanks - before
    conditioning_s = 2 * conditioning_cycles(wanted) * wanted.half_period_s
    bias_v = wanted.bias_v
    return (
        Phase("settling", bias_v, wanted.settle_duration_s, math.floor(wanted.settle_duration_s + 1e-9)),
        Phase("blank runs", bias_v, before * each_s, before * readings, f"{bias_v:g} V, beam off"),
        Phase("conditioning", bias_v, conditioning_s, 0, f"{bias_v:g} V, beam on and off behind the thickest foil"),
        Phase("sweep", bias_v, visits * each_s, visits * readings, f"{bias_v:g} V, {visits} visits"),
        Phase("blank runs after", bias_v, after * each_s, after * readings, f"{bias_v:g} V, beam off"),
    )


def _details(config: RunConfig, visits: list[Point]) -> tuple[tuple[str, str], ...]:
    wanted = wanted_of(config)
    rates = [dose_rate_gy_s(config, each.foil_m, each.current_a) for each in visits]
    filters = ", ".join(f"{total_al_m(config, each) * 1e3:g}" for each in sorted(wanted.foils_m))
    reference = dose_rate_gy_s(config, wanted.reference_foil_m, wanted.reference_current_a)
    seed = f", seed {wanted.order_seed}" if wanted.order == "random" else ""
    return (
        ("each reading", reading_text(wanted.period_s, wanted)),
        ("compliance", compliance_text(wanted)),
        ("nominal field", f"{abs(wanted.bias_v) / config.sample.gap_m / 1e3:.4g} V/mm"),
        ("dose rates", f"{_gy(min(rates))} to {_gy(max(rates))}, {wanted.order} order{seed}"),
        ("aluminium in all", f"{filters} mm"),
        ("each visit", f"{wanted.cycles} cycles of {2 * wanted.half_period_s:g} s, {visit_s(wanted):g} s"),
        ("reference", f"{_gy(reference)}, first, middle and last"),
    )  # fmt: skip


def _of_the_dose(config: RunConfig, visits: list[Point]) -> Iterator[str]:
    calibration = config.calibration
    assert calibration is not None
    outside = sorted({each.current_a for each in visits if is_extrapolated(calibration, each.current_a)})
    if outside:
        currents = ", ".join(format_quantity(each, "A") for each in outside)
        yield f"{currents}: outside the tube currents of the calibration, dose rates by its line"


def _of_the_currents(config: RunConfig, visits: list[Point]) -> Iterator[str]:
    wanted = wanted_of(config)
    if wanted.expected_sensitivity_c_gy_m2 is None or wanted.current_range_a is None:
        return
    lowest = min(dose_rate_gy_s(config, each.foil_m, each.current_a) for each in visits)
    photocurrent_a = wanted.expected_sensitivity_c_gy_m2 * config.sample.area_m2 * lowest
    accuracy = current_accuracy(wanted.current_range_a, wanted.nplc)
    shown = f"about {format_quantity(photocurrent_a, 'A', 2)} at {_gy(lowest)}"
    if accuracy.resolution_a > photocurrent_a / 3:
        step = format_quantity(accuracy.resolution_a, "A")
        yield f"photocurrent {shown}: a step of the display, {step}, exceeds a third of it"
    if accuracy.offset_u_a > photocurrent_a:
        offset = format_quantity(accuracy.offset_u_a, "A", 2)
        yield f"photocurrent {shown}: under the range accuracy (offset {offset}), only chopping finds it"


def _of_the_practice(config: RunConfig) -> Iterator[str]:
    wanted = wanted_of(config)
    if wanted.order in ("rising", "falling"):
        yield f"{wanted.order} order: a drift of the sensitivity will look like a non-linearity"
    if wanted.settle_duration_s < LEAST_SETTLE_S:
        yield "settling below 60 min at bias: the dark current still drifts"
    if wanted.warm_up_duration_s < LEAST_WARM_UP_S:
        yield "warm-up below 15 min: the output of the tube still rises"
    if wanted.blanks < LEAST_BLANKS:
        yield f"{wanted.blanks} blank runs: {LEAST_BLANKS} give the scatter of a result to 16 %"


def _gy(gy_s: float) -> str:
    return format_quantity(gy_s, "Gy/s", 3)
