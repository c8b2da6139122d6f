"""Checking one file of any kind."""

from dataclasses import dataclass
from pathlib import Path

from xraydaq.config.bench_checks import bench_problems
from xraydaq.config.calibration import DoseCalibration, calibration_problems
from xraydaq.config.kinds import kind_of, require_kind
from xraydaq.config.load import load_run
from xraydaq.config.models import FILES, Bench, Sample
from xraydaq.config.source import Document, read_document
from xraydaq.config.validate import fields_of, validate
from xraydaq.config.values import Model
from xraydaq.errors import ConfigError


@dataclass(frozen=True)
class Findings:
    """What a check of one file has to say; with a problem nobody asked for the warnings."""

    problems: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def check_file(path: Path) -> Findings:
    """Find every mistake in a bench, sample or recipe file; a recipe is checked with the files it names."""
    try:
        document = read_document(Path(path))
        kind = kind_of(document)
        if kind == "recipe":
            return Findings((), load_run(Path(path)).warnings)
        if kind == "sample":
            return Findings(validate(Sample, document).problems)
        if kind == "calibration":
            return Findings(_calibration_problems(document))
        if kind == "bench":
            _bench_in(document)
            return Findings(())
    except ConfigError as error:
        return Findings(error.problems)
    keys = "; ".join(f"a {each} has {', '.join(_required(model))}" for each, model in FILES.items())
    said = "none of the keys of a recipe, a sample, a bench or a calibration is here"
    return Findings((f"{document.origin(())}: {said}; allowed: {keys}",))


def _calibration_problems(document: Document) -> tuple[str, ...]:
    checked = validate(DoseCalibration, document)
    own = () if checked.problems else calibration_problems(checked.value)
    return (*checked.problems, *(f"{document.origin(())}: {text}" for text in own))


def load_bench(path: Path) -> Bench:
    """Read a bench file on its own.

    Raises:
        ConfigError: with one line for every mistake found.
    """
    document = read_document(path)
    require_kind(document, "bench")
    return _bench_in(document)


def _bench_in(document: Document) -> Bench:
    checked = validate(Bench, document)
    if problems := (*checked.problems, *bench_problems(document, checked)):
        raise ConfigError(*problems)
    return checked.value


def _required(model: type[Model]) -> list[str]:
    return [name for name, field in fields_of(model).items() if field.is_required()]
