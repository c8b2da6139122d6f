"""Checking one file of any kind."""

from pathlib import Path

from xraydaq.config.bench_checks import bench_problems
from xraydaq.config.kinds import kind_of
from xraydaq.config.load import load_run
from xraydaq.config.models import FILES, Bench, Sample
from xraydaq.config.source import read_document
from xraydaq.config.validate import fields_of, validate
from xraydaq.config.values import Model
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
        keys = "; ".join(f"a {each} has {', '.join(_required(model))}" for each, model in FILES.items())
        return [f"{document.origin(())}: none of the keys of a recipe, a sample or a bench is here; allowed: {keys}"]
    return []


def _required(model: type[Model]) -> list[str]:
    return [name for name, field in fields_of(model).items() if field.is_required()]
