"""Plain text table of an evaluated run, for a terminal of 80 columns."""

import textwrap

from xraydaq.analysis.bias_stability import BiasStabilityResult
from xraydaq.analysis.values import Value
from xraydaq.report.notices import bench_notice

WIDTH = 80
NOTE_INDENT = " " * 4
SURE = 4  # the largest of many noisy values is expected to be up to this many u without any change behind it


def render(result: BiasStabilityResult, *, simulated: bool | None = None, served: bool = False) -> str:
    """Return label, value ± u (k = 1) and unit per line, notes below their line, then flags and the verdict."""
    rows = [(label, _shown(value, unit)) for label, value, unit in result.rows()]
    label_width = max(len(label) for label, _ in rows)
    number_width = max(len(value.number()) for _, value in rows)
    notes = _notes(result)
    lines = [_headline(result), ""]
    for label, value in rows:
        unit = "" if value.unit == "1" or value.number() == "not known" else value.unit
        lines.append(f"{label:{label_width}}  {value.number():>{number_width}}  {unit}".rstrip())
        lines += _wrapped(notes.get(label, ""), NOTE_INDENT)
    lines += ["", "Uncertainties are standard uncertainties, k = 1."]
    lines += [line for flag in result.flags for line in _wrapped(flag, "! ")]
    notice = bench_notice(simulated, served=served)
    lines += ["", f"verdict: {result.verdict} (class {result.shape.kind})", *_wrapped(notice, "")]
    return "\n".join(lines) + "\n"


def _shown(value: Value, unit: str) -> Value:
    return value.to(unit) if unit else value.prefixed()


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=" " * len(indent))


def _headline(result: BiasStabilityResult) -> str:
    hours = f"{result.duration_s / 3600:.4g} h" if result.duration_s >= 3600 else f"{result.duration_s / 60:.3g} min"
    used, dropped = result.inputs["rows_used"], result.inputs["rows_dropped_at_bias"]
    return f"Dark current at {result.inputs['bias_v']:g} V for {hours}: {used:.0f} rows used, {dropped:.0f} dropped"


def _notes(result: BiasStabilityResult) -> dict[str, str]:
    """Notes by label: what a number depends on, or why it says little."""
    notes = {"mean dark current": f"largest contribution to u: {_largest(result, 'mean current')}"}
    if result.end_points is not None:
        points = result.end_points
        notes["drift metric"] = f"from t1 = {points.t1_s:.0f} s to t2 = {points.t2_s:.0f} s after bias"
        if not abs(result.drift.value) > 2 * result.drift.u:
            notes["drift metric"] += "; not distinguished from zero"
    if result.shape.steepest.value < SURE * result.shape.steepest.u:
        notes["steepest change"] = "not above the noise"
    if not result.noise.fitted:
        notes["1/f noise density at 1 Hz"] = "not fitted, 1/f assumed"
    if not result.offset.measured:
        notes["offset at 0 V"] = "not measured, nothing subtracted"
    return notes


def _largest(result: BiasStabilityResult, budget: str) -> str:
    contributions = result.budgets[budget]
    return max(contributions, key=lambda name: contributions[name])
