"""Checking one file of any kind, and describing all kinds to an editor."""

from pathlib import Path
from typing import Any

from xraydaq.config.bench_checks import bench_problems
from xraydaq.config.kinds import KINDS, kind_of
from xraydaq.config.load import load_run
from xraydaq.config.models import Bench, Sample
from xraydaq.config.source import read_document
from xraydaq.config.validate import fields_of, validate
from xraydaq.errors import ConfigError


def check_file(path: Path) -> list[str]:
    """Get every mistake in a bench, sample or recipe file; a recipe is checked with the files it names."""
    try:
        document = read_document(Path(path))
        kind = kind_of(document)
        if kind == "recipe":
            load_run(Path(path))
        if kind == "sample":
            return list(validate(Sample, document).problems)
        if kind == "bench":
            checked = validate(Bench, document)
            return [*checked.problems, *bench_problems(document, checked)]
    except ConfigError as error:
        return list(error.problems)
    if kind is None:
        keys = "; ".join(f"{each}: {', '.join(fields_of(model))}" for each, model in KINDS.items())
        return [
            f"{document.origin(())}: neither a recipe nor a sample nor a bench: none of their keys is here ({keys})"
        ]
    return []


def json_schema() -> dict[str, Any]:
    """Get the JSON schemas of ``bench``, ``sample`` and ``recipe`` files, by kind."""
    return {kind: model.model_json_schema(by_alias=True) for kind, model in KINDS.items()}
