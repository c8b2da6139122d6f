"""Analyses in a result file: ``entry/analysis/<n>``, one NXprocess each, in the order they were added."""

import json
from typing import Any

from xraydaq.errors import StorageError
from xraydaq.storage import nodes
from xraydaq.storage.model import Quantity, StoredAnalysis


def write_analysis(entry: Any, analysis: StoredAnalysis) -> int:
    """Add an analysis behind the others; returns its number, counted from 1.

    Raises:
        StorageError: a name in it cannot be one in a file.
    """
    _check_names(analysis)
    analyses = entry["analysis"]
    index = 1 + max((int(name) for name in analyses), default=0)
    process = nodes.group(analyses, str(index), "NXprocess")
    nodes.text(process, "name", analysis.name)
    nodes.text(process, "program", analysis.program, version=analysis.version)
    nodes.text(process, "version", analysis.version)
    nodes.text(process, "date", analysis.date)
    process["sequence_index"] = index
    nodes.json_note(process, "inputs", analysis.inputs)
    results = nodes.group(process, "results", "NXcollection")
    for name, quantity in analysis.results.items():
        nodes.number(results, name, quantity.value, quantity.unit, quantity.u)
    texts = nodes.group(process, "text", "NXcollection")
    for name, content in analysis.text.items():
        nodes.text(texts, name, content)
    curves = nodes.group(process, "curves", "NXcollection")
    for name, (values, unit) in analysis.curves.items():
        nodes.array(curves, name, values, units=unit)
    return index


def read_analyses(entry: Any) -> dict[int, StoredAnalysis]:
    """Read all analyses, by number."""
    return {int(name): _read(process) for name, process in sorted(entry["analysis"].items(), key=lambda i: int(i[0]))}


def _read(process: Any) -> StoredAnalysis:
    return StoredAnalysis(
        name=process["name"].asstr()[()],
        program=process["program"].asstr()[()],
        version=process["version"].asstr()[()],
        date=process["date"].asstr()[()],
        inputs=json.loads(process["inputs/data"].asstr()[()]),
        results={
            name: Quantity(float(value[()]), float(value.attrs["uncertainty"]), value.attrs["units"])
            for name, value in process["results"].items()
        },
        text={name: value.asstr()[()] for name, value in process["text"].items()},
        curves={name: (value[()], value.attrs["units"]) for name, value in process["curves"].items()},
    )


def _check_names(analysis: StoredAnalysis) -> None:
    for name in (*analysis.results, *analysis.text, *analysis.curves):
        if not name or "/" in name or name.startswith("."):
            raise StorageError(f"analysis {analysis.name}: {name!r} cannot be a name in a file")
