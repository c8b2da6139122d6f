"""Checks of a bias-stability run across recipe, sample and bench: limits, ranges, timing."""

import math
from collections.abc import Iterator

from xraydaq.config.draft import Draft
from xraydaq.config.envelope import OVERRANGE, reading_time_s, smallest_range_a
from xraydaq.config.limits import BIAS, CURRENT, DIGITS, Limit
from xraydaq.config.models import Sample
from xraydaq.config.recipes.bias_stability import BiasStabilityParameters
from xraydaq.units import format_quantity

SMU_BAUD = 9600
"""Factory setting of a Keithley 2400's menu (User's Manual, 2400S-900-01, RS-232 interface)."""

COMPLIANCE_MARGIN = 10.0
"""Recommended ratio of compliance to the largest expected dark current."""


def chosen_range_a(wanted: BiasStabilityParameters, sample: Sample) -> float:
    """Get the recipe's current range, else the smallest that holds the dark current and that the compliance has."""
    if wanted.current_range_a is not None:
        return wanted.current_range_a
    largest_a = smallest_range_a(wanted.compliance_a, full_scale=OVERRANGE)
    return min(smallest_range_a(sample.max_dark_current_a), largest_a)


def run_problems(draft: Draft, limits: tuple[Limit, ...]) -> Iterator[str]:
    """Find what must not run; `limits` is the tightest of each quantity."""
    by_quantity = {limit.quantity: limit for limit in limits}
    yield from _bias(draft, by_quantity.get(BIAS))
    yield from _compliance(draft, by_quantity.get(CURRENT))
    yield from _range(draft)
    yield from _timing(draft)


def run_warnings(draft: Draft) -> Iterator[str]:
    """Find what may run but should be known."""
    wanted, expected_a = draft.recipe.parameters, draft.sample.max_dark_current_a
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


def _bias(draft: Draft, limit: Limit | None) -> Iterator[str]:
    if not draft.knows("recipe.parameters.bias"):
        return
    bias_v = draft.recipe.parameters.bias_v
    if bias_v == 0:
        yield f"{_at(draft, 'bias')}0 V given; allowed: a bias of either sign (baseline and tail are taken at 0 V)"
    if limit is not None and not limit.holds(bias_v):
        yield _over(draft, "bias", bias_v, limit)


def _compliance(draft: Draft, limit: Limit | None) -> Iterator[str]:
    if not draft.knows("recipe.parameters.compliance"):
        return
    compliance_a = draft.recipe.parameters.compliance_a
    if limit is not None and not limit.holds(compliance_a):
        yield _over(draft, "compliance", compliance_a, limit)
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
    if draft.knows(*(f"recipe.parameters.{key}" for key in ("period", "nplc", "line_frequency"))):
        shortest_s = reading_time_s(wanted.nplc, wanted.line_frequency_hz, serial_baud=_serial_baud(draft))
        if not wanted.period_s >= shortest_s:
            yield (
                f"{_at(draft, 'period')}{_seconds(wanted.period_s)} is shorter than a reading; allowed: "
                f"at least {_seconds(_rounded_up(shortest_s))} at {wanted.nplc:g} PLC and "
                f"{wanted.line_frequency_hz:g} Hz; use a longer period or a smaller nplc"
            )
    if (
        draft.knows("recipe.parameters.period", "recipe.parameters.duration")
        and not wanted.period_s <= wanted.duration_s
    ):
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


def _over(draft: Draft, key: str, value: float, limit: Limit) -> str:
    return (
        f"{_at(draft, key)}{format_quantity(value, limit.unit, DIGITS)} is over the limit of {limit.text()}; "
        f"use at most {format_quantity(limit.value, limit.unit, DIGITS)}"
    )


def _at(draft: Draft, key: str) -> str:
    return f"{draft.origin(f'recipe.parameters.{key}')}: parameters.{key}: "


def _amps(current_a: float) -> str:
    return format_quantity(current_a, "A", DIGITS)


def _seconds(duration_s: float) -> str:
    return format_quantity(duration_s, "s", DIGITS)


def _rounded_up(duration_s: float) -> float:
    """Get the next millisecond: what a message allows must be allowed."""
    return math.ceil(duration_s * 1e3) / 1e3
