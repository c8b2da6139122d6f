"""From files and options to a checked `RunConfig`; nothing is opened but text files."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

from xraydaq.clock import RealClock
from xraydaq.config.bench_checks import bench_problems, calibration_warnings, together_problems
from xraydaq.config.calibration import DoseCalibration, calibration_problems, calibration_remarks
from xraydaq.config.draft import Draft, Part
from xraydaq.config.extends import read_recipe
from xraydaq.config.kinds import kind_of
from xraydaq.config.limits import limits_of, tightest
from xraydaq.config.messages import shown
from xraydaq.config.models import Bench, Recipe, Sample, recipe_model
from xraydaq.config.origins import origins_of
from xraydaq.config.overrides import apply_overrides
from xraydaq.config.recipes.parts import SourceParameters
from xraydaq.config.run_checks import chosen_range_a, run_problems, run_warnings
from xraydaq.config.run_config import RunConfig
from xraydaq.config.shipped import default_bench
from xraydaq.config.source import Document, Origin, find_file, read_document
from xraydaq.config.validate import Checked, validate
from xraydaq.config.values import Model
from xraydaq.errors import ConfigError

M = TypeVar("M", bound=Model)

NOTHING = Document({}, {(): Origin("")})


def load_run(
    recipe: Path,
    *,
    bench: Path | None = None,
    sample: Path | None = None,
    overrides: Sequence[str] = (),
    today: date | None = None,
) -> RunConfig:
    """Read a recipe with its sample and bench and check them against each other and against every limit.

    `bench` and `sample` replace the recipe's; without any bench the simulated one that comes with the program is
    used. `overrides` are ``key=value`` texts. `today` (default: the computer's date, UTC) decides which calibration
    has run out.

    Raises:
        ConfigError: with one line for every mistake found.
    """
    loader = _Loader()
    recipe_document = loader.read_recipe(Path(recipe), bench, sample, overrides)
    checked = loader.check(recipe_model(recipe_document.data.get("procedure")), recipe_document)
    sample_document = loader.follow(recipe_document, checked, "sample", None)
    bench_document = loader.follow(recipe_document, checked, "bench", default_bench())
    calibration_document = loader.follow(recipe_document, checked, "calibration", None)
    draft = loader.draft(recipe_document, checked, sample_document, bench_document, calibration_document)
    limits = tightest(limits_of(draft))
    loader.problems += [*together_problems(draft), *run_problems(draft, limits)]
    if loader.problems:
        raise ConfigError(*loader.problems)
    return RunConfig(
        recipe=_with_range(draft),
        bench=draft.bench,
        sample=draft.sample,
        limits=limits,
        origins=origins_of(draft),
        texts=_named(draft, "texts"),
        files=_named(draft, "files"),
        overrides=tuple(overrides),
        warnings=_warnings(draft, _today() if today is None else today),
        calibration=draft.calibration,
    )


@dataclass
class _Loader:
    problems: list[str] = field(default_factory=list)

    def read_recipe(self, path: Path, bench: Path | None, sample: Path | None, overrides: Sequence[str]) -> Document:
        document = read_recipe(path)
        self.problems += apply_overrides(document, overrides)
        for key, replacement in (("sample", sample), ("bench", bench)):
            if replacement is not None:
                document.put((key,), str(replacement), Origin(f"--{key}", folder=Path.cwd()))
        return document

    def check(self, model: type[M], document: Document | None) -> Checked[M]:
        checked = validate(model, NOTHING if document is None else document)
        self.problems += () if document is None else checked.problems
        return checked

    def follow(self, recipe: Document, checked: Checked[Recipe], key: str, default: Path | None) -> Document | None:
        """Read the sample or bench file a recipe names; None, with its problem noted, when that is impossible."""
        target: str | None = getattr(checked.value, key)
        if (key,) in checked.broken:
            return None
        try:
            path = default if target is None else find_file(target, recipe.origin((key,)), key)
            if path is None:
                return None
            document = read_document(path)
            found = kind_of(document)
            if found not in (None, key):
                said = f"{recipe.origin((key,))}: {key}: {shown(target)}"
                raise ConfigError(f"{said} is a {found} file; allowed: a {key} file")
        except ConfigError as error:
            self.problems += error.problems
            return None
        return document

    def draft(
        self, recipe: Document, checked: Checked[Recipe], sample: Document | None, bench: Document | None,
        calibration: Document | None,
    ) -> Draft:  # fmt: skip
        checked_sample, checked_bench = self.check(Sample, sample), self.check(Bench, bench)
        if bench is not None:
            self.problems += bench_problems(bench, checked_bench)
        parts = {
            "recipe": Part(recipe, checked.broken),
            "sample": Part(sample, checked_sample.broken),
            "bench": Part(bench, checked_bench.broken),
            "calibration": Part(calibration, frozenset()),
        }
        beam = None if calibration is None else self._calibration(calibration)
        return Draft(checked.value, checked_sample.value, checked_bench.value, parts, beam)

    def _calibration(self, document: Document) -> DoseCalibration | None:
        checked = self.check(DoseCalibration, document)
        if checked.problems:
            return None
        self.problems += [f"{document.origin(())}: {text}" for text in calibration_problems(checked.value)]
        return checked.value


def _warnings(draft: Draft, today: date) -> tuple[str, ...]:
    remarks = () if draft.calibration is None else calibration_remarks(draft.calibration, today)
    said = draft.bench.simulated or draft.bench.served_simulation
    kept = [each for each in remarks if not (said and each.endswith("simulated bench"))]
    return (*calibration_warnings(draft, today), *kept, *run_warnings(draft))


def _with_range(draft: Draft) -> Recipe:
    if not isinstance(draft.recipe.parameters, SourceParameters):
        return draft.recipe
    range_a = chosen_range_a(draft.recipe.parameters, draft.sample)
    parameters = draft.recipe.parameters.model_copy(update={"current_range_a": range_a})
    return draft.recipe.model_copy(update={"parameters": parameters})


def _named(draft: Draft, attribute: str) -> dict[str, str]:
    return {
        f"{name}{key}": text
        for name, part in draft.parts.items()
        if part.document is not None
        for key, text in getattr(part.document, attribute).items()
    }


def _today() -> date:
    return datetime.fromtimestamp(RealClock().utc(), UTC).date()
