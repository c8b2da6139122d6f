"""What a current-voltage sweep says of itself beforehand: sweeps, readings, time, and what it will not bear."""

from collections.abc import Iterator

from instruments.keithley2400.ranges import voltage_range_v
from instruments.keithley2400.source_accuracy import bias_uncertainty_v
from procedures.base import Phase, Plan
from procedures.meter_plan import accuracy_text, of_the_dark_current
from procedures.source import LONGEST_WAY_TO_ZERO_S, compliance_text, reading_text
from procedures.wanted import parameters_as
from xraydaq.config import RunConfig
from xraydaq.config.recipes.sclc_sweep import SclcSweepParameters
from xraydaq.units import format_quantity

WAYS = {"up and down": (1, -1), "up": (1,), "down": (-1,)}
DECADES_OF_CURRENT = 3
"""Changes of the measure range to reckon with in each sweep."""

USUAL_BIAS_V = 5.0
"""Bias that the sample's max_dark_current is taken to hold at."""

LEAST_BASELINE_S = 5.0
BIAS_U_REL = 0.02
"""A bias known worse than this is said so."""


wanted_of = parameters_as(SclcSweepParameters)


def sweeps_of(wanted: SclcSweepParameters) -> tuple[tuple[int, int], ...]:
    """Get (repeat, direction) of every sweep in order."""
    return tuple((repeat, way) for repeat in range(wanted.repeats) for way in WAYS[wanted.directions])


def plan_of(config: RunConfig) -> Plan:
    """Compute sweeps, readings and time; opens nothing."""
    wanted = wanted_of(config)
    levels_v, sweeps = wanted.levels_v, sweeps_of(wanted)
    baseline = int(wanted.baseline_duration_s / wanted.period_s + 1e-9)
    each_s = len(levels_v) * (wanted.period_s + wanted.pulse_rest_duration_s)
    ends = f"{format_quantity(levels_v[0], 'V')} to {format_quantity(levels_v[-1], 'V')}"
    named = {1: "sweep up", -1: "sweep down"}
    phases = [Phase("baseline", 0.0, wanted.baseline_duration_s, baseline)]
    for way in WAYS[wanted.directions]:
        count = sum(direction == way for _, direction in sweeps)
        phases.append(Phase(named[way], levels_v[-1], count * each_s, count * len(levels_v), ends))
    phases.append(Phase("rest", 0.0, (wanted.repeats - 1) * wanted.rest_duration_s, 0))
    way_s = abs(levels_v[-1]) / wanted.ramp_rate_v_per_s
    changes_s = len(sweeps) * 2 * DECADES_OF_CURRENT * way_s / 2
    return Plan(
        tuple(phase for phase in phases if phase.duration_s > 0),
        changes_s + min(way_s, LONGEST_WAY_TO_ZERO_S),
        details=_details(config),
        warnings=tuple(_warnings(config)),
    )


def _details(config: RunConfig) -> tuple[tuple[str, str], ...]:
    wanted = wanted_of(config)
    field = abs(wanted.highest_bias_v) / config.sample.gap_m / 1e3
    pulses = f"pulses after {wanted.pulse_rest_duration_s:g} s at 0 V" if wanted.pulse_rest_duration_s > 0 else "steps"
    return (
        ("each reading", f"{reading_text(wanted.period_s, wanted)} at first, then as the current needs"),
        ("accuracy", accuracy_text(wanted)),
        ("compliance", compliance_text(wanted)),
        ("steps", f"{len(wanted.levels_v)} per sweep, {wanted.points_per_decade} per decade, {pulses}"),
        ("largest nominal field", f"{field:.4g} V/mm"),
        ("dielectric", wanted.dielectric),
    )


def _warnings(config: RunConfig) -> Iterator[str]:
    wanted = wanted_of(config)
    sample = config.sample
    if sample.electrodes != "injecting_gap":
        yield (
            f"the electrodes of the sample are {sample.electrodes!r}: the trap density holds for a single gap with "
            'ohmic contacts, "injecting_gap"'
        )
    if sample.relative_permittivity is None:
        yield "the sample has no relative_permittivity: 32 with 9 % is assumed, and the trap density scales with it"
    if wanted.baseline_duration_s < LEAST_BASELINE_S * wanted.period_s:
        yield "without a baseline the offset of the meter fakes slopes below 1 at low bias"
    if wanted.directions != "up and down":
        yield "one direction alone cannot show ionic hysteresis"
    low_v = abs(wanted.lowest_bias_v)
    u_v = bias_uncertainty_v(low_v, voltage_range_v(low_v))
    if u_v > BIAS_U_REL * low_v:
        yield f"the bias of {format_quantity(low_v, 'V')} is known to {100 * u_v / low_v:.0f} % only"
    yield from _of_the_lowest_current(config, low_v)


def _of_the_lowest_current(config: RunConfig, low_v: float) -> Iterator[str]:
    """Warn of the current at the lowest bias: by Ohm's law from above, since filling traps only steepens the curve."""
    wanted = wanted_of(config)
    largest_a = config.sample.max_dark_current_a * min(low_v / USUAL_BIAS_V, 1.0)
    where = f"at {format_quantity(low_v, 'V')} (by Ohm's law from max_dark_current at {USUAL_BIAS_V:g} V)"
    mended = "the baseline takes its constant part out" if wanted.baseline_duration_s > 0 else ""
    yield from of_the_dark_current(wanted, largest_a, where, mended=mended)
