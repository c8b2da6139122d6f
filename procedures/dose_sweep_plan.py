"""What a dose-rate sweep says of itself beforehand: readings, beam time, dose, and what the physics will not allow."""

import math
from collections.abc import Iterator

from procedures.base import Phase, Plan
from procedures.chopped_plan import (
    conditioning_cycles,
    dose_rate_gy_s,
    gy_text,
    of_the_dose,
    of_the_photocurrents,
    of_the_warm_up,
)
from procedures.chopping import chopped_points
from procedures.dose_sweep_order import Point, points_of, wanted_of
from procedures.source import LONGEST_WAY_TO_ZERO_S, compliance_text, reading_text
from xraydaq.config import RunConfig
from xraydaq.config.recipes.dose_rate_sweep import DoseRateSweepParameters

LEAST_SETTLE_S = 3600.0
LEAST_BLANKS = 20


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
        warnings=(
            *of_the_dose(config, tuple(each.current_a for each in visits)),
            *_of_the_currents(config, visits),
            *_of_the_practice(config),
        ),
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
    filters = ", ".join(f"{config.bench.total_al_m(each) * 1e3:g}" for each in sorted(wanted.foils_m))
    reference = dose_rate_gy_s(config, wanted.reference_foil_m, wanted.reference_current_a)
    seed = f", seed {wanted.order_seed}" if wanted.order == "random" else ""
    return (
        ("each reading", reading_text(wanted.period_s, wanted)),
        ("compliance", compliance_text(wanted)),
        ("nominal field", f"{abs(wanted.bias_v) / config.sample.gap_m / 1e3:.4g} V/mm"),
        ("dose rates", f"{gy_text(min(rates))} to {gy_text(max(rates))}, {wanted.order} order{seed}"),
        ("aluminium in all", f"{filters} mm"),
        ("each visit", f"{wanted.cycles} cycles of {2 * wanted.half_period_s:g} s, {visit_s(wanted):g} s"),
        ("reference", f"{gy_text(reference)}, first, middle and last"),
    )  # fmt: skip


def _of_the_currents(config: RunConfig, visits: list[Point]) -> Iterator[str]:
    wanted = wanted_of(config)
    rates = [dose_rate_gy_s(config, each.foil_m, each.current_a) for each in visits]
    lowest = (min(rates), f"at {gy_text(min(rates))}")
    yield from of_the_photocurrents(config, wanted.expected_sensitivity_c_gy_m2, lowest, max(rates))


def _of_the_practice(config: RunConfig) -> Iterator[str]:
    wanted = wanted_of(config)
    if wanted.order in ("rising", "falling"):
        yield f"{wanted.order} order: a drift of the sensitivity will look like a non-linearity"
    if wanted.settle_duration_s < LEAST_SETTLE_S:
        yield "settling below 60 min at bias: the dark current still drifts"
    yield from of_the_warm_up(wanted.warm_up_duration_s)
    if wanted.blanks < LEAST_BLANKS:
        yield f"{wanted.blanks} blank runs: {LEAST_BLANKS} give the scatter of a result to 16 %"
