"""Plain text table of an evaluated run, for a terminal of 80 columns."""

import textwrap

from xraydaq.analysis.outcome import Result
from xraydaq.analysis.values import Value
from xraydaq.report.notices import bench_notice

WIDTH = 80
NOTE_INDENT = " " * 4


def render(result: Result, *, simulated: bool | None = None, served: bool = False) -> str:
    """Return label, value ± u (k = 1) and unit per line, notes below their line, then flags and the verdict."""
    rows = [(label, _shown(value, unit)) for label, value, unit in result.rows()]
    label_width = max(len(label) for label, _ in rows)
    number_width = max(len(value.number()) for _, value in rows)
    lines = [*_wrapped(result.headline, ""), ""]
    for label, value in rows:
        unit = "" if value.unit == "1" or value.number() == "not known" else value.unit
        lines.append(f"{label:{label_width}}  {value.number():>{number_width}}  {unit}".rstrip())
        lines += _wrapped(result.notes.get(label, ""), NOTE_INDENT)
    lines += ["", "Uncertainties are standard uncertainties, k = 1."]
    lines += [line for flag in result.flags for line in _wrapped(flag, "! ")]
    notice = bench_notice(simulated, served=served)
    lines += ["", *_wrapped(_verdict(result), ""), *_wrapped(notice, "")]
    return "\n".join(lines) + "\n"


def _shown(value: Value, unit: str) -> Value:
    return value.to(unit) if unit else value.prefixed()


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=" " * len(indent))


def _verdict(result: Result) -> str:
    kind = f" (class {result.classification})" if result.classification else ""
    return f"verdict: {result.verdict}{kind}"
