"""What a noise run says of itself beforehand: spectra, their time, and what the preamplifier will not bear."""

import math
from collections.abc import Iterator

from instruments.agilent35670a import NoiseSettings
from instruments.sr570.performance import FULL_SCALE_V, bandwidth_hz, noise_a_rthz
from procedures.base import Phase, Plan
from procedures.meter_plan import accuracy_text, of_the_dark_current
from procedures.source import LONGEST_WAY_TO_ZERO_S, compliance_text, reading_text
from procedures.wanted import parameters_as
from xraydaq.config import RunConfig
from xraydaq.config.recipes.noise_spectrum import NoiseSpectrumParameters
from xraydaq.units import format_quantity

KIND_TEXTS = {"device": "crystal", "zero_bias": "crystal at 0 V", "open_input": "open input"}
SETTLING_RECORDS = 3
RANGING_S = 10.0
QUIET = 3.0
"""The preamplifier's noise should stay below this part of the crystal's."""

POLE_ROOM = 2.0
LEAST_SETTLE_S = 1800.0
HALF_SCALE = 0.5
WIDEST_RANGE_DBVRMS = 27


def settings_of(wanted: NoiseSpectrumParameters, span: int, range_dbvrms: int) -> NoiseSettings:
    """Get the analyser's settings of one span."""
    return NoiseSettings(
        span_hz=wanted.spans_hz[span],
        range_dbvrms=range_dbvrms,
        averages=wanted.averages,
        lines=wanted.lines[span],
        overlap_percent=round(100 * wanted.overlap),
        low="FLO" if wanted.low_terminal == "floating" else "GRO",
    )


def duration_s(settings: NoiseSettings) -> float:
    """Get how long one spectrum takes."""
    return settings.shortest_s + (1 + SETTLING_RECORDS) * settings.record_s


def plan_of(config: RunConfig) -> Plan:
    """Compute spectra and time; opens nothing."""
    wanted = wanted_of(config)
    spectra_s = sum(duration_s(settings_of(wanted, span, WIDEST_RANGE_DBVRMS)) for span in range(len(wanted.spans_hz)))
    phases = [Phase("settling", wanted.bias_v, wanted.settle_duration_s + RANGING_S, 0)]
    for kind in wanted.kinds:
        bias_v = wanted.bias_v if kind == "device" else 0.0
        rest_s = wanted.rest_duration_s if kind == "zero_bias" else 0.0
        text = f"{bias_v:g} V" if kind == "device" else KIND_TEXTS[kind]
        phases.append(Phase(f"spectra of {KIND_TEXTS[kind]}", bias_v, rest_s + spectra_s, len(wanted.spans_hz), text))
        if kind == "device" and wanted.current_duration_s > 0:
            readings = current_points(wanted)
            phases.append(Phase("dark current", wanted.bias_v, wanted.current_duration_s, readings))
    way_s = abs(wanted.bias_v) / wanted.ramp_rate_v_per_s if wanted.current_duration_s > 0 else 0.0
    return Plan(
        tuple(phases),
        way_s + min(way_s, LONGEST_WAY_TO_ZERO_S),
        details=_details(config),
        warnings=tuple(_warnings(config)),
    )


def current_points(wanted: NoiseSpectrumParameters) -> int:
    """Get the number of readings of the dark current."""
    if not wanted.current_duration_s > 0:
        return 0
    return math.floor(wanted.current_duration_s / wanted.period_s + 1e-9) + 1


wanted_of = parameters_as(NoiseSpectrumParameters)


def _details(config: RunConfig) -> tuple[tuple[str, str], ...]:
    wanted = wanted_of(config)
    spans = ", ".join(
        f"{format_quantity(span_hz, 'Hz')} in {lines} lines"
        for span_hz, lines in zip(wanted.spans_hz, wanted.lines, strict=False)
    )
    noise = noise_a_rthz(wanted.sensitivity_a_v, wanted.gain_mode)
    pole = format_quantity(bandwidth_hz(wanted.sensitivity_a_v, wanted.gain_mode), "Hz")
    setting = f"{format_quantity(wanted.sensitivity_a_v, 'A/V')}, {wanted.gain_mode.replace('_', ' ')}, no filter"
    told = [
        ("each spectrum", f"{wanted.averages} averages, {wanted.overlap:.0%} overlap, Hann; {spans}"),
        ("preamplifier", f"{setting}; nominal noise {noise:.2g} A/√Hz, pole {pole}"),
        ("nominal field", f"{abs(wanted.bias_v) / config.sample.gap_m / 1e3:.4g} V/mm"),
    ]
    if wanted.current_duration_s > 0:
        told.append(("each reading", f"of the dark current, {reading_text(wanted.period_s, wanted)}"))
        told.append(("accuracy", accuracy_text(wanted)))
        told.append(("compliance", compliance_text(wanted)))
    return tuple(told)


def _warnings(config: RunConfig) -> Iterator[str]:
    yield from _of_the_preamplifier(config)
    wanted = wanted_of(config)
    if wanted.settle_duration_s < LEAST_SETTLE_S:
        yield "settle_duration below 30 min: a current that still changes looks like low-frequency noise"
    if not (wanted.open_input or wanted.zero_bias):
        yield "no background: the white level will hold the noise of preamplifier and analyser"
    if wanted.current_duration_s > 0:
        yield from of_the_dark_current(wanted, config.sample.max_dark_current_a, f"at {wanted.bias_v:g} V")


def _of_the_preamplifier(config: RunConfig) -> Iterator[str]:
    wanted = wanted_of(config)
    top_hz = max(wanted.spans_hz)
    pole_hz = bandwidth_hz(wanted.sensitivity_a_v, wanted.gain_mode)
    if top_hz * POLE_ROOM > pole_hz:
        yield (
            f"lines above {format_quantity(pole_hz / POLE_ROOM, 'Hz')} are not evaluated: the preamplifier has its "
            f"pole at {format_quantity(pole_hz, 'Hz')}"
        )
    noise = noise_a_rthz(wanted.sensitivity_a_v, wanted.gain_mode)
    if wanted.expected_noise_a2_hz is None:
        yield (
            f"the noise of the preamplifier, {noise:.2g} A/√Hz, was not compared with that of the crystal: the recipe "
            "has no expected_noise"
        )
    else:
        expected = math.sqrt(wanted.expected_noise_a2_hz / min(top_hz, pole_hz / POLE_ROOM))
        if noise * QUIET > expected:
            yield (
                f"noise of the preamplifier, {noise:.2g} A/√Hz, above a third of the expected {expected:.2g} A/√Hz at "
                "the top of the band: choose a more sensitive setting"
            )
    output_v = config.sample.max_dark_current_a / wanted.sensitivity_a_v
    if output_v > HALF_SCALE * FULL_SCALE_V:
        yield (
            f"the sample's max_dark_current gives {format_quantity(output_v, 'V')} at the preamplifier, which ends at "
            f"{FULL_SCALE_V:g} V: choose a less sensitive setting"
        )
