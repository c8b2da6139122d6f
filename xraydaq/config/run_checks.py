"""Checks of a run across recipe, sample and bench: limits, ranges, timing."""

import math
from collections.abc import Iterable, Iterator

from xraydaq.config.calibration import SAME_AL_M, DoseCalibration
from xraydaq.config.draft import Draft
from xraydaq.config.envelope import OVERRANGE, reading_time_s, smallest_range_a
from xraydaq.config.limits import (
    BIAS,
    CURRENT,
    DIGITS,
    TEMPERATURE,
    TUBE_CURRENT,
    TUBE_POWER,
    TUBE_VOLTAGE,
    Limit,
)
from xraydaq.config.models import Sample
from xraydaq.config.recipes.parts import SourceParameters
from xraydaq.units import format_quantity

SMU_BAUD = 9600
"""Factory setting of a Keithley 2400's menu (User's Manual, 2400S-900-01, RS-232 interface)."""

COMPLIANCE_MARGIN = 10.0
"""Recommended ratio of compliance to the largest expected dark current."""

Limits = dict[str, Limit]


def chosen_range_a(wanted: SourceParameters, sample: Sample) -> float:
    """Get the recipe's current range, else the smallest that holds the dark current and that the compliance has."""
    if wanted.current_range_a is not None:
        return wanted.current_range_a
    largest_a = smallest_range_a(wanted.compliance_a, full_scale=OVERRANGE)
    return min(smallest_range_a(sample.max_dark_current_a), largest_a)


def run_problems(draft: Draft, limits: tuple[Limit, ...]) -> Iterator[str]:
    """Find what must not run; `limits` is the tightest of each quantity."""
    by_quantity = {limit.quantity: limit for limit in limits}
    yield from _biases(draft, by_quantity)
    yield from _beams(draft, by_quantity)
    yield from _temperatures(draft, by_quantity)
    yield from _foils(draft)
    yield from _calibration(draft)
    if isinstance(draft.recipe.parameters, SourceParameters):
        yield from _compliance(draft, by_quantity.get(CURRENT))
        yield from _range(draft)
        yield from _timing(draft)
    for key, text in draft.recipe.parameters.problems():
        if draft.knows(f"recipe.parameters.{key}"):
            yield f"{_at(draft, key)}{text}"


def run_warnings(draft: Draft) -> Iterator[str]:
    """Find what may run but should be known."""
    wanted, expected_a = draft.recipe.parameters, draft.sample.max_dark_current_a
    if not isinstance(wanted, SourceParameters):
        return
    if not wanted.compliance_a >= COMPLIANCE_MARGIN * expected_a * (1 - 1e-9):
        yield (
            f"{_at(draft, 'compliance')}{_amps(wanted.compliance_a)} is less than {COMPLIANCE_MARGIN:g} times the "
            f"max_dark_current of {_amps(expected_a)} ({draft.origin('sample.max_dark_current')}); "
            f"recommended: {_amps(COMPLIANCE_MARGIN * expected_a)}"
        )
    if wanted.current_range_a is not None and not wanted.current_range_a >= expected_a:
        yield (
            f"{_at(draft, 'current_range')}{_amps(wanted.current_range_a)} does not hold the max_dark_current of "
            f"{_amps(expected_a)} ({draft.origin('sample.max_dark_current')}); readings above the range are lost"
        )


def _biases(draft: Draft, limits: Limits) -> Iterator[str]:
    yield from _over_limits(draft, draft.recipe.parameters.biases(), limits.get(BIAS))


def _beams(draft: Draft, limits: Limits) -> Iterator[str]:
    beams = tuple(draft.recipe.parameters.beams())
    yield from _over_limits(draft, (("tube_voltage", kv) for _, kv, _ in beams), limits.get(TUBE_VOLTAGE))
    yield from _over_limits(draft, ((key, current) for key, _, current in beams), limits.get(TUBE_CURRENT))
    yield from _over_limits(draft, ((key, kv * current) for key, kv, current in beams), limits.get(TUBE_POWER))


def _temperatures(draft: Draft, limits: Limits) -> Iterator[str]:
    yield from _over_limits(draft, draft.recipe.parameters.temperatures(), limits.get(TEMPERATURE))


def _foils(draft: Draft) -> Iterator[str]:
    if not draft.knows("bench.filters") or draft.bench.filters is None:
        return
    known_m = (0.0, *draft.bench.filters.foils_m)
    for key, foil_m in draft.recipe.parameters.foils():
        if draft.knows(f"recipe.parameters.{key}") and not any(abs(foil_m - each) < 1e-9 for each in known_m):
            foils = ", ".join(format_quantity(each, "m", DIGITS) for each in known_m)
            yield (
                f"{_at(draft, key)}{format_quantity(foil_m, 'm', DIGITS)} is no foil of the bench "
                f"({draft.origin('bench.filters')}); allowed: {foils}"
            )


def _calibration(draft: Draft) -> Iterator[str]:
    wanted = draft.recipe.parameters
    if draft.recipe.calibration is None:
        if wanted.NEEDS_CALIBRATION:
            yield (
                f"{draft.origin('recipe.procedure')}: calibration: missing; {draft.recipe.procedure} states doses; "
                'write for example calibration = "../calibrations/simulated_50kv.toml" above the first table'
            )
        return
    if draft.calibration is None:
        return
    yield from _uncalibrated_beams(draft, draft.calibration)
    if draft.calibration.simulated and draft.bench.is_real:
        yield (
            f"{draft.origin('recipe.calibration')}: calibration: {draft.calibration.name!r} was made on a simulated "
            "bench; a real one needs its own: xraydaq run dose_calibration"
        )


