"""What a temperature sweep says of itself beforehand: temperatures, readings, time, and what it will not bear."""

import math
from collections.abc import Iterator

from procedures.base import Phase, Plan
from procedures.meter_plan import accuracy_text, of_the_dark_current, smallest_range_a
from procedures.source import compliance_text, reading_text
from procedures.wanted import parameters_as
from xraydaq.config import RunConfig
from xraydaq.config.models import StageTable
from xraydaq.config.recipes.temperature_sweep import TemperatureSweepParameters
from xraydaq.units import format_quantity

ROOM_K = 295.0
SETTLING_S = 90.0
"""Of a stage after a ramp, besides the minute of watching and five lags of the crystal; stages differ."""

WATCHED_S = 60.0
LAGS = 5.0
PHASE_CHANGE_K = 327.0
PEROVSKITE = "CH6NPbI3"
NEAR_K = 2.0
LEAST_TEMPERATURES, LEAST_SPAN_K = 10, 30.0
"""For two activation energies: five temperatures and 15 K on each side of the change."""

SHORT_PULSE_S = 15.0
SHALLOW_EV = 0.3
"""Activation energy by which the current falls at least, taken for the largest to expect at the lowest temperature."""

BOLTZMANN_EV_K = 8.617333e-5


wanted_of = parameters_as(TemperatureSweepParameters)


def rows_of_point(wanted: TemperatureSweepParameters) -> tuple[int, int]:
    """Get the readings of one rest and of one pulse."""
    return _readings(wanted.rest_duration_s, wanted), _readings(wanted.pulse_duration_s, wanted)


def _readings(duration_s: float, wanted: TemperatureSweepParameters) -> int:
    return int(duration_s / wanted.period_s + 1e-9)


def plan_of(config: RunConfig) -> Plan:
    """Compute temperatures, readings and time; opens nothing."""
    wanted = wanted_of(config)
    stage = config.bench.stage or StageTable.model_validate({})
    phases, before_k = [], ROOM_K
    for number, kelvin in enumerate(wanted.levels_k):
        ramp_s = abs(kelvin - before_k) / stage.ramp_rate_k_per_s
        settled_s = ramp_s + SETTLING_S + WATCHED_S + LAGS * stage.crystal_lag_s
        pulses = len(wanted.signs)
        measured_s = pulses * (wanted.rest_duration_s + wanted.pulse_duration_s)
        rest, pulse = rows_of_point(wanted)
        way = "up" if number == 0 or kelvin > before_k else "down"
        phases.append((way, settled_s + measured_s, pulses * (rest + pulse)))
        before_k = kelvin
    return Plan(tuple(_summed(phases, wanted)), 0.0, details=_details(config), warnings=tuple(_warnings(config)))


def _summed(points: list[tuple[str, float, int]], wanted: TemperatureSweepParameters) -> Iterator[Phase]:
    ends = (f"{wanted.lowest_temperature_k:g} K", f"{wanted.highest_temperature_k:g} K")
    for way, first, last in (("up", *ends), ("down", *reversed(ends))):
        of_way = [point for point in points if point[0] == way]
        if of_way:
            seconds, rows = sum(point[1] for point in of_way), sum(point[2] for point in of_way)
            yield Phase(way, wanted.bias_v, seconds, rows, f"{len(of_way)} temperatures, {first} to {last}")


def _details(config: RunConfig) -> tuple[tuple[str, str], ...]:
    wanted = wanted_of(config)
    field = abs(wanted.bias_v) / config.sample.gap_m / 1e3
    return (
        ("each reading", f"{reading_text(wanted.period_s, wanted)} at most"),
        ("accuracy", accuracy_text(wanted, smallest_range_a(wanted))),
        ("compliance", compliance_text(wanted)),
        ("nominal field", f"{field:.4g} V/mm"),
        (
            "pulses",
            f"{len(wanted.signs)} per temperature, {format_quantity(wanted.pulse_duration_s, 's')} at "
            f"±{format_quantity(abs(wanted.bias_v), 'V')} after {format_quantity(wanted.rest_duration_s, 's')} at 0 V",
        ),
        ("time", "an estimate: a temperature is taken when the stage is in equilibrium"),
        ("electrodes", config.sample.electrodes),
    )


def _warnings(config: RunConfig) -> Iterator[str]:
    wanted = wanted_of(config)
    sample, span_k = config.sample, wanted.highest_temperature_k - wanted.lowest_temperature_k
    if sample.electrodes == "injecting_gap":
        yield "the sample's electrodes inject: above its trap-filled limit the current is not ohmic"
    if sample.finger_width_m is None or sample.finger_length_m is None:
        yield "the sample has no finger_width or no finger_length: the run cannot be evaluated without a cell constant"
    if span_k < LEAST_SPAN_K or len(wanted.levels_k) < LEAST_TEMPERATURES:
        yield f"{len(wanted.levels_k)} temperatures over {span_k:g} K can show one activation energy only"
    if sample.chemical_formula == PEROVSKITE and wanted.highest_temperature_k > PHASE_CHANGE_K - NEAR_K:
        yield f"MAPbI3 changes its phase at {PHASE_CHANGE_K:g} K: {wanted.highest_temperature_k:g} K is too near"
    if wanted.step_down_k == 0:
        yield "one direction alone cannot show hysteresis"
    if wanted.pulse_duration_s < SHORT_PULSE_S:
        yield f"a pulse of {wanted.pulse_duration_s:g} s hardly tells absorption from conduction"
    yield from _of_the_lowest_current(config)


def _of_the_lowest_current(config: RunConfig) -> Iterator[str]:
    """Warn of the current at the lowest temperature, from above: the one at the highest, shallowly activated."""
    wanted = wanted_of(config)
    low_k, high_k = wanted.lowest_temperature_k, wanted.highest_temperature_k
    fall = math.exp(-SHALLOW_EV / BOLTZMANN_EV_K * (1 / low_k - 1 / high_k))
    where = f"at {low_k:g} K (max_dark_current at {high_k:g} K, falling by {SHALLOW_EV:g} eV)"
    mended = "pulses of both signs take its constant part out"
    range_a = smallest_range_a(wanted)
    largest_a = config.sample.max_dark_current_a * fall
    yield from of_the_dark_current(wanted, largest_a, where, range_a=range_a, mended=mended)
