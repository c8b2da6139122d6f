"""A stored run as text and as JSON."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from xraydaq.analysis.values import Value
from xraydaq.cli.names import shown
from xraydaq.report.notices import bench_notice
from xraydaq.storage import Quantity, StoredAnalysis, StoredRun
from xraydaq.storage.model import iso_utc

EVENTS_SHOWN = 20
SHARE_OF_U = "u_of_"
"""Beginning of the names of contributions to an uncertainty; they are in the file and in the JSON."""

MAIN_RESULTS = (
    "mean_dark_current", "dark_current_density", "drift_metric", "relative_slope", "peak_to_peak_over_mean",
    "settling_time_5_percent",
)  # fmt: skip
"""Shown first; a file keeps its results by name."""

UNITS = {"": "1", "A Hz^-0.5": "A/√Hz"}
SHOWN_IN = {
    "A m^-2": "nA cm^-2", "A m^-1 s^-1 V^-1": "nA cm^-1 s^-1 V^-1", "V m^-1": "V/mm", "s^-1": "%/h",
}  # fmt: skip


def run_record(stored: StoredRun) -> dict[str, Any]:
    """Get what is known about a run, without its rows and curves."""
    header = stored.header
    return {
        "run_id": header.run_id,
        "path": stored.path,
        "state": stored.state,
        "reason": stored.reason,
        "title": header.title,
        "procedure": header.procedure,
        "start": iso_utc(header.start_utc_s),
        "rows": stored.rows,
        "simulated": header.simulated,
        "served_simulation": header.served_simulation,
        "seed": header.seed,
        "resolved": header.resolved,
        "software": header.software,
        "host": header.host,
        "instruments": stored.instruments,
        "events": stored.events,
        "analyses": {number: _analysis_record(each) for number, each in stored.analyses.items()},
    }


def run_lines(stored: StoredRun) -> Iterator[str]:
    """Describe a run for a person."""
    header = stored.header
    yield header.title
    facts = {
        "run": header.run_id,
        "state": f"{stored.state}{': ' + stored.reason if stored.reason else ''}",
        "start": iso_utc(header.start_utc_s),
        "readings": str(stored.rows),
        "sample": str(header.sample.get("name", "")),
        "bench": bench_notice(header.simulated, served=header.served_simulation)
        + ("" if header.seed is None else f", seed {header.seed}"),
        "program": f"{header.software.get('program', '')} {header.software.get('version', '')}".strip(),
        **{role: str(facts.get("idn", "")) for role, facts in stored.instruments.items()},
        "file": shown(stored.path),
        **{f"figure {number}": shown(path) for number, path in enumerate(_figures(stored.path), 1)},
    }
    width = max(map(len, facts))
    yield from (f"{label:{width}}  {text}" for label, text in facts.items() if text)
    yield from _event_lines(stored)
    yield from _analysis_lines(stored)


def _figures(path: Path) -> list[Path]:
    return sorted(path.parent.glob("*.png")) if path.suffix == ".h5" else []


def _event_lines(stored: StoredRun) -> Iterator[str]:
    if not stored.events:
        return
    yield ""
    left_out = len(stored.events) - EVENTS_SHOWN
    yield "events" if left_out <= 0 else f"events (the last {EVENTS_SHOWN}; {left_out} earlier ones are in the file)"
    for event in stored.events[-EVENTS_SHOWN:]:
        yield f"  {event.elapsed_s:10.1f} s  {event.severity:7}  {event.kind}: {event.message.splitlines()[0]}"


def _analysis_lines(stored: StoredRun) -> Iterator[str]:
    yield ""
    if not stored.analyses:
        yield "not analysed" if stored.path.suffix == ".h5" else "no result file yet"
        return
    number = max(stored.analyses)
    analysis = stored.analyses[number]
    yield f"analysis {number} of {len(stored.analyses)}: {analysis.name}, {analysis.date}"
    names = [name for name in analysis.results if not name.startswith(SHARE_OF_U)]
    names.sort(key=lambda name: MAIN_RESULTS.index(name) if name in MAIN_RESULTS else len(MAIN_RESULTS))
    width = max(map(len, names), default=0)
    for name in names:
        yield f"  {name:{width}}  {_quantity_text(analysis.results[name])}"
    yield from (f"  ! {flag}" for flag in analysis.text.get("flags", "").splitlines())
    yield f"  verdict: {analysis.text.get('verdict', 'none')}"


def _quantity_text(quantity: Quantity) -> str:
    value = Value(quantity.value, quantity.u, UNITS.get(quantity.unit, quantity.unit))
    value = value.to(SHOWN_IN[value.unit]) if value.unit in SHOWN_IN else value.prefixed()
    if value.unit == "1" or not math.isfinite(value.value):
        return value.number()
    return f"{value.number()} {value.unit}"


def _analysis_record(analysis: StoredAnalysis) -> dict[str, Any]:
    return {
        "name": analysis.name,
        "program": analysis.program,
        "version": analysis.version,
        "date": analysis.date,
        "inputs": analysis.inputs,
        "results": analysis.results,
        "text": analysis.text,
    }