def _uncalibrated_beams(draft: Draft, calibration: DoseCalibration) -> Iterator[str]:
    wanted, origin = draft.recipe.parameters, draft.origin("recipe.calibration")
    for tube_voltage_v in sorted({voltage_v for _, voltage_v, _ in wanted.beams()}):
        if abs(tube_voltage_v - calibration.tube_voltage_v) > 1e-6 * calibration.tube_voltage_v:
            yield (
                f"{_at(draft, 'tube_voltage')}{format_quantity(tube_voltage_v, 'V')} is not the voltage of the "
                f"calibration ({origin}); allowed: {format_quantity(calibration.tube_voltage_v, 'V')}"
            )
    if draft.bench.filters is None:
        return
    known_m = [each.total_al_m for each in calibration.filters]
    for key, foil_m in wanted.foils():
        total_m = draft.bench.total_al_m(foil_m)
        if draft.knows(f"recipe.parameters.{key}") and not any(abs(total_m - each) <= SAME_AL_M for each in known_m):
            filters = ", ".join(format_quantity(each, "m") for each in known_m)
            yield (
                f"{_at(draft, key)}with the fixed filter {format_quantity(total_m, 'm')} of aluminium, which the "
                f"calibration ({origin}) does not have; it has {filters}"
            )


def _over_limits(draft: Draft, wanted: Iterable[tuple[str, float]], limit: Limit | None) -> Iterator[str]:
    said: set[str] = set()  # one line for each key, however many values of it are too large
    for key, value in wanted:
        if limit is None or not draft.knows(f"recipe.parameters.{key}") or limit.holds(value) or key in said:
            continue
        said.add(key)
        yield (
            f"{_at(draft, key)}{format_quantity(value, limit.unit, DIGITS)} is over the limit of {limit.text()}; "
            f"use at most {format_quantity(limit.value, limit.unit, DIGITS)}"
        )


def _compliance(draft: Draft, limit: Limit | None) -> Iterator[str]:
    if not draft.knows("recipe.parameters.compliance"):
        return
    compliance_a = draft.recipe.parameters.compliance_a
    yield from _over_limits(draft, (("compliance", compliance_a),), limit)
    if draft.knows("sample.max_dark_current") and not compliance_a > draft.sample.max_dark_current_a:
        yield (
            f"{_at(draft, 'compliance')}{_amps(compliance_a)} is not above the max_dark_current of "
            f"{_amps(draft.sample.max_dark_current_a)} from {draft.origin('sample.max_dark_current')}; "
            f"use {_amps(COMPLIANCE_MARGIN * draft.sample.max_dark_current_a)} or more"
        )


def _range(draft: Draft) -> Iterator[str]:
    # a compliance below 0.1 % of the range (error +822) cannot get past this: 1 nA, the least, is 0.1 % of 1 uA
    if not draft.knows("recipe.parameters.compliance", "recipe.parameters.current_range"):
        return
    wanted = draft.recipe.parameters
    largest_a = smallest_range_a(wanted.compliance_a, full_scale=OVERRANGE)
    if wanted.current_range_a is not None and not wanted.current_range_a <= largest_a:
        yield (
            f"{_at(draft, 'current_range')}{_amps(wanted.current_range_a)} is above the range of the compliance; "
            f"allowed: at most {_amps(largest_a)} with a compliance of {_amps(wanted.compliance_a)} "
            f"({draft.origin('recipe.parameters.compliance')})"
        )


def _timing(draft: Draft) -> Iterator[str]:
    wanted = draft.recipe.parameters
    if not draft.knows("recipe.parameters.nplc", "recipe.parameters.line_frequency"):
        return
    shortest_s = reading_time_s(wanted.nplc, wanted.line_frequency_hz, serial_baud=_serial_baud(draft))
    for key, period_s in wanted.periods():
        if draft.knows(f"recipe.parameters.{key}") and not period_s >= shortest_s:
            yield (
                f"{_at(draft, key)}{_seconds(period_s)} is shorter than a reading; allowed: "
                f"at least {_seconds(_rounded_up(shortest_s))} at {wanted.nplc:g} PLC and "
                f"{wanted.line_frequency_hz:g} Hz; use a longer {key} or a smaller nplc"
            )
    if hasattr(wanted, "duration_s") and draft.knows("recipe.parameters.period", "recipe.parameters.duration"):
        yield from _period_in_duration(draft)


def _period_in_duration(draft: Draft) -> Iterator[str]:
    wanted = draft.recipe.parameters
    if not wanted.period_s <= wanted.duration_s:
        yield (
            f"{_at(draft, 'period')}{_seconds(wanted.period_s)} is longer than the duration of "
            f"{_seconds(wanted.duration_s)} ({draft.origin('recipe.parameters.duration')}); "
            f"allowed: at most the duration"
        )


def _serial_baud(draft: Draft) -> int | None:
    if not draft.knows("bench.roles") or "smu" not in draft.bench.roles or not draft.knows("bench.roles.smu.resource"):
        return None
    smu = draft.bench.roles["smu"]
    return (smu.baud or SMU_BAUD) if smu.resource.startswith("ASRL") else None


def _at(draft: Draft, key: str) -> str:
    return f"{draft.origin(f'recipe.parameters.{key}')}: parameters.{key}: "


def _amps(current_a: float) -> str:
    return format_quantity(current_a, "A", DIGITS)


def _seconds(duration_s: float) -> str:
    return format_quantity(duration_s, "s", DIGITS)


def _rounded_up(duration_s: float) -> float:
    """Get the next millisecond: what a message allows must be allowed."""
    return math.ceil(duration_s * 1e3) / 1e3
