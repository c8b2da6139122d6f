"""A checked configuration: everything a run is told, and who said it."""

from dataclasses import asdict, dataclass

from xraydaq.config.calibration import DoseCalibration
from xraydaq.config.limits import Limit
from xraydaq.config.models import Bench, Recipe, Sample


@dataclass(frozen=True)
class RunConfig:
    """Recipe, bench and sample of one run, all within every limit."""

    recipe: Recipe
    bench: Bench
    sample: Sample
    limits: tuple[Limit, ...]
    """The tightest limit of each quantity."""

    origins: dict[str, str]
    """``parameters.bias``, ``sample.gap``, ``bench.name`` -> ``file:line``, ``default``, ``--set``, ``--sample``..."""

    texts: dict[str, str]
    """``recipe``, ``recipe.base`` (what it extends), ``sample``, ``bench`` -> the file's text, verbatim."""

    files: dict[str, str]
    """Same keys as `texts` -> name of the file."""

    overrides: tuple[str, ...] = ()
    """The ``--set`` texts, as given."""

    warnings: tuple[str, ...] = ()
    """What may run but should be known: calibration run out, compliance close to the dark current."""

    calibration: DoseCalibration | None = None
    """Of the beam; None where the recipe cites none."""

    def limit(self, quantity: str) -> float:
        """Get the largest allowed size of ``bias`` (V) or ``current`` (A)."""
        return next(each.value for each in self.limits if each.quantity == quantity)

    def resolved(self) -> dict[str, object]:
        """Get everything as plain JSON-able values in SI, for the run's record."""
        return {
            "recipe": self.recipe.model_dump(mode="json"),
            "sample": self.sample.model_dump(mode="json"),
            "bench": self.bench.model_dump(mode="json") | {"simulated": self.bench.simulated},
            "calibration": None if self.calibration is None else self.calibration.model_dump(mode="json"),
            "limits": [asdict(limit) for limit in self.limits],
            "files": dict(self.files),
            "overrides": list(self.overrides),
            "warnings": list(self.warnings),
        }
